/* Pure. Differences and their causes. See differ.h. */
#include "agent/core/differ.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *differ_name(enum differ_kind kind)
{
    static const char *const names[DIFFER_COUNT] = {
        [DIFFER_NONE] = "none",         [DIFFER_MISSING] = "missing",
        [DIFFER_EXTRA] = "extra",       [DIFFER_CONTENT] = "differs",
        [DIFFER_METADATA] = "metadata", [DIFFER_INDEX] = "index",
        [DIFFER_LIST] = "stale list",   [DIFFER_UNPROVEN] = "not compared",
        [DIFFER_UNKNOWN] = "not seen",
    };

    return names[kind];
}

/* The object is what the index says of it. */
static bool same_object(const struct known *known, uint64_t size, const char *etag)
{
    return size == known->size && (!etag[0] || !known->etag[0] || strcmp(etag, known->etag) == 0);
}

bool differ_quick(const struct file_stat *st, const struct known *known, uint64_t size,
                  const char *etag)
{
    return plan_in_step(st, known) && same_object(known, size, etag);
}

/* Write the answer. */
__attribute__((format(printf, 4, 5))) static void
say(struct differ *d, enum differ_kind kind, enum differ_repair repair, const char *text, ...)
{
    va_list args;

    d->kind = kind;
    d->repair = repair;
    va_start(args, text);
    vsnprintf(d->cause, sizeof d->cause, text, args);
    va_end(args);
}

/* A time in words. */
static const char *when(int64_t us, char out[CLOCK_ISO_SIZE])
{
    return us ? clock_iso(us, out) : "at a time that S3 does not tell";
}

/* What the agent has still to do: in its own words, or by whether one runs. */
static const char *agent_words(const struct differ_facts *f, const char *running,
                               const char *stopped)
{
    if (!f->agent_runs)
        return stopped;
    return f->agent_says[0] ? f->agent_says : running;
}

/* On disk, not in S3. */
static void judge_missing(const struct differ_facts *f, struct differ *d)
{
    const char *also = f->known && !plan_in_step(&f->st, f->known) ? "; the file changed too" : "";

    if (f->refused[0])
        say(d, DIFFER_MISSING, REPAIR_NONE, "not uploaded: its name cannot be a key: %s; rename it",
            f->refused);
    else if (!f->known)
        say(d, DIFFER_MISSING, REPAIR_TOUCH, "not uploaded yet: %s",
            agent_words(f, "the agent has not seen it so far; lockstep status says why",
                        "it came or changed while no agent ran"));
    else if (f->known->flags & KNOWN_UNCERTAIN)
        say(d, DIFFER_MISSING, REPAIR_TOUCH, "its transfer was interrupted: %s",
            agent_words(f, "the agent does it again", "the next run of the agent does it again"));
    else
        say(d, DIFFER_MISSING, REPAIR_PUT,
            "removed in S3 by others: lockstep had put it there (ETag %s)%s", f->known->etag, also);
}

/* Who wrote the object, as far as it tells. */
static void writer_words(const struct differ_facts *f, char *out, size_t size)
{
    char iso[CLOCK_ISO_SIZE];

    if (!f->head)
        snprintf(out, size, "last written %s", when(f->modified_us, iso));
    else if (f->head->writer[0])
        snprintf(out, size, "by %s, last written %s", f->head->writer, when(f->modified_us, iso));
    else if (!f->head->posix_has)
        snprintf(out, size, "by another tool (it has no FSx metadata), last written %s",
                 when(f->modified_us, iso));
    else
        snprintf(out, size, "by another tool (with FSx metadata), last written %s",
                 when(f->modified_us, iso));
}

/* In S3, not on disk. */
static void judge_extra(const struct differ_facts *f, struct differ *d)
{
    char writer[160];

    writer_words(f, writer, sizeof writer);
    if (f->excluded)
        say(d, DIFFER_EXTRA, REPAIR_NONE,
            "its path is excluded, so that lockstep leaves it alone; put there %s", writer);
    else if (f->held)
        say(d, DIFFER_EXTRA, REPAIR_NONE,
            "its removal is held by the guard; if it is meant: lockstep release");
    else if (f->known && (f->known->flags & KNOWN_MOVED))
        say(d, DIFFER_EXTRA, REPAIR_TOUCH,
            "the image was renamed: it goes once the lists that name the new path are live; %s",
            agent_words(f, "the agent is at it", "no agent runs"));
    else if (f->known)
        say(d, DIFFER_EXTRA, REPAIR_TOUCH, "the file was removed: %s",
            agent_words(f, "the agent is at it", "while no agent ran"));
    else if (f->head && strcmp(f->head->writer, "lockstep") == 0)
        say(d, DIFFER_EXTRA, REPAIR_EXTRA,
            "put there %s, but this index does not know it: from another state directory, or the "
            "index was lost",
            writer);
    else
        say(d, DIFFER_EXTRA, REPAIR_EXTRA, "put there %s", writer);
}

/* The index knows nothing of an object that both have. */
static void judge_unknown_object(const struct differ_facts *f, struct differ *d)
{
    char writer[160];

    writer_words(f, writer, sizeof writer);
    if (f->compared && f->proof == PROOF_EQUAL)
        say(d, DIFFER_INDEX, REPAIR_TOUCH,
            "S3 has the file (shown by %s), put there %s, and the index does not know: "
            "lockstep adopt",
            f->means, writer);
    else if (f->size != f->st.size)
        say(d, DIFFER_CONTENT, REPAIR_PUT,
            "S3 has %" PRIu64 " bytes, the file %" PRIu64 "; put there %s; not by this index's "
            "agent",
            f->size, f->st.size, writer);
    else if (f->compared && f->proof == PROOF_DIFFERENT)
        say(d, DIFFER_CONTENT, REPAIR_PUT, "other content, put there %s; not by this index's agent",
            writer);
    else
        say(d, DIFFER_UNPROVEN, REPAIR_PUT,
            "S3 has an object of this size that the index does not know, put there %s%s%s: "
            "lockstep adopt",
            writer, f->why[0] ? "; " : "", f->why);
}

