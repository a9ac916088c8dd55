/* Shell. lockstep verify: are the trees, the index and S3 the same? */
#include "agent/commands/commands.h"

#include "agent/commands/screen.h"
#include "agent/commands/verify_journal.h"
#include "agent/service/check.h"
#include "base/json.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

static const char usage[] =
    "usage: lockstep verify [--deep] [--metadata] [--repair[=extras]] [--json] [-c FILE]\n"
    "       lockstep verify --against-journal [--dir DIRECTORY]... [--deep] [--json] [-c FILE]\n"
    "Compare the trees on disk, the index and the objects in S3. Each difference is a line with "
    "its\n"
    "likely cause. It streams: memory does not grow with the number of files.\n"
    "  --deep            read every file and compare it with the checksum that S3 has of its "
    "object\n"
    "                    (nothing is downloaded; a request for each object)\n"
    "  --metadata        compare mode, owner and mtime with what the object has (the same)\n"
    "  --repair          have S3 brought in step, through the running agent or, where none runs, "
    "by a\n"
    "                    run that reconciles; what is in S3 alone stays\n"
    "  --repair=extras   the same, and what is in S3 alone goes, if the guard lets it\n"
    "  --against-journal hold the objects in S3 against what the journal says that was put, copied "
    "and\n"
    "                    deleted, without a look at the trees or the index: for an auditor, who "
    "has\n"
    "                    a copy of the journal. With --deep each object is asked for its version,\n"
    "                    checksum and metadata, too.\n"
    "  --dir DIRECTORY   the journal there; several times, where several hosts kept the tree in "
    "step\n"
    "Exit status: 0 all the same (with --repair and no agent: brought in step), 1 differences, 3 "
    "held\n"
    "by the guard, 4 S3 or a tree cannot be reached.\n";

struct show {
    bool json;
    struct screen screen;
};

/* What stands on the command line. */
struct asked {
    const char *file;
    bool journal; /* --against-journal */
    struct sources_options sources;
};

/* check_options.found */
static void show_found(void *arg, const char *key, const struct differ *d)
{
    struct show *s = arg;
    struct screen_member members[] = {
        {"difference", differ_name(d->kind)}, {"key", key}, {"cause", d->cause}, {NULL, NULL}};

    screen_clear(&s->screen);
    if (s->json) {
        screen_json(members, NULL);
        return;
    }
    printf("%-12s ", differ_name(d->kind));
    command_print_name(key);
    printf(": ");
    command_print_name(d->cause);
    printf("\n");
}

/* check_options.progress */
static void show_progress(void *arg, const struct check_totals *t)
{
    struct show *s = arg;

    screen_progress(&s->screen,
                    "%" PRIu64 " files, %" PRIu64 " objects, %" PRIu64 " differences so far",
                    t->files, t->objects, t->differences);
}

/* The end, as JSON. */
static void sum_json(const struct check_totals *t)
{
    struct screen_number numbers[10 + DIFFER_COUNT] = {
        {"files", t->files},          {"objects", t->objects}, {"compared", t->compared},
        {"compared_bytes", t->bytes}, {"asked", t->asked},     {"differences", t->differences},
        {"repairs", t->repairs},      {"kept", t->kept},       {"trash", t->trash}};
    size_t n = 9;

    for (int k = DIFFER_MISSING; k < DIFFER_COUNT; k++)
        numbers[n++] = (struct screen_number){differ_name((enum differ_kind)k), t->kinds[k]};
    screen_json(NULL, numbers);
}

/* The end, as text. */
static void sum_text(const struct check_totals *t, const struct check_options *opt)
{
    const char *before = " (";

    printf("%" PRIu64 " files, %" PRIu64 " objects, %" PRIu64 " differences", t->files, t->objects,
           t->differences);
    for (int k = DIFFER_MISSING; k < DIFFER_COUNT; k++)
        if (t->kinds[k]) {
            printf("%s%" PRIu64 " %s", before, t->kinds[k], differ_name((enum differ_kind)k));
            before = ", ";
        }
    printf("%s\n", t->differences ? ")" : "");
    if (t->kept)
        printf("%" PRIu64 " objects of files that are gone are kept\n", t->kept);
    if (t->trash)
        printf("%" PRIu64 " objects are in the trash\n", t->trash);
    if (opt->deep)
        printf("%" PRIu64 " files were read (%" PRIu64 " bytes) and held against S3's checksums\n",
               t->compared, t->bytes);
    if (opt->repair)
        printf("%" PRIu64 " repairs were handed to the agent\n", t->repairs);
}

/* Options that do not go together. -1, or an exit status. */
static int check_options(const struct check_options *opt, const struct asked *asked)
{
    if (asked->journal && (opt->metadata || opt->repair))
        return command_usage(usage, "--against-journal goes with --dir, --deep and --json");
    if (!asked->journal && asked->sources.dir_count)
        return command_usage(usage, "--dir goes with --against-journal");
    return -1;
}

/* The options. -1, or an exit status. */
static int options(int argc, char **argv, struct check_options *ret, struct show *show,
                   struct asked *asked)
{
    static const struct option long_options[] = {{"deep", no_argument, NULL, 'd'},
                                                 {"metadata", no_argument, NULL, 'm'},
                                                 {"repair", optional_argument, NULL, 'r'},
                                                 {"json", no_argument, NULL, 'j'},
                                                 {"against-journal", no_argument, NULL, 'a'},
                                                 {"dir", required_argument, NULL, 'D'},
                                                 {"config", required_argument, NULL, 'c'},
                                                 {"help", no_argument, NULL, 'h'},
                                                 {0}};
    const char *wrong = NULL;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (c == 'd')
            ret->deep = true;
        else if (c == 'm')
            ret->metadata = true;
        else if (c == 'j')
            show->json = true;
        else if (c == 'a')
            asked->journal = true;
        else if (c == 'D')
            wrong = sources_add_dir(&asked->sources, optarg);
        else if (c == 'c')
            asked->file = optarg;
        else if (c == 'r' && (!optarg || strcmp(optarg, "extras") == 0))
            ret->repair = true;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
        if (wrong)
            return command_usage(usage, wrong);
        ret->extras |= c == 'r' && optarg;
    }
    return argc > optind ? command_usage(usage, "too many arguments") : check_options(ret, asked);
}

int command_verify(int argc, char **argv)
{
    struct asked asked = {.file = CONF_DEFAULT_FILE};
    struct show show = {0};
    struct check_options opt = {.found = show_found, .progress = show_progress, .arg = &show};
    struct check_totals totals;
    struct conf *conf;
    struct err e = {0};
    int status = options(argc, argv, &opt, &show, &asked);

    if (status >= 0)
        return status;
    if (command_load(asked.file, asked.journal, &conf))
        return EXIT_USAGE;
    if (asked.journal) {
        status = verify_journal(conf, &asked.sources, opt.deep, show.json);
        conf_free(conf);
        return status;
    }
    status = service_verify(conf, &opt, &totals, &e);
    conf_free(conf);
    screen_clear(&show.screen);
    if (e.code)
        return command_fault(status, &e);
    if (show.json)
        sum_json(&totals);
    else
        sum_text(&totals, &opt);
    return status;
}
