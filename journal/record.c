/* The codec of records. Pure. Encoding order: q t o st w p|P d|D n src tx i s m md u g b a bk e v c
 * rc at ms why; decode walks the same order, so what it accepts is what encode writes. */
#include "base/crc.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/path.h"
#include "journal/journal.h"
#include "journal/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define NS_DIGITS     9

static const char *const op_names[JOURNAL_OP_COUNT] = {
    [JOURNAL_ADD] = "add",       [JOURNAL_EDIT] = "edit",       [JOURNAL_META] = "meta",
    [JOURNAL_RENAME] = "rename", [JOURNAL_REMOVE] = "remove",   [JOURNAL_PUT] = "put",
    [JOURNAL_COPY] = "copy",     [JOURNAL_DELETE] = "delete",   [JOURNAL_LST] = "lst",
    [JOURNAL_HOLD] = "hold",     [JOURNAL_RELEASE] = "release", [JOURNAL_START] = "start",
    [JOURNAL_STOP] = "stop",     [JOURNAL_IDLE] = "idle",       [JOURNAL_OVERFLOW] = "overflow",
    [JOURNAL_TRASH] = "trash",   [JOURNAL_EXPIRE] = "expire",   [JOURNAL_KEY] = "key",
    [JOURNAL_RETIRE] = "retire",
};

static const char *const state_names[JOURNAL_STATE_COUNT] = {
    [JOURNAL_INTENT] = "intent", [JOURNAL_DONE] = "done", [JOURNAL_FAILED] = "failed",
    [JOURNAL_ABORT] = "abort",   [JOURNAL_NOTE] = "note",
};

static const char *const source_names[JOURNAL_SRC_COUNT] = {
    [JOURNAL_SRC_NONE] = "",     [JOURNAL_SRC_EVENT] = "event",       [JOURNAL_SRC_SCAN] = "scan",
    [JOURNAL_SRC_SELF] = "self", [JOURNAL_SRC_OPERATOR] = "operator",
};

const char *journal_op_name(enum journal_op op)
{
    return (unsigned)op < JOURNAL_OP_COUNT ? op_names[op] : "?";
}

const char *journal_state_name(enum journal_state state)
{
    return (unsigned)state < JOURNAL_STATE_COUNT ? state_names[state] : "?";
}

const char *journal_source_name(enum journal_source source)
{
    return (unsigned)source < JOURNAL_SRC_COUNT ? source_names[source] : "?";
}

/* The place of a name in a table, or `count`. */
static unsigned name_find(const char *const *names, unsigned count, struct span name)
{
    unsigned i;

    for (i = 0; i < count; i++)
        if (name.n && *names[i] == *name.p && span_equal(span_of(names[i]), name))
            break;
    return i;
}

int journal_op_parse(const char *text, enum journal_op *ret)
{
    unsigned i = name_find(op_names, JOURNAL_OP_COUNT, span_of(text));

    if (i == JOURNAL_OP_COUNT)
        return ERR_SYNTAX;
    *ret = (enum journal_op)i;
    return 0;
}

/* A name from a table; they need no escapes. */
static void put_name(struct journal_line *l, struct span key, const char *name)
{
    struct span value = span_of(name);
    char *at = journal_line_room(l, key.n + value.n + 1);

    if (!at)
        return;
    memcpy(at, key.p, key.n);
    memcpy(at + key.n, value.p, value.n);
    at[key.n + value.n] = '"';
    l->at = at + key.n + value.n + 1;
}

/* A path: as a string where it is UTF-8, else base64 under the key in capitals. */
static void put_path(struct journal_line *l, struct span key, struct span key64, const char *path)
{
    if (!path)
        return;
    if (path_is_utf8(path))
        journal_line_string(l, key, span_of(path));
    else
        journal_line_base64(l, key64, path, strlen(path));
}

/* A string that may be missing. */
static void put_string(struct journal_line *l, struct span key, const char *value)
{
    if (value)
        journal_line_string(l, key, span_of(value));
}

/* A number that is left out when 0. */
static void put_uint(struct journal_line *l, struct span key, uint64_t value)
{
    if (value)
        journal_line_uint(l, key, value);
}

/* Digits in base 8 or 16. */
static void put_digits(struct journal_line *l, struct span key, uint64_t value, unsigned shift)
{
    const size_t bits = value ? 64 - (size_t)__builtin_clzll(value) : 1;
    const size_t n = (bits + shift - 1) / shift;
    char *at = journal_line_room(l, key.n + n + 1);

    if (!at)
        return;
    memcpy(at, key.p, key.n);
    at += key.n;
    for (size_t i = n; i > 0; value >>= shift)
        at[--i] = "0123456789abcdef"[value & ((1u << shift) - 1)];
    at[n] = '"';
    l->at = at + n + 1;
}

/* A time as a decimal fraction of seconds, always with nine places. */
static void put_time(struct journal_line *l, struct span key, int64_t ns)
{
    uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

    journal_line_text(l, key);
    journal_line_uint(l, ns < 0 ? SPAN("-") : SPAN(""), size / NS_PER_SECOND);
    journal_line_uint(l, SPAN(""), NS_PER_SECOND + size % NS_PER_SECOND);
    if (l->error)
        return;
    l->at[-NS_DIGITS - 1] = '.'; /* in the place of the 1 */
    journal_line_text(l, SPAN("\""));
}

