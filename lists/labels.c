/* Labels and indices as numbers. Pure. */
#include "lists/internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 64 /* bytes of a number that anybody writes */

bool label_number(struct span field, double *ret)
{
    char text[NUMBER_MAX];
    char *end;
    double value;

    if (field.n == 0 || field.n >= sizeof(text))
        return false;
    memcpy(text, field.p, field.n);
    text[field.n] = '\0';
    if (strspn(text, "0123456789+-.eE ") != field.n)
        return false; /* strtod takes names and hexadecimal digits, too */
    value = strtod(text, &end);
    if (end == text || end[strspn(end, " ")] != '\0')
        return false;
    *ret = value;
    return true;
}

bool label_class(struct span labels, uint64_t *ret)
{
    double value;

    if (memchr(labels.p, '\t', labels.n) || !label_number(labels, &value) || !(value >= 0) ||
        value > LABEL_CLASS_MAX || floor(value) < value)
        return false;
    *ret = (uint64_t)value;
    return true;
}

size_t label_count(struct span labels)
{
    size_t n = 1;

    for (size_t i = 0; i < labels.n; i++)
        n += labels.p[i] == '\t';
    return n;
}

/* The next field, taken off. */
static struct span next_field(struct span *labels)
{
    const char *tab = memchr(labels->p, '\t', labels->n);
    size_t n = tab ? (size_t)(tab - labels->p) : labels->n;
    struct span field = {labels->p, n};

    n += tab != NULL;
    labels->p += n;
    labels->n -= n;
    return field;
}

bool labels_same(struct span a, struct span b)
{
    if (span_equal(a, b))
        return true;
    if (label_count(a) != label_count(b))
        return false;
    while (a.n > 0 || b.n > 0) {
        struct span x = next_field(&a);
        struct span y = next_field(&b);
        double x_value;
        double y_value;

        if (!span_equal(x, y) && (!label_number(x, &x_value) || !label_number(y, &y_value) ||
                                  x_value < y_value || x_value > y_value))
            return false;
    }
    return true;
}

bool index_number(struct span index, uint64_t *ret)
{
    uint64_t value = 0;

    if (index.n == 0)
        return false;
    for (size_t i = 0; i < index.n; i++) {
        if (index.p[i] < '0' || index.p[i] > '9' || value > (INT64_MAX - 9) / 10)
            return false;
        value = 10 * value + (uint64_t)(index.p[i] - '0');
    }
    *ret = value;
    return true;
}

uint64_t lst_next_index(struct span text)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    uint64_t next = 0;

    while (lst_row_next(&c, &row)) {
        uint64_t index;

        if (row.kind == LST_ROW_IMAGE && index_number(row.index, &index) && index >= next)
            next = index + 1;
    }
    return next;
}

bool labels_detect(struct span labels)
{
    size_t n = label_count(labels);
    double head;
    double each;

    if (n < 7 || !label_number(next_field(&labels), &head) ||
        !label_number(next_field(&labels), &each))
        return false;
    if (head < 2 || each < 5 || head > (double)n || each > (double)n || floor(head) < head ||
        floor(each) < each)
        return false;
    return (n - (size_t)head) % (size_t)each == 0;
}

int label_put(struct buf *out, uint64_t label, struct span was)
{
    const char *point = memchr(was.p, '.', was.n);
    size_t zeros = point ? (size_t)(was.p + was.n - point - 1) : 0;
    int rc = buf_appendf(out, "%" PRIu64 "%s", label, point ? "." : "");

    while (rc == 0 && zeros-- > 0)
        rc = buf_append_byte(out, '0');
    return rc;
}
