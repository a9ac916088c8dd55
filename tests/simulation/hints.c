/* Shell. In place of the watchers: looks at a real tree, told when the schedule wants. */
#include "tests/simulation/sim.h"

#include "base/clock.h"
#include "base/log.h"
#include "watchers/hints.h"
#include "watchers/identity.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOTS 2
#define LOOKS 64
#define SCANS 16

/* Listings of a root: one directory after the other, then the end. */
struct scan {
    unsigned root;
    enum hint_kind end;
    char path[SIM_PATH_SIZE];
    size_t next; /* of directories[] */
    int64_t from_ms;
};

struct watchers {
    int fd[ROOTS];
    char path[ROOTS][SIM_PATH_SIZE];
    struct watch_filter filter[ROOTS];
    struct watch_stats stats[ROOTS];
    struct hint_list events, lane, told; /* lane: listings that were made, and ends of scans */
    size_t event_count, lane_count;
    uint64_t said; /* events */
    struct hint *looks[LOOKS];
    size_t look_count;
    struct scan scans[SCANS];
    size_t scan_count;
};

static const char *const directories[] = {"", "a", "b"};
static struct watchers *running; /* NULL: no agent is */

static struct hint *hint(enum hint_kind kind, unsigned root, const char *path, const char *path2)
{
    struct hint *h = hint_new(kind, root, path, path2);

    if (!h)
        abort();
    return h;
}

static void scan(struct watchers *w, unsigned root, const char *path, enum hint_kind end)
{
    struct scan *s = &w->scans[w->scan_count];

    if (w->scan_count++ == SCANS)
        abort();
    *s = (struct scan){.root = root, .end = end, .from_ms = clock_mono_ms()};
    snprintf(s->path, sizeof s->path, "%s", path);
    w->stats[root].scanning = true;
}

int watchers_new(const struct watchers_options *opt, struct watchers **ret, struct err *e)
{
    struct watchers *w = calloc(1, sizeof *w);

    if (!w || opt->root_count > ROOTS)
        abort();
    for (unsigned i = 0; i < opt->root_count; i++) {
        int rc = tree_open_root(opt->roots[i].path, &w->fd[i]);

        if (rc)
            return err_set(e, rc, opt->roots[i].path, NULL, "it cannot be opened");
        snprintf(w->path[i], sizeof w->path[i], "%s", opt->roots[i].path);
        w->filter[i] = opt->roots[i].filter;
        scan(w, i, "", HINT_SCAN_DONE);
    }
    *ret = running = w;
    return 0;
}

void watchers_free(struct watchers *w)
{
    if (!w)
        return;
    hint_list_release(&w->events);
    hint_list_release(&w->lane);
    hint_list_release(&w->told);
    for (size_t i = 0; i < w->look_count; i++)
        hint_free(w->looks[i]);
    for (unsigned i = 0; i < ROOTS; i++)
        close(w->fd[i]);
    running = NULL;
    free(w);
}

int watchers_fd(const struct watchers *w)
{
    (void)w;
    return -1;
}

struct hint *watchers_next(struct watchers *w, bool want_listings)
{
    (void)want_listings;
    return hint_list_pop(&w->told);
}

int watchers_observe(struct watchers *w, unsigned root, const char *path)
{
    if (w->look_count == LOOKS)
        abort();
    w->looks[w->look_count++] = hint(HINT_OBSERVED, root, path, NULL);
    return 0;
}

void watchers_look(struct watchers *w)
{
    (void)w; /* when each look is made is the schedule's */
}

int watchers_glance(struct watchers *w, unsigned root)
{
    scan(w, root, "", HINT_PASS_DONE);
    return 0;
}

int watchers_rescan(struct watchers *w, unsigned root, const char *path)
{
    scan(w, root, path, HINT_SCAN_DONE);
    return 0;
}

int watchers_mark(struct watchers *w, uint64_t number)
{
    (void)w, (void)number;
    return 0;
}

int watchers_root_fd(const struct watchers *w, unsigned root)
{
    return w->fd[root];
}

void watchers_stats(struct watchers *w, unsigned root, struct watch_stats *ret)
{
    *ret = w->stats[root];
}

void watchers_budget(struct watchers *w, struct watch_budget *ret)
{
    (void)w;
    *ret = (struct watch_budget){0};
}

bool watchers_busy(struct watchers *w)
{
    return w->event_count > 0 || w->scan_count > 0 || w->lane_count > 0;
}

uint64_t watchers_rounds(struct watchers *w)
{
    (void)w;
    return 0;
}

bool watchers_others_write(const struct root_identity *id)
{
    (void)id;
    return false;
}

bool watchers_same_root(const struct root_identity *a, const struct root_identity *b)
{
    return identity_same_tree(a, b);
}

void hints_event(enum hint_kind kind, unsigned root, const char *path, const char *path2)
{
    if (!running)
        return;
    hint_list_add_take(&running->events, hint(kind, root, path, path2));
    running->event_count++;
}

