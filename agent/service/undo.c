/* Shell. Undo texts of rewrites, as files. See undo.h. */
#include "agent/service/undo.h"

#include "base/clock.h"
#include "base/path.h"
#include "base/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENDING ".undo"

/* The name of a text. */
static void name_of(struct span undo, char name[UNDO_NAME_SIZE])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(undo.p, undo.n, hash);
    hex_encode(hash, sizeof hash, name);
    memcpy(name + 2 * sizeof hash, ENDING, sizeof ENDING);
}

/* It may be such a name. */
static bool is_name(const char *name)
{
    return strlen(name) == 2 * SHA256_BYTES + sizeof ENDING - 1 &&
           strspn(name, "0123456789abcdef") == 2 * SHA256_BYTES &&
           strcmp(name + 2 * SHA256_BYTES, ENDING) == 0;
}

int undo_keep(const char *dir, struct span undo, char name[UNDO_NAME_SIZE])
{
    struct replace r;
    int dir_fd, rc;

    name_of(undo, name);
    if (mkdir(dir, 0700) && errno != EEXIST)
        return -errno;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        return -errno;
    rc = replace_begin(&r, dir_fd, name, 0600);
    if (rc == 0) {
        rc = write_whole(r.fd, undo.p, undo.n);
        if (rc == 0)
            rc = replace_commit(&r);
        else
            replace_abort(&r);
    }
    close(dir_fd);
    return rc;
}

/* All of an open file. */
static int read_open(int fd, struct buf *out)
{
    struct stat st;
    char *text;
    int rc;

    if (fstat(fd, &st))
        return -errno;
    if (!S_ISREG(st.st_mode))
        return ERR_NOT_FILE;
    text = malloc((size_t)st.st_size + 1);
    rc = text ? read_whole(fd, text, (uint64_t)st.st_size) : -ENOMEM;
    if (rc == 0)
        rc = buf_append(out, text, (size_t)st.st_size);
    free(text);
    return rc;
}

int undo_read(const char *dir, const char *name, struct buf *out)
{
    char path[PATH_BYTES_MAX + 1], is[UNDO_NAME_SIZE];
    size_t before = out->len;
    int fd, rc;

    if (!is_name(name) || path_join(path, sizeof path, dir, name))
        return ERR_SYNTAX;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    rc = read_open(fd, out);
    (void)close(fd); /* read only */
    if (rc)
        return rc;
    name_of((struct span){out->data + before, out->len - before}, is);
    return strcmp(is, name) == 0 ? 0 : ERR_CORRUPT;
}

int undo_move(const char *from, const char *dir)
{
    if (access(from, F_OK) || access(dir, F_OK) == 0)
        return 0;
    return rename(from, dir) ? -errno : 0;
}

int undo_expire(const char *dir, int64_t before_us)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    int rc = 0;

    if (!d)
        return errno == ENOENT ? 0 : -errno;
    while ((entry = readdir(d))) {
        struct stat st;

        if (!is_name(entry->d_name) || fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            (int64_t)st.st_mtim.tv_sec * US_PER_S >= before_us)
            continue;
        if (unlinkat(dirfd(d), entry->d_name, 0))
            rc = -errno;
    }
    closedir(d);
    return rc;
}
