/*
 * What a writer of a storm does. Shell. Each deed draws all that it needs from the writer's
 * generator, whatever the disk says, so that one seed gives one sequence of deeds.
 */
#include "tests/system/storm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SIZE_LARGE  70000 /* bytes of a file that is not small */
#define SIZE_SMALL  3000
#define PIECES      5
#define PIECE_US    3000 /* between two pieces, at most */
#define LINKS       3
#define CHAIN       4
#define OUT_OF_ROOT 4 /* one link in so many leads out of the tree */

/* xorshift64*. */
uint64_t storm_draw(struct writer *w, uint64_t below)
{
    w->random ^= w->random >> 12;
    w->random ^= w->random << 25;
    w->random ^= w->random >> 27;
    return (w->random * UINT64_C(2685821657736338717) >> 33) % below;
}

/* A directory's path of 0 to `depth` components, ending in '/' unless it is "". */
static size_t draw_directory(struct writer *w, char *out, size_t size)
{
    const uint64_t depth = storm_draw(w, w->depth + 1);
    size_t n = 0;

    out[0] = '\0';
    for (uint64_t i = 0; i < depth; i++) {
        n += (size_t)snprintf(out + n, size - n, "d%u/", (unsigned)storm_draw(w, STORM_NAMES));
    }
    return n;
}

/* A path whose last component is of this kind. */
static void draw_path(struct writer *w, char out[STORM_PATH_SIZE], char kind)
{
    const size_t n = draw_directory(w, out, STORM_PATH_SIZE);

    (void)snprintf(out + n, STORM_PATH_SIZE - n, "%c%u", kind,
                   (unsigned)storm_draw(w, STORM_NAMES));
}

/* mkdir -p of the directories in a path. */
static void make_parents(int fd, const char *path)
{
    char part[STORM_PATH_SIZE];

    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        (void)mkdirat(fd, part, 0755);
    }
}

/* Wait for up to `us` microseconds. */
static void rest(struct writer *w, uint64_t us)
{
    const struct timespec t = {.tv_nsec = (long)storm_draw(w, us) * 1000};

    (void)nanosleep(&t, NULL);
}

/* Bytes that no other deed writes. */
static size_t draw_bytes(struct writer *w, char *out)
{
    const size_t size = storm_draw(w, storm_draw(w, 8) ? SIZE_SMALL : SIZE_LARGE);
    char line[64];
    const size_t n = (size_t)snprintf(line, sizeof line, "%u.%u.%llx\n", w->number, w->deeds,
                                      (unsigned long long)w->random);

    for (size_t at = 0; at < size; at += n) {
        memcpy(out + at, line, size - at < n ? size - at : n);
    }
    return size;
}

/* Write drawn bytes to a descriptor and close it. */
static bool fill(struct writer *w, int fd)
{
    char bytes[SIZE_LARGE];
    const size_t size = draw_bytes(w, bytes);

    if (fd < 0) {
        return false;
    }
    (void)!write(fd, bytes, size); /* a full disk shows in the comparison at the end */
    (void)close(fd);
    return true;
}

