/*
 * core/rows: by which names lists have images, and which of them S3 does not have.
 */
#include "tests/unit/rows_bed.h"

#include <stdio.h>
#include <string.h>

/* rows_fn: "from>to " after what is there. */
static int print(void *arg, const char *from, const char *to)
{
    char *text = arg;
    size_t n = strlen(text);

    snprintf(text + n, 256 - n, "%s>%s ", from, to ? to : "(null)");
    return 0;
}

/* The names by which lists have images that S3 has not, so. */
static void expect_unlanded(const struct rows *r, const char *wanted)
{
    static const char *const names[] = {"n0", "n1", "n2", "n3"};
    char text[64] = "";

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (rows_is_unlanded(r, names[i]))
            strcat(strcat(text, names[i]), " ");
    assert_string_equal(text, wanted);
}

static void test_names_that_s3_does_not_have(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};
    char ignored[256] = "";

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    expect_unlanded(r, "n1 "); /* somebody may list it by that already */
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(rows_settled(r, print, ignored), 0);
    expect_unlanded(r, "n1 ");
    assert_int_equal(rows_follow(r, "n0", plain(10), "n1", "n2"), 0);
    expect_unlanded(r, "n1 n2 ");
    assert_int_equal(rows_take(r, gather, &b), 0);
    expect_unlanded(r, "n1 n2 "); /* rows may be n1's still: the pass is under way */
    assert_int_equal(rows_settled(r, print, ignored), 0);
    expect_unlanded(r, "n2 ");
    assert_int_equal(rows_landed(r, "n0", plain(10), "n2"), 0);
    expect_unlanded(r, "");
    assert_int_equal(rows_follow(r, "n2", plain(10), "n2", "n3"), 0);
    assert_int_equal(rows_gone(r, "n2", "n3", "n2"), 0);
    expect_unlanded(r, "n3 "); /* its row leaves with the next pass only */
    assert_int_equal(rows_take(r, gather, &b), 0);
    expect_unlanded(r, "n3 ");
    assert_int_equal(rows_settled(r, print, ignored), 0);
    expect_unlanded(r, "");
    rows_free(r);
}

/* Its rename landed, it was taken for renamed on, and that was taken back: lists are to name it as
 * S3 does. */
static void test_what_nobody_finds_is_named_as_s3_has_it(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, "n0", plain(10), "n1"), 0);
    assert_int_equal(rows_follow(r, "n1", plain(10), "n0", "n2"), 0);
    rows_lost(r, "n1", "n2");
    expect_unlanded(r, "n0 n2 ");
    assert_int_equal(rows_follow(r, "n4", plain(11), "n4", "n1"), 0);
    assert_true(rows_unsure(r)); /* another is there */
    assert_int_equal(rows_follow(r, "n4", plain(11), "n4", "n3"), 0);
    assert_false(rows_unsure(r));
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 1);
    assert_int_equal(b.to[2], 1);
    assert_int_equal(b.to[4], 3);
    rows_free(r);
}

/* After a crash between the landing of a chain (n0 went to n1, n2 to n0) and its pass the index
 * says by what lists name the images. That is believed, in either order, not that they may name one
 * by its key. */
static void test_what_the_index_says_of_lists_is_believed(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct rows *r = rows_new();
        struct batch b = {.to = {NAMES, NAMES, NAMES}};

        for (int i = 0; i < 2; i++) {
            if (i == first)
                assert_int_equal(rows_follow(r, "n1", plain(10), "n0", "n1"), 0);
            else
                assert_int_equal(rows_follow(r, "n0", plain(12), "n2", "n0"), 0);
        }
        assert_int_equal(rows_take(r, gather, &b), 0);
        assert_int_equal(b.to[0], 1);
        assert_int_equal(b.to[2], 0);
        rows_free(r);
    }
}

/* Nothing is at the name by which the index knows an image that is elsewhere: rows that come again
 * by that name, as from a list that was saved as it had been, go on with the next pass. */
static void test_rows_of_a_name_that_is_left_go_on(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_false(rows_pending(r));
    b.to[0] = NAMES;
    assert_int_equal(rows_gone(r, "n0", "n0", "n1"), 0);
    assert_true(rows_pending(r));
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 1);
    rows_free(r);
}

/* S3 has a file under two names, since it was renamed over another image: rows by either are its.
 */
