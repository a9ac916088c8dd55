/* Object Lock. Shell. */
#include "tests/s3d/lock.h"

#include "base/clock.h"

#include <string.h>

#define MODE  "x-amz-object-lock-mode"
#define UNTIL "x-amz-object-lock-retain-until-date"

/* Seconds of the date, 0 where it is none. */
static int64_t until_s(const char *text)
{
    int64_t us = 0;
    return text && strchr(text, 'T') && clock_parse(text, 0, &us) == 0 ? us / US_PER_S : 0;
}

enum code lock_check(const struct call *c)
{
    const char *mode = request_header(c->request, MODE);
    const char *until = request_header(c->request, UNTIL);
    enum operation op = c->request->op;
    if (!mode && !until)
        return CODE_OK;
    if (op != OP_PUT_OBJECT && op != OP_COPY_OBJECT && op != OP_CREATE_MULTIPART_UPLOAD)
        return CODE_NOT_IMPLEMENTED;
    if (!mode || (strcmp(mode, "GOVERNANCE") != 0 && strcmp(mode, "COMPLIANCE") != 0) ||
        until_s(until) <= c->now_s)
        return CODE_INVALID_ARGUMENT;
    if (!c->limits->object_lock)
        return CODE_INVALID_REQUEST;
    if (op == OP_PUT_OBJECT && !c->body->has_checksum && !c->body->claimed[HASH_MD5].set)
        return CODE_MISSING_DIGEST;
    return CODE_OK;
}

enum code lock_is_open(const struct call *c, const char *key, const char *version)
{
    struct object *o = NULL;
    enum code code = CODE_OK;
    if (!version || store_get(c->store, c->request->bucket, key, version, &o) != CODE_OK)
        return CODE_OK;
    if (until_s(pairs_get(&o->headers, UNTIL)) > c->now_s)
        code = CODE_ACCESS_DENIED;
    object_unref(o);
    return code;
}
