/* What the index remembers of uploads in parts. */
#include "tests/unit/index_bed.h"

#include "agent/service/uploads.h"

#include <errno.h>

static struct upload_known known_upload(const char *key, const char *id)
{
    struct upload_known u = {.part_bytes = 5 << 20,
                             .of_file = true,
                             .ino = 7,
                             .size = UINT64_C(60) << 20,
                             .mtime_ns = -5,
                             .ctime_ns = INT64_MAX};

    (void)snprintf(u.key, sizeof u.key, "%s", key);
    (void)snprintf(u.id, sizeof u.id, "%s", id);
    return u;
}

static void check_same(const struct upload_known *a, const struct upload_known *b)
{
    assert_string_equal(a->key, b->key);
    assert_string_equal(a->id, b->id);
    assert_true(a->part_bytes == b->part_bytes && a->of_file == b->of_file && a->ino == b->ino);
    assert_true(a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns);
}

static void test_one_a_key_outlives_the_process(void **state)
{
    struct index *ix = opened();
    struct upload_known first = known_upload("a/b", "id 1"), other = known_upload("a/b", "id 2");
    struct upload_known found;

    (void)state;
    other.of_file = false;
    assert_int_equal(uploads_find(ix, "a/b", &found), -ENOENT);
    assert_int_equal(uploads_note(ix, &first), 0);
    assert_int_equal(uploads_note(ix, &other), 0);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(index_sync(ix), 0);
    index_close(ix);
    ix = opened();
    assert_int_equal(uploads_find(ix, "a/b", &found), 0);
    check_same(&found, &other);
    assert_int_equal(uploads_find(ix, "a/", &found), -ENOENT);
    assert_int_equal(uploads_forget(ix, "a/b"), 0);
    assert_int_equal(uploads_forget(ix, "a/b"), 0);
    assert_int_equal(uploads_find(ix, "a/b", &found), -ENOENT);
    index_close(ix);
}

/* uploads_each's callback: count, and stop at three. */
static int count_to_three(void *arg, const struct upload_known *u)
{
    assert_int_equal(strncmp(u->key, "key", 3), 0);
    return ++*(int *)arg == 3 ? 7 : 0;
}

