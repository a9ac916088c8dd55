/* Batches of changes, lists rewritten by them, and rewrites taken back. */
#include "base/path.h"
#include "lists/lists.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One change: 'i'mage, 'd'irectory, 'r'emove. */
struct change_case {
    char kind;
    const char *from;
    const char *to;
};

static int set_change(struct lst_changes *c, const struct change_case *change)
{
    if (change->kind == 'i')
        return lst_changes_rename(c, change->from, change->to);
    if (change->kind == 'd')
        return lst_changes_rename_directory(c, change->from, change->to);
    return lst_changes_remove(c, change->from);
}

static struct lst_changes *batch(const struct change_case *changes)
{
    struct lst_changes *c;

    assert_int_equal(lst_changes_new(&c), 0);
    for (; changes->kind != '\0'; changes++)
        assert_int_equal(set_change(c, changes), 0);
    return c;
}

static const struct change_case mixed[] = {
    {'i', "a.jpg", "b.jpg"}, /* a swap */
    {'i', "b.jpg", "a.jpg"},
    {'i', "1", "2"}, /* a chain */
    {'i', "2", "3"},
    {'d', "dir", "new"}, /* a directory, with nearer ones */
    {'i', "dir/own.jpg", "own.jpg"},
    {'d', "dir/deep", "other/deep"},
    {'r', "dir/deep/gone.jpg", NULL},
    {'i', "dir/stays.jpg", "dir/stays.jpg"},
    {'r', "gone", NULL},         /* an image, or a directory with all within */
    {'i', "image", "elsewhere"}, /* says nothing of image/x */
    {'i', "replaced", "first"},
    {'i', "replaced", "second"},
    {'\0', NULL, NULL},
};

static void test_fate(void **state)
{
    static const struct {
        const char *path;
        enum lst_fate fate;
        const char *to;
    } cases[] = {
        {"a.jpg", LST_RENAME, "b.jpg"},
        {"b.jpg", LST_RENAME, "a.jpg"},
        {"1", LST_RENAME, "2"},
        {"2", LST_RENAME, "3"},
        {"3", LST_KEEP, NULL},
        {"dir/x.jpg", LST_RENAME, "new/x.jpg"},
        {"dir/x/y/z.jpg", LST_RENAME, "new/x/y/z.jpg"},
        {"directory/x.jpg", LST_KEEP, NULL},
        {"di/x.jpg", LST_KEEP, NULL},
        {"x/dir/x.jpg", LST_KEEP, NULL},
        {"dir/own.jpg", LST_RENAME, "own.jpg"},
        {"dir/own.jpg/x", LST_RENAME, "new/own.jpg/x"},
        {"dir/deep/x.jpg", LST_RENAME, "other/deep/x.jpg"},
        {"dir/deeper/x.jpg", LST_RENAME, "new/deeper/x.jpg"},
        {"dir/deep/gone.jpg", LST_DROP, NULL},
        {"dir/stays.jpg", LST_KEEP, NULL},
        {"gone", LST_DROP, NULL},
        {"gone/a/b", LST_DROP, NULL},
        {"gone.jpg", LST_KEEP, NULL},
        {"image", LST_RENAME, "elsewhere"},
        {"image/x", LST_KEEP, NULL},
        {"replaced", LST_RENAME, "second"},
        {"", LST_KEEP, NULL},
        {"/a.jpg", LST_KEEP, NULL},
        {"x/../a.jpg", LST_KEEP, NULL},
    };
    struct lst_changes *c = batch(mixed);
    char out[PATH_BYTES_MAX + 1];

    (void)state;
    assert_int_equal(lst_changes_count(c), 12);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum lst_fate fate = lst_changes_fate(c, cases[i].path, out, sizeof(out));

        if (fate != cases[i].fate)
            fail_msg("\"%s\": %d", cases[i].path, fate);
        if (fate == LST_RENAME)
            assert_string_equal(out, cases[i].to);
    }
    assert_int_equal(lst_changes_fate(c, "dir/x.jpg", out, 10), LST_RENAME);
    assert_int_equal(lst_changes_fate(c, "dir/x.jpg", out, 9), LST_KEEP);
    lst_changes_free(c);
    lst_changes_free(NULL);
}

