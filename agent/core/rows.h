/*
 * Where the rows of images are that change their names, and where they must go. Pure.
 *
 * Lists name images by paths, and paths change hands: a row belongs to its image, not to whatever
 * is at its path by now. So an image that moves has an entry here until its rows are where it is:
 *
 *   image  the path under which the index knows it; none once that says something else
 *   names  the paths by which lists may name it: the one that it had when rows were last moved, and
 *          each where it was since, for people write rows too; none that is another entry's
 *   to     the path where it is; none where it is gone
 *
 * An entry is *lost* while another image came to its place, or its rename was taken back, and
 * nobody has found it yet. A pass takes its rows to its name, under which S3 has it; where that is
 * another's place, rows that are in another's way are dropped, and so are those of an image that
 * has no name any more; but the pass over the lists should wait for it (rows_unsure). All changes
 * of a pass happen at once, so swaps and chains come out right.
 *
 * Where the file system tells when a file was made, that and the inode say which image a look saw,
 * whatever paths it had: rows_seen.
 *
 * All paths are below the repository's root and are copied.
 */
#ifndef LOCKSTEP_AGENT_CORE_ROWS_H
#define LOCKSTEP_AGENT_CORE_ROWS_H

#include "base/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rows;

/* rows_new(): NULL without memory. rows_free: NULL is allowed. */
struct rows *rows_new(void);
void rows_free(struct rows *r);

/* rows_follow(r, image, file, at, to): the image is at `to` now; it is this file. `at`: by which
 * path lists name it, where the table does not know better. What was at `to` by the table's word is
 * lost. 0 or -ENOMEM. */
int rows_follow(struct rows *r, const char *image, struct file_id file, const char *at,
                const char *to) __attribute__((warn_unused_result));

/* rows_image_of(r, file): the name by which the index knows the image that certainly is this file,
 * or knew it last; the table's. NULL: there is no entry of it.
 * rows_is_elsewhere(r, file, path): that image is at another path, by the table's word.
 * rows_seen(r, file, to): a look saw this file at `to`. 1 if there is an entry of it, which is
 * there now; 0 if not, or -ENOMEM. */
const char *rows_image_of(const struct rows *r, struct file_id file);
bool rows_is_elsewhere(const struct rows *r, struct file_id file, const char *path);
int rows_seen(struct rows *r, struct file_id file, const char *to)
    __attribute__((warn_unused_result));

/* rows_leaves(r, image): the index is about to have no such name. An image that nobody has found is
 * not to be named so. */
void rows_leaves(struct rows *r, const char *image);

/* rows_went_on(r, was, from, file, to): an image that has no name any more is at `to` now. It is
 * known by its inode together with its last name or the path where it was (each may be NULL).
 * 1 if there is such an image, 0 if not, or -ENOMEM. */
int rows_went_on(struct rows *r, const char *was, const char *from, struct file_id file,
                 const char *to) __attribute__((warn_unused_result));

/* rows_unlanded(r, path, file, to): an image that the index never knew, and that lists name by
 * `path`, is at `to` now: it has no name until rows_landed. 0 or -ENOMEM. */
int rows_unlanded(struct rows *r, const char *path, struct file_id file, const char *to)
    __attribute__((warn_unused_result));

/* rows_lent(r, file, name): if the image that is this file has the name, it has it from the one
 * that the index knows by it: that one has it back where it is found elsewhere. */
void rows_lent(struct rows *r, struct file_id file, const char *name);

/* rows_each_adrift(r, fn, arg): each name of the images that have no name in the index any more and
 * are not lost, nor is it unknown when their file was made: nothing else knows of them. The first
 * non-zero answer of fn. rows_adrift(r): are there any without a name in the index? */
struct rows_adrift {
    struct file_id file;
    const char *was; /* its last name in the index; NULL: it had none */
    const char *name, *to;
    bool guess;       /* people may have written that name, and nothing else says that they did */
    bool unlanded;    /* as of rows_unlanded */
    bool overwritten; /* by another one there */
};
typedef int rows_adrift_fn(void *arg, const struct rows_adrift *image);
int rows_each_adrift(const struct rows *r, rows_adrift_fn *fn, void *arg)
    __attribute__((warn_unused_result));
bool rows_adrift(const struct rows *r);

/* rows_restore(r, image): what an earlier run was told by rows_each_adrift, into a table that knows
 * nothing else. 0 or -ENOMEM.
 * rows_rewriting(r, from, to): a list was rewritten, and rows by the name `from` have the other one
 * by now. 1 if they are such an image's, 0 if not, or -ENOMEM. rows_rewritten(r): that was all of
 * the list; it holds from now on. 0 or -ENOMEM.
 * rows_is_adrift(r, name): is this a name of an image without a name in the index, which is
 * elsewhere? rows_name_left(r, name): its rows of that name have left. */
int rows_restore(struct rows *r, const struct rows_adrift *image)
    __attribute__((warn_unused_result));
