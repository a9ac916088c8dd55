/* Shell. lockstep journal show, follow, at, diff, stat; the others have files of their own. */
#include "agent/commands/commands.h"
#include "agent/commands/journal_export.h"
#include "agent/commands/journal_index.h"
#include "agent/commands/journal_key.h"
#include "agent/commands/journal_past.h"
#include "agent/commands/journal_proof.h"
#include "agent/commands/journal_report.h"
#include "agent/commands/journal_stat.h"
#include "agent/commands/journal_verify.h"

#include "base/clock.h"
#include "base/path.h"
#include "journal/journal.h"
#include "journal/life.h"
#include "journal/search.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define FOLLOW_WAIT_MS 2000 /* at the latest, should the notification be missed */

static const char usage[] =
    "usage: lockstep journal show   [PATH] [--since T] [--until T] [--op OP] [--failed] [--json]\n"
    "                               [--no-index]\n"
    "       lockstep journal follow [PATH] [--since T] [--op OP] [--failed] [--json]\n"
    "       lockstep journal at     T [PATH] [--mapping NAME] [--json | --manifest]\n"
    "       lockstep journal diff   T T [PATH] [--mapping NAME] [--json]\n"
    "       lockstep journal stat   [--since T] [--until T] [--json]\n"
    "       lockstep journal verify [--key PUBLIC]... [--anchor FILE | s3://BUCKET/PREFIX]...\n"
    "       lockstep journal export | report | index | key | prove | verify-proof ... (--help "
    "tells more)\n"
    "the others with [-c FILE | --dir DIRECTORY]\n"
    "T is a date (2026-01-31, 2026-01-31T08:00Z), @SECONDS, or an age (90s, 15m, 2h, 3d). PATH is\n"
    "below a mapping's root; a directory means everything beneath it. show also has what happened\n"
    "to it under the names that it had before and after. at tells what S3 had then, diff what\n"
    "became of it from one time to another. PUBLIC is the public half of a key that signs the\n"
    "journal, or a file with it; an anchor is a checkpoint that was kept, from which it must go\n"
    "on: a file, or in S3 (then with a configuration) the newest one that is there.\n";

/* Which records are wanted. */
struct wanted {
    const char *path;        /* NULL: any */
    const struct life *life; /* of the path under all its names; NULL: under this one */
    int64_t since_us;
    int64_t until_us;
    bool by_op;
    enum journal_op op;
    bool failed; /* failures alone */
    bool json;
    bool manifest;
    bool no_index;       /* read the whole journal for a path */
    const char *mapping; /* --mapping, or NULL */
    const char *dir;     /* --dir, or NULL */
    struct journal_given given;
};

static bool is_wanted(const struct wanted *w, const struct journal_record *r)
{
    if (r->time_us < w->since_us || r->time_us > w->until_us || (w->by_op && r->op != w->op) ||
        (w->failed && r->state != JOURNAL_FAILED))
        return false;
    if (w->life)
        return life_has(w->life, r);
    return !w->path || (r->path && path_is_within(r->path, w->path)) ||
           (r->path2 && path_is_within(r->path2, w->path));
}

