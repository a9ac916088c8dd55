/* Shell. lockstep journal show, follow. See journal_show.h. */
#include "agent/commands/journal_show.h"

#include "agent/commands/commands.h"

#include "base/clock.h"
#include "base/path.h"
#include "journal/life.h"
#include "journal/search.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLLOW_WAIT_MS 2000 /* at the latest, should the notification be missed */
#define BEGIN_MAX      4096 /* bytes before a record's line */

/* What is printed, and how. */
struct show {
    const struct journal_sources *sources;
    const struct journal_wanted *wanted;
    bool json;
    struct life **lives; /* of the path in each journal; NULL: it is not followed */
    struct buf begin;    /* of a line of JSON */
};

bool journal_is_wanted(const struct journal_wanted *w, const struct journal_record *r)
{
    return r->time_us >= w->since_us && r->time_us <= w->until_us &&
           (!w->by_op || r->op == w->op) && (!w->failed || r->state == JOURNAL_FAILED) &&
           (!w->named || journal_named_has(w->named, r));
}

static bool is_wanted(const struct show *s, size_t which, const struct journal_record *r)
{
    const char *path = s->wanted->path;

    if (!journal_is_wanted(s->wanted, r))
        return false;
    if (s->lives)
        return life_has(s->lives[which], r);
    return !path || (r->path && path_is_within(r->path, path)) ||
           (r->path2 && path_is_within(r->path2, path));
}

/* What a record speaks of. */
static void print_paths(const struct journal_record *r)
{
    if (r->mapping)
        printf(" %s:", r->mapping);
    if (r->path) {
        putchar(' ');
        command_print_name(r->path);
    }
    if (r->path2) {
        /* A copy's source stands second, a rename's target does. */
        fputs(r->op == JOURNAL_COPY ? " <- " : " -> ", stdout);
        command_print_name(r->path2);
    }
    if (r->op == JOURNAL_KEY && r->after) {
        putchar(' ');
        command_print_name(r->after);
    }
}

/* One record as a line for a person; `host` may be NULL. */
static void print_record(const struct journal_record *r, const char *host)
{
    char iso[CLOCK_ISO_SIZE];

    printf("%s ", clock_iso(r->time_us, iso));
    if (host) {
        command_print_name(host);
        putchar(' ');
    }
    printf("%8" PRIu64 " %-8s %-6s", r->seq, journal_op_name(r->op), journal_state_name(r->state));
    print_paths(r);
    if (r->count)
        printf(" (%" PRIu64 ")", r->count);
    if (r->http_status)
        printf(" HTTP %d", r->http_status);
    if (r->etag)
        printf(" etag %s", r->etag);
    if (r->why) {
        fputs(" [", stdout);
        command_print_name(r->why);
        putchar(']');
    }
    putchar('\n');
}

/* One record as its line, which tells the host where several are read. 0 or -ENOMEM. */
static int print_line(struct show *s, size_t which, struct span line)
{
    int rc;

    buf_reset(&s->begin);
    rc = journal_source_json(s->sources, which, &s->begin);
    if (rc == 0)
        printf("%s%.*s\n", s->begin.data, (int)line.n - 1, line.p + 1);
    return rc;
}

static int out_of_memory(void)
{
    const struct err e = {.code = -ENOMEM, .what = "out of memory"};

    return command_fault(EXIT_UNREACHED, &e);
}

/* Everything that can be read now. */
static int print_all(struct show *s, struct journal_weave *weave)
{
    struct journal_record rec;
    struct span line;
    struct err e = {0};
    int status = EXIT_IN_STEP;
    size_t which;

    for (;;) {
        enum journal_read got = journal_weave_read(weave, &rec, &line, &which, &e);

        if (got == JOURNAL_READ_END)
            return status;
        if (got == JOURNAL_READ_ERROR) {
            journal_source_blame(s->sources, which, &e);
            status = command_fault(EXIT_DIFFERENCES, &e);
            continue;
        }
        if (!is_wanted(s, which, &rec))
            continue;
        if (!s->json)
            print_record(&rec, s->sources->told ? s->sources->list[which].name : NULL);
        else if (print_line(s, which, line))
            return out_of_memory();
    }
}

