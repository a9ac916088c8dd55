/*
 * The journal at its size: how fast records are encoded, appended, read and verified, beside a bare
 * write(2) of the same bytes; how close appending in groups with an fdatasync each comes to what
 * the disk allows; how long a start with a tail of 64 MB takes; how long it takes to find the life
 * of one path, with indexes and without; and all that again once closed segments are compressed,
 * and how small they get.
 *
 *   bench_journal [RECORDS [DIRECTORY]]
 *   bench_journal groups [DIRECTORY]
 *   bench_journal make RECORDS DIRECTORY [HOST [KEY-FILE [SEGMENT-BYTES]]]
 *
 * The second tells only of groups with an fdatasync each. The third makes a journal and keeps it:
 * of that host, signed by the key of the file, with segments of so many bytes instead of the usual.
 */
#include "base/clock.h"
#include "base/err.h"
#include "journal/journal.h"
#include "journal/pack.h"
#include "tests/bench/journal_records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RECORDS      1000000
#define RECORDS_MIN  100
#define PIECE        (1u << 20)
#define GROUPS       1000       /* of records, with an fdatasync each */
#define TURN         50         /* groups until it is the bare disk's turn */
#define RESERVED     (8u << 20) /* bytes of its file at a time, as the journal's */
#define RECORD_BYTES 183        /* of a record in the mean, with its share of a commit line */
#define TAIL_BYTES   (64u << 20)
#define STEP_US      20000 /* from one record to the next in a journal that is kept */
#define GROUP        1000  /* records that are made durable at once there */

#define USAGE                                                                                      \
    "usage: bench_journal [RECORDS [DIRECTORY]]\n"                                                 \
    "       bench_journal groups [DIRECTORY]\n"                                                    \
    "       bench_journal make RECORDS DIRECTORY [HOST [KEY-FILE [SEGMENT-BYTES]]]\n"              \
    "RECORDS: at least 100. make: a journal in a new directory, which is kept.\n"

static void die(const char *what, int rc) __attribute__((noreturn));

static void die(const char *what, int rc)
{
    fprintf(stderr, "bench_journal: %s: %s\n", what, err_name(rc));
    exit(1);
}

/* Time on the wall and on the processor, of all threads and of this one; the latter two are what a
 * busy machine leaves alone. */
struct watch {
    double wall, cpu, own;
};

