/* Shell. lockstep verify: disk, index and S3 against each other. */
#include "agent/commands/commands.h"

#include "agent/service/index.h"
#include "base/crc.h"
#include "base/path.h"
#include "uploaders/uploaders.h"
#include "watchers/watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_SIZE    (PATH_BYTES_MAX + S3_KEY_MAX + 2)
#define PIECE_BYTES (256 * 1024)

static const char usage[] =
    "usage: lockstep verify [-c FILE]\n"
    "Compare the trees on disk, the index and the objects in S3; each difference is a line.\n"
    "Exit status: 0 all the same, 1 differences, 4 S3 cannot be reached.\n";

struct verify {
    const struct conf *conf;
    struct index *index;
    uint64_t files, objects, differences;
    char last[KEY_SIZE]; /* the key up to which index and S3 were compared */
    const char *until; /* while walking the index: the key of S3 at which to stop; NULL: the end */
};

/* One difference. */
static void differ(struct verify *v, const char *key, const char *what)
{
    v->differences++;
    command_print_name(key);
    printf(": %s\n", what);
}

/* index_fn: keys that S3 should have listed before `until`. */
static int only_in_index(void *arg, const char *key, const struct known *known)
{
    struct verify *v = arg;

    if (v->until && strcmp(key, v->until) >= 0)
        return 1;
    differ(v, key,
           (known->flags & KNOWN_UNCERTAIN) ? "its transfer was interrupted; not in S3"
                                            : "in the index, not in S3");
    return 0;
}

/* What the index has between the last key and this one is missing in S3. */
static int catch_up(struct verify *v, const char *prefix, const char *until)
{
    int rc;

    v->until = until;
    rc = index_each_under(v->index, prefix, v->last[0] ? v->last : NULL, only_in_index, v);
    return rc < 0 ? rc : 0;
}

struct verify_prefix {
    struct verify *v;
    const char *prefix;
};

/* uploaders_list's callback: one object of S3. */
static int object_seen(void *arg, const struct s3_object *o)
{
    struct verify_prefix *p = arg;
    struct verify *v = p->v;
    struct index_entry e;
    int rc = catch_up(v, p->prefix, o->key);

    if (rc)
        return rc;
    v->objects++;
    snprintf(v->last, sizeof v->last, "%s", o->key);
    rc = index_get(v->index, o->key, &e);
    if (rc == -ENOENT)
        differ(v, o->key, "in S3, not in the index");
    else if (rc)
        return rc;
    else if (o->size != e.known.size || (o->etag[0] && strcmp(o->etag, e.known.etag) != 0))
        differ(v, o->key, "S3 has another object than the index says");
    return 0;
}

/* Is the content of a file what the index says of it? For where the inode or its ctime changed
 * without a trace in the rest, as when another link of the file goes. */
static bool same_content(int root_fd, const char *path, const struct known *known)
{
    char *piece = malloc(PIECE_BYTES);
    uint64_t crc = 0, size = 0;
    int fd = -1;
    ssize_t n = -1;

    if (piece && tree_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd) == 0)
        while ((n = read(fd, piece, PIECE_BYTES)) > 0) {
            crc = crc64nvme(crc, piece, (size_t)n);
            size += (uint64_t)n;
        }
    if (fd >= 0)
        close(fd);
    free(piece);
    return n == 0 && (known->flags & KNOWN_CRC) && size == known->size && crc == known->crc64;
}

/* Does the index know this very file? */
static bool is_known(int root_fd, const char *path, const struct file_stat *st,
                     const struct known *known)
{
    struct known as_seen = *known;

    if (plan_in_step(st, known))
        return true;
    as_seen.ino = st->ino;
    as_seen.ctime_ns = st->ctime_ns;
    return plan_in_step(st, &as_seen) && same_content(root_fd, path, known);
}

/* One listed file against the index. */
static void file_seen(struct verify *v, const struct conf_mapping *m, int root_fd, const char *dir,
                      const struct listing_entry *entry)
{
    char path[PATH_BYTES_MAX + 1], key[KEY_SIZE];
    struct index_entry e;

    if (entry->st.kind == FILE_DIRECTORY || path_join(path, sizeof path, dir, entry->name))
        return;
    v->files++;
    snprintf(key, sizeof key, "%s%s", m->prefix, path);
    if (entry->code)
        differ(v, key, err_name(entry->code));
    else if (index_get(v->index, key, &e))
        differ(v, key, "on disk, not in the index");
    else if (!is_known(root_fd, path, &entry->st, &e.known))
        differ(v, key, "the file is not what the index was made from");
}

