/* Proofs that a line is in a journal. Pure. */
#include "journal/proof.h"

#include "journal/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define HEAD        "c2sp.org/tlog-proof@v1\n"
#define HASH_BASE64 44 /* characters of SHA256_BYTES bytes */

void proof_path_init(struct proof_path *p, const struct journal_tree *before)
{
    memset(p, 0, sizeof(*p));
    p->before = *before;
}

/*
 * To the right of leaf m lie, for each bit j that m has not, the 2^j leaves from ((m >> j) + 1) <<
 * j on, in this order and without gaps; the last of them may be cut short by the tree's end. Each
 * is a tree of its own.
 */
void proof_path_push(struct proof_path *p, struct span line)
{
    if (p->pushed++ == 0)
        return; /* the leaf itself */
    if (p->region.count == 0)
        while (p->level < JOURNAL_TREE_LEVELS - 1 && p->before.count >> p->level & 1)
            p->level++;
    journal_tree_push(&p->region, line);
    if (p->region.count < UINT64_C(1) << p->level)
        return;
    journal_tree_root(&p->region, p->right[p->level]);
    p->have |= UINT64_C(1) << p->level++;
    p->region.count = 0;
}

void proof_path_end(const struct proof_path *p, struct journal_proof *ret)
{
    size_t count = 0;

    for (unsigned level = 0; level < JOURNAL_TREE_LEVELS; level++) {
        if (p->before.count >> level & 1)
            memcpy(ret->hash[count++], p->before.node[level], SHA256_BYTES);
        else if (p->have >> level & 1)
            memcpy(ret->hash[count++], p->right[level], SHA256_BYTES);
        else if (level == p->level && p->region.count)
            journal_tree_root(&p->region, ret->hash[count++]);
    }
    ret->index = p->before.count;
    ret->count = count;
}

uint64_t proof_path_size(const struct proof_path *p)
{
    return p->before.count + p->pushed;
}

int journal_proof_render(const struct journal_proof *p, struct buf *out)
{
    char hash[HASH_BASE64 + 1];
    int rc = buf_append_str(out, HEAD "extra ");

    if (rc == 0)
        rc = buf_reserve(out, base64_size(p->line.n) + 1);
    if (rc)
        return rc;
    base64_encode(p->line.p, p->line.n, out->data + out->len);
    out->len += base64_size(p->line.n);
    rc = buf_appendf(out, "\nindex %" PRIu64 "\n", p->index);
    for (size_t i = 0; rc == 0 && i < p->count; i++)
        rc = buf_appendf(out, "%s\n", base64_encode(p->hash[i], SHA256_BYTES, hash));
    if (rc == 0)
        rc = buf_append_byte(out, '\n');
    return rc ? rc : buf_append_span(out, p->checkpoint);
}

/* What stands behind a word at the begin of a line; false where it does not begin so. */
static bool behind(struct span line, struct span word, struct span *ret)
{
    if (line.n < word.n || memcmp(line.p, word.p, word.n) != 0)
        return false;
    *ret = (struct span){line.p + word.n, line.n - word.n};
    return true;
}

/* The line in base64. 0, ERR_SYNTAX, -ENOMEM. */
static int take_extra(struct span text, struct buf *store, struct span *ret)
{
    size_t n;
    int rc;

    if (text.n > base64_size(JOURNAL_LINE_MAX))
        return ERR_SYNTAX;
    buf_reset(store);
    rc = buf_reserve(store, text.n / 4 * 3 + 1);
    if (rc)
        return rc;
    if (base64_decode(text.p, text.n, (uint8_t *)store->data, &n))
        return ERR_SYNTAX;
    *ret = (struct span){store->data, n};
    return 0;
}

