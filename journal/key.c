/* Keys that sign a journal, and their text forms. Pure. */
#include "journal/key.h"

#include "base/digest.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_TYPE     0x01 /* Ed25519, of C2SP's table of signature types */
#define KEY_BYTES    (1 + ED25519_PUBLIC_BYTES)
#define KEY_BASE64   44 /* characters of KEY_BYTES bytes */
#define ID_DIGITS    (2 * JOURNAL_KEY_ID_BYTES)
#define PRIVATE_HEAD "PRIVATE+KEY+"

_Static_assert(ED25519_PUBLIC_BYTES == ED25519_SEED_BYTES, "both have one text form");
_Static_assert(sizeof(PRIVATE_HEAD) + JOURNAL_KEY_NAME_MAX + 1 + ID_DIGITS + 1 + KEY_BASE64 <=
                   JOURNAL_KEY_TEXT_MAX,
               "JOURNAL_KEY_TEXT_MAX is too small");

/* The spaces of Unicode beyond ASCII, as UTF-8. */
static bool is_wide_space(struct span c)
{
    static const struct span spaces[] = {
        SPAN("\xc2\x85"),     SPAN("\xc2\xa0"),     SPAN("\xe1\x9a\x80"), SPAN("\xe2\x80\xa8"),
        SPAN("\xe2\x80\xa9"), SPAN("\xe2\x80\xaf"), SPAN("\xe2\x81\x9f"), SPAN("\xe3\x80\x80")};

    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
        if (span_equal(c, spaces[i]))
            return true;
    /* U+2000 to U+200A */
    return c.n == 3 && memcmp(c.p, "\xe2\x80", 2) == 0 && (uint8_t)c.p[2] >= 0x80 &&
           (uint8_t)c.p[2] <= 0x8a;
}

bool journal_key_name_is_good(struct span name)
{
    for (size_t at = 0; at < name.n;) {
        struct span c = {name.p + at, utf8_length(name.p + at, name.n - at)};

        if (c.n == 0 || (uint8_t)*c.p <= ' ' || *c.p == '+' || is_wide_space(c))
            return false;
        at += c.n;
    }
    return name.n > 0;
}

bool journal_key_equal(const struct journal_key *a, const struct journal_key *b)
{
    return strcmp(a->name, b->name) == 0 && memcmp(a->id, b->id, sizeof(a->id)) == 0 &&
           memcmp(a->public, b->public, sizeof(a->public)) == 0;
}

int journal_key_init(struct journal_key *k, struct span name,
                     const uint8_t public[ED25519_PUBLIC_BYTES])
{
    static const uint8_t head[] = {'\n', KEY_TYPE};
    uint8_t hash[SHA256_BYTES];
    struct sha256 sha;

    if (!journal_key_name_is_good(name))
        return ERR_SYNTAX;
    if (name.n > JOURNAL_KEY_NAME_MAX)
        return ERR_LIMIT;
    sha256_begin(&sha);
    sha256_add(&sha, name.p, name.n);
    sha256_add(&sha, head, sizeof(head));
    sha256_add(&sha, public, ED25519_PUBLIC_BYTES);
    sha256_end(&sha, hash);
    memset(k->name, 0, sizeof(k->name));
    memcpy(k->name, name.p, name.n);
    memcpy(k->id, hash, sizeof(k->id));
    memcpy(k->public, public, sizeof(k->public));
    return 0;
}

/* What both text forms end in. */
struct fields {
    struct span name;
    uint8_t id[JOURNAL_KEY_ID_BYTES];
    uint8_t bytes[KEY_BASE64 / 4 * 3];
};

