/*
 * The small rules around keys. Pure.
 */
#include "uploaders/credentials_rules.h"

#include "base/clock.h"
#include "uploaders/credentials.h"
#include "uploaders/endpoint.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SESSION_PREFIX  "lockstep-"
#define AGAIN_FIRST_US  US_PER_S
#define AGAIN_MAX_US    (60 * US_PER_S)
#define AGAIN_DOUBLINGS 6
#define EXTENDED_US     (5 * 60 * US_PER_S)
#define JITTER_PARTS    1000

/* May stand in the name of a role's session. */
static bool is_session_byte(char c)
{
    return isalnum((unsigned char)c) || (c && strchr("_+=,.@-", c));
}

bool rules_session_name(const char *text)
{
    size_t n = strlen(text);
    bool good = n >= 2 && n <= ROLE_SESSION_MAX;
    for (size_t i = 0; i < n && good; i++)
        good = is_session_byte(text[i]);
    return good;
}

void rules_default_session(const char *host, char out[ROLE_SESSION_MAX + 1])
{
    snprintf(out, ROLE_SESSION_MAX + 1, "%s%s", SESSION_PREFIX, host && *host ? host : "agent");
    for (char *p = out; *p; p++)
        if (!is_session_byte(*p))
            *p = '-';
}

bool rules_header_value(const char *text)
{
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return *text != '\0';
}

size_t rules_authority(const char *url)
{
    const char *p = strstr(url, "://");
    p = p ? p + 3 : url;
    return (size_t)(p - url) + strcspn(p, "/?#");
}

/* A plain connection to this host may carry keys. */
static bool is_trusted_host(const char *name)
{
    static const char *const hosts[] = {"localhost", "::1", "169.254.170.2", "169.254.170.23",
                                        "fd00:ec2::23"};
    struct in_addr ip;
    struct in6_addr ip6, trusted;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        if (strcmp(name, hosts[i]) == 0)
            return true;
        if (inet_pton(AF_INET6, name, &ip6) == 1 && inet_pton(AF_INET6, hosts[i], &trusted) == 1 &&
            memcmp(&ip6, &trusted, sizeof(ip6)) == 0)
            return true;
    }
    return inet_pton(AF_INET, name, &ip) == 1 && ntohl(ip.s_addr) >> 24 == IN_LOOPBACKNET;
}

int rules_container_url(const char *url, struct err *e)
{
    char authority[RULES_URL_MAX];
    struct endpoint ep;
    size_t n = rules_authority(url);
    if (strlen(url) >= sizeof(authority) || !credentials_clean(url))
        return err_set(e, ERR_SYNTAX, "container endpoint", "an address of printable ASCII",
                       "the address is too long or has a byte that does not belong there");
    memcpy(authority, url, n);
    authority[n] = '\0';
    struct err why = {0};
    int rc = endpoint_of_url(authority, &ep, &why);
    if (rc)
        return err_set(e, rc, "container endpoint", why.right, "%.300s", why.what);
    if (ep.tls || is_trusted_host(ep.name))
        return 0;
    return err_set(e, ERR_SYNTAX, "container endpoint",
                   "https, or http on the loopback, 169.254.170.2, 169.254.170.23 or "
                   "[fd00:ec2::23]",
                   "keys are not asked for by plain http at \"%.200s\"", ep.host);
}

int rules_metadata_url(const char *url, struct err *e)
{
    struct endpoint ep;
    struct err why = {0};
    int rc = endpoint_of_url(url, &ep, &why);
    if (rc)
        return err_set(e, rc, "instance metadata", why.right, "%.300s", why.what);
    if (*ep.base_path)
        return err_set(e, ERR_SYNTAX, "instance metadata", "http[s]://host[:port]",
                       "a path in \"%.200s\"", url);
    return 0;
}

/* Where a command line is being read. */
struct splitter {
    const char *p;
    struct buf *out;
    char quote;   /* that is open; 0: none */
    bool in_word; /* '' is a word, too */
};

/* One byte as it is. */
static int take_byte(struct splitter *s, char c)
{
    s->in_word = true;
    return buf_append_byte(s->out, c);
}

/* The next byte of the line and what it means. */
static int take_next(struct splitter *s)
{
    char c = *s->p++;
    if (s->quote && c == s->quote) {
        s->quote = '\0';
        return 0;
    }
    bool escapes = c == '\\' && (!s->quote || (s->quote == '"' && (*s->p == '"' || *s->p == '\\')));
    if (escapes)
        return *s->p ? take_byte(s, *s->p++) : ERR_SYNTAX;
    if (s->quote)
        return take_byte(s, c);
    if (c == '"' || c == '\'') {
        s->quote = c;
        s->in_word = true;
        return 0;
    }
    if (c != ' ' && c != '\t')
        return take_byte(s, c);
    int rc = s->in_word ? buf_append_byte(s->out, '\0') : 0;
    s->in_word = false;
    return rc;
}

int rules_split(const char *command, struct buf *out, char *ret_words[RULES_WORDS_MAX + 1])
{
    struct splitter s = {.p = command, .out = out};
    size_t count = 0;
    int rc = 0;
    while (*s.p && rc == 0)
        rc = take_next(&s);
    if (rc == 0 && s.quote)
        rc = ERR_SYNTAX;
    if (rc == 0 && s.in_word)
        rc = buf_append_byte(out, '\0');
    if (rc == 0 && out->len == 0)
        rc = ERR_SYNTAX;
    for (size_t at = 0; at < out->len && rc == 0; at += strlen(out->data + at) + 1)
        if (count++ == RULES_WORDS_MAX)
            rc = ERR_LIMIT;
    if (rc)
        return rc;
    count = 0;
    for (size_t at = 0; at < out->len; at += strlen(out->data + at) + 1)
        ret_words[count++] = out->data + at;
    ret_words[count] = NULL;
    return 0;
}

/* Between 3/4 of a span and all of it, so that hosts do not ask in chorus. */
static int64_t shorten(int64_t span_us, uint32_t dice)
{
    return span_us - span_us / 4 * (dice % JITTER_PARTS) / JITTER_PARTS;
}

int64_t rules_renew_at(int64_t now_us, int64_t expires_us, uint32_t dice)
{
    if (expires_us == CREDENTIALS_FOREVER)
        return CREDENTIALS_FOREVER;
    int64_t left_us = expires_us > now_us ? expires_us - now_us : 0;
    int64_t ahead_us = left_us / 2 < RULES_AHEAD_US ? left_us / 2 : RULES_AHEAD_US;
    int64_t wait_us = left_us - ahead_us;
    /* The jitter takes from the wait, and from a long one not more than from what lies ahead. */
    int64_t jitter_us = wait_us < ahead_us ? wait_us : ahead_us;
    wait_us -= jitter_us - shorten(jitter_us, dice);
    return now_us + (wait_us < US_PER_S ? US_PER_S : wait_us);
}

int64_t rules_extended_at(int64_t now_us, uint32_t dice)
{
    return now_us + EXTENDED_US + EXTENDED_US / JITTER_PARTS * (dice % JITTER_PARTS);
}

int64_t rules_again_at(int64_t now_us, unsigned failures, uint32_t dice)
{
    unsigned doublings = failures > AGAIN_DOUBLINGS ? AGAIN_DOUBLINGS : failures ? failures - 1 : 0;
    int64_t wait_us = AGAIN_FIRST_US << doublings;
    return now_us + shorten(wait_us > AGAIN_MAX_US ? AGAIN_MAX_US : wait_us, dice);
}
