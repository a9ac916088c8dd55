/* Paths below a root. Pure. */
#include "base/path.h"

#include "base/err.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The component of n bytes at p is neither empty nor "." nor "..". */
static bool is_component(const char *p, size_t n)
{
    if (n == 0)
        return false;
    return !(p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')));
}

int path_check(const char *path)
{
    const char *p = path;

    if (*p == '\0')
        return 0;
    for (;;) {
        size_t n = strcspn(p, "/");

        if (!is_component(p, n))
            return ERR_SYNTAX;
        if (n > PATH_COMPONENT_MAX)
            return -ENAMETOOLONG;
        p += n;
        if ((size_t)(p - path) > PATH_BYTES_MAX)
            return -ENAMETOOLONG;
        if (*p == '\0')
            return 0;
        p++;
    }
}

int path_join(char *out, size_t size, const char *dir, const char *name)
{
    size_t dir_n = strlen(dir);
    size_t name_n = strlen(name);
    size_t slash = dir_n > 0 && name_n > 0;

    if (dir_n + slash + name_n >= size)
        return -ENAMETOOLONG;
    memmove(out, dir, dir_n);
    if (slash)
        out[dir_n] = '/';
    memcpy(out + dir_n + slash, name, name_n + 1);
    return 0;
}

bool path_prefix(char *out, size_t size, const char *prefix, const char *path)
{
    size_t prefix_n = strlen(prefix);
    size_t path_n = strlen(path);

    if (prefix_n + path_n >= size)
        return false;
    memmove(out, prefix, prefix_n);
    memcpy(out + prefix_n, path, path_n + 1);
    return true;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int path_parent(char *out, size_t size, const char *path)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;

    if (n >= size)
        return -ENAMETOOLONG;
    memmove(out, path, n);
    out[n] = '\0';
    return 0;
}

bool path_is_within(const char *path, const char *dir)
{
    size_t n = strlen(dir);

    if (n == 0)
        return true;
    return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

bool path_carried(char *out, size_t size, const char *path, path_place_fn *place, const void *arg)
{
    const char *other;
    char *slash;

    if (snprintf(out, size, "%s", path) >= (int)size)
        return false;
    while ((slash = strrchr(out, '/'))) {
        const size_t n = (size_t)(slash - out) + 1;

        slash[1] = '\0';
        other = place(arg, out);
        if (other)
            return other[0] && snprintf(out, size, "%s%s", other, path + n) < (int)size;
        *slash = '\0';
    }
    return false;
}

int path_rebase(char *out, size_t size, const char *path, const char *from, const char *to)
{
    const char *rest = path;

    if (!path_is_within(path, from))
        return -EINVAL;
    if (*from != '\0') {
        rest += strlen(from);
        if (*rest == '/')
            rest++;
    }
    return path_join(out, size, to, rest);
}

bool path_is_utf8(const char *path)
{
    size_t n = strlen(path);
    size_t i = 0;

    while (i < n) {
        size_t k = utf8_plain(path + i, n - i);

        if (k == 0)
            k = utf8_length(path + i, n - i);
        if (k == 0)
            return false;
        i += k;
    }
    return true;
}