/* <name>+<id>+<base64>, with or without an LF. 0 or ERR_SYNTAX. */
static int fields_parse(struct span text, struct fields *ret)
{
    char again[ID_DIGITS + 1];
    const char *plus;
    size_t n;

    if (text.n && text.p[text.n - 1] == '\n')
        text.n--;
    plus = text.n ? memchr(text.p, '+', text.n) : NULL;
    if (!plus)
        return ERR_SYNTAX;
    ret->name = (struct span){text.p, (size_t)(plus - text.p)};
    if (text.n - ret->name.n != 1 + ID_DIGITS + 1 + KEY_BASE64 || plus[1 + ID_DIGITS] != '+' ||
        hex_decode(plus + 1, ID_DIGITS, ret->id) ||
        memcmp(hex_encode(ret->id, sizeof(ret->id), again), plus + 1, ID_DIGITS) != 0)
        return ERR_SYNTAX; /* digits in capitals would be a second spelling */
    if (base64_decode(plus + 1 + ID_DIGITS + 1, KEY_BASE64, ret->bytes, &n) || n != KEY_BYTES ||
        ret->bytes[0] != KEY_TYPE)
        return ERR_SYNTAX;
    return 0;
}

/* The way back, behind what stands in out already. */
static char *fields_format(const struct journal_key *k, const uint8_t bytes[32],
                           char out[JOURNAL_KEY_TEXT_MAX])
{
    uint8_t typed[KEY_BYTES] = {KEY_TYPE};
    char digits[ID_DIGITS + 1], text[KEY_BASE64 + 1];
    size_t n = strlen(out);

    memcpy(typed + 1, bytes, KEY_BYTES - 1);
    base64_encode(typed, sizeof(typed), text);
    snprintf(out + n, JOURNAL_KEY_TEXT_MAX - n, "%s+%s+%s", k->name,
             hex_encode(k->id, sizeof(k->id), digits), text); /* fits: asserted above */
    explicit_bzero(typed, sizeof(typed));
    explicit_bzero(text, sizeof(text));
    return out;
}

int journal_key_parse(struct span text, struct journal_key *ret)
{
    struct journal_key key;
    struct fields f;
    int rc = fields_parse(text, &f);

    if (rc == 0)
        rc = journal_key_init(&key, f.name, f.bytes + 1);
    if (rc == 0 && memcmp(key.id, f.id, sizeof(f.id)) != 0)
        rc = ERR_SYNTAX;
    if (rc == 0)
        *ret = key;
    return rc;
}

char *journal_key_format(const struct journal_key *k, char out[JOURNAL_KEY_TEXT_MAX])
{
    out[0] = '\0';
    return fields_format(k, k->public, out);
}

int journal_secret_init(struct journal_secret *s, struct span name,
                        const uint8_t seed[ED25519_SEED_BYTES])
{
    uint8_t public[ED25519_PUBLIC_BYTES];
    int rc = ed25519_public(seed, public);

    if (rc == 0)
        rc = journal_key_init(&s->key, name, public);
    if (rc == 0)
        memcpy(s->seed, seed, sizeof(s->seed));
    return rc;
}

int journal_secret_parse(struct span text, struct journal_secret *ret)
{
    struct span head = SPAN(PRIVATE_HEAD);
    struct journal_secret secret;
    struct fields f;
    int rc = ERR_SYNTAX;

    if (text.n > head.n && memcmp(text.p, head.p, head.n) == 0)
        rc = fields_parse((struct span){text.p + head.n, text.n - head.n}, &f);
    if (rc)
        return rc;
    rc = journal_secret_init(&secret, f.name, f.bytes + 1);
    if (rc == 0 && memcmp(secret.key.id, f.id, sizeof(f.id)) != 0)
        rc = ERR_SYNTAX;
    if (rc == 0)
        *ret = secret;
    journal_secret_wipe(&secret);
    explicit_bzero(f.bytes, sizeof(f.bytes));
    return rc;
}

char *journal_secret_format(const struct journal_secret *s, char out[JOURNAL_KEY_TEXT_MAX])
{
    memcpy(out, PRIVATE_HEAD, sizeof(PRIVATE_HEAD));
    return fields_format(&s->key, s->seed, out);
}

void journal_secret_wipe(struct journal_secret *s)
{
    explicit_bzero(s, sizeof(*s));
}
