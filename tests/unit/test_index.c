/*
 * The index on a real LMDB in a scratch directory: entries, held removals, meta values, who sees
 * what when, and all of it against a model.
 */
#include "tests/unit/index_bed.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODEL_KEYS  150
#define MODEL_STEPS 4000

static int gather_held(void *arg, const char *key, bool released)
{
    return released ? 0 : gather(arg, key, NULL);
}

static void assert_same(const struct known *a, const struct known *b)
{
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->mode, b->mode);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->gid, b->gid);
    assert_int_equal(a->ino, b->ino);
    assert_int_equal(a->size, b->size);
    assert_int_equal(a->mtime_ns, b->mtime_ns);
    assert_int_equal(a->ctime_ns, b->ctime_ns);
    assert_int_equal(a->born_ns, b->born_ns);
    assert_int_equal(a->crc64, b->crc64);
    assert_string_equal(a->etag, b->etag);
    assert_string_equal(a->version, b->version);
    if (b->moved_to)
        assert_string_equal(a->moved_to, b->moved_to);
    else
        assert_null(a->moved_to);
}

static void test_put_get_replace_remove(void **state)
{
    struct index *ix = opened();
    struct index_entry got;
    struct known k = entry(9), moved = entry(10);
    char target[KEY_MAX + 2];
    bool fresh = false, was = false;

    (void)state;
    assert_int_equal(index_get(ix, "a", &got), -ENOENT);
    assert_int_equal(index_put(ix, "a", &k, &fresh), 0);
    assert_true(fresh);
    assert_int_equal(index_get(ix, "a", &got), 0);
    assert_same(&got.known, &k);
    /* The largest that an entry can be. */
    moved.flags |= KNOWN_MOVED;
    moved.moved_to = (char *)(uintptr_t)long_key(target, "to/", KEY_MAX, 1);
    memset(moved.etag, 'e', sizeof moved.etag - 1);
    memset(moved.version, 'v', sizeof moved.version - 1);
    assert_int_equal(index_put(ix, "a", &moved, &fresh), 0);
    assert_false(fresh);
    assert_int_equal(index_get(ix, "a", &got), 0);
    assert_same(&got.known, &moved);
    assert_int_equal(index_remove(ix, "a", &was), 0);
    assert_true(was);
    assert_int_equal(index_get(ix, "a", &got), -ENOENT);
    assert_int_equal(index_remove(ix, "a", &was), 0);
    assert_false(was);
    index_close(ix);
    index_close(NULL);
}

static void test_held_removals(void **state)
{
    struct index *ix = opened();
    struct gathered g = {0};
    bool fresh = false, was = false;

    (void)state;
    assert_int_equal(index_hold(ix, "images/a", false, &fresh), 0);
    assert_true(fresh);
    assert_int_equal(index_hold(ix, "images/a", false, &fresh), 0);
    assert_false(fresh);
    assert_int_equal(index_hold(ix, "images/b", false, NULL), 0);
    assert_int_equal(index_hold(ix, "other/c", false, NULL), 0);
    assert_int_equal(index_each_held(ix, "images/", gather_held, &g), 0);
    assert_int_equal(g.count, 2);
    let_go(&g);
    assert_int_equal(index_hold(ix, "images/b", true, &fresh), 0); /* released */
    assert_false(fresh);
    assert_int_equal(index_each_held(ix, "images/", gather_held, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], "images/a");
    let_go(&g);
    assert_int_equal(index_unhold(ix, "images/a", &was), 0);
    assert_true(was);
    assert_int_equal(index_unhold(ix, "images/a", &was), 0);
    assert_false(was);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], "other/c");
    let_go(&g);
    index_close(ix);
}

static void test_meta_values(void **state)
{
    struct index *ix = opened();
    char value[16] = "unchanged";
    size_t size = sizeof value;

    (void)state;
    assert_int_equal(index_meta_get(ix, "x", value, &size), -ENOENT);
    assert_int_equal(index_meta_put(ix, "x", "12345678", 8), 0);
    size = 7;
    assert_int_equal(index_meta_get(ix, "x", value, &size), -ENOSPC);
    assert_string_equal(value, "unchanged");
    size = sizeof value;
    assert_int_equal(index_meta_get(ix, "x", value, &size), 0);
    assert_int_equal(size, 8);
    assert_memory_equal(value, "12345678", 8);
    assert_int_equal(index_meta_put(ix, "x", "1", 1), 0);
    size = sizeof value;
    assert_int_equal(index_meta_get(ix, "x", value, &size), 0);
    assert_int_equal(size, 1);
    index_close(ix);
}

