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

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_one_a_key_outlives_the_process),
        INDEX_TEST(test_all_are_told_and_nothing_else),
        INDEX_TEST(test_the_longest_and_what_is_longer),
        INDEX_TEST(test_another_file_is_another_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
