/*
 * Which label each class directory of a list has. Pure. Not for other rooms.
 *
 * A directory is a class directory where all its images have one label. It is known by its whole
 * path, and by its last component too: train/cat and val/cat are the class "cat".
 */
#ifndef LOCKSTEP_LISTS_DIRECTORIES_H
#define LOCKSTEP_LISTS_DIRECTORIES_H

#include "lists/lists.h"

struct directories;

struct directory {
    uint64_t label;
    uint64_t at;  /* the first row that is in it */
    bool several; /* its images have several labels: no class directory */
};

/* directories_new(text, ret): those of a list. 0 or -ENOMEM. directories_free: NULL is allowed. */
int directories_new(struct span text, struct directories **ret) __attribute__((warn_unused_result));
void directories_free(struct directories *d);

/* directories_clash(a, b, fn, arg): each class directory of both that has another label in b. Where
 * whole paths clash, their last components are not told again. */
typedef int directories_fn(void *arg, const char *name, const struct directory *in_a,
                           const struct directory *in_b);
int directories_clash(const struct directories *a, const struct directories *b, directories_fn *fn,
                      void *arg) __attribute__((warn_unused_result));

#endif
