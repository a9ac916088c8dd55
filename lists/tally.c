/* What a list holds, in numbers. Pure. */
#include "lists/tally.h"

#include "lists/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CLASSES_FIRST 16

/* Count n rows of a label. 0 or -ENOMEM. */
static int count_class(struct lst_tally *t, size_t label, uint64_t n)
{
    if (label >= t->class_room) {
        size_t room = t->class_room ? t->class_room : CLASSES_FIRST;
        uint64_t *classes;

        while (room <= label)
            room *= 2;
        classes = reallocarray(t->classes, room, sizeof(*classes));
        if (!classes)
            return -ENOMEM;
        memset(classes + t->class_room, 0, (room - t->class_room) * sizeof(*classes));
        t->classes = classes;
        t->class_room = room;
    }
    t->classes[label] += n;
    if (label >= t->class_n)
        t->class_n = label + 1;
    return 0;
}

int lst_tally_add(struct lst_tally *t, const struct lst_row *row)
{
    uint64_t label;
    size_t n;

    t->rows++;
    t->blanks += row->kind == LST_ROW_BLANK;
    t->others += row->kind == LST_ROW_OTHER;
    if (row->kind != LST_ROW_IMAGE)
        return 0;
    n = label_count(row->labels);
    if (t->images == 0 || n < t->label_fewest)
        t->label_fewest = n;
    if (n > t->label_most)
        t->label_most = n;
    t->images++;
    t->boxes += n > 1 && labels_detect(row->labels);
    if (!label_class(row->labels, &label)) {
        t->no_class++;
        return 0;
    }
    return count_class(t, label, 1);
}

int lst_tally_all(struct lst_tally *t, struct span text)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row))
        rc = lst_tally_add(t, &row);
    return rc;
}

void lst_tally_release(struct lst_tally *t)
{
    free(t->classes);
    *t = (struct lst_tally){0};
}

int lst_tally_merge(struct lst_tally *t, const struct lst_tally *other)
{
    int rc = 0;

    for (size_t label = 0; rc == 0 && label < other->class_n; label++)
        if (other->classes[label] > 0)
            rc = count_class(t, label, other->classes[label]);
    return rc;
}

bool lst_tally_is_detection(const struct lst_tally *t)
{
    return t->images > 0 && t->boxes == t->images;
}

struct lst_extremes lst_tally_extremes(const struct lst_tally *t)
{
    struct lst_extremes x = {0};

    for (size_t label = 0; label < t->class_n; label++) {
        uint64_t n = t->classes[label];

        if (n == 0) {
            x.empty++;
            continue;
        }
        if (x.used == 0 || n < x.fewest) {
            x.fewest = n;
            x.fewest_class = label;
        }
        if (n > x.most) {
            x.most = n;
            x.most_class = label;
        }
        x.used++;
    }
    return x;
}
