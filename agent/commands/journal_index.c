/* Shell. lockstep journal index: make the indexes that a journal does not have. */
#include "agent/commands/journal_index.h"

#include "agent/commands/commands.h"
#include "base/err.h"
#include "journal/search.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static const char usage[] =
    "usage: lockstep journal index [--anew] [-c FILE | --dir DIRECTORY]\n"
    "Make the index of each closed segment that has none, or one that is damaged or of another\n"
    "file; --anew: of each. With them \"journal show PATH\" finds in a large journal at once. The\n"
    "agent makes them by itself; this is for journals that were written before, or copied to\n"
    "another place. A segment that is damaged gets none, and is read whole; then the exit status\n"
    "is 1.\n";

/* What came of the segments. */
struct counts {
    uint64_t made, there, without;
    int status;
};

static const char *reason(int code)
{
    if (code == ERR_CORRUPT)
        return "it is damaged; run: lockstep journal verify";
    return code == ERR_LIMIT ? "it is too large" : err_name(code);
}

/* journal_index_all's. */
static bool count(void *arg, const char *segment, int code, bool made)
{
    struct counts *c = arg;

    if (code == 0) {
        c->made += made;
        c->there += !made;
        return true;
    }
    c->without++;
    printf("%s gets no index: %s\n", segment, reason(code));
    if (code == ERR_CORRUPT || code == ERR_LIMIT)
        c->status = c->status ? c->status : EXIT_DIFFERENCES;
    else
        c->status = EXIT_UNREACHED;
    return true;
}

/* NULL or what is wrong; "" for --help. */
static const char *parse(int argc, char **argv, bool *ret_anew, const char **ret_dir,
                         const char **ret_file)
{
    static const struct option options[] = {{"anew", no_argument, NULL, 'a'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        *ret_anew |= c == 'a';
        if (c == 'd')
            *ret_dir = optarg;
        if (c == 'c')
            *ret_file = optarg;
        if (c == 'h')
            return "";
        if (c == '?')
            return "unknown option";
    }
    return optind < argc ? "too many arguments" : NULL;
}

int journal_index_command(int argc, char **argv)
{
    const char *dir = NULL, *file = CONF_DEFAULT_FILE;
    struct conf *conf = NULL;
    struct counts c = {0};
    struct err e = {0};
    bool anew = false;
    const char *wrong = parse(argc, argv, &anew, &dir, &file);

    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (!dir && command_load(file, true, &conf))
        return EXIT_USAGE;
    if (journal_index_all(dir ? dir : conf->journal_dir, NULL, anew, count, &c, &e))
        c.status = command_fault(EXIT_UNREACHED, &e);
    else
        printf("%" PRIu64 " indexes made, %" PRIu64 " were there, %" PRIu64 " segments have none\n",
               c.made, c.there, c.without);
    conf_free(conf);
    return c.status;
}