/* index_fn: is the file still there? */
struct on_disk {
    struct verify *v;
    int root_fd;
    size_t prefix_len;
};
static int entry_on_disk(void *arg, const char *key, const struct known *known)
{
    struct on_disk *d = arg;
    struct file_stat st;

    (void)known;
    if (tree_stat(d->root_fd, key + d->prefix_len, &st) == 0 && st.kind != FILE_REGULAR)
        differ(d->v, key, "in the index, not on disk");
    return 0;
}

/* Take the hints of one scan of every tree. */
static int verify_scan(struct verify *v, struct watchers *w)
{
    size_t open = v->conf->mapping_count;
    struct pollfd wait = {.fd = watchers_fd(w), .events = POLLIN};
    int rc = 0;

    while (open && (poll(&wait, 1, -1) > 0 || errno == EINTR)) {
        struct hint *h;

        while ((h = watchers_next(w, true))) {
            const struct conf_mapping *m = &v->conf->mappings[h->root];

            if (h->kind == HINT_LISTING)
                for (size_t i = 0; i < h->listing->count; i++)
                    file_seen(v, m, watchers_root_fd(w, h->root), h->path, &h->listing->entries[i]);
            if (h->kind == HINT_SCAN_DONE) {
                open--;
                rc = rc ? rc : h->code;
            }
            hint_free(h);
        }
    }
    return rc;
}

/* Disk against index. */
static int verify_disk(struct verify *v, struct err *e)
{
    struct watch_root *roots = calloc(v->conf->mapping_count, sizeof *roots);
    struct watchers_options opt = {
        .roots = roots, .root_count = v->conf->mapping_count, .scan_only = true};
    struct watchers *w = NULL;
    int rc;

    if (!roots)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    for (size_t i = 0; i < v->conf->mapping_count; i++) {
        const struct conf_mapping *m = &v->conf->mappings[i];

        roots[i].path = m->path;
        roots[i].filter.patterns = (const char *const *)m->exclude;
        roots[i].filter.without_defaults = !m->default_exclude;
    }
    rc = watchers_new(&opt, &w, e);
    free(roots);
    if (rc)
        return rc;
    rc = verify_scan(v, w);
    for (size_t i = 0; i < v->conf->mapping_count && rc == 0; i++) {
        struct on_disk d = {.v = v,
                            .root_fd = watchers_root_fd(w, (unsigned)i),
                            .prefix_len = strlen(v->conf->mappings[i].prefix)};

        rc = index_each_under(v->index, v->conf->mappings[i].prefix, NULL, entry_on_disk, &d);
    }
    watchers_free(w);
    return rc ? err_set(e, rc, "disk", NULL, "it could not all be read: %s", err_name(rc)) : 0;
}

/* Index against S3. */
static int verify_s3(struct verify *v, struct err *e)
{
    struct uploaders_options opt;
    struct uploaders *u = NULL;
    int rc;

    service_uploaders_options(v->conf, &opt);
    rc = uploaders_new(&opt, &u, e);
    for (size_t i = 0; i < v->conf->mapping_count && rc == 0; i++) {
        struct verify_prefix p = {.v = v, .prefix = v->conf->mappings[i].prefix};

        v->last[0] = '\0';
        rc = uploaders_list(u, p.prefix, object_seen, &p, e);
        if (rc == 0)
            rc = catch_up(v, p.prefix, NULL);
    }
    uploaders_free(u);
    return rc;
}

static int verify(const struct conf *conf, struct err *e)
{
    struct verify v = {.conf = conf};
    int rc = index_open(conf->state_dir, true, &v.index, e);

    if (rc == -ENOENT)
        rc = index_open_empty(&v.index, e);
    if (rc == 0)
        rc = verify_disk(&v, e);
    if (rc == 0)
        rc = verify_s3(&v, e);
    index_close(v.index);
    if (rc) {
        if (!e->code)
            err_set(e, rc, NULL, NULL, "it could not be verified: %s", err_name(rc));
        return EXIT_UNREACHED;
    }
    printf("%" PRIu64 " files, %" PRIu64 " objects, %" PRIu64 " differences\n", v.files, v.objects,
           v.differences);
    return v.differences ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}

int command_verify(int argc, char **argv)
{
    struct command_options opt;
    struct err e = {0};
    int status = command_begin(argc, argv, usage, 0, 0, &opt);

    if (status >= 0)
        return status;
    status = verify(opt.conf, &e);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
