/* Signed notes. Pure. */
#include "journal/note.h"

#include "base/digest.h"
#include "base/utf8.h"
#include "journal/frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DASH "\xe2\x80\x94 " /* U+2014 and a space */

/* A line of a signature, taken apart. */
struct signature {
    struct span name;
    uint8_t bytes[JOURNAL_NOTE_SIGNATURE / 4 * 3]; /* id, signature */
    size_t n;
};

/* UTF-8, and no control characters but LF. */
static bool is_plain(struct span in)
{
    for (size_t at = 0; at < in.n;) {
        size_t n = utf8_length(in.p + at, in.n - at);

        if (n == 0 || ((uint8_t)in.p[at] < ' ' && in.p[at] != '\n'))
            return false;
        at += n;
    }
    return true;
}

/* 0 or ERR_SYNTAX. */
static int signature_parse(struct span line, struct signature *ret)
{
    struct span dash = SPAN(DASH), text;
    const char *space;

    if (line.n <= dash.n || memcmp(line.p, dash.p, dash.n) != 0)
        return ERR_SYNTAX;
    line = (struct span){line.p + dash.n, line.n - dash.n};
    space = memchr(line.p, ' ', line.n);
    if (!space)
        return ERR_SYNTAX;
    ret->name = (struct span){line.p, (size_t)(space - line.p)};
    text = (struct span){space + 1, line.n - ret->name.n - 1};
    if (!journal_key_name_is_good(ret->name) || text.n > JOURNAL_NOTE_SIGNATURE ||
        base64_decode(text.p, text.n, ret->bytes, &ret->n) || ret->n <= JOURNAL_KEY_ID_BYTES)
        return ERR_SYNTAX;
    return 0;
}

int journal_note_parse(struct span in, struct journal_note *ret)
{
    struct signature s;
    struct span rest, line;
    size_t at = in.n;

    if (in.n > JOURNAL_NOTE_MAX)
        return ERR_LIMIT;
    while (at >= 2 && memcmp(in.p + at - 2, "\n\n", 2) != 0)
        at--;
    if (at < 3 || at == in.n || in.p[in.n - 1] != '\n' || !is_plain(in))
        return ERR_SYNTAX;
    rest = (struct span){in.p + at, in.n - at};
    while (journal_line_next(&rest, &line))
        if (signature_parse(line, &s))
            return ERR_SYNTAX;
    *ret = (struct journal_note){.text = {in.p, at - 1}, .signatures = {in.p + at, in.n - at}};
    return 0;
}

/* The key that the signature names; NULL none of these. */
static const struct journal_key *signing_key(const struct signature *s,
                                             const struct journal_key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(s->name, span_of(keys[i].name)) &&
            memcmp(s->bytes, keys[i].id, JOURNAL_KEY_ID_BYTES) == 0)
            return &keys[i];
    return NULL;
}

int journal_note_verify(const struct journal_note *n, const struct journal_key *keys, size_t count,
                        const struct journal_key **ret)
{
    const struct journal_key *first = NULL;
    struct span rest = n->signatures, line;
    struct signature s;
    int rc;

    while (journal_line_next(&rest, &line)) {
        const struct journal_key *key =
            signature_parse(line, &s) ? NULL : signing_key(&s, keys, count);

        if (!key)
            continue;
        if (s.n != JOURNAL_KEY_ID_BYTES + ED25519_SIGNATURE_BYTES)
            return ERR_CORRUPT;
        rc = ed25519_verify(key->public, n->text.p, n->text.n, s.bytes + JOURNAL_KEY_ID_BYTES);
        if (rc)
            return rc;
        first = first ? first : key;
    }
    if (!first)
        return ERR_REFUSED;
    if (ret)
        *ret = first;
    return 0;
}

char *journal_note_signer(const struct journal_note *n, char out[JOURNAL_SIGNER_MAX])
{
    char digits[2 * JOURNAL_KEY_ID_BYTES + 1];
    struct span rest = n->signatures, line;
    struct signature s;

    out[0] = '\0';
    if (journal_line_next(&rest, &line) && signature_parse(line, &s) == 0)
        snprintf(out, JOURNAL_SIGNER_MAX, "%.*s+%s",
                 s.name.n < JOURNAL_KEY_NAME_MAX ? (int)s.name.n : JOURNAL_KEY_NAME_MAX, s.name.p,
                 hex_encode(s.bytes, JOURNAL_KEY_ID_BYTES, digits));
    return out;
}

int journal_note_sign(struct span text, const struct journal_secret *secret, struct buf *out)
{
    uint8_t bytes[JOURNAL_KEY_ID_BYTES + ED25519_SIGNATURE_BYTES];
    char digits[(sizeof(bytes) + 2) / 3 * 4 + 1];
    int rc = ed25519_sign(secret->seed, text.p, text.n, bytes + JOURNAL_KEY_ID_BYTES);

    if (rc)
        return rc;
    memcpy(bytes, secret->key.id, JOURNAL_KEY_ID_BYTES);
    rc = buf_append_span(out, text);
    if (rc == 0)
        rc = buf_appendf(out, "\n" DASH "%s %s\n", secret->key.name,
                         base64_encode(bytes, sizeof(bytes), digits));
    return rc;
}
