/* Shell. lockstep release: let held removals go. */
#include "agent/commands/commands.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>

#define ANSWER_MAX 65536

static const char usage[] =
    "usage: lockstep release [-c FILE] [MAPPING]\n"
    "Let the held removals of a mapping (of all, without a name) go: the guard held them because\n"
    "they looked like an accident. Without a running agent they go at its next start.\n";

/* The request's line. */
static int release_request(const char *mapping, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_string(&w, "cmd", "release");
    if (mapping)
        json_put_string(&w, "mapping", mapping);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

/* Ask the agent, or mark the state where none runs. */
static int release(const struct conf *conf, const char *mapping, struct err *e)
{
    struct buf request, answer;
    uint64_t count = 0;
    int status = EXIT_UNREACHED, rc;

    buf_init(&request, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    rc = release_request(mapping, &request);
    if (rc == 0)
        rc = control_call(conf, request.data, &answer, &status);
    if (rc == 0) {
        fwrite(answer.data, 1, answer.len, status ? stderr : stdout);
    } else if (rc == -ECONNREFUSED || rc == -ENOENT) {
        rc = service_release_offline(conf, mapping, &count, e);
        status = rc == 0 ? EXIT_IN_STEP : rc == -ENOENT ? EXIT_USAGE : EXIT_UNREACHED;
        if (rc == 0)
            printf("%" PRIu64 " held removals go at the agent's next start\n", count);
        else if (!e->code)
            err_set(e, rc, conf->state_dir, NULL, "not released: %s", err_name(rc));
    } else {
        command_unanswered(conf, rc, e);
    }
    buf_release(&request);
    buf_release(&answer);
    return status;
}

int command_release(int argc, char **argv)
{
    struct command_options opt;
    struct err e = {0};
    int status = command_begin(argc, argv, usage, STANDS_APART, 1, &opt);

    if (status >= 0)
        return status;
    status = release(opt.conf, opt.argument, &e);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