/* One record as a line for a person. */
static void print_record(const struct journal_record *r)
{
    char iso[CLOCK_ISO_SIZE];

    printf("%s %8" PRIu64 " %-8s %-6s", clock_iso(r->time_us, iso), r->seq, journal_op_name(r->op),
           journal_state_name(r->state));
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

/* Everything that can be read now. */
static int print_all(struct journal_reader *reader, const struct wanted *w)
{
    struct journal_record rec;
    struct span line;
    struct err e = {0};
    int status = EXIT_IN_STEP;

    for (;;) {
        enum journal_read got = journal_read(reader, &rec, &line, &e);

        if (got == JOURNAL_READ_END)
            return status;
        if (got == JOURNAL_READ_ERROR) {
            status = command_fault(EXIT_DIFFERENCES, &e);
            continue;
        }
        if (!is_wanted(w, &rec))
            continue;
        if (w->json)
            printf("%.*s\n", (int)line.n, line.p);
        else
            print_record(&rec);
    }
}

/* Print what comes, until the terminal or pipe is gone or a signal ends us. */
static int follow(struct journal_reader *reader, const struct wanted *w, const char *dir)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    char drop[4096];

    if (fd >= 0 && inotify_add_watch(fd, dir, IN_MODIFY | IN_CREATE) < 0) {
        close(fd);
        fd = -1; /* then the time-out alone wakes us */
    }
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int status = print_all(reader, w);

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

static int out_of_memory(void)
{
    const struct err e = {.code = -ENOMEM, .what = "out of memory"};

    return command_fault(EXIT_UNREACHED, &e);
}

static int show(const char *dir, const struct wanted *w, bool following)
{
    struct journal_reader *reader = NULL;
    struct err e = {0};
    int status;

    if (journal_reader_open(dir, 1, &reader, &e))
        return command_fault(EXIT_UNREACHED, &e);
    status = following ? follow(reader, w, dir) : print_all(reader, w);
    journal_reader_close(reader);
    return status;
}

/* Call for each record that can be read. Damage is passed over, told of if `tell`. Returns the exit
 * status, everything having been said. */
static int each_record(const char *dir, int (*fn)(void *arg, const struct journal_record *r),
                       void *arg, bool tell)
{
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    enum journal_read got;
    struct err e = {0};
    int status = EXIT_IN_STEP, code = 0;

    if (journal_reader_open(dir, 1, &reader, &e))
        return command_fault(EXIT_UNREACHED, &e);
    while (code == 0 && (got = journal_read(reader, &rec, NULL, &e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_RECORD)
            code = fn(arg, &rec);
        else if (tell)
            status = command_fault(EXIT_DIFFERENCES, &e);
    }
    journal_reader_close(reader);
    return code ? out_of_memory() : status;
}

static int gather(void *arg, const struct journal_record *r)
{
    return life_gather(arg, r);
}

/* Show the path under all names that it had, by all records. */
static int show_life_whole(const char *dir, struct wanted *w, struct life *l)
{
    int status = each_record(dir, gather, l, false);

    if (status == EXIT_IN_STEP && life_trace(l))
        status = out_of_memory();
    return status == EXIT_IN_STEP ? show(dir, w, false) : status;
}

/* The same, by the indexes of the journal. */
static int show_life_found(const char *dir, struct wanted *w, struct life *l)
{
    struct journal_search *search = NULL;
    struct err e = {0};
    int status;

    if (journal_search_life(dir, l, &e) || journal_search_open(dir, l, &search, &e))
        return command_fault(EXIT_UNREACHED, &e);
    status = print_all(journal_search_reader(search), w);
    journal_search_close(search);
    return status;
}

/* Show the path under all names that it had. */
static int show_life(const char *dir, struct wanted *w)
{
    struct life *l = life_new(w->path);
    int status;

    if (!l)
        return out_of_memory();
    w->life = l;
    status = w->no_index ? show_life_whole(dir, w, l) : show_life_found(dir, w, l);
    life_free(l);
    return status;
}

/* What is counted, of which records. */
struct counting {
    struct tally *tally;
    const struct wanted *wanted;
};

static int count_one(void *arg, const struct journal_record *r)
{
    struct counting *c = arg;

    return is_wanted(c->wanted, r) ? tally_add(c->tally, r) : 0;
}

static int count_all(const char *dir, const struct wanted *w)
{
    struct counting c = {tally_new(), w};
    int status = c.tally ? each_record(dir, count_one, &c, true) : out_of_memory();

    if (c.tally && status != EXIT_UNREACHED &&
        (w->json ? journal_stat_json(c.tally) : journal_stat_text(c.tally)))
        status = out_of_memory();
    tally_free(c.tally);
    return status;
}

/* Parse the options behind "journal show" and its like; returns NULL or what is wrong. */
static const char *parse(int argc, char **argv, struct wanted *w, const char **file)
{
    static const struct option options[] = {
        {"since", required_argument, NULL, 's'}, {"until", required_argument, NULL, 'u'},
        {"op", required_argument, NULL, 'o'},    {"json", no_argument, NULL, 'j'},
        {"dir", required_argument, NULL, 'd'},   {"config", required_argument, NULL, 'c'},
        {"failed", no_argument, NULL, 'f'},      {"manifest", no_argument, NULL, 'M'},
        {"no-index", no_argument, NULL, 'I'},    {"mapping", required_argument, NULL, 'm'},
        {"key", required_argument, NULL, 'k'},   {"anchor", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},        {0}};
    int64_t now = clock_real_us();
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 's' && clock_parse(optarg, now, &w->since_us))
            return "--since is not a time";
        if (c == 'u' && clock_parse(optarg, now, &w->until_us))
            return "--until is not a time";
        if (c == 'o' && journal_op_parse(optarg, &w->op))
            return "--op is not an operation: add edit meta rename remove put copy delete lst "
                   "hold release start stop idle overflow trash expire key";
        w->by_op |= c == 'o';
        w->json |= c == 'j';
        w->failed |= c == 'f';
        w->manifest |= c == 'M';
        w->no_index |= c == 'I';
        if (c == 'k' && !journal_given_add(w->given.keys, &w->given.key_count, optarg))
            return "too many keys";
        if (c == 'a' && !journal_given_add(w->given.anchors, &w->given.anchor_count, optarg))
            return "too many anchors";
        if (c == 'm')
            w->mapping = optarg;
        if (c == 'd')
            w->dir = optarg;
        if (c == 'c')
            *file = optarg;
        if (c == 'h')
            return "";
        if (c == '?')
            return "unknown option";
    }
    return NULL;
}

/* What S3 had is gathered up to one or two moments. */
struct moments {
    struct past *past[2];
    int64_t until_us[2];
    int count;
};

