/*
 * Lists made of a directory of images: which images there are, which class each directory is, which
 * image is for training and which for validation.
 */
#ifndef LOCKSTEP_LISTS_MAKE_H
#define LOCKSTEP_LISTS_MAKE_H

#include "lists/lists.h"

/*
 * A class map: which number each class directory has, for good. A text of lines `number TAB
 * directory`, "." for the root. A directory that goes keeps its number, one that comes gets the
 * next one behind the highest: so labels mean the same tomorrow. Pure.
 */
struct lst_class_map;

/* lst_class_map_parse(text, ret, ret_line): 0, -ENOMEM, ERR_SYNTAX with the line that is none, or
 * whose number or directory another one has. "" is an empty map. lst_class_map_free: NULL allowed.
 */
int lst_class_map_parse(struct span text, struct lst_class_map **ret, uint64_t *ret_line)
    __attribute__((warn_unused_result));
void lst_class_map_free(struct lst_class_map *m);
/* lst_class_map_id(m, directory, ret): its number; a new one if it has none. "" is the root. 0,
 * -ENOMEM, ERR_LIMIT for a number too high. */
int lst_class_map_id(struct lst_class_map *m, const char *directory, uint64_t *ret)
    __attribute__((warn_unused_result));
/* lst_class_map_find(m, directory, ret): its number, if it has one. */
bool lst_class_map_find(const struct lst_class_map *m, struct span directory, uint64_t *ret);
/* lst_class_map_render(m, out): append the text, by number. 0, -ENOMEM. lst_class_map_grown(m): how
 * many are new. */
int lst_class_map_render(const struct lst_class_map *m, struct buf *out)
    __attribute__((warn_unused_result));
size_t lst_class_map_grown(const struct lst_class_map *m);

/*
 * lst_gather(root_fd, image, bad, arg): every .jpg, .jpeg and .png (in any case) below the root, in
 * the order of im2rec: a directory's images by name, then its directories by name, each with all
 * that is in it. Names that begin with '.' and symbolic links are passed over. `bad` is told names
 * that no row can hold. A non-zero answer of fn ends it and is handed back. Else 0 or -errno.
 * Shell.
 */
typedef int lst_gather_fn(void *arg, const char *path);
int lst_gather(int root_fd, lst_gather_fn *image, lst_gather_fn *bad, void *arg)
    __attribute__((warn_unused_result));

/* lst_path_fits(path): a row can hold it, and every reader reads the same. Pure. */
bool lst_path_fits(const char *path);

#define LST_PARTS_MAX 3

struct lst_parts_options {
    unsigned shares[LST_PARTS_MAX]; /* of each part; their sum is the whole */
    size_t n;
    uint64_t seed;
    /* What must stay together: the key of a path; NULL: each image is alone. */
    struct span (*group)(void *arg, struct span path);
    void *arg;
};

/* lst_parts(text, opt, outs, ret_rows): append each image row to one of opt->n lists, in order and
 * byte for byte. Each class is divided by the shares as near as its groups allow, in an order that
 * the seed and the names alone decide. A group counts to the class of its first row. 0, -ENOMEM,
 * ERR_LIMIT. Pure. */
int lst_parts(struct span text, const struct lst_parts_options *opt, struct buf outs[],
              uint64_t ret_rows[]) __attribute__((warn_unused_result));

/* lst_shuffle(text, seed, out): append the rows in another order. Same answers. Pure. */
int lst_shuffle(struct span text, uint64_t seed, struct buf *out)
    __attribute__((warn_unused_result));

#endif
