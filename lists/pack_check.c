/* Shell. A RecordIO file and its .idx, looked over. See pack.h. */
#include "lists/pack.h"

#include "base/path.h"
#include "lists/file.h"
#include "lists/internal.h"
#include "lists/pack_files.h"
#include "lists/picture.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Who is told, and how far the .idx was followed. */
struct look {
    const char *rec;
    pack_fault_fn *fn;
    void *arg;
    char idx[PATH_BYTES_MAX + 1];
    struct lst_file idx_file;
    size_t idx_at;
    uint64_t line;
    bool indexed; /* there is one, and it was right so far */
};

static void tell(const struct look *l, uint64_t at, const char *what)
{
    l->fn(l->arg, l->rec, at, what);
}

/* The .idx went wrong: told once, since all that follows would be wrong, too. */
static void tell_idx(struct look *l, const char *what)
{
    l->fn(l->arg, l->idx, l->line, what);
    l->indexed = false;
}

/* Read the .idx. A name that has none is no fault of the file. */
static int open_idx(struct look *l, struct err *e)
{
    int rc = pack_idx_name(l->rec, l->idx, sizeof(l->idx));

    if (rc == ERR_SYNTAX)
        return 0;
    if (rc == 0)
        rc = lst_file_read(l->idx, &l->idx_file, e);
    if (rc == -ENOENT) {
        tell_idx(l, "there is no such file: images cannot be read in any order");
        return 0;
    }
    l->indexed = rc == 0;
    return rc;
}

/* The next line of the .idx is that of this record. */
static void look_at_line(struct look *l, uint64_t id, uint64_t begin)
{
    struct span text = lst_file_text(&l->idx_file);
    struct span line;
    const char *tab;
    uint64_t key;
    uint64_t at;

    l->line++;
    if (l->idx_at == text.n) {
        tell_idx(l, "the file ends before the last record");
        return;
    }
    line = row_line(text, l->idx_at);
    l->idx_at += line.n;
    tab = memchr(line.p, '\t', line.n);
    line.n -= line.p[line.n - 1] == '\n';
    if (!tab || !index_number((struct span){line.p, (size_t)(tab - line.p)}, &key) ||
        !index_number((struct span){tab + 1, (size_t)(line.p + line.n - (tab + 1))}, &at))
        tell_idx(l, "is no line of an .idx: id and offset, with a TAB between");
    else if (at != begin)
        tell_idx(l, "the offset is not where the record begins");
    else if (key != id)
        tell_idx(l, "the id is not that of the record");
}

/* What is wrong with an image file in memory, or NULL. */
static const char *judge_image(struct span bytes)
{
    enum picture_next next = PICTURE_MORE;
    struct picture picture;

    if (bytes.n == 0)
        return "the record has no image";
    picture_begin(&picture);
    while (next == PICTURE_MORE) {
        size_t at = picture.at < bytes.n ? (size_t)picture.at : bytes.n;
        size_t n = bytes.n - at < PICTURE_WINDOW ? bytes.n - at : PICTURE_WINDOW;

        next = picture_step(&picture, (struct span){bytes.p + at, n});
    }
    return next == PICTURE_BAD ? picture.why : NULL;
}

/* One record. */
static void look_at_record(struct look *l, const struct record_reader *r, struct pack_stats *stats)
{
    struct record_image image;
    const char *why;

    stats->records++;
    if (!record_image((struct span){r->payload.data ? r->payload.data : "", r->payload.len},
                      &image)) {
        tell(l, r->begin, "the record is too short for the head of an image");
        l->indexed = false;
        return;
    }
    if (image.label_n > stats->labels)
        stats->labels = image.label_n;
    for (size_t i = 0; i < image.label_n; i++)
        if (!isfinite(record_label(&image, i))) {
            tell(l, r->begin, "a label of the record is no number");
            break;
        }
    why = judge_image(image.bytes);
    if (why)
        tell(l, r->begin, why);
    if (l->indexed)
        look_at_line(l, image.id, r->begin);
}

/* All records. */
static int look_at_all(struct look *l, struct pack_in *in, struct pack_stats *stats)
{
    enum record_next next;
    int rc;

    while ((rc = pack_in_next(in, &next)) == 0 && next == RECORD_WHOLE)
        look_at_record(l, &in->reader, stats);
    if (rc < 0)
        return rc;
    stats->bytes = in->st.size;
    if (next == RECORD_BAD)
        tell(l, in->reader.at, in->reader.why);
    else if (stats->records == 0)
        tell(l, 0, "there is no record");
    l->line++;
    if (next == RECORD_END && l->indexed && l->idx_at < l->idx_file.n)
        tell_idx(l, "names more records than there are");
    return 0;
}

int pack_check(const char *path, pack_fault_fn *fn, void *arg, struct pack_stats *ret,
               struct err *e)
{
    struct look l = {.rec = path, .fn = fn, .arg = arg};
    struct pack_stats stats = {0};
    struct pack_in in;
    int rc = pack_in_open(&in, path);

    if (rc < 0)
        return err_set(e, rc, path, "a RecordIO file", "%s", err_name(rc));
    rc = open_idx(&l, e);
    if (rc == 0) {
        rc = look_at_all(&l, &in, &stats);
        if (rc < 0)
            (void)err_set(e, rc, path, NULL, "%s", err_name(rc));
    }
    lst_file_release(&l.idx_file);
    pack_in_close(&in);
    if (rc == 0)
        *ret = stats;
    return rc;
}