int rows_rewriting(struct rows *r, const char *from, const char *to)
    __attribute__((warn_unused_result));
int rows_rewritten(struct rows *r) __attribute__((warn_unused_result));
bool rows_is_adrift(const struct rows *r, const char *name);
void rows_name_left(struct rows *r, const char *name);

/* rows_listed(r, image, file, at): of an earlier run the index has it that lists name the image by
 * `at`. It is lost until it is looked at, and passes should wait for that. 1; 0 if the table knows
 * better; or -ENOMEM. */
int rows_listed(struct rows *r, const char *image, struct file_id file, const char *at)
    __attribute__((warn_unused_result));

/* rows_is_unseen(r, image): nothing else is known of it. rows_unseen_end(r, image): nor by the
 * table any more, then. */
bool rows_is_unseen(const struct rows *r, const char *image);
void rows_unseen_end(struct rows *r, const char *image);

/* rows_also(r, image, file, at, name): lists may name the image by this path too. A new entry
 * counts as being where the index has it, unless another is there by the table's word: then it is
 * lost. Of one that has no name any more the rows are the image's, if it is not found elsewhere. 0
 * or -ENOMEM. */
int rows_also(struct rows *r, const char *image, struct file_id file, const char *at,
              const char *name) __attribute__((warn_unused_result));

/* rows_written(r, name, to): a list has this name for the image that is at `to`, if the table says
 * that it may. */
void rows_written(struct rows *r, const char *name, const char *to);

/* rows_displaced(r, image, file, at): another image came to the path of this one, which is lost
 * unless the table knows that it left. 0 or -ENOMEM. */
int rows_displaced(struct rows *r, const char *image, struct file_id file, const char *at)
    __attribute__((warn_unused_result));

/* rows_overtaken(r, image, file, at, path): the image came to the path, and what is there now by
 * the table's word came over it. 0 or -ENOMEM. */
int rows_overtaken(struct rows *r, const char *image, struct file_id file, const char *at,
                   const char *path) __attribute__((warn_unused_result));

/* rows_lost(r, image, path): it is not at the path, where the table may have it, and nothing else
 * is: rows that name it by that path are its own. Harmless where the table has it elsewhere. */
void rows_lost(struct rows *r, const char *image, const char *path);

/* rows_gone(r, image, path, at): nothing is at `path` any more. The rows of what came there last by
 * the table's word are to go, and those of what was overwritten there and found nowhere; where that
 * tells of nothing, those of the image that is known as `image`, if that is its path. 0 or -ENOMEM.
 */
int rows_gone(struct rows *r, const char *image, const char *path, const char *at)
    __attribute__((warn_unused_result));

/* rows_gone_over(r, image, path): the image that is gone, as rows_gone was told, went to this path,
 * where another one came over it. 0 or -ENOMEM. rows_emptied(r, path): as rows_gone of what came
 * there last, if that has no name in the index any
 * more: what the index has there is another image, which may stay. */
int rows_gone_over(struct rows *r, const char *image, const char *path)
    __attribute__((warn_unused_result));
void rows_emptied(struct rows *r, const char *path);

/* rows_each_going(r, image, path, at, fn, arg): the names that lists may have for what rows_gone
 * would let go, some perhaps twice; nothing changes. Stops with the first non-zero answer of fn and
 * returns it. */
typedef int rows_name_fn(void *arg, const char *name);
int rows_each_going(const struct rows *r, const char *image, const char *path, const char *at,
                    rows_name_fn *fn, void *arg) __attribute__((warn_unused_result));

/* rows_landed(r, image, file, path): the index has something else under `path` from now on: this
 * file, the image that was known as `image`, or (NULL) what no list names otherwise. What the table
 * has there keeps its rows for the case that it is found elsewhere (rows_went_on), until the new
 * one moves on or is gone: then they are that one's. 0 or -ENOMEM. */
int rows_landed(struct rows *r, const char *image, struct file_id file, const char *path)
    __attribute__((warn_unused_result));

/* rows_unguess(r, path): a new file landed at the path, which the index never had: rows by that are
 * its own, and no more those of an image that was there in between. */
void rows_unguess(struct rows *r, const char *path);

/* rows_passed(r, file, path): the index has this file under `path`, too, where it only was before:
 * what was known by that path is known by it no more, and this one by what it was. */
void rows_passed(struct rows *r, struct file_id file, const char *path);

/* rows_replaced(r, file, at, rows): another file landed where the index had this one, which lists
 * name by `at`, and of which the table has no entry: it was overwritten, or went on, and no event
 * told of that yet. Or (`rows`) it was taken for this one's new content, of which events told, and
 * has its rows. The last thousand of such whose birth is known are remembered until rows_close;
 * without memory they are not. rows_replaced_at(r, file): by which path lists name such a file; the
 * table's. NULL: it is none. rows_replaced_forget(r): all of them. */
