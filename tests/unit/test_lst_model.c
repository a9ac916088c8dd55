/*
 * 10,000 random lists and batches against a model that splits at bytes, compares names one by one
 * and knows numbers by a regular expression: which rows are affected, what becomes of them, that
 * all other bytes stay and keep their order, that it can be taken back, and that what is noted of a
 * list never says that a batch does not concern it where it does.
 */
#include "lists/lists.h"
#include "lists/mentions.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS      10000
#define CHANGES_MAX 24
#define NAME_SIZE   128

struct change {
    char kind; /* 'i'mage, 'd'irectory, 'r'emoval */
    char from[NAME_SIZE];
    char to[NAME_SIZE];
};

struct batch {
    struct change changes[CHANGES_MAX];
    size_t n;
};

static regex_t number;

static unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33) % n;
}

#define ONE_OF(seed, pool) (pool)[pick(seed, sizeof(pool) / sizeof((pool)[0]))]

static void name_random(uint64_t *seed, char out[NAME_SIZE])
{
    static const char *const parts[] = {
        "a",   "b",        "train", "n01", ".hidden",
        "x y", "\xc3\xa4", "-",     "..x", "a-long-name-of-more-than-sixteen-bytes"};
    unsigned depth = 1 + pick(seed, 3);
    size_t n = 0;

    for (unsigned i = 0; i < depth; i++)
        n += (size_t)snprintf(out + n, NAME_SIZE - n, "%s%s", i ? "/" : "", ONE_OF(seed, parts));
}

/* Add a change to model and batch. */
static void change_add(struct batch *b, struct lst_changes *c, char kind, const char *from,
                       const char *to)
{
    struct change *change = &b->changes[b->n++];
    int rc;

    assert_true(b->n <= CHANGES_MAX);
    change->kind = kind;
    snprintf(change->from, sizeof(change->from), "%s", from);
    snprintf(change->to, sizeof(change->to), "%s", to);
    rc = kind == 'i'   ? lst_changes_rename(c, from, to)
         : kind == 'd' ? lst_changes_rename_directory(c, from, to)
                       : lst_changes_remove(c, from);
    assert_int_equal(rc, 0);
}

/* Chains, swaps, rings, single changes, changes of the same path, one after the other. */
static void batch_random(uint64_t *seed, struct batch *b, struct lst_changes *c)
{
    while (b->n + 4 <= CHANGES_MAX && pick(seed, 5)) {
        char names[4][NAME_SIZE];
        unsigned n = 1 + pick(seed, 3);
        bool ring = pick(seed, 2);

        for (unsigned i = 0; i < 4; i++)
            name_random(seed, names[i]);
        if (pick(seed, 3) == 0)
            change_add(b, c, "idr"[pick(seed, 3)], names[0], names[1]);
        else
            for (unsigned i = 0; i <= n; i++)
                change_add(b, c, 'i', names[i], i < n ? names[i + 1] : ring ? names[0] : "away");
    }
}

static void add(struct buf *b, const char *p, size_t n)
{
    assert_int_equal(buf_append(b, p, n), 0);
}

static void add_str(struct buf *b, const char *s)
{
    add(b, s, strlen(s));
}

