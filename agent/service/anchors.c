/*
 * Shell. What of the journal goes to S3. See anchors.h.
 *
 *   idle -> PUT, if there is no such object -> done ---------------------> remembered
 *             |  ^                          -> there is one -> HEAD -> the same -> remembered
 *             |  |                                              |----> another: told, tried again
 *             |  +---- none there ---- HEAD <- (the server does not know the condition)
 *             +-> any other failure: tried again later
 *
 * Nothing of this is in the journal: every record would be one more line to sign and to send.
 */
#include "agent/service/anchors.h"

#include "agent/core/amount.h"
#include "agent/service/agent.h"
#include "agent/service/finder.h"
#include "base/clock.h"
#include "base/crc.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/visible.h"
#include "journal/checkpoint.h"
#include "journal/frame.h"
#include "journal/place.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define META_NAME      "anchors"
#define FINISH_WAIT_MS 10000
#define HTTP_NOT_KNOWN 501
#define DAY_S          86400
#define STAMP_SIZE     32

/* What S3 is known to have, as the index keeps it. */
struct kept {
    uint8_t where[SHA256_BYTES]; /* of bucket, folder and journal: it is about these */
    uint64_t lines;              /* that the last checkpoint covers; 0: none */
    char segment[JOURNAL_NAME_MAX];
};

enum errand_state { ERRAND_IDLE, ERRAND_PUT, ERRAND_ASK };

/* One thing on its way: at most one of each kind. */
struct errand {
    enum errand_state state;
    bool is_segment;
    char file[JOURNAL_NAME_MAX]; /* in the journal's directory */
    char key[JOURNAL_PLACE_SIZE];
    uint64_t lines; /* of a checkpoint */
    struct file_stat seen;
    uint64_t crc64; /* of its bytes, where that is known */
    bool has_crc;
    bool absent; /* S3 said that it is not there */
    struct s3_attributes *attributes;
    unsigned failures;
    int64_t since_us; /* of the first of them */
    int64_t due_ms;
    char why[ERR_TEXT_MAX];
};

struct anchors {
    struct mailbox *outcomes;
    int dir_fd;
    char folder[JOURNAL_PLACE_SIZE];
    struct kept kept;
    bool bare;            /* the server does not know If-None-Match */
    bool more;            /* there may be a closed segment that S3 does not have */
    bool early;           /* there is one, and it is not compressed yet */
    uint64_t seen_closed; /* segments that the journal had closed then */
    struct errand segment;
    struct errand checkpoint;
};

/* It is about this journal at this place. */
static void where_of(const struct agent *a, const char *folder, uint8_t out[SHA256_BYTES])
{
    struct journal_standing s;
    char text[2 * JOURNAL_PLACE_SIZE];

    journal_standing(a->journal, &s);
    snprintf(text, sizeof text, "%s\n%s\n%s\n%s", a->conf->s3.endpoint ? a->conf->s3.endpoint : "",
             a->conf->s3.bucket, folder, s.uuid);
    digest_sha256(text, strlen(text), out);
}

/* What is remembered of it; nothing where it was another one. 0 or a negative code. */
static int recall(struct agent *a, struct anchors *x)
{
    struct kept kept;
    size_t size = sizeof kept;
    int rc = index_meta_get(a->index, META_NAME, &kept, &size);

    where_of(a, x->folder, x->kept.where);
    if (rc == 0 && size == sizeof kept &&
        memcmp(kept.where, x->kept.where, sizeof kept.where) == 0 &&
        memchr(kept.segment, '\0', sizeof kept.segment))
        x->kept = kept;
    return rc == -ENOENT || rc == -ENOSPC ? 0 : rc;
}

int anchors_begin(struct agent *a, struct err *e)
{
    struct journal_standing s;
    struct anchors *x;
    int rc;

    if (!a->conf->journal.prefix || a->options.dry_run || !a->journal)
        return 0;
    journal_standing(a->journal, &s);
    if (!s.key) {
        log_warning("the journal does not go to S3: nothing signs it");
        return 0;
    }
    x = a->anchors = calloc(1, sizeof *x);
    if (!x)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    x->dir_fd = -1;
    x->more = x->segment.is_segment = true;
    journal_place_log(a->conf->journal.prefix, s.key, x->folder);
    rc = mailbox_new(0, &x->outcomes);
    if (rc == 0)
        rc = tree_open_root(a->conf->journal_dir, &x->dir_fd);
    if (rc == 0)
        rc = recall(a, x);
    return rc ? err_set(e, rc, a->conf->journal_dir, NULL, "it cannot be brought to S3: %s",
                        err_name(rc))
              : 0;
}

