/*
 * What the sources of keys answer. Pure.
 */
#include "uploaders/credentials_answer.h"

#include "base/clock.h"
#include "base/json.h"
#include "uploaders/profile.h"
#include "uploaders/xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NESTED_MAX 64 /* levels of what is read over */

/* The members that we know, malloc'd or NULL. */
struct members {
    char *access_key;
    char *secret_key;
    char *token;
    char *expiration;
    char *code;
    char *message;
    int64_t version;
};

static void members_release(struct members *m)
{
    secret_free(m->access_key);
    secret_free(m->secret_key);
    secret_free(m->token);
    free(m->expiration);
    free(m->code);
    free(m->message);
    *m = (struct members){0};
}

/* --- JSON --------------------------------------------------------------------------------------*/

/* The end of a string that begins at p[at], which is its quote; n where it has none. */
static size_t skip_string(struct span s, size_t at)
{
    for (at++; at < s.n && s.p[at] != '"'; at++)
        if (s.p[at] == '\\')
            at++;
    return at < s.n ? at + 1 : s.n;
}

/* The end of the array or object that begins at `at`; 0 where its brackets do not match. */
static size_t skip_nested(struct span s, size_t at)
{
    char open[NESTED_MAX];
    size_t depth = 0;
    while (at < s.n) {
        char c = s.p[at];
        if (c == '"') {
            at = skip_string(s, at);
            continue;
        }
        if (c == '{' || c == '[') {
            if (depth == NESTED_MAX)
                return 0;
            open[depth++] = c;
        } else if (c == '}' || c == ']') {
            if (open[depth - 1] != (c == '}' ? '{' : '['))
                return 0;
            depth--;
        }
        at++;
        if (depth == 0)
            return at;
    }
    return 0;
}

/* The end of a number that begins at `at`; *ret_whole: it has neither fraction nor exponent. */
static size_t skip_number(struct span s, size_t at, bool *ret_whole)
{
    *ret_whole = true;
    for (; at < s.n && s.p[at] && strchr("0123456789+-.eE", s.p[at]); at++)
        if (s.p[at] == '.' || s.p[at] == 'e' || s.p[at] == 'E')
            *ret_whole = false;
    return at;
}

/* The end of the token at `at`; 0 where its brackets do not match. *ret_plain: the reader of flat
 * objects can read it. */
static size_t skip_token(struct span s, size_t at, bool inside, bool *ret_plain)
{
    char c = s.p[at];
    *ret_plain = true;
    if (c == '"')
        return skip_string(s, at);
    if (c == '-' || (c >= '0' && c <= '9'))
        return skip_number(s, at, ret_plain);
    if ((c != '{' && c != '[') || !inside)
        return at + 1;
    *ret_plain = false;
    return skip_nested(s, at);
}

/* The object with null in the place of every array, object and broken number in it, so that the
 * reader of flat objects can read it. */
static int flatten(struct span s, struct buf *out)
{
    static const char null[] = "null";
    bool inside = false;
    size_t at = 0;
    int rc = buf_reserve(out, s.n + sizeof(null));
    while (at < s.n && rc == 0) {
        bool plain;
        size_t end = skip_token(s, at, inside, &plain);
        if (end == 0)
            return ERR_SYNTAX;
        inside = inside || s.p[at] == '{';
        rc = plain ? buf_append(out, s.p + at, end - at) : buf_append_str(out, null);
        at = end;
    }
    return rc;
}

