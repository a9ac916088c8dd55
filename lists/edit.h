/*
 * Lists changed as a person asks for it: other labels, fewer rows, rows of another list. Every row
 * that is not meant stays byte for byte, and so does all but the label of one that is. Pure.
 */
#ifndef LOCKSTEP_LISTS_EDIT_H
#define LOCKSTEP_LISTS_EDIT_H

#include "lists/lists.h"

/* The images of a list, by path. lst_paths_new(text, ret): 0 or -ENOMEM; the text is borrowed.
 * lst_paths_free: NULL is allowed. lst_paths_find(p, path, ret): the first row of an image; the
 * path as a row spells it; false where there is none. */
struct lst_paths;
int lst_paths_new(struct span text, struct lst_paths **ret) __attribute__((warn_unused_result));
void lst_paths_free(struct lst_paths *p);
bool lst_paths_find(const struct lst_paths *p, struct span path, struct lst_row *ret);

/* Which rows are meant: those that hold against every one that is given. */
struct lst_selection {
    const uint64_t *classes;        /* one of these */
    size_t class_n;                 /* 0: any */
    const char *const *patterns;    /* path_glob, one of these */
    size_t pattern_n;               /* 0: any */
    const struct lst_paths *in;     /* NULL: any */
    const struct lst_paths *not_in; /* NULL: none */
};

/* lst_selected(s, row): it is an image row, and is meant. */
bool lst_selected(const struct lst_selection *s, const struct lst_row *row);

/* lst_row_class(row, ret): the class that the row's single label is. */
bool lst_row_class(const struct lst_row *row, uint64_t *ret);

/* lst_relabel(text, fn, arg, out, ret_changed): append the list, with the class that fn gives in
 * the place of the label, spelled as that was ("3", "3.000000"), wherever fn says so and it is
 * another. fn is asked for each row with one label that is a class. 0, -ENOMEM, ERR_LIMIT. */
typedef bool lst_relabel_fn(void *arg, const struct lst_row *row, uint64_t was,
                            uint64_t *ret_class);
int lst_relabel(struct span text, lst_relabel_fn *fn, void *arg, struct buf *out,
                uint64_t *ret_changed) __attribute__((warn_unused_result));

/* lst_subset(text, s, most, seed, out, ret_kept): append the rows that are meant, byte for byte and
 * in their order; of each class at most `most` (0: all), chosen by the seed. What is no image row
 * is left out. Same answers. */
int lst_subset(struct span text, const struct lst_selection *s, uint64_t most, uint64_t seed,
               struct buf *out, uint64_t *ret_kept) __attribute__((warn_unused_result));

struct lst_append_stats {
    uint64_t added;
    uint64_t known;   /* were there already, with the same labels */
    uint64_t clashes; /* were there with other labels: not added */
};

/* lst_append(text, from, out, ret): append the list, then the image rows of `from` that it has not,
 * under indices that follow its highest. Same answers. */
int lst_append(struct span text, struct span from, struct buf *out, struct lst_append_stats *ret)
    __attribute__((warn_unused_result));

#endif
