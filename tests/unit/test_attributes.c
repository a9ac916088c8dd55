/* uploaders/attributes.c, uploaders/copy_headers.c: what objects carry, and what a copy keeps of
 * it. */
#include "uploaders/attributes.h"
#include "uploaders/copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KMS_KEY "arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012"

static const uint8_t customer_key[S3_CUSTOMER_KEY_BYTES] = {1, 2, 3};

/* Attributes out of "name: value" lines. "tag k: v", "context k: v", "key" (the customer's). */
static struct s3_attributes *make(const char *const *lines)
{
    struct s3_attributes *a = s3_attributes_new();
    assert_non_null(a);
    for (; *lines; lines++) {
        char line[512];
        assert_in_range(snprintf(line, sizeof(line), "%s", *lines), 1, sizeof(line) - 1);
        char *value = strstr(line, ": ");
        int code = 0;
        if (!value) {
            s3_attributes_customer_key(a, customer_key);
            continue;
        }
        *value = '\0';
        value += 2;
        if (strncmp(line, "tag ", 4) == 0)
            code = s3_attributes_tag(a, line + 4, value);
        else if (strncmp(line, "context ", 8) == 0)
            code = s3_attributes_context(a, line + 8, value);
        else
            code = s3_attributes_set(a, line, value);
        assert_int_equal(code, 0);
    }
    assert_int_equal(s3_attributes_seal(a), 0);
    return a;
}

#define MAKE(...) make((const char *const[]){__VA_ARGS__, NULL})

static void test_marks(void **state)
{
    (void)state;
    struct s3_attributes *a = MAKE("cache-control: x", "tag a: 1", "tag b: 2");
    struct s3_attributes *same = MAKE("tag b: 2", "tag a: 0", "cache-control: x", "tag a: 1");
    struct s3_attributes *other = MAKE("cache-control: x", "tag a: 1", "tag b: 3");
    struct s3_attributes *keyed = MAKE("cache-control: x", "tag a: 1", "tag b: 2", "key");
    struct s3_attributes *none = s3_attributes_new();
    assert_non_null(none);
    assert_int_equal(s3_attributes_seal(none), 0);
    assert_int_equal(s3_attributes_mark(NULL), 0);
    assert_int_equal(s3_attributes_mark(none), 0);
    assert_int_not_equal(s3_attributes_mark(a), 0);
    assert_in_range(s3_attributes_mark(a), 1, S3_MARK_FOREIGN - 1);
    assert_int_equal(s3_attributes_mark(a), s3_attributes_mark(same));
    assert_int_not_equal(s3_attributes_mark(a), s3_attributes_mark(other));
    assert_int_not_equal(s3_attributes_mark(a), s3_attributes_mark(keyed));
    s3_attributes_free(a);
    s3_attributes_free(same);
    s3_attributes_free(other);
    s3_attributes_free(keyed);
    s3_attributes_free(none);
}

