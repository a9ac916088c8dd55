/*
 * The index on a real LMDB in a scratch directory: entries, order, walks, long keys, inodes, held
 * removals, meta values, and who sees what when.
 */
#include "tests/unit/unit.h"

#include "agent/service/index.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define KEY_MAX     1024
#define MODEL_KEYS  150
#define MODEL_STEPS 4000
#define GATHER_MAX  1200

/* Keys that a walk told of. */
struct gathered {
    char *keys[GATHER_MAX];
    size_t count;
    size_t stop_at; /* 0: never */
};

static int gather(void *arg, const char *key, const struct known *known)
{
    struct gathered *g = arg;

    (void)known;
    assert_true(g->count < GATHER_MAX);
    g->keys[g->count++] = strdup(key);
    return g->stop_at && g->count == g->stop_at ? 7 : 0;
}

static int gather_name(void *arg, const char *name)
{
    return gather(arg, name, NULL);
}

static int gather_held(void *arg, const char *key, bool released)
{
    return released ? 0 : gather(arg, key, NULL);
}

static void let_go(struct gathered *g)
{
    for (size_t i = 0; i < g->count; i++)
        free(g->keys[i]);
    *g = (struct gathered){.count = 0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The gathered keys are these, in this order; they are let go. */
static void expect(struct gathered *g, const char *const *keys, size_t count)
{
    if (g->count != count)
        fail_msg("%zu keys, not %zu", g->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(g->keys[i], keys[i]);
    let_go(g);
}

static struct index *opened(void)
{
    struct err e = {0};
    struct index *ix = NULL;

    if (index_open(scratch_path(), false, &ix, &e))
        fail_msg("%s: %s", e.where, e.what);
    return ix;
}

/* An entry that the number tells from any other. */
static struct known entry(uint64_t number)
{
    struct known k = {.flags = KNOWN_CRC,
                      .mode = 0100644,
                      .uid = 1,
                      .gid = 2,
                      .ino = number,
                      .size = number * 3,
                      .mtime_ns = -5,
                      .ctime_ns = INT64_MAX,
                      .crc64 = ~number};

    (void)snprintf(k.etag, sizeof k.etag, "etag%u", (unsigned)number);
    return k;
}

static void put(struct index *ix, const char *key, uint64_t number)
{
    struct known k = entry(number);

    assert_int_equal(index_put(ix, key, &k, NULL), 0);
}

/* A key of n bytes: this beginning, then fill, then a number of four digits. */
static const char *long_key(char out[KEY_MAX + 2], const char *begin, size_t n, int number)
{
    size_t begin_n = strlen(begin);

    memset(out, 'x', n);
    memcpy(out, begin, begin_n);
    (void)snprintf(out + n - 4, 5, "%04d", number);
    return out;
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

static void test_keys_come_in_the_order_of_their_bytes(void **state)
{
    static const char *const sorted[] = {"A",  "a", "a-b",      "a/b", "a/b/c",
                                         "a0", "b", "\xc3\xa4", "\xff"};
    static const char *const under[] = {"a/b", "a/b/c"};
    struct index *ix = opened();
    struct gathered g = {0};
    uint64_t count = 0;

    (void)state;
    for (size_t i = COUNT(sorted); i-- > 0;)
        put(ix, sorted[i], i);
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 0);
    expect(&g, sorted, COUNT(sorted));
    assert_int_equal(index_each_under(ix, "a/", NULL, gather, &g), 0);
    expect(&g, under, 2);
    assert_int_equal(index_each_under(ix, "a/", "a/b", gather, &g), 0);
    expect(&g, under + 1, 1);
    assert_int_equal(index_each_under(ix, "a/", "a/b/c", gather, &g), 0);
    expect(&g, NULL, 0);
    /* Behind a key that is there no more. */
    assert_int_equal(index_each_under(ix, "", "a-c", gather, &g), 0);
    expect(&g, sorted + 3, COUNT(sorted) - 3);
    assert_int_equal(index_each_under(ix, "zz", NULL, gather, &g), 0);
    expect(&g, NULL, 0);
    g.stop_at = 2;
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 7);
    expect(&g, sorted, 2);
    assert_int_equal(index_count(ix, "a", &count), 0);
    assert_int_equal(count, 5);
    assert_int_equal(index_count(ix, "a/", &count), 0);
    assert_int_equal(count, 2);
    index_close(ix);
}

/* Every length around LMDB's limit: each key is found again, and no other for it. */
static void test_long_keys(void **state)
{
    static const size_t lengths[] = {467, 468, 469, 499, 500, 501, 511, 512, 800, 1023, 1024};
    struct index *ix = opened();
    struct index_entry got;
    struct gathered g = {0};
    char key[KEY_MAX + 2];
    bool was = false;

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (int n = 0; n < 3; n++)
            put(ix, long_key(key, "d/", lengths[i], n), lengths[i] * 10 + (size_t)n);
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (int n = 0; n < 3; n++) {
            assert_int_equal(index_get(ix, long_key(key, "d/", lengths[i], n), &got), 0);
            assert_int_equal(got.known.ino, lengths[i] * 10 + (size_t)n);
        }
    assert_int_equal(index_get(ix, long_key(key, "d/", 700, 0), &got), -ENOENT);
    assert_int_equal(index_each_under(ix, "d/", NULL, gather, &g), 0);
    assert_int_equal(g.count, 3 * COUNT(lengths));
    for (size_t i = 0; i < g.count; i++) /* whole keys, not LMDB's */
        assert_int_equal(index_get(ix, g.keys[i], &got), 0);
    let_go(&g);
    /* A prefix that is longer than what LMDB has of the key. */
    assert_int_equal(index_each_under(ix, long_key(key, "d/", 1024, 2), NULL, gather, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], key);
    let_go(&g);
    assert_int_equal(index_each_inode(ix, 10240 + 1, gather, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], long_key(key, "d/", 1024, 1));
    let_go(&g);
    assert_int_equal(index_remove(ix, key, &was), 0);
    assert_true(was);
    assert_int_equal(index_get(ix, key, &got), -ENOENT);
    assert_int_equal(index_get(ix, long_key(key, "d/", 1024, 2), &got), 0);
    index_close(ix);
}

static void test_a_key_that_s3_cannot_have_is_refused(void **state)
{
    struct index *ix = opened();
    struct gathered g = {0};
    struct known k = entry(1);
    char key[KEY_MAX + 2];

    (void)state;
    (void)long_key(key, "d/", KEY_MAX + 1, 0);
    assert_int_equal(index_put(ix, key, &k, NULL), -ENAMETOOLONG);
    assert_int_equal(index_hold(ix, key, false, NULL), -ENAMETOOLONG);
    assert_int_equal(index_each_under(ix, "", NULL, gather, &g), 0);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    expect(&g, NULL, 0);
    key[KEY_MAX] = '\0';
    assert_int_equal(index_hold(ix, key, false, NULL), 0);
    assert_int_equal(index_each_held(ix, "", gather_held, &g), 0);
    assert_int_equal(g.count, 1);
    assert_string_equal(g.keys[0], key);
    let_go(&g);
    index_close(ix);
}

/* Walking in pieces, each behind the last key of the one before, tells each key once: also where
 * long keys stand in an order of their own. */
static void test_pieces_miss_nothing(void **state)
{
    struct index *ix = opened();
    char key[KEY_MAX + 2], after[KEY_MAX + 2] = "";
    struct gathered all = {0}, g = {0};

    (void)state;
    for (int n = 0; n < 100; n++) {
        put(ix, long_key(key, "d/", 1000 - (size_t)(n % 3), n), 1);
        put(ix, long_key(key, "d/", 480, n), 1);
        put(ix, long_key(key, "d/y", 20, n), 1);
    }
    for (;;) {
        g.stop_at = 7;
        int rc = index_each_under(ix, "d/", after[0] ? after : NULL, gather, &g);

        for (size_t i = 0; i < g.count; i++)
            assert_int_equal(gather(&all, g.keys[i], NULL), 0);
        if (g.count)
            (void)snprintf(after, sizeof after, "%s", g.keys[g.count - 1]);
        let_go(&g);
        if (rc == 0)
            break;
        assert_int_equal(rc, 7);
    }
    assert_int_equal(all.count, 300);
    qsort(all.keys, all.count, sizeof *all.keys, by_bytes);
    for (size_t i = 1; i < all.count; i++)
        assert_true(strcmp(all.keys[i - 1], all.keys[i]) < 0);
    let_go(&all);
    index_close(ix);
}

static const struct {
    const char *dir;
    const char *files[8];
    const char *directories[8];
} listings[] = {
    {"", {"a", "a0", "a.b", "z"}, {"a", "a-b", "b", "p"}},
    {"a/", {"a/x"}, {"deep", "deep-er", "deep0"}},
    {"a-b/", {"a-b/c"}, {NULL}},
    {"p/", {"p/q"}, {"q"}},
    {"p/q/", {"p/q/r"}, {NULL}},
    {"absent/", {NULL}, {NULL}},
    {"a0/", {NULL}, {NULL}},
};

/* The names told are these, in whatever order, a directory once or more. */
static void expect_names(struct gathered *g, const char *const names[8])
{
    size_t distinct = 0, wanted = 0;

    qsort(g->keys, g->count, sizeof *g->keys, by_bytes);
    for (size_t i = 0; i < g->count; i++)
        distinct += i == 0 || strcmp(g->keys[i - 1], g->keys[i]) != 0;
    for (; wanted < 8 && names[wanted]; wanted++) {
        size_t i = 0;

        while (i < g->count && strcmp(g->keys[i], names[wanted]) != 0)
            i++;
        if (i == g->count)
            fail_msg("not told: %s", names[wanted]);
    }
    assert_int_equal(distinct, wanted);
    let_go(g);
}

/* What lies directly in a directory; names around '/' in the order of bytes lead nobody astray. */
struct child_walk {
    struct gathered files, directories;
};

static int child_file(void *arg, const char *key, const struct known *known)
{
    return gather(&((struct child_walk *)arg)->files, key, known);
}

static int child_directory(void *arg, const char *name)
{
    return gather_name(&((struct child_walk *)arg)->directories, name);
}

static void test_children(void **state)
{
    static const char *const keys[] = {"a",        "a-b/c", "a.b", "a/deep-er/1", "a/deep/1/2/3",
                                       "a/deep0/", "a/x",   "a0",  "b/",          "p/q",
                                       "p/q/r",    "z"};
    struct index *ix = opened();
    struct child_walk w = {0};
    char key[64];

    (void)state;
    for (size_t i = 0; i < COUNT(keys); i++)
        put(ix, keys[i], i + 1);
    for (int i = 0; i < 5000; i++) { /* a subtree that is stepped over, not walked */
        (void)snprintf(key, sizeof key, "a/deep/%d/%d.png", i % 50, i);
        put(ix, key, 100 + (uint64_t)i);
    }
    for (size_t i = 0; i < COUNT(listings); i++) {
        assert_int_equal(index_each_child(ix, listings[i].dir, child_file, child_directory, &w), 0);
        if (i < 2) /* short names: a directory is told once, however much is in it */
            assert_true(w.directories.count <= 4);
        expect_names(&w.files, listings[i].files);
        expect_names(&w.directories, listings[i].directories);
    }
    index_close(ix);
}

static void test_children_of_deep_directories(void **state)
{
    static const size_t depths[] = {460, 466, 467, 468, 469, 480, 900};
    struct index *ix = opened();
    char dir[KEY_MAX + 2], key[KEY_MAX + 64];

    (void)state;
    for (size_t i = 0; i < COUNT(depths); i++) {
        struct child_walk w = {0};
        const char *files[8] = {key}, *directories[8] = {"sub", "sub2"};

        memset(dir, 'd', depths[i]);
        (void)snprintf(dir + depths[i], sizeof dir - depths[i], "%zu/", i);
        for (int n = 0; n < 40; n++) {
            (void)snprintf(key, sizeof key, "%ssub%s/%d", dir, n % 2 ? "2" : "", n);
            put(ix, key, 1);
        }
        (void)snprintf(key, sizeof key, "%sfile", dir);
        put(ix, key, 1);
        assert_int_equal(index_each_child(ix, dir, child_file, child_directory, &w), 0);
        expect_names(&w.files, files);
        expect_names(&w.directories, directories);
    }
    index_close(ix);
}

static void test_inodes_follow_their_entries(void **state)
{
    static const char *const both[] = {"one", "two"};
    struct index *ix = opened();
    struct gathered g = {0};
    bool was;

    (void)state;
    put(ix, "one", 5);
    put(ix, "two", 5); /* two links to one file */
    put(ix, "three", 6);
    put(ix, "four", UINT64_MAX);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    qsort(g.keys, g.count, sizeof *g.keys, by_bytes);
    expect(&g, both, 2);
    put(ix, "one", 6);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    expect(&g, both + 1, 1);
    assert_int_equal(index_remove(ix, "two", &was), 0);
    assert_int_equal(index_each_inode(ix, 5, gather, &g), 0);
    expect(&g, NULL, 0);
    assert_int_equal(index_each_inode(ix, 6, gather, &g), 0);
    assert_int_equal(g.count, 2);
    let_go(&g);
    assert_int_equal(index_each_inode(ix, UINT64_MAX, gather, &g), 0);
    assert_int_equal(g.count, 1);
    let_go(&g);
    index_close(ix);
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
    uint32_t version = 2;

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

#define INDEX_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_put_get_replace_remove),
        INDEX_TEST(test_keys_come_in_the_order_of_their_bytes),
        INDEX_TEST(test_long_keys),
        INDEX_TEST(test_a_key_that_s3_cannot_have_is_refused),
        INDEX_TEST(test_pieces_miss_nothing),
        INDEX_TEST(test_children),
        INDEX_TEST(test_children_of_deep_directories),
        INDEX_TEST(test_inodes_follow_their_entries),
        INDEX_TEST(test_held_removals),
        INDEX_TEST(test_meta_values),
        INDEX_TEST(test_a_view_sees_what_is_committed),
        INDEX_TEST(test_reopening_finds_what_was_committed),
        INDEX_TEST(test_a_newer_format_is_refused),
        INDEX_TEST(test_reading_beside_a_writer),
        INDEX_TEST(test_what_is_missing_is_not_made_for_reading),
        INDEX_TEST(test_an_empty_index_leaves_nothing),
        INDEX_TEST(test_random_operations_agree_with_a_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
