/*
 * What does a PUT cost the client? CPU of the engine's threads a file, against a sink in a process
 * of its own, over plain HTTP (so with a SHA-256 of each body), from files in the page cache.
 *
 *   bench_engine [files]    so many a size (default 6,000)
 *   bench_engine sink       only the sink, for other clients; prints its port
 *   bench_engine flow [files [url bucket]]
 *                           the number of requests at once that the engine finds against fixed
 *                           ones; on the sink, or another server. Fails below 97 % of the best
 */
#include "tests/bench/sink.h"

#include "base/clock.h"
#include "base/tree.h"
#include "uploaders/uploaders.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DISTINCT   64  /* files of a size */
#define INSIDE_MAX 256 /* transfers handed over at once */

/* End with a message where something that must work did not. */
static void must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_engine: %s: %s\n", what, err_name(rc));
    exit(1);
}

/* DISTINCT files of a size, "0", "1"... */
static void make_files(int root_fd, size_t size)
{
    char *bytes = malloc(size);
    must(bytes ? 0 : -1, "memory");
    for (int i = 0; i < DISTINCT; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        memset(bytes, i, size);
        int fd = openat(root_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        must(fd >= 0 ? write_whole(fd, bytes, size) : -1, name);
        close(fd);
    }
    free(bytes);
}

static void remove_files(int root_fd)
{
    for (int i = 0; i < DISTINCT; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%d", i);
        unlinkat(root_fd, name, 0);
    }
}

static struct transfer *make_put(int root_fd, uint64_t number)
{
    char name[16], key[64];
    snprintf(name, sizeof(name), "%" PRIu64, number % DISTINCT);
    snprintf(key, sizeof(key), "images/train/n01440764/%" PRIu64 ".jpg", number);
    struct transfer *t = transfer_new(TRANSFER_PUT, key);
    must(t && (t->path = strdup(name)) ? 0 : -1, "memory");
    t->root_fd = root_fd;
    must(tree_stat(root_fd, name, &t->expected), name);
    t->posix = (struct s3_posix){t->expected.mode, 0, 0, t->expected.mtime_ns};
    return t;
}

/* Outcomes that came; waits for one. */
static unsigned take_outcomes(struct uploaders *u)
{
    struct pollfd p = {.fd = uploaders_fd(u), .events = POLLIN};
    unsigned n = 0;
    (void)poll(&p, 1, -1);
    for (struct transfer *t; (t = uploaders_next(u)); n++) {
        if (t->verdict != VERDICT_DONE) {
            fprintf(stderr, "bench_engine: %s: %s\n", verdict_name(t->verdict), t->message);
            exit(1);
        }
        transfer_free(t);
    }
    return n;
}

/* CPU of the process or of this thread, in microseconds. */
static double cpu_us(int who)
{
    struct rusage ru;
    getrusage(who, &ru);
    return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 +
           (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

/* CPU of all threads but this one. */
static double engine_us(void)
{
    return cpu_us(RUSAGE_SELF) - cpu_us(RUSAGE_THREAD);
}

/* How a run went. */
struct run {
    double cpu_us; /* a file */
    double files_s;
};

static struct run run(const struct uploaders_options *opt, int root_fd, uint64_t files)
{
    struct uploaders *u;
    struct err e;
    char text[ERR_TEXT_MAX];
    if (uploaders_new(opt, &u, &e) != 0) {
        fprintf(stderr, "bench_engine: %s\n", err_text(&e, text, sizeof(text)));
        exit(1);
    }
    double cpu = engine_us();
    int64_t started_ms = clock_mono_ms();
    uint64_t handed = 0, inside = 0;
    while (handed < files || inside > 0) {
        for (; handed < files && inside < INSIDE_MAX; handed++, inside++)
            uploaders_submit(u, make_put(root_fd, handed));
        inside -= take_outcomes(u);
    }
    int64_t ms = clock_mono_ms() - started_ms;
    cpu = engine_us() - cpu;
    uploaders_free(u);
    return (struct run){cpu / (double)files, (double)files * 1000.0 / (double)(ms > 0 ? ms : 1)};
}

static void measure(const char *url, int root_fd, size_t size, uint64_t files, unsigned workers)
{
    struct uploaders_options opt = {
        .bucket = "bucket", .region = "us-east-1", .endpoint = url, .workers = workers};
    struct run r = run(&opt, root_fd, files);
    printf("%8zu bytes, %u worker%s: %6.1f us of CPU a file, %6.0f files/s\n", size, workers,
           workers > 1 ? "s" : " ", r.cpu_us, r.files_s);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

#define FLOW_ROUNDS 7

/* Is anything lost against the best fixed number of requests at once? Medians of rounds that take
 * turns. 0 where it is not. */
static int measure_flow(const char *url, const char *bucket, int root_fd, uint64_t files)
{
    static const unsigned fixed[] = {4, 8, 16, 32, 64, 0 /* as many as are worth it */};
    enum { N = sizeof(fixed) / sizeof(fixed[0]) };
    double files_s[N][FLOW_ROUNDS], best = 0;
    for (int round = 0; round < FLOW_ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            struct uploaders_options opt = {.bucket = bucket,
                                            .region = "us-east-1",
                                            .endpoint = url,
                                            .in_flight = fixed[i],
                                            .fixed_in_flight = fixed[i] > 0};
            files_s[i][round] = run(&opt, root_fd, files).files_s;
        }
    }
    for (int i = 0; i < N; i++) {
        qsort(files_s[i], FLOW_ROUNDS, sizeof(double), compare_doubles);
        double median = files_s[i][FLOW_ROUNDS / 2];
        if (fixed[i] > 0) {
            printf("%u at once: %.0f files/s\n", fixed[i], median);
            best = median > best ? median : best;
        } else {
            printf("as many as are worth it: %.0f files/s, %.1f %% of the best\n", median,
                   100 * median / best);
            return median >= 0.97 * best ? 0 : 1;
        }
    }
    return 1;
}

/* The same of files of 60 KiB in a folder of its own. */
static int measure_all_flow(const char *url, const char *bucket, uint64_t files)
{
    char folder[] = "/tmp/lockstep-bench-XXXXXX";
    int root_fd;
    must(mkdtemp(folder) ? 0 : -1, folder);
    must(tree_open_root(folder, &root_fd), folder);
    make_files(root_fd, 60 * 1024);
    int rc = measure_flow(url, bucket, root_fd, files);
    remove_files(root_fd);
    close(root_fd);
    rmdir(folder);
    return rc;
}

/* The sink as a child; its id. */
static pid_t start_sink(char *url, size_t size)
{
    uint16_t port;
    int listener = sink_listen(&port);
    pid_t pid = fork();
    if (pid == 0)
        sink_serve(listener);
    must(pid > 0 ? 0 : -1, "fork");
    close(listener);
    snprintf(url, size, "http://127.0.0.1:%u", port);
    return pid;
}

static void measure_all(const char *url, uint64_t files)
{
    static const size_t sizes[] = {10 * 1024, 60 * 1024, 100 * 1024, 1024 * 1024};
    char folder[] = "/tmp/lockstep-bench-XXXXXX";
    int root_fd;
    must(mkdtemp(folder) ? 0 : -1, folder);
    must(tree_open_root(folder, &root_fd), folder);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t n = sizes[i] < 1024 * 1024 ? files : files / 8 + 1;
        make_files(root_fd, sizes[i]);
        measure(url, root_fd, sizes[i], n, 1);
        measure(url, root_fd, sizes[i], n, 2);
    }
    remove_files(root_fd);
    close(root_fd);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    char url[64];
    if (argc > 1 && strcmp(argv[1], "sink") == 0) {
        uint16_t port;
        int listener = sink_listen(&port);
        printf("%u\n", port);
        fflush(stdout);
        sink_serve(listener);
    }
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 0);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 0);
    bool flow = argc > 1 && strcmp(argv[1], "flow") == 0;
    uint64_t files = argc > 1 + flow ? strtoull(argv[1 + flow], NULL, 10) : 6000;
    if (flow && argc > 4)
        return measure_all_flow(argv[3], argv[4], files);
    pid_t sink = start_sink(url, sizeof(url));
    int rc = 0;
    if (flow)
        rc = measure_all_flow(url, "bucket", files);
    else
        measure_all(url, files);
    kill(sink, SIGTERM);
    (void)waitpid(sink, NULL, 0); /* it was told to end */
    return rc;
}