void anchors_end(struct agent *a)
{
    struct anchors *x = a->anchors;
    struct letter *l;

    if (!x)
        return;
    while (x->outcomes && (l = mailbox_take(x->outcomes)))
        transfer_free((struct transfer *)l);
    mailbox_free(x->outcomes);
    if (x->dir_fd >= 0)
        close(x->dir_fd);
    s3_attributes_free(x->segment.attributes);
    s3_attributes_free(x->checkpoint.attributes);
    free(x);
    a->anchors = NULL;
}

int anchors_fd(const struct agent *a)
{
    return a->anchors ? mailbox_fd(a->anchors->outcomes) : -1;
}

/* Back to where it is looked for anew. */
static void rest(struct errand *r)
{
    s3_attributes_free(r->attributes);
    r->attributes = NULL;
    r->state = ERRAND_IDLE;
    r->has_crc = r->absent = false;
}

/* It did not work: again later. */
static void failed(struct agent *a, struct errand *r, const char *why)
{
    int64_t wait_ms;

    if (r->failures++ == 0)
        r->since_us = a->real_us;
    wait_ms = order_backoff_ms(r->failures, (uint64_t)a->real_us ^ (uintptr_t)r);
    r->due_ms = a->now_ms + wait_ms;
    snprintf(r->why, sizeof r->why, "%s", why);
    log_warning("journal: %s cannot be brought to S3: %s; tried again in %" PRId64 " s", r->key,
                why, wait_ms / MS_PER_S);
    rest(r);
}

