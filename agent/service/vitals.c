/* What the kernel and the disk tell of the agent. Shell. */
#include "agent/service/vitals.h"

#include "base/clock.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT_DIGITS   20
#define STAT_START_FIELD 22 /* of /proc/self/stat, proc(5) */

/* A small file as text; "" where it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, size - 1) : 0;

    out[n > 0 ? n : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

/* The number behind a name in text of lines. */
static uint64_t number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/* When the process started, in clock ticks since the boot. */
static uint64_t start_ticks(void)
{
    char text[1024];
    const char *at;

    read_text("/proc/self/stat", text, sizeof text);
    at = strrchr(text, ')'); /* the name before it may hold anything */
    for (int field = 2; at && field < STAT_START_FIELD; field++)
        at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static pthread_once_t began_once = PTHREAD_ONCE_INIT;
static int64_t began_ms;

/* The same since 1970, told once: computed anew it would differ by what clocks differ. */
static void note_began(void)
{
    struct timespec up = {0};
    long ticks = sysconf(_SC_CLK_TCK);

    (void)clock_gettime(CLOCK_BOOTTIME, &up); /* always there */
    if (ticks > 0)
        began_ms = clock_real_us() / US_PER_MS - up.tv_sec * MS_PER_S - up.tv_nsec / 1000000 +
                   (int64_t)start_ticks() * MS_PER_S / ticks;
}

/* Entries of a directory. */
static uint64_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    uint64_t n = 0;

    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* ".", "..", and the directory itself */
}

void vitals_process(struct metrics_process *ret)
{
    char text[4096];
    struct rusage usage;
    struct rlimit files;

    *ret = (struct metrics_process){0};
    read_text("/proc/self/status", text, sizeof text);
    ret->resident_bytes = number_after(text, "\nVmRSS:") * 1024;
    ret->own_bytes = number_after(text, "\nRssAnon:") * 1024;
    ret->virtual_bytes = number_after(text, "\nVmSize:") * 1024;
    ret->threads = number_after(text, "\nThreads:");
    ret->open_fds = count_entries("/proc/self/fd");
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        ret->max_fds = files.rlim_cur;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        ret->cpu_ms = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * MS_PER_S +
                      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / US_PER_MS;
    (void)pthread_once(&began_once, note_began); /* fails only for a wrong argument */
    ret->started_ms = began_ms;
}

/* A name of a segment, as it is written or compressed. */
static bool is_segment(const char *name)
{
    const char *end = name + strspn(name, "0123456789");

    return end == name + SEGMENT_DIGITS &&
           (strcmp(end, ".jsonl") == 0 || strcmp(end, ".jsonl.zst") == 0);
}

/* The journal's files. */
static void add_journal(const char *journal_dir, const char *anchored, struct metrics_disk *ret)
{
    DIR *dir = opendir(journal_dir);
    struct dirent *entry;
    struct stat st;
    uint64_t behind = 0;

    if (!dir)
        return;
    while ((entry = readdir(dir))) {
        if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            ret->journal_bytes += (uint64_t)st.st_size;
        if (!is_segment(entry->d_name))
            continue;
        ret->journal_segments++;
        behind += anchored && strncmp(entry->d_name, anchored, SEGMENT_DIGITS) > 0;
    }
    closedir(dir);
    ret->segments_behind = behind > 0 ? behind - 1 : 0; /* the last one is open */
}

/* Free space where a directory is, or, where it is yet to be made, will be. */
static uint64_t free_bytes(const char *dir)
{
    char path[PATH_BYTES_MAX + 1];
    struct statvfs fs;
    char *slash;

    snprintf(path, sizeof path, "%s", dir);
    while (statvfs(path, &fs)) {
        slash = strrchr(path, '/');
        if (errno != ENOENT || !slash || slash == path)
            return 0;
        *slash = '\0';
    }
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

void vitals_disk(const char *journal_dir, const char *state_dir, const char *anchored,
                 struct metrics_disk *ret)
{
    char path[PATH_BYTES_MAX + 1];
    struct stat st;

    *ret = (struct metrics_disk){0};
    add_journal(journal_dir, anchored, ret);
    if (path_join(path, sizeof path, state_dir, "index/data.mdb") == 0 && stat(path, &st) == 0)
        ret->index_bytes = (uint64_t)st.st_blocks * 512;
    ret->free_bytes = free_bytes(journal_dir);
}
