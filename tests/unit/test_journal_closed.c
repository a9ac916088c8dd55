/* Closed segments that are not as the next one says, or were changed since: no index is made of
 * them, an index of theirs is not used, and they are not compressed. */
#include "base/err.h"
#include "journal/index.h"
#include "journal/pack.h"
#include "journal/search.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT 1500

/* A journal of small segments. */
static struct test_dir make(void)
{
    struct journal_options opt = test_options();
    struct test_dir d;
    struct journal *j;

    test_dir_make(&d);
    opt.segment_bytes = SEGMENT;
    j = test_open(&d, &opt, NULL);
    for (unsigned i = 0; i < 20; i++) {
        test_append(j, 3);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_true(test_file_count(&d, ".jsonl") > 4);
    return d;
}

/* What was told of the segments. */
struct told {
    unsigned calls, made;
    int code[32];
};

static bool on_segment(void *arg, const char *segment, int code, bool made)
{
    struct told *t = arg;

    assert_non_null(strstr(segment, ".jsonl"));
    assert_true(t->calls < 32 && !(made && code));
    t->code[t->calls++] = code;
    t->made += made;
    return true;
}

/* Make the indexes of those behind a segment. */
static struct told index_behind(const struct test_dir *d, const char *after)
{
    struct told t = {0};
    struct err e = {0};

    assert_int_equal(journal_index_all(d->path, after, false, on_segment, &t, &e), 0);
    return t;
}

/* The i-th segment's name. */
static const char *name_of(const struct test_dir *d, size_t i, char path[TEST_PATH_SIZE])
{
    return strrchr(test_file_name(d, i, path), '/') + 1;
}

static void test_behind_a_segment(void **state)
{
    struct test_dir d = make();
    const unsigned closed = (unsigned)test_file_count(&d, ".jsonl") - 1;
    char path[TEST_PATH_SIZE];
    struct told t;

    (void)state;
    assert_int_equal(index_behind(&d, name_of(&d, closed - 1, path)).calls, 0);
    assert_int_equal(index_behind(&d, name_of(&d, closed, path)).calls, 0);
    t = index_behind(&d, name_of(&d, 1, path));
    assert_int_equal(t.calls, closed - 2);
    assert_int_equal(t.made, closed - 2);
    t = index_behind(&d, "no segment"); /* behind nothing: all, of which those are there */
    assert_int_equal(t.calls, closed);
    assert_int_equal(t.made, 2);
    assert_int_equal(test_file_count(&d, ".idx"), closed);
    test_dir_remove(&d);
}

/* The writer has made the next one's name, and not yet its header: the last is not yet closed. */
static void test_the_next_one_is_begun(void **state)
{
    struct test_dir d = make();
    const unsigned closed = (unsigned)test_file_count(&d, ".jsonl") - 1;
    char path[TEST_PATH_SIZE];
    struct told t;

    (void)state;
    snprintf(path, sizeof path, "%s/%020u.jsonl", d.path, 61);
    test_file_write(path, "{\"k\":\"h\"", 8);
    t = index_behind(&d, NULL);
    assert_int_equal(t.calls, closed);
    assert_int_equal(t.made, closed);
    test_dir_remove(&d);
}

/* Of all that were told, the third's header is none: it is damaged, and so is the one before it. */
static void assert_the_third_does_not_tell(const struct told *t, unsigned closed)
{
    assert_int_equal(t->calls, closed);
    for (unsigned i = 0; i < closed; i++)
        assert_int_equal(t->code[i], i == 1 || i == 2 ? ERR_CORRUPT : 0);
}

/* Where the header of one is damaged, nobody knows how much of the one before it counts. */
static void test_the_next_one_s_header(void **state)
{
    struct test_dir d = make();
    const unsigned closed = (unsigned)test_file_count(&d, ".jsonl") - 1;
    char path[TEST_PATH_SIZE];
    struct test_bytes all;
    struct err e = {0};
    struct told t;

    (void)state;
    all = test_file_read(test_file_name(&d, 2, path));
    all.data[20] ^= 1;
    test_file_write(path, all.data, all.n);
    t = index_behind(&d, NULL);
    assert_the_third_does_not_tell(&t, closed);
    t = (struct told){0};
    assert_int_equal(journal_pack_all(d.path, on_segment, &t, &e), 0);
    assert_int_equal(t.made, closed - 2);
    assert_int_not_equal(t.code[1], 0); /* and stay as they are */
    assert_int_not_equal(t.code[2], 0);
    assert_int_equal(access(path, F_OK), 0);
    free(all.data);
    test_dir_remove(&d);
}

/* The i-th LF of some bytes: where the line behind it begins. */
static size_t line_behind(const struct test_bytes *all, unsigned i)
{
    const char *at = all->data;

    while (i--) {
        at = memchr(at, '\n', (size_t)(all->data + all->n - at));
        assert_non_null(at);
        at++;
    }
    return (size_t)(at - all->data);
}

/* The header and its commit line are two, each batch has four lines more. */
enum { HEADER_ENDS = 2, BATCH_ENDS = 6, TWO_END = 10 };

static void write_without(const char *path, const struct test_bytes *all, size_t from, size_t to)
{
    char *left = malloc(all->n);

    assert_non_null(left);
    memcpy(left, all->data, from);
    memcpy(left + from, all->data + to, all->n - to);
    test_file_write(path, left, all->n - (to - from));
    free(left);
}

/* A piece of the second is missing, or there is one that counts for nothing. */
static void test_pieces_that_are_missing(void **state)
{
    struct test_dir d = make();
    const unsigned closed = (unsigned)test_file_count(&d, ".jsonl") - 1;
    char path[TEST_PATH_SIZE], index[TEST_PATH_SIZE];
    struct test_bytes all;

    (void)state;
    all = test_file_read(test_file_name(&d, 1, path));
    snprintf(index, sizeof index, "%.*s.idx", (int)(strstr(path, ".jsonl") - path), path);
    const size_t header = line_behind(&all, HEADER_ENDS), first = line_behind(&all, BATCH_ENDS),
                 second = line_behind(&all, TWO_END);
    const size_t cuts[][2] = {{0, header}, {header, first}, {first, second},   {first, all.n},
                              {0, all.n},  {0, first},      {first, first + 1}};

    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        struct told t;

        write_without(path, &all, cuts[i][0], cuts[i][1]);
        t = index_behind(&d, NULL);
        assert_int_equal(t.calls, closed);
        /* Without its header nobody knows how much of the one before it counts. */
        if (t.code[0] != (cuts[i][0] ? 0 : ERR_CORRUPT) || t.code[1] != ERR_CORRUPT)
            fail_msg("cut %zu: %s, %s", i, err_name(t.code[0]), err_name(t.code[1]));
        assert_int_not_equal(access(index, F_OK), 0);
    }
    test_file_write(path, all.data, all.n);
    assert_int_equal(index_behind(&d, NULL).made, 1);
    assert_int_equal(access(index, F_OK), 0);
    free(all.data);
    test_dir_remove(&d);
}

