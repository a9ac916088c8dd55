/* Shell. The newest checkpoint of a log that lies in S3, and its segments. */
#include "agent/commands/journal_fetch.h"

#include "agent/commands/commands.h"
#include "journal/checkpoint.h"
#include "journal/frame.h"
#include "journal/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEME       "s3://"
#define NAME_MAX_S   191          /* of a bucket, or an access point's ARN */
#define SEGMENT_MOST (512u << 20) /* bytes of a segment to fetch */
#define FURTHER      64           /* each look back goes so many times as far as the last */

/* Where to look. */
struct place {
    char bucket[NAME_MAX_S + 1];
    char folder[JOURNAL_PLACE_SIZE];
};

bool journal_fetch_is_address(const char *text)
{
    return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

/* "s3://bucket/prefix" and the log below it, unless the prefix ends with it already. */
static int parse(const char *address, const char *log, struct place *ret, struct err *e)
{
    const char *bucket = address + strlen(SCHEME), *prefix = strchr(bucket, '/');
    size_t bucket_n = prefix ? (size_t)(prefix - bucket) : strlen(bucket), n;
    char slashed[JOURNAL_PLACE_PREFIX_MAX + 1], own[JOURNAL_PLACE_SIZE];

    prefix = prefix ? prefix + 1 : "";
    n = strlen(prefix);
    if (bucket_n == 0 || bucket_n > NAME_MAX_S || n + 1 >= sizeof slashed)
        return err_set(e, ERR_SYNTAX, address, "s3://BUCKET/PREFIX", "this is no place in S3");
    snprintf(ret->bucket, sizeof ret->bucket, "%.*s", (int)bucket_n, bucket);
    snprintf(slashed, sizeof slashed, "%s%s", prefix, n && prefix[n - 1] != '/' ? "/" : "");
    journal_place_log("", log, own);
    n = strlen(slashed);
    if (n >= strlen(own) && strcmp(slashed + n - strlen(own), own) == 0)
        snprintf(ret->folder, sizeof ret->folder, "%s", slashed);
    else
        journal_place_log(slashed, log, ret->folder);
    return 0;
}

/* What S3 said in place of what was asked for. */
static int refused(const struct transfer *t, const char *where, struct err *e)
{
    int rc = t->verdict == VERDICT_ABSENT       ? -ENOENT
             : t->verdict == VERDICT_DENIED     ? -EACCES
             : t->verdict == VERDICT_UNREADABLE ? ERR_CORRUPT
                                                : -EIO;

    return err_set(e, rc, where, "see the configuration's s3", "cannot be read: %s: %s %s",
                   verdict_name(t->verdict), t->s3_code, t->message);
}

/* The largest of the checkpoints over more than `after` lines; 0: there is none. */
static int largest_behind(struct uploaders *u, const struct place *p, uint64_t after, uint64_t *ret,
                          struct err *e)
{
    char prefix[JOURNAL_PLACE_SIZE], last[JOURNAL_PLACE_SIZE];
    bool more = true;
    int rc = 0;

    journal_place_checkpoints(p->folder, prefix);
    journal_place_checkpoint(p->folder, after, last);
    for (*ret = 0; rc == 0 && more;) {
        struct transfer *t = transfer_new(TRANSFER_LIST, prefix);

        if (!t || !(t->source_key = strdup(last))) {
            transfer_free(t);
            return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
        }
        uploaders_run(u, t);
        if (t->verdict != VERDICT_DONE)
            rc = refused(t, prefix, e);
        for (size_t i = 0; rc == 0 && i < t->item_count; i++) {
            uint64_t lines;

            if (journal_place_lines(p->folder, t->items[i].key, &lines) && lines > *ret)
                *ret = lines;
            snprintf(last, sizeof last, "%s", t->items[i].key);
        }
        more = t->truncated && t->item_count;
        transfer_free(t);
    }
    return rc;
}

/* The newest one: it is looked for near a guess, then from further and further back. */
static int find_newest(struct uploaders *u, const struct place *p, uint64_t near, uint64_t *ret,
                       struct err *e)
{
    uint64_t back = 1, after;
    int rc;

    do {
        after = near > back ? near - back : 0;
        rc = largest_behind(u, p, after, ret, e);
        back = back < UINT64_MAX / FURTHER ? back * FURTHER : UINT64_MAX;
    } while (rc == 0 && *ret == 0 && after > 0);
    if (rc == 0 && *ret == 0)
        rc = err_set(e, -ENOENT, p->folder,
                     "the prefix of the configuration's journal, and the key that signed it",
                     "no checkpoint is there in the bucket \"%s\"", p->bucket);
    return rc;
}

/* An old one under a new name would hide what came after it. */
static int check(const struct buf *text, uint64_t lines, const char *name, struct err *e)
{
    struct journal_checkpoint c;
    struct journal_note note;

    if (journal_note_parse((struct span){text->data, text->len}, &note) ||
        journal_checkpoint_parse(note.text, &c))
        return err_set(e, ERR_CORRUPT, name, "", "this is no checkpoint");
    if (c.size != lines)
        return err_set(e, ERR_CORRUPT, name, "", "this is a checkpoint over %" PRIu64 " lines",
                       c.size);
    return 0;
}

static int fetch(struct uploaders *u, const struct place *p, uint64_t near, struct buf *out,
                 char name[JOURNAL_FETCH_NAME_SIZE], struct err *e)
{
    char key[JOURNAL_PLACE_SIZE];
    struct transfer *t;
    uint64_t lines;
    int rc = find_newest(u, p, near, &lines, e);

    if (rc)
        return rc;
    journal_place_checkpoint(p->folder, lines, key);
    snprintf(name, JOURNAL_FETCH_NAME_SIZE, SCHEME "%s/%s", p->bucket, key);
    t = transfer_new(TRANSFER_HEAD, key);
    if (!t)
        return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    t->content = out;
    uploaders_run(u, t);
    rc = t->verdict == VERDICT_DONE ? check(out, lines, name, e) : refused(t, name, e);
    transfer_free(t);
    return rc;
}

/* The uploaders for a place, which is parsed. 0 or a negative code. */
static int reach(const struct conf *conf, const char *address, const char *log, struct place *ret_p,
                 struct uploaders **ret, struct err *e)
{
    struct uploaders_options opt;
    int rc = parse(address, log, ret_p, e);

    if (rc)
        return rc;
    service_uploaders_options(conf, &opt);
    opt.bucket = ret_p->bucket;
    return uploaders_new(&opt, ret, e);
}

int journal_fetch(const struct conf *conf, const char *address, const char *log, uint64_t near,
                  struct buf *out, char name[JOURNAL_FETCH_NAME_SIZE], struct err *e)
{
    struct uploaders *u = NULL;
    struct place p;
    int rc = reach(conf, address, log, &p, &u, e);

    if (rc == 0)
        rc = fetch(u, &p, near, out, name, e);
    uploaders_free(u);
    return rc;
}

/* All of a file. 0 or -errno. */
static int write_file(int dir_fd, const char *name, const struct buf *bytes)
{
    const int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : 0;

    for (size_t done = 0; rc == 0 && done < bytes->len;) {
        const ssize_t n = write(fd, bytes->data + done, bytes->len - done);

        if (n < 0 && errno != EINTR)
            rc = -errno;
        done += n > 0 ? (size_t)n : 0;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

/* One segment into the directory. 0 or a negative code. */
static int fetch_segment(struct uploaders *u, const char *key, const char *file, int dir_fd,
                         struct err *e)
{
    struct transfer *t = transfer_new(TRANSFER_HEAD, key);
    struct buf bytes;
    int rc;

    if (!t)
        return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    buf_init(&bytes, SEGMENT_MOST);
    t->content = &bytes;
    uploaders_run(u, t);
    rc = t->verdict == VERDICT_DONE ? 0 : refused(t, key, e);
    if (rc == 0) {
        rc = write_file(dir_fd, file, &bytes);
        if (rc)
            (void)err_set(e, rc, file, "room in the directory for temporary files",
                          "cannot be written: %s", err_name(rc));
    }
    transfer_free(t);
    buf_release(&bytes);
    return rc;
}

/* Those of one page of the listing. 0 or a negative code; *ret_count rises. */
static int fetch_page(struct uploaders *u, const struct transfer *page, size_t prefix_size,
                      uint64_t before, int dir_fd, uint64_t *ret_count, struct err *e)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < page->item_count; i++) {
        const char *key = page->items[i].key, *file = key + prefix_size;
        struct journal_name name;

        if (!journal_any_name_parse(file, &name) || name.first >= before)
            continue;
        rc = fetch_segment(u, key, file, dir_fd, e);
        *ret_count += rc == 0;
    }
    return rc;
}

int journal_fetch_segments(const struct conf *conf, const char *address, const char *log,
                           uint64_t before, int dir_fd, uint64_t *ret_count, struct err *e)
{
    char prefix[JOURNAL_PLACE_SIZE], last[JOURNAL_PLACE_SIZE];
    struct uploaders *u = NULL;
    bool more = true;
    struct place p;
    int rc = reach(conf, address, log, &p, &u, e);

    if (rc == 0)
        journal_place_segment(p.folder, "", prefix);
    snprintf(last, sizeof last, "%s", rc == 0 ? prefix : "");
    for (*ret_count = 0; rc == 0 && more;) {
        struct transfer *t = transfer_new(TRANSFER_LIST, prefix);

        if (!t || !(t->source_key = strdup(last))) {
            transfer_free(t);
            rc = err_set(e, -ENOMEM, NULL, NULL, "out of memory");
            break;
        }
        uploaders_run(u, t);
        rc = t->verdict == VERDICT_DONE ? 0 : refused(t, prefix, e);
        if (rc == 0)
            rc = fetch_page(u, t, strlen(prefix), before, dir_fd, ret_count, e);
        more = t->truncated && t->item_count;
        if (t->item_count)
            snprintf(last, sizeof last, "%s", t->items[t->item_count - 1].key);
        transfer_free(t);
    }
    uploaders_free(u);
    return rc;
}
