/* Shell. A RecordIO file given the labels of a list. See pack.h. */
#include "lists/pack.h"

#include "lists/internal.h"
#include "lists/pack_files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEEN (UINT64_C(1) << 63)

/* A row of the list, by its index. */
struct entry {
    uint64_t id;
    uint64_t at; /* with SEEN once a record had it */
};

struct entries {
    struct entry *items;
    size_t n;
    size_t room;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static int add(struct entries *t, uint64_t id, uint64_t at)
{
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 1024;
        struct entry *items = reallocarray(t->items, room, sizeof(*items));

        if (!items)
            return -ENOMEM;
        t->items = items;
        t->room = room;
    }
    t->items[t->n++] = (struct entry){id, at};
    return 0;
}

/* Every image row, sorted. */
static int read_entries(const struct lst_list *list, struct entries *t, struct err *e)
{
    struct lst_cursor c = {.in = list->text};
    char where[ERR_TEXT_MAX];
    struct lst_row row;
    uint64_t id;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        if (row.kind == LST_ROW_BLANK)
            continue;
        if (row.kind == LST_ROW_IMAGE && index_number(row.index, &id))
            rc = add(t, id, (uint64_t)(row.line.p - list->text.p));
        else
            rc = ERR_SYNTAX;
    }
    (void)snprintf(where, sizeof(where), "%s:%" PRIu64, list->name, c.line_number); /* may be cut */
    if (rc < 0)
        return err_set(e, rc, where, "index, label and path, with a TAB between", "%s",
                       err_name(rc));
    if (t->n > 1)
        qsort(t->items, t->n, sizeof(*t->items), compare);
    for (size_t i = 1; i < t->n; i++)
        if (t->items[i].id == t->items[i - 1].id)
            return err_set(e, ERR_SYNTAX, list->name, "each index once",
                           "two rows have the index %" PRIu64, t->items[i].id);
    return 0;
}

/* What one record becomes. `payload` is a buffer to use. */
static int relabel(const struct lst_list *list, struct entries *t, bool first_label,
                   const struct record_image *image, struct buf *payload, const char **ret_why)
{
    struct entry key = {.id = image->id};
    struct entry *hit = t->n > 0 ? bsearch(&key, t->items, t->n, sizeof(key), compare) : NULL;
    struct lst_row row;
    uint64_t id;
    int rc;

    if (!hit || (hit->at & SEEN)) {
        *ret_why =
            hit ? "another record has the same id" : "the list has no row for this record's id";
        return ERR_SYNTAX;
    }
    lst_row_begin(list->text, hit->at, &row);
    hit->at |= SEEN;
    buf_reset(payload);
    rc = record_head(&row, first_label, payload, &id, ret_why);
    return rc == 0 ? buf_append_span(payload, image->bytes) : rc;
}

/* All records, from one file to the other. *ret_why: what is wrong with the record that in->reader
 * is at, where it is not the system that failed. */
static int copy(struct pack_in *in, struct pack_out *o, const struct lst_list *list,
                struct entries *t, const struct pack_options *opt, struct pack_stats *stats,
                const char **ret_why)
{
    struct record_image image = {0};
    enum record_next next;
    struct buf payload;
    int rc;

    buf_init(&payload, RECORD_PAYLOAD_MAX);
    while ((rc = pack_in_next(in, &next)) == 0 && next == RECORD_WHOLE) {
        rc = ERR_SYNTAX;
        *ret_why = "a record is too short for an image's head";
        if (record_image((struct span){in->reader.payload.data, in->reader.payload.len}, &image))
            rc = relabel(list, t, opt->first_label, &image, &payload, ret_why);
        if (rc < 0)
            break;
        *ret_why = NULL;
        rc = pack_out_add(o, image.id, (struct span){payload.data, payload.len});
        if (rc < 0)
            break;
        stats->records++;
        if (opt->on_record)
            opt->on_record(opt->arg, stats->records);
    }
    buf_release(&payload);
    if (rc == 0 && next == RECORD_BAD) {
        *ret_why = in->reader.why;
        return ERR_CORRUPT;
    }
    return rc;
}

/* Between the opening and the end of the output. */
static int relabel_to(struct pack_in *in, struct pack_out *o, const struct lst_list *list,
                      struct entries *t, const struct pack_options *opt, const char *name,
                      struct pack_stats *stats, struct err *e)
{
    const char *why = NULL;
    char where[ERR_TEXT_MAX];
    int rc = copy(in, o, list, t, opt, stats, &why);

    (void)snprintf(where, sizeof(where), "%s: record at byte %" PRIu64, name,
                   in->reader.begin); /* may be cut */
    if (rc < 0)
        return err_set(e, rc, where, NULL, "%s", why ? why : err_name(rc));
    if (stats->records != t->n)
        return err_set(
            e, ERR_SYNTAX, list->name, "a row for each record, and a record for each row",
            "the list has %zu rows, %s has %" PRIu64 " records", t->n, name, stats->records);
    stats->bytes = o->at;
    return 0;
}

int pack_relabel(const struct lst_list *list, const struct pack_options *opt, const char *in,
                 const char *out, struct pack_stats *ret, struct err *e)
{
    struct pack_stats stats = {0};
    struct entries t = {0};
    struct pack_in from;
    struct pack_out o;
    int rc = read_entries(list, &t, e);

    if (rc < 0)
        goto out;
    rc = pack_in_open(&from, in);
    if (rc < 0) {
        (void)err_set(e, rc, in, "a RecordIO file", "%s", err_name(rc));
        goto out;
    }
    rc = pack_out_begin(&o, out, e);
    if (rc < 0)
        goto close_in;
    rc = relabel_to(&from, &o, list, &t, opt, in, &stats, e);
    if (rc < 0) {
        pack_out_abort(&o);
        goto close_in;
    }
    rc = pack_out_commit(&o);
    if (rc < 0)
        (void)err_set(e, rc, out, NULL, "%s", err_name(rc));
    else
        *ret = stats;
close_in:
    pack_in_close(&from);
out:
    free(t.items);
    return rc;
}
