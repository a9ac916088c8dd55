/* Shell. lockstep journal export: the journal for other programs.
 *
 * The journal is verified first, and what has come since then is left for the next export: so what
 * is handed out is what was vouched for, and what was not is told. */
#include "agent/commands/journal_export.h"

#include "agent/commands/commands.h"
#include "agent/commands/screen.h"

#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Every byte of a line, and of a host's name, a quote. */
#define LINE_ROOM (2 * JOURNAL_LINE_MAX + JOURNAL_COLUMNS * 24 + 2 * JOURNAL_IDENTITY_HOST + 64)
#define LOOK_EACH 4096 /* records between two looks at signals and the terminal */

static const char usage[] =
    "usage: lockstep journal export [--format jsonl | csv | sqlite] [--since T] [--until T]\n"
    "                               [--op OP] [--failed] [-o FILE [--force]]\n"
    "                               [-c FILE | --dir DIRECTORY]... [--host NAME]...\n"
    "The journal for other programs: JSON Lines (the records as they are), CSV (a header line, "
    "the\n"
    "columns of docs/journal.md) or a SQLite database with indexes and views, which needs -o. "
    "FILE\n"
    "appears when it is whole; one that is there is replaced with --force only. T, OP and "
    "--failed\n"
    "are those of journal show. The whole journal is verified before: what is wrong with it is "
    "told\n"
    "and left out, and the exit status is 1. Several journals become one, in the order of time,\n"
    "whose lines and rows begin with host and j, the journal's identity; not as a database.\n";

static const struct export_format *const formats[] = {&export_jsonl, &export_csv, &export_sqlite};

/* What stands on the command line. */
struct export_options {
    struct output_options out;
    const struct export_format *format;
    bool failed;
    bool by_op;
    enum journal_op op;
};

static const struct export_format *format_of(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(name, formats[i]->name) == 0)
            return formats[i];
    return NULL;
}

/* One option. NULL, "" for --help, or what is wrong. */
static const char *take_option(int c, const char *text, struct export_options *ret)
{
    if (c == 'p' && journal_op_parse(text, &ret->op))
        return "--op is not an operation";
    ret->by_op |= c == 'p';
    ret->failed |= c == 'f';
    if (c == 'F')
        ret->format = format_of(text);
    return ret->format ? output_option(&ret->out, c, text) : "--format is jsonl, csv or sqlite";
}

/* NULL or what is wrong; "" for --help. */
static const char *parse(int argc, char **argv, struct export_options *ret)
{
    static const struct option options[] = {{"format", required_argument, NULL, 'F'},
                                            {"op", required_argument, NULL, 'p'},
                                            {"failed", no_argument, NULL, 'f'},
                                            OUTPUT_OPTIONS};
    const char *wrong = NULL, *path;
    int c;

    *ret = (struct export_options){.format = &export_jsonl};
    output_options_init(&ret->out);
    while (!wrong && (c = getopt_long(argc, argv, OUTPUT_SHORT_OPTIONS, options, NULL)) != -1)
        wrong = take_option(c, optarg, ret);
    path = ret->out.path;
    if (!wrong && argc > optind)
        return "too many arguments";
    if (!wrong && ret->format->database && (!path || strcmp(path, "-") == 0))
        return "a database needs a file: -o FILE";
    if (!wrong && ret->format->database && ret->out.sources.dir_count > 1)
        return "a database is of one journal: make one of each (ATTACH joins them)";
    return wrong;
}

static bool is_wanted(const struct export_options *opt, const struct journal_record *r)
{
    return r->time_us >= opt->out.since_us && r->time_us <= opt->out.until_us &&
           (!opt->by_op || r->op == opt->op) && (!opt->failed || r->state == JOURNAL_FAILED);
}

/* Whose journal is verified. */
struct verifying {
    const struct journal_sources *sources;
    size_t which;
};

/* journal_verify's callback. */
static void tell_fault(void *arg, const struct journal_fault *f)
{
    const struct verifying *v = arg;
    struct err e = {0};

    if (f->harmless)
        return;
    (void)err_set(&e, ERR_CORRUPT, f->file, "what is not whole is left out",
                  "%s at byte %" PRIu64 ", after record %" PRIu64 "%s%s", f->kind, f->offset,
                  f->seq, f->detail && f->detail[0] ? ": " : "", f->detail ? f->detail : "");
    journal_source_blame(v->sources, v->which, &e);
    (void)command_fault(0, &e);
}

/* The journals as they were verified. */
struct verified {
    struct journal_verdict *verdicts; /* of each; owned */
    uint64_t last[JOURNAL_SOURCES_MAX];
    uint64_t records; /* of all */
    uint64_t read;    /* so many of them */
    bool bad;
};

