/* The rows of a file that is back at its path when S3 does not have it there any more: it had been
 * renamed over another image, and rows had left it for those of that place. */
#include "tests/unit/places_bed.h"

#include "agent/service/departed.h"
#include "agent/service/follow.h"

#define HOME  PREFIX "a"
#define PLACE PREFIX "b"

/* rows_fn: where rows of "b" go. */
static int taken(void *arg, const char *from, const char *to)
{
    const char **went = arg;

    if (strcmp(from, "b") == 0)
        *went = to;
    return 0;
}

/* That is found: at the other place is this file (0: none). The rows of "b" go there (NULL: they
 * stay). */
static void expect_rows(bool returned, uint64_t there, const char *wanted)
{
    struct bed bed;
    struct item *home, *place;
    const char *went = NULL;

    bed_begin(&bed);
    put(bed.agent.index, PLACE, 7); /* which was overwritten */
    home = bed_item(&bed, HOME, ITEM_OBSERVED);
    home->seen = (struct file_stat){.kind = FILE_REGULAR, .nlink = 1, .ino = 1, .born_ns = 10};
    home->returned = returned;
    place = bed_item(&bed, PLACE, ITEM_GONE);
    place->seen = (struct file_stat){
        .kind = there ? FILE_REGULAR : FILE_ABSENT, .nlink = 1, .ino = there, .born_ns = 20};
    assert_int_equal(departed_note_alone(bed.agent.index, HOME, sizeof PREFIX - 1, "b", NOW_S,
                                         DEPARTED_UNLISTED_S),
                     0);
    follow_returned(&bed.agent, home);
    assert_int_equal(rows_take(bed.mappings[BED_IMAGES].rows, taken, &went), 0);
    if (wanted)
        assert_string_equal(went, wanted);
    else
        assert_null(went);
    bed_end(&bed);
}

static void test_rows_of_the_place_that_it_had_are_its_own(void **state)
{
    (void)state;
    expect_rows(true, 0, "a");
}

static void test_not_of_a_file_that_nothing_tells_to_be_back(void **state)
{
    (void)state;
    expect_rows(false, 0, NULL);
}

static void test_nor_where_another_is_at_that_place(void **state)
{
    (void)state;
    expect_rows(true, 5, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_rows_of_the_place_that_it_had_are_its_own),
        INDEX_TEST(test_not_of_a_file_that_nothing_tells_to_be_back),
        INDEX_TEST(test_nor_where_another_is_at_that_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
