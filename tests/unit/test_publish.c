/*
 * Whether a list may go to S3: what the check of it makes of rows that name an image which is about
 * to be deleted.
 */
#include "agent/service/publish.h"
#include "agent/service/work.h"
#include "tests/unit/places_bed.h"

#include <poll.h>
#include <string.h>

#define LIST    "l/a.lst"
#define IMAGE   "x.jpg"
#define WAIT_MS 10000

int __wrap_agent_commit(struct agent *a);

/* The commit of an agent that has no journal. */
int __wrap_agent_commit(struct agent *a)
{
    return index_commit(a->index);
}

/* The check of a list that names the image, of which S3 has an object; the item of that is `o`. */
static struct job *checked(struct bed *bed, struct work *w)
{
    struct pollfd p = {.fd = work_fd(w), .events = POLLIN};
    struct item *list = bed_item(bed, LIST, ITEM_OBSERVED);
    struct job *job;

    bed->agent.work = w;
    bed->mappings[BED_IMAGES].root_fd = bed->mappings[BED_LISTS].root_fd = scratch_fd();
    scratch_write("a.lst", "0\t1\t" IMAGE "\n");
    put(bed->agent.index, PREFIX IMAGE, 1);
    publish_check(&bed->agent, list);
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    job = work_next(w);
    assert_non_null(job);
    assert_int_equal(job->code, 0);
    return job;
}

/* The object's item is in that state for a change of that kind. Do the rows of the list that name
 * it go? */
static bool row_goes(enum item_state state, enum change_kind change, bool again)
{
    struct work *w = NULL;
    char to[PATH_BYTES_MAX + 1];
    struct item *o;
    struct job *job;
    struct bed bed;
    bool goes;

    bed_begin(&bed);
    assert_int_equal(work_new(scratch_path(), &w), 0);
    o = bed_item(&bed, PREFIX IMAGE, state);
    o->change = change;
    o->again = again;
    job = checked(&bed, w);
    goes = job->old_rows != NULL;
    if (goes)
        assert_int_equal(lst_changes_fate(job->old_rows, IMAGE, to, sizeof to), LST_DROP);
    job_free(job);
    work_free(w);
    bed_end(&bed);
    return goes;
}

static void test_no_list_goes_that_names_what_is_about_to_be_deleted(void **state)
{
    (void)state;
    assert_true(row_goes(ITEM_BARRIER, CHANGE_REMOVE, false));
}

static void test_not_while_it_is_deleted_either(void **state)
{
    (void)state;
    assert_true(row_goes(ITEM_DELETING, CHANGE_REMOVE, false));
}

static void test_what_may_be_back_keeps_its_rows(void **state)
{
    (void)state;
    assert_false(row_goes(ITEM_BARRIER, CHANGE_REMOVE, true));
}

static void test_what_a_pass_is_still_to_decide_keeps_its_rows(void **state)
{
    (void)state;
    assert_false(row_goes(ITEM_LISTING, CHANGE_REMOVE, false));
}

static void test_what_was_renamed_keeps_its_rows(void **state)
{
    (void)state;
    assert_false(row_goes(ITEM_BARRIER, CHANGE_RENAME, false));
}

/* It is on disk: the list waits. */
static void test_what_is_there_keeps_its_rows(void **state)
{
    (void)state;
    scratch_write(IMAGE, "it is back");
    assert_false(row_goes(ITEM_BARRIER, CHANGE_REMOVE, false));
}

/* What a list waits for that nobody has taken in may never come: it is waited for no longer than
 * until the list is due, and not at all where a run is to end. */
static void test_what_is_not_taken_in_is_not_awaited_for_ever(void **state)
{
    struct bed bed;
    struct item *list, *o;

    (void)state;
    bed_begin(&bed);
    list = bed_item(&bed, LIST, ITEM_WAITING);
    assert_false(publish_is_early(&bed.agent, list));
    list->awaits = strdup(PREFIX IMAGE);
    assert_non_null(list->awaits);
    assert_false(publish_awaits(&bed.agent, list));
    assert_true(publish_is_early(&bed.agent, list));
    bed.agent.options.once = true;
    assert_false(publish_is_early(&bed.agent, list));
    bed.agent.options.once = false;
    o = bed_item(&bed, PREFIX IMAGE, ITEM_FLYING);
    assert_true(publish_awaits(&bed.agent, list) && publish_is_early(&bed.agent, list));
    pending_forget(bed.agent.pending, o);
    put(bed.agent.index, PREFIX IMAGE, 1);
    assert_false(publish_awaits(&bed.agent, list) || publish_is_early(&bed.agent, list));
    bed_end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_no_list_goes_that_names_what_is_about_to_be_deleted),
        INDEX_TEST(test_not_while_it_is_deleted_either),
        INDEX_TEST(test_what_may_be_back_keeps_its_rows),
        INDEX_TEST(test_what_a_pass_is_still_to_decide_keeps_its_rows),
        INDEX_TEST(test_what_was_renamed_keeps_its_rows),
        INDEX_TEST(test_what_is_there_keeps_its_rows),
        INDEX_TEST(test_what_is_not_taken_in_is_not_awaited_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
