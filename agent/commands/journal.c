/* Shell. lockstep journal: what is asked, and who answers. */
#include "agent/commands/commands.h"
#include "agent/commands/journal_export.h"
#include "agent/commands/journal_index.h"
#include "agent/commands/journal_key.h"
#include "agent/commands/journal_older.h"
#include "agent/commands/journal_past.h"
#include "agent/commands/journal_proof.h"
#include "agent/commands/journal_report.h"
#include "agent/commands/journal_show.h"
#include "agent/commands/journal_sources.h"
#include "agent/commands/journal_stat.h"
#include "agent/commands/journal_verify.h"
#include "agent/commands/lst.h"

#include "base/clock.h"

#include <getopt.h>
#include <string.h>

static const char usage[] =
    "usage: lockstep journal show   [PATH | --list FILE] [--since T] [--until T] [--op OP] "
    "[--failed]\n"
    "                               [--json] [--no-index]\n"
    "       lockstep journal follow [PATH | --list FILE] [--since T] [--op OP] [--failed] "
    "[--json]\n"
    "       lockstep journal at     T [PATH] [--mapping NAME] [--one-tree] [--json | --manifest]\n"
    "       lockstep journal diff   T T [PATH] [--mapping NAME] [--one-tree] [--json]\n"
    "       lockstep journal stat   [--list FILE] [--since T] [--until T] [--op OP] [--failed] "
    "[--json]\n"
    "       lockstep journal verify [--key PUBLIC]... [--anchor FILE | s3://BUCKET/PREFIX]...\n"
    "       lockstep journal export | report | index | compress | key | prove | verify-proof ...\n"
    "                               (--help tells more)\n"
    "the others with [-c FILE | --dir DIRECTORY]... [--host NAME]...\n"
    "T is a date (2026-01-31, 2026-01-31T08:00Z), @SECONDS, or an age (90s, 15m, 2h, 3d). PATH is\n"
    "below a mapping's root; a directory means everything beneath it. show also has what happened\n"
    "to it under the names that it had before and after. at tells what S3 had then, diff what\n"
    "became of it from one time to another. --list has the images that a .lst file here names, by\n"
    "the names that it has. PUBLIC is the public half of a key that signs the\n"
    "journal, or a file with it; an anchor is a checkpoint that was kept, from which it must go\n"
    "on: a file, or in S3 (then with a configuration) the newest one that is there.\n"
    "Journals of several hosts, each with its --dir, are read as one, in the order of time; "
    "--host\n"
    "chooses among them. at and diff keep them apart: --one-tree is for hosts that one after the\n"
    "other kept the same tree in step.\n";

/* What stands on the command line. */
struct asked {
    struct sources_options sources;
    struct journal_wanted wanted;
    struct past_question past;
    struct journal_given given;
    bool json;
    bool no_index;    /* read the whole journal for a path */
    const char *list; /* whose images are wanted; NULL */
    const char *file; /* the configuration */
};

/* One option of what is asked about records. NULL or what is wrong; "" for --help. */
static const char *take_option(int c, const char *text, int64_t now, struct asked *a)
{
    struct journal_wanted *w = &a->wanted;

    if (c == 's' && clock_parse(text, now, &w->since_us))
        return "--since is not a time";
    if (c == 'u' && clock_parse(text, now, &w->until_us))
        return "--until is not a time";
    if (c == 'o' && journal_op_parse(text, &w->op))
        return "--op is not an operation: add edit meta rename remove put copy delete lst "
               "hold release start stop idle overflow trash expire key retire";
    w->by_op |= c == 'o';
    w->failed |= c == 'f';
    a->json |= c == 'j';
    a->no_index |= c == 'I';
    a->past.manifest |= c == 'M';
    a->past.one_tree |= c == 'T';
    if (c == 'k' && !journal_given_add(a->given.keys, &a->given.key_count, text))
        return "too many keys";
    if (c == 'a' && !journal_given_add(a->given.anchors, &a->given.anchor_count, text))
        return "too many anchors";
    if (c == 'm')
        a->past.mapping = text;
    if (c == 'l')
        a->list = text;
    if (c == 'c')
        a->file = text;
    if (c == 'd')
        return sources_add_dir(&a->sources, text);
    if (c == 'H')
        return sources_add_host(&a->sources, text);
    return c == 'h' ? "" : c == '?' ? "unknown option" : NULL;
}