static void test_replaced_kind(void **state)
{
    static const struct change_case changes[] = {
        {'d', "d", "e"}, {'i', "d", "f"}, {'r', "g", NULL}, {'d', "g", "h"}, {'\0', NULL, NULL}};
    struct lst_changes *c = batch(changes);
    char out[100];

    (void)state;
    assert_int_equal(lst_changes_fate(c, "d/x", out, sizeof(out)), LST_KEEP);
    assert_int_equal(lst_changes_fate(c, "g/x", out, sizeof(out)), LST_RENAME);
    assert_int_equal(lst_changes_rename(c, "g", "i"), 0);
    assert_int_equal(lst_changes_fate(c, "g/x", out, sizeof(out)), LST_KEEP);
    lst_changes_free(c);
}

static void test_bad_changes(void **state)
{
    struct lst_changes *c;

    (void)state;
    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_remove(c, ""), ERR_SYNTAX);
    assert_int_equal(lst_changes_remove(c, "/a"), ERR_SYNTAX);
    assert_int_equal(lst_changes_remove(c, "a/../b"), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename(c, "", "a"), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename(c, "a", ""), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename(c, "a", "../b"), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename(c, "a", "b\tc"), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename(c, "a", "b\n0\t1\tc"), ERR_SYNTAX);
    assert_int_equal(lst_changes_rename_directory(c, "a", "b\rc"), ERR_SYNTAX);
    assert_int_equal(lst_changes_count(c), 0);
    lst_changes_free(c);
}

static void assert_buf(const struct buf *got, const char *want)
{
    if (got->len != strlen(want) || (got->len > 0 && memcmp(got->data, want, got->len) != 0))
        fail_msg("\"%.*s\"\nis not\n\"%s\"", (int)got->len, got->data ? got->data : "", want);
}

/* The rewrite by this policy gives that list and that undo text, which leads back. */
static void assert_rewrite(const struct lst_policy *policy, const struct lst_changes *c,
                           const char *in, const char *want, const char *want_undo,
                           struct lst_rewrite_stats *ret)
{
    struct buf out, undo, back;

    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    assert_int_equal(lst_rewrite_by(policy, span_of(in), c, &out, &undo, ret), 0);
    assert_buf(&out, want);
    assert_buf(&undo, want_undo);
    assert_int_equal(
        lst_undo((struct span){out.data, out.len}, (struct span){undo.data, undo.len}, &back), 0);
    assert_buf(&back, in);
    buf_release(&out);
    buf_release(&undo);
    buf_release(&back);
}

