/* Pure. The control socket's requests. */
#include "agent/core/request.h"

#include "base/json.h"

#include <string.h>

/* Which members were there. */
struct request_seen {
    bool cmd, mapping, json;
};

/* Copy a string member, once. */
static bool request_text(const struct json_value *v, bool *seen, char *out, size_t size)
{
    if (*seen || v->kind != JSON_STRING || v->text.n >= size)
        return false;
    if (v->text.n && memchr(v->text.p, '\0', v->text.n))
        return false;
    *seen = true;
    if (v->text.n)
        memcpy(out, v->text.p, v->text.n);
    out[v->text.n] = '\0';
    return true;
}

/* Copy a member that is true or false, once. */
static bool request_flag(const struct json_value *v, bool *seen, bool *out)
{
    if (*seen || v->kind != JSON_BOOL)
        return false;
    *out = v->integer != 0;
    *seen = true;
    return true;
}

/* Take in one member. */
static bool request_member(struct span name, const struct json_value *v, struct request_seen *seen,
                           struct request *out)
{
    if (span_equal(name, SPAN("cmd")))
        return request_text(v, &seen->cmd, out->cmd, sizeof out->cmd);
    if (span_equal(name, SPAN("mapping")))
        return request_text(v, &seen->mapping, out->mapping, sizeof out->mapping);
    if (span_equal(name, SPAN("json")))
        return request_flag(v, &seen->json, &out->json);
    return false;
}

bool request_parse(struct span line, struct request *ret)
{
    struct request_seen seen = {0};
    struct request r = {0};
    struct buf key, value;
    struct json_reader reader;
    struct json_value v;
    struct span name;
    enum json_step step;
    bool ok = true;

    buf_init(&key, REQUEST_BYTES_MAX);
    buf_init(&value, REQUEST_BYTES_MAX);
    json_read_begin(&reader, line, &key, &value);
    while (ok && (step = json_read_next(&reader, &name, &v)) != JSON_END)
        ok = step == JSON_MORE && request_member(name, &v, &seen, &r);
    buf_release(&key);
    buf_release(&value);
    if (!ok || !seen.cmd)
        return false;
    *ret = r;
    return true;
}
