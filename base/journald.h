/*
 * Entries of systemd's journal in its native protocol: a datagram of fields. Pure.
 *
 * A field is "NAME=value" LF where the value has no LF, else NAME LF, its length as 64 bits little
 * endian, the value, LF (systemd's JOURNAL_NATIVE_PROTOCOL).
 */
#ifndef LOCKSTEP_BASE_JOURNALD_H
#define LOCKSTEP_BASE_JOURNALD_H

#include "base/buf.h"

/* journald_field(out, name, value): add one; name is of upper-case letters, digits and '_'. 0,
 * -ENOMEM or ERR_LIMIT; out is unchanged then. */
int journald_field(struct buf *out, const char *name, const char *value)
    __attribute__((warn_unused_result));

#endif
