/*
 * Who a root is, and what kind of file system it lies on. Shell, but for what identity.h calls
 * pure.
 */
#include "watchers/identity.h"

#include "base/tree.h"
#include "watchers/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MOUNTINFO_FILE "/proc/self/mountinfo"
#define FUSE_MAGIC     0x65735546
#define OVERLAY_MAGIC  0x794c7630

/* Kinds by number: statfs(2), linux/magic.h and the file systems' own sources. */
static const struct {
    uint64_t magic;
    const char *name; /* where mountinfo does not tell */
    bool remote;      /* others write there, or inotify sees only part of what happens */
} kinds[] = {
    {0x6969, "nfs", true},        {0x0bd00bd0, "lustre", true},   {FUSE_MAGIC, "fuse", true},
    {0x00c36400, "ceph", true},   {0xff534d42, "cifs", true},     {0xfe534d42, "smb2", true},
    {0x517b, "smb", true},        {0x01021997, "9p", true},       {0x5346414f, "afs", true},
    {0x6b414653, "afs", true},    {0x01161970, "gfs2", true},     {0x7461636f, "ocfs2", true},
    {0x19830326, "fhgfs", true},  {0x47504653, "gpfs", true},     {OVERLAY_MAGIC, "overlay", true},
    {0x786f4256, "vboxsf", true}, {0x6a656a63, "virtiofs", true}, {0xef53, "ext4", false},
    {0x58465342, "xfs", false},   {0x9123683e, "btrfs", false},   {0x01021994, "tmpfs", false},
    {0x858458f6, "ramfs", false}, {0x2fc12fc1, "zfs", false},     {0xf2f52010, "f2fs", false},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

bool identity_is_remote(const struct root_identity *id)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (kinds[i].magic == id->fs_type) {
            return kinds[i].remote;
        }
    }
    return true; /* unknown: better looked at too often */
}

bool identity_forgets_late(const struct root_identity *id)
{
    return id->fs_type == FUSE_MAGIC; /* NFS checks the directory, Lustre has locks */
}

/* Could they lie on the same device? A network mount gets another number each time; a device or a
 * tmpfs that has another number is another. The number alone does not say that it is the same disk:
 * the next one that is plugged in gets it, too. What ext4, XFS, Btrfs or a tmpfs says of itself
 * (statfs(2), f_fsid) does. */
static bool same_device(const struct root_identity *a, const struct root_identity *b)
{
    if (identity_is_remote(a) && a->fs_type != OVERLAY_MAGIC) {
        return true;
    }
    return a->dev == b->dev && (a->fsid == b->fsid || a->fsid == 0 || b->fsid == 0);
}

bool identity_same_tree(const struct root_identity *a, const struct root_identity *b)
{
    return a->ino == b->ino && a->fs_type == b->fs_type && strcmp(a->source, b->source) == 0 &&
           same_device(a, b);
}

/* The next field of a line: up to a space. False at the end. */
static bool next_field(const char **at, const char *end, const char **ret, size_t *ret_n)
{
    while (*at < end && **at == ' ') {
        (*at)++;
    }
    *ret = *at;
    while (*at < end && **at != ' ') {
        (*at)++;
    }
    *ret_n = (size_t)(*at - *ret);
    return *ret_n > 0;
}

/* Is p[0..2] an octal number? */
static bool is_octal3(const char *p, size_t n)
{
    return n >= 3 && p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' && p[2] >= '0' &&
           p[2] <= '7';
}

/* Copy a field, undoing "\040" and its like; cut to the size. */
static void copy_field(char *out, size_t size, const char *p, size_t n)
{
    size_t len = 0;

    while (n > 0 && len + 1 < size) {
        if (*p == '\\' && is_octal3(p + 1, n - 1)) {
            out[len++] = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
            p += 4;
            n -= 4;
        } else {
            out[len++] = *p++;
            n--;
        }
    }
    out[len] = '\0';
}

bool identity_parse_mount(const char *line, size_t n, uint64_t mount_id, struct root_identity *ret)
{
    /* 36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw: proc(5) */
    const char *end = line + n;
    const char *field;
    size_t field_n;
    char id[24];

    if (!next_field(&line, end, &field, &field_n) || field_n >= sizeof(id)) {
        return false;
    }
    memcpy(id, field, field_n);
    id[field_n] = '\0';
    if (strtoull(id, NULL, 10) != mount_id) {
        return false;
    }
    do {
        if (!next_field(&line, end, &field, &field_n)) {
            return false;
        }
    } while (field_n != 1 || *field != '-');
    if (!next_field(&line, end, &field, &field_n)) {
        return false;
    }
    copy_field(ret->fs_name, sizeof(ret->fs_name), field, field_n);
    if (!next_field(&line, end, &field, &field_n)) {
        return false;
    }
    copy_field(ret->source, sizeof(ret->source), field, field_n);
    return true;
}

/* Fill in what mountinfo says of the mount; where there is no /proc, or the mount is not in it,
 * what the number says. 0, or -errno: what could not be read for want of memory or descriptors is
 * not taken for a mount of another name. */
static int name_mount(struct root_identity *id)
{
    FILE *f = fopen(MOUNTINFO_FILE, "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;
    int code = f == NULL && errno != ENOENT ? -errno : 0;

    errno = 0;
    while (f != NULL && !found && getline(&line, &size, f) > 0) {
        found = identity_parse_mount(line, strcspn(line, "\n"), id->mount_id, id);
        errno = 0;
    }
    if (f != NULL) {
        code = -errno;   /* of the getline that ended the loop, if it was not the end of the file */
        (void)fclose(f); /* read only */
    }
    free(line);
    for (size_t i = 0; i < KIND_COUNT && !found; i++) {
        if (kinds[i].magic == id->fs_type) {
            (void)snprintf(id->fs_name, sizeof(id->fs_name), "%s", kinds[i].name);
        }
    }
    return code;
}

int watchers_root_identity(const char *path, struct root_identity *ret)
{
    struct root_identity id = {0};
    struct place_identity place;
    struct statfs fs;
    int fd;
    int code = tree_open_root(path, &fd);

    if (code != 0) {
        return code;
    }
    code = place_identify(fd, &place);
    if (code == 0 && fstatfs(fd, &fs) != 0) {
        code = -errno;
    }
    (void)close(fd); /* read only */
    if (code != 0) {
        return code;
    }
    id.dev = place.dev;
    id.ino = place.ino;
    id.mount_id = place.mount_id;
    id.fs_type = (uint64_t)(unsigned long)fs.f_type & UINT32_MAX;
    if (!identity_is_remote(&id)) {
        memcpy(&id.fsid, &fs.f_fsid,
               sizeof(id.fsid) < sizeof(fs.f_fsid) ? sizeof(id.fsid) : sizeof(fs.f_fsid));
    }
    code = name_mount(&id);
    if (code == 0) {
        *ret = id;
    }
    return code;
}
