/* Searching by indexes: what is found is what reading the whole journal finds, whatever became of
 * the indexes. */
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mix.h"
#include "journal/index.h"
#include "journal/search.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 3000

/* Names of all kinds: plain, with escapes, not UTF-8, one the beginning of another. */
static const char *const names[] = {"a",        "ab",   "a\"b",     "tab\there",
                                    "\xff\xfe", "\xc3", "\xc3\xa4", "back\\slash",
                                    "\x01",     "b",    "b.jpg",    "p\":\"x"};
#define NAMES (sizeof names / sizeof *names)

/* A dice that rolls the same every time. */
struct dice {
    uint64_t state;
};

static size_t roll(struct dice *d, size_t sides)
{
    d->state = mix(d->state + 0x9e3779b9);
    return (size_t)(d->state % sides);
}

/* A path of one to three names, most of them rare: a name of a few and a number of many. */
static void random_path(struct dice *d, char out[256])
{
    const size_t depth = 1 + roll(d, 3);

    out[0] = '\0';
    for (size_t i = 0; i < depth; i++) {
        const size_t n = strlen(out);

        snprintf(out + n, 256 - n, "%s%s", i ? "/" : "", names[roll(d, NAMES)]);
        if (i == 0 && roll(d, 4))
            snprintf(out + strlen(out), 256 - strlen(out), "%zu", roll(d, 40));
    }
}

/* What happens next: mostly uploads, some renames (of directories, too) and removals. */
static void random_record(struct dice *d, struct journal_record *rec, char path[256],
                          char path2[256])
{
    static const enum journal_op ops[] = {JOURNAL_ADD,  JOURNAL_PUT,    JOURNAL_PUT,   JOURNAL_COPY,
                                          JOURNAL_IDLE, JOURNAL_RENAME, JOURNAL_REMOVE};
    const enum journal_op op = ops[roll(d, sizeof ops / sizeof *ops)];

    random_path(d, path);
    random_path(d, path2);
    *rec = (struct journal_record){.op = op,
                                   .state = roll(d, 3) ? JOURNAL_INTENT : JOURNAL_DONE,
                                   .mapping = roll(d, 8) ? "images" : "others",
                                   .tx = roll(d, 2) ? 1 + roll(d, RECORDS) : 0};
    if (op == JOURNAL_IDLE)
        return;
    rec->path = path;
    if (op == JOURNAL_RENAME || op == JOURNAL_COPY)
        rec->path2 = path2;
}

/* A journal of several segments, of which the last is open. */
static void make_journal(const struct test_dir *dir, uint64_t seed)
{
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct dice dice = {seed};
    struct journal *j;

    opt.segment_bytes = 70000;
    opt.batch_bytes = 1000;
    j = test_open(dir, &opt, &found);
    for (unsigned i = 0; i < RECORDS; i++) {
        struct journal_record rec;
        char path[256], path2[256];

        random_record(&dice, &rec, path, path2);
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US + i, NULL), 0);
    }
    assert_int_equal(journal_close(j), 0);
}

/* Add the lines of the life that a reader hands out. Returns how often it told of damage. */
static unsigned read_life(struct journal_reader *r, const struct life *l, struct buf *out)
{
    struct journal_record rec;
    enum journal_read got;
    struct err e = {0};
    struct span line;
    unsigned told = 0;

    while ((got = journal_read(r, &rec, &line, &e)) != JOURNAL_READ_END) {
        told += got == JOURNAL_READ_ERROR;
        if (got == JOURNAL_READ_RECORD && life_has(l, &rec)) {
            assert_int_equal(buf_append_span(out, line), 0);
            assert_int_equal(buf_append_byte(out, '\n'), 0);
        }
    }
    return told;
}

