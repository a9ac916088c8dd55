/*
 * The undo texts of rewrites: files beside the journal, `undo/<SHA-256>.undo`, each named by the
 * hash of what it holds. The journal's record of the rewrite has the name, so that who trusts the
 * journal can trust the text. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_UNDO_H
#define LOCKSTEP_AGENT_SERVICE_UNDO_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define UNDO_DIR       "undo" /* below the journal's directory */
#define UNDO_NAME_SIZE (SHA256_HEX + 8)

/* undo_keep(dir, undo, name): keep a text in the directory (made if missing), durably; its name. 0
 * or -errno. */
int undo_keep(const char *dir, struct span undo, char name[UNDO_NAME_SIZE])
    __attribute__((warn_unused_result));

/* undo_read(dir, name, out): append the text of that name. 0; -ENOENT; ERR_CORRUPT where it is not
 * what its name says; ERR_SYNTAX for what is no such name; -ENOMEM, -errno. */
int undo_read(const char *dir, const char *name, struct buf *out)
    __attribute__((warn_unused_result));

/* undo_move(from, dir): where an older version kept the texts: the directory is renamed, if it is
 * there and the other is not. 0 or -errno. */
int undo_move(const char *from, const char *dir) __attribute__((warn_unused_result));

/* undo_expire(dir, before_us): texts that were kept before this time go: the records of their
 * rewrites have left the journal. 0 or -errno. */
int undo_expire(const char *dir, int64_t before_us) __attribute__((warn_unused_result));

#endif
