/* What the journals say of each key, in the order of keys. */
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include "agent/service/replay.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A journal that is written, and read. */
struct bed {
    struct test_dir dir;
    struct journal *journal;
    struct journal_reader *reader;
    struct journal_weave *weave;
    struct conf_mapping mapping;
    struct conf conf;
    struct replay *replay;
};

static void bed_init(struct bed *b)
{
    static char name[] = "images", prefix[] = "img/", trash[] = ".trash/";

    *b = (struct bed){.mapping = {.name = name, .prefix = prefix},
                      .conf = {.mapping_count = 1, .s3 = {.trash_prefix = trash}}};
    b->conf.mappings = &b->mapping;
    test_dir_make(&b->dir);
    b->journal = test_open(&b->dir, NULL, NULL);
}

/* Write a record; its number. */
static uint64_t add(struct bed *b, struct journal_record r)
{
    uint64_t seq;

    r.mapping = r.mapping ? r.mapping : "images";
    assert_int_equal(journal_append(b->journal, &r, TEST_NOW_US, &seq), 0);
    return seq;
}

static void put(struct bed *b, const char *path, const char *etag)
{
    add(b, (struct journal_record){
               .op = JOURNAL_PUT, .state = JOURNAL_DONE, .path = path, .tx = 1, .etag = etag});
}

static void no_damage(void *arg, size_t which, struct err *e)
{
    (void)arg;
    (void)which;
    fail_msg("%s", e->what);
}

static void no_progress(void *arg, uint64_t records)
{
    (void)arg;
    (void)records;
}

static void open_replay(struct bed *b)
{
    struct replay_options opt = {
        .conf = &b->conf, .damaged = no_damage, .progress = no_progress, .arg = b};
    struct journal_strand strand = {.host = "h", .uuid = "u", .last = UINT64_MAX};
    struct err e = {0};

    assert_int_equal(journal_sync(b->journal), 0);
    assert_int_equal(journal_reader_open(b->dir.path, 1, &b->reader, &e), 0);
    strand.reader = b->reader;
    assert_int_equal(journal_weave_new(&strand, 1, &b->weave), 0);
    opt.weave = b->weave;
    assert_int_equal(replay_open(&opt, &b->replay, &e), 0);
}

static void bed_release(struct bed *b)
{
    replay_close(b->replay);
    journal_weave_free(b->weave);
    journal_reader_close(b->reader);
    assert_int_equal(journal_close(b->journal), 0);
    test_dir_remove(&b->dir);
}

/* The next key must be this one, NULL the end; what there is of it: its ETag, or NULL. */
static void expect(struct bed *b, const char *key, const char *etag)
{
    const struct account *a = NULL;
    struct err e = {0};

    assert_int_equal(replay_next(b->replay, &a, &e), key != NULL);
    if (!key)
        return;
    assert_string_equal(a->key, key);
    assert_int_equal(a->what == ACCOUNT_PUT, etag != NULL);
    if (etag)
        assert_string_equal(a->object.etag, etag);
}

static void test_keys_in_order(void **state)
{
    struct bed b;

    (void)state;
    bed_init(&b);
    put(&b, "b", "1");
    put(&b, "a/2", "2");
    put(&b, "a", "3");
    put(&b, "a-b", "4");
    put(&b, "b", "5");
    add(&b, (struct journal_record){
                .op = JOURNAL_DELETE, .state = JOURNAL_DONE, .path = "a/2", .tx = 1});
    add(&b, (struct journal_record){
                .op = JOURNAL_PUT, .state = JOURNAL_DONE, .path = "x", .mapping = "gone"});
    open_replay(&b);
    expect(&b, "img/a", "3");
    expect(&b, "img/a-b", "4");
    expect(&b, "img/a/2", NULL);
    expect(&b, "img/b", "5");
    expect(&b, NULL, NULL);
    expect(&b, NULL, NULL);
    assert_int_equal(replay_totals(b.replay)->records, 7);
    assert_int_equal(replay_totals(b.replay)->keys, 4);
    assert_int_equal(replay_totals(b.replay)->elsewhere, 1);
    assert_int_equal(replay_totals(b.replay)->until_us, TEST_NOW_US);
    bed_release(&b);
}