static void test_rewrite(void **state)
{
    static const struct {
        const char *in;
        const char *out;
        const char *undo;
        struct {
            uint64_t rows, renamed, dropped;
        } stats;
    } cases[] = {
        {"", "", "", {0, 0, 0}},
        {"0\t1\tx\n", "0\t1\tx\n", "", {1, 0, 0}},
        {"0\t1\ta.jpg\n1\t1\tb.jpg\n",
         "0\t1\tb.jpg\n1\t1\ta.jpg\n",
         "1\tb.jpg\t0\t1\ta.jpg\n2\ta.jpg\t1\t1\tb.jpg\n",
         {2, 2, 0}},
        {"0\t1\tx\n5\t3.000\tdir/x\r\n7\t0\t1\tgone/a\r\n9\t1\ty", /* endings and labels stay */
         "0\t1\tx\n5\t3.000\tnew/x\r\n9\t1\ty",
         "2\tnew/x\t5\t3.000\tdir/x\r\n3\t-\t7\t0\t1\tgone/a\r\n",
         {4, 1, 1}},
        {"0\t1\tx\n1\t1\tgone", "0\t1\tx\n", "2\t-\t1\t1\tgone", {2, 0, 1}},
        {"0\t1\tx\n1\t1\ta.jpg", "0\t1\tx\n1\t1\tb.jpg", "2\tb.jpg\t1\t1\ta.jpg", {2, 1, 0}},
        {"0\t1\tgone\n1\t1\tgone/x\n", "", "1\t-\t0\t1\tgone\n2\t-\t1\t1\tgone/x\n", {2, 0, 2}},
        {"0\t1\t./a.jpg\n1\t1\t.///dir//x\n",
         "0\t1\t./b.jpg\n1\t1\t.///new/x\n",
         "1\t./b.jpg\t0\t1\t./a.jpg\n2\t.///new/x\t1\t1\t.///dir//x\n",
         {2, 2, 0}},
        {"\xef\xbb\xbf"
         "0\t1\ta.jpg\n",
         "\xef\xbb\xbf"
         "0\t1\tb.jpg\n",
         "1\tb.jpg\t\xef\xbb\xbf"
         "0\t1\ta.jpg\n",
         {1, 1, 0}},
        {"# a\t1\ta.jpg\n\n0 1 a.jpg\n0\ta.jpg\nx\t1\ta.jpg\n0\t1\t/a.jpg\n0\t1\tx/../a.jpg\n",
         "# a\t1\ta.jpg\n\n0 1 a.jpg\n0\ta.jpg\nx\t1\ta.jpg\n0\t1\t/a.jpg\n0\t1\tx/../a.jpg\n",
         "",
         {7, 0, 0}},
        {"0\t1\tdir/x\r1\t1\tgone\n", "0\t1\tdir/x\r1\t1\tgone\n", "", {1, 0, 0}},
    };
    struct lst_changes *c = batch(mixed);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lst_rewrite_stats stats;

        assert_rewrite(NULL, c, cases[i].in, cases[i].out, cases[i].undo, &stats);
        assert_int_equal(stats.rows, cases[i].stats.rows);
        assert_int_equal(stats.renamed, cases[i].stats.renamed);
        assert_int_equal(stats.dropped, cases[i].stats.dropped);
        assert_int_equal(stats.changed, stats.renamed + stats.dropped);
    }
    lst_changes_free(c);
}

static void test_path_with_nul(void **state)
{
    static const char in[] = "0\t1\tgone/\0x\n1\t1\tgone/y\n";
    struct lst_changes *c = batch(mixed);
    struct lst_rewrite_stats stats;
    struct buf out;

    (void)state;
    buf_init(&out, SIZE_MAX);
    assert_int_equal(lst_rewrite(SPAN(in), c, &out, NULL, &stats), 0);
    assert_int_equal(out.len, 12);
    assert_memory_equal(out.data, in, 12);
    buf_release(&out);
    lst_changes_free(c);
}

static void test_named_dash(void **state)
{
    static const struct change_case changes[] = {
        {'i', "x", "-"}, {'r', "y", NULL}, {'\0', NULL, NULL}};
    static const char in[] = "0\t1\tx\n1\t1\ty\n2\t1\t./x\n";
    struct lst_changes *c = batch(changes);
    struct lst_rewrite_stats stats;
    struct buf out, undo, back;

    (void)state;
    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    assert_int_equal(lst_rewrite(SPAN(in), c, &out, &undo, &stats), 0);
    assert_buf(&out, "0\t1\t-\n2\t1\t./-\n");
    assert_buf(&undo, "1\t./-\t0\t1\tx\n2\t-\t1\t1\ty\n3\t./-\t2\t1\t./x\n");
    assert_int_equal(
        lst_undo((struct span){out.data, out.len}, (struct span){undo.data, undo.len}, &back), 0);
    assert_buf(&back, in);
    buf_release(&out);
    buf_release(&undo);
    buf_release(&back);
    lst_changes_free(c);
}

