/* Checkpoints. Pure. */
#include "journal/checkpoint.h"

#include "journal/text.h"

#include <inttypes.h>
#include <string.h>

#define ROOT_BASE64 44 /* characters of SHA256_BYTES bytes */
#define SUFFIX      ".jsonl"
#define OUR_SUFFIX  ".checkpoints"

int journal_checkpoint_parse(struct span text, struct journal_checkpoint *ret)
{
    struct journal_checkpoint c;
    uint8_t root[ROOT_BASE64 / 4 * 3];
    struct span line, number;
    struct journal_scan s;
    size_t n;

    if (!journal_line_next(&text, &c.origin) || c.origin.n == 0 ||
        !journal_line_next(&text, &number) || !journal_line_next(&text, &line))
        return ERR_SYNTAX;
    journal_scan_begin(&s, number);
    c.size = journal_scan_uint(&s, UINT64_MAX);
    if (s.bad || s.p != s.end || line.n != ROOT_BASE64 || base64_decode(line.p, line.n, root, &n) ||
        n != SHA256_BYTES)
        return ERR_SYNTAX;
    memcpy(c.root, root, SHA256_BYTES);
    while (journal_line_next(&text, &line))
        if (line.n == 0)
            return ERR_SYNTAX;
    if (text.n)
        return ERR_SYNTAX;
    *ret = c;
    return 0;
}

int journal_checkpoint_sign(const struct journal_tree *tree, const struct journal_secret *secret,
                            struct buf *out)
{
    uint8_t root[SHA256_BYTES];
    char digits[ROOT_BASE64 + 1];
    struct buf text;
    int rc;

    journal_tree_root(tree, root);
    buf_init(&text, JOURNAL_CHECKPOINT_BYTES);
    rc = buf_appendf(&text, "%s\n%" PRIu64 "\n%s\n", secret->key.name, tree->count,
                     base64_encode(root, sizeof(root), digits));
    if (rc == 0)
        rc = journal_note_sign((struct span){text.data, text.len}, secret, out);
    buf_release(&text);
    return rc;
}

/* Where an empty line begins in `in` at or behind `from`: the place of the LF that ends the line
 * before it; in.n where there is none. */
static size_t find_empty(struct span in, size_t from)
{
    const char *at = from < in.n ? memmem(in.p + from, in.n - from, "\n\n", 2) : NULL;

    return at ? (size_t)(at - in.p) : in.n;
}

bool journal_checkpoints_next(struct span *rest, struct span *ret)
{
    size_t at = find_empty(*rest, 0);

    if (at < rest->n)
        at = find_empty(*rest, at + 2);
    if (at >= rest->n)
        return false;
    *ret = (struct span){rest->p, at + 1};
    rest->p += at + 2;
    rest->n -= at + 2;
    return true;
}

char *journal_checkpoints_name(struct journal_name name, char out[JOURNAL_FILE_SIZE])
{
    size_t n = strlen(journal_name_format(name, out)) - strlen(SUFFIX);

    memcpy(out + n, OUR_SUFFIX, sizeof(OUR_SUFFIX));
    return out;
}

bool journal_checkpoints_name_parse(const char *file, struct journal_name *ret)
{
    char again[JOURNAL_FILE_SIZE], segment[JOURNAL_FILE_SIZE];
    size_t n = strnlen(file, JOURNAL_FILE_SIZE);
    struct journal_name name;

    if (n == JOURNAL_FILE_SIZE || n <= strlen(OUR_SUFFIX))
        return false;
    n -= strlen(OUR_SUFFIX);
    memcpy(segment, file, n);
    memcpy(segment + n, SUFFIX, sizeof(SUFFIX));
    if (!journal_name_parse(segment, &name) ||
        strcmp(journal_checkpoints_name(name, again), file) != 0)
        return false;
    *ret = name;
    return true;
}
