/* Pure. What the journal says of one key, entry by entry. See account.h. */
#include "agent/core/account.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What every entry of a record has. */
static struct account_entry entry_of(const struct journal_record *r, const char *path,
                                     enum account_what what)
{
    return (struct account_entry){.key = path,
                                  .what = what,
                                  .seq = r->seq,
                                  .tx = r->tx,
                                  .time_us = r->time_us,
                                  .etag = "",
                                  .version = ""};
}

/* What there is since a transfer. */
static struct account_entry put_of(const struct journal_record *r)
{
    const bool from_file = r->tx != 0 && !r->path2; /* not adopted, no copy of another object */
    struct account_entry e = entry_of(r, r->path, ACCOUNT_PUT);

    if (r->has & JOURNAL_HAS_FILE)
        e.has = ACCOUNT_HAS_SIZE | (from_file ? ACCOUNT_HAS_POSIX : 0);
    if (r->has & JOURNAL_HAS_CRC)
        e.has |= ACCOUNT_HAS_CRC;
    e.size = r->size;
    e.crc64 = r->crc64;
    e.posix = (struct s3_posix){r->mode, r->uid, r->gid, r->mtime_ns};
    e.etag = r->etag ? r->etag : "";
    e.version = r->version ? r->version : "";
    return e;
}

bool account_unsure(const struct journal_record *r)
{
    return r->state == JOURNAL_FAILED &&
           (r->http_status == 0 || r->http_status >= ACCOUNT_SERVER_FAILED);
}

/* An outcome of a transfer. */
static struct account_entry outcome_of(const struct journal_record *r)
{
    if (r->state != JOURNAL_DONE)
        return entry_of(r, r->path, account_unsure(r) ? ACCOUNT_UNSURE : ACCOUNT_END);
    return r->op == JOURNAL_DELETE ? entry_of(r, r->path, ACCOUNT_DELETE) : put_of(r);
}

/* A transfer to the trash: the key is there in full. */
static struct account_entry trash_of(const struct journal_record *r)
{
    struct account_entry e = outcome_of(r);

    if (r->state == JOURNAL_INTENT)
        e = entry_of(r, r->path, ACCOUNT_INTENT);
    e.key = r->path2;
    e.is_key = true;
    e.has = 0;
    return e;
}

size_t account_said(const struct journal_record *r, struct account_entry out[2])
{
    const enum account_what what = r->state == JOURNAL_INTENT ? ACCOUNT_INTENT : ACCOUNT_END;

    if (!r->mapping || !r->path)
        return 0;
    switch (r->op) {
    case JOURNAL_PUT:
    case JOURNAL_COPY:
    case JOURNAL_DELETE:
        out[0] = outcome_of(r);
        return 1;
    case JOURNAL_TRASH:
        out[0] = trash_of(r);
        return r->path2 ? 1 : 0;
    case JOURNAL_ADD:
    case JOURNAL_EDIT:
    case JOURNAL_META:
        out[0] = entry_of(r, r->path, r->state == JOURNAL_ABORT ? ACCOUNT_UNSURE : what);
        return 1; /* interrupted: the transfer may have begun */
    case JOURNAL_REMOVE:
    case JOURNAL_RENAME:
        out[0] = entry_of(r, r->path, what);
        if (!r->path2)
            return 1;
        out[1] = entry_of(r, r->path2, what);
        return 2;
    case JOURNAL_LST:
    case JOURNAL_HOLD:
    case JOURNAL_RELEASE:
    case JOURNAL_START:
    case JOURNAL_STOP:
    case JOURNAL_IDLE:
    case JOURNAL_OVERFLOW:
    case JOURNAL_EXPIRE:
    case JOURNAL_KEY:
    case JOURNAL_RETIRE:
    case JOURNAL_OP_COUNT:
        break;
    }
    return 0;
}

/* A number whose bytes sort as it does. */
static int put_number(struct buf *out, uint64_t n)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(n >> (56 - 8 * i));
    return buf_append(out, bytes, sizeof bytes);
}

static uint64_t get_number(const char *p)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | (uint8_t)p[i];
    return n;
}

/* The numbers behind the key, in this order. */
#define NUMBERS 11

