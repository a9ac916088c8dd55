/*
 * `.lst` files: index TAB label[ TAB label...] TAB path, one image a row.
 *
 * A list keeps what people put in it: rows that are not affected stay byte for byte, in order.
 */
#ifndef LOCKSTEP_LISTS_LISTS_H
#define LOCKSTEP_LISTS_LISTS_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/tree.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Rows. Pure.
 *
 * An index is a decimal number as some reader takes it: "12", "-1", "5.0", "1e+05", blanks around.
 * A byte order mark before the first one is skipped, and kept. Anything with a CR inside, without
 * two TABs or longer than LST_ROW_BYTES_MAX is OTHER, and never changed.
 */
#define LST_ROW_BYTES_MAX 65536

enum lst_row_kind {
    LST_ROW_IMAGE, /* at least three TAB-separated fields, index a number */
    LST_ROW_BLANK, /* nothing but white space */
    LST_ROW_OTHER  /* anything else: kept as it is */
};

struct lst_row {
    enum lst_row_kind kind;
    struct span line;   /* the whole row with its line ending */
    struct span index;  /* IMAGE only */
    struct span labels; /* all label fields with the TABs between them */
    struct span path;   /* the last field, as spelled (without CR, LF) */
};

struct lst_cursor {
    struct span in;
    size_t at;
    uint64_t line_number; /* of the row last returned, from 1 */
};

/* lst_row_next(c, ret): the next row of c->in; false at the end. A last line without LF is a row.
 */
bool lst_row_next(struct lst_cursor *c, struct lst_row *ret);

/* lst_row_begin(in, at, ret): the row that begins at this byte, which is less than in.n. */
void lst_row_begin(struct span in, uint64_t at, struct lst_row *ret);

/* lst_path_normal(path, out, size): the path column as a path below the repository: leading "./"
 * and repeated '/' dropped, nothing else. 0, or ERR_SYNTAX where it names nothing inside (absolute,
 * "." or ".." as a component, empty, '/' at the end, NUL), -ENAMETOOLONG. */
int lst_path_normal(struct span path, char *out, size_t size) __attribute__((warn_unused_result));

/*
 * What to do with a path. `lst_changes` is a batch: renames and removals of images and of whole
 * directories, all applied at once (a row is looked up by its old path only, so swaps and chains
 * inside a batch are right).
 */
struct lst_changes;

int lst_changes_new(struct lst_changes **ret) __attribute__((warn_unused_result));
void lst_changes_free(struct lst_changes *c);
/* Paths are copied. A directory's change applies to every path within it unless a nearer one (the
 * path itself, a deeper directory) is set; a removal reaches all within its path, if it was a
 * directory. A rename to its own name shields a path from the change of a directory above. A later
 * call for the same path replaces the earlier. 0, -ENOMEM, ERR_SYNTAX for what is not a path below
 * the root (the root itself, too) and for a new name that no row can hold (TAB, CR, LF). */
int lst_changes_rename(struct lst_changes *c, const char *from, const char *to)
    __attribute__((warn_unused_result));
/* lst_changes_rename_over(c, from, to): the same where another image was, whose place it has now: a
 * list that has rows by `to` keeps these, and those by `from` are dropped; in any other they
 * follow.
 */
int lst_changes_rename_over(struct lst_changes *c, const char *from, const char *to)
    __attribute__((warn_unused_result));
/* lst_changes_yield(c, path): another image has this place now, and nobody knows where the one went
 * that had it: a list in which rows come to `path` with this batch has no other row by it then; in
 * any other they stay. */
int lst_changes_yield(struct lst_changes *c, const char *path) __attribute__((warn_unused_result));
int lst_changes_rename_directory(struct lst_changes *c, const char *from, const char *to)
    __attribute__((warn_unused_result));
int lst_changes_remove(struct lst_changes *c, const char *path) __attribute__((warn_unused_result));
uint64_t lst_changes_count(const struct lst_changes *c);

