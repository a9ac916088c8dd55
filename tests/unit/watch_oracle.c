/* A taker of hints that keeps what it believes of a tree. See watch_oracle.h. */
#include "tests/unit/watch_oracle.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/path.h"
#include "tests/unit/unit.h"
#include "watchers/fan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOTS_MAX 4

/* What is believed of a file. */
struct belief {
    uint64_t size;
    int64_t mtime_ns;
    bool seen; /* by the comparison that runs */
};

struct oracle {
    struct watchers *w;
    size_t root_count;
    struct map *files[ROOTS_MAX]; /* path -> belief */
    struct watch_filter filters[ROOTS_MAX];
    struct hint **kept; /* since oracle_forget */
    size_t kept_count;
    size_t kept_cap;
};

#define SMALL_QUEUE "16"
#define USUAL_QUEUE "16384" /* of a kernel that nobody told otherwise */

static char quiet_dir[] = "/tmp/lockstep-quiet-XXXXXX";

/* At the end. */
static void leave_quiet_dir(void)
{
    (void)umount2(quiet_dir, MNT_DETACH); /* nobody is left who could mend it */
    (void)rmdir(quiet_dir);
}

/* A file system for this program alone. A mark on one tells of all files of all programs: others
 * that work there would fill the kernel's queue. 0 or -errno. */
static int enter_quiet_dir(void)
{
    if (mkdtemp(quiet_dir) == NULL) {
        return -errno;
    }
    (void)atexit(leave_quiet_dir);
    if (mount("lockstep-quiet", quiet_dir, "tmpfs", 0, NULL) != 0) {
        return -errno;
    }
    return setenv("TMPDIR", quiet_dir, 1) != 0 ? -errno : 0;
}

/* Can the file system there be marked? 0 or -errno. */
static int try_mark(const char *path)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct fan *fan = NULL;
    uint64_t fsid;
    int code = fan_new(&fan);

    code = code != 0 ? code : fan_mark(fan, fd, &fsid);
    fan_free(fan);
    (void)close(fd); /* read only */
    return code;
}

bool fanotify_is_allowed(void)
{
    int code = enter_quiet_dir();

    code = code != 0 ? code : try_mark(quiet_dir);
    if (code == -EPERM) {
        print_message("SKIPPED: no right to mount and use fanotify (CAP_SYS_ADMIN)\n");
    } else if (code != 0) {
        print_message("fanotify on a file system of its own: %s\n", err_name(code));
        exit(1);
    }
    return code == 0;
}

/* Memory, or the test ends. */
static void *sure(void *p)
{
    assert_non_null(p);
    return p;
}

/* What oracle_new does; NULL with the reason if watching fails. */
static struct oracle *make(const struct watchers_options *opt, struct err *e)
{
    struct oracle *o = sure(calloc(1, sizeof(*o)));

    assert_in_range(opt->root_count, 1, ROOTS_MAX);
    o->root_count = opt->root_count;
    for (size_t i = 0; i < o->root_count; i++) {
        o->files[i] = sure(map_new());
        o->filters[i] = opt->roots[i].filter;
    }
    if (watchers_new(opt, &o->w, e) != 0) {
        oracle_free(o);
        return NULL;
    }
    return o;
}

/* It was made, or the test fails. */
static struct oracle *checked(struct oracle *o, const struct err *e)
{
    char text[1024];

    if (o == NULL) {
        fail_msg("%s", err_text(e, text, sizeof(text)));
    }
    return o;
}

/* Lock the length of a queue, until the descriptor is closed. */
static int lock_queue(const char *file, int how)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(flock(fd, how), 0);
    return fd;
}

struct oracle *oracle_new(const struct watchers_options *opt)
{
    const int inotify = lock_queue(INOTIFY_QUEUE_FILE, LOCK_SH);
    const int fanotify = lock_queue(FANOTIFY_QUEUE_FILE, LOCK_SH);
    struct err e = {0};
    struct oracle *o = make(opt, &e);

    (void)close(fanotify); /* and unlock */
    (void)close(inotify);
    return checked(o, &e);
}

