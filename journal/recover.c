/*
 * Opening a journal: the lock, and what the last writer left behind. Shell.
 *
 * Only the last segment is ever changed, and of it only bytes that no valid commit line follows.
 */
#include "journal/walk.h"
#include "journal/writer.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB                 (UINT64_C(1) << 20)
#define DEFAULT_SEGMENT     (64 * MIB)
#define DEFAULT_SEGMENT_AGE INT64_C(86400000)
#define DEFAULT_BATCH       (1 * MIB)
#define DEFAULT_FLUSH_MS    5
#define DEFAULT_SYNC_MS     1000
#define DEFAULT_CHECKPOINT  60000
#define DEFAULT_REST        3600000
#define DEFAULT_BALLAST     (16 * MIB)
#define RESERVE_MIN         (UINT64_C(64) << 10)
#define RESERVE_MAX         (8 * MIB)
#define HELD_MAX            (32u << 20) /* more than HELD_SYNC and two of the largest batches */
#define LOCK_NAME           "lock"
#define TORN_SIZE           (JOURNAL_FILE_SIZE + 40)
#define TORN_MAX            100 /* files cut from one segment at one offset */
#define COPY_BYTES          16384

/* Copy an option's text, cut at what a header has room for. */
static const char *copy_text(char out[JOURNAL_NAME_MAX + 1], const char *text)
{
    snprintf(out, JOURNAL_NAME_MAX + 1, "%s", text ? text : "");
    return out;
}

/* The options with their defaults. */
static void take_options(struct journal *j, const struct journal_options *opt)
{
    struct journal_options o = *opt;
    uint64_t chunk;

    o.segment_bytes = o.segment_bytes ? o.segment_bytes : DEFAULT_SEGMENT;
    o.segment_age_ms = o.segment_age_ms ? o.segment_age_ms : DEFAULT_SEGMENT_AGE;
    o.batch_bytes = o.batch_bytes ? o.batch_bytes : DEFAULT_BATCH;
    if (o.batch_bytes > JOURNAL_BATCH_MAX / 2)
        o.batch_bytes = JOURNAL_BATCH_MAX / 2;
    o.flush_ms = o.flush_ms ? o.flush_ms : DEFAULT_FLUSH_MS;
    o.sync_ms = o.sync_ms ? o.sync_ms : DEFAULT_SYNC_MS;
    o.ballast_bytes = o.ballast_bytes ? o.ballast_bytes : DEFAULT_BALLAST;
    o.checkpoint_ms = o.checkpoint_ms ? o.checkpoint_ms : DEFAULT_CHECKPOINT;
    o.rest_ms = o.rest_ms ? o.rest_ms : DEFAULT_REST;
    o.host = copy_text(j->host, opt->host);
    o.boot = copy_text(j->boot, opt->boot);
    o.version = copy_text(j->version, opt->version);
    j->opt = o;
    chunk = o.segment_bytes / 8;
    chunk = chunk < RESERVE_MIN ? RESERVE_MIN : chunk;
    j->reserve_chunk = chunk > RESERVE_MAX ? RESERVE_MAX : chunk;
}

/* Make the directory if it is missing, durable in its parent; open it. 0 or -errno. */
static int open_dir(const char *dir, int *ret_fd, struct err *e)
{
    bool made = mkdir(dir, 0700) == 0;
    int parent, rc;

    if (!made && errno != EEXIST)
        return err_set(e, -errno, dir, "a directory whose parent exists and can be written",
                       "cannot make the journal's directory: %s", err_name(-errno));
    rc = journal_dir_open(dir, ret_fd, e);
    if (rc || !made)
        return rc;
    parent = openat(*ret_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent >= 0) {
        if (fsync(parent))
            rc = -errno;
        close(parent);
    }
    if (rc) {
        close(*ret_fd);
        (void)err_set(e, rc, dir, "", "cannot make the directory durable: %s", err_name(rc));
    }
    return rc;
}