static int gather_past(void *arg, const struct journal_record *r)
{
    struct moments *m = arg;
    int code = 0;

    for (int i = 0; i < m->count && code == 0; i++)
        if (r->time_us <= m->until_us[i])
            code = past_apply(m->past[i], r);
    return code;
}

/* The parts of the output of "at" and "diff". */
static int print_past(const struct moments *m, const struct wanted *w, const struct conf *conf)
{
    const struct past_part part = {w->mapping, w->path ? w->path : ""};

    if (m->count == 2)
        return journal_differences(m->past[0], m->past[1], &part, w->json);
    return w->manifest ? journal_at_manifest(m->past[0], &part, conf)
                       : journal_at_lines(m->past[0], &part, w->json);
}

/* journal at, journal diff. */
static int past(const char *dir, const struct wanted *w, const struct conf *conf, struct moments *m)
{
    int status = EXIT_IN_STEP;

    for (int i = 0; i < m->count; i++) {
        m->past[i] = past_new();
        if (!m->past[i])
            status = out_of_memory();
    }
    if (status == EXIT_IN_STEP)
        status = each_record(dir, gather_past, m, true);
    if (status != EXIT_UNREACHED && print_past(m, w, conf))
        status = out_of_memory();
    for (int i = 0; i < m->count; i++)
        past_free(m->past[i]);
    return status;
}

/* What may be asked for. */
static const struct question {
    const char *name;
    int times; /* words that are times, before the path */
    bool path; /* may follow */
} questions[] = {{"show", 0, true}, {"follow", 0, true}, {"at", 1, true},
                 {"diff", 2, true}, {"stat", 0, false},  {"verify", 0, false}};

static const struct question *question_of(const char *name)
{
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        if (strcmp(name, questions[i].name) == 0)
            return &questions[i];
    return NULL;
}

/* The words behind the question. NULL or what is wrong. */
static const char *words(const struct question *q, int argc, char **argv, struct wanted *w,
                         struct moments *m)
{
    int64_t now = clock_real_us();

    if (argc < q->times)
        return q->times == 1 ? "a time is missing" : "two times are needed";
    if (argc > q->times + (q->path ? 1 : 0))
        return "too many arguments";
    for (m->count = 0; m->count < q->times; m->count++)
        if (clock_parse(argv[m->count], now, &m->until_us[m->count]))
            return "that is not a time";
    w->path = argc > q->times ? argv[q->times] : NULL;
    if (w->manifest && (m->count != 1 || w->json || w->dir))
        return "--manifest goes with \"at\" and the configuration alone";
    if (w->no_index && (strcmp(q->name, "show") != 0 || !w->path))
        return "--no-index goes with \"show\" and a path";
    if (w->mapping && m->count == 0)
        return "--mapping goes with \"at\" and \"diff\"";
    if ((w->given.key_count || w->given.anchor_count) && strcmp(q->name, "verify") != 0)
        return "--key and --anchor go with \"verify\"";
    return NULL;
}

/* Do what was asked for. */
static int act(const struct question *q, const char *dir, struct wanted *w, const struct conf *conf,
               struct moments *m)
{
    if (strcmp(q->name, "verify") == 0)
        return journal_verify_command(dir, &w->given, conf);
    if (strcmp(q->name, "stat") == 0)
        return count_all(dir, w);
    if (q->times)
        return past(dir, w, conf, m);
    if (strcmp(q->name, "show") == 0 && w->path)
        return show_life(dir, w);
    return show(dir, w, strcmp(q->name, "follow") == 0);
}

/* What is asked about records, and journal verify. */
static int ask(int argc, char **argv)
{
    struct wanted w = {.since_us = INT64_MIN, .until_us = INT64_MAX};
    const char *file = CONF_DEFAULT_FILE, *wrong = parse(argc, argv, &w, &file);
    const struct question *q = question_of(optind < argc ? argv[optind] : "");
    struct moments moments = {0};
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (!q)
        return command_usage(usage,
                             "journal knows show, follow, at, diff, stat, verify, export, report, "
                             "index, key, prove and verify-proof");
    wrong = words(q, argc - optind - 1, argv + optind + 1, &w, &moments);
    if (wrong)
        return command_usage(usage, wrong);
    if ((!w.dir || journal_given_in_s3(&w.given)) && command_load(file, true, &conf)) {
        if (w.dir)
            fputs("lockstep: endpoint and credentials for an anchor in S3 are found by a "
                  "configuration: give -c FILE\n",
                  stderr);
        return EXIT_USAGE;
    }
    status = act(q, w.dir ? w.dir : conf->journal_dir, &w, conf, &moments);
    conf_free(conf);
    return status;
}

int command_journal(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "export") == 0)
        return journal_export_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "key") == 0)
        return journal_key_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "prove") == 0)
        return journal_prove_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "verify-proof") == 0)
        return journal_verify_proof_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "report") == 0)
        return journal_report_command(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "index") == 0)
        return journal_index_command(argc - 1, argv + 1);
    return ask(argc, argv);
}