/* Directories down to a file, and the file. */
static bool deed_make(struct writer *w)
{
    char path[STORM_PATH_SIZE];

    draw_path(w, path, 'f');
    make_parents(w->in, path);
    return fill(w, openat(w->in, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

/* Only directories. */
static bool deed_mkdir(struct writer *w)
{
    char path[STORM_PATH_SIZE];

    draw_path(w, path, 'd');
    make_parents(w->in, path);
    return mkdirat(w->in, path, 0755) == 0;
}

/* Write a file in pieces, with time in between. */
static bool deed_pieces(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    char bytes[SIZE_LARGE];
    const uint64_t pieces = 2 + storm_draw(w, PIECES);
    int fd;

    draw_path(w, path, 'f');
    fd = openat(w->in, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (uint64_t i = 0; i < pieces; i++) {
        const size_t size = draw_bytes(w, bytes);

        rest(w, PIECE_US);
        if (fd >= 0) {
            (void)!write(fd, bytes, size);
        }
    }
    return fd >= 0 && close(fd) == 0;
}

/* Add to a file, or cut it. */
static bool deed_append(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    const bool cut = storm_draw(w, 4) == 0;
    const off_t at = (off_t)storm_draw(w, SIZE_SMALL);
    int fd;

    draw_path(w, path, 'f');
    fd = openat(w->in, path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (cut && fd >= 0) {
        (void)!ftruncate(fd, at);
    }
    return fill(w, fd);
}

static sigjmp_buf cut_short;

/* SIGBUS: the file was cut while it was mapped. */
static void on_bus_error(int number)
{
    (void)number;
    siglongjmp(cut_short, 1);
}

/* Copy into a mapping of a file that others may cut. */
static void store(void *to, const char *bytes, size_t size)
{
    const struct sigaction act = {.sa_handler = on_bus_error};

    (void)sigaction(SIGBUS, &act, NULL);
    if (sigsetjmp(cut_short, 1) == 0) {
        memcpy(to, bytes, size);
    }
    (void)signal(SIGBUS, SIG_DFL);
}

/* Store through a mapping; it is let go before the file is closed. */
static bool deed_mmap(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    char bytes[SIZE_LARGE];
    const size_t size = draw_bytes(w, bytes) + 1;
    void *at = MAP_FAILED;
    int fd;

    draw_path(w, path, 'f');
    fd = openat(w->in, path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (at != MAP_FAILED) {
        store(at, bytes, size - 1);
        (void)munmap(at, size);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return at != MAP_FAILED;
}

static bool deed_unlink(struct writer *w)
{
    char path[STORM_PATH_SIZE];

    draw_path(w, path, "fhs"[storm_draw(w, 3)]);
    return unlinkat(w->in, path, 0) == 0;
}

/* Rename a file, onto another where there is one. */
static bool deed_rename(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];
    const char kind = "ffh"[storm_draw(w, 3)];

    draw_path(w, a, kind);
    draw_path(w, b, kind);
    return renameat(w->in, a, w->in, b) == 0;
}

/* Two files change places. */
static bool deed_exchange(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];
    const char kind = "fh"[storm_draw(w, 2)];

    draw_path(w, a, kind);
    draw_path(w, b, kind);
    return renameat2(w->in, a, w->in, b, RENAME_EXCHANGE) == 0;
}

/* One name takes the next one's place, that one the place after it, from the last on. */
static bool deed_chain(struct writer *w)
{
    char paths[CHAIN][STORM_PATH_SIZE];
    bool any = false;

    for (int i = 0; i < CHAIN; i++) {
        draw_path(w, paths[i], 'f');
    }
    for (int i = CHAIN - 1; i > 0; i--) {
        any = renameat(w->in, paths[i - 1], w->in, paths[i]) == 0 || any;
    }
    return any;
}

/* As rsync writes: under a temporary name, then onto the right one. */
static bool deed_replace(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    char temp[STORM_PATH_SIZE];
    const size_t n = draw_directory(w, path, sizeof path);
    const char kind = "fh"[storm_draw(w, 2)];

    memcpy(temp, path, sizeof temp);
    (void)snprintf(path + n, sizeof path - n, "%c%u", kind, (unsigned)storm_draw(w, STORM_NAMES));
    (void)snprintf(temp + n, sizeof temp - n, ".%c.%u%05u", kind, w->number % 10,
                   w->deeds % 100000);
    make_parents(w->in, path);
    if (!fill(w, openat(w->in, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644))) {
        return false;
    }
    if (renameat(w->in, temp, w->in, path) == 0) {
        return true;
    }
    (void)unlinkat(w->in, temp, 0);
    return false;
}

/* A file without a name gets one. */
static bool deed_tmpfile(struct writer *w)
{
    char directory[STORM_PATH_SIZE];
    char path[STORM_PATH_SIZE];
    char proc[64];
    char bytes[SIZE_LARGE];
    const size_t size = draw_bytes(w, bytes);
    const size_t n = draw_directory(w, directory, sizeof directory);
    bool good = false;
    int fd;

    memcpy(path, directory, sizeof path);
    (void)snprintf(path + n, sizeof path - n, "%c%u", "fh"[storm_draw(w, 2)],
                   (unsigned)storm_draw(w, STORM_NAMES));
    make_parents(w->in, path);
    fd = openat(w->in, n ? directory : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
    if (fd >= 0) {
        (void)!write(fd, bytes, size);
        (void)snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
        good = linkat(AT_FDCWD, proc, w->in, path, AT_SYMLINK_FOLLOW) == 0;
        (void)close(fd);
    }
    return good;
}

/* More names for one file. */
static bool deed_link(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];
    bool any = false;

    draw_path(w, a, 'h');
    for (int i = 0; i < LINKS; i++) {
        draw_path(w, b, 'h');
        any = linkat(w->in, a, w->in, b, 0) == 0 || any;
    }
    return any;
}

/* What a symbolic link points to: something in the tree, or the place outside. */
static void draw_target(struct writer *w, char out[PATH_MAX])
{
    char path[STORM_PATH_SIZE];
    const bool outside = storm_draw(w, OUT_OF_ROOT) == 0;

    draw_path(w, path, "df"[storm_draw(w, 2)]);
    (void)snprintf(out, PATH_MAX, "%s/%s", outside ? w->out_path : w->in_path, path);
}

static bool deed_symlink(struct writer *w)
{
    char target[PATH_MAX];
    char path[STORM_PATH_SIZE];

    draw_target(w, target);
    draw_path(w, path, 's');
    return symlinkat(target, w->in, path) == 0;
}

/* A directory and a symbolic link change places; or a link's name becomes a directory again. */
static bool deed_swap_link(struct writer *w)
{
    char target[PATH_MAX];
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];

    draw_target(w, target);
    draw_path(w, a, 'd');
    draw_path(w, b, 'd');
    if (symlinkat(target, w->in, b) != 0 && errno != EEXIST) {
        return false;
    }
    return renameat2(w->in, a, w->in, b, RENAME_EXCHANGE) == 0;
}

static bool deed_chmod(struct writer *w)
{
    static const mode_t modes[] = {0644, 0600, 0640, 0664};
    char path[STORM_PATH_SIZE];
    const mode_t mode = modes[storm_draw(w, 4)];

    draw_path(w, path, 'f');
    return fchmodat(w->in, path, mode, 0) == 0;
}

static bool deed_chown(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    const uid_t uid = (uid_t)storm_draw(w, 3) * 1000;
    const gid_t gid = (gid_t)storm_draw(w, 3) * 1000;

    draw_path(w, path, 'f');
    return fchownat(w->in, path, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool deed_utime(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    const struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = 1500000000 + (time_t)storm_draw(w, 100000), .tv_nsec = w->number}};

    draw_path(w, path, 'f');
    return utimensat(w->in, path, times, AT_SYMLINK_NOFOLLOW) == 0;
}

/* nftw: remove. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    (void)remove(path);
    return 0;
}

/* rm -rf. */
static bool deed_remove(struct writer *w)
{
    char path[STORM_PATH_SIZE];
    char whole[PATH_MAX];
    struct stat st;

    draw_path(w, path, 'd');
    if (fstatat(w->in, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    (void)snprintf(whole, sizeof whole, "%s/%s", w->in_path, path);
    (void)nftw(whole, remove_one, 8, FTW_PHYS | FTW_DEPTH);
    return true;
}

/* rm -rf and the same path anew. */
static bool deed_recreate(struct writer *w)
{
    const uint64_t before = w->random;
    const bool removed = deed_remove(w);
    const uint64_t after = w->random;
    char path[STORM_PATH_SIZE];

    w->random = before; /* the same path */
    draw_path(w, path, 'd');
    w->random = after;
    (void)snprintf(path + strlen(path), sizeof path - strlen(path), "/f%u",
                   (unsigned)storm_draw(w, STORM_NAMES));
    make_parents(w->in, path);
    return fill(w, openat(w->in, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) || removed;
}

/* Rename a directory within the tree, now and then several times in a row. */
static bool deed_move(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];
    uint64_t times = storm_draw(w, 4) ? 1 : CHAIN;
    bool any = false;

    draw_path(w, a, 'd');
    for (; times; times--) {
        draw_path(w, b, 'd');
        make_parents(w->in, b);
        any = renameat(w->in, a, w->in, b) == 0 || any;
        memcpy(a, b, sizeof a);
    }
    return any;
}

static bool deed_move_out(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char out[16];

    draw_path(w, a, 'd');
    (void)snprintf(out, sizeof out, "d%u", (unsigned)storm_draw(w, STORM_NAMES));
    return renameat(w->in, a, w->out, out) == 0;
}

static bool deed_move_in(struct writer *w)
{
    char b[STORM_PATH_SIZE];
    char out[16];

    draw_path(w, b, 'd');
    (void)snprintf(out, sizeof out, "d%u", (unsigned)storm_draw(w, STORM_NAMES));
    return renameat(w->out, out, w->in, b) == 0;
}

/* Two directories change places, within the tree or over its edge. */
static bool deed_exchange_directories(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char b[STORM_PATH_SIZE];

    draw_path(w, a, 'd');
    draw_path(w, b, 'd');
    return renameat2(w->in, a, w->in, b, RENAME_EXCHANGE) == 0;
}

static bool deed_exchange_out(struct writer *w)
{
    char a[STORM_PATH_SIZE];
    char out[16];

    draw_path(w, a, 'd');
    (void)snprintf(out, sizeof out, "d%u", (unsigned)storm_draw(w, STORM_NAMES));
    return renameat2(w->in, a, w->out, out, RENAME_EXCHANGE) == 0;
}

/* The listed image that comes next to a number in a directory; false where there is none. */
static bool find_listed(struct writer *w, const char *directory, unsigned after, char ret[64])
{
    const int fd =
        openat(w->in, directory[0] ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    unsigned best = UINT_MAX;
    const struct dirent *e;

    ret[0] = '\0';
    while (d && (e = readdir(d)) != NULL) {
        const unsigned id = (unsigned)strtoul(e->d_name + 1, NULL, 10) - after;

        if (e->d_name[0] == 'k' && id < best && strlen(e->d_name) < 64) {
            best = id;
            memcpy(ret, e->d_name, strlen(e->d_name) + 1);
        }
    }
    if (d) {
        (void)closedir(d);
    }
    return ret[0] != '\0';
}

/* Rename an image that lists name, to a name that nobody had. */
static bool deed_listed(struct writer *w)
{
    char from[STORM_PATH_SIZE];
    char to[STORM_PATH_SIZE];
    char name[64];
    const size_t n = draw_directory(w, from, sizeof from);
    const unsigned after = (unsigned)storm_draw(w, 100);
    const size_t m = draw_directory(w, to, sizeof to);

    if (!find_listed(w, from, after, name)) {
        return false;
    }
    (void)snprintf(from + n, sizeof from - n, "%s", name);
    make_parents(w->in, to);
    (void)snprintf(to + m, sizeof to - m, "k%lu_%u_%u.jpg", strtoul(name + 1, NULL, 10), w->number,
                   w->deeds);
    return renameat(w->in, from, w->in, to) == 0;
}

const struct deed storm_deeds[] = {
    {"make", 24, deed_make},
    {"mkdir", 4, deed_mkdir},
    {"pieces", 4, deed_pieces},
    {"append", 6, deed_append},
    {"mmap", 4, deed_mmap},
    {"unlink", 4, deed_unlink},
    {"rename", 6, deed_rename},
    {"exchange", 2, deed_exchange},
    {"chain", 2, deed_chain},
    {"replace", 6, deed_replace},
    {"tmpfile", 4, deed_tmpfile},
    {"link", 4, deed_link},
    {"symlink", 2, deed_symlink},
    {"swap-link", 1, deed_swap_link},
    {"chmod", 2, deed_chmod},
    {"chown", 2, deed_chown},
    {"utime", 1, deed_utime},
    {"remove", 1, deed_remove},
    {"recreate", 1, deed_recreate},
    {"move", 8, deed_move},
    {"move-out", 3, deed_move_out},
    {"move-in", 4, deed_move_in},
    {"exchange-directories", 4, deed_exchange_directories},
    {"exchange-out", 1, deed_exchange_out},
    {"listed", 6, deed_listed},
    {NULL, 0, NULL},
};
const size_t storm_deed_count = sizeof storm_deeds / sizeof storm_deeds[0] - 1;
