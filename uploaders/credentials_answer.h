/*
 * What the sources of keys answer: JSON of container endpoints, instance metadata and
 * credential_process, XML of STS. Pure: bytes in.
 *
 * JSON: one object, whose members we know are strings (Version: a number); members that are not
 * known may be anything. Nothing of an answer but an error's words is ever in a message.
 */
#ifndef LOCKSTEP_UPLOADERS_CREDENTIALS_ANSWER_H
#define LOCKSTEP_UPLOADERS_CREDENTIALS_ANSWER_H

#include "base/buf.h"
#include "base/err.h"
#include "uploaders/credentials.h"

#define CREDENTIALS_ANSWER_MAX (64 * 1024) /* bytes of an answer */
#define CREDENTIALS_WORDS_MAX  256

enum answer_kind {
    ANSWER_CONTAINER, /* AccessKeyId, SecretAccessKey, Token, Expiration */
    ANSWER_INSTANCE,  /* the same, and Code, which is Success */
    ANSWER_PROCESS    /* Version 1; SessionToken for Token; it and Expiration may be left out */
};

/* credentials_read_json(text, kind, ret, e): 0; ERR_SYNTAX where it is not such an answer;
 * ERR_REFUSED where it says why there are no keys; -ENOMEM. */
int credentials_read_json(struct span text, enum answer_kind kind, struct credentials *ret,
                          struct err *e) __attribute__((warn_unused_result));

/* credentials_read_sts(text, ret, e): the answer to AssumeRole or AssumeRoleWithWebIdentity. 0,
 * ERR_SYNTAX or -ENOMEM. */
int credentials_read_sts(struct span text, struct credentials *ret, struct err *e)
    __attribute__((warn_unused_result));

/* What an answer says went wrong, as far as it can be read; "" where it cannot. */
struct answer_error {
    char code[64];
    char message[CREDENTIALS_WORDS_MAX];
};

/* credentials_read_error(text, ret): of STS (XML) or of a container's endpoint (JSON). */
void credentials_read_error(struct span text, struct answer_error *ret);

#endif