/* A row without its ending: most are right, each part may be odd. */
static void row_random(uint64_t *seed, const struct batch *b, struct buf *out)
{
    static const char *const indices[] = {"0",  "17",  "-1", "+5", "5.0", " 7 ", "1e+05", "1.e3",
                                          "1e", "0x1", "",   "#",  "5 5", "\r1", "1.5e-2"};
    static const char *const labels[] = {"\t1", "\t3.000000", "\t1\t0\t1", "", "\t", "\tcat\t"};
    static const char *const leads[] = {"./", "././", ".///", "/", "../", "x/../", " "};
    static const char *const tails[] = {"/", "//", "/.", "/..", "\rx", " "};
    char name[NAME_SIZE];

    if (pick(seed, 12) == 0) {
        static const char *const odd[] = {"", " ", "\t", "\t\t", "# 1\t1\ta", "0 1 a", "0\ta"};

        add_str(out, ONE_OF(seed, odd));
        return;
    }
    add_str(out, pick(seed, 4) ? indices[pick(seed, 2)] : ONE_OF(seed, indices));
    add_str(out, pick(seed, 4) ? labels[pick(seed, 3)] : ONE_OF(seed, labels));
    add_str(out, "\t");
    if (pick(seed, 6) == 0)
        add_str(out, ONE_OF(seed, leads));
    name_random(seed, name);
    add_str(out, b->n && pick(seed, 2) ? b->changes[pick(seed, (unsigned)b->n)].from : name);
    if (pick(seed, 8) == 0)
        add_str(out, pick(seed, 2) ? "/below" : "//below");
    if (pick(seed, 12) == 0)
        add_str(out, ONE_OF(seed, tails));
    if (pick(seed, 40) == 0)
        add(out, "\0z", 1 + pick(seed, 2));
}

static void list_random(uint64_t *seed, const struct batch *b, struct buf *out)
{
    static const char *const endings[] = {"\n", "\n", "\n", "\n", "\r\n", "\r\r\n"};
    unsigned rows = pick(seed, 40);

    if (pick(seed, 10) == 0)
        add_str(out, "\xef\xbb\xbf");
    for (unsigned i = 0; i < rows; i++) {
        row_random(seed, b, out);
        if (i + 1 < rows || pick(seed, 2))
            add_str(out, ONE_OF(seed, endings));
    }
}

/* The model's names: the path of a row as it is below the repository. False: it names nothing. */
static bool model_normal(const char *p, size_t n, size_t *ret_lead, char out[])
{
    size_t at = 0, out_n = 0;

    while (at + 1 < n && p[at] == '.' && p[at + 1] == '/')
        for (at += 2; at < n && p[at] == '/';)
            at++;
    *ret_lead = at;
    if (at == n || p[at] == '/' || p[n - 1] == '/')
        return false;
    for (size_t begin = at; at <= n; at++) {
        if (at < n && p[at] == '\0')
            return false;
        if (at < n && p[at] != '/')
            continue;
        if ((at - begin == 1 && p[begin] == '.') ||
            (at - begin == 2 && p[begin] == '.' && p[begin + 1] == '.'))
            return false;
        if (at > begin && out_n)
            out[out_n++] = '/';
        memcpy(out + out_n, p + begin, at - begin);
        out_n += at - begin;
        begin = at + 1;
    }
    out[out_n] = '\0';
    return true;
}

/* The nearest change, the last one where a path has several. */
static const struct change *model_find(const struct batch *b, const char *path)
{
    char at[512];

    snprintf(at, sizeof(at), "%s", path);
    for (;;) {
        for (size_t i = b->n; i-- > 0;) {
            if (strcmp(b->changes[i].from, at) != 0)
                continue;
            if (b->changes[i].kind != 'i' || strcmp(at, path) == 0)
                return &b->changes[i];
            break;
        }
        if (!strrchr(at, '/'))
            return NULL;
        *strrchr(at, '/') = '\0';
    }
}

static bool model_number(const char *p, size_t n)
{
    char text[64];

    if (n >= sizeof(text) || memchr(p, 0, n))
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    return regexec(&number, text, 0, NULL, 0) == 0;
}