enum lst_fate { LST_KEEP, LST_RENAME, LST_DROP };
/* lst_changes_fate(c, path, out, size): what becomes of a row with this (normal) path; on
 * LST_RENAME the new path is in out. A new path that does not fit is LST_KEEP: with PATH_BYTES_MAX
 * + 1 bytes no file can have it. */
enum lst_fate lst_changes_fate(const struct lst_changes *c, const char *path, char *out,
                               size_t size);

/* What else than following a list wants of a rewrite. Zeroed: rows of renamed images follow, those
 * of removed ones go, all else stays. */
struct lst_class_map;
struct lst_policy {
    bool keep_removed; /* rows of removed images stay */
    bool drop_renamed; /* rows of renamed images go */
    bool reindex;      /* where a row goes, the image rows get the indices 0, 1, 2... in order */
    const struct lst_class_map *classes; /* an image that comes to another directory gets the class
                                            of that one; NULL: labels stay */
};

#define LST_STRANGER_MAX 256

struct lst_rewrite_stats {
    uint64_t rows;       /* all rows read */
    uint64_t renamed;    /* rows whose path changed */
    uint64_t dropped;    /* rows taken out */
    uint64_t changed;    /* rows that are other now, or are gone */
    uint64_t unfollowed; /* of these, those of renamed images */
    uint64_t kept;       /* rows that stay though their image is gone */
    uint64_t relabelled; /* rows that got another class */
    uint64_t reindexed;  /* rows that got another index */
    uint64_t strangers;  /* rows in another directory that has no class, or with no single label to
                            change: the label stays */
    char stranger[LST_STRANGER_MAX]; /* the path of the first of them, cut where too long */
};

/*
 * lst_rewrite(in, changes, out, undo, ret): append the rewritten list to out. A renamed row keeps
 * its other bytes and the spelling of a leading "./". Undo (may be NULL) gets one line a changed
 * row: `<line number> TAB - | <new path> TAB <the old row>`: the line number in the old list, "-"
 * for a dropped row, the new path as spelled in the new row ("./-" for "-"), and the old row byte
 * for byte with its line ending, so the last line may lack LF. 0, -ENOMEM, ERR_LIMIT (then both
 * buffers are as before). Pure.
 */
int lst_rewrite(struct span in, const struct lst_changes *changes, struct buf *out,
                struct buf *undo, struct lst_rewrite_stats *ret)
    __attribute__((warn_unused_result));

/* lst_rewrite_by(policy, in, changes, out, undo, ret): the same as the list wants it. An undo line
 * then stands for each row that is other: its new path may be the old one. Where index or label is
 * another, a line `<line number> TAB = TAB <the new row>` and LF goes before it ("./=" then stands
 * for a path "="). */
int lst_rewrite_by(const struct lst_policy *policy, struct span in,
                   const struct lst_changes *changes, struct buf *out, struct buf *undo,
                   struct lst_rewrite_stats *ret) __attribute__((warn_unused_result));

/*
 * lst_undo(now, undo, out): append to out the list that lst_rewrite was given, from what it made of
 * it and its undo text. 0, -ENOMEM, ERR_LIMIT, ERR_SYNTAX for an undo text that is none,
 * ERR_CHANGED where `now` is not what that rewrite made. On error out is as before. Pure.
 */
int lst_undo(struct span now, struct span undo, struct buf *out)
    __attribute__((warn_unused_result));

/* lst_undo_sides(undo, before, after): append the rows that the rewrite changed, as they were, and
 * as it left them (those that it dropped are not there). So a rewrite can be taken back on top of
 * later edits: lst_merge(after, now, before). 0, -ENOMEM, ERR_LIMIT, ERR_SYNTAX. Pure. */
int lst_undo_sides(struct span undo, struct buf *before, struct buf *after)
    __attribute__((warn_unused_result));

/* lst_undo_each(undo, fn, arg): each row that the rewrite gave another path or dropped, in order:
 * its old path and the new one (NULL: it was dropped), below the repository. 0, ERR_SYNTAX for an
 * undo text that is none, or the first non-zero answer of fn, which ends it. Pure. */