/* Print what comes, until the terminal or pipe is gone or a signal ends us. */
static int follow(struct show *s, struct journal_weave *weave)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char drop[4096];

    if (fd >= 0 && inotify_add_watch(fd, s->sources->list[0].dir, IN_MODIFY | IN_CREATE) < 0) {
        close(fd);
        fd = -1; /* then the time-out alone wakes us */
    }
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int status = print_all(s, weave);

        if (status != EXIT_IN_STEP || fflush(stdout) || ferror(stdout)) {
            if (fd >= 0)
                close(fd);
            return status;
        }
        if (poll(&wait, 1, FOLLOW_WAIT_MS) > 0)
            while (read(fd, drop, sizeof drop) > 0)
                ;
    }
}

/* Read everything, and print what is wanted of it. */
static int show_whole(struct show *s, int (*print)(struct show *s, struct journal_weave *weave))
{
    struct journal_streams streams;
    struct err e = {0};
    int status;

    if (journal_streams_open(s->sources, NULL, &streams, &e))
        return command_fault(EXIT_UNREACHED, &e);
    status = print(s, streams.weave);
    journal_streams_close(&streams);
    return status;
}

/* journal_record_taken */
static int gather(void *arg, size_t which, const struct journal_record *r)
{
    struct show *s = arg;

    return life_gather(s->lives[which], r);
}

/* Show the path under all names that it had, by all records. */
static int show_life_whole(struct show *s)
{
    int status = journal_sources_each(s->sources, gather, s, false);

    for (size_t i = 0; i < s->sources->count && status == EXIT_IN_STEP; i++)
        if (life_trace(s->lives[i]))
            status = out_of_memory();
    return status == EXIT_IN_STEP ? show_whole(s, print_all) : status;
}

/* The same, by the indexes of the journals. */
static int show_life_found(struct show *s)
{
    struct journal_search *search[JOURNAL_SOURCES_MAX] = {NULL};
    struct journal_reader *readers[JOURNAL_SOURCES_MAX];
    struct journal_streams streams = {0};
    struct err e = {0};
    int status, rc = 0;

    for (size_t i = 0; i < s->sources->count && rc == 0; i++) {
        const char *dir = s->sources->list[i].dir;

        rc = journal_search_life(dir, s->lives[i], &e);
        if (rc == 0)
            rc = journal_search_open(dir, s->lives[i], &search[i], &e);
        if (rc == 0)
            readers[i] = journal_search_reader(search[i]);
    }
    if (rc == 0)
        rc = journal_streams_weave(s->sources, readers, NULL, &streams, &e);
    status = rc ? command_fault(EXIT_UNREACHED, &e) : print_all(s, streams.weave);
    journal_streams_close(&streams);
    for (size_t i = 0; i < s->sources->count; i++)
        journal_search_close(search[i]);
    return status;
}

/* Show the path under all names that it had. */
static int show_life(struct show *s, bool no_index)
{
    struct life *lives[JOURNAL_SOURCES_MAX] = {NULL};
    int status = EXIT_IN_STEP;

    s->lives = lives;
    for (size_t i = 0; i < s->sources->count && status == EXIT_IN_STEP; i++) {
        lives[i] = life_new(s->wanted->path);
        if (!lives[i])
            status = out_of_memory();
    }
    if (status == EXIT_IN_STEP)
        status = no_index ? show_life_whole(s) : show_life_found(s);
    for (size_t i = 0; i < s->sources->count; i++)
        life_free(lives[i]);
    s->lives = NULL;
    return status;
}

int journal_show(const struct journal_sources *sources, const struct journal_wanted *w, bool json,
                 bool no_index)
{
    struct show s = {.sources = sources, .wanted = w, .json = json};
    int status;

    buf_init(&s.begin, BEGIN_MAX);
    status = w->path ? show_life(&s, no_index) : show_whole(&s, print_all);
    buf_release(&s.begin);
    return status;
}

int journal_follow(const struct journal_sources *sources, const struct journal_wanted *w, bool json)
{
    struct show s = {.sources = sources, .wanted = w, .json = json};
    int status;

    buf_init(&s.begin, BEGIN_MAX);
    status = show_whole(&s, follow);
    buf_release(&s.begin);
    return status;
}