/* Where a member goes; NULL: it is not known. */
static char **find_member(struct members *m, struct span name)
{
    const struct {
        const char *name;
        char **to;
    } known[] = {
        {"AccessKeyId", &m->access_key},
        {"SecretAccessKey", &m->secret_key},
        {"Token", &m->token},
        {"SessionToken", &m->token},
        {"Expiration", &m->expiration},
        {"Code", &m->code},
        {"code", &m->code},
        {"Message", &m->message},
        {"message", &m->message},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (span_equal(name, span_of(known[i].name)))
            return known[i].to;
    return NULL;
}

/* Keep a member. ERR_SYNTAX where it is known and no string, or holds a NUL. */
static int keep_member(struct members *m, struct span name, const struct json_value *value)
{
    if (span_equal(name, SPAN("Version")) && value->kind == JSON_INTEGER) {
        m->version = value->integer;
        return 0;
    }
    char **to = find_member(m, name);
    if (!to || value->kind == JSON_NULL)
        return 0;
    if (value->kind != JSON_STRING || memchr(value->text.p, '\0', value->text.n))
        return ERR_SYNTAX;
    secret_free(*to);
    *to = strndup(value->text.p, value->text.n);
    return *to ? 0 : -ENOMEM;
}

/* Every member of the object. */
static int read_members(struct span text, struct members *m)
{
    struct buf flat, key, value;
    struct json_reader r;
    struct span name;
    struct json_value v;
    enum json_step step = JSON_BAD;
    if (text.n > CREDENTIALS_ANSWER_MAX)
        return ERR_SYNTAX;
    buf_init(&flat, 2 * CREDENTIALS_ANSWER_MAX);
    buf_init(&key, CREDENTIALS_ANSWER_MAX);
    buf_init(&value, CREDENTIALS_ANSWER_MAX);
    int rc = flatten(text, &flat);
    rc = rc ?: buf_reserve(&key, text.n);
    rc = rc ?: buf_reserve(&value, text.n); /* so that decoding leaves no copies behind */
    if (rc == 0)
        json_read_begin(&r, (struct span){flat.data, flat.len}, &key, &value);
    while (rc == 0 && (step = json_read_next(&r, &name, &v)) == JSON_MORE)
        rc = keep_member(m, name, &v);
    if (rc == 0 && step != JSON_END)
        rc = ERR_SYNTAX;
    buf_wipe(&flat);
    buf_wipe(&key);
    buf_wipe(&value);
    return rc;
}

/* --- both --------------------------------------------------------------------------------------*/

/* Tell that an answer lacks something. */
static int lacks(struct err *e, const char *what)
{
    return err_set(e, ERR_SYNTAX, "", "", "the answer has %s", what);
}

/* Keys out of the members. */
static int make_keys(const struct members *m, bool lasting, struct credentials *ret, struct err *e)
{
    int64_t expires_us = CREDENTIALS_FOREVER;
    if (!m->access_key || !*m->access_key)
        return lacks(e, "no AccessKeyId");
    if (!m->secret_key || !*m->secret_key)
        return lacks(e, "no SecretAccessKey");
    if (!lasting && (!m->token || !*m->token))
        return lacks(e, "no session token");
    if (!lasting && !m->expiration)
        return lacks(e, "no Expiration");
    if (!credentials_clean(m->access_key) || !credentials_clean(m->secret_key) ||
        !credentials_clean(m->token))
        return lacks(e, "a byte in a key that does not belong there");
    if (m->expiration && clock_parse(m->expiration, 0, &expires_us) != 0)
        return lacks(e, "an Expiration that is no time");
    const char *token = m->token && *m->token ? m->token : NULL;
    int rc = credentials_make(m->access_key, m->secret_key, token, expires_us, ret);
    return rc ? err_set(e, rc, "", "", "out of memory") : 0;
}

/* An answer that says why there are no keys. */
static int check_code(const struct members *m, struct err *e)
{
    if (m->code && strcmp(m->code, "Success") != 0)
        return err_set(e, ERR_REFUSED, "", "", "it says %.60s%s%.160s", m->code,
                       m->message ? ": " : "", m->message ? m->message : "");
    return 0;
}

int credentials_read_json(struct span text, enum answer_kind kind, struct credentials *ret,
                          struct err *e)
{
    struct members m = {0};
    int rc = read_members(text, &m);
    if (rc)
        err_set(e, rc, "", "", "%s",
                rc == -ENOMEM ? "out of memory" : "the answer is not the JSON that is expected");
    if (rc == 0 && kind == ANSWER_PROCESS && m.version != 1)
        rc = err_set(e, ERR_SYNTAX, "", "\"Version\": 1", "the answer has another Version than 1");
    if (rc == 0 && kind != ANSWER_PROCESS)
        rc = check_code(&m, e);
    if (rc == 0)
        rc = make_keys(&m, kind == ANSWER_PROCESS, ret, e);
    members_release(&m);
    return rc;
}

/* --- XML ---------------------------------------------------------------------------------------*/

static int ignore_open(void *arg, const char *path)
{
    (void)arg; /* what opens says nothing before it closes */
    (void)path;
    return 0;
}

/* "AssumeRoleResponse/AssumeRoleResult/Credentials/AccessKeyId" and the like. */
static int on_sts(void *arg, const char *path, const char *text)
{
    static const char *const places[] = {
        "AssumeRoleResponse/AssumeRoleResult/Credentials/",
        "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/",
    };
    struct members *m = arg;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        size_t n = strlen(places[i]);
        if (strncmp(path, places[i], n) != 0)
            continue;
        char **to = find_member(m, span_of(path + n));
        if (!to)
            return 0;
        secret_free(*to);
        *to = strdup(text);
        return *to ? 0 : -ENOMEM;
    }
    return 0;
}

int credentials_read_sts(struct span text, struct credentials *ret, struct err *e)
{
    struct members m = {0};
    const struct xml_visitor v = {
        .arg = &m, .open = ignore_open, .close = on_sts, .is_secret = true};
    int rc = xml_walk(text, &v);
    if (rc == -ENOMEM)
        err_set(e, rc, "", "", "out of memory");
    else if (rc)
        rc = err_set(e, ERR_SYNTAX, "", "", "the answer is not the XML that is expected");
    else
        rc = make_keys(&m, false, ret, e);
    members_release(&m);
    return rc;
}

/* "ErrorResponse/Error/Code", or "Error/Code" of other servers. */
static int on_error(void *arg, const char *path, const char *text)
{
    struct answer_error *error = arg;
    const char *at = strncmp(path, "ErrorResponse/", 14) == 0 ? path + 14 : path;
    if (strcmp(at, "Error/Code") == 0)
        snprintf(error->code, sizeof(error->code), "%s", text);
    else if (strcmp(at, "Error/Message") == 0)
        snprintf(error->message, sizeof(error->message), "%s", text);
    return 0;
}

void credentials_read_error(struct span text, struct answer_error *ret)
{
    struct answer_error error = {.code = ""};
    const struct xml_visitor v = {.arg = &error, .open = ignore_open, .close = on_error};
    struct members m = {0};
    if (text.n > 0 && text.p[0] == '{') {
        if (read_members(text, &m) == 0) {
            snprintf(error.code, sizeof(error.code), "%s", m.code ? m.code : "");
            snprintf(error.message, sizeof(error.message), "%s", m.message ? m.message : "");
        }
        members_release(&m);
    } else if (xml_walk(text, &v) != 0) {
        error = (struct answer_error){.code = ""};
    }
    *ret = error;
}
