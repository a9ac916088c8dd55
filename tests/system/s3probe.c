/*
 * Drives the transfer engine from outside, for the system tests: one command, then one JSON line
 * for each outcome. Shell.
 *
 *   s3probe [options] put ROOT PREFIX [PATH...]   files below ROOT to PREFIX/path; paths by
 *                                                 arguments, or on stdin separated by NUL with "-"
 *   s3probe [options] copy SOURCE KEY [ETAG]
 *   s3probe [options] meta KEY MODE UID GID MTIME_NS
 *   s3probe [options] delete KEY [ETAG]
 *   s3probe [options] delete-many KEY...
 *   s3probe [options] delete-if KEY ETAG [KEY ETAG]...
 *   s3probe [options] rename FROM TO              all below one prefix to another: copies, then
 *                                                 deletions; one line with what it took
 *   s3probe [options] head KEY
 *   s3probe [options] list PREFIX
 *   s3probe [options] list-ahead PREFIX PAGES   the same, with the keys on stdin, separated by NUL,
 *                                               as places where pages may begin
 *   s3probe [options] describe
 *
 *   -b bucket -e endpoint -r region -c ca-file -w workers -f in-flight -m multipart-bytes
 *   -p part-bytes -M memory-bytes -a attempts -t timeout-ms -R rounds -q (no lines of what is done)
 *   -k ms (put: free the engine after so long, with transfers inside)
 *   -s ms (put: wait between looking at the files and handing them over) -v (style: virtual hosts)
 *   -S bytes (copy: the size that the source is known to have)
 *   -i ms (put: hand over one at a time, and be idle for so long between two)
 *
 * Exit status: 0 all done, 1 something was not, 2 wrong use.
 */
#include "base/clock.h"
#include "base/crc.h"
#include "base/json.h"
#include "base/tree.h"
#include "uploaders/uploaders.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define INSIDE_MAX     256           /* transfers handed over at once */
#define LINE_MAX_BYTES (1024 * 1024) /* of one outcome */
#define INPUT_MAX      (64 * 1024 * 1024)

struct probe {
    struct uploaders_options opt;
    struct uploaders *engine;
    unsigned rounds;
    bool quiet;
    int64_t kill_ms;
    int64_t pause_ms;
    int64_t idle_ms;
    uint64_t source_size;
    unsigned done;
    unsigned failed;
};

/* Stop with the words. */
static void die(const char *what, const char *why)
{
    fprintf(stderr, "s3probe: %s: %s\n", what, why);
    exit(2);
}

/* A copy that must succeed. */
static char *copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        die("memory", "none");
    return copy;
}

static void put_items(struct json_writer *w, const struct transfer *t)
{
    json_array(w, "items");
    for (size_t i = 0; i < t->item_count; i++) {
        json_object(w, NULL);
        json_put_string(w, "key", t->items[i].key);
        json_put_bool(w, "done", t->items[i].done);
        json_put_string(w, "code", t->items[i].code);
        json_put_bool(w, "conflict", t->items[i].conflict);
        json_put_string(w, "seen", t->items[i].seen);
        json_object_end(w);
    }
    json_array_end(w);
}

/* One outcome as a line of JSON. */
static void print_outcome(struct probe *probe, const struct transfer *t)
{
    struct buf line;
    struct json_writer w;
    char crc[CRC64_BASE64_SIZE];
    *(t->verdict == VERDICT_DONE ? &probe->done : &probe->failed) += 1;
    if (probe->quiet && t->verdict == VERDICT_DONE)
        return;
    buf_init(&line, LINE_MAX_BYTES);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_put_string(&w, "key", t->key ? t->key : "");
    json_put_string(&w, "verdict", verdict_name(t->verdict));
    json_put_int(&w, "code", t->code);
    json_put_int(&w, "status", t->http_status);
    json_put_string(&w, "s3_code", t->s3_code);
    json_put_string(&w, "message", t->message);
    json_put_string(&w, "etag", t->etag);
    json_put_string(&w, "version", t->version);
    json_put_string(&w, "crc", t->has_crc ? crc64nvme_base64(t->crc64, crc) : "");
    json_put_int(&w, "size", (int64_t)t->size);
    json_put_int(&w, "attempts", t->attempts);
    json_put_int(&w, "ms", (int64_t)t->duration_ms);
    if (t->kind == TRANSFER_DELETE_MANY)
        put_items(&w, t);
    json_object_end(&w);
    if (json_end(&w) != 0)
        die("outcome", "cannot be written");
    puts(line.data);
    buf_release(&line);
}

