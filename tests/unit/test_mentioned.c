/* What the index keeps of the names in lists: when it is believed, replaced, forgotten. */
#include "tests/unit/index_bed.h"

#include "agent/service/mentioned.h"
#include "base/digest.h"

#include <errno.h>

#define KEY "lists/train.lst"

static const struct file_stat seen = {
    .kind = FILE_REGULAR, .dev = 1, .ino = 2, .size = 3000, .mtime_ns = 4, .ctime_ns = 5};

/* So many images, named after a letter. */
static struct mentions *names_of(char letter, int n)
{
    struct mentions *m = NULL;
    char path[32];

    assert_int_equal(mentions_new(SIZE_MAX, &m), 0);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%c/%d.jpg", letter, i);
        assert_int_equal(mentions_add(m, path), 0);
    }
    assert_int_equal(mentions_end(m), 0);
    return m;
}

static void note(struct index *ix, const char *key, const struct file_stat *st, char letter, int n)
{
    struct mentions *m = names_of(letter, n);

    assert_int_equal(mentioned_note(ix, key, st, m), 0);
    assert_int_equal(index_commit(ix), 0);
    mentions_free(m);
}

/* What is known of the list with this stat: is it named by it? */
static enum mentioned look(struct index *ix, const char *key, const struct file_stat *st,
                           const char *path)
{
    struct sought s = {0};
    struct index_view *v = NULL;
    struct lst_changes *c = NULL;
    enum mentioned known;

    assert_int_equal(lst_changes_new(&c), 0);
    assert_int_equal(lst_changes_rename(c, path, "elsewhere"), 0);
    assert_int_equal(sought_make(&s, c), 0);
    assert_int_equal(index_view_open(ix, &v), 0);
    known = mentioned_look(v, key, st, &s);
    index_view_close(v);
    sought_release(&s);
    lst_changes_free(c);
    return known;
}

static void test_what_is_noted_is_believed(void **state)
{
    struct index *ix = opened();
    struct index_view *v = NULL;

    (void)state;
    assert_int_equal(look(ix, KEY, &seen, "a/1.jpg"), MENTIONED_UNKNOWN);
    note(ix, KEY, &seen, 'a', 10);
    assert_int_equal(look(ix, KEY, &seen, "a/1.jpg"), MENTIONED_MAYBE);
    assert_int_equal(look(ix, KEY, &seen, "a"), MENTIONED_MAYBE);
    assert_int_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_NONE);
    assert_int_equal(look(ix, "lists/other.lst", &seen, "b/1.jpg"), MENTIONED_UNKNOWN);
    index_close(ix);
    ix = opened(); /* by another run, too */
    assert_int_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_NONE);
    assert_int_equal(index_view_open(ix, &v), 0);
    assert_int_equal(mentioned_look(v, KEY, &seen, NULL), MENTIONED_MAYBE);
    index_view_close(v);
    index_close(ix);
}

static void test_another_stat_is_not_believed(void **state)
{
    struct file_stat others[] = {seen, seen, seen, seen};
    struct index *ix = opened();

    (void)state;
    others[0].ino++;
    others[1].size++;
    others[2].mtime_ns++;
    others[3].ctime_ns++;
    note(ix, KEY, &seen, 'a', 10);
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(look(ix, KEY, &others[i], "b/1.jpg"), MENTIONED_UNKNOWN);
    index_close(ix);
}

/* "listed:" and the SHA-256 of KEY. */
static const char *listed_name(char out[80])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(KEY, strlen(KEY), hash);
    memcpy(out, "listed:", 7);
    hex_encode(hash, sizeof hash, out + 7);
    return out;
}

/* Whatever byte of the value is another, and wherever it ends: it is not believed, or it says the
 * same. */
static void test_a_damaged_value_is_not_believed(void **state)
{
    struct index *ix = opened();
    char name[80], value[2048], other[2048];
    size_t size = sizeof value;

    (void)state;
    note(ix, KEY, &seen, 'a', 10);
    assert_int_equal(index_meta_get(ix, listed_name(name), value, &size), 0);
    for (size_t i = 0; i < size; i++) {
        memcpy(other, value, size);
        other[i] ^= 1;
        assert_int_equal(index_meta_put(ix, name, other, size), 0);
        assert_int_equal(index_commit(ix), 0);
        if (i < 4 || i >= 8) /* not in the number of leaves */
            assert_int_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_UNKNOWN);
        else
            assert_int_not_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_NONE);
        assert_int_equal(index_meta_put(ix, name, value, i), 0);
        assert_int_equal(index_commit(ix), 0);
        assert_int_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_UNKNOWN);
    }
    index_close(ix);
}

static int count_value(void *arg, struct span name, struct span value)
{
    (void)name;
    (void)value;
    ++*(int *)arg;
    return 0;
}

static int count(struct index *ix, const char *prefix)
{
    int n = 0;

    assert_int_equal(index_meta_each(ix, prefix, NULL, count_value, &n), 0);
    return n;
}

static void test_a_shorter_list_leaves_no_leaf(void **state)
{
    struct file_stat now = seen;
    struct index *ix = opened();

    (void)state;
    note(ix, KEY, &seen, 'a', 2 * LEAF_NAMES_MAX);
    assert_int_equal(count(ix, "names:"), 3);
    assert_int_equal(look(ix, KEY, &seen, "a/262143.jpg"), MENTIONED_MAYBE);
    now.ctime_ns++;
    note(ix, KEY, &now, 'b', 1);
    assert_int_equal(count(ix, "names:"), 1);
    assert_int_equal(look(ix, KEY, &now, "a/262143.jpg"), MENTIONED_NONE);
    assert_int_equal(look(ix, KEY, &seen, "a/262143.jpg"), MENTIONED_UNKNOWN);
    index_close(ix);
}

/* So many changes that reading the list is quicker. */
static void test_many_changes_are_not_looked_for_in_a_short_list(void **state)
{
    struct index *ix = opened();
    struct index_view *v = NULL;
    struct sought s = {0};

    (void)state;
    note(ix, KEY, &seen, 'a', 10);
    s.n = 10000;
    s.hashes = calloc(s.n, sizeof *s.hashes);
    assert_int_equal(index_view_open(ix, &v), 0);
    assert_int_equal(mentioned_look(v, KEY, &seen, &s), MENTIONED_MAYBE);
    s.n = 1;
    assert_int_equal(mentioned_look(v, KEY, &seen, &s), MENTIONED_NONE);
    index_view_close(v);
    sought_release(&s);
    index_close(ix);
}

static void test_lists_that_are_gone_are_forgotten(void **state)
{
    struct index *ix = opened();

    (void)state;
    put(ix, KEY, 1);
    note(ix, KEY, &seen, 'a', 10);
    note(ix, "lists/gone.lst", &seen, 'a', 2 * LEAF_NAMES_MAX);
    assert_int_equal(mentioned_expire(ix), 0);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(count(ix, "listed:"), 1);
    assert_int_equal(count(ix, "names:"), 1);
    assert_int_equal(look(ix, KEY, &seen, "b/1.jpg"), MENTIONED_NONE);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_what_is_noted_is_believed),
        INDEX_TEST(test_another_stat_is_not_believed),
        INDEX_TEST(test_a_damaged_value_is_not_believed),
        INDEX_TEST(test_a_shorter_list_leaves_no_leaf),
        INDEX_TEST(test_many_changes_are_not_looked_for_in_a_short_list),
        INDEX_TEST(test_lists_that_are_gone_are_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