typedef int lst_undo_fn(void *arg, const char *from, const char *to);
int lst_undo_each(struct span undo, lst_undo_fn *fn, void *arg) __attribute__((warn_unused_result));

/*
 * Rewriting a file in place, safely against everyone else who edits it. Shell; any thread.
 *
 *  read and hash -> stop if no row is affected -> on_intent (the caller makes it durable; the undo
 *  text is kept by the caller) -> temporary file, same owner and mode -> fsync -> look again: if
 *  the file's identity, size, mtime or ctime moved, start over on the newer content (bounded) ->
 *  replace -> look at what was replaced (by RENAME_EXCHANGE where the file system has it; if a
 *  writer slipped in between, their content is put back and we start over) -> fsync the directory
 *  -> on_done.
 */
struct lst_apply_event {
    const char *path; /* of the list, below its root */
    uint8_t before[SHA256_BYTES];
    uint8_t after[SHA256_BYTES];
    struct lst_rewrite_stats stats;
    struct span undo;
};

struct lst_apply_hooks {
    /* What the changes make of the rows, also where that is nothing: once an attempt. */
    void (*on_rows)(void *arg, const struct lst_rewrite_stats *stats);
    /* A negative return from on_intent stops before anything was changed and is handed back. */
    int (*on_intent)(void *arg, const struct lst_apply_event *event);
    /* The rewrite is in place and durable (done), or was given up for this attempt (aborted). */
    void (*on_end)(void *arg, const struct lst_apply_event *event, bool done);
    /* No row is affected, and this is what the list was when it was read. May be NULL. */
    void (*on_unaffected)(void *arg, struct span content, const struct file_stat *st);
    void *arg;
};

struct lst_apply_options {
    const struct lst_policy *policy; /* NULL: as a zeroed one */
    unsigned attempts;               /* rounds against a racing writer before ERR_CHANGED; 0: 10 */
    uint64_t max_bytes;              /* of a list; larger is ERR_LIMIT; 0: 8 GiB */
};

/* lst_apply(root_fd, path, changes, opt, hooks, ret_changed, e): 0 with *ret_changed telling
 * whether the file was replaced; -errno, ERR_CHANGED (try again later), ERR_NOT_FILE. */
int lst_apply(int root_fd, const char *path, const struct lst_changes *changes,
              const struct lst_apply_options *opt, const struct lst_apply_hooks *hooks,
              bool *ret_changed, struct err *e) __attribute__((warn_unused_result));

enum lst_recovery {
    LST_RECOVERY_DONE,     /* the file is what the rewrite made (`after`) */
    LST_RECOVERY_NOT_DONE, /* the file is what it was (`before`) */
    LST_RECOVERY_OTHER     /* somebody else's content, or no file: leave it */
};

/* lst_recover(root_fd, path, before, after, ret): after a crash, where does this rewrite stand?
 * Leftover temporary files of the list's directory are removed. 0 or -errno. */
int lst_recover(int root_fd, const char *path, const uint8_t before[SHA256_BYTES],
                const uint8_t after[SHA256_BYTES], enum lst_recovery *ret)
    __attribute__((warn_unused_result));

/*
 * lst_each_path(root_fd, path, fn, arg, ret_st): read a list once and call fn for the normal path
 * of every image row (rows that name nothing inside the repository are passed over); a non-zero
 * return of fn stops and is handed back. *ret_st is the file's stat, the same before and after the
 * reading, else ERR_CHANGED. Shell; memory stays bounded whatever the list's size.
 */
int lst_each_path(int root_fd, const char *path, int (*fn)(void *arg, const char *image), void *arg,
                  struct file_stat *ret_st) __attribute__((warn_unused_result));

/* lst_is_list(path): the name ends in ".lst" and is not one of our temporary files. Pure. */
bool lst_is_list(const char *path);

#endif