/* Submit, wait, print. */
static void run_one(struct probe *probe, struct transfer *t)
{
    uploaders_run(probe->engine, t);
    print_outcome(probe, t);
    transfer_free(t);
}

/* What came back so far; waits for one at least. Returns how many. */
static unsigned take_outcomes(struct probe *probe, int timeout_ms)
{
    struct pollfd p = {.fd = uploaders_fd(probe->engine), .events = POLLIN};
    unsigned n = 0;
    if (poll(&p, 1, timeout_ms) < 0 && errno != EINTR)
        die("poll", strerror(errno));
    for (struct transfer *t; (t = uploaders_next(probe->engine)); n++) {
        print_outcome(probe, t);
        transfer_free(t);
    }
    return n;
}

/* A PUT of a file as it is now. */
static struct transfer *make_put(int root_fd, const char *prefix, const char *path)
{
    size_t size = strlen(prefix) + strlen(path) + 2;
    char *key = malloc(size);
    if (!key)
        die("memory", "none");
    snprintf(key, size, "%s%s%s", prefix, prefix[0] != '\0' ? "/" : "", path);
    struct transfer *t = transfer_new(TRANSFER_PUT, key);
    free(key);
    if (!t)
        die("memory", "none");
    t->path = copy_text(path);
    t->root_fd = root_fd;
    if (tree_stat(root_fd, path, &t->expected) != 0)
        die(path, "cannot be looked at");
    const struct file_stat *st = &t->expected;
    t->posix = (struct s3_posix){st->mode, st->uid, st->gid, st->mtime_ns};
    return t;
}

/* All paths: of the command line, or of stdin. */
static char **read_paths(int argc, char **argv, size_t *ret_count)
{
    if (argc != 1 || strcmp(argv[0], "-") != 0) {
        *ret_count = (size_t)argc;
        return argv;
    }
    char *text = malloc(INPUT_MAX);
    char **paths = calloc(INPUT_MAX / 8, sizeof(*paths));
    size_t n = text && paths ? fread(text, 1, INPUT_MAX, stdin) : 0;
    size_t count = 0;
    for (size_t at = 0; at < n; at += strlen(text + at) + 1)
        paths[count++] = text + at;
    *ret_count = count;
    return paths;
}

/* CPU seconds of this process so far. */
static double cpu_seconds(void)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
           (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
}

/* The most memory that this process has held. */
static long peak_kib(void)
{
    struct rusage ru;
    getrusage(RUSAGE_SELF, &ru);
    return ru.ru_maxrss;
}

/* Hand over all files `rounds` times, INSIDE_MAX at once. */
static void put_all(struct probe *probe, int root_fd, const char *prefix, char **paths,
                    size_t count)
{
    size_t total = count * probe->rounds, inside = 0;
    int64_t started_ms = clock_mono_ms();
    double cpu = cpu_seconds();
    struct transfer **made = calloc(total ? total : 1, sizeof(struct transfer *));
    if (!made)
        die("memory", "none");
    if (probe->pause_ms > 0) { /* look at all first, so that files can be changed behind us */
        for (size_t i = 0; i < total; i++)
            made[i] = make_put(root_fd, prefix, paths[i % count]);
        puts("looked");
        fflush(stdout);
        usleep((useconds_t)probe->pause_ms * 1000);
    }
    for (size_t i = 0; i < total || inside > 0;) {
        while (i < total && inside < (probe->idle_ms > 0 ? 1 : INSIDE_MAX)) {
            struct transfer *t = made[i] ? made[i] : make_put(root_fd, prefix, paths[i % count]);
            uploaders_submit(probe->engine, t);
            i++;
            inside++;
        }
        if (probe->kill_ms > 0 && clock_mono_ms() - started_ms >= probe->kill_ms)
            break;
        inside -= take_outcomes(probe, probe->kill_ms > 0 ? 20 : -1);
        if (probe->idle_ms > 0 && i < total)
            usleep((useconds_t)probe->idle_ms * 1000);
    }
    free(made);
    int64_t ms = clock_mono_ms() - started_ms;
    fprintf(stderr, "s3probe: %zu files in %lld ms, %.1f us of CPU a file, peak RSS %ld KiB\n",
            total, (long long)ms, total ? (cpu_seconds() - cpu) * 1e6 / (double)total : 0.0,
            peak_kib());
}

