/*
 * What a listing tells of a file of which no event told: what is not the one that S3 has is looked
 * at, however much it is like that. And what is looked at ahead of a listing.
 */
#include "agent/service/listed.h"
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

static struct watch_stats stats; /* what the watchers tell */

void __wrap_watchers_stats(struct watchers *w, unsigned root, struct watch_stats *ret);
void __wrap_watchers_stats(struct watchers *w, unsigned root, struct watch_stats *ret)
{
    (void)w;
    assert_int_equal(root, BED_IMAGES);
    *ret = stats;
}

/* S3 has `file`; a scan lists the directory, in which a file of that name is that is like `now`. */
static void scan(struct bed *bed, struct file_stat now)
{
    struct listing_entry one = {.name = "x.jpg", .st = now};
    struct listing listing = {.entries = &one, .count = 1, .complete = true};
    char path[] = "d";
    struct hint hint = {.kind = HINT_LISTING, .path = path, .listing = &listing};
    struct known k;

    known_from(&file, 0xabcdef, "\"e\"", "v", &k);
    assert_int_equal(index_put(bed->agent.index, KEY, &k, NULL), 0);
    listed_compare(&bed->agent, &hint);
}

/* The item that comes of such a scan, or NULL. */
static const struct item *scanned(struct bed *bed, struct file_stat now)
{
    bed_begin(bed);
    scan(bed, now);
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

/* S3 has `file`, and that object is on its way out: a scan that lists the file has it looked at
 * before the object goes. */
static void test_a_file_that_is_back_before_its_object_went(void **state)
{
    static const enum item_state leaving[] = {ITEM_CLAIMED, ITEM_LISTING, ITEM_BARRIER,
                                              ITEM_DELETING};

    (void)state;
    for (size_t i = 0; i < sizeof leaving / sizeof *leaving; i++) {
        struct bed bed;
        const struct item *it;

        bed_begin(&bed);
        it = bed_item(&bed, KEY, leaving[i]);
        scan(&bed, file);
        assert_true(it->again);
        bed_end(&bed);
    }
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

static size_t looks;
static char looked[PATH_BYTES_MAX + 1]; /* the last one's path */

int __wrap_watchers_observe(struct watchers *w, unsigned root, const char *path);
int __wrap_watchers_observe(struct watchers *w, unsigned root, const char *path)
{
    (void)w;
    assert_int_equal(root, BED_IMAGES);
    snprintf(looked, sizeof looked, "%s", path);
    looks++;
    return 0;
}

/* S3 has an image of that name in the directory. */
static void in_step(struct bed *bed, const char *name, uint32_t flags)
{
    char key[AGENT_KEY_SIZE];
    struct known k;

    snprintf(key, sizeof key, PREFIX "old/%s", name);
    known_from(&file, 0xabcdef, "\"e\"", "v", &k);
    k.flags |= flags;
    if (flags & KNOWN_MOVED)
        k.moved_to = "p/elsewhere.jpg";
    assert_int_equal(index_put(bed->agent.index, key, &k, NULL), 0);
}

/* What was in the old place must be in the new one; not what had left that before, or may have. */
static void test_a_renamed_directory_is_looked_at_ahead_of_its_listing(void **state)
{
    const struct item *it;
    struct bed bed;

    (void)state;
    bed_begin(&bed);
    in_step(&bed, "a.jpg", 0);
    in_step(&bed, "kept.jpg", KNOWN_KEPT);
    in_step(&bed, "moved.jpg", KNOWN_MOVED);
    in_step(&bed, "touched.jpg", 0);
    bed_item(&bed, PREFIX "old/touched.jpg", ITEM_SETTLING);
    looks = 0;
    listed_ahead(&bed.agent, BED_IMAGES, PREFIX "old/", PREFIX "new/sub/");
    assert_int_equal(looks, 1);
    assert_string_equal(looked, "new/sub/a.jpg");
    it = pending_find(bed.agent.pending, PREFIX "new/sub/a.jpg");
    assert_non_null(it);
    assert_int_equal(it->state, ITEM_OBSERVING);
    assert_null(pending_find(bed.agent.pending, PREFIX "old/a.jpg"));
    bed_end(&bed);
}

/* What a name excludes is no image, wherever its bytes were in S3 before. */
static void test_a_directory_that_is_excluded_now_is_not_looked_at(void **state)
{
    struct bed bed;

    (void)state;
    bed_begin(&bed);
    in_step(&bed, "a.jpg", 0);
    looks = 0;
    listed_ahead(&bed.agent, BED_IMAGES, PREFIX "old/", PREFIX ".lockstep-x/");
    assert_int_equal(looks, 0);
    bed_end(&bed);
}

/* Do events tell of all that becomes of a file since this look at it? */
static bool is_heard(struct watch_stats now, bool unheard)
{
    struct bed bed;
    bool heard;

    bed_begin(&bed);
    stats = now;
    bed.mappings[BED_IMAGES].unheard = unheard;
    in_step(&bed, "a.jpg", 0);
    listed_ahead(&bed.agent, BED_IMAGES, PREFIX "old/", PREFIX "new/");
    heard = pending_find(bed.agent.pending, PREFIX "new/a.jpg")->heard;
    bed_end(&bed);
    stats = (struct watch_stats){0};
    return heard;
}

static void test_events_tell_of_all_since_a_look_where_all_is_watched(void **state)
{
    const struct watch_stats all = {.directories = 3, .watches = 3, .last_scan_ms = NOW_MS};
    struct watch_stats some = all, under_way = all, begun = all;

    (void)state;
    some.unwatched = 1;
    under_way.scanning = true;
    begun.last_scan_ms = 0;
    assert_true(is_heard(all, false));
    assert_false(is_heard(some, false));
    assert_false(is_heard(under_way, false));
    assert_false(is_heard(begun, false));
    assert_false(is_heard(all, true));
}

/* Not all at once, however many there are; and none while others are on their way. */
static void test_so_many_are_looked_at_ahead(void **state)
{
    char name[32];
    struct bed bed;

    (void)state;
    bed_begin(&bed);
    for (size_t i = 0; i < AGENT_MOVING_MAX; i++) {
        snprintf(name, sizeof name, "%zu.jpg", i);
        in_step(&bed, name, 0);
    }
    looks = 0;
    bed.agent.renamed_ms = bed.agent.now_ms;
    listed_ahead(&bed.agent, BED_IMAGES, PREFIX "old/", PREFIX "new/");
    assert_int_equal(looks, AGENT_MOVING_MAX / 2);
    listed_ahead(&bed.agent, BED_IMAGES, PREFIX "old/", PREFIX "newer/");
    assert_int_equal(looks, AGENT_MOVING_MAX / 2);
    bed_end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_the_same_file_is_no_news),
        INDEX_TEST(test_a_file_that_is_back_before_its_object_went),
        INDEX_TEST(test_another_file_of_that_name_size_and_time),
        INDEX_TEST(test_another_content_of_that_inode_size_and_time),
        INDEX_TEST(test_a_renamed_directory_is_looked_at_ahead_of_its_listing),
        INDEX_TEST(test_a_directory_that_is_excluded_now_is_not_looked_at),
        INDEX_TEST(test_events_tell_of_all_since_a_look_where_all_is_watched),
        INDEX_TEST(test_so_many_are_looked_at_ahead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