/* What stat said of the file. */
static void put_file(struct journal_line *l, const struct journal_record *rec)
{
    if (!(rec->has & JOURNAL_HAS_FILE))
        return;
    put_digits(l, SPAN(",\"i\":\"0x"), rec->ino, 4);
    journal_line_uint(l, SPAN(",\"s\":"), rec->size);
    put_time(l, SPAN(",\"m\":\""), rec->mtime_ns);
    put_digits(l, SPAN(",\"md\":\""), rec->mode, 3);
    journal_line_uint(l, SPAN(",\"u\":"), rec->uid);
    journal_line_uint(l, SPAN(",\"g\":"), rec->gid);
}

/* What S3 answered. */
static void put_outcome(struct journal_line *l, const struct journal_record *rec)
{
    char crc[CRC64_BASE64_SIZE];

    put_string(l, SPAN(",\"e\":"), rec->etag);
    put_string(l, SPAN(",\"v\":"), rec->version);
    if (rec->has & JOURNAL_HAS_CRC)
        put_name(l, SPAN(",\"c\":\""), crc64nvme_base64(rec->crc64, crc));
    if (rec->http_status)
        journal_line_int(l, SPAN(",\"rc\":"), rec->http_status);
    put_uint(l, SPAN(",\"at\":"), rec->attempts);
    put_uint(l, SPAN(",\"ms\":"), rec->duration_ms);
    put_string(l, SPAN(",\"why\":"), rec->why);
}

int journal_record_encode(const struct journal_record *rec, struct buf *out)
{
    struct journal_line l;

    if ((unsigned)rec->op >= JOURNAL_OP_COUNT || (unsigned)rec->state >= JOURNAL_STATE_COUNT ||
        (unsigned)rec->source >= JOURNAL_SRC_COUNT)
        return -EINVAL;
    journal_line_begin(&l, out);
    journal_line_uint(&l, SPAN("{\"q\":"), rec->seq);
    journal_line_int(&l, SPAN(",\"t\":"), rec->time_us);
    put_name(&l, SPAN(",\"o\":\""), op_names[rec->op]);
    put_name(&l, SPAN(",\"st\":\""), state_names[rec->state]);
    put_string(&l, SPAN(",\"w\":"), rec->mapping);
    put_path(&l, SPAN(",\"p\":"), SPAN(",\"P\":"), rec->path);
    put_path(&l, SPAN(",\"d\":"), SPAN(",\"D\":"), rec->path2);
    put_uint(&l, SPAN(",\"n\":"), rec->count);
    if (rec->source != JOURNAL_SRC_NONE)
        put_name(&l, SPAN(",\"src\":\""), source_names[rec->source]);
    put_uint(&l, SPAN(",\"tx\":"), rec->tx);
    put_file(&l, rec);
    put_string(&l, SPAN(",\"b\":"), rec->before);
    put_string(&l, SPAN(",\"a\":"), rec->after);
    put_string(&l, SPAN(",\"bk\":"), rec->backup);
    put_outcome(&l, rec);
    return journal_line_end(&l);
}

/* A name that is in the table. */
static unsigned take_name(struct journal_scan *s, const char *const *names, unsigned count)
{
    unsigned i = name_find(names, count, journal_scan_plain(s));

    if (i == count)
        s->bad = true;
    return i;
}

/* A path under either of its keys; base64 only where it had to be. */
static const char *take_path(struct journal_scan *s, struct span key, struct span key64,
                             struct buf *store)
{
    const char *path;

    if (journal_scan_try(s, key))
        return journal_scan_string(s, store);
    if (!journal_scan_try(s, key64))
        return NULL;
    path = journal_scan_base64(s, store);
    if (path && path_is_utf8(path))
        s->bad = true;
    return path;
}

/* A string, or NULL where its key does not stand here. */
static const char *take_string(struct journal_scan *s, struct span key, struct buf *store)
{
    return journal_scan_try(s, key) ? journal_scan_string(s, store) : NULL;
}

/* A number of at most max, or 0 where its key does not stand here; a written 0 is bad. */
static uint64_t take_uint(struct journal_scan *s, struct span key, uint64_t max)
{
    uint64_t value;

    if (!journal_scan_try(s, key))
        return 0;
    value = journal_scan_uint(s, max);
    if (value == 0)
        s->bad = true;
    return value;
}

/* Nine places after the point. */
static uint64_t take_places(struct journal_scan *s)
{
    uint64_t part = 0;
    int n;

    journal_scan_text(s, SPAN("."));
    for (n = 0; n < NS_DIGITS && s->p < s->end && *s->p >= '0' && *s->p <= '9'; n++)
        part = part * 10 + (uint64_t)(*s->p++ - '0');
    if (n != NS_DIGITS)
        s->bad = true;
    return part;
}

