/* Pure. The control socket's requests. */
#include "agent/core/request.h"

#include "base/json.h"

#include <string.h>

/* Which members were there. */
struct request_seen {
    bool cmd, mapping, json, path, timeout, key, what, etag, size, mode, uid, gid, mtime;
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

/* Copy a number, once. */
static bool request_number(const struct json_value *v, bool *seen, int64_t least, int64_t most,
                           int64_t *out)
{
    if (*seen || v->kind != JSON_INTEGER || v->integer < least || v->integer > most)
        return false;
    *out = v->integer;
    *seen = true;
    return true;
}

/* The same for one of 32 bits. */
static bool request_small(const struct json_value *v, bool *seen, uint32_t *out)
{
    int64_t n;

    if (!request_number(v, seen, 0, UINT32_MAX, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

/* Take in one member of what is asked about a key. */
static bool request_key_member(struct span name, const struct json_value *v,
                               struct request_seen *seen, struct request *out)
{
    int64_t n;

    if (span_equal(name, SPAN("key")))
        return request_text(v, &seen->key, out->key, sizeof out->key);
    if (span_equal(name, SPAN("what")))
        return request_text(v, &seen->what, out->what, sizeof out->what);
    if (span_equal(name, SPAN("etag")))
        return request_text(v, &seen->etag, out->etag, sizeof out->etag);
    if (span_equal(name, SPAN("mode")))
        return request_small(v, &seen->mode, &out->mode);
    if (span_equal(name, SPAN("uid")))
        return request_small(v, &seen->uid, &out->uid);
    if (span_equal(name, SPAN("gid")))
        return request_small(v, &seen->gid, &out->gid);
    if (span_equal(name, SPAN("mtime_ns")))
        return request_number(v, &seen->mtime, INT64_MIN, INT64_MAX, &out->mtime_ns);
    if (!span_equal(name, SPAN("size")) || !request_number(v, &seen->size, 0, INT64_MAX, &n))
        return false;
    out->size = (uint64_t)n;
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
    if (span_equal(name, SPAN("path")))
        return request_text(v, &seen->path, out->path, sizeof out->path);
    if (span_equal(name, SPAN("timeout_s")))
        return request_number(v, &seen->timeout, 0, REQUEST_TIMEOUT_S_MAX, &out->timeout_s);
    return request_key_member(name, v, seen, out);
}

bool request_parse(struct span line, struct request *ret)
{
    struct request_seen seen = {0};
    struct request r = {.timeout_s = -1};
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
