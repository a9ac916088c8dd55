/*
 * RecordIO files made of lists and their images, given other labels, and looked over. Shell.
 *
 * A FILE.rec has a FILE.idx beside it: a line `id TAB offset` a record, in the order of records.
 * Both are made under names of their own and put in place at the end, durable: first the old .idx
 * goes, then the .rec comes, then the new .idx. So a .rec is there whole or not at all, and an .idx
 * is never that of another .rec; a process that dies midway leaves at worst a .rec without an .idx,
 * and what it had made so far is removed by a later one in that directory, after an hour.
 */
#ifndef LOCKSTEP_LISTS_PACK_H
#define LOCKSTEP_LISTS_PACK_H

#include "lists/check.h"
#include "lists/record.h"

struct pack_options {
    int root_fd;                                    /* of the repository */
    bool first_label;                               /* leave out the labels behind the first */
    unsigned threads;                               /* that read images, at least 1 */
    void (*on_record)(void *arg, uint64_t records); /* so many were written; NULL: not told */
    void *arg;
};

struct pack_stats {
    uint64_t records;
    uint64_t bytes;  /* of the .rec */
    uint64_t labels; /* most of a record */
};

/* pack_list(list, opt, out, ret, e): write the images that a list names, in its order and byte for
 * byte as their files are, to `out` (its name ends in .rec) and its .idx. Blank rows are passed
 * over. Any row or image that cannot be packed ends it, and nothing is written: ERR_SYNTAX,
 * ERR_LIMIT, ERR_CHANGED, -errno. Images are read by several threads; they hold 256 MiB of them at
 * most, or one that is larger. */
int pack_list(const struct lst_list *list, const struct pack_options *opt, const char *out,
              struct pack_stats *ret, struct err *e) __attribute__((warn_unused_result));

/* pack_relabel(list, opt, in, out, ret, e): write `in` to `out`, which may be the same, with the
 * labels that the list has for each record's id. Each record needs a row and each row a record,
 * else ERR_SYNTAX. Of the options the root and the threads are not used. 16 bytes a row. */
int pack_relabel(const struct lst_list *list, const struct pack_options *opt, const char *in,
                 const char *out, struct pack_stats *ret, struct err *e)
    __attribute__((warn_unused_result));

/* pack_check(path, fn, arg, ret, e): read a .rec and its .idx. fn is told what is wrong: in which
 * file, at which byte of the .rec or line of the .idx. Behind a record that cannot be read nothing
 * more is looked at. 0 (whatever was found), or a failure to read. */
typedef void pack_fault_fn(void *arg, const char *file, uint64_t at, const char *what);
int pack_check(const char *path, pack_fault_fn *fn, void *arg, struct pack_stats *ret,
               struct err *e) __attribute__((warn_unused_result));

#endif