static void command_put(struct probe *probe, int argc, char **argv)
{
    int root_fd = -1;
    size_t count;
    if (argc < 2 || tree_open_root(argv[0], &root_fd) != 0)
        die("put", "ROOT PREFIX [PATH...]");
    char **paths = read_paths(argc - 2, argv + 2, &count);
    put_all(probe, root_fd, argv[1], paths, count);
    if (paths != argv + 2) {
        free(count ? paths[0] : NULL);
        free(paths);
    }
    uploaders_free(probe->engine);
    probe->engine = NULL;
    close(root_fd);
}

static void command_copy(struct probe *probe, int argc, char **argv)
{
    if (argc < 2)
        die("copy", "SOURCE KEY [ETAG]");
    struct transfer *t = transfer_new(TRANSFER_COPY, argv[1]);
    t->source_key = copy_text(argv[0]);
    t->source_etag = argc > 2 ? copy_text(argv[2]) : NULL;
    t->source_size = probe->source_size;
    run_one(probe, t);
}

static void command_meta(struct probe *probe, int argc, char **argv)
{
    if (argc < 5)
        die("meta", "KEY MODE UID GID MTIME_NS");
    struct transfer *t = transfer_new(TRANSFER_META, argv[0]);
    t->posix =
        (struct s3_posix){(uint32_t)strtoul(argv[1], NULL, 8), (uint32_t)strtoul(argv[2], NULL, 10),
                          (uint32_t)strtoul(argv[3], NULL, 10), strtoll(argv[4], NULL, 10)};
    run_one(probe, t);
}

static void command_delete_many(struct probe *probe, int argc, char **argv)
{
    struct transfer *t = transfer_new(TRANSFER_DELETE_MANY, NULL);
    t->items = calloc((size_t)argc + 1, sizeof(*t->items));
    t->item_count = (size_t)argc;
    for (int i = 0; i < argc; i++)
        t->items[i].key = copy_text(argv[i]);
    run_one(probe, t);
}

/* Of each key, if it has the ETag behind it. */
static void command_delete_if(struct probe *probe, int argc, char **argv)
{
    struct transfer *t = transfer_new(TRANSFER_DELETE_MANY, NULL);
    t->items = calloc((size_t)argc + 1, sizeof(*t->items));
    t->item_count = (size_t)argc / 2;
    for (int i = 0; i + 1 < argc; i += 2) {
        t->items[i / 2].key = copy_text(argv[i]);
        t->items[i / 2].etag = copy_text(argv[i + 1]);
    }
    run_one(probe, t);
}

/* What a rename of a prefix does, as fast as the engine and the server can. */
struct rename {
    struct probe *probe;
    const char *from, *to;
    struct delete_item *items; /* of the prefix */
    size_t count, room;
    size_t inside;
};

/* One object of the prefix. */
static int rename_found(void *arg, const struct s3_object *o)
{
    struct rename *r = arg;
    if (r->count == r->room) {
        r->room = r->room ? 2 * r->room : 1024;
        r->items = realloc(r->items, r->room * sizeof(*r->items));
        if (!r->items)
            die("memory", "none");
    }
    r->items[r->count++] =
        (struct delete_item){.key = copy_text(o->key), .etag = copy_text(o->etag)};
    return 0;
}

/* Hand over, and wait while too many are inside. */
static void rename_hand(struct rename *r, struct transfer *t)
{
    if (t)
        uploaders_submit(r->probe->engine, t);
    r->inside += t != NULL;
    while (r->inside > (t ? INSIDE_MAX - 1 : 0)) {
        struct pollfd p = {.fd = uploaders_fd(r->probe->engine), .events = POLLIN};
        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            die("poll", strerror(errno));
        for (struct transfer *done; (done = uploaders_next(r->probe->engine)); r->inside--) {
            if (done->verdict != VERDICT_DONE)
                die(done->key ? done->key : "deletions", verdict_name(done->verdict));
            transfer_free(done);
        }
    }
}

