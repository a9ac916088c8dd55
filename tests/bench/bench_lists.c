/*
 * How long does it take to rewrite a list of 1,000,000 rows? Beside the floor of the same run: a
 * copy of its bytes in memory, and a copy of the file with fsync and rename. How many bytes of it
 * pass a processor in a second, where rows are looked through for few changes, rewritten on disk,
 * told or noted? Beside the floor, which is memchr(3) for the ends of the rows, and sed(1) with one
 * replacement, on the same file. And to compare two such lists in different orders? Beside sort(1)
 * and diff(1) of the same files.
 *
 *   bench_lists [rows]
 */
#include "base/tree.h"
#include "lists/diff.h"
#include "lists/lists.h"
#include "lists/mentions.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5
#define FEW    50 /* changes */

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of a processor, in this process or in those that it waited for. */
static double cpu_s(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* End with a message where something that must work did not. */
static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "%s: %s\n", what, err_name(rc));
    exit(1);
}

/* A list as im2rec makes it: shuffled, two directories deep. */
static void make_list(uint64_t rows, struct buf *list)
{
    uint64_t seed = 1;

    for (uint64_t i = 0; i < rows; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        must(buf_appendf(list, "%" PRIu64 "\t%u\ttrain/n%08u/%07" PRIu64 ".jpg\n", i,
                         (unsigned)(seed >> 54), (unsigned)(seed >> 54), i),
             "list");
    }
}

/* n renames of images, spread over the list, and one of a directory. */
static struct lst_changes *make_changes(const struct buf *list, uint64_t rows, uint64_t n)
{
    struct lst_cursor c = {.in = {list->data, list->len}};
    struct lst_changes *changes;
    struct lst_row row;
    char from[128];
    char to[160];

    must(lst_changes_new(&changes), "changes");
    while (lst_row_next(&c, &row)) {
        if (c.line_number % (rows / n) != 0)
            continue;
        must(lst_path_normal(row.path, from, sizeof(from)), "path");
        snprintf(to, sizeof(to), "%s.png", from);
        must(lst_changes_rename(changes, from, to), "rename");
    }
    must(lst_changes_rename_directory(changes, "train/n99999999", "val/n1"), "directory");
    return changes;
}

static double bench_memory(const struct buf *list)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double begin = now_s();
        char *copy = malloc(list->len);

        if (!copy)
            must(-12, "copy"); /* ENOMEM */
        memcpy(copy, list->data, list->len);
        __asm__ volatile("" : : "r"(copy) : "memory"); /* the copy is looked at */
        free(copy);
        best = now_s() - begin < best ? now_s() - begin : best;
    }
    return best;
}

static double bench_rewrite(const struct buf *list, const struct lst_changes *changes)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        struct lst_rewrite_stats stats;
        double begin = now_s();
        struct buf out;
        struct buf undo;

        buf_init(&out, SIZE_MAX);
        buf_init(&undo, SIZE_MAX);
        must(lst_rewrite((struct span){list->data, list->len}, changes, &out, &undo, &stats),
             "rewrite");
        best = now_s() - begin < best ? now_s() - begin : best;
        buf_release(&out);
        buf_release(&undo);
    }
    return best;
}

static void put_list(const struct buf *list, const char *name)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    must(fd < 0 ? -1 : write_whole(fd, list->data, list->len), name);
    must(fsync(fd), name);
    close(fd);
}

/* What cannot be avoided on disk: read, write, fsync, rename. */
static double bench_copy_file(uint64_t size)
{
    double begin = now_s();
    char *bytes = malloc(size);
    int in = open("bench.lst", O_RDONLY);
    int out = open("bench.new", O_WRONLY | O_CREAT | O_TRUNC, 0644);

    must(read_whole(in, bytes, size), "read");
    must(write_whole(out, bytes, size), "write");
    must(fsync(out), "fsync");
    must(rename("bench.new", "bench.lst"), "rename");
    close(in);
    close(out);
    free(bytes);
    return now_s() - begin;
}

static double bench_apply(int root_fd, const struct lst_changes *changes)
{
    double begin = now_s();
    bool changed;

    must(lst_apply(root_fd, "bench.lst", changes, NULL, NULL, &changed, NULL), "apply");
    return now_s() - begin;
}