static void test_rows_of_both_names_that_s3_has_follow(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n2"), 0);
    assert_int_equal(rows_follow(r, "n1", born(10, 1), "n1", "n2"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 2);
    rows_free(r);

    r = rows_new(); /* also where the index has it that lists name it by a third */
    b = (struct batch){.to = {NAMES, NAMES, NAMES}};
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n3"), 0);
    assert_int_equal(rows_follow(r, "n1", born(10, 1), "n2", "n3"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 3);
    assert_int_equal(b.to[1], 3);
    assert_int_equal(b.to[2], 3);
    rows_free(r);
}

static void test_what_was_lost_is_found_where_it_came_over_another(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_came_over(r, born(10, 1), "n2"), 0); /* nothing is known of it */
    assert_int_equal(rows_displaced(r, "n1", born(10, 1), "n1"), 0);
    assert_int_equal(rows_follow(r, "n0", born(9, 1), "n0", "n1"), 0);
    assert_false(rows_is_over(r, "n1"));
    assert_int_equal(rows_came_over(r, born(10, 1), "n2"), 1);
    assert_int_equal(rows_came_over(r, born(10, 1), "n2"), 0);
    assert_true(rows_is_over(r, "n1"));
    assert_false(rows_is_over(r, "n0"));
    assert_string_equal(rows_at(r, "n2"), "n1");
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 1);
    assert_int_equal(b.to[1], 2);
    rows_free(r);
}

/* n0 is overwritten by what came from n3, where S3 got it when it had left already. Then another
 * comes there. */
static void test_what_overwrote_an_image_keeps_its_rows_though_s3_has_it_elsewhere(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_also(r, "n0", born(10, 1), "n0", "n3"), 0);
    assert_int_equal(rows_follow(r, "n1", born(11, 1), "n1", "n3"), 0);
    assert_int_equal(rows_displaced(r, "n3", born(12, 1), "n3"), 0);
    assert_int_equal(rows_landed(r, "n1", born(11, 1), "n3"), 0);
    assert_int_equal(rows_landed(r, NULL, born(12, 1), "n0"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], NAMES); /* they stay */
    assert_int_equal(b.to[1], 3);
    assert_int_equal(b.to[3], 0);
    rows_free(r);
}

/* An earlier run knew that lists name n2 by n1. That n0 had that place in between, too, says that
 * people may have written it, no more: whatever it is called by then, and however that was learnt.
 */
static void test_a_name_that_an_image_may_have_is_that_ones_which_has_it(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_also(r, "n3", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_follow(r, "n2", born(11, 1), "n1", "n4"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 3);
    assert_int_equal(b.to[1], 4);
    rows_free(r);

    r = rows_new();
    b = (struct batch){.to = {NAMES, NAMES, NAMES}};
    assert_int_equal(rows_follow(r, "n1", born(10, 1), "n2", "n2"), 0);
    assert_int_equal(rows_landed(r, "n1", born(10, 1), "n2"), 0); /* it is n2 now */
    assert_int_equal(rows_follow(r, "n0", born(11, 1), "n1", "n1"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[1], NAMES);
    assert_int_equal(b.to[2], NAMES);
    rows_free(r);
}

/* S3 gets an image where it was in between when it has it where it is. Lists name it so for a
 * moment.
 */
static void test_a_name_of_in_between_is_none_that_it_has(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_displaced(r, "n1", born(9, 1), "n1"), 0); /* who had that place before */
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, "n0", born(10, 1), "n2"), 0);
    rows_passed(r, born(10, 1), "n1");
    assert_string_equal(rows_image_of(r, born(10, 1)), "n2");
    assert_false(rows_has(r, "n1"));
    assert_int_equal(rows_seen(r, born(10, 1), "n2"), 1);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    rows_passed(r, born(10, 1), "n2"); /* its own name stays its own */
    assert_true(rows_has(r, "n2"));
    rows_free(r);
}

#define REMEMBERED 1024 /* files that others took the place of */

static void test_where_replaced_files_were_is_remembered_for_a_while(void **state)
{
    struct rows *r = rows_new();
    char at[16];

    (void)state;
    assert_null(rows_replaced_at(r, born(10, 1)));
    rows_replaced(r, born(10, 1), "n0", false);
    rows_replaced(r, plain(11), "n1", false); /* another file may have its inode by now */
    assert_string_equal(rows_replaced_at(r, born(10, 1)), "n0");
    assert_null(rows_replaced_at(r, born(10, 2)));
    assert_null(rows_replaced_at(r, plain(11)));
    rows_replaced(r, born(10, 1), "n2", false); /* it came over another one since */
    assert_string_equal(rows_replaced_at(r, born(10, 1)), "n2");
    for (int i = 0; i < REMEMBERED; i++) {
        snprintf(at, sizeof at, "m%d", i);
        rows_replaced(r, born(100 + (uint64_t)i, 1), at, false);
    }
    assert_null(rows_replaced_at(r, born(10, 1)));
    assert_string_equal(rows_replaced_at(r, born(100, 1)), "m0");
    assert_string_equal(rows_replaced_at(r, born(99 + REMEMBERED, 1)), "m1023");
    assert_int_equal(rows_close(r, NULL, NULL), 0); /* there are no entries that it asks about */
    assert_null(rows_replaced_at(r, born(100, 1)));
    rows_replaced(r, born(10, 1), "n0", false);
    rows_free(r);
}

