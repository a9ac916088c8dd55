/* Pure. Whether S3 has what the journal says, and why not. See account.h. */
#include "agent/core/account.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LATER_US     (10 * US_PER_S) /* than its record: the object was written once more */
#define RECORD_WORDS 320             /* bytes of "record 12 of host" */
#define WRITER_WORDS 160

const char *account_kind_name(enum account_kind kind)
{
    static const char *const names[ACCOUNT_KINDS] = {
        [ACCOUNT_SAME] = "none",        [ACCOUNT_MISSING] = "missing",   [ACCOUNT_EXTRA] = "extra",
        [ACCOUNT_CONTENT] = "differs",  [ACCOUNT_METADATA] = "metadata", [ACCOUNT_OPEN] = "open",
        [ACCOUNT_UNKNOWN] = "not seen",
    };

    return names[kind];
}

/* A record in words. */
static const char *record(const struct account_facts *f, unsigned which, uint64_t seq,
                          char out[RECORD_WORDS])
{
    snprintf(out, RECORD_WORDS, "record %" PRIu64 "%s%.280s", seq, f->hosts ? " of " : "",
             f->hosts ? f->hosts[which] : "");
    return out;
}

/* Who wrote what is there, and when, as far as S3 tells. */
static const char *writer(const struct account_facts *f, char out[WRITER_WORDS])
{
    const char *name = f->head && f->head->writer[0] ? f->head->writer : NULL;
    char iso[CLOCK_ISO_SIZE];
    int n;

    if (!name)
        n = snprintf(out, WRITER_WORDS, "by somebody else");
    else if (strcmp(name, "lockstep") == 0)
        n = snprintf(out, WRITER_WORDS, "with lockstep's metadata (copied, or by another agent)");
    else
        n = snprintf(out, WRITER_WORDS, "by %.40s", name);
    if (f->modified_us)
        snprintf(out + n, WRITER_WORDS - (size_t)n, ", on %s%s", clock_iso(f->modified_us, iso),
                 f->modified_us > f->journal_until_us ? ", after the journal's last record" : "");
    return out;
}

/* Write the answer. */
__attribute__((format(printf, 5, 6))) static void say(struct account_answer *ret,
                                                      enum account_kind kind, unsigned which,
                                                      uint64_t seq, const char *text, ...)
{
    va_list args;

    ret->kind = kind;
    ret->which = which;
    ret->seq = seq;
    va_start(args, text);
    vsnprintf(ret->cause, sizeof ret->cause, text, args);
    va_end(args);
}

/* The same object, as far as both tell: by its version, else by its ETag. */
static bool is_object(const struct account_object *o, const struct account_facts *f)
{
    if (o->version[0] && f->version && f->version[0])
        return strcmp(o->version, f->version) == 0;
    return o->etag[0] && strcmp(o->etag, f->etag) == 0;
}

/* The newest of the objects before the last that S3 has again; NULL: none that is remembered. */
static const struct account_object *older(const struct account *a, const struct account_facts *f)
{
    for (size_t i = 0; i < ACCOUNT_HISTORY && i < a->history_count; i++) {
        const struct account_object *o = &a->history[(a->history_count - 1 - i) % ACCOUNT_HISTORY];

        if (is_object(o, f))
            return o;
    }
    return NULL;
}

/* Size and ETag are what the journal has. */
static bool same_listed(const struct account *a, const struct account_facts *f)
{
    if ((a->last.has & ACCOUNT_HAS_SIZE) && a->last.size != f->size)
        return false;
    return !a->object.etag[0] || !f->etag[0] || strcmp(a->object.etag, f->etag) == 0;
}

/* And so is the checksum, where both have one. */
static bool same_content(const struct account *a, const struct account_facts *f)
{
    const uint8_t *sum;
    uint64_t crc = 0;

    if (!same_listed(a, f))
        return false;
    if (!f->head || !(a->last.has & ACCOUNT_HAS_CRC) || !f->head->has[CHECKSUM_CRC64NVME] ||
        f->head->is_composite)
        return true;
    sum = f->head->checksums[CHECKSUM_CRC64NVME];
    for (size_t i = 0; i < sizeof crc; i++)
        crc = crc << 8 | sum[i];
    return crc == a->last.crc64;
}

/* Is it another version than the journal has? */
static bool other_version(const struct account *a, const struct account_facts *f)
{
    return f->version && f->version[0] && a->object.version[0] &&
           strcmp(f->version, a->object.version) != 0;
}

/* The object's metadata is the file's, as it was put. */
static bool same_posix(const struct account *a, const struct account_facts *f)
{
    const struct s3_posix *was = &a->last.posix;

    if (!f->head || !(a->last.has & ACCOUNT_HAS_POSIX))
        return true;
    return f->head->posix_has == S3_HAS_POSIX && f->head->posix.mode == was->mode &&
           f->head->posix.uid == was->uid && f->head->posix.gid == was->gid &&
           f->head->posix.mtime_ns == was->mtime_ns;
}