/* By reading everything. */
static unsigned read_whole(const struct test_dir *dir, const char *path, struct buf *out)
{
    struct life *l = life_new(path);
    struct journal_reader *r;
    struct journal_record rec;
    enum journal_read got;
    struct err e = {0};
    unsigned told;

    assert_int_equal(journal_reader_open(dir->path, 1, &r, &e), 0);
    while ((got = journal_read(r, &rec, NULL, &e)) != JOURNAL_READ_END)
        if (got == JOURNAL_READ_RECORD)
            assert_int_equal(life_gather(l, &rec), 0);
    journal_reader_close(r);
    assert_int_equal(life_trace(l), 0);
    assert_int_equal(journal_reader_open(dir->path, 1, &r, &e), 0);
    told = read_life(r, l, out);
    journal_reader_close(r);
    life_free(l);
    return told;
}

/* By searching. */
static unsigned read_found(const struct test_dir *dir, const char *path, struct buf *out)
{
    struct life *l = life_new(path);
    struct journal_search *s;
    struct err e = {0};
    unsigned told;

    assert_int_equal(journal_search_life(dir->path, l, &e), 0);
    assert_int_equal(journal_search_open(dir->path, l, &s, &e), 0);
    told = read_life(journal_search_reader(s), l, out);
    journal_search_close(s);
    life_free(l);
    return told;
}

/* Both ways find the same of many paths; returns the bytes that were found. */
static size_t compare(const struct test_dir *dir, unsigned paths)
{
    struct dice dice = {42};
    struct buf whole, found;
    size_t bytes = 0;

    buf_init(&whole, 16u << 20);
    buf_init(&found, 16u << 20);
    for (unsigned i = 0; i < paths; i++) {
        char path[256];
        unsigned told;

        random_path(&dice, path);
        if (i < 2)
            strcpy(path, i ? "nowhere" : "");
        buf_reset(&whole);
        buf_reset(&found);
        told = read_whole(dir, path, &whole);
        assert_int_equal(read_found(dir, path, &found) > 0, told > 0);
        assert_int_equal(found.len, whole.len);
        assert_true(whole.len == 0 || memcmp(found.data, whole.data, whole.len) == 0);
        bytes += i ? whole.len : 0;
    }
    buf_release(&whole);
    buf_release(&found);
    return bytes;
}

/* What journal_index_all told. */
struct told {
    unsigned made, there, failed;
    int code;
};

static bool tell(void *arg, const char *segment, int code, bool made)
{
    struct told *t = arg;

    assert_non_null(strstr(segment, ".jsonl"));
    t->made += code == 0 && made;
    t->there += code == 0 && !made;
    t->failed += code != 0;
    t->code = code ? code : t->code;
    return true;
}

static struct told index_all(const struct test_dir *dir, bool anew)
{
    struct told t = {0};
    struct err e = {0};

    assert_int_equal(journal_index_all(dir->path, NULL, anew, tell, &t, &e), 0);
    return t;
}

/* The path of the index of the i-th segment. */
static char *index_file(const struct test_dir *dir, size_t i, char out[TEST_PATH_SIZE])
{
    strcpy(strstr(test_file_name(dir, i, out), ".jsonl"), ".idx");
    return out;
}

static void test_finds_what_reading_finds(void **state)
{
    struct test_dir dir;
    struct told t;

    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed += TEST_STRIDE) {
        test_dir_make(&dir);
        make_journal(&dir, seed);
        assert_true(test_file_count(&dir, ".jsonl") > 3);
        (void)compare(&dir, 20); /* without any */
        t = index_all(&dir, false);
        assert_int_equal(t.made, test_file_count(&dir, ".jsonl") - 1);
        assert_int_equal(t.failed + t.there, 0);
        assert_true(compare(&dir, 80) > 20000);
        t = index_all(&dir, false);
        assert_int_equal(t.made + t.failed, 0);
        assert_int_equal(unlink(index_file(&dir, 1, (char[TEST_PATH_SIZE]){0})), 0);
        (void)compare(&dir, 20); /* one is missing */
        t = index_all(&dir, false);
        assert_int_equal(t.made, 1);
        test_dir_remove(&dir);
    }
}

