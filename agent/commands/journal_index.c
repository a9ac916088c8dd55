/* Shell. lockstep journal index, journal compress: give closed segments the index that they do not
 * have; make them small. */
#include "agent/commands/journal_index.h"

#include "agent/commands/commands.h"
#include "base/err.h"
#include "journal/pack.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: lockstep journal index [--anew] [-c FILE | --dir DIRECTORY]\n"
    "Make the index of each closed segment that has none, or one that is damaged or of another\n"
    "file; --anew: of each. With them \"journal show PATH\" finds in a large journal at once. The\n"
    "agent makes them by itself; this is for journals that were written before, or copied to\n"
    "another place. A segment that is damaged gets none, and is read whole; then the exit status\n"
    "is 1.\n";

static const char compress_usage[] =
    "usage: lockstep journal compress [-c FILE | --dir DIRECTORY]\n"
    "Compress each closed segment that is not, after its index is made where there is none. The\n"
    "agent does so by itself; this is for journals that were written before. Everything that "
    "reads\n"
    "a journal reads both, and zstd -d makes the plain segment again. A segment that is damaged\n"
    "stays as it is; then the exit status is 1.\n";

/* What came of the segments. */
struct counts {
    uint64_t made, there, without;
    int status;
    const char *what; /* a segment does that does not get it */
};

static const char *reason(int code)
{
    if (code == -ENODATA)
        return "it has no index";
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
    printf("%s %s: %s\n", segment, c->what, reason(code));
    if (code == ERR_CORRUPT || code == ERR_LIMIT || code == -ENODATA)
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

/* All indexes; then all segments compressed, if that is wanted. The exit status. */
static int make_all(const char *dir, bool compress, bool anew)
{
    struct counts c = {.what = "gets no index"}, packed = {.what = "stays as it is"};
    struct err e = {0};

    if (journal_index_all(dir, NULL, anew, count, &c, &e))
        return command_fault(EXIT_UNREACHED, &e);
    if (!compress) {
        printf("%" PRIu64 " indexes made, %" PRIu64 " were there, %" PRIu64 " segments have none\n",
               c.made, c.there, c.without);
        return c.status;
    }
    if (journal_pack_all(dir, count, &packed, &e))
        return command_fault(EXIT_UNREACHED, &e);
    printf("%" PRIu64 " segments compressed, %" PRIu64 " were, %" PRIu64 " stay as they are\n",
           packed.made, packed.there, packed.without);
    return packed.status > c.status ? packed.status : c.status;
}

int journal_index_command(int argc, char **argv)
{
    const bool compress = strcmp(argv[0], "compress") == 0;
    const char *dir = NULL, *file = CONF_DEFAULT_FILE;
    struct conf *conf = NULL;
    bool anew = false;
    int status;
    const char *wrong = parse(argc, argv, &anew, &dir, &file);

    if (!wrong && compress && anew)
        wrong = "--anew goes with \"index\"";
    if (wrong)
        return command_usage(compress ? compress_usage : usage, wrong[0] ? wrong : NULL);
    if (!dir && command_load(file, true, &conf))
        return EXIT_USAGE;
    status = make_all(dir ? dir : conf->journal_dir, compress, anew);
    conf_free(conf);
    return status;
}
