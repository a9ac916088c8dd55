/* The files under the store's root. Shell. */
#include "tests/s3d/disk.h"

#include "base/digest.h"
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FANOUT 256 /* folders a bucket */

char *disk_join(const char *dir, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        abort();
    return path;
}

/* mkdir, where it may be there already. */
static int make_dir(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ? 0 : -errno;
}

/* Call `each` for every name in a folder but those that begin with a dot. */
static int for_names(const char *dir, void (*each)(void *, const char *, const char *),
                     void *context)
{
    DIR *d = opendir(dir);
    if (!d)
        return -errno;
    struct dirent *entry;
    while ((entry = readdir(d)) != NULL)
        if (entry->d_name[0] != '.')
            each(context, dir, entry->d_name);
    return closedir(d) == 0 ? 0 : -errno;
}

/* Remove one left-over body. */
static void remove_name(void *context, const char *dir, const char *name)
{
    (void)context;
    char *path = disk_join(dir, name);
    (void)unlink(path); /* left-overs only cost room */
    free(path);
}

int disk_prepare(const char *root, const char *spool)
{
    int code = make_dir(root);
    if (!code)
        code = make_dir(spool);
    return code ? code : for_names(spool, remove_name, NULL);
}

/* Read the properties of a version's file. NULL where it is torn. */
static struct object *read_properties(int fd)
{
    char footer[OBJECT_FOOTER_BYTES];
    uint64_t lines_n = 0;
    struct stat st;
    if (fstat(fd, &st) != 0 || st.st_size < OBJECT_FOOTER_BYTES)
        return NULL;
    uint64_t end = (uint64_t)st.st_size - OBJECT_FOOTER_BYTES;
    if (pread(fd, footer, sizeof(footer), (off_t)end) != OBJECT_FOOTER_BYTES ||
        !object_footer(footer, &lines_n) || lines_n > end)
        return NULL;
    char *lines = mem_new(lines_n);
    struct object *o = NULL;
    if (pread(fd, lines, lines_n, (off_t)(end - lines_n)) == (ssize_t)lines_n)
        o = object_parse(lines, lines_n);
    free(lines);
    if (o && o->size == end - lines_n)
        return o;
    object_unref(o);
    return NULL;
}

/* What for_names hands through while loading. */
struct load {
    disk_visit *visit;
    void *context;
    const char *bucket;
};

/* One file of a bucket. */
static void load_file(void *context, const char *dir, const char *name)
{
    const struct load *load = context;
    char *path = disk_join(dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct object *o = fd >= 0 ? read_properties(fd) : NULL;
    if (fd >= 0)
        (void)close(fd); /* was only read */
    if (!o) {
        (void)unlink(path); /* torn by the end of the process that wrote it */
        free(path);
        return;
    }
    o->file = path;
    load->visit(load->context, load->bucket, o);
}

/* One of a bucket's folders. */
static void load_folder(void *context, const char *dir, const char *name)
{
    char *path = disk_join(dir, name);
    (void)for_names(path, load_file, context); /* a stray file is no folder: nothing to load */
    free(path);
}

/* One bucket. */
static void load_bucket(void *context, const char *dir, const char *name)
{
    struct load *load = context;
    char *path = disk_join(dir, name);
    load->bucket = name;
    load->visit(load->context, name, NULL);
    (void)for_names(path, load_folder, load); /* as above */
    free(path);
}

int disk_load(const char *root, disk_visit *visit, void *context)
{
    struct load load = {.visit = visit, .context = context};
    return for_names(root, load_bucket, &load);
}

int disk_make_bucket(const char *root, const char *bucket)
{
    char *dir = disk_join(root, bucket);
    int code = make_dir(dir);
    free(dir);
    return code;
}

void disk_remove_bucket(const char *root, const char *bucket)
{
    char *dir = disk_join(root, bucket);
    for (unsigned i = 0; i < FANOUT; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "%02x", i); /* it fits */
        char *path = disk_join(dir, name);
        (void)rmdir(path); /* what cannot go shows up as an empty bucket at the next start */
        free(path);
    }
    (void)rmdir(dir);
    free(dir);
}

char *disk_object_path(const char *root, const char *bucket, const char *key, uint64_t seq)
{
    uint8_t digest[SHA256_BYTES];
    char hex[SHA256_HEX];
    char *path = NULL;
    digest_sha256(key, strlen(key), digest);
    (void)hex_encode(digest, sizeof(digest), hex);
    if (asprintf(&path, "%s/%s/%.2s/%s.%llx", root, bucket, hex, hex, (unsigned long long)seq) < 0)
        abort();
    return path;
}

/* Body and properties by one call where the system allows. */
static int write_both(int fd, const char *p, size_t n, const struct buf *lines)
{
    struct iovec parts[2] = {{.iov_base = lines->data, .iov_len = lines->len}};
    if (n == 0)
        return write_whole(fd, lines->data, lines->len);
    parts[1] = parts[0];
    parts[0] = (struct iovec){.iov_base = (void *)(uintptr_t)p, .iov_len = n};
    ssize_t done = writev(fd, parts, 2);
    if (done < 0)
        return -errno;
    size_t written = (size_t)done;
    if (written == n + lines->len)
        return 0;
    int code = written < n ? write_whole(fd, p + written, n - written) : 0;
    size_t skip = written > n ? written - n : 0;
    return code ? code : write_whole(fd, lines->data + skip, lines->len - skip);
}

/* Make the folder of a version's file, which comes into being with the first file in it. */
static int make_folder(const char *file)
{
    char *dir = mem_dupn(file, (size_t)(strrchr(file, '/') - file));
    int code = make_dir(dir);
    free(dir);
    return code;
}

/* Create a version's file. A descriptor or -errno. */
static int create_file(const char *file)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    int fd = open(file, flags, 0600);
    if (fd < 0 && errno == ENOENT) {
        int code = make_folder(file);
        if (code)
            return code;
        fd = open(file, flags, 0600);
    }
    return fd < 0 ? -errno : fd;
}

int disk_write(const struct object *o, const char *p, size_t n)
{
    int fd = create_file(o->file);
    if (fd < 0)
        return fd;
    struct buf lines;
    text_begin(&lines);
    object_render(o, &lines);
    int code = write_both(fd, p, n, &lines);
    buf_release(&lines);
    if (close(fd) != 0 && !code)
        code = -errno;
    if (code)
        (void)unlink(o->file); /* nobody knows it */
    return code;
}

int disk_adopt(const struct object *o, int fd, const char *file)
{
    struct buf lines;
    text_begin(&lines);
    object_render(o, &lines);
    int code = lseek(fd, 0, SEEK_END) < 0 ? -errno : write_whole(fd, lines.data, lines.len);
    buf_release(&lines);
    if (!code)
        code = make_folder(o->file);
    if (!code && rename(file, o->file) != 0)
        code = -errno;
    return code;
}
