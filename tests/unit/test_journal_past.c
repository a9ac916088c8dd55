/* What S3 had at a moment: outcomes replayed. */
#include "tests/unit/unit.h"

#include "journal/past.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct past *fresh(void)
{
    struct past *p = past_new();

    assert_non_null(p);
    return p;
}

static void apply(struct past *p, struct journal_record r)
{
    static uint64_t seq;

    r.seq = ++seq;
    r.mapping = r.mapping ? r.mapping : "images";
    assert_int_equal(past_apply(p, &r), 0);
}

static void put(struct past *p, const char *path, uint64_t size, const char *etag)
{
    apply(p, (struct journal_record){.op = JOURNAL_PUT,
                                     .state = JOURNAL_DONE,
                                     .path = path,
                                     .has = JOURNAL_HAS_FILE | JOURNAL_HAS_CRC,
                                     .size = size,
                                     .mtime_ns = 5,
                                     .mode = 0100644,
                                     .crc64 = size * 7,
                                     .etag = etag});
}

/* The objects must be these: "mapping:path size etag", one after the other. */
static void expect(const struct past *p, const char *mapping, const char *within,
                   const char *wanted)
{
    const struct past_object **list;
    char got[1024] = "";
    size_t n, len = 0;

    assert_int_equal(past_list(p, mapping, within, &list, &n), 0);
    for (size_t i = 0; i < n; i++)
        len += (size_t)snprintf(got + len, sizeof(got) - len, "%s:%s %u %s; ", list[i]->mapping,
                                list[i]->path, (unsigned)list[i]->size, list[i]->etag);
    assert_string_equal(got, wanted);
    free(list);
}

static void test_puts_and_deletions(void **state)
{
    struct past *p = fresh();

    (void)state;
    expect(p, NULL, "", "");
    put(p, "b/2", 2, "two");
    put(p, "b/1", 1, "one");
    put(p, "a", 3, "three");
    put(p, "b/1", 4, "four");
    apply(p, (struct journal_record){
                 .op = JOURNAL_PUT, .state = JOURNAL_FAILED, .path = "a", .etag = "never"});
    apply(p, (struct journal_record){.op = JOURNAL_ADD, .state = JOURNAL_INTENT, .path = "c"});
    apply(p, (struct journal_record){.op = JOURNAL_IDLE, .state = JOURNAL_NOTE});
    expect(p, NULL, "", "images:a 3 three; images:b/1 4 four; images:b/2 2 two; ");
    expect(p, "images", "b", "images:b/1 4 four; images:b/2 2 two; ");
    expect(p, "lists", "", "");
    apply(p, (struct journal_record){.op = JOURNAL_DELETE, .state = JOURNAL_DONE, .path = "b/1"});
    apply(p, (struct journal_record){.op = JOURNAL_DELETE, .state = JOURNAL_FAILED, .path = "a"});
    apply(p, (struct journal_record){.op = JOURNAL_DELETE, .state = JOURNAL_DONE, .path = "none"});
    expect(p, NULL, "", "images:a 3 three; images:b/2 2 two; ");
    past_free(p);
    past_free(NULL);
}

static void test_mappings_are_told_apart(void **state)
{
    struct past *p = fresh();

    (void)state;
    put(p, "x", 1, "one");
    apply(p, (struct journal_record){
                 .op = JOURNAL_PUT, .state = JOURNAL_DONE, .mapping = "lists", .path = "x"});
    expect(p, NULL, "", "images:x 1 one; lists:x 0 ; ");
    apply(p, (struct journal_record){
                 .op = JOURNAL_DELETE, .state = JOURNAL_DONE, .mapping = "lists", .path = "x"});
    expect(p, NULL, "", "images:x 1 one; ");
    past_free(p);
}

/* A copy has its source's content, whatever becomes of the source. */
static void test_copies(void **state)
{
    const struct past_object **list;
    struct past *p = fresh();
    size_t n;

    (void)state;
    put(p, "old", 9, "nine");
    apply(p, (struct journal_record){.op = JOURNAL_COPY,
                                     .state = JOURNAL_DONE,
                                     .path = "new",
                                     .path2 = "old",
                                     .etag = "copied",
                                     .mtime_ns = 6});
    apply(p, (struct journal_record){.op = JOURNAL_DELETE, .state = JOURNAL_DONE, .path = "old"});
    expect(p, NULL, "", "images:new 9 copied; ");
    apply(p, (struct journal_record){.op = JOURNAL_COPY, /* onto itself: new metadata */
                                     .state = JOURNAL_DONE,
                                     .path = "new",
                                     .etag = "again",
                                     .mtime_ns = 7,
                                     .mode = 0100600});
    assert_int_equal(past_list(p, NULL, "", &list, &n), 0);
    assert_int_equal(n, 1);
    assert_int_equal(list[0]->size, 9);
    assert_true(list[0]->has_crc);
    assert_int_equal(list[0]->crc64, 63);
    assert_int_equal(list[0]->mtime_ns, 7);
    assert_string_equal(list[0]->etag, "again");
    free(list);
    apply(p, (struct journal_record){
                 .op = JOURNAL_COPY, .state = JOURNAL_DONE, .path = "x", .path2 = "unknown"});
    expect(p, NULL, "x", "images:x 0 ; ");
    past_free(p);
}

static void test_same_content(void **state)
{
    struct past_object a = {.size = 1, .crc64 = 5, .has_crc = true, .etag = "a"};
    struct past_object b = {.size = 1, .crc64 = 5, .has_crc = true, .etag = "b"};

    (void)state;
    assert_true(past_same_content(&a, &b));
    b.crc64 = 6;
    assert_false(past_same_content(&a, &b));
    b.has_crc = false;
    assert_false(past_same_content(&a, &b));
    b.etag = "a";
    assert_true(past_same_content(&a, &b));
    b.size = 2;
    assert_false(past_same_content(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts_and_deletions),
        cmocka_unit_test(test_mappings_are_told_apart),
        cmocka_unit_test(test_copies),
        cmocka_unit_test(test_same_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