/* n0 was renamed to n1, where another file was by then, which was taken for its new content. */
static void test_rows_follow_a_file_whose_rename_was_anothers(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    rows_replaced(r, born(10, 1), "n1", true);
    assert_int_equal(rows_landed(r, "n0", born(11, 1), "n1"), 0);
    assert_int_equal(rows_regain(r, born(12, 1), "n3"), 0); /* nothing is known of it */
    assert_int_equal(rows_regain(r, born(10, 1), "n2"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 2);
    rows_free(r);

    r = rows_new(); /* what came from elsewhere has rows of its own */
    b = (struct batch){.to = {NAMES, NAMES, NAMES}};
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    rows_replaced(r, born(11, 1), "n1", false);
    assert_int_equal(rows_landed(r, "n0", born(10, 1), "n1"), 0);
    assert_int_equal(rows_regain(r, born(11, 1), "n2"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 1);
    rows_free(r);
}

/* What a pass is to change, as "from>to ". */
static void expect_pass(struct rows *r, const char *wanted)
{
    char text[256] = "";

    assert_int_equal(rows_take(r, print, text), 0);
    assert_string_equal(text, wanted);
}

/* Of an earlier run: nothing is done about it, and passes wait, until it was looked at. */
static void test_what_the_index_says_of_lists_waits_for_a_look(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_true(rows_is_empty(r));
    assert_int_equal(rows_listed(r, "n1", born(11, 1), "n0"), 1);
    assert_int_equal(rows_listed(r, "n2", born(12, 1), "n1"), 1);
    assert_int_equal(rows_listed(r, "n2", born(13, 1), "n3"), 0); /* it is known */
    assert_int_equal(rows_listed(r, "n3", born(12, 1), "n3"), 0);
    assert_false(rows_is_empty(r));
    assert_false(rows_pending(r));
    assert_true(rows_unsure(r));
    assert_true(rows_is_unseen(r, "n1"));
    assert_int_equal(rows_seen(r, born(11, 1), "n1"), 1);
    assert_false(rows_is_unseen(r, "n1"));
    assert_true(rows_unsure(r));
    assert_int_equal(rows_seen(r, born(12, 1), "n2"), 1);
    assert_false(rows_unsure(r));
    rows_unseen_end(r, "n1"); /* it is none */
    expect_pass(r, "n1>n2 n0>n1 ");
    rows_free(r);
}

static void test_what_is_known_of_it_otherwise_counts(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_int_equal(rows_listed(r, "n1", born(11, 1), "n0"), 1);
    rows_unseen_end(r, "n1");
    assert_true(rows_is_empty(r));
    expect_pass(r, "");
    rows_free(r);
}

/* Nobody looked yet when S3 got another there: that one came over it, and has its rows. Or it is
 * found elsewhere after all. */
static void test_what_nobody_saw_was_overwritten_where_it_was(void **state)
{
    (void)state;
    for (int found = 0; found < 2; found++) {
        struct rows *r = rows_new();

        assert_int_equal(rows_listed(r, "n1", born(11, 1), "n0"), 1);
        assert_int_equal(rows_landed(r, NULL, born(12, 1), "n1"), 0);
        if (found)
            assert_int_equal(rows_seen(r, born(11, 1), "n2"), 1);
        expect_pass(r, found ? "n0>n2 n1>n2 " : "n0>n1 ");
        rows_free(r);
    }
}

/* An image came to where the index has another, went on from where it had been known, and S3 does
 * not have it yet: it was not overwritten. What was has left its rows to the other one. */
static void test_what_is_on_its_way_was_not_overwritten(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, NULL, born(15, 1), "n0"), 0); /* a new one, where it was */
    assert_int_equal(rows_follow(r, "n1", born(11, 1), "n1", "n2"), 0);
    expect_pass(r, "n1>n2 n0>n1 ");
    rows_free(r);
    r = rows_new();
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, NULL, born(15, 1), "n1"), 0); /* over it */
    assert_int_equal(rows_follow(r, "n1", born(15, 1), "n1", "n2"), 0);
    expect_pass(r, "n0>n2 n1>n2 ");
    rows_free(r);
}