void rows_replaced(struct rows *r, struct file_id file, const char *at, bool rows);
const char *rows_replaced_at(const struct rows *r, struct file_id file);
void rows_replaced_forget(struct rows *r);

/* rows_regain(r, file, to): such a file was seen at `to`: rows of where it was follow it, unless
 * they are another's that is there by now. 0 or -ENOMEM. */
int rows_regain(struct rows *r, struct file_id file, const char *to)
    __attribute__((warn_unused_result));

/* rows_came_over(r, file, to): the image that is this file, and that was lost, was found at `to`,
 * where it came over another one; the index knows it by that name. 1 if there is an entry of it
 * that was lost, 0 if not, or -ENOMEM. rows_is_over(r, name): lists may name such an image by this
 * path. */
int rows_came_over(struct rows *r, struct file_id file, const char *to)
    __attribute__((warn_unused_result));
bool rows_is_over(const struct rows *r, const char *name);

/* rows_over_at(r, name): where another image came over the one that lists may name so, and that is
 * gone; the table's. NULL: not known, or it is not gone. */
const char *rows_over_at(const struct rows *r, const char *name);

/* rows_file_of(r, name): the file of the image that lists may name so; zeros: it is not known. */
struct file_id rows_file_of(const struct rows *r, const char *name);

/* rows_has(r, image): there is an entry of that name. */
bool rows_has(const struct rows *r, const char *image);

/* rows_is_at(r, image, path): the image is at the path, by the table's word. */
bool rows_is_at(const struct rows *r, const char *image, const char *path);

/* rows_is_free(r, path): by the table's word no image is at the path. */
bool rows_is_free(const struct rows *r, const char *path);

/* rows_image_at(r, path): the image that came to the path last, by the name that the index has for
 * it. NULL: the table knows of none, or it has no name any more. */
const char *rows_image_at(const struct rows *r, const char *path);

/* rows_has_other(r, path, file): an image that is in the index, and another file, came to the path
 * last. */
bool rows_has_other(const struct rows *r, const char *path, struct file_id file);

/* rows_place_of(r, name): where the image is, by the table's word, that lists may name so. NULL: it
 * knows of none, or not where. */
const char *rows_place_of(const struct rows *r, const char *name);

/* rows_at(r, image): by which path lists name it for certain: not yet by what a pass that is under
 * way (before rows_settled) makes of it. NULL: the table does not know, or by none. */
const char *rows_at(const struct rows *r, const char *image);

/* rows_is_leaving(r, image, name): a pass that is under way takes the image's rows from this name.
 */
bool rows_is_leaving(const struct rows *r, const char *image, const char *name);

/* rows_changes(r): grows with each change of the table. rows_is_empty(r): it has no images.
 * rows_any(r): it has, or remembers which were replaced. */
uint64_t rows_changes(const struct rows *r);
bool rows_is_empty(const struct rows *r);
bool rows_any(const struct rows *r);

/* rows_pending(r): something changed since the last rows_take.
 * rows_unsure(r): rows of a lost image are where another's are to go, or cannot go to its name. */
bool rows_pending(const struct rows *r);
bool rows_unsure(const struct rows *r);

/* rows_seek(r, now, fn, arg): asks fn about each name by which a pass would drop rows, and tells it
 * what `now` was when it was asked about that name last; 0: it was not. True: fn said so of any. */
typedef bool rows_seek_fn(void *arg, const char *name, uint64_t since);
bool rows_seek(struct rows *r, uint64_t now, rows_seek_fn *fn, void *arg);

/* rows_take(r, fn, arg): what the lists have to change: each path that rows are to leave, and where
 * to (NULL: they are dropped). The table counts them as moved. Stops with the first non-zero answer
 * of fn and returns it. */
typedef int rows_fn(void *arg, const char *from, const char *to);
int rows_take(struct rows *r, rows_fn *fn, void *arg) __attribute__((warn_unused_result));

/* rows_close(r, is_home, arg): nothing is open any more, so nobody will find what the table still
 * has: each image is where the index has it, if is_home says that it is this file, or gone. What
 * the index has by the path where the image was last (is_home is asked about no file) is that one,
 * or has its rows: it was replaced there. 0 or -ENOMEM. */
typedef bool rows_home_fn(void *arg, const char *image, const struct file_id *file);
int rows_close(struct rows *r, rows_home_fn *is_home, void *arg)
    __attribute__((warn_unused_result));

/* rows_is_unlanded(r, path): lists may name an image by this path, under which S3 does not have it:
 * by where it is or was, or by what a pass is to take, or takes and rows_settled did not tell of
 * yet. */
bool rows_is_unlanded(const struct rows *r, const char *path);

/* rows_settled(r, fn, arg): the lists are rewritten: tells of each image (`from`; NULL: it has no
 * name any more) whose rows came to another path (`to`), once: where that is the image's own, the
 * entry ends. Stops as rows_take. */
int rows_settled(struct rows *r, rows_fn *fn, void *arg) __attribute__((warn_unused_result));

#endif