/* S3 has another object than the index says. */
static void judge_other_object(const struct differ_facts *f, struct differ *d)
{
    char writer[160];

    writer_words(f, writer, sizeof writer);
    if (f->known->flags & KNOWN_UNCERTAIN)
        say(d, DIFFER_CONTENT, REPAIR_TOUCH, "its transfer was interrupted: %s",
            agent_words(f, "the agent does it again", "the next run of the agent does it again"));
    else if (f->compared && f->proof == PROOF_EQUAL)
        say(d, DIFFER_INDEX, REPAIR_PUT,
            "written again in S3 with the same content, %s: its ETag is %s, the index has %s",
            writer, f->etag, f->known->etag);
    else
        say(d, DIFFER_CONTENT, REPAIR_PUT,
            "written in S3 after lockstep's upload by somebody else, %s: its ETag is %s, the index "
            "has %s%s",
            writer, f->etag, f->known->etag,
            plan_in_step(&f->st, f->known) ? "" : "; the file changed too");
}

/* Which of the metadata differ. */
static void posix_words(const struct s3_head *h, const struct file_stat *st, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s%s", h->posix.mode != st->mode ? " mode" : "",
             h->posix.uid != st->uid ? " owner" : "", h->posix.gid != st->gid ? " group" : "",
             h->posix.mtime_ns != st->mtime_ns ? " mtime" : "");
}

/* The object's own metadata. */
static void judge_metadata(const struct differ_facts *f, struct differ *d)
{
    char words[64];

    if (!f->head || !f->with_metadata)
        return;
    if (f->head->posix_has == 0) {
        say(d, DIFFER_METADATA, REPAIR_META, "uploaded by a different tool: no FSx metadata");
        return;
    }
    if (f->head->posix_has != S3_HAS_POSIX) {
        say(d, DIFFER_METADATA, REPAIR_META,
            "some of the FSx metadata is missing or makes no sense");
        return;
    }
    posix_words(f->head, &f->st, words, sizeof words);
    if (words[0])
        say(d, DIFFER_METADATA, REPAIR_META,
            "not as on disk:%s; changed in S3 by somebody else (%s)", words,
            f->head->writer[0] ? f->head->writer : "unnamed");
}

/* Disk and index, where S3 has what the index says. */
static void judge_disk(const struct differ_facts *f, struct differ *d)
{
    const struct known *k = f->known;
    bool in_step = plan_in_step(&f->st, k);
    bool read = f->compared && (k->flags & KNOWN_CRC);
    bool same = f->st.size == k->size && (read ? f->crc64 == k->crc64 : in_step);
    const char *changed = agent_words(f, "the agent has not seen it so far", "while no agent ran");

    if (f->compared && f->proof == PROOF_DIFFERENT && same)
        say(d, DIFFER_CONTENT, REPAIR_PUT,
            "what S3 has is not what its ETag and the index say (compared by %s)", f->means);
    else if (!same && in_step)
        say(d, DIFFER_CONTENT, REPAIR_NONE,
            "the file reads otherwise than when it was uploaded, and its size and times did not "
            "change: damaged on disk, or written behind the kernel; not repaired: look at both");
    else if (!same)
        say(d, DIFFER_CONTENT, REPAIR_TOUCH, "the file changed: %s", changed);
    else if (f->st.mode != k->mode || f->st.uid != k->uid || f->st.gid != k->gid ||
             f->st.mtime_ns != k->mtime_ns)
        say(d, DIFFER_METADATA, REPAIR_TOUCH, "mode, owner or mtime changed on disk: %s", changed);
    else if (f->compared && f->proof == PROOF_IMPOSSIBLE)
        say(d, DIFFER_UNPROVEN, REPAIR_NONE, "the contents cannot be compared: %s", f->why);
    else
        judge_metadata(f, d);
}

/* In both. */
static void judge_both(const struct differ_facts *f, struct differ *d)
{
    if (!f->known) {
        judge_unknown_object(f, d);
        return;
    }
    if (!(f->known->flags & KNOWN_UNCERTAIN) && same_object(f->known, f->size, f->etag)) {
        judge_disk(f, d);
        return;
    }
    judge_other_object(f, d);
}

void differ_judge(const struct differ_facts *f, struct differ *ret)
{
    *ret = (struct differ){.kind = DIFFER_NONE};
    if (f->code)
        say(ret, DIFFER_UNKNOWN, REPAIR_NONE, "it cannot be read: %s", err_name(f->code));
    else if (f->asked && f->verdict != VERDICT_DONE && f->verdict != VERDICT_ABSENT)
        say(ret, DIFFER_UNKNOWN, REPAIR_NONE, "S3 does not tell of it: %s", f->words);
    else if (f->on_disk && f->in_s3)
        judge_both(f, ret);
    else if (f->on_disk)
        judge_missing(f, ret);
    else if (f->in_s3)
        judge_extra(f, ret);
    else if (f->known && !f->held)
        say(ret, DIFFER_INDEX, REPAIR_TOUCH, "gone on disk and in S3, and the index has it: %s",
            agent_words(f, "the agent is at it", "removed in both while no agent ran"));
}
