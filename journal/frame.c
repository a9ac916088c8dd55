/* Headers, commit lines, notes of repairs, names of segments. Pure. */
#include "journal/frame.h"

#include "base/err.h"
#include "journal/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PACKED_ENDING ".zst"

char *journal_name_format(struct journal_name name, char out[JOURNAL_FILE_SIZE])
{
    if (name.part == 0)
        snprintf(out, JOURNAL_FILE_SIZE, "%020" PRIu64 ".jsonl", name.first);
    else
        snprintf(out, JOURNAL_FILE_SIZE, "%020" PRIu64 ".%" PRIu32 ".jsonl", name.first, name.part);
    return out;
}

bool journal_name_parse(const char *file, struct journal_name *ret)
{
    struct journal_name name = {0};
    struct journal_scan s;
    char again[JOURNAL_FILE_SIZE];
    const char *digits = file + strspn(file, "0");

    if (strnlen(file, JOURNAL_FILE_SIZE) == JOURNAL_FILE_SIZE)
        return false;
    journal_scan_begin(&s, span_of(digits));
    name.first = *digits == '.' ? 0 : journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN("."));
    if (!journal_scan_try(&s, SPAN("jsonl")))
        name.part = (uint32_t)journal_scan_uint(&s, UINT32_MAX);
    if (s.bad || strcmp(journal_name_format(name, again), file) != 0)
        return false;
    *ret = name;
    return true;
}

char *journal_packed_name(struct journal_name name, char out[JOURNAL_FILE_SIZE])
{
    const size_t n = strlen(journal_name_format(name, out));

    memcpy(out + n, PACKED_ENDING, sizeof PACKED_ENDING);
    return out;
}

bool journal_any_name_parse(const char *file, struct journal_name *ret)
{
    char plain[JOURNAL_FILE_SIZE];
    const size_t n = strnlen(file, JOURNAL_FILE_SIZE), ending = strlen(PACKED_ENDING);

    if (n == JOURNAL_FILE_SIZE)
        return false;
    if (n < ending || strcmp(file + n - ending, PACKED_ENDING) != 0)
        return journal_name_parse(file, ret);
    memcpy(plain, file, n - ending);
    plain[n - ending] = '\0';
    return journal_name_parse(plain, ret);
}

int journal_name_compare(struct journal_name a, struct journal_name b)
{
    if (a.first != b.first)
        return a.first < b.first ? -1 : 1;
    return (a.part > b.part) - (a.part < b.part);
}

enum journal_kind journal_kind_of(struct span line)
{
    struct journal_scan s;

    journal_scan_begin(&s, line);
    if (journal_scan_try(&s, SPAN("{\"q\":")))
        return JOURNAL_KIND_RECORD;
    if (journal_scan_try(&s, SPAN("{\"k\":\"c\",")))
        return JOURNAL_KIND_COMMIT;
    if (journal_scan_try(&s, SPAN("{\"k\":\"h\",")))
        return JOURNAL_KIND_HEADER;
    if (journal_scan_try(&s, SPAN("{\"k\":\"r\",")))
        return JOURNAL_KIND_REPAIR;
    if (journal_scan_try(&s, SPAN("{\"k\":\"s\",")))
        return JOURNAL_KIND_SIGNATURE;
    return JOURNAL_KIND_OTHER;
}

bool journal_line_next(struct span *rest, struct span *ret)
{
    const char *lf = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;

    if (!lf)
        return false;
    ret->p = rest->p;
    ret->n = (size_t)(lf - rest->p);
    rest->p = lf + 1;
    rest->n -= ret->n + 1;
    return true;
}

int journal_line_seq(struct span line, uint64_t *ret)
{
    struct journal_scan s;
    uint64_t seq;

    journal_scan_begin(&s, line);
    journal_scan_text(&s, SPAN("{\"q\":"));
    seq = journal_scan_uint(&s, UINT64_MAX);
    if (s.bad)
        return ERR_SYNTAX;
    *ret = seq;
    return 0;
}

