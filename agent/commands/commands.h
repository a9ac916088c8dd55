/*
 * The commands: one file each. A command gets what stands behind its name on the command line
 * (argv[0] is the name) and returns an exit status; it has said everything itself.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_COMMANDS_H
#define LOCKSTEP_AGENT_COMMANDS_COMMANDS_H

#include "agent/service/service.h"
#include "base/json.h"
#include "conf/conf.h"

int command_init(int argc, char **argv);
int command_agent(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_status(int argc, char **argv);
int command_release(int argc, char **argv);
int command_discard(int argc, char **argv);
int command_config(int argc, char **argv);
int command_journal(int argc, char **argv);
int command_lst(int argc, char **argv);
int command_pack(int argc, char **argv);
int command_manifest(int argc, char **argv);
int command_channels(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_adopt(int argc, char **argv);
int command_wait(int argc, char **argv);
int command_rescan(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_reload(int argc, char **argv);

/* What a command takes besides -c FILE and --help. */
#define TAKES_JSON  1u /* --json */
#define TAKES_ONCE  2u /* --once */
#define TAKES_WATCH 8u /* --watch */
/* And that it only talks to the agent: it must not wait for a tree that does not answer. */
#define STANDS_APART 4u

struct command_options {
    bool json;
    bool once;
    bool watch;
    const char *argument; /* the one behind the options, or NULL */
    struct conf *conf;    /* loaded and checked; the command's to free */
};

/*
 * command_begin(argc, argv, usage, takes, arguments, ret): parse the options, load the
 * configuration, start logging by it. `arguments` is how many words may follow. Returns -1 where
 * the command is to go on; else the exit status, everything having been said.
 */
int command_begin(int argc, char **argv, const char *usage, unsigned takes, int arguments,
                  struct command_options *ret);

/* command_load(file, apart, ret): load the configuration (`apart`: without a look at the trees) and
 * start logging by it; prints the faults. 0 or EXIT_USAGE. The caller frees with conf_free. */
int command_load(const char *file, bool apart, struct conf **ret);

/* command_fault(e): print an error and return `status`. */
int command_fault(int status, const struct err *e);

/* What an order to the running agent says. */
struct command_order {
    const char *cmd;
    const char *mapping, *path, *what, *key; /* NULL: not said */
    int64_t timeout_s;                       /* -1: not said */
};

/* command_unanswered(conf, rc, e): why the agent gave no answer (control_call's code), and what to
 * do. */
void command_unanswered(const struct conf *conf, int rc, struct err *e);

/* command_ask(conf, order, wait_s, out, e): send the order and append what the agent answers to
 * out; wait_s: how long it may take, 0: any time. The exit status; e tells where there was no
 * answer. */
int command_ask(const struct conf *conf, const struct command_order *order, int64_t wait_s,
                struct buf *out, struct err *e);

/* command_order(conf, order, wait_s): the same, and print the answer. CONTROL_WAIT_S for orders
 * that are carried out at once. */
int command_order(const struct conf *conf, const struct command_order *order, int64_t wait_s);

/* command_print_name(name): print a name, or other text from outside, with control characters and
 * what is not UTF-8 made visible. command_print_span: the same of bytes. */
void command_print_name(const char *name);
void command_print_span(struct span text);

/* command_print_json(w, out): end the object that was written into `out`, print it as a line, and
 * release `out`. 0 or what json_end gives (nothing printed). */
int command_print_json(struct json_writer *w, struct buf *out);

/* command_usage(text, wrong): print the usage (to stdout where wrong is NULL, else to stderr after
 * what is wrong). EXIT_IN_STEP or EXIT_USAGE. */
int command_usage(const char *text, const char *wrong);

#endif