int account_encode(const struct account_entry *e, const char *prefix, struct buf *out)
{
    const uint64_t numbers[NUMBERS] = {
        e->ordinal,           e->what, e->which, e->seq,   e->tx,
        (uint64_t)e->time_us, e->has,  e->size,  e->crc64, (uint64_t)e->posix.mtime_ns,
        e->posix.mode};
    int rc = e->is_key ? 0 : buf_append_str(out, prefix);

    if (rc == 0)
        rc = buf_append(out, e->key, strlen(e->key) + 1);
    for (size_t i = 0; i < NUMBERS && rc == 0; i++)
        rc = put_number(out, numbers[i]);
    if (rc == 0)
        rc = put_number(out, (uint64_t)e->posix.uid << 32 | e->posix.gid);
    if (rc == 0)
        rc = buf_append(out, e->etag, strlen(e->etag) + 1);
    return rc ? rc : buf_append(out, e->version, strlen(e->version) + 1);
}

/* The text that begins here, and what is behind it; NULL: it does not end. */
static const char *get_text(struct span *rest)
{
    const char *text = rest->p, *end = memchr(rest->p, '\0', rest->n);

    if (!end)
        return NULL;
    rest->n -= (size_t)(end + 1 - rest->p);
    rest->p = end + 1;
    return text;
}

int account_decode(struct span bytes, struct account_entry *ret)
{
    struct account_entry e = {.key = get_text(&bytes)};
    uint64_t n[NUMBERS + 1];

    if (!e.key || bytes.n < sizeof n)
        return ERR_CORRUPT;
    for (size_t i = 0; i < NUMBERS + 1; i++)
        n[i] = get_number(bytes.p + 8 * i);
    bytes.p += sizeof n;
    bytes.n -= sizeof n;
    e.ordinal = n[0];
    e.what = (enum account_what)n[1];
    e.which = (unsigned)n[2];
    e.seq = n[3];
    e.tx = n[4];
    e.time_us = (int64_t)n[5];
    e.has = (unsigned)n[6];
    e.size = n[7];
    e.crc64 = n[8];
    e.posix =
        (struct s3_posix){(uint32_t)n[10], (uint32_t)(n[11] >> 32), (uint32_t)n[11], (int64_t)n[9]};
    e.etag = get_text(&bytes);
    e.version = e.etag ? get_text(&bytes) : NULL;
    if (!e.version || n[1] > ACCOUNT_DELETE)
        return ERR_CORRUPT;
    *ret = e;
    return 0;
}

void account_begin(struct account *a, const char *key)
{
    a->what = ACCOUNT_END;
    a->history_count = 0;
    a->open = a->unsure = false;
    a->last = (struct account_entry){0};
    a->object = (struct account_object){0};
    snprintf(a->key, sizeof a->key, "%s", key);
}

static struct account_object object_of(const struct account_entry *e)
{
    struct account_object o = {.which = e->which, .seq = e->seq};

    snprintf(o.etag, sizeof o.etag, "%s", e->etag ? e->etag : "");
    snprintf(o.version, sizeof o.version, "%s", e->version ? e->version : "");
    return o;
}

void account_add(struct account *a, const struct account_entry *e)
{
    switch (e->what) {
    case ACCOUNT_INTENT:
    case ACCOUNT_UNSURE:
        if (a->unsure && e->what == ACCOUNT_INTENT)
            return;
        a->open = true;
        a->unsure = e->what == ACCOUNT_UNSURE;
        a->open_tx = e->tx;
        a->open_by = object_of(e);
        return;
    case ACCOUNT_END: /* says nothing of what went before */
        a->open = a->open && (a->unsure || a->open_tx != e->tx);
        return;
    case ACCOUNT_PUT:
    case ACCOUNT_DELETE:
        if (a->object.seq && e->what == ACCOUNT_PUT)
            a->history[a->history_count++ % ACCOUNT_HISTORY] = a->object;
        if (e->what == ACCOUNT_PUT)
            a->object = object_of(e);
        a->what = e->what;
        a->last = *e;
        a->last.key = a->last.etag = a->last.version = NULL;
        a->open = a->unsure = false;
        return;
    }
}
