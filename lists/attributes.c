/* Extended attributes carried from the old file to the new one. Shell. */
#include "lists/round.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define BYTES_MAX 65536 /* XATTR_LIST_MAX and XATTR_SIZE_MAX */

/* One that belongs to the file's content or to who may read it; the rest is the system's. */
static bool is_ours(const char *name)
{
    return strncmp(name, "user.", 5) == 0 || strcmp(name, "system.posix_acl_access") == 0;
}

/* Copy one. value: BYTES_MAX bytes of room. */
static int copy_one(int from_fd, int to_fd, const char *name, char *value)
{
    ssize_t n = fgetxattr(from_fd, name, value, BYTES_MAX);

    if (n < 0)
        return errno == ENODATA ? 0 : -errno; /* gone since it was listed */
    return fsetxattr(to_fd, name, value, (size_t)n, 0) < 0 ? -errno : 0;
}

/* Copy all. names, value: BYTES_MAX bytes of room each. */
static int copy_all(int from_fd, int to_fd, char *names, char *value)
{
    ssize_t n = flistxattr(from_fd, names, BYTES_MAX);
    int rc = 0;

    if (n < 0)
        return errno == ENOTSUP ? 0 : -errno;
    for (char *name = names; rc == 0 && name < names + n; name += strlen(name) + 1) {
        if (is_ours(name))
            rc = copy_one(from_fd, to_fd, name, value);
    }
    return rc;
}

int attributes_copy(int from_fd, int to_fd)
{
    char *names = malloc(2 * BYTES_MAX);
    int rc = names ? copy_all(from_fd, to_fd, names, names + BYTES_MAX) : -ENOMEM;

    free(names);
    return rc == -ENOTSUP ? 0 : rc;
}