static double clock_read(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct watch watch_start(void)
{
    return (struct watch){clock_read(CLOCK_MONOTONIC), clock_read(CLOCK_PROCESS_CPUTIME_ID),
                          clock_read(CLOCK_THREAD_CPUTIME_ID)};
}

static struct watch watch_stop(struct watch from)
{
    struct watch now = watch_start();

    return (struct watch){now.wall - from.wall, now.cpu - from.cpu, now.own - from.own};
}

static void report(const char *what, uint64_t n, struct watch took)
{
    printf("%-30s %10.0f records/s %6.0f ns of processor a record\n", what, (double)n / took.wall,
           took.cpu / (double)n * 1e9);
}

static void bench_encode(uint64_t n)
{
    struct journal_record rec;
    struct buf out;
    struct bench_texts texts;
    struct watch from = watch_start();

    buf_init(&out, 2 * PIECE);
    for (uint64_t i = 0; i < n; i++) {
        bench_record(&rec, &texts, 0, n, 1);
        rec.seq = i;
        if (out.len > PIECE)
            buf_reset(&out);
        if (journal_record_encode(&rec, &out))
            die("encode", ERR_LIMIT);
    }
    report("encode", n, watch_stop(from));
    buf_release(&out);
}

/* A writer of a host, with segments of so many bytes; 0: the usual. */
static struct journal *open_writer_of(const char *host, const char *dir, uint64_t segment_bytes,
                                      int64_t now_us, bool *ret_fresh)
{
    const struct journal_options opt = {
        .segment_bytes = segment_bytes, .host = host, .boot = "b", .version = "0"};
    struct journal_recovery found;
    struct journal *j;
    struct err e = {0};
    const int rc = journal_open(dir, &opt, now_us, &j, &found, &e);

    if (rc)
        die(e.what, rc);
    *ret_fresh = found.fresh;
    return j;
}

static struct journal *open_writer(const char *dir, uint64_t segment_bytes)
{
    bool fresh;

    return open_writer_of("bench", dir, segment_bytes, clock_real_us(), &fresh);
}

static void append(struct journal *j, uint64_t i, uint64_t n)
{
    struct journal_record rec;
    struct bench_texts texts;
    int rc;

    bench_record(&rec, &texts, i, n, journal_next_seq(j));
    rc = journal_append(j, &rec, BENCH_BASE_US + (int64_t)i, NULL);
    if (rc)
        die("append", rc);
}

static void close_writer(struct journal *j)
{
    const int rc = journal_close(j);

    if (rc)
        die("close", rc);
}

/* Appends with flushes of 1 MiB and a sync where the journal makes one. Returns what it took. */
static struct watch bench_append(const char *dir, uint64_t n)
{
    struct watch from = watch_start();
    struct journal *j = open_writer(dir, 0);

    for (uint64_t i = 0; i < n; i++)
        append(j, i, n);
    close_writer(j);
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
    unlink(path);
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

/* By one thread, and by one for each processor. */
static uint64_t bench_verify(const char *dir, uint64_t n)
{
    const unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t bytes = 0;

    for (unsigned threads = 1; threads <= processors; threads += processors - 1) {
        struct journal_verdict verdict;
        struct err e = {0};
        char what[32];
        struct watch from = watch_start();

        if (journal_verify_with(dir, NULL, threads, NULL, NULL, &verdict, &e))
            die(e.what, e.code);
        if (verdict.faults || verdict.records != n)
            die("verify found faults", ERR_CORRUPT);
        snprintf(what, sizeof what, "verify, %u thread%s", threads, threads == 1 ? "" : "s");
        report(what, n, watch_stop(from));
        bytes = verdict.bytes;
        if (processors == 1)
            break;
    }
    return bytes;
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

/* A directory of its own inside another. */
static void make_inside(const char *dir, const char *name, char out[BENCH_PATH_SIZE * 3])
{
    snprintf(out, BENCH_PATH_SIZE * 3, "%s/%s", dir, name);
    if (mkdir(out, 0700))
        die(out, -errno);
}

/* The bare disk: a file that a writer owns, whose blocks are reserved as the journal's are. */
struct bare {
    int fd;
    char *piece;
    uint64_t bytes, size, reserved;
};

static void bare_open(struct bare *b, const char *dir, uint64_t bytes)
{
    char path[BENCH_PATH_SIZE * 4];

    snprintf(path, sizeof path, "%s/disk", dir);
    *b = (struct bare){open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600), malloc(bytes), bytes, 0, 0};
    if (b->fd < 0 || !b->piece)
        die(path, -1);
    memset(b->piece, 'x', bytes);
}

static void bare_close(struct bare *b)
{
    close(b->fd);
    free(b->piece);
}

/* A turn of pieces, each with its fdatasync. Returns what it took. */
static double bare_turn(struct bare *b)
{
    const struct watch from = watch_start();

    for (unsigned i = 0; i < TURN; i++) {
        const uint64_t end = b->size + b->bytes;

        /* As the journal does, so that only data and size go to the disk. */
        if (end > b->reserved) {
            const uint64_t more = (end / RESERVED + 1) * RESERVED;

            if (fallocate(b->fd, FALLOC_FL_KEEP_SIZE, (off_t)b->size, (off_t)(more - b->size)))
                die("fallocate", -errno);
            b->reserved = more;
        }
        if (pwrite(b->fd, b->piece, b->bytes, (off_t)b->size) != (ssize_t)b->bytes ||
            fdatasync(b->fd))
            die("write and fdatasync", -errno);
        b->size = end;
    }
    return watch_stop(from).wall;
}

/* What ends a group: nothing is waited for; the disk is; a thread waits for it. */
enum group_end { GROUP_FLUSH, GROUP_SYNC, GROUP_BEGIN };

static int end_group(struct journal *j, enum group_end how)
{
    switch (how) {
    case GROUP_FLUSH:
        return journal_flush(j);
    case GROUP_SYNC:
        return journal_sync(j);
    case GROUP_BEGIN:
        return journal_sync_begin(j);
    }
    return 0;
}

/* A turn of groups of records. With the thread the next groups are made while the disk is busy, and
 * may share an fdatasync; all are durable in the end, unless nothing is waited for. */
static struct watch bench_groups(struct journal *j, uint64_t from, uint64_t group,
                                 enum group_end how)
{
    struct watch took = watch_start();

    for (uint64_t k = from * group; k < (from + TURN) * group; k++) {
        append(j, k, UINT64_MAX);
        if (k % group == group - 1 && end_group(j, how))
            die("sync", -5);
    }
    if (how != GROUP_FLUSH && journal_sync(j))
        die("sync", -5);
    return watch_stop(took);
}

/* Groups of records with an fdatasync each, in turns with the same bytes written bare, and with the
 * same groups of which none is synced: a machine is not as fast at every moment. Nobody can be
 * faster than the disk, nor than the journal where it does not wait for it. */
static void bench_sync(const char *dir, double record_bytes, uint64_t group, bool apart)
{
    const double n = (double)(GROUPS * group);
    char inside[BENCH_PATH_SIZE * 3], beside[BENCH_PATH_SIZE * 3];
    double disk = 0, alone = 0, limit;
    struct watch took = {0};
    struct journal *j, *k;
    struct bare bare;
    int fd;

    make_inside(dir, "sync", inside);
    make_inside(dir, "alone", beside);
    j = open_writer(inside, 0);
    k = open_writer(beside, 0);
    bare_open(&bare, inside, (uint64_t)((double)group * record_bytes));
    if (apart && (journal_sync_apart(j, &fd) || journal_sync_apart(k, &fd)))
        die("a thread", -1);
    for (uint64_t i = 0; i < GROUPS; i += TURN) {
        const struct watch turn = bench_groups(j, i, group, apart ? GROUP_BEGIN : GROUP_SYNC);

        took.wall += turn.wall;
        took.cpu += turn.cpu;
        took.own += turn.own;
        disk += bare_turn(&bare);
        alone += bench_groups(k, i, group, GROUP_FLUSH).wall;
    }
    bare_close(&bare);
    close_writer(j);
    close_writer(k);
    limit = alone > disk ? alone : disk;
    printf("append, %-8s fdatasync a group of %-5" PRIu64
           "%8.0f records/s: %.2f of the disk's %8.0f (%.0f fdatasyncs/s), %.2f of the lesser of "
           "that and append alone, %8.0f; %.0f ns of processor a record, %.0f in this thread\n",
           apart ? "a thread" : "with an", group, n / took.wall, disk / took.wall, n / disk,
           GROUPS / disk, limit / took.wall, n / alone, took.cpu / n * 1e9, took.own / n * 1e9);
    remove_all(inside);
    remove_all(beside);
}

static void bench_syncs(const char *dir, double record_bytes)
{
    for (uint64_t group = 10; group <= 1000; group *= 10)
        for (int apart = 0; apart < 2; apart++)
            bench_sync(dir, record_bytes, group, apart);
}

/* A start where the last segment has 64 MB and a torn batch at its end. */
static void bench_recovery(const char *dir, double record_bytes)
{
    const uint64_t n = (uint64_t)(TAIL_BYTES / record_bytes);
    char inside[BENCH_PATH_SIZE * 3], file[BENCH_PATH_SIZE * 4];
    struct journal *j;
    struct watch took;
    int fd;

    make_inside(dir, "tail", inside);
    j = open_writer(inside, 2 * (uint64_t)TAIL_BYTES);
    for (uint64_t i = 0; i < n; i++)
        append(j, i, UINT64_MAX);
    close_writer(j);
    snprintf(file, sizeof file, "%s/00000000000000000001.jsonl", inside);
    fd = open(file, O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, "{\"q\":", 5) != 5)
        die(file, -errno);
    close(fd);
    took = watch_start();
    j = open_writer(inside, 2 * (uint64_t)TAIL_BYTES);
    took = watch_stop(took);
    printf("%-30s %10.0f ms for a torn tail of 64 MB\n", "recovery", took.wall * 1e3);
    close_writer(j);
    remove_all(inside);
}

/* journal_index_all's. */
static bool on_index(void *arg, const char *segment, int code, bool made)
{
    if (code)
        die(segment, code);
    *(uint64_t *)arg += made;
    return true;
}

static void bench_index(const char *dir, uint64_t n)
{
    uint64_t count = 0;
    struct err e = {0};
    struct watch from = watch_start();

    if (journal_index_all(dir, NULL, true, on_index, &count, &e))
        die(e.what, e.code);
    report("index", n, watch_stop(from));
}

/* Count the records of a life. */
static unsigned count_life(struct journal_reader *r, const struct life *l)
{
    struct journal_record rec;
    struct err e = {0};
    unsigned count = 0;

    while (journal_read(r, &rec, NULL, &e) == JOURNAL_READ_RECORD)
        count += life_has(l, &rec);
    return count;
}

/* Find the life of a path by indexes. */
static unsigned find(const char *dir, struct life *l)
{
    struct journal_search *s;
    struct err e = {0};
    unsigned count;

    if (journal_search_life(dir, l, &e) || journal_search_open(dir, l, &s, &e))
        die(e.what, e.code);
    count = count_life(journal_search_reader(s), l);
    journal_search_close(s);
    return count;
}

/* Find it by reading everything, twice. */
static unsigned find_whole(const char *dir, struct life *l)
{
    struct journal_reader *r;
    struct journal_record rec;
    struct err e = {0};
    unsigned count;

    if (journal_reader_open(dir, 1, &r, &e))
        die(e.what, e.code);
    while (journal_read(r, &rec, NULL, &e) == JOURNAL_READ_RECORD)
        if (life_gather(l, &rec))
            die("gather", -ENOMEM);
    journal_reader_close(r);
    if (life_trace(l) || journal_reader_open(dir, 1, &r, &e))
        die("trace", -ENOMEM);
    count = count_life(r, l);
    journal_reader_close(r);
    return count;
}

static void bench_find(const char *what, const char *dir, const char *path, unsigned expected,
                       unsigned (*find_it)(const char *dir, struct life *l))
{
    struct life *l = life_new(path);
    struct watch from = watch_start();

    if (!l || find_it(dir, l) != expected)
        die("another number of records was found", ERR_CORRUPT);
    printf("%-30s %10.1f ms\n", what, watch_stop(from).wall * 1e3);
    life_free(l);
}

static void bench_show(const char *dir, uint64_t n)
{
    char path[BENCH_PATH_SIZE];

    bench_index(dir, n);
    bench_find("show, an image", dir, bench_path(n / 9, path), 3, find);
    bench_find("show, a renamed one", dir, BENCH_SHOWN, 7, find);
    bench_find("show, one that is not there", dir, "nowhere/nothing.jpg", 0, find);
    bench_find("show, a renamed one, no index", dir, BENCH_SHOWN, 7, find_whole);
}

/* Bytes of the files that end so, where all but the last segment are. */
static uint64_t bytes_of(const char *path, const char *ending)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    uint64_t bytes = 0;

    while (dir && (entry = readdir(dir))) {
        const size_t n = strlen(entry->d_name), k = strlen(ending);
        struct stat st;

        if (n > k && strcmp(entry->d_name + n - k, ending) == 0 &&
            fstatat(dirfd(dir), entry->d_name, &st, 0) == 0)
            bytes += (uint64_t)st.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}

/* Compress the closed segments; then what reads them. */
static void bench_pack(const char *dir, uint64_t n, uint64_t bytes)
{
    uint64_t count = 0, records;
    struct watch took, from = watch_start();
    struct err e = {0};

    if (journal_pack_all(dir, on_index, &count, &e))
        die(e.what, e.code);
    took = watch_stop(from);
    if (count == 0) {
        printf("compress: no segment is closed; more records are needed\n");
        return;
    }
    /* The records of what is left plain are as long as the others. */
    records = n - (uint64_t)((double)bytes_of(dir, ".jsonl") / (double)bytes * (double)n);
    report("compress", records, took);
    printf("%-30s %10.1f bytes a record, %.1f before; %.1f of indexes\n", "closed segments",
           (double)bytes_of(dir, ".zst") / (double)records, (double)bytes / (double)n,
           (double)bytes_of(dir, ".idx") / (double)records);
    bench_read(dir, n);
    (void)bench_verify(dir, n);
    bench_find("show, a renamed one", dir, BENCH_SHOWN, 7, find);
    bench_find("show, a renamed one, no index", dir, BENCH_SHOWN, 7, find_whole);
}

/* ---- a journal that is kept ---- */

/* What is to be made. */
struct order {
    uint64_t records;
    const char *dir, *host, *key_file;
    uint64_t segment_bytes;
};

/* A writer that signs, where there is a key. */
static struct journal *begin_made(const struct order *o)
{
    struct journal_secret secret;
    struct err e = {0};
    bool fresh;
    struct journal *j = open_writer_of(o->host, o->dir, o->segment_bytes, BENCH_BASE_US, &fresh);
    int rc;

    if (!fresh)
        die("there is a journal already", -EEXIST);
    if (!o->key_file)
        return j;
    rc = journal_key_load(o->key_file, &secret, &e);
    if (rc == 0)
        rc = journal_sign(j, &secret, BENCH_BASE_US, &e);
    journal_secret_wipe(&secret);
    if (rc)
        die(e.what, rc);
    return j;
}

/* The records, of which uploads are told as the agent tells them. */
static void append_made(struct journal *j, uint64_t i, uint64_t n)
{
    struct journal_record rec;
    struct bench_texts texts;
    const int64_t now_us = BENCH_BASE_US + (int64_t)i * STEP_US;
    int rc;

    bench_record(&rec, &texts, i, n, journal_next_seq(j));
    if (rec.op == JOURNAL_PUT)
        bench_tell_file(&rec, i, n);
    rc = journal_append(j, &rec, now_us, NULL);
    if (rc == 0 && i % GROUP == GROUP - 1)
        rc = journal_tick(j, now_us);
    if (rc)
        die("append", rc);
}

static void make(const struct order *o)
{
    struct journal *j = begin_made(o);

    for (uint64_t i = 0; i < o->records; i++)
        append_made(j, i, o->records);
    close_writer(j);
}

/* ---- the command line ---- */

/* A number that is all of the text and not below `least`; else the program ends. */
static uint64_t number(const char *text, uint64_t least)
{
    char *end;
    const uint64_t n = strtoull(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end || n < least) {
        fputs(USAGE, stderr);
        exit(2);
    }
    return n;
}

static void make_bed(const char *where, char dir[BENCH_PATH_SIZE])
{
    snprintf(dir, BENCH_PATH_SIZE, "%.40s/bench-journal-XXXXXX", where);
    if (!mkdtemp(dir))
        die(dir, -errno);
    setlinebuf(stdout);
}

/* Groups alone. */
static void bench_groups_alone(const char *where)
{
    char dir[BENCH_PATH_SIZE];

    make_bed(where, dir);
    bench_syncs(dir, RECORD_BYTES);
    remove_all(dir);
}

static void bench(uint64_t n, const char *where)
{
    char dir[BENCH_PATH_SIZE];
    struct watch took, bare;
    uint64_t bytes;

    make_bed(where, dir);
    bench_encode(n);
    took = bench_append(dir, n);
    report("append, one fsync a segment", n, took);
    bench_read(dir, n);
    bytes = bench_verify(dir, n);
    bare = bench_floor(dir, bytes);
    report("bare write(2), same bytes", n, bare);
    printf("append / bare write: %.2f on the wall, %.2f of processor; %.0f bytes a record\n",
           took.wall / bare.wall, took.cpu / bare.cpu, (double)bytes / (double)n);
    bench_show(dir, n);
    bench_pack(dir, n, bytes);
    bench_syncs(dir, (double)bytes / (double)n);
    bench_recovery(dir, (double)bytes / (double)n);
    remove_all(dir);
}

int main(int argc, char **argv)
{
    const bool makes = argc > 1 && strcmp(argv[1], "make") == 0;

    if (makes ? argc < 4 || argc > 7 : argc > 3) {
        fputs(USAGE, stderr);
        return 2;
    }
    if (makes)
        make(&(struct order){.records = number(argv[2], RECORDS_MIN),
                             .dir = argv[3],
                             .host = argc > 4 ? argv[4] : "bench",
                             .key_file = argc > 5 ? argv[5] : NULL,
                             .segment_bytes = argc > 6 ? number(argv[6], 1) : 0});
    else if (argc > 1 && strcmp(argv[1], "groups") == 0)
        bench_groups_alone(argc > 2 ? argv[2] : "/tmp");
    else
        bench(argc > 1 ? number(argv[1], RECORDS_MIN) : RECORDS, argc > 2 ? argv[2] : "/tmp");
    return 0;
}
