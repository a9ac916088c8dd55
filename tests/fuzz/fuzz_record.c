/*
 * Any bytes as a RecordIO file: the reader wants only what lies ahead, comes to an end, and what it
 * took for records is, made anew, those bytes again. Images' heads are read within their payload.
 */
#include "lists/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(int holds)
{
    if (!holds)
        abort();
}

/* What the record says of its image. */
static void look_at_image(struct span payload)
{
    struct record_image image;

    if (!record_image(payload, &image))
        return;
    must(image.label_n > 0);
    must(image.bytes.p + image.bytes.n == payload.p + payload.n);
    must(image.labels.p + image.labels.n <= payload.p + payload.n);
    (void)record_label(&image, 0); /* that it is read, is what matters */
    (void)record_label(&image, image.label_n - 1);
}

/* The bytes as a row to be packed. */
static void pack_row(struct span text)
{
    struct record_image image;
    const char *why = NULL;
    struct lst_row row;
    struct buf out;
    uint64_t id;
    int rc;

    if (text.n == 0)
        return;
    buf_init(&out, 1 << 20);
    lst_row_begin(text, 0, &row);
    rc = record_head(&row, false, &out, &id, &why);
    must(rc == 0 ? record_image((struct span){out.data, out.len}, &image) && image.id == id &&
                       image.bytes.n == 0
                 : rc == ERR_SYNTAX && why && out.len == 0);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum record_next next = RECORD_MORE;
    struct record_reader r;
    struct buf again;

    buf_init(&again, 1 << 24);
    record_begin(&r);
    while (next == RECORD_MORE || next == RECORD_WHOLE) {
        size_t at = (size_t)r.at;
        size_t n = size - at < r.want ? size - at : r.want;
        char *bytes = malloc(n + 1); /* of its own, so that reading past it is seen */

        must(bytes != NULL);
        if (n > 0)
            memcpy(bytes, data + at, n);
        must(record_step(&r, (struct span){bytes, n}, &next) == 0);
        free(bytes);
        must(r.at <= size && r.at >= at && (next != RECORD_MORE || r.at > at || r.n == 0));
        if (next != RECORD_WHOLE)
            continue;
        look_at_image((struct span){r.payload.data ? r.payload.data : "", r.payload.len});
        must(record_frame((struct span){r.payload.data, r.payload.len}, &again) == 0);
        must(again.len == r.at && memcmp(again.data, data, again.len) == 0);
    }
    must(next != RECORD_BAD || r.why != NULL);
    record_release(&r);
    buf_release(&again);
    pack_row((struct span){(const char *)data, size});
    return 0;
}