/* A view is of what was committed when it was opened. */
static void test_a_view_sees_what_is_committed(void **state)
{
    struct index *ix = opened();
    struct index_view *before = NULL, *after = NULL;
    struct known doubt = entry(3);

    (void)state;
    put(ix, "committed", 1);
    doubt.flags |= KNOWN_UNCERTAIN;
    assert_int_equal(index_put(ix, "doubt", &doubt, NULL), 0);
    assert_int_equal(index_commit(ix), 0);
    put(ix, "later", 2);
    assert_int_equal(index_view_open(ix, &before), 0);
    assert_true(index_view_has(before, "committed"));
    assert_false(index_view_has(before, "later"));
    assert_false(index_view_has(before, "doubt"));
    assert_false(index_view_has(before, "absent"));
    assert_int_equal(index_commit(ix), 0);
    assert_false(index_view_has(before, "later"));
    assert_int_equal(index_view_open(ix, &after), 0);
    assert_true(index_view_has(after, "later"));
    index_view_close(before);
    index_view_close(after);
    index_view_close(NULL);
    index_close(ix);
}

static void test_reopening_finds_what_was_committed(void **state)
{
    struct index *ix = opened();
    struct index_entry got;
    struct gathered g = {0};
    struct known k = entry(1);

    (void)state;
    put(ix, "kept", 1);
    assert_int_equal(index_hold(ix, "kept", false, NULL), 0);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(index_commit(ix), 0); /* nothing to do */
    put(ix, "lost", 2);
    index_close(ix);
    ix = opened();
    assert_int_equal(index_get(ix, "kept", &got), 0);
    assert_same(&got.known, &k);
    assert_int_equal(index_get(ix, "lost", &got), -ENOENT);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    assert_int_equal(g.count, 1);
    let_go(&g);
    assert_int_equal(index_each_inode(ix, 2, gather, &g), 0);
    assert_int_equal(g.count, 0);
    index_close(ix);
}

static void test_a_newer_format_is_refused(void **state)
{
    struct index *ix = opened();
    struct err e = {0};
    uint32_t version = 3;

    (void)state;
    assert_int_equal(index_meta_put(ix, "version", &version, sizeof version), 0);
    assert_int_equal(index_commit(ix), 0);
    index_close(ix);
    ix = NULL;
    assert_int_equal(index_open(scratch_path(), false, &ix, &e), ERR_VERSION);
    assert_null(ix);
    assert_non_null(strstr(e.what, "newer"));
    assert_int_equal(index_open(scratch_path(), true, &ix, &e), ERR_VERSION);
    assert_null(ix);
}

/* In another process: read what this one has committed, and be refused when writing. */
static int read_beside(void)
{
    struct index *ix = NULL;
    struct index_entry got;
    struct err e = {0};
    struct known k = entry(9);
    int fault = 0;

    if (index_open(scratch_path(), true, &ix, &e))
        return 1;
    if (index_get(ix, "committed", &got) || got.known.ino != 1)
        fault = 2;
    else if (index_get(ix, "open", &got) != -ENOENT)
        fault = 3;
    else if (index_put(ix, "x", &k, NULL) != -EROFS)
        fault = 4;
    else if (index_commit(ix))
        fault = 5;
    index_close(ix);
    return fault;
}

static void test_reading_beside_a_writer(void **state)
{
    struct index *ix = opened();
    int status = -1;
    pid_t pid;

    (void)state;
    put(ix, "committed", 1);
    assert_int_equal(index_commit(ix), 0);
    put(ix, "open", 2);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(read_beside());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(index_commit(ix), 0);
    index_close(ix);
}

static void test_what_is_missing_is_not_made_for_reading(void **state)
{
    struct index *ix = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(index_open(scratch_path(), true, &ix, &e), -ENOENT);
    assert_null(ix);
    assert_true(e.what[0] != '\0');
    assert_int_equal(scratch_count(), 0);
}

static void test_an_empty_index_leaves_nothing(void **state)
{
    struct index *ix = NULL;
    struct index_entry got;
    struct err e = {0};

    (void)state;
    assert_int_equal(index_open_empty(&ix, &e), 0);
    put(ix, "a", 1);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(index_get(ix, "a", &got), 0);
    index_close(ix);
}

/* A generator of which the seed is all: xorshift64. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The model's key of a number: short and long ones. */
static const char *model_key(char out[KEY_MAX + 2], int n)
{
    static const size_t lengths[] = {12, 490, 505, 1024};

    return long_key(out, n % 5 ? "d/" : "e/", lengths[n % 4], n);
}

/* The index has what the model has: by key, by walk, by inode. */
static void check_model(struct index *ix, const uint64_t *inodes)
{
    struct gathered g = {0};
    struct index_entry got;
    char key[KEY_MAX + 2];
    size_t count = 0, by_inode = 0;

    for (int n = 0; n < MODEL_KEYS; n++) {
        int rc = index_get(ix, model_key(key, n), &got);

        assert_int_equal(rc, inodes[n] ? 0 : -ENOENT);
        if (rc == 0)
            assert_int_equal(got.known.ino, inodes[n]);
        count += inodes[n] != 0;
    }
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 0);
    assert_int_equal(g.count, count);
    let_go(&g);
    for (uint64_t ino = 1; ino <= 20; ino++) {
        assert_int_equal(index_each_inode(ix, ino, gather, &g), 0);
        by_inode += g.count;
        let_go(&g);
    }
    assert_int_equal(by_inode, count);
}