static void test_limit(void **state)
{
    static const char in[] = "0\t1\tx\n1\t1\tdir/x\n2\t1\ty\n";
    struct lst_changes *c = batch(mixed);
    struct lst_rewrite_stats stats = {.rows = 7};
    struct buf undo;

    (void)state;
    buf_init(&undo, SIZE_MAX);
    for (size_t max = 0; max < sizeof(in) - 1 + 2; max++) {
        struct buf out;

        buf_init(&out, max);
        if (max >= 2)
            assert_int_equal(buf_append_str(&out, "??"), 0);
        if (max >= 2) {
            assert_int_equal(lst_rewrite(SPAN(in), c, &out, &undo, &stats), ERR_LIMIT);
            assert_buf(&out, "??");
        }
        assert_int_equal(undo.len, 0);
        assert_int_equal(stats.rows, 7);
        buf_release(&out);
    }
    buf_release(&undo);
    lst_changes_free(c);
}

static void test_bad_undo(void **state)
{
    static const struct {
        const char *now;
        const char *undo;
        int want;
    } cases[] = {
        {"0\t1\tb\n", "1\tb\t0\t1\ta\n", 0},
        {"0\t1\tc\n", "1\tb\t0\t1\ta\n", ERR_CHANGED},
        {"", "1\tb\t0\t1\ta\n", ERR_CHANGED},
        {"0\t1\tb\n", "3\t-\t0\t1\ta\n", ERR_CHANGED},
        {"0\t1\tb\n", "2\t-\t0\t1\ta\n1\tb\t0\t1\tx\n", ERR_SYNTAX},
        {"0\t1\tb\n", "0\tb\t0\t1\ta\n", ERR_SYNTAX},
        {"0\t1\tb\n", "x\tb\t0\t1\ta\n", ERR_SYNTAX},
        {"0\t1\tb\n", "99999999999999999999\tb\t0\t1\ta\n", ERR_SYNTAX},
        {"0\t1\tb\n", "1\n", ERR_SYNTAX},
        {"0\t1\tb\n", "1\t\tx\n", ERR_SYNTAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;

        buf_init(&out, SIZE_MAX);
        assert_int_equal(buf_append_str(&out, "?"), 0);
        if (lst_undo(span_of(cases[i].now), span_of(cases[i].undo), &out) != cases[i].want)
            fail_msg("case %zu", i);
        if (cases[i].want < 0)
            assert_buf(&out, "?");
        buf_release(&out);
    }
}

/* A batch that is much larger than any first size: every change is found, nothing else is. */
static void test_large_batch(void **state)
{
    enum { COUNT = 20000 };
    char from[64];
    char to[64];
    char out[64];
    struct lst_changes *c;

    (void)state;
    assert_int_equal(lst_changes_new(&c), 0);
    for (int i = 0; i < COUNT; i++) {
        snprintf(from, sizeof(from), "class%d/%d", i % 7, i);
        snprintf(to, sizeof(to), "to/%d", i);
        assert_int_equal(lst_changes_rename(c, from, to), 0);
    }
    assert_int_equal(lst_changes_count(c), COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(from, sizeof(from), "class%d/%d", i % 7, i);
        snprintf(to, sizeof(to), "to/%d", i);
        assert_int_equal(lst_changes_fate(c, from, out, sizeof(out)), LST_RENAME);
        assert_string_equal(out, to);
        snprintf(from, sizeof(from), "class%d/%d", i % 7 + 1, i);
        assert_int_equal(lst_changes_fate(c, from, out, sizeof(out)), LST_KEEP);
    }
    lst_changes_free(c);
}

/*
 * Random lists and batches against a model that knows nothing of maps, spans or fast paths.
 */
struct model_change {
    char kind;
    char from[64];
    char to[64];
};

static unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33) % n;
}

static void random_path(uint64_t *seed, char *out)
{
    unsigned depth = 1 + pick(seed, 3);

    out[0] = '\0';
    for (unsigned i = 0; i < depth; i++) {
        if (i > 0)
            strcat(out, "/");
        strcat(out, (const char *[]){"a", "b", "c", "dd", ".e"}[pick(seed, 5)]);
    }
}

