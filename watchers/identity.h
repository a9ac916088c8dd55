/*
 * Kinds of file systems. The table is pure, watchers_root_identity (watchers.h) is the shell.
 */
#ifndef LOCKSTEP_WATCHERS_IDENTITY_H
#define LOCKSTEP_WATCHERS_IDENTITY_H

#include "watchers/watchers.h"

/* identity_is_remote(id): can others write there without this host's inotify knowing? Pure. */
bool identity_is_remote(const struct root_identity *id);

/* identity_forgets_late(id): does the kernel go on believing that a name is absent for a while,
 * even if it is asked for the directory anew? Pure. */
bool identity_forgets_late(const struct root_identity *id);

/* identity_same_tree(a, b): could b be a, mounted anew? Pure. */
bool identity_same_tree(const struct root_identity *a, const struct root_identity *b);

/* identity_parse_mount(line, n, mount_id, ret): if this line of mountinfo (n bytes, without
 * newline) is the mount's, fill in fs_name and source and return true. Pure. */
bool identity_parse_mount(const char *line, size_t n, uint64_t mount_id, struct root_identity *ret);

#endif