static void test_rendered(void **state)
{
    (void)state;
    struct s3_attributes *a = MAKE("tag k/1: a b&c", "tag a: ", "context team: a\"b", "key");
    const char *md5, *key = s3_attributes_key(a, &md5);
    assert_string_equal(s3_attributes_get(a, "x-amz-tagging"), "a=&k%2F1=a%20b%26c");
    /* {"team":"a\"b"} */
    assert_string_equal(s3_attributes_get(a, "x-amz-server-side-encryption-context"),
                        "eyJ0ZWFtIjoiYVwiYiJ9");
    assert_string_equal(key, "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert_string_equal(md5, "ltCV3+xA9zOFoXDct/s5gQ==");
    assert_null(s3_attributes_get(a, "cache-control"));
    assert_null(s3_attributes_get(NULL, "cache-control"));
    s3_attributes_free(a);
}

static void test_plain_takes_encryption_back(void **state)
{
    (void)state;
    struct s3_attributes *a = s3_attributes_new();
    const char *md5;
    assert_non_null(a);
    assert_int_equal(s3_attributes_set(a, "x-amz-server-side-encryption", "aws:kms"), 0);
    assert_int_equal(s3_attributes_context(a, "a", "b"), 0);
    assert_int_equal(s3_attributes_set(a, "x-amz-acl", "private"), 0);
    s3_attributes_customer_key(a, customer_key);
    s3_attributes_plain(a);
    assert_int_equal(s3_attributes_seal(a), 0);
    assert_null(s3_attributes_get(a, "x-amz-server-side-encryption"));
    assert_null(s3_attributes_get(a, "x-amz-server-side-encryption-context"));
    assert_null(s3_attributes_key(a, &md5));
    assert_string_equal(s3_attributes_get(a, "x-amz-acl"), "private");
    s3_attributes_free(a);
}

/* One copy: the source's headers, the rules, and the headers that must be sent, sorted. */
struct copy_case {
    const char *what;
    enum transfer_kind kind;
    const char *source, *key;
    const char *const *head; /* NULL: not asked */
    const char *const *before;
    const char *const *now;
    bool content;
    const char *sent;
};

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define KEY_LINES                                                                                  \
    "x-amz-server-side-encryption-customer-algorithm: AES256\n"                                    \
    "x-amz-server-side-encryption-customer-key: AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"    \
    "x-amz-server-side-encryption-customer-key-md5: ltCV3+xA9zOFoXDct/s5gQ==\n"

/* NOLINTBEGIN(bugprone-suspicious-missing-comma): lines of one text */
static const struct copy_case copy_cases[] = {
    {"nothing is asked: what S3 does not copy by itself is told", TRANSFER_COPY, "a.png", "b.png",
     NULL,
     LINES("cache-control: x", "x-amz-storage-class: STANDARD_IA", "x-amz-acl: public-read",
           "x-amz-server-side-encryption: aws:kms", "tag t: 1"),
     LINES("cache-control: x", "x-amz-storage-class: STANDARD_IA", "x-amz-acl: public-read",
           "x-amz-server-side-encryption: aws:kms", "tag t: 1"),
     false,
     "x-amz-acl: public-read\nx-amz-server-side-encryption: aws:kms\n"
     "x-amz-storage-class: STANDARD_IA\n"},
    {"nothing is asked: a customer's key", TRANSFER_COPY, "a.png", "b.png", NULL, LINES("key"),
     LINES("key"), false, KEY_LINES},
    {"the same rules: class and encryption are the source's", TRANSFER_COPY, "a.png", "b.png",
     LINES("content-type: image/png", "etag: \"1\"", "x-amz-storage-class: GLACIER_IR",
           "x-amz-website-redirect-location: /x", "x-amz-server-side-encryption: aws:kms",
           "x-amz-server-side-encryption-aws-kms-key-id: " KMS_KEY,
           "x-amz-server-side-encryption-bucket-key-enabled: true", "x-amz-meta-theirs: 1"),
     LINES("x-amz-acl: public-read", "x-amz-server-side-encryption: aws:kms", "context a: b"),
     LINES("x-amz-acl: public-read", "x-amz-server-side-encryption: aws:kms", "context a: b"),
     false,
     "x-amz-acl: public-read\nx-amz-server-side-encryption: aws:kms\n"
     "x-amz-server-side-encryption-aws-kms-key-id: " KMS_KEY "\n"
     "x-amz-server-side-encryption-bucket-key-enabled: true\n"
     "x-amz-server-side-encryption-context: eyJhIjoiYiJ9\n"
     "x-amz-storage-class: GLACIER_IR\nx-amz-website-redirect-location: /x\n"},
    {"the same rules in parts: content headers too", TRANSFER_COPY, "a.png", "b.png",
     LINES("content-type: image/png", "cache-control: theirs", "x-amz-meta-file-mtime: 1ns",
           "x-amz-storage-class: STANDARD_IA"),
     LINES("x-amz-storage-class: GLACIER_IR"), LINES("x-amz-storage-class: GLACIER_IR"), true,
     "cache-control: theirs\ncontent-type: image/png\nx-amz-meta-file-mtime: 1ns\n"
     "x-amz-storage-class: STANDARD_IA\n"},
    {"other rules: those of the old path go, those of the new one come, the rest stays",
     TRANSFER_COPY, "raw/a.png", "done/a.png",
     LINES("content-type: image/png", "cache-control: raw", "content-language: de",
           "x-amz-meta-stage: raw", "x-amz-meta-theirs: 1", "x-amz-meta-file-mtime: 1ns",
           "x-amz-storage-class: STANDARD_IA", "x-amz-server-side-encryption: aws:kms",
           "x-amz-server-side-encryption-aws-kms-key-id: " KMS_KEY),
     LINES("cache-control: raw", "x-amz-meta-stage: raw", "x-amz-storage-class: STANDARD_IA",
           "x-amz-server-side-encryption: aws:kms",
           "x-amz-server-side-encryption-aws-kms-key-id: " KMS_KEY),
     LINES("x-amz-meta-stage: done", "tag a: b"), true,
     "content-language: de\ncontent-type: image/png\nx-amz-meta-file-mtime: 1ns\n"
     "x-amz-meta-stage: done\nx-amz-meta-theirs: 1\n"},
    {"other rules: what others changed stays", TRANSFER_COPY, "raw/a.png", "done/a.png",
     LINES("content-type: image/x-theirs", "cache-control: theirs",
           "x-amz-storage-class: GLACIER_IR", "x-amz-server-side-encryption: AES256"),
     LINES("cache-control: raw", "x-amz-storage-class: STANDARD_IA"), LINES("x-amz-acl: private"),
     true,
     "cache-control: theirs\ncontent-type: image/x-theirs\nx-amz-acl: private\n"
     "x-amz-server-side-encryption: AES256\nx-amz-storage-class: GLACIER_IR\n"},
    {"another ending: another type", TRANSFER_COPY, "a.part", "a.png",
     LINES("content-type: application/octet-stream", "x-amz-meta-file-mtime: 1ns"),
     LINES("cache-control: x"), LINES("cache-control: x"), true,
     "cache-control: x\ncontent-type: image/png\nx-amz-meta-file-mtime: 1ns\n"},
    {"into a customer's key", TRANSFER_COPY, "a.png", "b.png",
     LINES("content-type: image/png", "x-amz-server-side-encryption: AES256"),
     LINES("cache-control: x"), LINES("key"), true, "content-type: image/png\n" KEY_LINES},
    {"out of a customer's key", TRANSFER_COPY, "a.png", "b.png",
     LINES("content-type: image/png", "x-amz-server-side-encryption-customer-algorithm: AES256",
           "x-amz-server-side-encryption-customer-key-md5: ltCV3+xA9zOFoXDct/s5gQ=="),
     LINES("key"), LINES("cache-control: x"), true, "cache-control: x\ncontent-type: image/png\n"},
    {"meta: everything but the POSIX properties", TRANSFER_META, NULL, "a.png",
     LINES("content-type: image/x-theirs", "cache-control: theirs", "expires: never",
           "x-amz-meta-theirs: 1", "x-amz-meta-file-mtime: 1ns", "x-amz-meta-user-agent: aws-fsx",
           "x-amz-storage-class: STANDARD_IA", "x-amz-tagging-count: 2", "etag: \"1\""),
     LINES("x-amz-acl: private"), LINES("x-amz-acl: private", "cache-control: new"), true,
     "cache-control: theirs\ncontent-type: image/x-theirs\nexpires: never\nx-amz-acl: private\n"
     "x-amz-meta-theirs: 1\nx-amz-storage-class: STANDARD_IA\n"},
    {"meta: an object from before the rule of a key", TRANSFER_META, NULL, "a.png",
     LINES("content-type: image/png"), LINES("key"), LINES("key"), true,
     "content-type: image/png\n"},
    {"meta: an object under the key", TRANSFER_META, NULL, "a.png",
     LINES("content-type: image/png", "x-amz-server-side-encryption-customer-algorithm: AES256"),
     LINES("key"), LINES("key"), true, "content-type: image/png\n" KEY_LINES},
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */

/* An answer's headers as wire.c keeps them. */
static void fill_head(struct call *head, const char *const *lines)
{
    buf_init(&head->x.head, 65536);
    for (; *lines; lines++) {
        const char *colon = strstr(*lines, ": ");
        assert_non_null(colon);
        assert_int_equal(buf_append(&head->x.head, *lines, (size_t)(colon - *lines)), 0);
        assert_int_equal(buf_append_byte(&head->x.head, '\0'), 0);
        assert_int_equal(buf_append(&head->x.head, colon + 2, strlen(colon + 2) + 1), 0);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct sigv4_pair *)a)->name, ((const struct sigv4_pair *)b)->name);
}

static void check_copy(const struct copy_case *c)
{
    struct call head = {.kind = c->kind}, call = {.kind = c->kind};
    char text[4096] = "";
    size_t n = 0;
    struct s3_attributes *before = make(c->before), *now = make(c->now);
    struct transfer *t = transfer_new(c->kind, c->key);
    assert_non_null(t);
    t->source_key = c->source ? strdup(c->source) : NULL;
    t->attributes = now;
    t->source_attributes = before;
    if (c->head)
        fill_head(&head, c->head);
    copy_add_headers(&call, t, c->head ? &head : NULL, c->content);
    qsort(call.headers, call.header_count, sizeof(*call.headers), by_name);
    for (size_t i = 0; i < call.header_count; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s: %s\n", call.headers[i].name,
                              call.headers[i].value);
    if (strcmp(text, c->sent) != 0)
        fail_msg("%s:\ngot:\n%swant:\n%s", c->what, text, c->sent);
    transfer_free(t);
    s3_attributes_free(before);
    s3_attributes_free(now);
    buf_release(&head.x.head);
}

static void test_copies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(copy_cases) / sizeof(copy_cases[0]); i++)
        check_copy(&copy_cases[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_rendered),
        cmocka_unit_test(test_plain_takes_encryption_back),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