/* The nearest of the changes, the last of them where there are several, or NULL. */
static const struct model_change *model_find(const struct model_change *changes, size_t n,
                                             const char *path)
{
    char at[64];

    strcpy(at, path);
    for (;;) {
        for (size_t i = n; i-- > 0;) {
            if (strcmp(changes[i].from, at) != 0)
                continue;
            if (changes[i].kind != 'i' || strcmp(at, path) == 0)
                return &changes[i];
            break;
        }
        if (!strrchr(at, '/'))
            return NULL;
        *strrchr(at, '/') = '\0';
    }
}

static void model_row(const struct model_change *changes, size_t n, const char *head,
                      const char *lead, const char *path, const char *ending, struct buf *out)
{
    const struct model_change *change = model_find(changes, n, path);

    if (change && change->kind == 'r')
        return;
    assert_int_equal(buf_appendf(out, "%s%s%s%s%s", head, lead, change ? change->to : path,
                                 change ? path + strlen(change->from) : "", ending),
                     0);
}

static void random_list(uint64_t *seed, const struct model_change *changes, size_t n,
                        struct buf *in, struct buf *want)
{
    static const char *const odd[] = {"\n",      "# x\n",      " \t \r\n", "1\ta\n",
                                      "a b c\n", "0\t1\t/a\n", "x\t1\ta\n"};
    unsigned rows = pick(seed, 30);

    for (unsigned i = 0; i < rows; i++) {
        bool last = i + 1 == rows;
        char path[64];
        char head[64];
        const char *lead = pick(seed, 5) == 0 ? "./" : "";
        const char *ending = last && pick(seed, 2) ? "" : pick(seed, 4) == 0 ? "\r\n" : "\n";

        if (pick(seed, 6) == 0) {
            const char *row = odd[pick(seed, 7)];

            assert_int_equal(buf_append_str(in, row), 0);
            assert_int_equal(buf_append_str(want, row), 0);
            continue;
        }
        random_path(seed, path);
        snprintf(head, sizeof(head), "%u\t%u\t", i, pick(seed, 3));
        assert_int_equal(buf_appendf(in, "%s%s%s%s", head, lead, path, ending), 0);
        model_row(changes, n, head, lead, path, ending, want);
    }
}

static void random_round(uint64_t seed)
{
    struct model_change changes[12];
    struct lst_rewrite_stats stats;
    struct lst_changes *c;
    struct buf in, want, out, undo, back;
    size_t n = pick(&seed, 12);

    buf_init(&in, SIZE_MAX);
    buf_init(&want, SIZE_MAX);
    buf_init(&out, SIZE_MAX);
    buf_init(&undo, SIZE_MAX);
    buf_init(&back, SIZE_MAX);
    assert_int_equal(lst_changes_new(&c), 0);
    for (size_t i = 0; i < n; i++) {
        struct model_change *m = &changes[i];

        m->kind = "idr"[pick(&seed, 3)];
        random_path(&seed, m->from);
        random_path(&seed, m->to);
        assert_int_equal(set_change(c, &(struct change_case){m->kind, m->from, m->to}), 0);
    }
    random_list(&seed, changes, n, &in, &want);
    assert_int_equal(lst_rewrite((struct span){in.data, in.len}, c, &out, &undo, &stats), 0);
    assert_buf(&out, want.data ? want.data : "");
    assert_int_equal(
        lst_undo((struct span){out.data, out.len}, (struct span){undo.data, undo.len}, &back), 0);
    assert_buf(&back, in.data ? in.data : "");
    if (stats.renamed + stats.dropped == 0)
        assert_buf(&out, in.data ? in.data : "");
    lst_changes_free(c);
    buf_release(&in);
    buf_release(&want);
    buf_release(&out);
    buf_release(&undo);
    buf_release(&back);
}

static void test_against_model(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20000; seed++)
        random_round(seed * UINT64_C(0x9e3779b97f4a7c15));
}

