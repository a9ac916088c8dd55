/*
 * How fast records are encoded, appended and flushed, read and verified; and how the appending
 * compares with a bare write(2) of the same bytes in pieces of the same size, in the same run.
 *
 *   bench_journal [records [directory]]
 */
#include "base/clock.h"
#include "base/err.h"
#include "journal/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORDS 1000000
#define PIECE   (1u << 20)

static void die(const char *what, int rc)
{
    fprintf(stderr, "bench_journal: %s: %s\n", what, err_name(rc));
    exit(1);
}

/* The i-th record; a finished upload as the agent writes it. */
static void make_record(struct journal_record *rec, char path[96], uint64_t i)
{
    snprintf(path, 96, "train/class_%03" PRIu64 "/image_%08" PRIu64 ".jpg", i % 1000, i);
    *rec = (struct journal_record){.op = JOURNAL_PUT,
                                   .state = JOURNAL_DONE,
                                   .source = JOURNAL_SRC_EVENT,
                                   .mapping = "images",
                                   .path = path,
                                   .tx = i + 1,
                                   .has = JOURNAL_HAS_CRC,
                                   .etag = "9b2cf535f27731c974343645a3985328",
                                   .crc64 = i * UINT64_C(0x9e3779b97f4a7c15),
                                   .http_status = 200,
                                   .attempts = 1,
                                   .duration_ms = 12};
}

/* Time on the wall and on the processor; the latter is what a busy machine leaves alone. */
struct watch {
    double wall, cpu;
};

static double clock_read(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct watch watch_start(void)
{
    return (struct watch){clock_read(CLOCK_MONOTONIC), clock_read(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct watch watch_stop(struct watch from)
{
    struct watch now = watch_start();

    return (struct watch){now.wall - from.wall, now.cpu - from.cpu};
}

static void report(const char *what, uint64_t n, struct watch took)
{
    printf("%-26s %10.0f records/s %6.0f ns of processor a record\n", what, (double)n / took.wall,
           took.cpu / (double)n * 1e9);
}

static void bench_encode(uint64_t n)
{
    struct journal_record rec;
    struct buf out;
    char path[96];
    struct watch from = watch_start();

    buf_init(&out, 2 * PIECE);
    for (uint64_t i = 0; i < n; i++) {
        make_record(&rec, path, 0);
        rec.seq = i;
        if (out.len > PIECE)
            buf_reset(&out);
        if (journal_record_encode(&rec, &out))
            die("encode", ERR_LIMIT);
    }
    report("encode", n, watch_stop(from));
    buf_release(&out);
}

/* Appends with flushes of 1 MiB and one sync at the end. Returns what it took. */
static struct watch bench_append(const char *dir, uint64_t n)
{
    struct journal_options opt = {.host = "bench", .boot = "b", .version = "0"};
    struct journal_recovery found;
    struct journal_record rec;
    struct journal *j;
    struct err e = {0};
    char path[96];
    struct watch from = watch_start();
    int rc = journal_open(dir, &opt, clock_real_us(), &j, &found, &e);

    if (rc)
        die(e.what, rc);
    for (uint64_t i = 0; i < n; i++) {
        make_record(&rec, path, i);
        rc = journal_append(j, &rec, INT64_C(1767323045123456) + (int64_t)i, NULL);
        if (rc)
            die("append", rc);
    }
    rc = journal_close(j);
    if (rc)
        die("close", rc);
    return watch_stop(from);
}

/* Write as many bytes as the journal has, in pieces, and sync. Returns what it took. */
static struct watch bench_floor(const char *dir, uint64_t bytes)
{
    static char piece[PIECE];
    char path[256];
    struct watch from = watch_start();
    int fd;

    memset(piece, 'x', sizeof(piece));
    snprintf(path, sizeof(path), "%s/floor", dir);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        die(path, -1);
    for (uint64_t done = 0, n; done < bytes; done += n) {
        n = bytes - done < PIECE ? bytes - done : PIECE;
        if (write(fd, piece, n) != (ssize_t)n)
            die("write", -5);
    }
    if (fdatasync(fd))
        die("fdatasync", -5);
    close(fd);
    return watch_stop(from);
}

static void bench_read(const char *dir, uint64_t n)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};
    uint64_t count = 0;
    struct watch from = watch_start();

    if (journal_reader_open(dir, 1, &r, &e))
        die(e.what, e.code);
    while (journal_read(r, &rec, NULL, &e) == JOURNAL_READ_RECORD)
        count++;
    if (count != n)
        die("records are missing", ERR_CORRUPT);
    report("read", n, watch_stop(from));
    journal_reader_close(r);
}

static uint64_t bench_verify(const char *dir, uint64_t n)
{
    struct journal_verdict verdict;
    struct err e = {0};
    struct watch from = watch_start();

    if (journal_verify(dir, NULL, NULL, NULL, &verdict, &e))
        die(e.what, e.code);
    if (verdict.faults || verdict.records != n)
        die("verify found faults", ERR_CORRUPT);
    report("verify", n, watch_stop(from));
    return verdict.bytes;
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    (void)rmdir(path);
}

int main(int argc, char **argv)
{
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : RECORDS;
    char dir[128];
    struct watch append, bare;
    uint64_t bytes;

    snprintf(dir, sizeof(dir), "%.100s/bench-journal-XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (!mkdtemp(dir))
        die(dir, -1);
    bench_encode(n);
    append = bench_append(dir, n);
    report("append, flush, sync", n, append);
    bench_read(dir, n);
    bytes = bench_verify(dir, n);
    bare = bench_floor(dir, bytes);
    report("bare write(2), same bytes", n, bare);
    printf("append / bare write: %.2f on the wall, %.2f of processor; %.0f bytes a record\n",
           append.wall / bare.wall, append.cpu / bare.cpu, (double)bytes / (double)n);
    remove_all(dir);
    return 0;
}