/* Places are some pages apart, in order, and do not disturb what is handed out. */
static void test_places(void **state)
{
    char path[32];
    struct bed b;

    (void)state;
    bed_init(&b);
    for (unsigned i = 0; i < 4000; i++) {
        snprintf(path, sizeof path, "%05u", i * 1999 % 4000);
        put(&b, path, "e");
        if (i % 2)
            put(&b, path, "f");
    }
    open_replay(&b);
    assert_null(replay_place(b.replay, ".trash/"));
    assert_string_equal(replay_place(b.replay, "img/"), "img/00899");
    assert_string_equal(replay_place(b.replay, "img/"), "img/01799");
    assert_null(replay_place(b.replay, "a/")); /* they are all behind it */
    assert_string_equal(replay_place(b.replay, "img/"), "img/02699");
    expect(&b, "img/00000", "e");
    assert_string_equal(replay_place(b.replay, "img/"), "img/03599");
    assert_null(replay_place(b.replay, "img/"));
    assert_null(replay_place(b.replay, "z/"));
    for (unsigned i = 1; i < 4000; i++) {
        const struct account *a = NULL;
        struct err e = {0};

        snprintf(path, sizeof path, "img/%05u", i);
        assert_int_equal(replay_next(b.replay, &a, &e), 1);
        assert_string_equal(a->key, path);
    }
    expect(&b, NULL, NULL);
    bed_release(&b);
}

/* What is beneath a directory whose rename did not end; and what the journal says later. */
static void test_what_goes_on(void **state)
{
    uint64_t tx;
    struct bed b;
    struct err e = {0};

    (void)state;
    bed_init(&b);
    put(&b, "old/1", "1");
    put(&b, "safe/2", "2");
    tx = add(&b, (struct journal_record){.op = JOURNAL_RENAME,
                                         .state = JOURNAL_INTENT,
                                         .path = "safe",
                                         .path2 = "sound",
                                         .tx = JOURNAL_TX_SELF});
    add(&b, (struct journal_record){.op = JOURNAL_RENAME,
                                    .state = JOURNAL_DONE,
                                    .path = "safe",
                                    .path2 = "sound",
                                    .tx = tx});
    add(&b, (struct journal_record){.op = JOURNAL_RENAME,
                                    .state = JOURNAL_INTENT,
                                    .path = "old",
                                    .path2 = "new",
                                    .tx = JOURNAL_TX_SELF});
    open_replay(&b);
    expect(&b, "img/new", NULL);
    assert_true(replay_is_open(b.replay, "img/new/1"));
    assert_false(replay_is_open(b.replay, "img/newer/1"));
    expect(&b, "img/old", NULL);
    expect(&b, "img/old/1", "1");
    assert_true(replay_is_open(b.replay, "img/old/1"));
    expect(&b, "img/safe", NULL);
    assert_false(replay_is_open(b.replay, "img/safe/2"));
    assert_false(replay_moved(b.replay, "img/late"));
    put(&b, "late", "l");
    assert_int_equal(journal_sync(b.journal), 0);
    assert_int_equal(replay_again(b.replay, &e), 0);
    assert_true(replay_moved(b.replay, "img/late"));
    assert_false(replay_moved(b.replay, "img/old/1"));
    assert_int_equal(replay_totals(b.replay)->until_us, TEST_NOW_US);
    bed_release(&b);
}

/* What was expired from the trash is gone, up to the key that the journal names. */
static void test_the_trash(void **state)
{
    static const char *const keys[] = {".trash/1/a", ".trash/2/a", ".trash/3/a"};
    struct bed b;

    (void)state;
    bed_init(&b);
    for (size_t i = 0; i < 3; i++)
        add(&b, (struct journal_record){.op = JOURNAL_TRASH,
                                        .state = JOURNAL_DONE,
                                        .path = "a",
                                        .path2 = keys[i],
                                        .tx = 1,
                                        .etag = "t"});
    add(&b, (struct journal_record){.op = JOURNAL_EXPIRE, .state = JOURNAL_DONE, .path = keys[0]});
    add(&b,
        (struct journal_record){.op = JOURNAL_EXPIRE, .state = JOURNAL_FAILED, .path = keys[1]});
    open_replay(&b);
    expect(&b, keys[0], NULL);
    expect(&b, keys[1], "t");
    assert_true(replay_is_open(b.replay, keys[1]));
    expect(&b, keys[2], "t");
    assert_false(replay_is_open(b.replay, keys[2]));
    expect(&b, NULL, NULL);
    bed_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_in_order),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_what_goes_on),
        cmocka_unit_test(test_the_trash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
