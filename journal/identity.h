/*
 * Whose journal it is. Shell.
 */
#ifndef LOCKSTEP_JOURNAL_IDENTITY_H
#define LOCKSTEP_JOURNAL_IDENTITY_H

#include "base/err.h"

#define JOURNAL_IDENTITY_UUID 37  /* bytes: 36 characters and the NUL */
#define JOURNAL_IDENTITY_HOST 256 /* bytes of a host's name with its NUL; longer ones are cut */

struct journal_identity {
    char uuid[JOURNAL_IDENTITY_UUID]; /* the journal's own: no other one has it but its copies */
    char host[JOURNAL_IDENTITY_HOST]; /* that wrote it last */
};

/* journal_identity_read(dir, ret, e): by the newest segment whose header can be read; both are ""
 * where there is none (yet). 0, -ENOMEM, -errno. */
int journal_identity_read(const char *dir, struct journal_identity *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