int journal_header_encode(const struct journal_header *h, struct buf *out)
{
    uint8_t frontier[JOURNAL_TREE_LEVELS * SHA256_BYTES];
    size_t frontier_n = journal_tree_export(&h->tree, frontier);
    uint8_t root[SHA256_BYTES];
    struct journal_line l;

    journal_tree_root(&h->tree, root);
    journal_line_begin(&l, out);
    journal_line_uint(&l, SPAN("{\"k\":\"h\",\"v\":"), JOURNAL_VERSION);
    journal_line_string(&l, SPAN(",\"j\":"), span_of(h->uuid));
    journal_line_uint(&l, SPAN(",\"q\":"), h->first);
    journal_line_int(&l, SPAN(",\"t\":"), h->time_us);
    journal_line_string(&l, SPAN(",\"pf\":"), span_of(h->previous));
    journal_line_uint(&l, SPAN(",\"pb\":"), h->previous_size);
    journal_line_hex(&l, SPAN(",\"ph\":"), h->chain, SHA256_BYTES);
    journal_line_uint(&l, SPAN(",\"n\":"), h->tree.count);
    journal_line_base64(&l, SPAN(",\"fr\":"), frontier, frontier_n);
    journal_line_base64(&l, SPAN(",\"root\":"), root, SHA256_BYTES);
    journal_line_string(&l, SPAN(",\"host\":"), span_of(h->host));
    journal_line_string(&l, SPAN(",\"boot\":"), span_of(h->boot));
    journal_line_string(&l, SPAN(",\"ver\":"), span_of(h->version));
    return journal_line_end(&l);
}

/* Where n, fr and root stand: the tree, whose root must be the one that is written. */
static void scan_tree(struct journal_scan *s, struct journal_tree *tree, bool *ret_same_root)
{
    uint8_t frontier[JOURNAL_TREE_LEVELS * SHA256_BYTES + 2];
    uint8_t root[SHA256_BYTES], stated[SHA256_BYTES + 1];
    uint64_t count = journal_scan_uint(s, UINT64_MAX);
    struct span text;
    size_t n = 0;

    journal_scan_text(s, SPAN(",\"fr\":"));
    text = journal_scan_plain(s);
    if (s->bad || text.n > base64_size(JOURNAL_TREE_LEVELS * SHA256_BYTES) ||
        base64_decode(text.p, text.n, frontier, &n) ||
        journal_tree_import(tree, count, frontier, n)) {
        s->bad = true;
        return;
    }
    journal_scan_text(s, SPAN(",\"root\":"));
    text = journal_scan_plain(s);
    if (s->bad || text.n != base64_size(SHA256_BYTES) ||
        base64_decode(text.p, text.n, stated, &n) || n != SHA256_BYTES) {
        s->bad = true;
        return;
    }
    journal_tree_root(tree, root);
    *ret_same_root = memcmp(root, stated, SHA256_BYTES) == 0;
}