/* The hashes, up to the empty line. 0 or ERR_SYNTAX. */
static int take_hashes(struct span *rest, struct journal_proof *p)
{
    uint8_t hash[HASH_BASE64 / 4 * 3];
    struct span line;
    size_t n;

    for (p->count = 0; journal_line_next(rest, &line); p->count++) {
        if (line.n == 0)
            return 0;
        if (p->count == JOURNAL_PROOF_HASHES || line.n != HASH_BASE64 ||
            base64_decode(line.p, line.n, hash, &n) || n != SHA256_BYTES)
            return ERR_SYNTAX;
        memcpy(p->hash[p->count], hash, SHA256_BYTES);
    }
    return ERR_SYNTAX;
}

int journal_proof_parse(struct span in, struct buf *store, struct journal_proof *ret)
{
    struct journal_proof p = {.line = {NULL, 0}};
    struct journal_scan s;
    struct span line, text;
    int rc = 0;

    if (!behind(in, SPAN(HEAD), &in) || !journal_line_next(&in, &line))
        return ERR_SYNTAX;
    if (behind(line, SPAN("extra "), &text)) {
        rc = take_extra(text, store, &p.line);
        if (rc || !journal_line_next(&in, &line))
            return rc ? rc : ERR_SYNTAX;
    }
    if (!behind(line, SPAN("index "), &text))
        return ERR_SYNTAX;
    journal_scan_begin(&s, text);
    p.index = journal_scan_uint(&s, UINT64_MAX);
    if (s.bad || s.p != s.end || take_hashes(&in, &p))
        return ERR_SYNTAX;
    p.checkpoint = in;
    *ret = p;
    return 0;
}

/* RFC 9162, 2.1.3.2. */
int journal_proof_root(const struct journal_proof *p, uint64_t size, uint8_t out[SHA256_BYTES])
{
    uint64_t node = p->index, last = size - 1;
    struct journal_tree leaf = {.count = 0};
    uint8_t root[SHA256_BYTES];

    if (p->index >= size)
        return ERR_CORRUPT;
    journal_tree_push(&leaf, p->line);
    journal_tree_root(&leaf, root);
    for (size_t i = 0; i < p->count; i++) {
        if (last == 0)
            return ERR_CORRUPT;
        if (node & 1 || node == last) {
            journal_tree_join(p->hash[i], root, root);
            for (; !(node & 1) && node; node >>= 1)
                last >>= 1;
        } else {
            journal_tree_join(root, p->hash[i], root);
        }
        node >>= 1;
        last >>= 1;
    }
    if (last)
        return ERR_CORRUPT;
    memcpy(out, root, SHA256_BYTES);
    return 0;
}

int journal_proof_check(const struct journal_proof *p, const struct journal_key *keys, size_t count,
                        struct err *e)
{
    const struct journal_key *key = NULL;
    char signer[JOURNAL_SIGNER_MAX];
    struct journal_checkpoint c;
    uint8_t root[SHA256_BYTES];
    struct journal_note note;
    int rc;

    if (!p->line.p || journal_note_parse(p->checkpoint, &note) ||
        journal_checkpoint_parse(note.text, &c))
        return err_set(e, ERR_SYNTAX, NULL, "what \"lockstep journal prove\" has printed",
                       "this is no proof of a record");
    rc = journal_note_verify(&note, keys, count, &key);
    if (rc == -ENOMEM)
        return err_set(e, rc, NULL, NULL, "out of memory");
    if (rc == ERR_REFUSED)
        return err_set(e, ERR_CORRUPT, NULL, NULL,
                       "its checkpoint is signed by %s, which is not the key that was given",
                       journal_note_signer(&note, signer));
    if (rc)
        return err_set(e, ERR_CORRUPT, NULL, NULL,
                       "its checkpoint was changed after it was signed, or was signed by someone "
                       "else in that name");
    if (!span_equal(c.origin, span_of(key->name)))
        return err_set(e, ERR_CORRUPT, NULL, NULL,
                       "its checkpoint is of another log than the key's");
    if (journal_proof_root(p, c.size, root) || memcmp(root, c.root, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, NULL, NULL,
                       "the record is not in the journal that was signed, not at this place, or "
                       "was changed");
    return 0;
}
