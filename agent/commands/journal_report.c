/* Shell. lockstep journal report: the journal as one page. */
#include "agent/commands/journal_report.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_output.h"

#include "base/clock.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX (64u << 20)

static const char usage[] =
    "usage: lockstep journal report --html [--since T] [--until T] [-o FILE [--force]]\n"
    "                               [-c FILE | --dir DIRECTORY]\n"
    "One page of HTML that needs nothing else, to be looked at, printed or kept: what was done "
    "from\n"
    "day to day, how long S3 took, what failed and why, lists that were rewritten, what the guard\n"
    "held, and whether the journal is whole. The numbers are those of journal stat. If the "
    "journal\n"
    "is not whole, the page says so, and the exit status is 1.\n";

/* NULL or what is wrong; "" for --help. */
static const char *parse(int argc, char **argv, struct output_options *ret)
{
    static const struct option options[] = {{"html", no_argument, NULL, 'H'}, OUTPUT_OPTIONS};
    const char *wrong = NULL;
    bool html = false;
    int c;

    output_options_init(ret);
    while (!wrong && (c = getopt_long(argc, argv, OUTPUT_SHORT_OPTIONS, options, NULL)) != -1) {
        wrong = output_option(ret, c, optarg);
        html |= c == 'H';
    }
    if (!wrong && argc > optind)
        return "too many arguments";
    return wrong || html ? wrong : "a report is made with --html";
}

/* A copy of what may be missing. */
static char *copy(struct report *r, const char *text)
{
    char *made = text ? strdup(text) : NULL;

    if (text && !made)
        r->error = -ENOMEM;
    return made;
}

static void release_event(struct report_event *v)
{
    free(v->mapping);
    free(v->path);
    free(v->backup);
    free(v->why);
}

/* Keep an event in place of the oldest one. */
static void keep(struct report *r, struct report_events *events, const struct journal_record *rec)
{
    struct report_event *v = &events->list[events->count++ % REPORT_EVENTS];

    events->sum += rec->count;
    release_event(v);
    *v = (struct report_event){.seq = rec->seq,
                               .time_us = rec->time_us,
                               .op = rec->op,
                               .state = rec->state,
                               .count = rec->count,
                               .mapping = copy(r, rec->mapping),
                               .path = copy(r, rec->path),
                               .backup = copy(r, rec->backup),
                               .why = copy(r, rec->why)};
}

/* Take a record into the report. 0 or -ENOMEM. */
static int take(struct report *r, const struct journal_record *rec)
{
    if (rec->time_us < r->since_us || rec->time_us > r->until_us)
        return 0;
    if (rec->op == JOURNAL_LST && rec->state == JOURNAL_DONE)
        keep(r, &r->lists, rec);
    if (rec->op == JOURNAL_HOLD || rec->op == JOURNAL_RELEASE)
        keep(r, &r->guard, rec);
    return r->error ? r->error : tally_add(r->tally, rec);
}

/* journal_verify's callback. */
static void note_fault(void *arg, const struct journal_fault *f)
{
    struct report *r = arg;

    if (f->harmless || r->fault_count++ >= REPORT_FAULTS)
        return;
    r->faults[r->fault_count - 1] = (struct report_fault){copy(r, f->file), copy(r, f->kind),
                                                          copy(r, f->detail), f->offset, f->seq};
}

/* All records that can be read. 0 or a negative code, e says why. */
static int gather(struct report *r, struct err *e)
{
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    enum journal_read got;
    int rc = journal_verify(r->dir, NULL, note_fault, r, &r->verdict, e);

    if (rc == 0)
        rc = journal_reader_open(r->dir, 1, &reader, e);
    while (rc == 0 && (got = journal_read(reader, &rec, NULL, e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_RECORD && take(r, &rec))
            rc = err_set(e, -ENOMEM, "", "", "out of memory");
        else if (got == JOURNAL_READ_ERROR && e->code != ERR_CORRUPT)
            rc = e->code; /* damage has been found by the verifier */
    }
    journal_reader_close(reader);
    return rc;
}

static void release(struct report *r)
{
    for (size_t i = 0; i < REPORT_EVENTS; i++) {
        release_event(&r->lists.list[i]);
        release_event(&r->guard.list[i]);
    }
    for (size_t i = 0; i < REPORT_FAULTS; i++) {
        free(r->faults[i].file);
        free(r->faults[i].kind);
        free(r->faults[i].detail);
    }
    tally_free(r->tally);
    free(r);
}

/* Write the page. 0 or a negative code, e says why. */
static int write_page(const struct report *r, const struct output_options *opt, struct err *e)
{
    struct output out = {0};
    struct buf page;
    int rc;

    buf_init(&page, PAGE_MAX);
    rc = report_page(r, &page);
    rc = rc ? err_set(e, rc, "", "", "the page cannot be made: %s", err_name(rc))
            : output_open(&out, opt->path, opt->force, e);
    if (rc == 0) {
        rc = output_write(&out, page.data, page.len, e);
        if (rc == 0)
            rc = output_commit(&out, e);
        output_abort(&out);
    }
    buf_release(&page);
    return rc;
}

static int make_report(const char *dir, const struct output_options *opt)
{
    struct report *r = calloc(1, sizeof *r);
    struct err e = {0};
    int rc = output_check(opt->path, opt->force, &e), status = EXIT_IN_STEP;

    if (r)
        *r = (struct report){.dir = dir,
                             .made_us = clock_real_us(),
                             .since_us = opt->since_us,
                             .until_us = opt->until_us,
                             .tally = tally_new()};
    if (rc == 0 && (!r || !r->tally))
        rc = err_set(&e, -ENOMEM, "", "", "out of memory");
    if (rc == 0)
        rc = gather(r, &e);
    if (rc == 0)
        rc = write_page(r, opt, &e);
    if (rc)
        status = command_fault(output_status(rc), &e);
    else if (r->verdict.faults)
        status = EXIT_DIFFERENCES;
    if (r)
        release(r);
    return status;
}

int journal_report_command(int argc, char **argv)
{
    struct output_options opt;
    const char *wrong = parse(argc, argv, &opt);
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (!opt.dir && command_load(opt.file, true, &conf))
        return EXIT_USAGE;
    status = make_report(opt.dir ? opt.dir : conf->journal_dir, &opt);
    conf_free(conf);
    return status;
}
