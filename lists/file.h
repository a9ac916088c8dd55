/*
 * Lists as files for the tools that people call: read whole, written whole. Shell.
 *
 * The agent's own rewriting is lst_apply, which also stands back from writers of the same moment.
 * Here a person asked for it: what is read must hold still while it is read, and a file that is
 * replaced must still be the one that was read.
 */
#ifndef LOCKSTEP_LISTS_FILE_H
#define LOCKSTEP_LISTS_FILE_H

#include "lists/lists.h"

#define LST_FILE_MAX (UINT64_C(16) << 30) /* bytes of a list */

/* A list as it was read; zeroed where none was. */
struct lst_file {
    char *bytes;
    size_t n;
    struct file_stat st;
};

/* lst_file_read(path, ret, e): all of it; links are followed, since the operator names it. 0,
 * -errno, ERR_NOT_FILE, ERR_LIMIT, ERR_CHANGED. lst_file_release(f): frees. lst_file_text(f): its
 * bytes. */
int lst_file_read(const char *path, struct lst_file *ret, struct err *e)
    __attribute__((warn_unused_result));
void lst_file_release(struct lst_file *f);
struct span lst_file_text(const struct lst_file *f);

/* lst_file_write(path, text, was, e): put the text in place, whole and durable. The file must still
 * be the one that was read, else ERR_CHANGED, and keeps its owner and mode. A symbolic link is
 * followed. 0 or -errno. */
int lst_file_write(const char *path, struct span text, const struct lst_file *was, struct err *e)
    __attribute__((warn_unused_result));

/* lst_file_create(path, text, force, e): the same for a file that is not there; with force whatever
 * has the name is replaced. 0, -EEXIST, -errno. */
int lst_file_create(const char *path, struct span text, bool force, struct err *e)
    __attribute__((warn_unused_result));

#endif