/* Read or write a number below /proc/sys. False if it is not allowed. */
static bool sysctl(const char *file, char *value, size_t size, bool set)
{
    const int fd = open(file, (set ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    ssize_t n;

    if (fd < 0) {
        return false;
    }
    n = set ? write(fd, value, strlen(value)) : read(fd, value, size - 1);
    (void)close(fd);
    if (n > 0 && !set) {
        value[n] = '\0';
    }
    return n > 0;
}

struct oracle *oracle_new_small_queue(const struct watchers_options *opt, const char *file)
{
    const int lock = lock_queue(file, LOCK_EX);
    char small[] = SMALL_QUEUE;
    char before[32] = "";
    struct err e = {0};
    struct oracle *o = NULL;
    const bool allowed =
        sysctl(file, before, sizeof(before), false) && sysctl(file, small, sizeof(small), true);

    if (allowed) {
        if (atoi(before) == atoi(small)) {
            (void)snprintf(before, sizeof(before), "%s", USUAL_QUEUE); /* a test was killed */
        }
        o = make(opt, &e);
        assert_true(sysctl(file, before, sizeof(before), true));
    }
    (void)close(lock);
    if (!allowed) {
        print_message("SKIPPED: no right to write %s\n", file);
        skip();
    }
    return checked(o, &e);
}

void oracle_forget(struct oracle *o)
{
    for (size_t i = 0; i < o->kept_count; i++) {
        hint_free(o->kept[i]);
    }
    o->kept_count = 0;
}

void oracle_free(struct oracle *o)
{
    watchers_free(o->w);
    oracle_forget(o);
    free(o->kept);
    for (size_t i = 0; i < o->root_count; i++) {
        void *value;

        for (size_t at = 0; map_next(o->files[i], &at, NULL, NULL, &value);) {
            free(value);
        }
        map_free(o->files[i]);
    }
    free(o);
}

struct watchers *oracle_watchers(struct oracle *o)
{
    return o->w;
}

/* Believe that a file is there. */
static void believe(struct oracle *o, unsigned root, const char *path, uint64_t size,
                    int64_t mtime_ns)
{
    struct belief *b = map_get_str(o->files[root], path);

    if (b == NULL) {
        b = sure(calloc(1, sizeof(*b)));
        assert_int_equal(map_put_str(o->files[root], path, b, NULL), 0);
    }
    b->size = size;
    b->mtime_ns = mtime_ns;
}

/* Look at a path and believe it. */
static void look(struct oracle *o, unsigned root, const char *path)
{
    struct file_stat st;

    assert_int_equal(tree_stat(watchers_root_fd(o->w, root), path, &st), 0);
    if (st.kind == FILE_REGULAR) {
        believe(o, root, path, st.size, st.mtime_ns);
    } else {
        free(map_remove_str(o->files[root], path));
    }
}

/* Look at all files that are believed beneath a directory, for which `wanted` says yes. */
static void look_beneath(struct oracle *o, unsigned root, const char *dir,
                         bool (*wanted)(const char *rest, const void *arg), const void *arg)
{
    const size_t skip = strlen(dir) + (dir[0] != '\0');
    char **paths = sure(calloc(map_count(o->files[root]) + 1, sizeof(*paths)));
    size_t count = 0;
    const void *key;
    size_t n;
    void *value;

    for (size_t at = 0; map_next(o->files[root], &at, &key, &n, &value);) {
        char *path = sure(strndup(key, n));

        if (path_is_within(path, dir) && strcmp(path, dir) != 0 &&
            (wanted == NULL || wanted(path + skip, arg))) {
            paths[count++] = path;
        } else {
            free(path);
        }
    }
    for (size_t i = 0; i < count; i++) {
        look(o, root, paths[i]);
        free(paths[i]);
    }
    free(paths);
}

/* Is the first component of `rest` missing in a listing, as what it is (a file or a directory)? */
static bool is_missing(const char *rest, const void *arg)
{
    const struct listing *l = arg;
    const size_t n = strcspn(rest, "/");
    const enum file_kind kind = rest[n] == '/' ? FILE_DIRECTORY : FILE_REGULAR;

    for (size_t i = 0; i < l->count; i++) {
        if (l->entries[i].st.kind == kind && strncmp(l->entries[i].name, rest, n) == 0 &&
            l->entries[i].name[n] == '\0') {
            return false;
        }
    }
    return true;
}

/* Believe a listing; look at what it says is gone. */
static void take_listing(struct oracle *o, const struct hint *h)
{
    char path[PATH_BYTES_MAX + 1];

    for (size_t i = 0; i < h->listing->count; i++) {
        const struct listing_entry *e = &h->listing->entries[i];

        assert_int_equal(path_join(path, sizeof(path), h->path, e->name), 0);
        if (e->code == 0 && e->st.kind == FILE_REGULAR) {
            look(o, h->root, path); /* a listing may be late, too */
        }
    }
    if (h->listing->complete) {
        look_beneath(o, h->root, h->path, is_missing, h->listing);
    }
}

/* A directory moved: what is believed beneath it moves. */
static void take_moved_directory(struct oracle *o, const struct hint *h)
{
    const void *key;
    size_t n;
    void *value;
    char path[PATH_BYTES_MAX + 1];
    struct map *moved = sure(map_new());

    for (size_t at = 0; map_next(o->files[h->root], &at, &key, &n, &value);) {
        char *old = sure(strndup(key, n));

        if (strcmp(old, h->path) != 0 &&
            path_rebase(path, sizeof(path), old, h->path, h->path2) == 0) {
            assert_int_equal(map_put_str(moved, path, value, NULL), 0);
            (void)map_remove_str(o->files[h->root], old);
        }
        free(old);
    }
    for (size_t at = 0; map_next(moved, &at, &key, &n, &value);) {
        void *old = NULL;

        assert_int_equal(map_put(o->files[h->root2], key, n, value, &old), 0);
        free(old);
    }
    map_free(moved);
}

/* What a hint means. */
static void take(struct oracle *o, const struct hint *h)
{
    switch (h->kind) {
    case HINT_TOUCHED:
    case HINT_WRITTEN:
    case HINT_GONE:
        look(o, h->root, h->path);
        if (h->kind == HINT_GONE && h->is_directory) {
            look_beneath(o, h->root, h->path, NULL, NULL);
        }
        return;
    case HINT_MOVED:
        if (h->is_directory) {
            take_moved_directory(o, h);
        }
        look(o, h->root, h->path);
        look(o, h->root2, h->path2);
        return;
    case HINT_LISTING:
        take_listing(o, h);
        return;
    case HINT_OBSERVED:
    case HINT_SCAN_DONE:
    case HINT_OVERFLOW:
    case HINT_ROOT_LOST:
    case HINT_ROOT_BACK:
    case HINT_WATCH_LIMIT:
    case HINT_ROOT_STUCK:
    case HINT_ROOT_ANSWERS:
    case HINT_WATCH_ROOM:
    case HINT_WHOLE:
    case HINT_PASS_DONE:
    case HINT_MARK:
        return;
    }
}

/* Keep a hint for oracle_saw. */
static void keep(struct oracle *o, struct hint *h)
{
    if (o->kept_count == o->kept_cap) {
        o->kept_cap = o->kept_cap * 2 + 64;
        o->kept = sure(reallocarray(o->kept, o->kept_cap, sizeof(struct hint *)));
    }
    o->kept[o->kept_count++] = h;
}

/* Wait for a hint and take it. False if none came. */
static bool take_one(struct oracle *o, int ms)
{
    struct pollfd p = {.fd = watchers_fd(o->w), .events = POLLIN};
    struct hint *h = watchers_next(o->w, true);

    if (h == NULL && poll(&p, 1, ms) > 0) {
        h = watchers_next(o->w, true);
        if (h == NULL) {
            return true; /* it was taken already; the fd is quiet now */
        }
    }
    if (h == NULL) {
        return false;
    }
    take(o, h);
    keep(o, h);
    return true;
}

void oracle_take(struct oracle *o, int ms)
{
    while (take_one(o, ms)) {
    }
}

const struct hint *oracle_last(const struct oracle *o, enum hint_kind kind, unsigned root,
                               const char *path)
{
    for (size_t i = o->kept_count; i > 0; i--) {
        const struct hint *h = o->kept[i - 1];

        if (h->kind == kind && h->root == root &&
            (strcmp(path, "*") == 0 || strcmp(h->path, path) == 0)) {
            return h;
        }
    }
    return NULL;
}

bool oracle_saw(const struct oracle *o, enum hint_kind kind, unsigned root, const char *path)
{
    return oracle_last(o, kind, root, path) != NULL;
}

bool oracle_saw_moved(const struct oracle *o, const char *path, const char *path2)
{
    for (size_t i = 0; i < o->kept_count; i++) {
        const struct hint *h = o->kept[i];

        if (h->kind == HINT_MOVED && strcmp(h->path, path) == 0 && strcmp(h->path2, path2) == 0) {
            return true;
        }
    }
    return false;
}

bool oracle_until(struct oracle *o, enum hint_kind kind, unsigned root, const char *path, int ms)
{
    const int64_t end = clock_mono_ms() + ms;

    while (!oracle_saw(o, kind, root, path)) {
        const int64_t left = end - clock_mono_ms();

        if (left <= 0 || !take_one(o, (int)left)) {
            return oracle_saw(o, kind, root, path);
        }
    }
    return true;
}

/* The walk of the disk; nftw has no argument to pass on. */
static struct {
    struct oracle *o;
    unsigned root;
    size_t skip;
    bool print;
    size_t differs;
    size_t directories;
} walk;

/* One name on the disk. */
static int walk_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    const char *name = path + walk.skip;
    struct belief *b;

    (void)ftw;
    if (type == FTW_D) {
        walk.directories++;
    }
    if (type != FTW_F || !S_ISREG(st->st_mode) ||
        watch_filter_excludes(&walk.o->filters[walk.root], name)) {
        return 0;
    }
    b = map_get_str(walk.o->files[walk.root], name);
    if (b == NULL || b->size != (uint64_t)st->st_size ||
        b->mtime_ns != (int64_t)st->st_mtim.tv_sec * NS_PER_S + st->st_mtim.tv_nsec) {
        walk.differs++;
        if (walk.print) {
            print_message("%s: %s\n", b == NULL ? "never reported" : "believed to be older", name);
        }
    }
    if (b != NULL) {
        b->seen = true;
    }
    return 0;
}

size_t oracle_differs(struct oracle *o, unsigned root, const char *path, bool print)
{
    const void *key;
    size_t n;
    void *value;

    memset(&walk, 0, sizeof(walk));
    walk.o = o;
    walk.root = root;
    walk.skip = strlen(path) + 1;
    walk.print = print;
    for (size_t at = 0; map_next(o->files[root], &at, NULL, NULL, &value);) {
        ((struct belief *)value)->seen = false;
    }
    assert_int_equal(nftw(path, walk_one, 32, FTW_PHYS), 0);
    for (size_t at = 0; map_next(o->files[root], &at, &key, &n, &value);) {
        if (!((struct belief *)value)->seen) {
            walk.differs++;
            if (print) {
                print_message("ghost: %.*s\n", (int)n, (const char *)key);
            }
        }
    }
    return walk.differs;
}

bool oracle_settle(struct oracle *o, unsigned root, const char *path, int ms)
{
    const int64_t end = clock_mono_ms() + ms;
    struct watch_stats stats;

    do {
        oracle_take(o, 50);
        watchers_stats(o->w, root, &stats);
        if (!stats.scanning && oracle_differs(o, root, path, false) == 0 &&
            stats.directories == walk.directories) {
            return true;
        }
    } while (clock_mono_ms() < end);
    (void)oracle_differs(o, root, path, true);
    print_message("%zu directories on the disk, %llu known, %llu watched, %s\n", walk.directories,
                  (unsigned long long)stats.directories, (unsigned long long)stats.watches,
                  stats.scanning ? "scanning" : "not scanning");
    return false;
}
