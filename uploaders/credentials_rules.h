/*
 * The small rules around keys: which addresses may be asked for them, how a command line falls into
 * words, when to ask again. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_RULES_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_RULES_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RULES_URL_MAX       2048
#define RULES_WORDS_MAX     128 /* of a command line */
#define ROLE_SESSION_MAX    64  /* bytes (STS API reference, AssumeRole) */
#define ROLE_DURATION_MIN_S 900
#define ROLE_DURATION_MAX_S 43200

/* rules_session_name(text): 2 to 64 of A-Za-z0-9 and _+=,.@- (STS API reference). */
bool rules_session_name(const char *text);

/* rules_default_session(host, out): "lockstep-HOST", what is not allowed in a name replaced. */
void rules_default_session(const char *host, char out[ROLE_SESSION_MAX + 1]);

/* rules_header_value(text): one line of printable ASCII, not empty. */
bool rules_header_value(const char *text);

/*
 * rules_container_url(url, e): may keys be asked for at this address? https anywhere; plain http
 * only on this host's loopback and at the addresses of ECS (169.254.170.2) and EKS
 * (169.254.170.23, fd00:ec2::23). The rule of the SDKs: a variable must not make us hand a token to
 * strangers. rules_metadata_url(url, e): http[s]://host[:port][/]. 0 or ERR_SYNTAX.
 */
int rules_container_url(const char *url, struct err *e) __attribute__((warn_unused_result));
int rules_metadata_url(const char *url, struct err *e) __attribute__((warn_unused_result));

/* rules_authority(url): bytes of "scheme://host:port" in it. */
size_t rules_authority(const char *url);

/*
 * rules_split(command, out, ret_words, ret_count): the words of a command line, as a shell would
 * split them: blanks separate, '...' and "..." hold together, '\' takes the next byte as it is
 * (inside "..." only before '"' and '\'). Nothing is expanded. `out` holds the words, each with a
 * NUL; ret_words points into it, NULL at the end. 0; ERR_SYNTAX for an open quote or no word at
 * all; ERR_LIMIT; -ENOMEM.
 */
int rules_split(const char *command, struct buf *out, char *ret_words[RULES_WORDS_MAX + 1])
    __attribute__((warn_unused_result));

/*
 * When to ask a source again. dice: any number, for the jitter.
 * rules_renew_at: keys got at now_us that expire at expires_us: 15 min before, or after half of
 * what is left where that is less; at least a second from now. rules_extended_at: keys that have
 * expired and are used on, since their source has no others: after 5 to 10 minutes (as the SDKs do
 * in an outage of instance metadata). rules_again_at: after the nth failure in a row (from 1): 1 s,
 * 2 s, ... at most a minute.
 */
#define RULES_AHEAD_US (15 * 60 * INT64_C(1000000))
int64_t rules_renew_at(int64_t now_us, int64_t expires_us, uint32_t dice);
int64_t rules_extended_at(int64_t now_us, uint32_t dice);
int64_t rules_again_at(int64_t now_us, unsigned failures, uint32_t dice);

#endif
