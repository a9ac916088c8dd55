/* What is at the place where events say that an image went, and what is none. */
#include "tests/unit/places_bed.h"

#include "agent/service/explain.h"

/* A list names a/x, at which nothing is: events told that its directory is b/ now, of which the
 * index has an image under the same name. */
static struct item *begin(struct bed *bed)
{
    struct item *list;

    bed_begin(bed);
    put(bed->agent.index, PREFIX "b/x", 1);
    bed_left(bed, PREFIX "a/", PREFIX "b/");
    list = bed_item(bed, "l/l.lst", ITEM_CHECKING);
    list->traced = true; /* looks have told what they can */
    return list;
}

static void test_an_image_that_is_there_takes_the_rows(void **state)
{
    char now[AGENT_KEY_SIZE];
    struct bed bed;
    struct item *list = begin(&bed);

    (void)state;
    assert_true(explain_place(&bed.agent, bed.mappings, PREFIX "a/x", now));
    assert_string_equal(now, PREFIX "b/x");
    (void)bed_item(&bed, PREFIX "b/x", ITEM_SETTLING);
    assert_true(explain_row(&bed.agent, list, "a/x", true)); /* the list waits for it */
    bed_end(&bed);
}

/* List and object would wait for each other, and for ever. */
static void test_no_row_waits_for_an_object_that_waits_for_lists(void **state)
{
    static const enum item_state leaving[] = {ITEM_BARRIER, ITEM_DELETING};

    (void)state;
    for (size_t i = 0; i < COUNT(leaving); i++) {
        char now[AGENT_KEY_SIZE];
        struct bed bed;
        struct item *list = begin(&bed), *old = bed_item(&bed, PREFIX "b/x", leaving[i]);

        assert_false(explain_place(&bed.agent, bed.mappings, PREFIX "a/x", now));
        assert_false(explain_row(&bed.agent, list, "a/x", true));
        assert_int_equal(old->state, leaving[i]);
        assert_false(old->again);
        old->seen.kind = FILE_REGULAR; /* but one that was seen there again is one */
        assert_true(explain_row(&bed.agent, list, "a/x", true));
        bed_end(&bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_an_image_that_is_there_takes_the_rows),
        INDEX_TEST(test_no_row_waits_for_an_object_that_waits_for_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