static void test_all_are_told_and_nothing_else(void **state)
{
    struct index *ix = opened();
    struct upload_known u;
    char key[16];
    int count = 0;

    (void)state;
    assert_int_equal(uploads_each(ix, count_to_three, &count), 0);
    assert_int_equal(index_meta_put(ix, "upload", "x", 1), 0);
    assert_int_equal(index_meta_put(ix, "uploae", "x", 1), 0);
    for (int i = 0; i < 2; i++) {
        (void)snprintf(key, sizeof key, "key%d", i);
        u = known_upload(key, "id");
        assert_int_equal(uploads_note(ix, &u), 0);
    }
    assert_int_equal(uploads_each(ix, count_to_three, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(uploads_each(ix, count_to_three, &count), 7);
    index_close(ix);
}

static void test_the_longest_and_what_is_longer(void **state)
{
    struct index *ix = opened();
    struct upload_known u = {.part_bytes = 1}, found;

    (void)state;
    memset(u.key, 'k', sizeof u.key - 1);
    memset(u.id, 'i', sizeof u.id - 1);
    assert_int_equal(uploads_note(ix, &u), 0);
    assert_int_equal(uploads_find(ix, u.key, &found), 0);
    check_same(&found, &u);
    u.id[sizeof u.id - 1] = 'i';
    assert_int_equal(uploads_note(ix, &u), -ENAMETOOLONG);
    index_close(ix);
}

static void test_another_file_is_another_upload(void **state)
{
    struct upload_known u = known_upload("k", "id");
    struct file_stat st = {.kind = FILE_REGULAR,
                           .ino = u.ino,
                           .size = u.size,
                           .mtime_ns = u.mtime_ns,
                           .ctime_ns = u.ctime_ns};
    struct file_stat other;

    (void)state;
    assert_true(uploads_fits(&u, &st));
    other = st;
    other.ino++;
    assert_false(uploads_fits(&u, &other));
    other = st;
    other.size++;
    assert_false(uploads_fits(&u, &other));
    other = st;
    other.mtime_ns++;
    assert_false(uploads_fits(&u, &other));
    other = st;
    other.ctime_ns--;
    assert_false(uploads_fits(&u, &other));
    u.of_file = false; /* the parts of a copy are not the file's */
    assert_false(uploads_fits(&u, &st));
}

/* uploads_each_doubt's callback: keep the only one. */
static int keep_doubt(void *arg, const struct upload_doubt *d)
{
    struct upload_doubt *out = arg;

    assert_int_equal(out->key[0], '\0');
    *out = *d;
    return 0;
}

static struct upload_doubt only_doubt(struct index *ix)
{
    struct upload_doubt d = {.looked_us = -1};

    assert_int_equal(uploads_each_doubt(ix, keep_doubt, &d), 0);
    return d;
}

static void test_doubts_of_a_key_are_one(void **state)
{
    struct index *ix = opened();
    struct upload_known u = known_upload("k", "id");
    struct upload_doubt d;

    (void)state;
    assert_int_equal(uploads_note(ix, &u), 0);
    assert_int_equal(uploads_doubt(ix, "k", 100, 200), 0);
    assert_int_equal(uploads_doubt(ix, "k", 150, 300), 0);
    assert_int_equal(uploads_doubt(ix, "k", 50, 60), 0);
    assert_int_equal(index_commit(ix), 0);
    index_close(ix);
    ix = opened();
    d = only_doubt(ix);
    assert_string_equal(d.key, "k");
    assert_true(d.since_us == 50 && d.until_us == 300 && d.looked_us == 0);
    assert_int_equal(uploads_find(ix, "k", &u), 0); /* which is something else */
    index_close(ix);
}

static void test_a_doubt_is_looked_for_twice(void **state)
{
    struct index *ix = opened();
    const int64_t end = 1000 * US_PER_S;
    struct upload_doubt d;

    (void)state;
    assert_int_equal(uploads_looked(ix, "k", end), 0); /* there is none */
    assert_int_equal(uploads_doubt(ix, "k", end - 5, end), 0);
    d = only_doubt(ix);
    assert_true(uploads_look_due_us(&d) == end + UPLOADS_SOON_US);
    assert_int_equal(uploads_looked(ix, "k", end + UPLOADS_SOON_US), 0);
    d = only_doubt(ix);
    assert_true(uploads_look_due_us(&d) == end + UPLOADS_LATE_US);
    /* Another one meanwhile: from the beginning. */
    assert_int_equal(uploads_doubt(ix, "k", end + UPLOADS_LATE_US, end + UPLOADS_LATE_US), 0);
    assert_int_equal(uploads_looked(ix, "k", end + UPLOADS_LATE_US), 0);
    d = only_doubt(ix);
    assert_true(uploads_look_due_us(&d) == end + UPLOADS_LATE_US + UPLOADS_SOON_US);
    assert_int_equal(uploads_looked(ix, "k", end + 2 * UPLOADS_LATE_US), 0);
    d = only_doubt(ix);
    assert_string_equal(d.key, "");
    index_close(ix);
}

static void test_the_longest_key_in_doubt(void **state)
{
    struct index *ix = opened();
    char key[KEY_MAX + 2];
    struct upload_doubt d;

    (void)state;
    memset(key, 'k', sizeof key);
    key[KEY_MAX + 1] = '\0';
    assert_int_equal(uploads_doubt(ix, key, 1, 2), -ENAMETOOLONG);
    key[KEY_MAX] = '\0';
    assert_int_equal(uploads_doubt(ix, key, 1, 2), 0);
    d = only_doubt(ix);
    assert_string_equal(d.key, key);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_one_a_key_outlives_the_process),
        INDEX_TEST(test_all_are_told_and_nothing_else),
        INDEX_TEST(test_the_longest_and_what_is_longer),
        INDEX_TEST(test_another_file_is_another_upload),
        INDEX_TEST(test_doubts_of_a_key_are_one),
        INDEX_TEST(test_a_doubt_is_looked_for_twice),
        INDEX_TEST(test_the_longest_key_in_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