/* Where one in the middle is empty or only begun, no writer is at work on it, as on the last: it is
 * damaged, and the one before it is spoken of. */
static void test_an_empty_one_in_the_middle(void **state)
{
    struct test_dir d = make();
    const unsigned closed = (unsigned)test_file_count(&d, ".jsonl") - 1;
    char before[TEST_PATH_SIZE], path[TEST_PATH_SIZE];
    struct err e = {0};

    (void)state;
    (void)index_behind(&d, NULL);
    test_file_name(&d, 1, before);
    test_file_name(&d, 2, path);
    for (size_t n = 0; n <= 8; n += 8) {
        struct told t;

        test_file_write(path, "{\"k\":\"h\"", n);
        t = index_behind(&d, NULL);
        assert_the_third_does_not_tell(&t, closed);
        t = (struct told){0};
        assert_int_equal(journal_pack_all(d.path, on_segment, &t, &e), 0);
        assert_int_equal(t.calls, closed);
        assert_int_equal(t.code[1], -ENODATA);
        assert_int_equal(access(before, F_OK), 0);
    }
    test_dir_remove(&d);
}

/* Is the second's index used? */
static int find(const struct test_dir *d, uint64_t size)
{
    struct journal_places places;
    struct journal_name name;
    char path[TEST_PATH_SIZE];
    const int fd = open(d->path, O_RDONLY | O_DIRECTORY);
    int rc;

    assert_true(fd >= 0);
    assert_true(journal_name_parse(name_of(d, 1, path), &name));
    rc = journal_index_find(fd, name, size, NULL, &places);
    if (rc == 0)
        journal_places_release(&places);
    close(fd);
    return rc;
}

/* Somebody changes a closed segment and sets its time back: its index is of another one. */
static void test_an_index_of_what_was_changed(void **state)
{
    struct test_dir d = make();
    char path[TEST_PATH_SIZE];
    struct test_bytes all, is;
    struct timespec times[2];
    struct stat st;
    char *commit;

    (void)state;
    (void)index_behind(&d, NULL);
    all = test_file_read(test_file_name(&d, 1, path));
    is = test_file_read(path);
    assert_int_equal(stat(path, &st), 0);
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(find(&d, all.n), 0);
    assert_int_equal(find(&d, all.n - 1), ERR_CHANGED);
    assert_int_equal(find(&d, 0), ERR_CHANGED);
    commit = (char *)memrchr(all.data, '\n', all.n - 1) + 1;
    for (int i = 0; i < 6; i++) {
        size_t n = all.n;

        memcpy(is.data, all.data, all.n);
        commit = is.data + (commit - (i ? is.data : all.data));
        if (i == 0)
            is.data[all.n - 1] = ' '; /* no line ends there */
        else if (i == 1)
            is.data[all.n - 4] ^= 1; /* another chain value */
        else if (i == 2)
            commit[5] = 'r'; /* no commit line */
        else if (i == 3)
            memset(is.data, 'x', all.n - 1); /* no line begins there */
        else if (i == 4)
            n--; /* it ends before that */
        else
            is.data[10] ^= 1; /* not there: that is not looked at here */
        test_file_write(path, is.data, n);
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
        assert_int_equal(find(&d, all.n), i < 5 ? ERR_CHANGED : 0);
    }
    test_file_write(path, all.data, all.n); /* of another time */
    times[1].tv_nsec ^= 1000;
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(find(&d, all.n), ERR_CHANGED);
    free(all.data);
    free(is.data);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behind_a_segment),
        cmocka_unit_test(test_the_next_one_is_begun),
        cmocka_unit_test(test_the_next_one_s_header),
        cmocka_unit_test(test_pieces_that_are_missing),
        cmocka_unit_test(test_an_empty_one_in_the_middle),
        cmocka_unit_test(test_an_index_of_what_was_changed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
