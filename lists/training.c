/* The numbers of lists that a training job must be told. Pure. See channels.h. */
#include "lists/channels.h"

#include "lists/internal.h"
#include "lists/tally.h"

#include <inttypes.h>
#include <string.h>

bool training_flags(struct span labels)
{
    const char *tab;

    if (!memchr(labels.p, '\t', labels.n))
        return false;
    do {
        double value;

        tab = memchr(labels.p, '\t', labels.n);
        if (!label_number((struct span){labels.p, tab ? (size_t)(tab - labels.p) : labels.n},
                          &value))
            return false;
        if ((value < 0 || value > 0) && (value < 1 || value > 1))
            return false;
        if (tab) {
            labels.n -= (size_t)(tab + 1 - labels.p);
            labels.p = tab + 1;
        }
    } while (tab);
    return true;
}

/* Where several labels are no flags: the line of the first such row, or 0. */
static uint64_t find_no_flags(struct span text)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;

    while (lst_row_next(&c, &row))
        if (row.kind == LST_ROW_IMAGE && !training_flags(row.labels))
            return c.line_number;
    return 0;
}

/* What image classification takes of labels: one class each, or a flag for each class. */
static int check_labels(const struct lst_list *list, const struct lst_tally *t, struct err *e)
{
    uint64_t line;

    if (lst_tally_is_detection(t))
        return err_set(e, ERR_SYNTAX, list->name, "a class an image, or a 0 or 1 for each class",
                       "the labels are boxes, which image classification does not take");
    if (t->label_fewest != t->label_most)
        return err_set(e, ERR_SYNTAX, list->name, "as many for each",
                       "rows have %" PRIu64 " to %" PRIu64 " labels", t->label_fewest,
                       t->label_most);
    if (t->label_most == 1)
        return t->no_class == 0
                   ? 0
                   : err_set(e, ERR_SYNTAX, list->name, "whole numbers from 0",
                             "%" PRIu64 " rows have a label that is no class", t->no_class);
    line = find_no_flags(list->text);
    if (line > 0)
        return err_set(e, ERR_SYNTAX, list->name, "a 0 or 1 for each class",
                       "line %" PRIu64 " has other labels", line);
    return 0;
}

/* Count a list, and see that it can be trained with. */
static int count(const struct lst_list *list, uint64_t mini_batch, struct lst_tally *t,
                 struct err *e)
{
    int rc = lst_tally_all(t, list->text);

    if (rc < 0)
        return err_set(e, rc, list->name, NULL, "%s", err_name(rc));
    if (t->blanks + t->others > 0)
        return err_set(e, ERR_SYNTAX, list->name, "\"lockstep lst check\" tells which",
                       "%" PRIu64 " rows are blank, or none", t->blanks + t->others);
    if (t->images < mini_batch)
        return err_set(e, ERR_SYNTAX, list->name, "a smaller --mini-batch-size, or more rows",
                       "has %" PRIu64 " images, fewer than a mini-batch of %" PRIu64, t->images,
                       mini_batch);
    return t->images > 0
               ? check_labels(list, t, e)
               : err_set(e, ERR_SYNTAX, list->name, "at least one row", "the list names no image");
}

/* The classes of a training list: from 0 on, none left out. */
static int classes_of(const struct lst_list *train, const struct lst_tally *t,
                      struct training_numbers *ret, struct err *e)
{
    struct lst_extremes x = lst_tally_extremes(t);

    ret->samples = t->images;
    ret->multi_label = t->label_most > 1;
    ret->classes = ret->multi_label ? t->label_most : t->class_n;
    if (!ret->multi_label && x.empty > 0)
        return err_set(e, ERR_SYNTAX, train->name, "classes from 0 on, without gaps",
                       "%zu of %zu classes have no image", x.empty, t->class_n);
    return 0;
}

/* The list for validation has no other classes. */
static int compare(const struct lst_list *validation, const struct lst_tally *t,
                   const struct training_numbers *numbers, struct err *e)
{
    uint64_t classes = t->label_most > 1 ? t->label_most : t->class_n;

    if (numbers->multi_label != (t->label_most > 1) ||
        (numbers->multi_label ? classes != numbers->classes : classes > numbers->classes))
        return err_set(e, ERR_SYNTAX, validation->name, "the classes of the training list",
                       "has labels for %" PRIu64 " classes, not %" PRIu64, classes,
                       numbers->classes);
    return 0;
}

int training_numbers(const struct lst_list *train, const struct lst_list *validation,
                     uint64_t mini_batch, struct training_numbers *ret, struct err *e)
{
    struct training_numbers numbers = {0};
    struct lst_tally a = {0};
    struct lst_tally b = {0};
    int rc = count(train, mini_batch, &a, e);

    if (rc == 0)
        rc = classes_of(train, &a, &numbers, e);
    if (rc == 0)
        rc = count(validation, mini_batch, &b, e);
    if (rc == 0)
        rc = compare(validation, &b, &numbers, e);
    lst_tally_release(&a);
    lst_tally_release(&b);
    if (rc == 0)
        *ret = numbers;
    return rc;
}