static void rename_copies(struct rename *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const char *rest = r->items[i].key + strlen(r->from);
        size_t size = strlen(r->to) + strlen(rest) + 1;
        char *key = malloc(size);
        if (!key)
            die("memory", "none");
        snprintf(key, size, "%s%s", r->to, rest);
        struct transfer *t = transfer_new(TRANSFER_COPY, key);
        free(key);
        if (!t)
            die("memory", "none");
        t->source_key = copy_text(r->items[i].key);
        t->source_etag = copy_text(r->items[i].etag);
        rename_hand(r, t);
    }
    rename_hand(r, NULL);
}

/* The items become the transfers'. */
static void rename_deletions(struct rename *r)
{
    for (size_t at = 0; at < r->count; at += S3_BATCH_MAX) {
        struct transfer *t = transfer_new(TRANSFER_DELETE_MANY, NULL);
        size_t n = r->count - at < S3_BATCH_MAX ? r->count - at : S3_BATCH_MAX;
        if (!t || !(t->items = calloc(n, sizeof(*t->items))))
            die("memory", "none");
        memcpy(t->items, r->items + at, n * sizeof(*t->items));
        t->item_count = n;
        rename_hand(r, t);
    }
    rename_hand(r, NULL);
}

static void command_rename(struct probe *probe, int argc, char **argv)
{
    if (argc < 2)
        die("rename", "FROM TO");
    struct rename r = {.probe = probe, .from = argv[0], .to = argv[1]};
    struct err e = {0};
    char text[ERR_TEXT_MAX * 3];
    if (uploaders_list(probe->engine, r.from, rename_found, &r, &e) != 0)
        die("rename", err_text(&e, text, sizeof(text)));
    int64_t began_ms = clock_mono_ms();
    double cpu = cpu_seconds();
    rename_copies(&r);
    int64_t copied_ms = clock_mono_ms();
    rename_deletions(&r);
    printf("{\"objects\":%zu,\"copies_ms\":%lld,\"deletions_ms\":%lld,\"cpu_s\":%.3f}\n", r.count,
           (long long)(copied_ms - began_ms), (long long)(clock_mono_ms() - copied_ms),
           cpu_seconds() - cpu);
    free(r.items);
}

/* DELETE (of an object with the ETag that may follow) and HEAD. */
static void command_key(struct probe *probe, enum transfer_kind kind, int argc, char **argv)
{
    if (argc < 1)
        die("a command", "KEY");
    struct transfer *t = transfer_new(kind, argv[0]);
    t->source_etag = argc > 1 ? copy_text(argv[1]) : NULL;
    run_one(probe, t);
}

/* One object of a listing. */
static int print_object(void *arg, const struct s3_object *o)
{
    struct buf line;
    struct json_writer w;
    (void)arg;
    buf_init(&line, LINE_MAX_BYTES);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_put_string(&w, "key", o->key);
    json_put_int(&w, "size", (int64_t)o->size);
    json_put_string(&w, "etag", o->etag);
    json_put_int(&w, "modified_us", o->modified_us);
    json_object_end(&w);
    if (json_end(&w) != 0)
        return -1;
    puts(line.data);
    buf_release(&line);
    return 0;
}

/* The keys on stdin. */
struct places {
    struct buf text;
    size_t at;
};

/* s3_listing_options.split */
static const char *next_place(void *arg)
{
    struct places *p = arg;
    const char *key = p->text.data + p->at;
    if (p->at >= p->text.len)
        return NULL;
    p->at += strlen(key) + 1;
    return key;
}

/* A listing with pages asked for ahead. */
static void command_list_ahead(struct probe *probe, int argc, char **argv)
{
    struct places places = {.at = 0};
    struct s3_listing_options opt = {.split = next_place, .split_arg = &places};
    struct s3_listing *l = NULL;
    const struct s3_object *o;
    struct err e = {0};
    char text[ERR_TEXT_MAX * 3], piece[65536];
    size_t n;
    int rc;
    if (argc < 2)
        die("list-ahead", "PREFIX PAGES");
    buf_init(&places.text, INPUT_MAX);
    while ((n = fread(piece, 1, sizeof(piece), stdin)) > 0)
        if (buf_append(&places.text, piece, n))
            die("stdin", "too much");
    opt.prefix = argv[0];
    opt.ahead = (unsigned)strtoul(argv[1], NULL, 10);
    rc = s3_listing_open(probe->engine, &opt, &l, &e);
    while (rc == 0 && (rc = s3_listing_next(l, &o, &e)) > 0)
        rc = probe->quiet ? 0 : print_object(NULL, o);
    s3_listing_close(l);
    buf_release(&places.text);
    if (rc == 0)
        return;
    fprintf(stderr, "s3probe: %s\n", err_text(&e, text, sizeof(text)));
    probe->failed++;
}

