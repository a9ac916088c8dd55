/* Shell. What operators do with held removals. See held.h. */
#include "agent/commands/held.h"
#include "agent/commands/commands.h"

#include "base/path.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX 65536

/* The command line. */
struct asked {
    const char *file;
    char *mapping;
    char *path; /* as given */
    bool list;
    bool json;
};

/* Parse it: -1 to go on, or the exit status. */
static int parse(int argc, char **argv, const struct held_command *c, struct asked *ret)
{
    static const struct option options[] = {{"mapping", required_argument, NULL, 'm'},
                                            {"path", required_argument, NULL, 'p'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int o;

    *ret = (struct asked){.file = CONF_DEFAULT_FILE};
    while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (o == 'm')
            ret->mapping = optarg;
        else if (o == 'p')
            ret->path = optarg;
        else if (o == 'l')
            ret->list = true;
        else if (o == 'j')
            ret->json = true;
        else if (o == 'c')
            ret->file = optarg;
        else
            return command_usage(c->usage, o == 'h' ? NULL : "unknown option");
    }
    if (argc - optind > (ret->mapping ? 0 : 1))
        return command_usage(c->usage, "too many arguments");
    if (optind < argc)
        ret->mapping = argv[optind];
    if (ret->json && !ret->list)
        return command_usage(c->usage, "--json goes with --list");
    return -1;
}

/* The mapping that has the absolute path, the nearest one; *ret_path: below its tree. */
static const struct conf_mapping *mapping_at(const struct conf *conf, const char *path,
                                             const char **ret_path)
{
    const struct conf_mapping *best = NULL;
    size_t best_n = 0;

    for (size_t i = 0; i < conf->mapping_count; i++) {
        const struct conf_mapping *m = &conf->mappings[i];
        const char *trees[] = {m->path, m->given};

        for (size_t t = 0; t < 2; t++) {
            size_t n = trees[t] ? strlen(trees[t]) : 0;

            if (n <= best_n || strncmp(path, trees[t], n) != 0 || (path[n] && path[n] != '/'))
                continue;
            best = m;
            best_n = n;
            *ret_path = path[n] ? path + n + 1 : path + n;
        }
    }
    return best;
}

/* Which mapping and which path below it are meant. 0 or ERR_SYNTAX. */
static int resolve(const struct conf *conf, struct asked *q, struct service_said *said,
                   struct err *e)
{
    const struct conf_mapping *m;
    const char *below = q->path;
    size_t n;

    said->mapping = q->mapping;
    if (!q->path)
        return 0;
    n = strlen(q->path);
    while (n > 1 && q->path[n - 1] == '/')
        q->path[--n] = '\0';
    if (q->path[0] == '/') {
        m = mapping_at(conf, q->path, &below);
        if (!m || (q->mapping && strcmp(q->mapping, m->name) != 0))
            return err_set(e, ERR_SYNTAX, q->path,
                           "a path in a mapping's tree, or --mapping and a path below it",
                           "the path lies in no such mapping's tree");
        said->mapping = m->name;
    } else if (!q->mapping) {
        return err_set(e, ERR_SYNTAX, q->path, "--mapping, or an absolute path",
                       "a path below a tree needs its mapping");
    }
    if (below[0] == '\0')
        return 0;
    if (path_check(below))
        return err_set(e, ERR_SYNTAX, q->path, "a plain path without \"..\", \".\" or \"//\"",
                       "this is no path below a tree");
    said->path = below;
    return 0;
}

/* service_each_held's callback: one line. */
static int print_one(void *arg, const struct conf_mapping *m, const char *path)
{
    const struct asked *q = arg;
    struct json_writer w;
    struct buf out;

    if (!q->json) {
        command_print_name(m->path);
        putchar('/');
        command_print_name(path);
        putchar('\n');
        return 0;
    }
    buf_init(&out, ANSWER_MAX);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "mapping", m->name);
    json_put_string(&w, "path", path);
    return command_print_json(&w, &out);
}

/* Name what is held. */
static int list(const struct conf *conf, struct asked *q, const struct service_said *said,
                struct err *e)
{
    int rc = service_each_held(conf, said, print_one, q, e);

    if (rc == 0)
        return EXIT_IN_STEP;
    if (!e->code)
        err_set(e, rc, conf->state_dir, NULL, "the index cannot be read: %s", err_name(rc));
    return rc == -ENOENT && said->mapping ? EXIT_USAGE : EXIT_UNREACHED;
}

/* Say it to the agent, or to the state where none runs. */
static int say(const struct conf *conf, const struct held_command *c,
               const struct service_said *said, struct err *e)
{
    struct command_order order = {
        .cmd = c->cmd, .mapping = said->mapping, .path = said->path, .timeout_s = -1};
    struct buf answer;
    uint64_t count = 0;
    int status, rc;

    buf_init(&answer, ANSWER_MAX);
    status = command_ask(conf, &order, CONTROL_WAIT_S, &answer, e);
    if (!e->code && answer.len)
        fwrite(answer.data, 1, answer.len, status ? stderr : stdout);
    buf_release(&answer);
    if (e->code != -ECONNREFUSED && e->code != -ENOENT)
        return status;
    *e = (struct err){0};
    rc = service_said_offline(conf, said, &count, e);
    if (rc == 0)
        printf("%" PRIu64 " held removals %s\n", count, c->offline);
    else if (!e->code)
        err_set(e, rc, conf->state_dir, NULL, "nothing was done: %s", err_name(rc));
    return rc == 0 ? EXIT_IN_STEP : rc == -ENOENT ? EXIT_USAGE : EXIT_UNREACHED;
}

int held_command(int argc, char **argv, const struct held_command *c)
{
    struct service_said said = {.discard = c->discard};
    struct conf *conf = NULL;
    struct err e = {0};
    struct asked q;
    int status = parse(argc, argv, c, &q);

    if (status >= 0)
        return status;
    if (command_load(q.file, true, &conf))
        return EXIT_USAGE;
    if (resolve(conf, &q, &said, &e))
        status = EXIT_USAGE;
    else
        status = q.list ? list(conf, &q, &said, &e) : say(conf, c, &said, &e);
    conf_free(conf);
    return e.code ? command_fault(status, &e) : status;
}