/* Few of a segment's blocks are read for a path that it speaks of once, none for another. */
static void test_passes_over(void **state)
{
    const struct journal_name first = {.first = 1};
    struct journal_places all = {0}, places = {0};
    struct journal_keys keys = {0};
    struct journal_options opt = test_options();
    struct journal_recovery found;
    struct test_dir dir;
    struct journal *j;
    char file[TEST_PATH_SIZE];
    struct stat st;
    int fd;

    (void)state;
    test_dir_make(&dir);
    opt.segment_bytes = 1u << 20;
    opt.batch_bytes = 4096;
    j = test_open(&dir, &opt, &found);
    for (unsigned i = 0; i < 20000; i++) {
        char path[64];
        const struct journal_record rec = {.op = JOURNAL_PUT, .mapping = "m", .path = path};

        snprintf(path, sizeof path, "deep/directory/%u.jpg", i);
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US, NULL), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_true(index_all(&dir, false).made > 0);
    assert_int_equal(stat(test_file_name(&dir, 0, file), &st), 0);
    fd = open(dir.path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(journal_keys_beneath(&keys, "deep/directory"), 0);
    assert_int_equal(journal_index_find(fd, first, (uint64_t)st.st_size, &keys, &all), 0);
    assert_true(all.count >= 14);
    keys.count = 0;
    assert_int_equal(journal_keys_beneath(&keys, "deep/directory/77.jpg"), 0);
    assert_int_equal(journal_keys_above(&keys, "deep/directory/77.jpg"), 0);
    assert_int_equal(journal_index_find(fd, first, (uint64_t)st.st_size, &keys, &places), 0);
    assert_int_equal(places.count, 1);
    assert_int_equal(places.list[0].offset, 0);
    assert_int_equal(places.end[0], all.list[1].offset);
    journal_places_release(&places);
    assert_int_equal(journal_index_find(fd, first, (uint64_t)st.st_size + 1, &keys, &places),
                     ERR_CHANGED);
    journal_keys_release(&keys);
    journal_places_release(&all);
    close(fd);
    test_dir_remove(&dir);
}

/* An index with any byte changed, or cut, or of another segment, is not believed. */
static void test_damaged_indexes(void **state)
{
    char file[TEST_PATH_SIZE], other[TEST_PATH_SIZE];
    struct test_bytes good, foreign;
    struct test_dir dir;
    struct dice dice = {7};

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, 9);
    (void)index_all(&dir, false);
    good = test_file_read(index_file(&dir, 1, file));
    foreign = test_file_read(index_file(&dir, 0, other));
    for (unsigned i = 0; i < 120; i += TEST_STRIDE) {
        const size_t at = i < JOURNAL_INDEX_FIXED ? i : roll(&dice, good.n);

        good.data[at] ^= (char)(1u << roll(&dice, 8));
        test_file_write(file, good.data, good.n);
        if (i % 20 == 0)
            (void)compare(&dir, 8);
        assert_int_equal(index_all(&dir, false).made, 1);
        free(good.data);
        good = test_file_read(file);
    }
    test_file_write(file, good.data, good.n / 2);
    (void)compare(&dir, 8);
    assert_int_equal(index_all(&dir, false).made, 1);
    test_file_write(file, foreign.data, foreign.n);
    (void)compare(&dir, 8);
    assert_int_equal(index_all(&dir, false).made, 1);
    assert_true(index_all(&dir, true).made > 2);
    free(good.data);
    free(foreign.data);
    test_dir_remove(&dir);
}