size_t hints_count(void)
{
    return (running->event_count > 0) + (running->lane_count > 0) + running->look_count +
           running->scan_count;
}

size_t hints_untold(void)
{
    return running->event_count;
}

/* A name of the directory goes into the listing. */
static void list_name(const struct watchers *w, unsigned root, const char *directory, int fd,
                      const char *name, struct listing *l)
{
    char path[2 * SIM_PATH_SIZE];
    struct listing_entry *entry = &l->entries[l->count];

    snprintf(path, sizeof path, "%s%s%s", directory, directory[0] ? "/" : "", name);
    if (name[0] == '.' || l->count == LOOKS || watch_filter_excludes(&w->filter[root], path))
        return;
    entry->name = l->names + l->count * SIM_PATH_SIZE;
    snprintf(l->names + l->count * SIM_PATH_SIZE, SIM_PATH_SIZE, "%s", name);
    entry->code = tree_stat_at(fd, name, &entry->st);
    l->count++;
}

/* HINT_LISTING of what the directory holds now; NULL: there is none. */
static struct hint *list(struct watchers *w, unsigned root, const char *directory)
{
    char path[2 * SIM_PATH_SIZE];
    struct hint *h = hint(HINT_LISTING, root, directory, NULL);
    struct dirent *d;
    DIR *dir;

    snprintf(path, sizeof path, "%s/%s", w->path[root], directory);
    dir = opendir(path);
    h->is_directory = true;
    h->listing = calloc(1, sizeof *h->listing);
    if (!dir || !h->listing) {
        hint_free(h);
        return NULL;
    }
    h->listing->entries = calloc(LOOKS, sizeof *h->listing->entries);
    h->listing->names = calloc(LOOKS, SIM_PATH_SIZE);
    if (!h->listing->entries || !h->listing->names)
        abort();
    while ((d = readdir(dir)))
        list_name(w, root, directory, dirfd(dir), d->d_name, h->listing);
    closedir(dir);
    h->listing->complete = true;
    listing_sort(h->listing);
    return h;
}

static bool is_within(const char *directory, const char *path)
{
    size_t n = strlen(path);

    return n == 0 || (strncmp(directory, path, n) == 0 && strchr("/", directory[n]));
}

/* The next directory of a scan, or its end. */
static void scan_on(struct watchers *w, size_t at)
{
    struct scan *s = &w->scans[at];
    struct watch_stats *stats = &w->stats[s->root];
    struct hint *h = NULL;

    while (!h && s->next < sizeof directories / sizeof *directories) {
        const char *directory = directories[s->next++];

        if (is_within(directory, s->path) && (s->root == 0 || !directory[0]))
            h = list(w, s->root, directory);
    }
    if (!h) {
        h = hint(s->end, s->root, s->path, NULL);
        if (!s->path[0]) {
            stats->names_from_ms = s->from_ms;
            stats->names_ms = clock_mono_ms();
            stats->seen_from_ms = stats->names_from_ms;
            stats->seen_ms = stats->last_scan_ms = stats->names_ms;
            stats->scans++;
        }
        stats->scanning = false;
        w->scan_count--;
        memmove(s, s + 1, (w->scan_count - at) * sizeof *s);
        for (size_t i = 0; i < w->scan_count; i++)
            w->stats[w->scans[i].root].scanning = true;
    }
    h->number = w->said;
    w->lane_count++;
    hint_list_add_take(&w->lane, h);
}

/* The oldest listing is taken; events may have overtaken it. */
static void lane_on(struct watchers *w)
{
    struct hint *h = hint_list_pop(&w->lane);

    w->lane_count--;
    log_debug("simulation: listing %d of \"%s\"", (int)h->kind, h->path);
    h->doubtful = h->number < w->said;
    hint_list_add_take(&w->told, h);
}

void hints_tell(size_t at)
{
    struct watchers *w = running;
    struct hint *h;

    if (w->event_count > 0) {
        if (at == 0) {
            h = hint_list_pop(&w->events);
            log_debug("simulation: event %d %s %s", (int)h->kind, h->path,
                      h->path2 ? h->path2 : "");
            hint_list_add_take(&w->told, h);
            w->event_count--;
            w->said++;
            return;
        }
        at--;
    }
    if (w->lane_count > 0) {
        if (at == 0) {
            lane_on(w);
            return;
        }
        at--;
    }
    if (at >= w->look_count) {
        scan_on(w, at - w->look_count);
        return;
    }
    h = w->looks[at];
    w->look_count--;
    memmove(w->looks + at, w->looks + at + 1, (w->look_count - at) * sizeof *w->looks);
    h->code = tree_stat(w->fd[h->root], h->path, &h->st);
    h->is_directory = h->code == 0 && h->st.kind == FILE_DIRECTORY;
    log_debug("simulation: look at %s: inode %" PRIu64, h->path,
              h->code == 0 ? h->st.ino : UINT64_C(0));
    hint_list_add_take(&w->told, h);
}
