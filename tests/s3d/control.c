/* The control endpoints. Shell. */
#include "tests/s3d/control.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Append a line of plain text with this status. */
static void say(struct reply *reply, unsigned status, const char *text)
{
    reply->status = status;
    reply_header(reply, "Content-Type", "text/plain");
    text_format(&reply->body, "%s\n", text);
}

/* The members of a flat JSON object as parameters. */
static bool read_json(const struct buf *body, struct pairs *ret)
{
    struct buf key;
    struct buf value;
    struct json_reader reader;
    struct span name;
    struct json_value member;
    enum json_step step;
    text_begin(&key);
    text_begin(&value);
    json_read_begin(&reader, (struct span){body->data, body->len}, &key, &value);
    while ((step = json_read_next(&reader, &name, &member)) == JSON_MORE) {
        struct buf text;
        char *named = mem_dupn(name.p, name.n);
        text_begin(&text);
        if (member.kind == JSON_STRING)
            text_bytes(&text, member.text.p, member.text.n);
        else
            text_format(&text, "%lld", (long long)member.integer);
        pairs_add(ret, named, text.data ? text.data : "");
        free(named);
        buf_release(&text);
    }
    buf_release(&key);
    buf_release(&value);
    return step == JSON_END;
}

/* POST: arm one. */
static void arm(struct faults *f, const struct request *r, const struct buf *body,
                struct reply *reply)
{
    struct pairs parameters = {0};
    uint64_t id = 0;
    const char *wrong = NULL;
    for (size_t i = 0; i < r->query.n; i++)
        pairs_add(&parameters, r->query.at[i].name, r->query.at[i].value);
    if (body->len > 0 && !read_json(body, &parameters))
        wrong = "the body is not a flat JSON object";
    if (!wrong)
        wrong = faults_arm(f, &parameters, &id);
    pairs_release(&parameters);
    if (wrong) {
        say(reply, 400, wrong);
        return;
    }
    reply_header(reply, "Content-Type", "application/json");
    text_format(&reply->body, "{\"id\":%llu}\n", (unsigned long long)id);
}

/* DELETE: disarm one or all. */
static void clear(struct faults *f, const struct request *r, struct reply *reply)
{
    uint64_t id = 0;
    const char *text = request_query(r, "id");
    if (text && !text_number(text, &id)) {
        say(reply, 400, "id: a number");
        return;
    }
    faults_clear(f, id);
    reply->status = 204;
}

void control_answer(struct faults *f, struct keyring *k, const struct request *r,
                    const struct buf *body, struct reply *reply)
{
    if (strcmp(r->path, "/-/keys") == 0) {
        keyring_answer(k, r, reply);
    } else if (strcmp(r->path, "/-/fault") != 0) {
        say(reply, 404, "the control addresses are /-/fault and /-/keys");
    } else if (strcmp(r->method, "POST") == 0) {
        arm(f, r, body, reply);
    } else if (strcmp(r->method, "DELETE") == 0) {
        clear(f, r, reply);
    } else if (strcmp(r->method, "GET") == 0) {
        reply_header(reply, "Content-Type", "application/json");
        faults_render(f, &reply->body);
        text_add(&reply->body, "\n");
    } else {
        say(reply, 405, "GET, POST or DELETE");
    }
}
