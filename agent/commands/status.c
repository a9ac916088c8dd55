/* Shell. lockstep status: in step or not, what is open, what failed and why. */
#include "agent/commands/commands.h"

#include <errno.h>

#define ANSWER_MAX (16 << 20)

static const char usage[] =
    "usage: lockstep status [--json] [-c FILE]\n"
    "Ask the running agent, or read the state directory where none runs.\n"
    "Exit status: 0 in step, 1 not in step, 3 removals are held, 4 cannot be told,\n"
    "or the agent waits for room on the disk of its journal.\n";

/* The running agent's answer, else what the state directory tells. */
static int status_get(const struct conf *conf, bool json, struct buf *out, struct err *e)
{
    int status = EXIT_UNREACHED;
    int rc =
        control_call(conf, json ? "{\"cmd\":\"status\",\"json\":true}\n" : "{\"cmd\":\"status\"}\n",
                     out, &status);

    if (rc == -ECONNREFUSED || rc == -ENOENT)
        return service_status_offline(conf, json, out, e);
    if (rc) {
        err_set(e, rc, conf->socket, "is the agent stuck? see its log",
                "the agent does not answer: %s", err_name(rc));
        return EXIT_UNREACHED;
    }
    return status;
}

int command_status(int argc, char **argv)
{
    struct command_options opt;
    struct err e = {0};
    struct buf out;
    int status = command_begin(argc, argv, usage, TAKES_JSON | STANDS_APART, 0, &opt);

    if (status >= 0)
        return status;
    buf_init(&out, ANSWER_MAX);
    status = status_get(opt.conf, opt.json, &out, &e);
    if (out.len)
        fwrite(out.data, 1, out.len, stdout);
    buf_release(&out);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
