/* Shell. The newest checkpoint of a log that lies in S3. */
#include "agent/commands/journal_fetch.h"

#include "agent/commands/commands.h"
#include "journal/checkpoint.h"
#include "journal/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SCHEME     "s3://"
#define NAME_MAX_S 191 /* of a bucket, or an access point's ARN */
#define FURTHER    64  /* each look back goes so many times as far as the last */

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

int journal_fetch(const struct conf *conf, const char *address, const char *log, uint64_t near,
                  struct buf *out, char name[JOURNAL_FETCH_NAME_SIZE], struct err *e)
{
    struct uploaders_options opt;
    struct uploaders *u = NULL;
    struct place p;
    int rc = parse(address, log, &p, e);

    if (rc)
        return rc;
    service_uploaders_options(conf, &opt);
    opt.bucket = p.bucket;
    rc = uploaders_new(&opt, &u, e);
    if (rc == 0)
        rc = fetch(u, &p, near, out, name, e);
    uploaders_free(u);
    return rc;
}
