/*
 * Where an export or a report goes: the standard output, or a file that appears whole or not at
 * all. Shell.
 *
 *   output_open -> output_write ... -> output_commit        it is all there, and durable
 *                                  \-> output_abort       there is no file, or the old one
 *
 * A file is written under the temporary name of base/replace.h, mode 0600, beside its place. The
 * signals that ask a program to end are noted meanwhile, so that nothing is left behind.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_OUTPUT_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_OUTPUT_H

#include "agent/commands/journal_sources.h"
#include "base/err.h"
#include "base/replace.h"

#include <limits.h>
#include <stdio.h>

/* What export and report take on the command line: where from, of when, where to. */
struct output_options {
    const char *file; /* the configuration */
    struct sources_options sources;
    const char *path;
    bool force;
    int64_t since_us, until_us;
};

#define OUTPUT_SHORT_OPTIONS "o:c:h"
/* clang-format off */
#define OUTPUT_OPTIONS                                                                             \
    {"since", required_argument, NULL, 's'}, {"until", required_argument, NULL, 'u'},              \
    {"output", required_argument, NULL, 'o'}, {"force", no_argument, NULL, 'r'},                   \
    {"dir", required_argument, NULL, 'd'}, {"config", required_argument, NULL, 'c'},               \
    {"host", required_argument, NULL, 'H'}, {"help", no_argument, NULL, 'h'}, {0}
/* clang-format on */

/* output_option(opt, c, text): what getopt_long has found, if it is one of these. NULL, "" for
 * --help, or what is wrong. output_options_init(opt): everything, to the standard output. */
void output_options_init(struct output_options *opt);
const char *output_option(struct output_options *opt, int c, const char *text);

struct output {
    FILE *file;          /* to write to */
    const char *path;    /* as it was given; NULL: the standard output */
    char temp[PATH_MAX]; /* the temporary file, where something else is to write it */
    struct replace replace;
    bool force;
};

/* output_check(path, force, e): could it be opened? NULL or "-" is the standard output. A file that
 * is there is refused (-EEXIST) without `force`, what is no file always (ERR_NOT_FILE). 0 or a
 * negative code. */
int output_check(const char *path, bool force, struct err *e) __attribute__((warn_unused_result));

/* output_sources(opt, ret_conf, ret): the journals that are meant, and the configuration, or NULL
 * where directories were given. -1, or the exit status, everything having been said. */
int output_sources(const struct output_options *opt, struct conf **ret_conf,
                   struct journal_sources *ret);

/* output_open(o, path, force, e): begin. 0 or a negative code. */
int output_open(struct output *o, const char *path, bool force, struct err *e)
    __attribute__((warn_unused_result));

/* output_write(o, p, n, e): write so many bytes. 0 or -errno. */
int output_write(struct output *o, const void *p, size_t n, struct err *e)
    __attribute__((warn_unused_result));

/* output_interrupted(): a signal has asked us to end. */
bool output_interrupted(void);

/* output_failed(o, rc, e): e says that it could not be written, and why; returns rc. */
int output_failed(const struct output *o, int rc, struct err *e);

/* output_status(rc): the exit status of a command that could not write. */
int output_status(int rc);

/* output_commit(o, e): put the file in its place; on the standard output, make sure that all has
 * been taken. 0 or a negative code (then as after output_abort). */
int output_commit(struct output *o, struct err *e) __attribute__((warn_unused_result));

/* output_abort(o): nothing happened. Harmless after output_commit, and for one that is zeroed. If a
 * signal had asked us to end, the program ends here by it. */
void output_abort(struct output *o);

#endif
