/* What a record says of its image: id and labels. Pure. See record.h. */
#include "lists/record.h"

#include "lists/internal.h"

#include <math.h>
#include <string.h>

_Static_assert(sizeof(float) == 4, "labels are stored as four bytes");

/* An unsigned number of n bytes. */
static uint64_t load(const char *p, size_t n)
{
    uint64_t value = 0;

    while (n > 0)
        value = value << 8 | (unsigned char)p[--n];
    return value;
}

static int put(struct buf *out, uint64_t value, size_t n)
{
    char bytes[8];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    return buf_append(out, bytes, n);
}

static int put_float(struct buf *out, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return put(out, bits, sizeof(bits));
}

bool record_image(struct span payload, struct record_image *ret)
{
    struct record_image image = {.label_n = 1};
    size_t head = RECORD_IMAGE_HEAD;
    uint64_t flag;

    if (payload.n < RECORD_IMAGE_HEAD)
        return false;
    flag = load(payload.p, 4);
    if (flag > (payload.n - head) / sizeof(float))
        return false;
    image.id = load(payload.p + 8, 8);
    image.labels = (struct span){payload.p + 4, sizeof(float)};
    if (flag > 0) {
        image.label_n = (size_t)flag;
        image.labels = (struct span){payload.p + head, image.label_n * sizeof(float)};
        head += image.labels.n;
    }
    image.bytes = (struct span){payload.p + head, payload.n - head};
    *ret = image;
    return true;
}

float record_label(const struct record_image *image, size_t i)
{
    uint32_t bits = (uint32_t)load(image->labels.p + i * sizeof(float), sizeof(float));
    float value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* The labels of a row, each as four bytes. NULL, or what is wrong; *ret_rc: the buffer's failure.
 */
static const char *put_labels(struct span labels, bool first_label, struct buf *out, int *ret_rc)
{
    do {
        const char *tab = memchr(labels.p, '\t', labels.n);
        struct span field = {labels.p, tab ? (size_t)(tab - labels.p) : labels.n};
        double value;

        if (!label_number(field, &value))
            return "a label is no decimal number";
        if (!isfinite((float)value))
            return "a label is larger than four bytes hold";
        *ret_rc = put_float(out, (float)value);
        if (*ret_rc < 0 || first_label || !tab)
            return NULL;
        labels.p += field.n + 1;
        labels.n -= field.n + 1;
    } while (true);
}

/* The head, in a buffer that is cut back by the caller where it fails. */
static int put_head(const struct lst_row *row, bool first_label, struct buf *out, uint64_t id,
                    const char **ret_why)
{
    bool several = !first_label && label_count(row->labels) > 1;
    int rc = put(out, several ? label_count(row->labels) : 0, 4);

    if (rc == 0 && several)
        rc = put_float(out, 0);
    if (rc == 0 && !several)
        *ret_why = put_labels(row->labels, first_label, out, &rc);
    if (rc == 0)
        rc = put(out, id, 8);
    if (rc == 0)
        rc = put(out, 0, 8);
    if (rc == 0 && several)
        *ret_why = put_labels(row->labels, first_label, out, &rc);
    return rc;
}

int record_head(const struct lst_row *row, bool first_label, struct buf *out, uint64_t *ret_id,
                const char **ret_why)
{
    size_t before = out->len;
    const char *why = NULL;
    uint64_t id = 0;
    int rc = 0;

    if (row->kind != LST_ROW_IMAGE)
        why = "is no row: an index, a label and a path, with a TAB between";
    else if (!index_number(row->index, &id))
        why = "the index is no whole number from 0 to 9223372036854775799";
    else
        rc = put_head(row, first_label, out, id, &why);
    if (rc == 0 && why)
        rc = ERR_SYNTAX;
    if (rc < 0) {
        out->len = before;
        *ret_why = why;
        return rc;
    }
    *ret_id = id;
    return 0;
}