/* A time, from after its opening quote. */
static int64_t take_time(struct journal_scan *s)
{
    bool minus = journal_scan_try(s, SPAN("-"));
    uint64_t limit = (uint64_t)INT64_MAX + (minus ? 1 : 0);
    uint64_t seconds = journal_scan_uint(s, limit / NS_PER_SECOND);
    uint64_t part = take_places(s);
    uint64_t size = seconds * NS_PER_SECOND + part;

    journal_scan_text(s, SPAN("\""));
    if (size > limit || (minus && size == 0))
        s->bad = true;
    return minus ? (int64_t)(0 - size) : (int64_t)size;
}

/* What stat said, where "i" begins it. */
static void take_file(struct journal_scan *s, struct journal_record *rec)
{
    uint64_t mode;

    if (!journal_scan_try(s, SPAN(",\"i\":\"0x")))
        return;
    rec->has |= JOURNAL_HAS_FILE;
    rec->ino = journal_scan_digits(s, 16);
    journal_scan_text(s, SPAN("\",\"s\":"));
    rec->size = journal_scan_uint(s, UINT64_MAX);
    journal_scan_text(s, SPAN(",\"m\":\""));
    rec->mtime_ns = take_time(s);
    journal_scan_text(s, SPAN(",\"md\":\""));
    mode = journal_scan_digits(s, 8);
    if (mode > UINT32_MAX)
        s->bad = true;
    rec->mode = (uint32_t)mode;
    journal_scan_text(s, SPAN("\",\"u\":"));
    rec->uid = (uint32_t)journal_scan_uint(s, UINT32_MAX);
    journal_scan_text(s, SPAN(",\"g\":"));
    rec->gid = (uint32_t)journal_scan_uint(s, UINT32_MAX);
}

/* A CRC in base64, where its key stands here. */
static void take_crc(struct journal_scan *s, struct journal_record *rec)
{
    char text[CRC64_BASE64_SIZE] = "";
    struct span in;

    if (!journal_scan_try(s, SPAN(",\"c\":")))
        return;
    in = journal_scan_plain(s);
    if (in.n != CRC64_BASE64_SIZE - 1) {
        s->bad = true;
        return;
    }
    memcpy(text, in.p, in.n);
    rec->has |= JOURNAL_HAS_CRC;
    if (crc64nvme_parse(text, &rec->crc64))
        s->bad = true;
}

/* What S3 answered. */
static void take_outcome(struct journal_scan *s, struct buf *store, struct journal_record *rec)
{
    rec->etag = take_string(s, SPAN(",\"e\":"), store);
    rec->version = take_string(s, SPAN(",\"v\":"), store);
    take_crc(s, rec);
    if (journal_scan_try(s, SPAN(",\"rc\":"))) {
        int64_t status = journal_scan_int(s);

        if (status == 0 || status < INT32_MIN || status > INT32_MAX)
            s->bad = true;
        rec->http_status = (int)status;
    }
    rec->attempts = (unsigned)take_uint(s, SPAN(",\"at\":"), UINT32_MAX);
    rec->duration_ms = take_uint(s, SPAN(",\"ms\":"), UINT64_MAX);
    rec->why = take_string(s, SPAN(",\"why\":"), store);
}

int journal_record_decode(struct span line, struct buf *store, struct journal_record *ret)
{
    struct journal_record rec = {0};
    struct journal_scan s;
    int rc;

    if (line.n > JOURNAL_LINE_MAX)
        return ERR_SYNTAX;
    buf_reset(store);
    rc = buf_reserve(store, line.n);
    if (rc)
        return rc;
    journal_scan_begin(&s, line);
    journal_scan_text(&s, SPAN("{\"q\":"));
    rec.seq = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"t\":"));
    rec.time_us = journal_scan_int(&s);
    journal_scan_text(&s, SPAN(",\"o\":"));
    rec.op = (enum journal_op)take_name(&s, op_names, JOURNAL_OP_COUNT);
    journal_scan_text(&s, SPAN(",\"st\":"));
    rec.state = (enum journal_state)take_name(&s, state_names, JOURNAL_STATE_COUNT);
    rec.mapping = take_string(&s, SPAN(",\"w\":"), store);
    rec.path = take_path(&s, SPAN(",\"p\":"), SPAN(",\"P\":"), store);
    rec.path2 = take_path(&s, SPAN(",\"d\":"), SPAN(",\"D\":"), store);
    rec.count = take_uint(&s, SPAN(",\"n\":"), UINT64_MAX);
    if (journal_scan_try(&s, SPAN(",\"src\":"))) {
        rec.source = (enum journal_source)take_name(&s, source_names, JOURNAL_SRC_COUNT);
        s.bad |= rec.source == JOURNAL_SRC_NONE;
    }
    rec.tx = take_uint(&s, SPAN(",\"tx\":"), UINT64_MAX);
    take_file(&s, &rec);
    rec.before = take_string(&s, SPAN(",\"b\":"), store);
    rec.after = take_string(&s, SPAN(",\"a\":"), store);
    rec.backup = take_string(&s, SPAN(",\"bk\":"), store);
    take_outcome(&s, store, &rec);
    if (journal_scan_end(&s))
        return ERR_SYNTAX;
    *ret = rec;
    return 0;
}
