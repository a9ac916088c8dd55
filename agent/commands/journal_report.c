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
    "                               [-c FILE | --dir DIRECTORY]... [--host NAME]...\n"
    "One page of HTML that needs nothing else, to be looked at, printed or kept: what was done "
    "from\n"
    "day to day, how long S3 took, what failed and why, lists that were rewritten, what the guard\n"
    "held, and whether the journal is whole. The numbers are those of journal stat. If the "
    "journal\n"
    "is not whole, the page says so, and the exit status is 1. Of several journals the page has\n"
    "each host and the sum.\n";

/* NULL or what is wrong; "" for --help. */
static const char *parse(int argc, char **argv, struct output_options *ret)
{
    static const struct option options[] = {{"html", no_argument, NULL, 'l'}, OUTPUT_OPTIONS};
    const char *wrong = NULL;
    bool html = false;
    int c;

    output_options_init(ret);
    while (!wrong && (c = getopt_long(argc, argv, OUTPUT_SHORT_OPTIONS, options, NULL)) != -1) {
        wrong = output_option(ret, c, optarg);
        html |= c == 'l';
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
static void keep(struct report *r, struct report_events *events, size_t which,
                 const struct journal_record *rec)
{
    struct report_event *v = &events->list[events->count++ % REPORT_EVENTS];

    events->sum += rec->count;
    release_event(v);
    *v = (struct report_event){.which = which,
                               .seq = rec->seq,
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
static int take(struct report *r, size_t which, const struct journal_record *rec)
{
    if (rec->time_us < r->since_us || rec->time_us > r->until_us)
        return 0;
    if (rec->op == JOURNAL_LST && rec->state == JOURNAL_DONE)
        keep(r, &r->lists, which, rec);
    if (rec->op == JOURNAL_HOLD || rec->op == JOURNAL_RELEASE)
        keep(r, &r->guard, which, rec);
    return r->error ? r->error : tally_add(r->hosts[which].tally, rec);
}

/* journal_verify's callback. */
static void note_fault(void *arg, const struct journal_fault *f)
{
    struct report *r = arg;

    if (f->harmless || r->fault_count++ >= REPORT_FAULTS)
        return;
    r->faults[r->fault_count - 1] = (struct report_fault){
        r->verifying, copy(r, f->file), copy(r, f->kind), copy(r, f->detail), f->offset, f->seq};
}

/* Verify all journals. 0 or a negative code, e says why. */
static int verify_all(struct report *r, struct err *e)
{
    int rc = 0;

    for (r->verifying = 0; rc == 0 && r->verifying < r->sources->count; r->verifying++)
        rc = journal_verify(r->sources->list[r->verifying].dir, NULL, note_fault, r,
                            &r->hosts[r->verifying].verdict, e);
    return rc;
}

/* The numbers of all. 0 or -ENOMEM. */
static int sum(struct report *r)
{
    int rc = 0;

    if (r->sources->count == 1) {
        r->tally = r->hosts[0].tally;
        return 0;
    }
    r->tally = tally_new();
    if (!r->tally)
        return -ENOMEM;
    for (size_t i = 0; rc == 0 && i < r->sources->count; i++)
        rc = tally_sum(r->tally, r->hosts[i].tally);
    return rc;
}

/* All records that can be read. 0 or a negative code, e says why. */
static int gather(struct report *r, struct err *e)
{
    struct journal_streams streams = {0};
    struct journal_record rec;
    enum journal_read got;
    size_t which;
    int rc = verify_all(r, e);

    if (rc == 0)
        rc = journal_streams_open(r->sources, NULL, &streams, e);
    while (rc == 0 &&
           (got = journal_weave_read(streams.weave, &rec, NULL, &which, e)) != JOURNAL_READ_END) {
        if (got == JOURNAL_READ_RECORD && take(r, which, &rec))
            rc = err_set(e, -ENOMEM, "", "", "out of memory");
        else if (got == JOURNAL_READ_ERROR && e->code != ERR_CORRUPT)
            rc = e->code; /* damage has been found by the verifier */
    }
    journal_streams_close(&streams);
    if (rc == 0 && sum(r))
        rc = err_set(e, -ENOMEM, "", "", "out of memory");
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
    if (r->tally != r->hosts[0].tally)
        tally_free(r->tally);
    for (size_t i = 0; i < r->sources->count; i++)
        tally_free(r->hosts[i].tally);
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

/* An empty report. NULL without memory. */
static struct report *report_new(const struct journal_sources *sources,
                                 const struct output_options *opt)
{
    struct report *r = calloc(1, sizeof *r);
    bool whole = r != NULL;

    if (!r)
        return NULL;
    r->sources = sources;
    r->made_us = clock_real_us();
    r->since_us = opt->since_us;
    r->until_us = opt->until_us;
    for (size_t i = 0; i < sources->count; i++) {
        r->hosts[i].tally = tally_new();
        whole &= r->hosts[i].tally != NULL;
    }
    if (whole)
        return r;
    release(r);
    return NULL;
}

static int make_report(const struct journal_sources *sources, const struct output_options *opt)
{
    struct report *r = report_new(sources, opt);
    struct err e = {0};
    int rc = output_check(opt->path, opt->force, &e), status = EXIT_IN_STEP;

    if (rc == 0 && !r)
        rc = err_set(&e, -ENOMEM, "", "", "out of memory");
    if (rc == 0)
        rc = gather(r, &e);
    if (rc == 0)
        rc = write_page(r, opt, &e);
    if (rc)
        status = command_fault(output_status(rc), &e);
    for (size_t i = 0; rc == 0 && i < sources->count; i++)
        if (r->hosts[i].verdict.faults)
            status = EXIT_DIFFERENCES;
    if (r)
        release(r);
    return status;
}

int journal_report_command(int argc, char **argv)
{
    struct output_options opt;
    const char *wrong = parse(argc, argv, &opt);
    struct journal_sources sources;
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    status = output_sources(&opt, &conf, &sources);
    if (status >= 0)
        return status;
    status = make_report(&sources, &opt);
    journal_sources_release(&sources);
    conf_free(conf);
    return status;
}
