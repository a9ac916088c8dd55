/*
 * What the files of lists/ share among themselves. Not for other rooms.
 */
#ifndef LOCKSTEP_LISTS_INTERNAL_H
#define LOCKSTEP_LISTS_INTERNAL_H

#include "lists/lists.h"

/*
 * Rows. Pure.
 */

/* row_classify(line, first, ret): what this row is; `first` tells that it is the first of its file,
 * where a byte order mark may stand. */
void row_classify(struct span line, bool first, struct lst_row *ret);

/* row_line(in, at): the row that begins at `at`, which is less than in.n, with its line ending. */
struct span row_line(struct span in, size_t at);

/* row_path(line, ret): the last TAB field without line ending; false without a TAB. Cheap: says
 * nothing of the row's kind. */
bool row_path(struct span line, struct span *ret);

/* path_is_normal(path): as spelled it is in normal form already, as nearly all are, and has no NUL.
 * A false no only costs time. */
bool path_is_normal(struct span path);

/* path_lead(path): bytes of a leading "./", "././", ".//" as spelled. */
size_t path_lead(struct span path);

/*
 * Labels and indices as numbers. Pure.
 */
#define LABEL_CLASS_MAX 1048575 /* classes that are counted one by one */

/* label_number(field, ret): one label; false where it is no decimal number. */
bool label_number(struct span field, double *ret);

/* label_class(labels, ret): the class that a single label is; false where there are several, or it
 * is no whole number from 0 to LABEL_CLASS_MAX. */
bool label_class(struct span labels, uint64_t *ret);

/* label_put(out, label, was): append a class as the label before it was spelled: with as many zeros
 * behind a point. 0, -ENOMEM, ERR_LIMIT. */
int label_put(struct buf *out, uint64_t label, struct span was) __attribute__((warn_unused_result));

/* label_count(labels): how many fields. */
size_t label_count(struct span labels);

/* labels_same(a, b): the same numbers, however they are spelled. */
bool labels_same(struct span a, struct span b);

/* index_number(index, ret): an index in plain digits, below 2^63. */
bool index_number(struct span index, uint64_t *ret);

/* lst_next_index(text): the first index behind the highest of a list; 0 where it has none. */
uint64_t lst_next_index(struct span text);

/* labels_detect(labels): they are boxes, as lists for detection have them: header width A, width B
 * of an object, the rest of the header, objects. */
bool labels_detect(struct span labels);

/*
 * Changes. Pure.
 */
struct change;

/* What was found for a path: the change, and how much of the path it replaces. */
struct change_hit {
    const struct change *change;
    struct span normal; /* the row's path in normal form: inside the row, or in the scratch */
    size_t from_n;      /* leading bytes of it that the change names */
};

/* What may change a row: a change of its very path, one of a directory above, or both. */
#define CHANGES_OWN   1u
#define CHANGES_ABOVE 2u
#define CHANGES_ANY   (CHANGES_OWN | CHANGES_ABOVE)

/* changes_reach(c, in, line): CHANGES_... that the row of that list may have; what is missing there
 * it has not. A look at its end, mostly. */
unsigned changes_reach(const struct lst_changes *c, struct span in, struct span line);

/* changes_find(c, reach, path, scratch, ret): the nearest change for a path as spelled in a row, of
 * those that may reach it; false if there is none or the path names nothing inside. scratch:
 * PATH_BYTES_MAX + 1 bytes, used only for paths that are not in normal form. */
bool changes_find(const struct lst_changes *c, unsigned reach, struct span path, char *scratch,
                  struct change_hit *ret);

/* changes_next(c, &at, ret_from): the paths that have a change, in no order; *at = 0 to begin.
 * False at the end. */
bool changes_next(const struct lst_changes *c, size_t *at, struct span *ret_from);

/* change_fate(hit, out, size): what it makes of that path; on LST_RENAME the new path is in out. */
enum lst_fate change_fate(const struct change_hit *hit, char *out, size_t size);

/* change_is_over(hit): it came over another image, as lst_changes_rename_over has it.
 * changes_any_over(c): some change is such. changes_come_over(c, normal): one is to this path. */
bool change_is_over(const struct change_hit *hit);
bool changes_any_over(const struct lst_changes *c);
bool changes_come_over(const struct lst_changes *c, struct span normal);

/* change_yields(hit): as of lst_changes_yield; change_fate has its row dropped.
 * changes_any_yield(c): some change is such. */
bool change_yields(const struct change_hit *hit);
bool changes_any_yield(const struct lst_changes *c);

/*
 * Rewriting. Pure.
 */

/* rewrite_affected(policy, in, changes, out, undo, ret_rest, ret): as lst_rewrite_by (policy may be
 * NULL), but out ends with the
 * last affected row: all from *ret_rest on stays as it is and is left for the caller to append. So
 * a list without affected rows costs no copy. */
int rewrite_affected(const struct lst_policy *policy, struct span in,
                     const struct lst_changes *changes, struct buf *out, struct buf *undo,
                     size_t *ret_rest, struct lst_rewrite_stats *ret)
    __attribute__((warn_unused_result));

#endif
