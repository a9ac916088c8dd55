/* Where what is gone may have gone is looked at once, before it is given up. */
#include "tests/unit/places_bed.h"

#include "agent/service/follow.h"
#include "agent/service/seek.h"

#include <stdio.h>

#define IMAGE 1 /* what the index has at p/a/x */

static unsigned glimpses; /* looks at what is busy */

int __wrap_watchers_observe(struct watchers *w, unsigned root, const char *path);
int __wrap_watchers_observe(struct watchers *w, unsigned root, const char *path)
{
    (void)w;
    (void)root;
    (void)path;
    glimpses++;
    return 0;
}

/* An image that S3 has, and that is gone from its place. */
static struct item *begin(struct bed *bed)
{
    bed_begin(bed);
    put(bed->agent.index, PREFIX "a/x", IMAGE);
    glimpses = 0;
    return bed_item(bed, PREFIX "a/x", ITEM_GONE);
}

static void test_each_place_is_looked_at_once(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE); /* no event told of it */
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED); /* there is no answer yet */
    assert_true(bed_looked(&bed, PREFIX "b/x"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    assert_false(bed_looked(&bed, PREFIX "b/x"));
    assert_int_equal(it->state, ITEM_GONE);
    bed_end(&bed);
}

static void test_where_it_went_on_to_is_looked_at_too(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    bed_left(&bed, PREFIX "b/", PREFIX "c/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_false(bed_looked(&bed, PREFIX "b/x")); /* an event told that it is not there */
    assert_true(bed_looked(&bed, PREFIX "c/x"));
    bed_left(&bed, PREFIX "c/", PREFIX "d/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_false(bed_looked(&bed, PREFIX "c/x"));
    assert_true(bed_looked(&bed, PREFIX "d/x"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    bed_end(&bed);
}

static void test_whatever_left_the_place_is_looked_for(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    bed_left(&bed, PREFIX "a/x", PREFIX "c/y");
    bed_left(&bed, PREFIX "a/", PREFIX "d/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_true(bed_looked(&bed, PREFIX "b/x"));
    assert_true(bed_looked(&bed, PREFIX "c/y"));
    assert_true(bed_looked(&bed, PREFIX "d/x"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    bed_end(&bed);
}

static void test_what_ended_is_looked_for_nowhere(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    bed_left(&bed, PREFIX "b/x", NULL);
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    bed_left(&bed, PREFIX "a/", NULL); /* out of the tree */
    bed_left(&bed, PREFIX "a/", "q/"); /* out of the mapping */
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    assert_int_equal(pending_count(bed.agent.pending), 1);
    bed_end(&bed);
}

static void test_a_name_that_is_no_key_is_no_place(void **state)
{
    char to[S3_KEY_MAX + 8];
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    memset(to, 'y', sizeof to);
    memcpy(to, PREFIX, sizeof PREFIX - 1);
    to[sizeof to - 1] = '\0';
    bed_left(&bed, PREFIX "a/x", to);
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    assert_int_equal(pending_count(bed.agent.pending), 1);
    bed_end(&bed);
}

static void test_what_is_back_at_its_place_is_looked_at_there(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    bed_left(&bed, PREFIX "b/", PREFIX "a/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_int_equal(it->state, ITEM_SETTLING);
    pending_set(bed.agent.pending, it, ITEM_GONE, INT64_MAX); /* it is not there either */
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    assert_int_equal(it->state, ITEM_GONE);
    bed_end(&bed);
}

static void test_nothing_is_sure_where_places_were_forgotten(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);
    char dir[32];

    (void)state;
    for (int i = 0; i <= WAYS_DIRS_MAX; i++) {
        (void)snprintf(dir, sizeof dir, PREFIX "o%d/", i);
        bed_left(&bed, dir, NULL);
    }
    assert_int_equal(seek_item(&bed.agent, it), SEEK_UNSURE);
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_true(bed_looked(&bed, PREFIX "b/x"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_UNSURE);
    ways_clear(bed.agent.ways);
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    bed_end(&bed);
}

static void test_nor_where_a_place_was_left_again_and_again(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);
    char key[32];
    int places = 0;

    (void)state;
    for (int i = 0; i < 30; i++) {
        (void)snprintf(key, sizeof key, PREFIX "batch%d/", i);
        bed_left(&bed, PREFIX "a/", key);
    }
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    for (int i = 0; i < 30; i++) {
        (void)snprintf(key, sizeof key, PREFIX "batch%d/x", i);
        places += bed_looked(&bed, key);
    }
    assert_in_range(places, 2, 29);
    assert_int_equal(seek_item(&bed.agent, it), SEEK_UNSURE);
    assert_int_equal(pending_count(bed.agent.pending), 1);
    bed_end(&bed);
}

/* Something is at b/x, in that state, as it was seen; the answer. */
static enum seek seek_where(enum item_state there, struct file_stat seen)
{
    struct bed bed;
    struct item *it = begin(&bed), *other = bed_item(&bed, PREFIX "b/x", there);
    enum seek seek;

    other->seen = seen;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    seek = seek_item(&bed.agent, it);
    bed_end(&bed);
    return seek;
}

static void test_what_was_found_there_is_not_looked_for(void **state)
{
    const struct known k = entry(IMAGE);
    const struct file_stat same = {.kind = FILE_REGULAR, .ino = k.ino, .born_ns = k.born_ns};
    const struct file_stat other = {.kind = FILE_REGULAR, .ino = k.ino + 1, .born_ns = 7};

    (void)state;
    assert_int_equal(seek_where(ITEM_READY, same), SEEK_DONE);
    assert_int_equal(seek_where(ITEM_READY, other), SEEK_ASKED); /* seen before it came, maybe */
    assert_int_equal(glimpses, 0);
    assert_int_equal(seek_where(ITEM_FLYING, same), SEEK_DONE);
    assert_int_equal(seek_where(ITEM_FLYING, other), SEEK_ASKED);
    assert_int_equal(glimpses, 1); /* though what was there before is on its way */
}

static void test_so_are_the_names_that_lists_may_have(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    assert_int_equal(
        rows_follow(bed.mappings[BED_IMAGES].rows, "m/y", (struct file_id){.ino = 9}, "m/y", "a/x"),
        0);
    bed_left(&bed, PREFIX "m/", PREFIX "n/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_true(bed_looked(&bed, PREFIX "n/y"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    bed_end(&bed);
}

/* What rows_seek asked about. */
struct asked {
    unsigned count[3];
    uint64_t since[3];
    bool answer;
};

static bool ask(void *arg, const char *path, uint64_t since)
{
    struct asked *a = arg;

    a->count[path[1] - '0']++;
    a->since[path[1] - '0'] = since;
    return a->answer;
}

static void test_what_would_be_dropped_is_asked_about_first(void **state)
{
    struct rows *r = rows_new();
    struct asked a = {.answer = true};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", (struct file_id){.ino = 1}, "n0", "n1"),
                     0); /* goes, but not away */
    assert_int_equal(rows_gone(r, "n2", "n2", "n2"), 0);
    assert_true(rows_seek(r, 5, ask, &a));
    assert_int_equal(a.count[0] + a.count[1], 0);
    assert_int_equal(a.count[2], 1);
    assert_int_equal(a.since[2], 0);
    assert_int_equal(rows_gone(r, "n0", "n1", "n0"), 0);
    a.answer = false;
    assert_false(rows_seek(r, 7, ask, &a));
    assert_int_equal(a.since[2], 5);
    assert_int_equal(a.count[0], 1); /* by each name that lists may have, and each since its own */
    assert_int_equal(a.count[1], 1);
    assert_int_equal(a.since[0] + a.since[1], 0);
    assert_false(rows_seek(r, 9, ask, &a));
    assert_int_equal(a.since[0], 7);
    rows_free(r);
}

static void test_a_pass_waits_for_rows_that_it_would_drop(void **state)
{
    struct bed bed;
    struct rows *rows;
    struct item *busy;

    (void)state;
    bed_begin(&bed);
    rows = bed.mappings[BED_IMAGES].rows;
    assert_false(seek_rows(&bed.agent, bed.mappings));
    assert_int_equal(rows_follow(rows, "h/z", (struct file_id){.ino = 8}, "h/z", "i/z"), 0);
    assert_int_equal(rows_gone(rows, "a/x", "a/x", "a/x"), 0);
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    bed_left(&bed, PREFIX "h/", PREFIX "g/"); /* of what is known to be elsewhere */
    assert_true(seek_rows(&bed.agent, bed.mappings));
    assert_true(seek_rows(&bed.agent, bed.mappings));
    assert_true(bed_looked(&bed, PREFIX "b/x"));
    assert_int_equal(pending_count(bed.agent.pending), 0);
    assert_false(seek_rows(&bed.agent, bed.mappings));
    bed_left(&bed, PREFIX "b/", PREFIX "c/");
    busy = bed_item(&bed, PREFIX "c/x", ITEM_FLYING);
    assert_true(seek_rows(&bed.agent, bed.mappings));
    assert_true(busy->again);
    assert_false(seek_rows(&bed.agent, bed.mappings)); /* S3 may take for ever */
    assert_int_equal(bed.agent.pass_last_ms, NOW_MS);
    bed_end(&bed);
}

static void test_what_went_on_after_it_was_given_up_begins_anew(void **state)
{
    struct bed bed;
    struct item *it = begin(&bed);

    (void)state;
    bed_left(&bed, PREFIX "a/", PREFIX "b/");
    assert_int_equal(seek_item(&bed.agent, it), SEEK_ASKED);
    assert_true(bed_looked(&bed, PREFIX "b/x"));
    assert_int_equal(seek_item(&bed.agent, it), SEEK_DONE);
    pending_set(bed.agent.pending, it, ITEM_LISTING, INT64_MAX);
    item_queue_push(&bed.agent.relist, it);
    assert_false(seek_rows(&bed.agent, bed.mappings));
    assert_int_equal(it->state, ITEM_LISTING);
    bed_left(&bed, PREFIX "b/", PREFIX "c/");
    assert_true(seek_rows(&bed.agent, bed.mappings));
    assert_int_equal(it->state, ITEM_SETTLING);
    assert_int_equal(bed.agent.relist.count, 0);
    assert_true(bed_looked(&bed, PREFIX "c/x"));
    bed_end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_each_place_is_looked_at_once),
        INDEX_TEST(test_where_it_went_on_to_is_looked_at_too),
        INDEX_TEST(test_whatever_left_the_place_is_looked_for),
        INDEX_TEST(test_what_ended_is_looked_for_nowhere),
        INDEX_TEST(test_a_name_that_is_no_key_is_no_place),
        INDEX_TEST(test_what_is_back_at_its_place_is_looked_at_there),
        INDEX_TEST(test_nothing_is_sure_where_places_were_forgotten),
        INDEX_TEST(test_nor_where_a_place_was_left_again_and_again),
        INDEX_TEST(test_what_was_found_there_is_not_looked_for),
        INDEX_TEST(test_so_are_the_names_that_lists_may_have),
        cmocka_unit_test(test_what_would_be_dropped_is_asked_about_first),
        INDEX_TEST(test_a_pass_waits_for_rows_that_it_would_drop),
        INDEX_TEST(test_what_went_on_after_it_was_given_up_begins_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