static int count_path(void *arg, const char *image)
{
    (void)image;
    ++*(uint64_t *)arg;
    return 0;
}

static double bench_each_path(int root_fd)
{
    double begin = now_s();
    struct file_stat st;
    uint64_t n = 0;

    must(lst_each_path(root_fd, "bench.lst", count_path, &n, &st), "each path");
    return now_s() - begin;
}

/* Everything for one number of changes. */
static void bench(int root_fd, const struct buf *list, uint64_t rows, uint64_t n)
{
    struct lst_changes *changes = make_changes(list, rows, n);
    double floor_memory = bench_memory(list);
    double rewrite = bench_rewrite(list, changes);
    double floor_disk;
    double apply;

    put_list(list, "bench.lst");
    floor_disk = bench_copy_file(list->len);
    apply = bench_apply(root_fd, changes);
    printf("%7" PRIu64 " changes: rewrite %6.1f ms (memcpy %5.1f ms, %4.1fx)  "
           "apply %6.1f ms (copy, fsync, rename %6.1f ms, %4.1fx)  each_path %6.1f ms\n",
           n, rewrite * 1e3, floor_memory * 1e3, rewrite / floor_memory, apply * 1e3,
           floor_disk * 1e3, apply / floor_disk, bench_each_path(root_fd) * 1e3);
    lst_changes_free(changes);
}

/* Print how many bytes pass a processor in a second, and what a row takes. */
static void print_rate(const char *what, const struct buf *list, uint64_t rows, double cpu)
{
    printf("  %-28s %6.2f GB/s a core (%.0f ms, %.1f ns a row)\n", what,
           (double)list->len / cpu / 1e9, cpu * 1e3, cpu * 1e9 / (double)rows);
}

/* The ends of the rows, and nothing else: the best of some rounds. */
static double rate_lines(const struct buf *list, uint64_t rows)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu_s(RUSAGE_SELF);
        const char *end = list->data + list->len;
        const char *at = list->data;
        uint64_t n = 0;

        for (; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
            n++;
        must(n == rows ? 0 : -1, "lines");
        best = cpu_s(RUSAGE_SELF) - begin < best ? cpu_s(RUSAGE_SELF) - begin : best;
    }
    return best;
}

/* Rewritten in memory that is there already: the best of some rounds. */
static double rate_rewrite(const struct buf *list, const struct lst_changes *changes)
{
    struct lst_rewrite_stats stats;
    double best = 1e9;
    struct buf out;

    buf_init(&out, SIZE_MAX);
    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu_s(RUSAGE_SELF);

        buf_reset(&out);
        must(lst_rewrite((struct span){list->data, list->len}, changes, &out, NULL, &stats),
             "rewrite");
        best = cpu_s(RUSAGE_SELF) - begin < best ? cpu_s(RUSAGE_SELF) - begin : best;
    }
    buf_release(&out);
    return best;
}

static double rate_note(const struct buf *list)
{
    double begin = cpu_s(RUSAGE_SELF);
    struct mentions *names;

    must(mentions_new(SIZE_MAX, &names), "mentions");
    must(mentions_add_all(names, (struct span){list->data, list->len}), "mentions");
    must(mentions_end(names), "mentions");
    mentions_free(names);
    return cpu_s(RUSAGE_SELF) - begin;
}

static double rate_each_path(int root_fd)
{
    double best = 1e9;

    for (int i = 0; i < ROUNDS; i++) {
        double begin = cpu_s(RUSAGE_SELF);

        (void)bench_each_path(root_fd);
        best = cpu_s(RUSAGE_SELF) - begin < best ? cpu_s(RUSAGE_SELF) - begin : best;
    }
    return best;
}

static double rate_sed(void)
{
    double begin = cpu_s(RUSAGE_CHILDREN);

    /* NOLINTNEXTLINE(cert-env33-c): a benchmark's own words */
    must(system("LC_ALL=C sed 's#\ttrain/n00000001/0000001.jpg$#\tx.png#' bench.lst >sed.out; "
                "rm sed.out"),
         "sed");
    return cpu_s(RUSAGE_CHILDREN) - begin;
}

static double rate_apply(int root_fd, const struct lst_changes *changes)
{
    double begin = cpu_s(RUSAGE_SELF);

    (void)bench_apply(root_fd, changes);
    return cpu_s(RUSAGE_SELF) - begin;
}