/* Verify all of them. 0 or a negative code, e says why. */
static int verify_all(const struct journal_sources *s, struct verified *ret, struct err *e)
{
    struct verifying v = {s, 0};
    int rc = 0;

    ret->verdicts = calloc(s->count, sizeof *ret->verdicts);
    if (!ret->verdicts)
        return err_set(e, -ENOMEM, NULL, NULL, "out of memory");
    for (; v.which < s->count && rc == 0; v.which++) {
        struct journal_verdict *verdict = &ret->verdicts[v.which];

        rc = journal_verify(s->list[v.which].dir, NULL, tell_fault, &v, verdict, e);
        ret->last[v.which] = verdict->last_seq;
        ret->records += verdict->records;
        ret->bad |= verdict->faults > 0;
    }
    return rc;
}

/* A look aside from time to time. 0 or -EINTR. */
static int look(struct verified *v, struct screen *screen)
{
    if (++v->read % LOOK_EACH)
        return 0;
    screen_progress(screen, "record %" PRIu64 " of %" PRIu64, v->read, v->records);
    return output_interrupted() ? -EINTR : 0;
}

int export_row(struct journal_export *x, struct span line, struct err *e)
{
    int rc = journal_row_read(&x->row, line);

    return rc ? err_set(e, rc, "", "",
                        rc == ERR_SYNTAX ? "a number is too large for a column" : "out of memory")
              : 0;
}

/* Write one record. One that the format has no room for is told of. 0 or what ends the export. */
static int put(struct journal_export *x, const struct export_format *format, uint64_t seq,
               struct span line, int *status, struct err *e)
{
    int rc = format->put(x, line, e);

    if (rc == 0)
        x->records++;
    if (rc != ERR_SYNTAX)
        return rc;
    snprintf(e->where, sizeof e->where, "record %" PRIu64, seq);
    journal_source_blame(x->sources, x->which, e);
    *status = command_fault(EXIT_DIFFERENCES, e);
    return 0;
}

/* All that is wanted, up to the last record that was verified. Damage has been told of by then. 0
 * or what ends the export. */
static int put_all(struct journal_export *x, const struct export_options *opt,
                   struct journal_weave *weave, struct verified *v, int *status, struct err *e)
{
    struct journal_record rec;
    struct screen screen = {0};
    struct span line;
    enum journal_read got;
    int rc = 0;

    while (rc == 0 &&
           (got = journal_weave_read(weave, &rec, &line, &x->which, e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_ERROR) {
            journal_source_blame(x->sources, x->which, e);
            rc = e->code == ERR_CORRUPT ? 0 : e->code;
            if (*status == EXIT_IN_STEP && rc == 0)
                *status = command_fault(EXIT_DIFFERENCES, e);
            continue;
        }
        if (is_wanted(opt, &rec))
            rc = put(x, opt->format, rec.seq, line, status, e);
        if (rc == 0 && look(v, &screen))
            rc = output_failed(&x->out, -EINTR, e);
    }
    screen_clear(&screen);
    return rc;
}

/* From the first byte to the last. 0 or a negative code. */
static int write_export(struct journal_export *x, const struct export_options *opt,
                        struct verified *v, int *status, struct err *e)
{
    struct journal_streams streams = {0};
    int rc = journal_streams_open(x->sources, v->last, &streams, e), ended = 0;

    if (rc == 0 && opt->format->begin)
        rc = opt->format->begin(x, e);
    if (rc == 0) {
        rc = put_all(x, opt, streams.weave, v, status, e);
        if (opt->format->end)
            ended = opt->format->end(x, rc == 0, e);
        rc = rc ? rc : ended;
    }
    journal_streams_close(&streams);
    return rc;
}

static int write_all(const struct journal_sources *sources, const struct export_options *opt)
{
    struct verified v = {0};
    struct journal_export x = {.about = {sources->list[0].dir, clock_real_us(), NULL},
                               .sources = sources};
    struct err e = {0};
    int status = EXIT_IN_STEP, rc = output_check(opt->out.path, opt->out.force, &e);

    journal_row_init(&x.row);
    buf_init(&x.line, LINE_ROOM);
    if (rc == 0)
        rc = verify_all(sources, &v, &e);
    x.about.verdict = v.verdicts;
    if (rc == 0) {
        status = v.bad ? EXIT_DIFFERENCES : EXIT_IN_STEP;
        rc = output_open(&x.out, opt->out.path, opt->out.force, &e);
    }
    if (rc == 0)
        rc = write_export(&x, opt, &v, &status, &e);
    if (rc == 0)
        rc = output_commit(&x.out, &e);
    if (rc)
        status = command_fault(output_status(rc), &e);
    output_abort(&x.out);
    journal_row_release(&x.row);
    buf_release(&x.line);
    free(v.verdicts);
    return status;
}

int journal_export_command(int argc, char **argv)
{
    struct export_options opt;
    const char *wrong = parse(argc, argv, &opt);
    struct journal_sources sources;
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    status = output_sources(&opt.out, &conf, &sources);
    if (status >= 0)
        return status;
    status = write_all(&sources, &opt);
    journal_sources_release(&sources);
    conf_free(conf);
    return status;
}
