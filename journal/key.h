/*
 * Keys that sign a journal, and their text forms (C2SP signed-note, Ed25519). The text forms are
 * those of Go's golang.org/x/mod/sumdb/note, so that its tools take our keys:
 *
 *   public    <name>+<id, 8 hex digits>+<base64 of 0x01 and 32 bytes public key>
 *   private   PRIVATE+KEY+<name>+<id>+<base64 of 0x01 and 32 bytes seed>
 *
 * The id is the first four bytes of SHA-256(name || LF || 0x01 || public key). A name is not empty,
 * and has neither '+' nor spaces nor control characters; a URL without its scheme is customary.
 * Everything but the last three functions is pure.
 */
#ifndef LOCKSTEP_JOURNAL_KEY_H
#define LOCKSTEP_JOURNAL_KEY_H

#include "base/buf.h"
#include "base/ed25519.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_KEY_NAME_MAX 128 /* bytes */
#define JOURNAL_KEY_ID_BYTES 4
#define JOURNAL_KEY_TEXT_MAX 256 /* bytes that no text form reaches, NUL included */

struct journal_key {
    char name[JOURNAL_KEY_NAME_MAX + 1];
    uint8_t id[JOURNAL_KEY_ID_BYTES];
    uint8_t public[ED25519_PUBLIC_BYTES];
};

struct journal_secret {
    struct journal_key key;
    uint8_t seed[ED25519_SEED_BYTES];
};

/* journal_key_name_is_good(name): the name is one that a key may have, whatever its length. */
bool journal_key_name_is_good(struct span name);

/* journal_key_equal(a, b): the same name, id and public key. */
bool journal_key_equal(const struct journal_key *a, const struct journal_key *b);

/* journal_key_init(k, name, public): 0, or ERR_SYNTAX for a name that is none, ERR_LIMIT for one
 * that is too long. */
int journal_key_init(struct journal_key *k, struct span name,
                     const uint8_t public[ED25519_PUBLIC_BYTES])
    __attribute__((warn_unused_result));

/* journal_key_parse(text, ret): the public form, with or without an LF behind it; its id must be
 * the key's. 0, ERR_SYNTAX, ERR_LIMIT. journal_key_format(k, out): the public form; returns out. */
int journal_key_parse(struct span text, struct journal_key *ret)
    __attribute__((warn_unused_result));
char *journal_key_format(const struct journal_key *k, char out[JOURNAL_KEY_TEXT_MAX]);

/* journal_secret_init(s, name, seed): as journal_key_init; also -ENOMEM. parse, format: the private
 * form. journal_secret_wipe(s): overwrite it; whoever has one does so when it is not needed. */
int journal_secret_init(struct journal_secret *s, struct span name,
                        const uint8_t seed[ED25519_SEED_BYTES]) __attribute__((warn_unused_result));
int journal_secret_parse(struct span text, struct journal_secret *ret)
    __attribute__((warn_unused_result));
char *journal_secret_format(const struct journal_secret *s, char out[JOURNAL_KEY_TEXT_MAX]);
void journal_secret_wipe(struct journal_secret *s);

/* journal_key_create(path, name, ret, e): a new key in a new file of mode 0600, durable; a file
 * that is there is never touched (-EEXIST). 0 and the public half; ERR_SYNTAX or ERR_LIMIT for the
 * name; -errno, and no file. */
int journal_key_create(const char *path, const char *name, struct journal_key *ret, struct err *e)
    __attribute__((warn_unused_result));

/* journal_key_load(path, ret, e): the private key of a file that nobody but its owner may use. 0,
 * ERR_SYNTAX (no key is in it), ERR_REFUSED (others may use it), ERR_NOT_FILE, -errno. */
int journal_key_load(const char *path, struct journal_secret *ret, struct err *e)
    __attribute__((warn_unused_result));

/* journal_key_find(where, ret, e): the same for what stands in a configuration: an absolute path,
 * or the name of a credential that systemd has put into $CREDENTIALS_DIRECTORY (whose group may
 * read it: the rights are systemd's there). -ENOENT also where there is no such directory. */
int journal_key_find(const char *where, struct journal_secret *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