static void test_random_operations_agree_with_a_model(void **state)
{
    struct index *ix = opened();
    uint64_t inodes[MODEL_KEYS] = {0}, kept[MODEL_KEYS] = {0}, seed = 0x1234567;
    char key[KEY_MAX + 2];

    (void)state;
    for (int step = 0; step < MODEL_STEPS; step++) {
        int n = (int)(next_random(&seed) % MODEL_KEYS);
        bool was = false, fresh = false;

        if (next_random(&seed) % 3) {
            struct known k = entry(1 + next_random(&seed) % 20);

            assert_int_equal(index_put(ix, model_key(key, n), &k, &fresh), 0);
            assert_int_equal(fresh, inodes[n] == 0);
            inodes[n] = k.ino;
        } else {
            assert_int_equal(index_remove(ix, model_key(key, n), &was), 0);
            assert_int_equal(was, inodes[n] != 0);
            inodes[n] = 0;
        }
        if (step % 500 == 499) {
            check_model(ix, inodes);
            assert_int_equal(index_commit(ix), 0);
            memcpy(kept, inodes, sizeof kept);
        } else if (step % 500 == 250) { /* a crash: back to the last commit */
            index_close(ix);
            ix = opened();
            memcpy(inodes, kept, sizeof kept);
            check_model(ix, inodes);
        }
    }
    index_close(ix);
}

/* What an observer heard, and what it does when a commit comes. */
struct heard {
    struct index *ix;
    int64_t bytes;
    unsigned commits;
    int refuse;
};

static void on_change(void *arg, const char *key, const struct known *was, const struct known *now)
{
    struct heard *h = arg;

    assert_string_equal(key, "k");
    h->bytes += (now ? (int64_t)now->size : 0) - (was ? (int64_t)was->size : 0);
}

static int on_commit(void *arg)
{
    struct heard *h = arg;

    h->commits++;
    return h->refuse ? h->refuse : index_meta_put(h->ix, "seen", &h->bytes, sizeof h->bytes);
}

static void test_an_observer_hears_of_each_change_and_commit(void **state)
{
    struct index *ix = opened();
    struct heard h = {.ix = ix};
    struct known k = {.size = 7};
    uint64_t first, next;
    int64_t seen = 0;
    size_t size = sizeof seen;
    bool was;

    (void)state;
    index_observe(ix, on_change, on_commit, &h);
    assert_int_equal(index_generation(ix, &first), 0);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(h.commits, 0); /* nothing was written */
    assert_int_equal(index_put(ix, "k", &k, NULL), 0);
    k.size = 5;
    assert_int_equal(index_put(ix, "k", &k, NULL), 0);
    assert_int_equal(h.bytes, 5);
    assert_int_equal(index_generation(ix, &next), 0);
    assert_int_equal(next, first + 1);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(h.commits, 1);
    assert_int_equal(index_generation(ix, &next), 0);
    assert_int_equal(next, first + 1); /* of the last commit, now */
    index_close(ix);

    ix = h.ix = opened(); /* opening is no change */
    assert_int_equal(index_generation(ix, &next), 0);
    assert_int_equal(next, first + 1);
    assert_int_equal(index_meta_get(ix, "seen", &seen, &size), 0);
    assert_int_equal(seen, 5);
    index_observe(ix, on_change, on_commit, &h);
    h.refuse = -ENOSPC;
    assert_int_equal(index_remove(ix, "k", &was), 0);
    assert_int_equal(h.bytes, 0);
    assert_int_equal(index_commit(ix), -ENOSPC);
    index_close(ix);

    ix = opened();
    assert_int_equal(index_generation(ix, &next), 0);
    assert_int_equal(next, first + 1);
    assert_int_equal(index_remove(ix, "k", &was), 0);
    assert_true(was);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_put_get_replace_remove),
        INDEX_TEST(test_held_removals),
        INDEX_TEST(test_meta_values),
        INDEX_TEST(test_a_view_sees_what_is_committed),
        INDEX_TEST(test_reopening_finds_what_was_committed),
        INDEX_TEST(test_a_newer_format_is_refused),
        INDEX_TEST(test_reading_beside_a_writer),
        INDEX_TEST(test_what_is_missing_is_not_made_for_reading),
        INDEX_TEST(test_an_empty_index_leaves_nothing),
        INDEX_TEST(test_an_observer_hears_of_each_change_and_commit),
        INDEX_TEST(test_random_operations_agree_with_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
