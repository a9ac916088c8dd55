/*
 * The shared files of the AWS tools: ~/.aws/credentials and ~/.aws/config. Pure: bytes in.
 *
 * The syntax is INI: "[section]", "name = value", comments from '#' or ';' at the start of a line
 * or after white space. In the credentials file profile x is the section "[x]"; in the config file
 * it is
 * "[profile x]", the default one also "[default]". An indented line after "name =" with no value is
 * a nested setting (s3 = ...); it is read over. A name that comes twice in a profile: the last
 * counts.
 */
#ifndef LOCKSTEP_UPLOADERS_PROFILE_H
#define LOCKSTEP_UPLOADERS_PROFILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define PROFILE_FILE_MAX  (1024 * 1024) /* bytes of a file */
#define PROFILE_VALUE_MAX 8192          /* bytes of a value; session tokens are long */

enum profile_file { PROFILE_CREDENTIALS, PROFILE_CONFIG };

/* The settings of one profile that we know; NULL where absent or empty. Strings are malloc'd, but
 * for `other`; profile_release. */
struct profile {
    bool found;          /* the file has the profile's section */
    char *access_key;    /* aws_access_key_id */
    char *secret_key;    /* aws_secret_access_key */
    char *session_token; /* aws_session_token */
    char *region;
    char *endpoint_url;
    bool role; /* the keys come from a role or a login (role_arn, web_identity_token_file, sso_...),
                  which goes before keys in the same profile */
    bool process;      /* credential_process, which goes after keys in the credentials file */
    const char *other; /* the name of the setting that says so; static */
};

/*
 * profile_parse(text, file_name, kind, name, ret, e): the settings of profile `name`. The whole
 * text is checked, so that a fault is told whichever profile is used; values are never in a
 * message. 0 (ret->found false where there is no such section), ERR_SYNTAX, ERR_LIMIT or -ENOMEM
 * with e saying file:line.
 */
int profile_parse(struct span text, const char *file_name, enum profile_file kind, const char *name,
                  struct profile *ret, struct err *e) __attribute__((warn_unused_result));

/* secret_free(s): overwrite a malloc'd string with zeroes, then free it; NULL is allowed. */
void secret_free(char *s);

/* profile_release(p): wipe the secrets, free; p is empty again. */
void profile_release(struct profile *p);

#endif
