/* Shell. Sorting more than memory holds. See spill.h.
 *
 * Memory holds the entries, each behind its length, from the front, and their places from the back.
 * When it is full they are sorted and become a run in the file. In the end a heap of runs, each
 * with a piece of that memory to read ahead, gives the smallest entry of all. */
#include "agent/service/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LENGTH sizeof(uint32_t)

/* A sorted part of the file, as it is read. */
struct run {
    off_t start;   /* where it begins in the file */
    off_t at, end; /* what is still there */
    char *room;    /* its piece of the memory */
    size_t size, begin, filled;
    struct span entry; /* the next one; its bytes are in `room` */
};

struct spill {
    char *memory;
    size_t size, used;  /* bytes of entries at the front */
    size_t count, next; /* of entries in memory; handed out */
    int fd;             /* -1: nothing was spilled */
    off_t written;
    struct run *runs; /* those of the heap in its order */
    size_t run_count, run_room, heap;
    bool taken; /* the heap's first was handed out */
};

int spill_new(size_t memory_bytes, struct spill **ret)
{
    struct spill *s = calloc(1, sizeof *s);

    if (!s)
        return -ENOMEM;
    s->size = memory_bytes / sizeof(char *) * sizeof(char *);
    s->fd = -1;
    s->memory = malloc(s->size);
    if (!s->memory) {
        free(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        (void)close(s->fd); /* it has no name, nobody reads it any more */
    free(s->runs);
    free(s->memory);
    free(s);
}

uint64_t spill_spilled(const struct spill *s)
{
    return (uint64_t)s->written;
}

/* The places of the entries in memory: the last one that came stands first. */
static char **places(const struct spill *s)
{
    return (char **)(void *)(s->memory + s->size) - s->count;
}

/* The entry at a place. */
static struct span entry_at(const char *place)
{
    uint32_t n;

    memcpy(&n, place, LENGTH);
    return (struct span){place + LENGTH, n};
}

/* By bytes, then by length. */
static int compare(struct span a, struct span b)
{
    const int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* The same of places, for qsort. */
static int compare_places(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return compare(entry_at(*x), entry_at(*y));
}

static void sort_memory(struct spill *s)
{
    if (s->count > 1)
        qsort(places(s), s->count, sizeof(char *), compare_places);
}

/* A file that is gone with us. 0 or -errno. */
static int open_file(struct spill *s, struct err *e)
{
    const char *dir = getenv("TMPDIR");
    char path[4096];

    dir = dir && dir[0] ? dir : "/var/tmp";
    s->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (s->fd < 0 && (size_t)snprintf(path, sizeof path, "%s/lockstep-XXXXXX", dir) < sizeof path) {
        s->fd = mkostemp(path, O_CLOEXEC); /* not every file system has files without names */
        if (s->fd >= 0)
            (void)unlink(path); /* else it stays: nothing else is lost */
    }
    if (s->fd < 0)
        return err_set(e, -errno, dir, "set TMPDIR to a directory with room",
                       "no temporary file can be made: %s", err_name(-errno));
    return 0;
}

/* Write all of it behind what is there. 0 or -errno. */
static int write_all(struct spill *s, const char *p, size_t n, struct err *e)
{
    while (n > 0) {
        ssize_t done = pwrite(s->fd, p, n, s->written);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return err_set(e, -errno, "the temporary file", "set TMPDIR to a directory with room",
                           "cannot be written: %s", err_name(-errno));
        s->written += done;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* One more run, as long as what follows. */
static struct run *add_run(struct spill *s)
{
    if (s->run_count == s->run_room) {
        const size_t room = s->run_room ? s->run_room * 2 : 16;
        struct run *runs = reallocarray(s->runs, room, sizeof *runs);

        if (!runs)
            return NULL;
        s->runs = runs;
        s->run_room = room;
    }
    s->runs[s->run_count] = (struct run){.start = s->written, .end = s->written};
    return &s->runs[s->run_count++];
}

/* What is in memory becomes a run. */
static int write_run(struct spill *s, struct err *e)
{
    static const size_t piece = 65536;
    struct run *run = add_run(s);
    char *const *list = places(s);
    struct buf out;
    int rc = run ? 0 : err_set(e, -ENOMEM, NULL, NULL, "out of memory");

    if (rc == 0 && s->fd < 0)
        rc = open_file(s, e);
    buf_init(&out, 2 * piece + LENGTH);
    sort_memory(s);
    for (size_t i = 0; i < s->count && rc == 0; i++) {
        if (buf_append(&out, list[i], LENGTH + entry_at(list[i]).n))
            rc = err_set(e, -ENOMEM, NULL, NULL, "out of memory");
        if (rc == 0 && (out.len >= piece || i + 1 == s->count)) {
            rc = write_all(s, out.data, out.len, e);
            buf_reset(&out);
        }
    }
    buf_release(&out);
    if (rc == 0)
        run->end = s->written;
    s->count = s->used = 0;
    return rc;
}

int spill_add(struct spill *s, struct span entry, struct err *e)
{
    const uint32_t n = (uint32_t)entry.n;
    const size_t need = LENGTH + entry.n;
    int rc = 0;

    if (entry.n > SPILL_ENTRY_MAX)
        return err_set(e, ERR_LIMIT, NULL, NULL, "an entry of %zu bytes is too long", entry.n);
    if (s->used + need + (s->count + 1) * sizeof(char *) > s->size)
        rc = write_run(s, e);
    if (rc)
        return rc;
    memcpy(s->memory + s->used, &n, LENGTH);
    memcpy(s->memory + s->used + LENGTH, entry.p, entry.n);
    s->count++;
    places(s)[0] = s->memory + s->used;
    s->used += need;
    return 0;
}

/* The run's next bytes from the file, behind those that are left. */
static int fill(struct spill *s, struct run *r, struct err *e)
{
    const size_t left = r->filled - r->begin;

    memmove(r->room, r->room + r->begin, left);
    r->begin = 0;
    r->filled = left;
    while (r->filled < r->size && r->at < r->end) {
        size_t want = r->size - r->filled;
        ssize_t n;

        if ((off_t)want > r->end - r->at)
            want = (size_t)(r->end - r->at);
        n = pread(s->fd, r->room + r->filled, want, r->at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, n < 0 ? -errno : ERR_CORRUPT, "the temporary file", NULL,
                           "cannot be read: %s", err_name(n < 0 ? -errno : ERR_CORRUPT));
        r->filled += (size_t)n;
        r->at += n;
    }
    return 0;
}

/* The run's next entry. 1, 0 at its end, or a negative code. */
static int step(struct spill *s, struct run *r, struct err *e)
{
    size_t have = r->filled - r->begin;
    int rc;

    if (have < LENGTH || have - LENGTH < entry_at(r->room + r->begin).n) {
        rc = fill(s, r, e);
        if (rc)
            return rc;
        have = r->filled;
        if (have == 0)
            return 0;
        if (have < LENGTH || have - LENGTH < entry_at(r->room).n)
            return err_set(e, ERR_CORRUPT, "the temporary file", NULL,
                           "it is not what was written");
    }
    r->entry = entry_at(r->room + r->begin);
    r->begin += LENGTH + r->entry.n;
    return 1;
}

/* Put the run at `i` where it belongs among those below it. */
static void sift_down(struct spill *s, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < s->heap; i = child) {
        struct run *runs = s->runs, swap;

        if (child + 1 < s->heap && compare(runs[child + 1].entry, runs[child].entry) < 0)
            child++;
        if (compare(runs[i].entry, runs[child].entry) <= 0)
            return;
        swap = runs[i];
        runs[i] = runs[child];
        runs[child] = swap;
    }
}

/* Begin to read all runs at their beginnings. */
static int begin_runs(struct spill *s, struct err *e)
{
    const size_t piece = s->size / s->run_count;
    int rc = 0;

    s->heap = s->run_count;
    s->taken = false;
    for (size_t i = 0; i < s->run_count && rc == 0; i++) {
        struct run *r = &s->runs[i];

        *r = (struct run){.start = r->start,
                          .at = r->start,
                          .end = r->end,
                          .room = s->memory + i * piece,
                          .size = piece};
        rc = step(s, r, e);
        rc = rc == 1 ? 0 : rc == 0 ? ERR_CORRUPT : rc; /* no run is empty */
    }
    for (size_t i = s->heap / 2; i > 0 && rc == 0; i--)
        sift_down(s, i - 1);
    return rc;
}

int spill_sort(struct spill *s, struct err *e)
{
    int rc;

    if (s->fd < 0) {
        sort_memory(s);
        return 0;
    }
    rc = s->count ? write_run(s, e) : 0;
    if (rc == 0 && s->size / s->run_count < SPILL_ENTRY_MAX + LENGTH)
        rc = err_set(e, ERR_LIMIT, "the journal", NULL, "it is too long to be sorted: %zu runs",
                     s->run_count);
    return rc ? rc : begin_runs(s, e);
}

int spill_rewind(struct spill *s, struct err *e)
{
    s->next = 0;
    return s->fd < 0 ? 0 : begin_runs(s, e);
}

/* The smallest of all runs. */
static int next_of_runs(struct spill *s, struct span *ret, struct err *e)
{
    int rc = s->taken ? step(s, &s->runs[0], e) : 1;

    if (rc < 0)
        return rc;
    if (rc == 0) {
        const struct run ended = s->runs[0];

        s->runs[0] = s->runs[--s->heap];
        s->runs[s->heap] = ended; /* spill_rewind needs it */
    }
    if (s->taken)
        sift_down(s, 0);
    s->taken = s->heap > 0;
    if (s->taken)
        *ret = s->runs[0].entry;
    return s->taken;
}

int spill_next(struct spill *s, struct span *ret, struct err *e)
{
    if (s->fd >= 0)
        return s->heap ? next_of_runs(s, ret, e) : 0;
    if (s->next == s->count)
        return 0;
    *ret = entry_at(places(s)[s->next++]);
    return 1;
}
