/*
 * Content types, POSIX metadata and the rules of keys.
 */
#include "tests/unit/unit.h"
#include "uploaders/headers.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void test_content_type(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *type;
    } cases[] = {
        {"a/b.jpg", "image/jpeg"},
        {"a/b.JPEG", "image/jpeg"},
        {"b.png", "image/png"},
        {"train.lst", "text/plain"},
        {"train.rec", "application/x-recordio"},
        {"train.idx", "text/plain"},
        {"x.json", "application/json"},
        {"x.tiff", "image/tiff"},
        {"x.avif", "image/avif"},
        {"x.zip", "application/zip"},
        {"x.webp", "image/webp"},
        {"x.jp", "application/octet-stream"},
        {"x.jpgg", "application/octet-stream"},
        {"x.", "application/octet-stream"},
        {"png", "application/octet-stream"},
        {"dir.png/x", "application/octet-stream"},
        {"", "application/octet-stream"},
        {"a.png.bin", "application/octet-stream"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(headers_content_type(cases[i].key), cases[i].type);
}

/* The order of the table, by which it is searched, shows in whether each ending is found. */
static void test_all_endings(void **state)
{
    (void)state;
    static const char *const endings[] = {
        "avif", "bmp", "csv",  "gif",  "heic", "heif", "htm",   "html", "idx",
        "jp2",  "jpe", "jpeg", "jpg",  "json", "jxl",  "jsonl", "lst",  "md",
        "pbm",  "pdf", "pgm",  "png",  "ppm",  "rec",  "svg",   "tar",  "tif",
        "tiff", "tsv", "txt",  "webp", "xml",  "yaml", "yml",   "zip",
    };
    for (size_t i = 0; i < COUNT(endings); i++) {
        char key[16] = "x.";
        strcat(key, endings[i]);
        assert_string_not_equal(headers_content_type(key), "application/octet-stream");
    }
}

static void test_posix(void **state)
{
    (void)state;
    static const struct {
        struct s3_posix posix;
        const char *group, *mtime, *owner, *permissions;
    } cases[] = {
        {{0100664, 1000, 100, INT64_C(1595002920123456789)},
         "100",
         "1595002920123456789ns",
         "1000",
         "0100664"},
        {{040755, 0, 0, 0}, "0", "0ns", "0", "0040755"},
        {{0120777, UINT32_MAX, UINT32_MAX, INT64_MIN},
         "4294967295",
         "-9223372036854775808ns",
         "4294967295",
         "0120777"},
        {{0104755, 1, 2, -1}, "2", "-1ns", "1", "0104755"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct header h[HEADERS_POSIX_COUNT];
        headers_posix(&cases[i].posix, h);
        assert_string_equal(h[0].name, "x-amz-meta-file-group");
        assert_string_equal(h[0].value, cases[i].group);
        assert_string_equal(h[1].name, "x-amz-meta-file-mtime");
        assert_string_equal(h[1].value, cases[i].mtime);
        assert_string_equal(h[2].name, "x-amz-meta-file-owner");
        assert_string_equal(h[2].value, cases[i].owner);
        assert_string_equal(h[3].name, "x-amz-meta-file-permissions");
        assert_string_equal(h[3].value, cases[i].permissions);
        assert_string_equal(h[4].name, "x-amz-meta-user-agent");
        assert_string_equal(h[4].value, "lockstep");
        for (size_t j = 0; j < HEADERS_POSIX_COUNT; j++)
            assert_true(headers_is_posix(h[j].name));
    }
    assert_true(headers_is_posix("X-Amz-Meta-File-Owner"));
    assert_false(headers_is_posix("x-amz-meta-file-atime"));
    assert_false(headers_is_posix("x-amz-meta-label"));
    assert_false(headers_is_posix("content-type"));
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        int code;
        const char *what;
    } cases[] = {
        {"a", 0, ""},
        {"a b/c+d%20/\xc3\xa9/\xf0\x9f\x90\xb1.jpg", 0, ""},
        {"tab\tlf\ncr\r", 0, ""},
        {"\x7f\xc2\x80\xef\xbf\xbd\xf4\x8f\xbf\xbf", 0, ""},
        {"", ERR_SYNTAX, "empty"},
        {"a\x01", ERR_SYNTAX, "U+0001 at offset 1"},
        {"\x1f", ERR_SYNTAX, "U+001F at offset 0"},
        {"ab\xef\xbf\xbe", ERR_SYNTAX, "U+FFFE at offset 2"},
        {"\xef\xbf\xbf", ERR_SYNTAX, "U+FFFF"},
        {"a\xff", ERR_SYNTAX, "0xff at offset 1"},
        {"\xc3", ERR_SYNTAX, "not UTF-8"},
        {"\xc0\xaf", ERR_SYNTAX, "not UTF-8"},
        {"\xed\xa0\x80", ERR_SYNTAX, "not UTF-8"},
        {"\xf4\x90\x80\x80", ERR_SYNTAX, "not UTF-8"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = {0};
        if (s3_check_key(cases[i].key, &e) != cases[i].code || !strstr(e.what, cases[i].what))
            fail_msg("%zu: %d %s", i, e.code, e.what);
    }
    char key[S3_KEY_MAX + 2];
    struct err e = {0};
    memset(key, 'k', sizeof(key));
    key[S3_KEY_MAX] = '\0';
    assert_int_equal(s3_check_key(key, &e), 0);
    key[S3_KEY_MAX] = 'k';
    key[S3_KEY_MAX + 1] = '\0';
    assert_int_equal(s3_check_key(key, &e), ERR_LIMIT);
    assert_non_null(strstr(e.what, "1025 bytes"));
    assert_int_equal(s3_check_key(key, NULL), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_all_endings),
        cmocka_unit_test(test_posix),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
