/*
 * Which of a host's addresses the next connection goes to. Pure: time is an argument.
 *
 * In turn, but for those that could not be connected to: they are left out for a while, which
 * doubles with each failure in a row. Only addresses of the first one's family are used: that is
 * the family which this host reaches (RFC 6724).
 */
#ifndef LOCKSTEP_UPLOADERS_SPREAD_H
#define LOCKSTEP_UPLOADERS_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPREAD_ADDRESSES_MAX 32
#define SPREAD_TEXT_MAX      48    /* "[...]" of IPv6, or IPv4, and the NUL */
#define SPREAD_AVOID_MS      30000 /* after a first failure */
#define SPREAD_AVOID_TIMES   5     /* that it doubles at the most */

struct spread_address {
    char text[SPREAD_TEXT_MAX];
    unsigned failures;  /* in a row */
    int64_t avoided_ms; /* until then */
};

/* Zeroed to begin. */
struct spread {
    struct spread_address addresses[SPREAD_ADDRESSES_MAX];
    size_t count;
    size_t next;
};

/* spread_set(s, texts, count): these are the addresses now, the first SPREAD_ADDRESSES_MAX of them;
 * what is known of those that stay is kept. */
void spread_set(struct spread *s, const char (*texts)[SPREAD_TEXT_MAX], size_t count);

/* spread_pick(s, now_ms, out): the next one. false where there is no choice: fewer than two, or all
 * are avoided. */
bool spread_pick(struct spread *s, int64_t now_ms, char out[SPREAD_TEXT_MAX]);

/* spread_is_good(s, text, now_ms): it is one of them, and not avoided. */
bool spread_is_good(const struct spread *s, const char *text, int64_t now_ms);

/* spread_failed, spread_worked: what came of connecting to it. */
void spread_failed(struct spread *s, const char *text, int64_t now_ms);
void spread_worked(struct spread *s, const char *text);

#endif