/* S3 has it: that is remembered. */
static void landed(struct agent *a, struct errand *r)
{
    struct anchors *x = a->anchors;

    if (r->failures)
        log_info("journal: %s is in S3 after %u failures", r->key, r->failures);
    else
        log_debug("journal: %s is in S3", r->key);
    if (r->is_segment) {
        memcpy(x->kept.segment, r->file, sizeof x->kept.segment);
        x->more = true;
    } else {
        x->kept.lines = r->lines;
    }
    r->failures = 0;
    r->due_ms = 0;
    rest(r);
    if (index_meta_put(a->index, META_NAME, &x->kept, sizeof x->kept))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

/* What the object is to carry: for how long nobody may change it. NULL without memory. */
static struct s3_attributes *attributes_now(const struct agent *a, const struct errand *r)
{
    const struct conf_lock *lock = &a->conf->journal.lock;
    struct s3_attributes *attributes = s3_attributes_new();
    time_t until_s = (time_t)(a->real_us / US_PER_S + (int64_t)lock->days * DAY_S);
    char stamp[STAMP_SIZE];
    struct tm utc;
    int rc = attributes ? 0 : -ENOMEM;

    if (rc == 0 && !r->is_segment)
        rc = s3_attributes_set(attributes, "content-type", "text/plain; charset=utf-8");
    if (rc == 0 && lock->days) {
        if (!gmtime_r(&until_s, &utc) ||
            !strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.000Z", &utc))
            rc = -EINVAL;
        if (rc == 0)
            rc =
                s3_attributes_set(attributes, "x-amz-object-lock-mode",
                                  lock->mode == CONF_LOCK_COMPLIANCE ? "COMPLIANCE" : "GOVERNANCE");
        if (rc == 0)
            rc = s3_attributes_set(attributes, "x-amz-object-lock-retain-until-date", stamp);
    }
    if (rc == 0)
        rc = s3_attributes_seal(attributes);
    if (rc == 0)
        return attributes;
    s3_attributes_free(attributes);
    return NULL;
}

/* Hand over a request of the errand. */
static void submit(struct agent *a, struct errand *r, struct transfer *t, enum errand_state state)
{
    if (!t) {
        failed(a, r, "no memory");
        return;
    }
    t->owner = r;
    r->state = state;
    uploaders_submit_to(a->uploaders, t, a->anchors->outcomes);
}

/* Is it there already? */
static void ask(struct agent *a, struct errand *r)
{
    submit(a, r, transfer_new(TRANSFER_HEAD, r->key), ERRAND_ASK);
}

/* Send it, unless something is there. */
static void send(struct agent *a, struct errand *r)
{
    struct transfer *t = transfer_new(TRANSFER_PUT, r->key);

    if (!r->attributes)
        r->attributes = attributes_now(a, r);
    if (t && (!r->attributes || !(t->path = strdup(r->file)))) {
        transfer_free(t);
        t = NULL;
    }
    if (t) {
        t->root_fd = a->anchors->dir_fd;
        t->expected = r->seen;
        t->posix = (struct s3_posix){r->seen.mode, r->seen.uid, r->seen.gid, r->seen.mtime_ns};
        t->attributes = r->attributes;
        t->only_new = !a->anchors->bare;
        t->whole = true;
    }
    submit(a, r, t, ERRAND_PUT);
}

/* Off it goes. */
static void begin(struct agent *a, struct errand *r)
{
    if (a->anchors->bare)
        ask(a, r);
    else
        send(a, r);
}

/* The newest checkpoint: over how many lines, and its file. 0 or a negative code. */
static int look_at_checkpoint(const struct agent *a, struct errand *r)
{
    struct journal_checkpoint c;
    struct journal_note note;
    struct file_stat after;
    struct buf text;
    int rc = tree_stat(a->anchors->dir_fd, r->file, &r->seen);

    buf_init(&text, JOURNAL_NOTE_MAX);
    if (rc == 0)
        rc = journal_checkpoints_read(a->anchors->dir_fd, r->file, &text);
    if (rc == 0)
        rc = journal_note_parse((struct span){text.data, text.len}, &note);
    if (rc == 0)
        rc = journal_checkpoint_parse(note.text, &c);
    if (rc == 0)
        rc = tree_stat(a->anchors->dir_fd, r->file, &after);
    if (rc == 0 && !file_same_content(&r->seen, &after))
        rc = ERR_CHANGED;
    if (rc == 0) {
        r->lines = c.size;
        r->crc64 = crc64nvme(0, text.data, text.len);
        r->has_crc = true;
    }
    buf_release(&text);
    return rc;
}

/* A checkpoint that S3 does not have is handed over. */
static void step_checkpoint(struct agent *a, const struct journal_standing *s)
{
    struct anchors *x = a->anchors;
    struct errand *r = &x->checkpoint;
    int rc;

    if (r->state != ERRAND_IDLE || a->now_ms < r->due_ms || !s->signed_lines ||
        s->signed_lines == x->kept.lines)
        return;
    snprintf(r->file, sizeof r->file, "%s", JOURNAL_CHECKPOINT_FILE);
    journal_place_checkpoint(x->folder, s->signed_lines, r->key);
    rc = look_at_checkpoint(a, r);
    if (rc == 0 && r->lines != s->signed_lines)
        rc = ERR_CORRUPT; /* the journal has made another one */
    if (rc)
        failed(a, r, err_name(rc));
    else
        begin(a, r);
}

/* The next closed segment that S3 does not have is handed over. */
static void step_segment(struct agent *a, const struct journal_standing *s)
{
    struct anchors *x = a->anchors;
    struct errand *r = &x->segment;
    int rc;

    if (x->seen_closed != s->closed) {
        x->seen_closed = s->closed;
        x->more = true;
    }
    if (!x->more || r->state != ERRAND_IDLE || a->now_ms < r->due_ms)
        return;
    rc = journal_closed_next(a->journal, x->kept.segment[0] ? x->kept.segment : NULL, r->file);
    x->more = rc != -ENOENT;
    x->early = rc == 0 && !finder_is_done(a->finder, r->file);
    if (!x->more) {
        r->failures = 0; /* it is not there any more */
        return;
    }
    if (x->early)
        return;
    if (rc == 0) {
        journal_place_segment(x->folder, r->file, r->key);
        rc = tree_stat(x->dir_fd, r->file, &r->seen);
    }
    if (rc)
        failed(a, r, err_name(rc));
    else
        begin(a, r);
}

void anchors_step(struct agent *a)
{
    struct journal_standing s;

    if (!a->anchors || a->fatal)
        return;
    journal_standing(a->journal, &s);
    step_checkpoint(a, &s);
    step_segment(a, &s);
}

/* The checksum of a segment that was not sent. 0 or a negative code. */
static int sum_up(const struct agent *a, struct errand *r)
{
    int fd, rc = tree_open(a->anchors->dir_fd, r->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);

    if (rc)
        return rc;
    rc = work_hash_pieces(fd, r->seen.size, &r->crc64);
    r->has_crc = rc == 0;
    close(fd);
    return rc;
}

/* S3 has something there: is it ours? A server that keeps no such checksum tells the size alone. */
static void compare(struct agent *a, struct errand *r, const struct transfer *t)
{
    int rc = t->has_crc && !r->has_crc && t->size == r->seen.size ? sum_up(a, r) : 0;

    if (rc)
        failed(a, r, err_name(rc));
    else if (t->size == r->seen.size && (!t->has_crc || t->crc64 == r->crc64))
        landed(a, r);
    else
        failed(a, r,
               "S3 has another object there: the journal was begun anew or rolled back, or "
               "another host signs with a key of this name; a key with another name begins anew");
}

/* What HEAD said. */
static void asked(struct agent *a, struct errand *r, const struct transfer *t)
{
    char why[ERR_TEXT_MAX];

    if (t->verdict == VERDICT_DONE) {
        compare(a, r, t);
        return;
    }
    if (t->verdict == VERDICT_ABSENT && a->anchors->bare && !r->absent) {
        r->absent = true;
        send(a, r);
        return;
    }
    snprintf(why, sizeof why, "%s: %s %s", verdict_name(t->verdict), t->s3_code, t->message);
    failed(a, r, why);
}

/* What came of sending it. */
static void put(struct agent *a, struct errand *r, const struct transfer *t)
{
    struct anchors *x = a->anchors;
    char why[ERR_TEXT_MAX];

    if (t->has_crc) {
        r->crc64 = t->crc64;
        r->has_crc = true;
    }
    if (t->verdict == VERDICT_DONE) {
        landed(a, r);
    } else if (t->verdict == VERDICT_CONFLICT) {
        ask(a, r);
    } else if (t->http_status == HTTP_NOT_KNOWN && !x->bare) {
        log_info("journal: S3 here does not know If-None-Match; it is asked first");
        x->bare = true;
        ask(a, r);
    } else if (t->verdict == VERDICT_CHANGED && !r->is_segment) {
        rest(r); /* there is a newer one */
    } else {
        snprintf(why, sizeof why, "%s: %s %s", verdict_name(t->verdict), t->s3_code, t->message);
        failed(a, r, why);
    }
}

void anchors_outcomes(struct agent *a)
{
    struct letter *l;

    while (a->anchors && !a->fatal && (l = mailbox_take(a->anchors->outcomes))) {
        struct transfer *t = (struct transfer *)l;

        if (t->kind == TRANSFER_PUT)
            put(a, t->owner, t);
        else
            asked(a, t->owner, t);
        transfer_free(t);
    }
}

int64_t anchors_deadline(const struct agent *a)
{
    const struct anchors *x = a->anchors;
    int64_t due = INT64_MAX;

    if (!x)
        return due;
    if (x->segment.state == ERRAND_IDLE && x->segment.failures)
        due = x->segment.due_ms;
    if (x->checkpoint.state == ERRAND_IDLE && x->checkpoint.failures && x->checkpoint.due_ms < due)
        due = x->checkpoint.due_ms;
    return due;
}

/* Something is on its way. */
static bool is_busy(const struct anchors *x)
{
    return x->segment.state != ERRAND_IDLE || x->checkpoint.state != ERRAND_IDLE;
}

void anchors_finish(struct agent *a)
{
    struct anchors *x = a->anchors;
    struct pollfd wait[2] = {{.fd = anchors_fd(a), .events = POLLIN},
                             {.fd = a->finder ? finder_fd(a->finder) : -1, .events = POLLIN}};
    int64_t until_ms;

    if (!x || a->fatal)
        return;
    until_ms = agent_now(a) + FINISH_WAIT_MS;
    if (journal_checkpoint(a->journal, a->real_us))
        return;               /* the journal's end says so */
    x->checkpoint.due_ms = 0; /* once more */
    anchors_step(a);
    while ((is_busy(x) || x->early) && a->now_ms < until_ms && !a->fatal) {
        (void)poll(wait, 2, (int)(until_ms - a->now_ms)); /* whether it came shows below */
        agent_now(a);
        finder_step(a->finder, a->journal, false, a->now_ms);
        anchors_outcomes(a);
        anchors_step(a);
    }
    if (is_busy(x) || x->more || x->checkpoint.failures)
        log_warning("journal: not all of it is in S3 yet; the next start goes on");
    if (!a->fatal && agent_commit(a))
        log_warning("what S3 has of the journal could not be written down; it is asked at the next "
                    "start");
}

bool anchors_has(const struct agent *a, const char *file)
{
    struct journal_name name, last;

    return a->anchors && journal_any_name_parse(file, &name) &&
           journal_any_name_parse(a->anchors->kept.segment, &last) &&
           journal_name_compare(name, last) <= 0;
}

/* Are there things that S3 does not have? */
static bool is_behind(const struct anchors *x, const struct journal_standing *s)
{
    return is_busy(x) || x->segment.failures || x->checkpoint.failures ||
           s->signed_lines != x->kept.lines;
}

/* Why one of them is not there yet. */
static void json_failing(struct json_writer *w, const char *name, const struct errand *r)
{
    char iso[CLOCK_ISO_SIZE];

    if (!r->failures)
        return;
    json_object(w, name);
    json_put_string(w, "key", r->key);
    json_put_int(w, "failures", r->failures);
    json_put_string(w, "failing_since", clock_iso(r->since_us, iso));
    json_put_string(w, "why", r->why);
    json_object_end(w);
}

bool anchors_figures(const struct agent *a, struct anchors_standing *ret)
{
    const struct anchors *x = a->anchors;

    if (!x)
        return false;
    ret->failures =
        x->segment.failures > x->checkpoint.failures ? x->segment.failures : x->checkpoint.failures;
    snprintf(ret->segment, sizeof ret->segment, "%s", x->kept.segment);
    return true;
}

void anchors_json(struct json_writer *w, const struct agent *a)
{
    const struct anchors *x = a->anchors;
    struct journal_standing s;
    char iso[CLOCK_ISO_SIZE];

    journal_standing(a->journal, &s);
    if (!s.key)
        return;
    json_object(w, "signing");
    json_put_string(w, "key", s.key);
    json_put_int(w, "lines", (int64_t)s.lines);
    json_put_int(w, "signed_lines", (int64_t)s.signed_lines);
    if (s.signed_us)
        json_put_string(w, "signed_at", clock_iso(s.signed_us, iso));
    if (a->signing)
        json_put_string(w, "why", err_name(a->signing));
    if (x) {
        json_object(w, "s3");
        json_put_string(w, "folder", x->folder);
        json_put_int(w, "checkpoint_lines", (int64_t)x->kept.lines);
        if (x->kept.segment[0])
            json_put_string(w, "segment", x->kept.segment);
        json_put_bool(w, "behind", is_behind(x, &s));
        json_failing(w, "failing_segment", &x->segment);
        json_failing(w, "failing_checkpoint", &x->checkpoint);
        json_object_end(w);
    }
    json_object_end(w);
}

/* The line about one that fails. */
static int text_failing(struct buf *out, const struct agent *a, const struct errand *r)
{
    int rc;

    if (!r->failures)
        return 0;
    rc = buf_appendf(out, "  behind since %" PRId64 " s, %u failures: ",
                     (a->real_us - r->since_us) / US_PER_S, r->failures);
    if (rc == 0)
        rc = visible_append(out, r->key);
    if (rc == 0)
        rc = buf_append_str(out, ": ");
    if (rc == 0)
        rc = visible_append(out, r->why);
    return rc ? rc : buf_append_byte(out, '\n');
}

/* The lines about what S3 has. */
static int text_kept(struct buf *out, const struct agent *a, const struct journal_standing *s)
{
    const struct anchors *x = a->anchors;
    int rc = buf_appendf(out, "  in S3 below %s: ", x->folder);

    if (rc == 0)
        rc = x->kept.lines
                 ? buf_appendf(out, "the checkpoint over %" PRIu64 " lines, ", x->kept.lines)
                 : buf_append_str(out, "no checkpoint yet, ");
    if (rc == 0)
        rc = x->kept.segment[0] ? buf_appendf(out, "segments up to %s", x->kept.segment)
                                : buf_append_str(out, "no segment yet");
    if (rc == 0)
        rc = buf_append_str(out, is_behind(x, s) ? "; more is on its way\n" : "\n");
    if (rc == 0)
        rc = text_failing(out, a, &x->segment);
    return rc ? rc : text_failing(out, a, &x->checkpoint);
}

int anchors_text(struct buf *out, const struct agent *a)
{
    struct journal_standing s;
    char age[AMOUNT_SIZE];
    int rc;

    journal_standing(a->journal, &s);
    if (!s.key)
        return buf_appendf(out, "journal: %" PRIu64 " records, not signed\n",
                           journal_next_seq(a->journal) - 1);
    rc = buf_appendf(out, "journal: signed by %s, ", s.key);
    if (rc == 0)
        rc = s.signed_us ? buf_appendf(out, "the last checkpoint %s ago, ",
                                       amount_time((a->real_us - s.signed_us) / US_PER_S, age))
                         : buf_append_str(out, "no checkpoint in this run, ");
    if (rc == 0)
        rc = buf_appendf(out, "%" PRIu64 " of %" PRIu64 " lines\n", s.signed_lines, s.lines);
    if (rc == 0 && a->signing)
        rc = buf_appendf(out, "  a checkpoint cannot be written: %s\n", err_name(a->signing));
    return rc || !a->anchors ? rc : text_kept(out, a, &s);
}