/* What S3 never had comes over an image whose removal is held, and is gone: the rows of that one go
 * to the name that S3 has for it. */
static void test_what_is_gone_again_is_in_no_ones_way(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_int_equal(rows_follow(r, "n1", born(11, 1), "n0", "n1"), 0);
    assert_int_equal(rows_unlanded(r, "n2", born(12, 1), "n1"), 0);
    rows_emptied(r, "n3");
    rows_emptied(r, "n0");
    rows_emptied(r, "n1");
    expect_pass(r, "n2>(null) n0>n1 ");
    rows_free(r);
}

/* Rows by an image's old name are about to leave: a new row by it is not the image's. */
static void test_a_name_that_a_pass_takes_is_known(void **state)
{
    struct rows *r = rows_new();
    char ignored[256] = "";

    (void)state;
    assert_int_equal(rows_follow(r, "n1", born(11, 1), "n0", "n1"), 0);
    assert_false(rows_is_leaving(r, "n1", "n0"));
    assert_int_equal(rows_take(r, print, ignored), 0);
    assert_true(rows_is_leaving(r, "n1", "n0"));
    assert_false(rows_is_leaving(r, "n1", "n1"));
    assert_false(rows_is_leaving(r, "n2", "n0"));
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_false(rows_is_leaving(r, "n1", "n0"));
    rows_free(r);
}

/* The index has an image where another came, by the table's word: it is there no more, and that
 * one is. */
static void test_a_name_of_what_was_there_takes_nothing_from_what_is(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_also(r, "n1", born(11, 1), "n1", "n2"), 0);
    assert_true(rows_is_at(r, "n0", "n1"));
    assert_false(rows_is_at(r, "n1", "n2"));
    assert_int_equal(rows_seen(r, born(11, 1), "n3"), 1);
    expect_pass(r, "n1>n3 n2>n3 n0>n1 ");
    rows_free(r);
}

/* A list was written while the image was there: a new file at that place has no claim to its row,
 * as it has to one that people only may have written. */
static void test_a_name_that_a_list_has_is_no_guess(void **state)
{
    struct rows *r = rows_new();

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n3"), 0);
    assert_int_equal(rows_also(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_also(r, "n0", born(10, 1), "n0", "n2"), 0);
    rows_written(r, "n1", "n3");
    rows_written(r, "n2", "n0"); /* it is not there */
    rows_written(r, "n4", "n3"); /* nobody may have that */
    rows_unguess(r, "n1");
    rows_unguess(r, "n2");
    expect_pass(r, "n0>n3 n1>n3 ");
    rows_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_index_says_of_lists_waits_for_a_look),
        cmocka_unit_test(test_what_is_known_of_it_otherwise_counts),
        cmocka_unit_test(test_what_nobody_saw_was_overwritten_where_it_was),
        cmocka_unit_test(test_what_is_on_its_way_was_not_overwritten),
        cmocka_unit_test(test_what_is_gone_again_is_in_no_ones_way),
        cmocka_unit_test(test_a_name_that_a_pass_takes_is_known),
        cmocka_unit_test(test_a_name_of_what_was_there_takes_nothing_from_what_is),
        cmocka_unit_test(test_a_name_that_a_list_has_is_no_guess),
        cmocka_unit_test(test_names_that_s3_does_not_have),
        cmocka_unit_test(test_what_nobody_finds_is_named_as_s3_has_it),
        cmocka_unit_test(test_what_the_index_says_of_lists_is_believed),
        cmocka_unit_test(test_rows_of_a_name_that_is_left_go_on),
        cmocka_unit_test(test_rows_of_both_names_that_s3_has_follow),
        cmocka_unit_test(test_what_was_lost_is_found_where_it_came_over_another),
        cmocka_unit_test(test_what_overwrote_an_image_keeps_its_rows_though_s3_has_it_elsewhere),
        cmocka_unit_test(test_a_name_that_an_image_may_have_is_that_ones_which_has_it),
        cmocka_unit_test(test_a_name_of_in_between_is_none_that_it_has),
        cmocka_unit_test(test_where_replaced_files_were_is_remembered_for_a_while),
        cmocka_unit_test(test_rows_follow_a_file_whose_rename_was_anothers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