/* A segment that changed under its index is read; one that is damaged gets none. */
static void test_damaged_segments(void **state)
{
    char file[TEST_PATH_SIZE];
    struct test_bytes bytes;
    struct test_dir dir;
    struct told t;

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, 11);
    (void)index_all(&dir, false);
    bytes = test_file_read(test_file_name(&dir, 1, file));
    bytes.data[bytes.n / 2] ^= 1;
    test_file_write(file, bytes.data, bytes.n);
    (void)compare(&dir, 30);
    t = index_all(&dir, false);
    assert_int_equal(t.failed, 1);
    assert_int_equal(t.code, ERR_CORRUPT);
    free(bytes.data);
    assert_int_equal(unlink(file), 0); /* and a gap */
    (void)compare(&dir, 30);
    test_dir_remove(&dir);
}

/* Bytes changed so that the time of the file does not tell: where they are come upon, the segment
 * is read from its beginning. */
static void test_damage_that_hides(void **state)
{
    char file[TEST_PATH_SIZE];
    struct timespec times[2];
    struct test_bytes bytes;
    struct buf whole, found;
    struct test_dir dir;
    struct stat st;

    (void)state;
    test_dir_make(&dir);
    make_journal(&dir, 13);
    (void)index_all(&dir, false);
    assert_int_equal(stat(test_file_name(&dir, 0, file), &st), 0);
    bytes = test_file_read(file);
    bytes.data[bytes.n / 2] ^= 1;
    test_file_write(file, bytes.data, bytes.n);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    buf_init(&whole, 16u << 20);
    buf_init(&found, 16u << 20);
    assert_int_equal(read_whole(&dir, "a", &whole), 1); /* a directory that is everywhere */
    assert_int_equal(read_found(&dir, "a", &found), 1);
    assert_int_equal(found.len, whole.len);
    assert_memory_equal(found.data, whole.data, whole.len);
    buf_release(&whole);
    buf_release(&found);
    free(bytes.data);
    test_dir_remove(&dir);
}

/* Paths of more directories than have keys of their own: whole, and by what is above them. */
static void test_deep_paths(void **state)
{
    struct journal_options opt = test_options();
    struct test_dir dir;
    struct journal *j;
    struct told t;

    (void)state;
    test_dir_make(&dir);
    opt.segment_bytes = 1500;
    j = test_open(&dir, &opt, NULL);
    for (unsigned depth = 29; depth <= 40; depth++) {
        char path[256] = "", path2[sizeof path + 6];
        struct journal_record rec = {.op = JOURNAL_RENAME,
                                     .state = JOURNAL_DONE,
                                     .mapping = "images",
                                     .path = path,
                                     .path2 = path2};

        for (unsigned i = 0; i < depth; i++)
            snprintf(path + strlen(path), sizeof path - strlen(path), "%sd%u", i ? "/" : "", i);
        snprintf(path2, sizeof path2, "%s/other", path);
        assert_int_equal(journal_append(j, &rec, TEST_NOW_US + depth, NULL), 0);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    t = index_all(&dir, true);
    assert_int_equal(t.failed, 0);
    assert_true(t.made > 1);
    for (unsigned depth = 1; depth <= 42; depth++) {
        struct buf whole, found;
        char path[256] = "";

        for (unsigned i = 0; i < depth; i++)
            snprintf(path + strlen(path), sizeof path - strlen(path), "%sd%u", i ? "/" : "", i);
        buf_init(&whole, 1u << 20);
        buf_init(&found, 1u << 20);
        assert_int_equal(read_whole(&dir, path, &whole), 0);
        assert_int_equal(read_found(&dir, path, &found), 0);
        assert_true(whole.len > 0 || depth > 40);
        assert_int_equal(found.len, whole.len);
        assert_true(whole.len == 0 || memcmp(found.data, whole.data, whole.len) == 0);
        buf_release(&whole);
        buf_release(&found);
    }
    test_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_reading_finds), cmocka_unit_test(test_passes_over),
        cmocka_unit_test(test_damaged_indexes),          cmocka_unit_test(test_damaged_segments),
        cmocka_unit_test(test_damage_that_hides),        cmocka_unit_test(test_deep_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