/* Parse the options behind "journal show" and its like; returns NULL or what is wrong. */
static const char *parse(int argc, char **argv, struct asked *a)
{
    static const struct option options[] = {{"since", required_argument, NULL, 's'},
                                            {"until", required_argument, NULL, 'u'},
                                            {"op", required_argument, NULL, 'o'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"failed", no_argument, NULL, 'f'},
                                            {"manifest", no_argument, NULL, 'M'},
                                            {"no-index", no_argument, NULL, 'I'},
                                            {"mapping", required_argument, NULL, 'm'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"anchor", required_argument, NULL, 'a'},
                                            {"host", required_argument, NULL, 'H'},
                                            {"one-tree", no_argument, NULL, 'T'},
                                            {"list", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int64_t now = clock_real_us();
    const char *wrong = NULL;
    int c;

    while (!wrong && (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
        wrong = take_option(c, optarg, now, a);
    return wrong;
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

/* Options that go with some questions only. NULL or what is wrong. */
static const char *check_options(const struct question *q, const struct asked *a)
{
    const struct past_question *past = &a->past;

    if (past->manifest && (past->count != 1 || a->json || a->sources.dir_count))
        return "--manifest goes with \"at\" and the configuration alone";
    if (a->no_index && (strcmp(q->name, "show") != 0 || !a->wanted.path))
        return "--no-index goes with \"show\" and a path";
    if (a->list && (past->count || strcmp(q->name, "verify") == 0))
        return "--list goes with \"show\", \"follow\" and \"stat\"";
    if (a->list && a->wanted.path)
        return "give a path or --list";
    if (past->mapping && past->count == 0)
        return "--mapping goes with \"at\" and \"diff\"";
    if (past->one_tree && past->count == 0)
        return "--one-tree goes with \"at\" and \"diff\"";
    if ((a->given.key_count || a->given.anchor_count) && strcmp(q->name, "verify") != 0)
        return "--key and --anchor go with \"verify\"";
    if (a->given.anchor_count && a->sources.dir_count > 1)
        return "--anchor is of one journal: verify that one by itself";
    if (strcmp(q->name, "follow") == 0 && a->sources.dir_count > 1)
        return "follow goes with one journal";
    return NULL;
}

/* The words behind the question. NULL or what is wrong. */
static const char *words(const struct question *q, int argc, char **argv, struct asked *a)
{
    struct past_question *past = &a->past;
    int64_t now = clock_real_us();

    if (argc < q->times)
        return q->times == 1 ? "a time is missing" : "two times are needed";
    if (argc > q->times + (q->path ? 1 : 0))
        return "too many arguments";
    for (past->count = 0; past->count < q->times; past->count++)
        if (clock_parse(argv[past->count], now, &past->until_us[past->count]))
            return "that is not a time";
    a->wanted.path = argc > q->times ? argv[q->times] : NULL;
    past->within = a->wanted.path ? a->wanted.path : "";
    past->json = a->json;
    return check_options(q, a);
}

/* Do what was asked for. */
static int act(const struct question *q, const struct journal_sources *s, const struct asked *a,
               const struct conf *conf)
{
    if (strcmp(q->name, "verify") == 0)
        return journal_verify_command(s, &a->given, conf);
    if (strcmp(q->name, "stat") == 0)
        return journal_stat(s, &a->wanted, a->json);
    if (q->times)
        return journal_past(s, &a->past, conf);
    if (strcmp(q->name, "show") == 0)
        return journal_show(s, &a->wanted, a->json, a->no_index);
    return journal_follow(s, &a->wanted, a->json);
}

/* The same, of the journals that are meant. */
static int act_on_sources(const struct question *q, struct asked *a, const struct conf *conf)
{
    struct journal_sources sources;
    struct journal_named *named = NULL;
    struct err e = {0};
    int rc = a->list ? journal_named_read(a->list, &named, &e) : 0, status;

    if (rc)
        return lst_failed(&e);
    a->wanted.named = named;
    rc = journal_sources_find(&a->sources, conf, &sources, &e);
    if (rc) {
        journal_named_free(named);
        return command_fault(journal_sources_status(rc), &e);
    }
    for (size_t i = 0; i < sources.count && strcmp(q->name, "verify") != 0; i++)
        journal_older_note(sources.list[i].dir, conf);
    status = act(q, &sources, a, conf);
    journal_sources_release(&sources);
    journal_named_free(named);
    return status;
}

/* What is asked about records, and journal verify. */
static int ask(int argc, char **argv)
{
    struct asked a = {.wanted = {.since_us = INT64_MIN, .until_us = INT64_MAX},
                      .file = CONF_DEFAULT_FILE};
    const char *wrong = parse(argc, argv, &a);
    const struct question *q = question_of(optind < argc ? argv[optind] : "");
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (!q)
        return command_usage(usage,
                             "journal knows show, follow, at, diff, stat, verify, export, report, "
                             "index, compress, key, prove and verify-proof");
    wrong = words(q, argc - optind - 1, argv + optind + 1, &a);
    if (wrong)
        return command_usage(usage, wrong);
    if ((!a.sources.dir_count || journal_given_in_s3(&a.given)) &&
        command_load(a.file, true, &conf)) {
        if (a.sources.dir_count)
            fputs("lockstep: endpoint and credentials for an anchor in S3 are found by a "
                  "configuration: give -c FILE\n",
                  stderr);
        return EXIT_USAGE;
    }
    status = act_on_sources(q, &a, conf);
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
    if (argc > 1 && (strcmp(argv[1], "index") == 0 || strcmp(argv[1], "compress") == 0))
        return journal_index_command(argc - 1, argv + 1);
    return ask(argc, argv);
}