bool account_wants(const struct account *a, const struct account_facts *f, bool deep)
{
    if (!f->in_s3)
        return false;
    if (deep || a->what != ACCOUNT_PUT || !same_listed(a, f))
        return true;
    return f->modified_us > a->last.time_us + LATER_US;
}

/* It is there, and the journal does not say so. */
static void judge_extra(const struct account *a, const struct account_facts *f,
                        struct account_answer *ret)
{
    char last[RECORD_WORDS], then[RECORD_WORDS], who[WRITER_WORDS];
    const struct account_object *was =
        a->object.seq && is_object(&a->object, f) ? &a->object : older(a, f);

    if (a->what == ACCOUNT_END)
        say(ret, ACCOUNT_EXTRA, 0, 0,
            "the journal has no record of it: put %s; or it was there before the journal began",
            writer(f, who));
    else if (was)
        say(ret, ACCOUNT_EXTRA, a->last.which, a->last.seq,
            "%s deleted it, and what %s put is back: an older version was restored",
            record(f, a->last.which, a->last.seq, last), record(f, was->which, was->seq, then));
    else
        say(ret, ACCOUNT_EXTRA, a->last.which, a->last.seq, "%s deleted it; put again %s",
            record(f, a->last.which, a->last.seq, last), writer(f, who));
}

/* It is there, and it is another one. */
static void judge_content(const struct account *a, const struct account_facts *f,
                          struct account_answer *ret)
{
    const struct account_object *was = older(a, f);
    char last[RECORD_WORDS], then[RECORD_WORDS], who[WRITER_WORDS];

    record(f, a->last.which, a->last.seq, last);
    if (was)
        say(ret, ACCOUNT_CONTENT, a->last.which, a->last.seq,
            "an older version is back: it is what %s put; %s put another one since",
            record(f, was->which, was->seq, then), last);
    else if (same_listed(a, f))
        say(ret, ACCOUNT_CONTENT, a->last.which, a->last.seq,
            "its checksum is not that of %s: written %s", last, writer(f, who));
    else
        say(ret, ACCOUNT_CONTENT, a->last.which, a->last.seq,
            "%" PRIu64 " bytes with the ETag %s, and %s put %s%s: written %s", f->size,
            f->etag[0] ? f->etag : "(none)", last, a->object.etag[0] ? "the ETag " : "another size",
            a->object.etag, writer(f, who));
}

/* It has the content that it should have. */
static void judge_same(const struct account *a, const struct account_facts *f,
                       struct account_answer *ret)
{
    const struct account_object *was = other_version(a, f) ? older(a, f) : NULL;
    char last[RECORD_WORDS], then[RECORD_WORDS], who[WRITER_WORDS];

    record(f, a->last.which, a->last.seq, last);
    if (was)
        say(ret, ACCOUNT_METADATA, a->last.which, a->last.seq,
            "an older version with the same content is back: that of %s, and %s made another one",
            record(f, was->which, was->seq, then), last);
    else if (other_version(a, f))
        say(ret, ACCOUNT_METADATA, a->last.which, a->last.seq,
            "the same content in the version %s, and %s made %s: written once more %s", f->version,
            last, a->object.version, writer(f, who));
    else if (!same_posix(a, f))
        say(ret, ACCOUNT_METADATA, a->last.which, a->last.seq,
            "mode, owner or mtime are not what %s gave it: written once more %s", last,
            writer(f, who));
    else
        ret->kind = ACCOUNT_SAME;
}

/* Whatever it is: something with it has not ended. */
static void excuse(const struct account *a, const struct account_facts *f,
                   struct account_answer *ret)
{
    char open[RECORD_WORDS];

    if (ret->kind == ACCOUNT_SAME || !a->open)
        return;
    say(ret, ACCOUNT_OPEN, a->open_by.which, a->open_by.seq,
        "%s did not end in the journal: S3 may have it or not; the agent's next run finishes it",
        record(f, a->open_by.which, a->open_by.seq, open));
}

void account_judge(const struct account *a, const struct account_facts *f,
                   struct account_answer *ret)
{
    char last[RECORD_WORDS], iso[CLOCK_ISO_SIZE];

    *ret = (struct account_answer){.kind = ACCOUNT_SAME};
    if (f->asked && f->verdict != VERDICT_DONE && f->verdict != VERDICT_ABSENT) {
        say(ret, ACCOUNT_UNKNOWN, a->last.which, a->last.seq, "S3 does not tell of it: %s",
            f->words);
        return;
    }
    if (!f->in_s3 && a->what == ACCOUNT_PUT)
        say(ret, ACCOUNT_MISSING, a->last.which, a->last.seq,
            "%s put it, and none up to %s deletes it: removed by somebody else",
            record(f, a->last.which, a->last.seq, last), clock_iso(f->journal_until_us, iso));
    else if (f->in_s3 && a->what != ACCOUNT_PUT)
        judge_extra(a, f, ret);
    else if (f->in_s3 && !same_content(a, f))
        judge_content(a, f, ret);
    else if (f->in_s3)
        judge_same(a, f, ret);
    excuse(a, f, ret);
}