/* Rows by the old name of an image that came over another one. */
static void test_an_image_that_came_over_another(void **state)
{
    static const struct {
        const char *in, *out, *undo;
        bool keeps;
    } cases[] = {
        /* no row for the place: the image's own follows, however often it stands there */
        {"0\t1\told\n1\t2\tx\n", "0\t1\tplace\n1\t2\tx\n", "1\tplace\t0\t1\told\n", false},
        {"0\t1\told\n1\t2\t./old\n", "0\t1\tplace\n1\t2\t./place\n",
         "1\tplace\t0\t1\told\n2\t./place\t1\t2\t./old\n", false},
        /* a row for the place, before or behind: that one stays */
        {"0\t1\told\n1\t2\tplace\n", "1\t2\tplace\n", "1\t-\t0\t1\told\n", false},
        {"1\t2\t.//place\n0\t1\told\n", "1\t2\t.//place\n", "2\t-\t0\t1\told\n", false},
        {"1\t2\tplace\n0\t1\told\n", "1\t2\tplace\n0\t1\told\n", "", true},
        /* a row for the place that leaves it is none, and a comment is no row */
        {"0\t1\tleft\n1\t2\tx\n", "0\t1\tright\n1\t2\tx\n", "1\tright\t0\t1\tleft\n", false},
        {"0\t1\tleft\n1\t2\tright\n", "0\t1\tright\n", "1\tright\t0\t1\tleft\n2\t-\t1\t2\tright\n",
         false},
        {"# place\tplace\n0\t1\told\n", "# place\tplace\n0\t1\tplace\n", "2\tplace\t0\t1\told\n",
         false},
    };
    struct lst_changes *c;

    (void)state;
    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename_over(c, "old", "place"), 0);
    assert_int_equal(lst_changes_rename_over(c, "left", "right"), 0);
    assert_int_equal(lst_changes_remove(c, "right"), 0);
    assert_int_equal(lst_changes_rename_over(c, "a", "b\tc"), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lst_policy policy = {.keep_removed = cases[i].keeps};
        struct lst_rewrite_stats s;

        assert_rewrite(&policy, c, cases[i].in, cases[i].out, cases[i].undo, &s);
        assert_int_equal(s.kept, cases[i].keeps);
    }
    lst_changes_free(c);
}

static void test_a_place_whose_image_left_unseen(void **state)
{
    static const struct {
        const char *in, *out, *undo;
    } cases[] = {
        /* rows of what is there now come: before it or behind */
        {"0\t1\tplace\n1\t2\told\n", "1\t2\tplace\n", "1\t-\t0\t1\tplace\n2\tplace\t1\t2\told\n"},
        {"1\t2\t./old\n0\t1\tplace\n", "1\t2\t./place\n",
         "1\t./place\t1\t2\t./old\n2\t-\t0\t1\tplace\n"},
        /* none come */
        {"0\t1\tplace\n1\t2\tx\n", "0\t1\tplace\n1\t2\tx\n", ""},
        {"0\t1\tplace\n1\t2\tgone\n", "0\t1\tplace\n", "2\t-\t1\t2\tgone\n"},
        {"0\t1\tplace\n# old\told\n", "0\t1\tplace\n# old\told\n", ""},
        /* what would come stays out for a row of its place */
        {"0\t1\tleft\n1\t2\tright\n", "1\t2\tright\n", "1\t-\t0\t1\tleft\n"},
    };
    struct lst_changes *c;

    (void)state;
    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename(c, "old", "place"), 0);
    assert_int_equal(lst_changes_yield(c, "place"), 0);
    assert_int_equal(lst_changes_remove(c, "gone"), 0);
    assert_int_equal(lst_changes_rename_over(c, "left", "right"), 0);
    assert_int_equal(lst_changes_yield(c, ""), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct lst_rewrite_stats s;

        assert_rewrite(NULL, c, cases[i].in, cases[i].out, cases[i].undo, &s);
    }
    lst_changes_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fate),
        cmocka_unit_test(test_replaced_kind),
        cmocka_unit_test(test_bad_changes),
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_path_with_nul),
        cmocka_unit_test(test_named_dash),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_bad_undo),
        cmocka_unit_test(test_an_image_that_came_over_another),
        cmocka_unit_test(test_a_place_whose_image_left_unseen),
        cmocka_unit_test(test_large_batch),
        cmocka_unit_test(test_against_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
