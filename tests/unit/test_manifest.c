/* Manifests: what is made of a list, byte for byte, and what cannot be in one. */
#include "lists/manifest.h"
#include "tests/unit/unit.h"

#include <string.h>

#define PREFIX "s3://bucket/images/"

static bool excludes_tmp(void *arg, const char *path)
{
    (void)arg;
    return strstr(path, ".tmp") != NULL;
}

/* Make one behind the word "kept"; the answer. */
static int make(const char *rows, const char *prefix, bool augmented, struct buf *out)
{
    struct lst_list list = {"x.lst", span_of(rows)};
    struct manifest_options opt = {prefix, augmented, "class", excludes_tmp, NULL};
    uint64_t images = 0;

    buf_reset(out);
    assert_int_equal(buf_append_str(out, "kept"), 0);
    return manifest_write(&list, &opt, out, &images, NULL);
}

static void test_both_kinds(void **state)
{
    static const char rows[] = "5\t3.000000\t./a/\"b\".jpg\n\n2\t0\tc d//\xc3\xa9.jpg\r\n";
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    assert_int_equal(make(rows, PREFIX, false, &out), 0);
    assert_string_equal(out.data, "kept[{\"prefix\":\"" PREFIX "\"},\n\"a/\\\"b\\\".jpg\",\n"
                                  "\"c d/\xc3\xa9.jpg\"]\n");
    assert_int_equal(make(rows, "s3://bucket/", true, &out), 0);
    assert_string_equal(out.data,
                        "kept{\"source-ref\":\"s3://bucket/a/\\\"b\\\".jpg\",\"class\":\"3\"}\n"
                        "{\"source-ref\":\"s3://bucket/c d/\xc3\xa9.jpg\",\"class\":\"0\"}\n");
    assert_int_equal(make("0\t1.0\t0\t-0\ta.jpg\n", PREFIX, true, &out), 0);
    assert_string_equal(out.data, "kept{\"source-ref\":\"" PREFIX "a.jpg\",\"class\":[1,0,0]}\n");
    buf_release(&out);
}

static void test_what_cannot_be_in_one(void **state)
{
    static const struct {
        const char *rows;
        const char *prefix;
        bool augmented;
    } bad[] = {
        {"", PREFIX, false},
        {"\n", PREFIX, true},
        {"# c\n", PREFIX, false},
        {"0\t0\ta.jpg\n1\t0\t/a.jpg\n", PREFIX, false},
        {"0\t0\ta\xff.jpg\n", PREFIX, false},
        {"0\t0\ta.tmp\n", PREFIX, false},
        {"0\t1\t2\ta.jpg\n", PREFIX, true},
        {"0\tcat\ta.jpg\n", PREFIX, true},
        {"0\t-1\ta.jpg\n", PREFIX, true},
        {"0\t0\ta.jpg\n", "s3://bucket/images", false},
        {"0\t0\ta.jpg\n", "s3://bucket", false},
        {"0\t0\ta.jpg\n", "s3://b/", false},
        {"0\t0\ta.jpg\n", "s3://Bucket/", false},
        {"0\t0\ta.jpg\n", "s3://-bucket/", false},
        {"0\t0\ta.jpg\n", "https://bucket/", false},
        {"0\t0\ta.jpg\n", "s3://bucket/\n/", false},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (make(bad[i].rows, bad[i].prefix, bad[i].augmented, &out) != ERR_SYNTAX)
            fail_msg("case %zu was taken", i);
        assert_int_equal(out.len, 4);
    }
    buf_release(&out);
}

/* A key has 1024 bytes, with its prefix. */
static void test_the_longest_key(void **state)
{
    static const size_t key = S3_KEY_BYTES_MAX - (sizeof("images/") - 1);
    char rows[2 * S3_KEY_BYTES_MAX] = "0\t0\t";
    struct buf out;

    (void)state;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < key; i++)
        rows[4 + i] = i % 200 == 199 ? '/' : 'x';
    assert_int_equal(make(rows, PREFIX, false, &out), 0);
    assert_int_equal(make(rows, PREFIX, true, &out), 0);
    rows[4 + key] = 'x';
    assert_int_equal(make(rows, PREFIX, false, &out), ERR_SYNTAX);
    assert_int_equal(make(rows, PREFIX, true, &out), ERR_SYNTAX);
    buf_release(&out);
}

static void test_places(void **state)
{
    static const char *const good[] = {"s3://a.b-c9/x", "s3://abc", "s3://9bc/\xc3\xa9"};
    static const char *const bad[] = {
        "s3://ab/x",
        "s3://abC/x",
        "s3://ab{/x",
        "s3://ab:/x",
        "s3://ab_c/x",
        "s3://.abc/x",
        "s3://abc./",
        "s3://abc-/",
        "s3://-abc/",
        "s3://abc/\x7f",
        "s3://abc/\xff/x",
        "s3://a123456789b123456789c123456789d123456789e123456789f123456789g123/x"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        assert_int_equal(s3_uri_check(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (s3_uri_check(bad[i], NULL) != ERR_SYNTAX)
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_both_kinds),
        cmocka_unit_test(test_what_cannot_be_in_one),
        cmocka_unit_test(test_the_longest_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
