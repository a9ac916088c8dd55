/*
 * Keys, and how they are let go. Pure.
 */
#include "uploaders/credentials.h"

#include "uploaders/profile.h"

#include <errno.h>
#include <string.h>

void credentials_wipe(struct credentials *c)
{
    secret_free(c->access_key);
    secret_free(c->secret_key);
    secret_free(c->session_token);
    *c = (struct credentials){0};
}

int credentials_make(const char *access_key, const char *secret_key, const char *session_token,
                     int64_t expires_us, struct credentials *ret)
{
    struct credentials c = {.expires_us = expires_us};
    c.access_key = strdup(access_key);
    c.secret_key = strdup(secret_key);
    c.session_token = session_token ? strdup(session_token) : NULL;
    if (!c.access_key || !c.secret_key || (session_token && !c.session_token)) {
        credentials_wipe(&c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

int credentials_copy(const struct credentials *from, struct credentials *ret)
{
    return credentials_make(from->access_key, from->secret_key, from->session_token,
                            from->expires_us, ret);
}

/* The same text, or both none. */
static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool credentials_same(const struct credentials *a, const struct credentials *b)
{
    return same_text(a->access_key, b->access_key) && same_text(a->secret_key, b->secret_key) &&
           same_text(a->session_token, b->session_token);
}

bool credentials_clean(const char *text)
{
    for (; text && *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}
