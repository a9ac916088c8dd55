/* Shell. lockstep adopt: take over an S3 copy that is there already. */
#include "agent/commands/commands.h"

#include "agent/commands/screen.h"
#include "agent/service/adopt.h"

#include <getopt.h>
#include <inttypes.h>

static const char usage[] =
    "usage: lockstep adopt [--metadata] [--trust-size-and-time] [--json] [-c FILE]\n"
    "Take over the copy of the trees that S3 has already (of aws s3 sync, rclone, s3cmd, "
    "DataSync...):\n"
    "what can be shown to be equal goes into the index and is not uploaded again. Files are read,\n"
    "nothing is downloaded, nothing in S3 is changed. It may be broken off and goes on from "
    "there.\n"
    "  --metadata              have the agent's next run give the objects mode, owner and mtime "
    "of\n"
    "                          their files (a COPY within S3 each)\n"
    "  --trust-size-and-time   take also what cannot be compared, if it has the file's size and "
    "is\n"
    "                          not older than it\n"
    "No agent may be running. Exit status: 0 all is in S3, 1 something is left to be uploaded or "
    "is in\n"
    "S3 alone, 4 S3, a tree or the state cannot be reached.\n";

struct show {
    bool json;
    struct screen screen;
};

/* adopt_options.found */
static void show_found(void *arg, const char *key, const char *what, const char *why)
{
    struct show *s = arg;
    struct screen_member members[] = {
        {"not_adopted", what}, {"key", key}, {"why", why}, {NULL, NULL}};

    screen_clear(&s->screen);
    if (s->json) {
        screen_json(members, NULL);
        return;
    }
    printf("%-12s ", what);
    command_print_name(key);
    printf(": ");
    command_print_name(why);
    printf("\n");
}

/* adopt_options.progress */
static void show_progress(void *arg, const struct adopt_totals *t)
{
    struct show *s = arg;

    screen_progress(&s->screen,
                    "%" PRIu64 " files, %" PRIu64 " objects, %" PRIu64 " adopted so far", t->files,
                    t->objects, t->adopted);
}

/* The end, as JSON. */
static void sum_json(const struct adopt_totals *t)
{
    struct screen_number numbers[] = {{"files", t->files},
                                      {"objects", t->objects},
                                      {"adopted", t->adopted},
                                      {"adopted_bytes", t->adopted_bytes},
                                      {"trusted", t->trusted},
                                      {"known", t->known},
                                      {"missing", t->missing},
                                      {"missing_bytes", t->missing_bytes},
                                      {"differing", t->differing},
                                      {"differing_bytes", t->differing_bytes},
                                      {"not_compared", t->unproven},
                                      {"not_compared_bytes", t->unproven_bytes},
                                      {"failed", t->failed},
                                      {"extras", t->extras},
                                      {"without_metadata", t->without_metadata},
                                      {"asked", t->asked},
                                      {NULL, 0}};

    screen_json(NULL, numbers);
}

/* The end, as text. */
static void sum_text(const struct adopt_totals *t, bool metadata)
{
    uint64_t left = t->missing + t->differing + t->unproven;

    printf("%" PRIu64 " files, %" PRIu64 " objects: %" PRIu64 " adopted (%" PRIu64
           " bytes that need no upload), %" PRIu64 " were known\n",
           t->files, t->objects, t->adopted, t->adopted_bytes, t->known);
    if (t->trusted)
        printf("%" PRIu64 " of the adopted are trusted for size and time alone\n", t->trusted);
    if (left)
        printf("%" PRIu64 " are left to be uploaded (%" PRIu64 " bytes): %" PRIu64
               " are not in S3, %" PRIu64 " differ, %" PRIu64 " cannot be compared\n",
               left, t->missing_bytes + t->differing_bytes + t->unproven_bytes, t->missing,
               t->differing, t->unproven);
    if (t->failed)
        printf("%" PRIu64 " could not be looked at\n", t->failed);
    if (t->extras)
        printf("%" PRIu64 " objects are in S3 alone; they stay\n", t->extras);
    if (t->without_metadata)
        printf("%" PRIu64 " objects do not have mode, owner and mtime of their files%s\n",
               t->without_metadata,
               metadata ? "; the agent's next run gives them" : "; --metadata has them given");
}

/* The options. -1, or an exit status. */
static int options(int argc, char **argv, struct adopt_options *ret, struct show *show,
                   const char **file)
{
    static const struct option long_options[] = {
        {"metadata", no_argument, NULL, 'm'}, {"trust-size-and-time", no_argument, NULL, 't'},
        {"json", no_argument, NULL, 'j'},     {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},     {0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", long_options, NULL)) != -1) {
        if (c == 'm')
            ret->metadata = true;
        else if (c == 't')
            ret->trust = true;
        else if (c == 'j')
            show->json = true;
        else if (c == 'c')
            *file = optarg;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    return argc > optind ? command_usage(usage, "too many arguments") : -1;
}

int command_adopt(int argc, char **argv)
{
    const char *file = CONF_DEFAULT_FILE;
    struct show show = {0};
    struct adopt_options opt = {.found = show_found, .progress = show_progress, .arg = &show};
    struct adopt_totals totals;
    struct conf *conf;
    struct err e = {0};
    int status = options(argc, argv, &opt, &show, &file);

    if (status >= 0)
        return status;
    if (command_load(file, false, &conf))
        return EXIT_USAGE;
    status = service_adopt(conf, &opt, &totals, &e);
    conf_free(conf);
    screen_clear(&show.screen);
    if (e.code)
        return command_fault(status, &e);
    if (show.json)
        sum_json(&totals);
    else
        sum_text(&totals, opt.metadata);
    return status;
}