int journal_header_decode(struct span line, struct buf *store, struct journal_header *ret)
{
    struct journal_header h = {0};
    struct journal_scan s;
    bool same_root = false;
    int rc;

    buf_reset(store);
    rc = buf_reserve(store, line.n);
    if (rc)
        return rc;
    journal_scan_begin(&s, line);
    journal_scan_text(&s, SPAN("{\"k\":\"h\",\"v\":"));
    if (journal_scan_uint(&s, UINT64_MAX) != JOURNAL_VERSION)
        return s.bad ? ERR_SYNTAX : ERR_VERSION;
    journal_scan_text(&s, SPAN(",\"j\":"));
    h.uuid = journal_scan_string(&s, store);
    journal_scan_text(&s, SPAN(",\"q\":"));
    h.first = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"t\":"));
    h.time_us = journal_scan_int(&s);
    journal_scan_text(&s, SPAN(",\"pf\":"));
    h.previous = journal_scan_string(&s, store);
    journal_scan_text(&s, SPAN(",\"pb\":"));
    h.previous_size = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"ph\":"));
    journal_scan_hex(&s, h.chain, SHA256_BYTES);
    journal_scan_text(&s, SPAN(",\"n\":"));
    scan_tree(&s, &h.tree, &same_root);
    journal_scan_text(&s, SPAN(",\"host\":"));
    h.host = journal_scan_string(&s, store);
    journal_scan_text(&s, SPAN(",\"boot\":"));
    h.boot = journal_scan_string(&s, store);
    journal_scan_text(&s, SPAN(",\"ver\":"));
    h.version = journal_scan_string(&s, store);
    if (journal_scan_end(&s) || strlen(h.uuid) >= JOURNAL_UUID_SIZE)
        return ERR_SYNTAX;
    if (!same_root)
        return ERR_CORRUPT;
    *ret = h;
    return 0;
}

/* A CRC-32C as its four bytes, the highest first. */
static void crc_bytes(uint32_t crc, uint8_t out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(crc >> (24 - 8 * i));
}

int journal_commit_encode(const struct journal_commit *c, struct buf *out)
{
    struct journal_line l;
    uint8_t crc[4];

    crc_bytes(c->crc, crc);
    journal_line_begin(&l, out);
    journal_line_uint(&l, SPAN("{\"k\":\"c\",\"q\":"), c->last);
    journal_line_uint(&l, SPAN(",\"n\":"), c->records);
    journal_line_uint(&l, SPAN(",\"b\":"), c->bytes);
    journal_line_hex(&l, SPAN(",\"x\":"), crc, sizeof(crc));
    journal_line_hex(&l, SPAN(",\"h\":"), c->chain, SHA256_BYTES);
    return journal_line_end(&l);
}

int journal_commit_decode(struct span line, struct journal_commit *ret)
{
    struct journal_commit c;
    struct journal_scan s;
    uint8_t crc[4];

    journal_scan_begin(&s, line);
    journal_scan_text(&s, SPAN("{\"k\":\"c\",\"q\":"));
    c.last = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"n\":"));
    c.records = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"b\":"));
    c.bytes = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"x\":"));
    journal_scan_hex(&s, crc, sizeof(crc));
    journal_scan_text(&s, SPAN(",\"h\":"));
    journal_scan_hex(&s, c.chain, SHA256_BYTES);
    if (journal_scan_end(&s))
        return ERR_SYNTAX;
    c.crc = (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
    *ret = c;
    return 0;
}

int journal_repair_encode(const struct journal_repair *r, struct buf *out)
{
    struct journal_line l;

    journal_line_begin(&l, out);
    journal_line_uint(&l, SPAN("{\"k\":\"r\",\"at\":"), r->at);
    journal_line_uint(&l, SPAN(",\"cut\":"), r->cut);
    journal_line_hex(&l, SPAN(",\"sha\":"), r->sha, SHA256_BYTES);
    return journal_line_end(&l);
}

int journal_repair_decode(struct span line, struct journal_repair *ret)
{
    struct journal_repair r;
    struct journal_scan s;

    journal_scan_begin(&s, line);
    journal_scan_text(&s, SPAN("{\"k\":\"r\",\"at\":"));
    r.at = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"cut\":"));
    r.cut = journal_scan_uint(&s, UINT64_MAX);
    journal_scan_text(&s, SPAN(",\"sha\":"));
    journal_scan_hex(&s, r.sha, SHA256_BYTES);
    if (journal_scan_end(&s))
        return ERR_SYNTAX;
    *ret = r;
    return 0;
}

int journal_time_encode(int64_t time_us, struct buf *out)
{
    struct journal_line l;

    journal_line_begin(&l, out);
    journal_line_int(&l, SPAN("{\"k\":\"s\",\"t\":"), time_us);
    return journal_line_end(&l);
}
