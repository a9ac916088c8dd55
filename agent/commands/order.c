/* Shell. Orders to the running agent, over its socket. */
#include "agent/commands/commands.h"

#include "base/json.h"

#include <errno.h>
#include <stdio.h>

#define ANSWER_MAX  65536
#define REQUEST_MAX 65536

/* The order's line. */
static int encode(const struct command_order *order, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_string(&w, "cmd", order->cmd);
    if (order->mapping)
        json_put_string(&w, "mapping", order->mapping);
    if (order->path)
        json_put_string(&w, "path", order->path);
    if (order->what)
        json_put_string(&w, "what", order->what);
    if (order->key)
        json_put_string(&w, "key", order->key);
    if (order->timeout_s >= 0)
        json_put_int(&w, "timeout_s", order->timeout_s);
    json_object_end(&w);
    return json_end(&w) ? ERR_SYNTAX : buf_append_byte(out, '\n');
}

void command_unanswered(const struct conf *conf, int rc, struct err *e)
{
    if (rc == -ECONNREFUSED || rc == -ENOENT)
        err_set(e, rc, conf->socket,
                "start it: systemctl start lockstep; or restart it, if state_dir or socket was "
                "changed since it was started",
                "no agent is running");
    else if (rc == -EACCES)
        err_set(e, rc, conf->socket, "be root, the agent's user, or in its group",
                "the control socket may not be used");
    else if (rc == -EPROTO)
        err_set(e, rc, conf->socket, "see its log", "the agent ended before it answered");
    else
        err_set(e, rc, conf->socket, "is the agent stuck? see its log",
                "the agent does not answer: %s", err_name(rc));
}

int command_ask(const struct conf *conf, const struct command_order *order, int64_t wait_s,
                struct buf *out, struct err *e)
{
    struct buf request;
    int status = EXIT_UNREACHED, rc;

    buf_init(&request, REQUEST_MAX);
    rc = encode(order, &request);
    if (rc) {
        buf_release(&request);
        err_set(e, rc, order->path ? order->path : order->key, "a name in UTF-8",
                "cannot be said to the agent: %s", err_name(rc));
        return EXIT_USAGE;
    }
    rc = control_call_for(conf, request.data, wait_s, out, &status);
    buf_release(&request);
    if (rc)
        command_unanswered(conf, rc, e);
    return rc ? EXIT_UNREACHED : status;
}

int command_order(const struct conf *conf, const struct command_order *order, int64_t wait_s)
{
    struct err e = {0};
    struct buf answer;
    int status;

    buf_init(&answer, ANSWER_MAX);
    status = command_ask(conf, order, wait_s, &answer, &e);
    if (!e.code && answer.len)
        fwrite(answer.data, 1, answer.len, status ? stderr : stdout);
    buf_release(&answer);
    return e.code ? command_fault(status, &e) : status;
}