static void command_list(struct probe *probe, int argc, char **argv)
{
    struct err e = {0};
    char text[ERR_TEXT_MAX * 3];
    if (uploaders_list(probe->engine, argc > 0 ? argv[0] : "", print_object, NULL, &e) == 0)
        return;
    fprintf(stderr, "s3probe: %s\n", err_text(&e, text, sizeof(text)));
    probe->failed++;
}

/* Options into the struct; what is left is the command. */
static void read_options(struct probe *probe, int argc, char **argv)
{
    struct uploaders_options *o = &probe->opt;
    for (int c; (c = getopt(argc, argv, "+b:e:r:c:w:f:m:p:M:a:t:R:k:s:i:S:qv")) != -1;) {
        unsigned long long n = optarg ? strtoull(optarg, NULL, 10) : 0;
        switch (c) {
        case 'b':
            o->bucket = optarg;
            break;
        case 'e':
            o->endpoint = optarg;
            break;
        case 'r':
            o->region = optarg;
            break;
        case 'c':
            o->ca_file = optarg;
            break;
        case 'w':
            o->workers = (unsigned)n;
            break;
        case 'f':
            o->in_flight = (unsigned)n;
            break;
        case 'm':
            o->multipart_bytes = n;
            break;
        case 'p':
            o->part_bytes = n;
            break;
        case 'M':
            o->memory_bytes = n;
            break;
        case 'a':
            o->attempts = (unsigned)n;
            break;
        case 't':
            o->timeout_ms = (int64_t)n;
            break;
        case 'S':
            probe->source_size = n;
            break;
        case 'R':
            probe->rounds = (unsigned)n;
            break;
        case 'k':
            probe->kill_ms = (int64_t)n;
            break;
        case 'i':
            probe->idle_ms = (int64_t)n;
            break;
        case 's':
            probe->pause_ms = (int64_t)n;
            break;
        case 'q':
            probe->quiet = true;
            break;
        case 'v':
            o->addressing = S3_ADDRESS_VIRTUAL;
            break;
        default:
            die("options", "see the head of s3probe.c");
        }
    }
}

static void run_command(struct probe *probe, const char *name, int argc, char **argv)
{
    if (strcmp(name, "put") == 0)
        command_put(probe, argc, argv);
    else if (strcmp(name, "copy") == 0)
        command_copy(probe, argc, argv);
    else if (strcmp(name, "meta") == 0)
        command_meta(probe, argc, argv);
    else if (strcmp(name, "delete") == 0)
        command_key(probe, TRANSFER_DELETE, argc, argv);
    else if (strcmp(name, "delete-many") == 0)
        command_delete_many(probe, argc, argv);
    else if (strcmp(name, "delete-if") == 0)
        command_delete_if(probe, argc, argv);
    else if (strcmp(name, "rename") == 0)
        command_rename(probe, argc, argv);
    else if (strcmp(name, "head") == 0)
        command_key(probe, TRANSFER_HEAD, argc, argv);
    else if (strcmp(name, "list") == 0)
        command_list(probe, argc, argv);
    else if (strcmp(name, "list-ahead") == 0)
        command_list_ahead(probe, argc, argv);
    else if (strcmp(name, "describe") == 0)
        puts(uploaders_describe(probe->engine));
    else
        die(name, "no such command");
}

int main(int argc, char **argv)
{
    struct probe probe = {.opt = {.bucket = "bucket"}, .rounds = 1};
    struct err e = {0};
    char text[ERR_TEXT_MAX * 3];
    read_options(&probe, argc, argv);
    if (optind >= argc)
        die("command", "none");
    if (uploaders_new(&probe.opt, &probe.engine, &e) != 0)
        die("engine", err_text(&e, text, sizeof(text)));
    run_command(&probe, argv[optind], argc - optind - 1, argv + optind + 1);
    uploaders_free(probe.engine);
    return probe.failed > 0;
}
