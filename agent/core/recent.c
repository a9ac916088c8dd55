/* Pure. The last changes, for `lockstep status`. See recent.h. */
#include "agent/core/recent.h"

#include "agent/core/amount.h"
#include "base/clock.h"
#include "base/visible.h"

#include <string.h>

#define HEADING "last changes:\n"

/* Does such a record speak of one path, of a change to it? */
static bool is_of_path(enum journal_op op)
{
    switch (op) {
    case JOURNAL_ADD:
    case JOURNAL_EDIT:
    case JOURNAL_META:
    case JOURNAL_RENAME:
    case JOURNAL_REMOVE:
    case JOURNAL_PUT:
    case JOURNAL_COPY:
    case JOURNAL_DELETE:
    case JOURNAL_LST:
    case JOURNAL_TRASH:
        return true;
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
    return false;
}

/* Copy a text that may be NULL; it may be cut. */
static void keep(char *out, size_t size, const char *text)
{
    size_t n = text ? strnlen(text, size - 1) : 0;

    if (n)
        memcpy(out, text, n);
    out[n] = '\0';
}

void recent_note(struct recent *r, const struct journal_record *rec, int64_t now_ms)
{
    struct recent_change *c = &r->changes[r->count % RECENT_MAX];

    if (!rec->path || !rec->mapping || !is_of_path(rec->op) || rec->state == JOURNAL_INTENT ||
        rec->state == JOURNAL_NOTE)
        return;
    c->at_ms = now_ms;
    c->op = rec->op;
    c->state = rec->state;
    keep(c->mapping, sizeof c->mapping, rec->mapping);
    keep(c->path, sizeof c->path, rec->path);
    keep(c->to, sizeof c->to, rec->path2);
    keep(c->why, sizeof c->why, rec->why);
    r->count++;
}

/* The change that is so many before the youngest; NULL: there is none. */
static const struct recent_change *before(const struct recent *r, uint64_t back)
{
    if (back >= r->count || back >= RECENT_MAX)
        return NULL;
    return &r->changes[(r->count - 1 - back) % RECENT_MAX];
}

void recent_json(struct json_writer *w, const struct recent *r, int64_t now_ms)
{
    const struct recent_change *c;

    json_array(w, "last_changes");
    for (uint64_t i = 0; (c = before(r, i)); i++) {
        json_object(w, NULL);
        json_put_string(w, "operation", journal_op_name(c->op));
        json_put_string(w, "outcome", journal_state_name(c->state));
        json_put_string(w, "mapping", c->mapping);
        json_put_string(w, "path", c->path);
        if (c->to[0])
            json_put_string(w, "other_path", c->to);
        if (c->why[0])
            json_put_string(w, "why", c->why);
        json_put_int(w, "age_s", (now_ms - c->at_ms) / MS_PER_S);
        json_object_end(w);
    }
    json_array_end(w);
}

/* One line. */
static int put_change(struct buf *out, const struct recent_change *c, int64_t now_ms)
{
    char age[AMOUNT_SIZE];
    int rc =
        buf_appendf(out, "%7s  %-6s %-6s %s/", amount_time((now_ms - c->at_ms) / MS_PER_S, age),
                    journal_op_name(c->op), journal_state_name(c->state), c->mapping);

    if (rc == 0)
        rc = visible_append(out, c->path);
    if (rc == 0 && c->to[0])
        rc = buf_append_str(out, c->op == JOURNAL_COPY ? " from " : " to ");
    if (rc == 0 && c->to[0])
        rc = visible_append(out, c->to);
    if (rc == 0 && c->why[0])
        rc = buf_append_str(out, ": ");
    if (rc == 0 && c->why[0])
        rc = visible_append(out, c->why);
    return rc ? rc : buf_append_byte(out, '\n');
}

int recent_text(struct buf *out, const struct recent *r, int64_t now_ms)
{
    const struct recent_change *c;
    int rc = r->count ? buf_append_str(out, HEADING) : 0;

    for (uint64_t i = 0; rc == 0 && (c = before(r, i)); i++)
        rc = put_change(out, c, now_ms);
    return rc;
}

/* The bytes of the first so many lines. */
static size_t first_lines(struct span text, unsigned lines)
{
    size_t at = 0;

    while (lines-- && at < text.n) {
        const char *end = memchr(text.p + at, '\n', text.n - at);

        at = end ? (size_t)(end - text.p) + 1 : text.n;
    }
    return at;
}

size_t recent_fit(struct span text, unsigned rows)
{
    static const char mark[] = "\n" HEADING;
    const char *found = memmem(text.p, text.n, mark, sizeof mark - 1);
    size_t head = found ? (size_t)(found + 1 - text.p) : text.n;
    size_t fits = first_lines(text, rows);

    if (fits <= head + sizeof HEADING - 1) /* a heading alone tells nothing */
        return head;
    return fits;
}