/* What one processor does of these in a second. */
static void bench_rates(int root_fd, const struct buf *list, uint64_t rows)
{
    struct lst_changes *changes = make_changes(list, rows, rows < FEW ? rows : FEW);

    put_list(list, "bench.lst");
    print_rate("ends of rows (memchr)", list, rows, rate_lines(list, rows));
    print_rate("rewritten in memory", list, rows, rate_rewrite(list, changes));
    print_rate("noted", list, rows, rate_note(list));
    print_rate("each path told", list, rows, rate_each_path(root_fd));
    print_rate("sed", list, rows, rate_sed());
    print_rate("rewritten on disk, checked", list, rows, rate_apply(root_fd, changes));
    lst_changes_free(changes);
}

/* The same list in another order; one row in 100 has another label, one in 1000 another path. */
static void make_other(const struct buf *list, uint64_t rows, struct buf *other)
{
    struct lst_cursor c = {.in = {list->data, list->len}};
    struct span *lines = calloc(rows, sizeof(*lines));
    uint64_t seed = 3;
    struct lst_row row;

    must(lines ? 0 : -12, "lines"); /* ENOMEM */
    for (uint64_t i = 0; lst_row_next(&c, &row); i++)
        lines[i] = row.line;
    for (uint64_t i = rows - 1; i > 0; i--) {
        struct span swap = lines[i];
        uint64_t j;

        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        j = (seed >> 20) % (i + 1);
        lines[i] = lines[j];
        lines[j] = swap;
    }
    for (uint64_t i = 0; i < rows; i++) {
        struct lst_row r;

        lst_row_begin(lines[i], 0, &r);
        must(i % 1000 == 7
                 ? buf_appendf(other, "%.*s\t%.*s\tmoved/%.*s\n", (int)r.index.n, r.index.p,
                               (int)r.labels.n, r.labels.p, (int)r.path.n, r.path.p)
             : i % 100 == 7 ? buf_appendf(other, "%.*s\t2000\t%.*s\n", (int)r.index.n, r.index.p,
                                          (int)r.path.n, r.path.p)
                            : buf_append_span(other, lines[i]),
             "other");
    }
    free(lines);
}

/* Compare the two, and have sort and diff do what they can. */
static void bench_diff(const struct buf *list, uint64_t rows)
{
    struct lst_diff d;
    struct buf other;
    double begin;
    double ours;

    buf_init(&other, SIZE_MAX);
    make_other(list, rows, &other);
    put_list(list, "a.lst");
    put_list(&other, "b.lst");
    begin = now_s();
    must(lst_diff((struct span){list->data, list->len}, (struct span){other.data, other.len}, false,
                  &d),
         "diff");
    ours = now_s() - begin;
    begin = now_s();
    /* NOLINTNEXTLINE(cert-env33-c): a benchmark's own words */
    must(system("LC_ALL=C sort a.lst >a.sorted && LC_ALL=C sort b.lst >b.sorted; "
                "diff a.sorted b.sorted >differences; rm -f a.* b.* differences"),
         "sort and diff");
    printf("diff by meaning %.0f ms, %zu pairs, %zu added, %zu removed (sort and diff %.0f ms)\n",
           ours * 1e3, d.pair_n, d.added_n, d.removed_n, (now_s() - begin) * 1e3);
    lst_diff_release(&d);
    buf_release(&other);
}

int main(int argc, char **argv)
{
    uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char bed[] = "/tmp/bench-lists-XXXXXX";
    struct buf list;
    int root_fd;

    if (rows < 10 || !mkdtemp(bed) || chdir(bed) < 0)
        return 2;
    must(tree_open_root(bed, &root_fd), bed);
    buf_init(&list, SIZE_MAX);
    make_list(rows, &list);
    printf("%" PRIu64 " rows, %.1f MB\n", rows, (double)list.len / 1e6);
    bench(root_fd, &list, rows, 1);
    bench(root_fd, &list, rows, 100);
    bench(root_fd, &list, rows, rows / 10);
    bench_rates(root_fd, &list, rows);
    bench_diff(&list, rows);
    buf_release(&list);
    close(root_fd);
    unlink("bench.lst");
    return rmdir(bed) < 0;
}
