/* Names of meta values of the index that belong to keys, which may be longer than names. Pure. */
#ifndef LOCKSTEP_AGENT_SERVICE_HASHED_H
#define LOCKSTEP_AGENT_SERVICE_HASHED_H

#include "base/digest.h"

#define HASHED_PREFIX_MAX 16
#define HASHED_NAME_SIZE  (HASHED_PREFIX_MAX + SHA256_HEX)

/* hashed_name(prefix, key, out): the prefix and the key's SHA-256. */
void hashed_name(const char *prefix, const char *key, char out[HASHED_NAME_SIZE]);

#endif
