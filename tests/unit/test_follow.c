/* What becomes of the rows of a place that an image passed, when that is given up. */
#include "tests/unit/index_bed.h"

#include "agent/core/rows.h"
#include "agent/core/ways.h"
#include "agent/service/agent.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "base/clock.h"
#include "base/map.h"

#define NOW_S   1700000000
#define NOW_MS  900000
#define BEGAN_S 5 /* so long ago was the first hint of the place */
#define PREFIX  "p/"

static char prefix[] = PREFIX;
static const struct conf_mapping images = {.kind = CONF_REPOSITORY, .prefix = prefix};

/* An agent that was told: seen at "b", which S3 never had, it went to "c", and from there to "d",
 * where S3 has it. */
struct bed {
    struct mapping mapping;
    struct agent agent;
    struct item *b;
};

/* An event told that what was at this path went there. */
static struct item *went(struct bed *bed, const char *key, const char *to)
{
    struct item *it = pending_get(bed->agent.pending, 0, key, bed->mapping.prefix_len,
                                  NOW_MS - BEGAN_S * MS_PER_S);

    assert_non_null(it);
    it->went = strdup(to);
    assert_non_null(it->went);
    return it;
}

static void begin(struct bed *bed)
{
    *bed = (struct bed){.mapping = {.conf = &images, .prefix_len = sizeof PREFIX - 1}};
    bed->agent = (struct agent){.mappings = &bed->mapping,
                                .mapping_count = 1,
                                .now_ms = NOW_MS,
                                .real_us = NOW_S * US_PER_S,
                                .index = opened(),
                                .pending = pending_new(),
                                .dirs_gone = map_new(),
                                .dirs_to = map_new(),
                                .ways = ways_new()};
    bed->mapping.rows = rows_new();
    assert_true(bed->mapping.rows && bed->agent.pending && bed->agent.dirs_gone &&
                bed->agent.dirs_to && bed->agent.ways);
    bed->b = went(bed, PREFIX "b", PREFIX "c");
    bed->b->was_there = true;
    (void)went(bed, PREFIX "c", PREFIX "d");
    put(bed->agent.index, PREFIX "d", 1);
}

static void end(struct bed *bed)
{
    rows_free(bed->mapping.rows);
    pending_free(bed->agent.pending);
    map_free(bed->agent.dirs_gone);
    map_free(bed->agent.dirs_to);
    ways_free(bed->agent.ways);
    index_close(bed->agent.index);
}

/* rows_fn: the names by which rows go, in the order of the alphabet; '>': they get another one. */
static int dropped(void *arg, const char *from, const char *to)
{
    char *names = arg;

    assert_int_equal(strlen(from), 1);
    names[from[0] - 'a'] = to ? '>' : from[0];
    return 0;
}

/* Nothing explains any more that the file is gone from "b": rows by these names go, and no other.
 */
static void expect_dropped(struct bed *bed, const char *names)
{
    char found[] = "....";

    follow_gone(&bed->agent, bed->b);
    assert_int_equal(rows_take(bed->mapping.rows, dropped, found), 0);
    assert_string_equal(found, names);
    assert_int_equal(bed->agent.fatal, 0);
}

/* The same where rows have left "c" for that path (NULL: were dropped), so long before. */
static void expect_dropped_after(const char *to, int64_t ago_s, const char *names)
{
    struct bed bed;

    begin(&bed);
    assert_int_equal(departed_note_alone(bed.agent.index, PREFIX "c", sizeof PREFIX - 1, to,
                                         NOW_S - ago_s, DEPARTED_UNLISTED_S),
                     0);
    expect_dropped(&bed, names);
    end(&bed);
}

static void test_rows_by_places_that_events_tell_of_go(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    expect_dropped(&bed, ".bc.");
    end(&bed);
}

static void test_but_not_of_an_image_that_was_followed_from_there(void **state)
{
    (void)state;
    expect_dropped_after("d", BEGAN_S, ".b..");
}

static void test_what_was_followed_before_is_another_image(void **state)
{
    (void)state;
    expect_dropped_after("d", BEGAN_S + 1, ".bc.");
}

static void test_nor_was_one_that_is_gone(void **state)
{
    (void)state;
    expect_dropped_after(NULL, 0, ".bc.");
}

/* Lists name the image of "a" by "b", to which its copy was interrupted, by what the index has of
 * it. Nothing is at either path, or (there) the image is at "b". */
static void expect_dropped_of_copy(bool there, const char *etag, const char *names)
{
    struct bed bed;
    struct known known = entry(1);
    const struct file_id file = plan_file(&known);
    struct item *a;

    begin(&bed);
    a = went(&bed, PREFIX "a", PREFIX "b");
    a->gone_ms = NOW_MS;
    bed.b->gone_ms = there ? 0 : NOW_MS;
    assert_int_equal(rows_follow(bed.mapping.rows, "a", file, "b", "b"), 0);
    if (!there)
        rows_lost(bed.mapping.rows, "a", "b");
    known.flags = KNOWN_LISTED;
    known.moved_to = PREFIX "b";
    assert_int_equal(index_put(bed.agent.index, PREFIX "a", &known, NULL), 0);
    known.flags = KNOWN_UNCERTAIN;
    known.moved_to = NULL;
    (void)snprintf(known.etag, sizeof known.etag, "%s", etag);
    assert_int_equal(index_put(bed.agent.index, PREFIX "b", &known, NULL), 0);
    bed.b = a;
    expect_dropped(&bed, names);
    end(&bed);
}

static void test_rows_by_a_place_to_which_the_copy_never_came_go(void **state)
{
    (void)state;
    expect_dropped_of_copy(false, "", "abc.");
}

static void test_but_not_where_the_image_is_there(void **state)
{
    (void)state;
    expect_dropped_of_copy(true, "", ">...");
    expect_dropped_of_copy(true, "etag", ">...");
}

/* The removal of "a" is held. Lists name its image by "d", by what the index has of it, at which S3
 * has that image, or another one: do rows by "d" go? */
static bool held_takes_rows(uint64_t number_at_d)
{
    char found[] = "....";
    struct bed bed;
    struct known known = entry(3);

    begin(&bed);
    known.flags = KNOWN_LISTED;
    known.moved_to = PREFIX "d";
    put(bed.agent.index, PREFIX "d", number_at_d);
    assert_int_equal(index_put(bed.agent.index, PREFIX "a", &known, NULL), 0);
    follow_held(&bed.agent, went(&bed, PREFIX "a", PREFIX "b"));
    assert_int_equal(rows_take(bed.mapping.rows, dropped, found), 0);
    assert_int_equal(bed.agent.fatal, 0);
    end(&bed);
    return strcmp(found, "....") != 0;
}

static void test_what_is_held_takes_no_rows_of_what_has_its_place(void **state)
{
    (void)state;
    assert_true(held_takes_rows(3));
    assert_false(held_takes_rows(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_rows_by_places_that_events_tell_of_go),
        INDEX_TEST(test_but_not_of_an_image_that_was_followed_from_there),
        INDEX_TEST(test_what_was_followed_before_is_another_image),
        INDEX_TEST(test_nor_was_one_that_is_gone),
        INDEX_TEST(test_rows_by_a_place_to_which_the_copy_never_came_go),
        INDEX_TEST(test_but_not_where_the_image_is_there),
        INDEX_TEST(test_what_is_held_takes_no_rows_of_what_has_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