/* What becomes of one row; true: it is affected. */
static bool model_row(const struct batch *b, const char *p, size_t n, bool first, struct buf *out)
{
    size_t text_n = n, skip = first && n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0,
           tabs = 0;
    size_t first_tab = 0, last_tab = 0, lead;
    const struct change *change;
    char normal[512];

    if (text_n && p[text_n - 1] == '\n')
        text_n--;
    while (text_n && p[text_n - 1] == '\r')
        text_n--;
    for (size_t i = 0; i < text_n; i++)
        if (p[i] == '\t') {
            first_tab = tabs++ ? first_tab : i;
            last_tab = i;
        }
    if (tabs < 2 || first_tab < skip || !model_number(p + skip, first_tab - skip) ||
        (skip < text_n && memchr(p + skip, '\r', text_n - skip)) ||
        !model_normal(p + last_tab + 1, text_n - last_tab - 1, &lead, normal))
        change = NULL;
    else
        change = model_find(b, normal);
    if (!change || (change->kind != 'r' && strcmp(change->from, change->to) == 0)) {
        add(out, p, n);
        return false;
    }
    if (change->kind == 'r')
        return true;
    add(out, p, last_tab + 1 + lead);
    add_str(out, change->to);
    add_str(out, normal + strlen(change->from));
    add(out, p + text_n, n - text_n);
    return true;
}

/* The rewritten list, and how many rows are affected. */
static uint64_t model_rewrite(const struct batch *b, struct span in, struct buf *out)
{
    uint64_t affected = 0;

    for (size_t at = 0, end; at < in.n; at = end) {
        for (end = at; end < in.n && in.p[end] != '\n';)
            end++;
        end += end < in.n;
        affected += model_row(b, in.p + at, end - at, at == 0, out);
    }
    return affected;
}

static void assert_same(uint64_t seed, const struct buf *got, const struct buf *want)
{
    if (got->len != want->len || (got->len && memcmp(got->data, want->data, got->len) != 0))
        fail_msg("seed %" PRIu64 ":\n\"%.*s\"\nis not\n\"%.*s\"", seed, (int)got->len,
                 got->data ? got->data : "", (int)want->len, want->data ? want->data : "");
}

/* What is noted of the list may not deny a batch that affects it. */
static void check_mentions(uint64_t seed, struct span in, const struct lst_changes *c,
                           bool affected)
{
    struct mentions *m = NULL;
    uint64_t *sought = NULL;
    size_t n, at = 0;
    struct span leaf;
    bool has = false;

    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    assert_int_equal(mentions_add_all(m, in), 0);
    assert_int_equal(mentions_end(m), 0);
    assert_int_equal(mentions_sought(c, &sought, &n), 0);
    while (mentions_next(m, &at, &leaf))
        has = has || mentions_leaf_has(leaf, sought, n);
    if (affected && !has)
        fail_msg("seed %" PRIu64 ": the list would not be read", seed);
    free(sought);
    mentions_free(m);
}

/* One list and one batch; whether any row was affected. */
static bool round_run(uint64_t seed)
{
    struct buf in, want, out, undo, back;
    struct lst_rewrite_stats stats;
    struct batch b = {.n = 0};
    struct lst_changes *c;
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15), affected;
    struct buf *const all[] = {&in, &want, &out, &undo, &back};

    for (size_t i = 0; i < 5; i++)
        buf_init(all[i], SIZE_MAX);
    assert_int_equal(lst_changes_new(&c), 0);
    batch_random(&state, &b, c);
    list_random(&state, &b, &in);
    affected = model_rewrite(&b, (struct span){in.data, in.len}, &want);
    assert_int_equal(lst_rewrite((struct span){in.data, in.len}, c, &out, &undo, &stats), 0);
    assert_same(seed, &out, &want);
    assert_int_equal(stats.renamed + stats.dropped, affected);
    assert_int_equal(
        lst_undo((struct span){out.data, out.len}, (struct span){undo.data, undo.len}, &back), 0);
    assert_same(seed, &back, &in);
    check_mentions(seed, (struct span){in.data, in.len}, c, affected > 0);
    lst_changes_free(c);
    for (size_t i = 0; i < 5; i++)
        buf_release(all[i]);
    return affected > 0;
}

static void test_random_lists_agree_with_a_model(void **state)
{
    unsigned affected = 0;

    (void)state;
    assert_int_equal(
        regcomp(&number, "^ *[+-]?[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)? *$", REG_EXTENDED), 0);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        affected += round_run(seed);
    regfree(&number);
    /* Else nothing would have been tried. */
    assert_in_range(affected, ROUNDS / 3, ROUNDS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_lists_agree_with_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
