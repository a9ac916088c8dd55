/*
 * What a listing tells of a file of which no event told: what is not the one that S3 has is looked
 * at, however much it is like that.
 */
#include "tests/unit/places_bed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KEY PREFIX "d/x.jpg"

/* Written long ago, so that it has settled; the same times are given to another file by `cp -p`,
 * `tar` and `touch -r`. */
static const struct file_stat file = {.kind = FILE_REGULAR,
                                      .mode = S_IFREG | 0644,
                                      .uid = 1000,
                                      .gid = 100,
                                      .nlink = 1,
                                      .ino = 77,
                                      .size = 4096,
                                      .mtime_ns = (int64_t)(NOW_S - 9000) * NS_PER_S,
                                      .ctime_ns = (int64_t)(NOW_S - 9000) * NS_PER_S,
                                      .born_ns = (int64_t)(NOW_S - 9000) * NS_PER_S};

/* S3 has `file`; a scan lists the directory, in which a file of that name is that is like `now`.
 * The item that comes of it, or NULL. */
static const struct item *scanned(struct bed *bed, struct file_stat now)
{
    struct listing_entry one = {.name = "x.jpg", .st = now};
    struct listing listing = {.entries = &one, .count = 1, .complete = true};
    char path[] = "d";
    struct hint hint = {.kind = HINT_LISTING, .path = path, .listing = &listing};
    struct known k;

    bed_begin(bed);
    known_from(&file, 0xabcdef, "\"e\"", "v", &k);
    assert_int_equal(index_put(bed->agent.index, KEY, &k, NULL), 0);
    listed_compare(&bed->agent, &hint);
    return pending_find(bed->agent.pending, KEY);
}

/* It is told from the one that S3 has, is to be planned as it was seen, and its content read. */
static void expect_another(struct file_stat now)
{
    struct index_entry e;
    struct bed bed;
    const struct item *it = scanned(&bed, now);

    assert_non_null(it);
    assert_int_equal(it->state, ITEM_OBSERVED);
    assert_ptr_equal(it->queue, &bed.agent.observed);
    assert_true(file_same_content(&it->seen, &now));
    assert_int_equal(index_get(bed.agent.index, KEY, &e), 0);
    assert_int_equal(plan_path(&it->seen, &e.known, NULL), PLAN_HASH);
    bed_end(&bed);
}

static void test_the_same_file_is_no_news(void **state)
{
    struct bed bed;

    (void)state;
    assert_null(scanned(&bed, file));
    bed_end(&bed);
}

/* Renamed over it, and given its times. Its ctime may agree as well where a clock was set back. */
static void test_another_file_of_that_name_size_and_time(void **state)
{
    struct file_stat now = file;

    (void)state;
    now.ino++;
    expect_another(now);
    now.ctime_ns += NS_PER_S;
    now.born_ns += NS_PER_S;
    expect_another(now);
}

/* Written in place, and given its time again: or another one that was given the inode of the old.
 */
static void test_another_content_of_that_inode_size_and_time(void **state)
{
    struct file_stat now = file;

    (void)state;
    now.ctime_ns++;
    expect_another(now);
    now.born_ns++;
    expect_another(now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_the_same_file_is_no_news),
        INDEX_TEST(test_another_file_of_that_name_size_and_time),
        INDEX_TEST(test_another_content_of_that_inode_size_and_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