/* Keep other writers out. 0, -EBUSY, -errno. */
static int take_lock(struct journal *j, const char *dir, struct err *e)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc;

    j->lock_fd = openat(j->dir_fd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (j->lock_fd < 0)
        return err_set(e, -errno, dir, "", "cannot open its lock: %s", err_name(-errno));
    if (fcntl(j->lock_fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    rc = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
    if (rc == -EBUSY)
        return err_set(e, rc, dir, "one writer for each journal", "another process writes here");
    return err_set(e, rc, dir, "", "cannot lock it: %s", err_name(rc));
}

/* A random UUID, RFC 9562 version 4. 0 or -errno. */
static int make_uuid(char out[JOURNAL_UUID_SIZE])
{
    static const int group_ends[] = {4, 6, 8, 10, 16};
    uint8_t b[16];
    char hex[2 * sizeof(b) + 1];
    int from = 0;
    int n = 0;

    if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
        return errno ? -errno : -EIO;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    hex_encode(b, sizeof(b), hex);
    for (size_t i = 0; i < sizeof(group_ends) / sizeof(group_ends[0]); i++) {
        n += snprintf(out + n, JOURNAL_UUID_SIZE - (size_t)n, "%s%.*s", i ? "-" : "",
                      2 * (group_ends[i] - from), hex + 2 * from);
        from = group_ends[i];
    }
    return 0;
}

/* A new file for what is cut from `name` at this offset; never one that exists. */
static int create_torn(int dir_fd, struct journal_name name, uint64_t at, char torn[TORN_SIZE],
                       int *ret_fd)
{
    char file[JOURNAL_FILE_SIZE];
    int fd = -1;

    journal_name_format(name, file);
    for (int i = 0; i < TORN_MAX && fd < 0; i++) {
        if (i == 0)
            snprintf(torn, TORN_SIZE, "%s.%" PRIu64 ".torn", file, at);
        else
            snprintf(torn, TORN_SIZE, "%s.%" PRIu64 ".%d.torn", file, at, i);
        fd = openat(dir_fd, torn, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    if (fd < 0)
        return -errno;
    *ret_fd = fd;
    return 0;
}

/* Copy everything from `at` on, hashing it. 0 or -errno. */
static int copy_tail(int from_fd, uint64_t at, int to_fd, struct journal_repair *repair)
{
    struct sha256 sha;
    char bytes[COPY_BYTES];
    uint64_t done = 0;
    ssize_t n;

    sha256_begin(&sha);
    while ((n = pread(from_fd, bytes, sizeof(bytes), (off_t)(at + done))) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        for (ssize_t put = 0, w; put < n; put += w) {
            w = write(to_fd, bytes + put, (size_t)(n - put));
            if (w < 0 && errno != EINTR)
                return -errno;
            w = w < 0 ? 0 : w;
        }
        sha256_add(&sha, bytes, (size_t)n);
        done += (uint64_t)n;
    }
    sha256_end(&sha, repair->sha);
    repair->at = at;
    repair->cut = done;
    return fsync(to_fd) ? -errno : 0;
}

/* Save what follows `at` in a file beside the segment, durably. 0 or -errno, and no file. */
static int save_tail(struct journal *j, int fd, struct journal_name name, uint64_t at,
                     struct journal_repair *repair)
{
    char torn[TORN_SIZE];
    int torn_fd = -1;
    int rc = create_torn(j->dir_fd, name, at, torn, &torn_fd);

    if (rc)
        return rc;
    rc = copy_tail(fd, at, torn_fd, repair);
    if (rc == 0 && fsync(j->dir_fd))
        rc = -errno;
    close(torn_fd);
    if (rc)
        (void)unlinkat(j->dir_fd, torn, 0); /* half a copy helps nobody; nothing was cut */
    return rc;
}

/* Save what follows the last good batch beside the segment, then cut it off. 0 or -errno. */
static int cut_tail(struct journal *j, struct journal_name name, uint64_t at,
                    struct journal_repair *repair)
{
    char file[JOURNAL_FILE_SIZE];
    int fd = openat(j->dir_fd, journal_name_format(name, file), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    int rc;

    if (fd < 0)
        return -errno;
    rc = save_tail(j, fd, name, at, repair);
    if (journal_is_full(rc)) {
        journal_ballast_release(j->dir_fd);
        rc = save_tail(j, fd, name, at, repair);
    }
    if (rc == 0 && (ftruncate(fd, (off_t)at) || fdatasync(fd)))
        rc = -errno;
    close(fd);
    return rc;
}

/* Put away a last segment that holds not one good batch. 0 or -errno. */
static int put_away(struct journal *j, struct journal_name name, uint64_t size,
                    struct journal_repair *repair)
{
    char file[JOURNAL_FILE_SIZE];
    int rc = size ? cut_tail(j, name, 0, repair) : 0;

    if (rc == 0 && unlinkat(j->dir_fd, journal_name_format(name, file), 0))
        rc = -errno;
    if (rc == 0 && fsync(j->dir_fd))
        rc = -errno;
    return rc;
}

/* Hold the last segment against the rules, beginning with the newest one whose header can be read.
 * 0 or -errno. */
static int audit_last(struct journal *j, const struct journal_list *list, struct journal_audit *a,
                      uint64_t *ret_size)
{
    size_t i = list->count;
    struct journal_header h;
    int rc = ERR_CORRUPT;

    while (i > 0 && (rc == ERR_CORRUPT || rc == -ENODATA)) {
        rc = journal_walk_header(j->dir_fd, list->names[--i], &a->store, &h);
        if (rc == 0)
            j->segment.born_us = h.time_us;
    }
    if (rc == ERR_CORRUPT || rc == -ENODATA)
        rc = 0;
    a->trust_first = true;
    for (; rc == 0 && i < list->count; i++)
        rc = journal_walk_audit(j->dir_fd, list->names[i],
                                i + 1 < list->count ? &list->names[i + 1] : NULL, a, ret_size);
    return rc ? rc : a->version;
}

/* Is the last segment a compressed one? Then the one that followed it is lost. It was closed, so it
 * stays as it is. */
static bool last_is_packed(const struct journal *j, const struct journal_list *list)
{
    return list->count && journal_content_is_packed(j->dir_fd, list->names[list->count - 1]);
}

/* The segment to write to: the last one, or a new one. 0 or a negative code. */
static int begin_segment(struct journal *j, const struct journal_audit *a,
                         const struct journal_list *list, bool anew)
{
    struct journal_header header;
    struct journal_name last = {0};
    char previous[JOURNAL_FILE_SIZE] = "";
    int rc;

    if (list->count) {
        last = list->names[list->count - 1];
        journal_name_format(last, previous);
    }
    if (list->count && !last_is_packed(j, list)) {
        rc = journal_segment_open(j->dir_fd, last, a->good_end, j->segment.born_us, &j->segment);
        if (rc || !anew)
            return rc;
        journal_segment_drop(&j->segment);
    }
    journal_header_of(j, &j->head, previous, list->count ? a->good_end : 0, &header);
    rc = journal_segment_create(j->dir_fd, &header, &j->head, &j->segment);
    if (journal_is_full(rc)) {
        journal_ballast_release(j->dir_fd);
        rc = journal_segment_create(j->dir_fd, &header, &j->head, &j->segment);
    }
    return rc;
}

/* The note of a repair, durable. 0 or a negative code. */
static int note_repair(struct journal *j, const struct journal_repair *repair)
{
    struct buf line;
    int rc;

    buf_init(&line, JOURNAL_LINE_MAX);
    rc = journal_repair_encode(repair, &line);
    if (rc == 0)
        rc = journal_put_line(j, (struct span){line.data, line.len});
    if (rc == 0)
        rc = journal_sync(j);
    buf_release(&line);
    return rc;
}

/* Drop last segments without a good batch, cut the torn tail, stand behind the last good batch.
 * 0 or a negative code. */
static int recover(struct journal *j, struct journal_list *list, struct journal_audit *a,
                   struct journal_recovery *found)
{
    struct journal_repair repair = {0};
    uint64_t size = 0, first = 1;
    int rc;

    found->fresh = list->count == 0;
    while ((rc = audit_last(j, list, a, &size)) == 0 && list->count && a->good_end == 0) {
        if (last_is_packed(j, list))
            return ERR_CORRUPT;
        first = list->names[list->count - 1].first;
        rc = put_away(j, list->names[--list->count], size, &repair);
        if (rc)
            return rc;
        found->torn_bytes += size;
        journal_audit_release(a);
        journal_audit_init(a, NULL, NULL);
    }
    if (rc)
        return rc;
    if (list->count && a->damage) {
        found->corrupt_segments = 1;
    } else if (list->count && size > a->good_end && !last_is_packed(j, list)) {
        rc = cut_tail(j, list->names[list->count - 1], a->good_end, &repair);
        found->torn_bytes += size - a->good_end;
    }
    if (rc == 0 && a->uuid[0])
        memcpy(j->uuid, a->uuid, sizeof(j->uuid));
    else if (rc == 0)
        rc = make_uuid(j->uuid);
    if (rc)
        return rc;
    j->head = a->head;
    if (list->count == 0)
        j->head.next_seq = first;
    rc = begin_segment(j, a, list, list->count == 0 || a->damage || last_is_packed(j, list));
    if (rc)
        return rc;
    j->next_seq = j->head.next_seq;
    j->durable = j->head;
    j->lines = j->durable_lines = j->head.tree.count;
    j->durable_size = j->segment.size;
    return repair.cut ? note_repair(j, &repair) : 0;
}

/* An empty writer, nothing open. NULL without memory. */
static struct journal *journal_new(const struct journal_options *opt, int64_t now_us)
{
    struct journal *j = calloc(1, sizeof(*j));

    if (!j)
        return NULL;
    j->dir_fd = -1;
    j->lock_fd = -1;
    j->segment.fd = -1;
    j->now_us = now_us;
    j->head.next_seq = 1;
    buf_init(&j->held, HELD_MAX);
    take_options(j, opt);
    return j;
}

int journal_open(const char *dir, const struct journal_options *opt, int64_t now_us,
                 struct journal **ret, struct journal_recovery *ret_recovery, struct err *e)
{
    struct journal_recovery found = {0};
    struct journal_list list = {NULL, 0};
    struct journal_audit audit;
    struct journal *j = journal_new(opt, now_us);
    int rc;

    if (!j)
        return err_set(e, -ENOMEM, dir, "", "no memory");
    journal_audit_init(&audit, NULL, NULL);
    rc = open_dir(dir, &j->dir_fd, e);
    if (rc == 0)
        rc = take_lock(j, dir, e);
    if (rc)
        goto out;
    rc = journal_list_read(j->dir_fd, &list);
    if (rc == 0)
        rc = recover(j, &list, &audit, &found);
    if (rc) {
        (void)err_set(e, rc, dir, rc == ERR_VERSION ? "a program of the version that wrote it" : "",
                      "cannot recover the journal: %s", err_name(rc));
        goto out;
    }
    if (j->opt.ballast_bytes != JOURNAL_NO_BALLAST)
        j->degraded = journal_ballast_make(j->dir_fd, j->opt.ballast_bytes) != 0;
    j->degraded_us = now_us;
    found.next_seq = j->next_seq;
    *ret = j;
    *ret_recovery = found;
    j = NULL;
out:
    journal_audit_release(&audit);
    journal_list_release(&list);
    (void)journal_close(j); /* nothing was appended */
    return rc;
}
