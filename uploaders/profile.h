/*
 * The shared files of the AWS tools: ~/.aws/credentials and ~/.aws/config. Pure: bytes in.
 *
 * The syntax is INI: "[section]", "name = value", comments from '#' or ';' at the start of a line
 * or after white space. In the credentials file profile x is the section "[x]"; in the config file
 * it is "[profile x]", the default one also "[default]", and "[services x]" holds endpoints. An
 * indented line after "name =" with no value is a nested setting (s3 = ...); outside of a services
 * section it is read over. A name that comes twice in a profile: the last counts.
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
 * for `login`; profile_release. What may have blanks says so; the rest is printable ASCII. */
struct profile {
    bool found;          /* the file has the profile's section */
    char *access_key;    /* aws_access_key_id */
    char *secret_key;    /* aws_secret_access_key */
    char *session_token; /* aws_session_token */
    char *region;
    char *endpoint_url;
    char *ignore_endpoints; /* ignore_configured_endpoint_urls */
    char *use_fips;         /* use_fips_endpoint, use_dualstack_endpoint */
    char *use_dualstack;
    char *services; /* the name of a services section; blanks */
    char *role_arn;
    char *source_profile;    /* blanks */
    char *credential_source; /* blanks */
    char *external_id;
    char *session_name; /* role_session_name */
    char *duration;     /* duration_seconds */
    char *mfa_serial;
    char *token_file;        /* web_identity_token_file; blanks */
    char *process;           /* credential_process, a command line; blanks */
    char *metadata_endpoint; /* ec2_metadata_service_endpoint */
    char *metadata_mode;     /* ec2_metadata_service_endpoint_mode */
    const char *login;       /* the name of a setting that asks for a login by a person; static */
};

/* What a services section says; malloc'd or NULL. services_release. */
struct services {
    char *s3_url;
    char *sts_url;
};

/*
 * profile_parse(text, file_name, kind, name, ret, e): the settings of profile `name`. The whole
 * text is checked, so that a fault is told whichever profile is used; values are never in a
 * message. 0 (ret->found false where there is no such section), ERR_SYNTAX, ERR_LIMIT or -ENOMEM
 * with e saying file:line.
 */
int profile_parse(struct span text, const char *file_name, enum profile_file kind, const char *name,
                  struct profile *ret, struct err *e) __attribute__((warn_unused_result));

/* profile_parse_services(text, file_name, name, ret, e): the endpoints of "[services name]" of a
 * config file; both NULL where there is no such section. Errors as above. */
int profile_parse_services(struct span text, const char *file_name, const char *name,
                           struct services *ret, struct err *e) __attribute__((warn_unused_result));

/* secret_free(s): overwrite a malloc'd string with zeroes, then free it; NULL is allowed. */
void secret_free(char *s);

/* profile_release(p), services_release(s): wipe, free; empty again. */
void profile_release(struct profile *p);
void services_release(struct services *s);

#endif
