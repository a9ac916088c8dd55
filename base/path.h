/*
 * Paths below a root. Pure.
 *
 * A path is relative to its mapping's root, "" for the root itself, components separated by one
 * '/', no "." or "..", no leading or trailing '/'. Any other byte but NUL is legal.
 */
#ifndef LOCKSTEP_BASE_PATH_H
#define LOCKSTEP_BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define PATH_COMPONENT_MAX 255  /* bytes, NAME_MAX */
#define PATH_BYTES_MAX     4095 /* bytes, PATH_MAX less the NUL */

/* path_check(path): 0, or ERR_SYNTAX if it is not of the form above, or -ENAMETOOLONG. */
int path_check(const char *path) __attribute__((warn_unused_result));

/* path_join(out, size, dir, name): "dir/name", or name alone where dir is "". 0 or -ENAMETOOLONG
 * (out untouched). */
int path_join(char *out, size_t size, const char *dir, const char *name)
    __attribute__((warn_unused_result));

/* path_prefix(out, size, prefix, path): one behind the other, as an object's key. False if that
 * does not fit (out untouched). */
bool path_prefix(char *out, size_t size, const char *prefix, const char *path);

/* path_name(path): the last component, inside path. */
const char *path_name(const char *path);

/* path_parent(out, size, path): the parent, "" at the top. 0 or -ENAMETOOLONG. */
int path_parent(char *out, size_t size, const char *path) __attribute__((warn_unused_result));

/* path_is_within(path, dir): path is dir or lies beneath it. Everything is within "". */
bool path_is_within(const char *path, const char *dir);

/* path_rebase(out, size, path, from, to): path, which is within `from`, moved to below `to`.
 * 0 or -ENAMETOOLONG, -EINVAL if it is not within. */
int path_rebase(char *out, size_t size, const char *path, const char *from, const char *to)
    __attribute__((warn_unused_result));

/* path_carried(out, size, path, place, arg): the path as it is where the innermost directory above
 * it is that place(arg, "dir/") knows another place of (it ends in '/'; "": it is not to be told).
 * `out` takes the path itself, too. False: there is none, or it does not fit; out is then void. */
typedef const char *path_place_fn(const void *arg, const char *dir);
bool path_carried(char *out, size_t size, const char *path, path_place_fn *place, const void *arg);

/*
 * path_glob(pattern, path): shell pattern match, no environment, no locale, linear in
 * pattern x path. Without a '/' the pattern is held against the last component, with one against
 * the whole path. '*' and '?' do not match '/', "**" does; "[a-z]", "[!a]", '\\' quote. Where "**"
 * stands alone between slashes it is any number of directories, none included. Bytes are compared,
 * so '?' takes one byte of a longer UTF-8 character.
 */
bool path_glob(const char *pattern, const char *path);

/* path_is_utf8(path): well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). */
bool path_is_utf8(const char *path);

#endif
