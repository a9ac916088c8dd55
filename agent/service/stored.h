/*
 * An object of the index as bytes: a head, where it is known when the file was made that time, then
 * etag, version, moved_to and, where LMDB's own key is not the whole one, the key; unterminated.
 * Pure.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_STORED_H
#define LOCKSTEP_AGENT_SERVICE_STORED_H

#include "agent/service/index.h"

#define STORED_KEY_MAX    1024 /* of an S3 key */
#define STORED_PAIR_BYTES 16   /* inode, first 8 bytes of the key's hash */

/* stored_size(known, key): bytes that stored_encode writes. key: NULL where it is not stored. */
size_t stored_size(const struct known *known, const char *key);
/* stored_encode(known, key, out): out has stored_size bytes. */
void stored_encode(const struct known *known, const char *key, void *out);
/* stored_decode(p, n, ret, ret_key): ret_key (may be NULL) gets the key, "" where none is stored. 0
 * or ERR_CORRUPT. */
int stored_decode(const void *p, size_t n, struct index_entry *ret,
                  char ret_key[STORED_KEY_MAX + 1]) __attribute__((warn_unused_result));
/* stored_flags(p, n, ret): its flags alone. 0 or ERR_CORRUPT. */
int stored_flags(const void *p, size_t n, unsigned *ret) __attribute__((warn_unused_result));
/* stored_pair(ino, key, out): what a key is found by from its file: the inode, big-endian, then a
 * hash of the key. */
void stored_pair(uint64_t ino, const char *key, uint8_t out[STORED_PAIR_BYTES]);

#endif
