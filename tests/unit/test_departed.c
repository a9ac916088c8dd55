/* The paths that rows left: how long they are remembered, that no link of a way is missing, and
 * that all of them are gone through. */
#include "tests/unit/index_bed.h"

#include "agent/service/departed.h"
#include "base/clock.h"

#define PREFIX   "images/"
#define PREFIX_N (sizeof PREFIX - 1)
#define NOW_S    1000000
#define MANY     4500 /* more than are gone through in one go */

/* One of the changes of a pass. */
static void tell(struct index *ix, struct departed_pass *pass, const char *from, const char *to,
                 int64_t now_s)
{
    char key[KEY_MAX + 1];

    snprintf(key, sizeof key, PREFIX "%s", from);
    assert_int_equal(departed_note(ix, pass, key, PREFIX_N, to, now_s, DEPARTED_UNLISTED_S), 0);
}

/* The pass has told of all. */
static void end(struct index *ix, struct departed_pass *pass)
{
    int rc;

    do
        rc = departed_store(pass, ix, 3);
    while (rc > 0);
    assert_int_equal(rc, 0);
    departed_end(pass);
}

static void note(struct index *ix, const char *from, const char *to, int64_t now_s)
{
    struct departed_pass pass;

    departed_begin(&pass, NOW_S * US_PER_S, NOW_S * US_PER_S);
    tell(ix, &pass, from, to, now_s);
    end(ix, &pass);
}

static void lead_on(struct index *ix, const char *from, const char *to, int64_t now_s)
{
    struct departed_pass pass;
    char key[KEY_MAX + 1];

    snprintf(key, sizeof key, PREFIX "%s", from);
    departed_begin(&pass, NOW_S * US_PER_S, NOW_S * US_PER_S);
    assert_int_equal(departed_lead_on(ix, &pass, key, PREFIX_N, to, now_s), 0);
    end(ix, &pass);
}

static void note_listed(struct index *ix, const char *from, const char *to, int64_t now_s)
{
    char key[KEY_MAX + 1];

    note(ix, from, to, now_s);
    snprintf(key, sizeof key, PREFIX "%s", from);
    assert_int_equal(departed_listed(ix, key, PREFIX_N), 0);
}

/* Where its rows went (NULL: that is not known). */
static void expect_at(struct index *ix, const char *from, int64_t now_s, const char *to)
{
    char key[KEY_MAX + 1], found[KEY_MAX + 1];
    struct index_view *v = NULL;

    snprintf(key, sizeof key, PREFIX "%s", from);
    assert_int_equal(index_commit(ix), 0);
    assert_int_equal(index_view_open(ix, &v), 0);
    assert_int_equal(departed_find(v, key, now_s, found, sizeof found), to != NULL);
    if (to)
        assert_string_equal(found, to);
    index_view_close(v);
}

static void test_what_no_list_named_is_remembered_for_a_minute(void **state)
{
    struct index *ix = opened();

    (void)state;
    note(ix, "a", "b", NOW_S);
    note(ix, "gone", NULL, NOW_S);
    expect_at(ix, "a", NOW_S + DEPARTED_UNLISTED_S, "b");
    expect_at(ix, "gone", NOW_S + DEPARTED_UNLISTED_S, "");
    expect_at(ix, "a", NOW_S + DEPARTED_UNLISTED_S + 1, NULL);
    expect_at(ix, "gone", NOW_S + DEPARTED_UNLISTED_S + 1, NULL);
    expect_at(ix, "b", NOW_S, NULL);
    index_close(ix);
}

static void test_what_a_list_named_is_remembered_for_a_day(void **state)
{
    struct index *ix = opened();

    (void)state;
    note_listed(ix, "a", "b", NOW_S);
    note_listed(ix, "gone", NULL, NOW_S);
    assert_int_equal(departed_listed(ix, PREFIX "never", PREFIX_N), 0);
    expect_at(ix, "a", NOW_S + DEPARTED_S, "b");
    expect_at(ix, "gone", NOW_S + DEPARTED_S, "");
    expect_at(ix, "a", NOW_S + DEPARTED_S + 1, NULL);
    expect_at(ix, "never", NOW_S, NULL);
    index_close(ix);
}

/* From a name by which an old list has an image to the one that it has now there is a way, though
 * nobody listed the image when it went on. */
static void test_where_listed_rows_came_to_is_remembered_as_long(void **state)
{
    static char deep[KEY_MAX - PREFIX_N + 1];
    struct index *ix = opened();

    (void)state;
    memset(deep, 'd', sizeof deep - 1); /* too long for a name of its own */
    note_listed(ix, "a", deep, NOW_S);
    note(ix, deep, "c", NOW_S + 60);
    note(ix, "c", "d", NOW_S + 120);
    note(ix, "x", "d", NOW_S + 120);
    expect_at(ix, deep, NOW_S + DEPARTED_S, "d");
    expect_at(ix, "c", NOW_S + DEPARTED_S, "d");
    expect_at(ix, "x", NOW_S + DEPARTED_S, NULL);
    /* An image that comes there takes nothing from that. */
    assert_int_equal(departed_forget(ix, PREFIX "d"), 0);
    note(ix, "d", "e", NOW_S + 180);
    expect_at(ix, "d", NOW_S + DEPARTED_S, "e");
    /* After a day nobody comes from there any more. */
    note(ix, "d", "f", NOW_S + DEPARTED_S + 180);
    note(ix, "d", "f", NOW_S + 2 * DEPARTED_S + 181);
    expect_at(ix, "d", NOW_S + 2 * DEPARTED_S + 181 + DEPARTED_UNLISTED_S + 1, NULL);
    index_close(ix);
}

/* What went on from a path is not looked for there any more: another image may be there. */
static void test_what_leads_to_a_path_that_rows_leave_leads_on(void **state)
{
    struct index *ix = opened();

    (void)state;
    note_listed(ix, "a", "b", NOW_S);
    note(ix, "b", "c", NOW_S + 60);
    assert_int_equal(departed_forget(ix, PREFIX "b"), 0); /* another is there */
    expect_at(ix, "a", NOW_S + 120, "c");
    note_listed(ix, "x", "b", NOW_S + 120);
    note(ix, "b", "y", NOW_S + 180); /* which leaves, too */
    expect_at(ix, "a", NOW_S + 240, "c");
    expect_at(ix, "x", NOW_S + 240, "y");
    note(ix, "c", "a", NOW_S + 240); /* it is back */
    expect_at(ix, "a", NOW_S + 300, "c");
    note(ix, "y", NULL, NOW_S + 300); /* and that is gone */
    expect_at(ix, "x", NOW_S + 360, "");
    expect_at(ix, "b", NOW_S + 360, "");
    note_listed(ix, "k", "l", NOW_S + 360);
    lead_on(ix, "l", "m", NOW_S + 360);
    lead_on(ix, "m", "n", NOW_S + 360);
    expect_at(ix, "k", NOW_S + 360, "n");
    expect_at(ix, "l", NOW_S + 360, NULL);
    expect_at(ix, "m", NOW_S + 360, NULL);
    index_close(ix);
}

/* Two images take each other's place, three each the next one's: in the order of the pass each is
 * where another one is told to come from, and what led to one leads on with that one. */
static void test_all_changes_of_a_pass_happen_at_once(void **state)
{
    static const char *const orders[][3] = {{"b", "c", "d"}, {"d", "c", "b"}, {"c", "b", "d"}};
    struct departed_pass pass;

    (void)state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct index *ix = opened();
        int64_t now_s = NOW_S + (int64_t)i * 10 * DEPARTED_S; /* the index is the same one */

        note_listed(ix, "a", "b", now_s);
        note_listed(ix, "k", "c", now_s);
        note_listed(ix, "x", "d", now_s);
        departed_begin(&pass, NOW_S * US_PER_S, NOW_S * US_PER_S);
        for (size_t n = 0; n < 3; n++) {
            const char *from = orders[i][n];

            tell(ix, &pass, from, *from == 'b' ? "c" : *from == 'c' ? "d" : "b", now_s + 60);
        }
        assert_int_equal(departed_store(&pass, ix, 5), 1);
        end(ix, &pass);
        expect_at(ix, "a", now_s + 60, "c");
        expect_at(ix, "k", now_s + 60, "d");
        expect_at(ix, "x", now_s + 60, "b");
        departed_begin(&pass, NOW_S * US_PER_S, NOW_S * US_PER_S);
        tell(ix, &pass, *orders[i], "e", now_s + 120);
        tell(ix, &pass, "e", *orders[i], now_s + 120);
        end(ix, &pass);
        expect_at(ix, **orders[i] == 'b' ? "x" : **orders[i] == 'c' ? "a" : "k", now_s + 120, "e");
        index_close(ix);
    }
}

static void test_where_another_image_came_nothing_is_remembered(void **state)
{
    struct index *ix = opened();
    char to[8];

    (void)state;
    assert_false(departed_to(ix, PREFIX "a", to, sizeof to));
    note_listed(ix, "a", "b", NOW_S);
    assert_true(departed_to(ix, PREFIX "a", to, sizeof to));
    assert_string_equal(to, "b");
    assert_false(departed_to(ix, PREFIX "a", to, 1));
    assert_true(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ELSEWHERE));
    assert_true(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ANYWHERE));
    assert_false(departed_since(ix, PREFIX "a", NOW_S + 1, DEPARTED_ANYWHERE));
    assert_int_equal(departed_forget(ix, PREFIX "a"), 0);
    assert_false(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ANYWHERE));
    note(ix, "a", NULL, NOW_S); /* rows are dropped */
    assert_false(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ELSEWHERE));
    assert_true(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ANYWHERE));
    assert_false(departed_to(ix, PREFIX "a", to, sizeof to));
    assert_int_equal(departed_forget(ix, PREFIX "a"), 0);
    expect_at(ix, "a", NOW_S, NULL);
    index_close(ix);
}

static bool is_noted_since(struct index *ix, const char *path, int64_t since_s)
{
    char key[1024];

    snprintf(key, sizeof key, PREFIX "%s", path);
    return departed_since(ix, key, since_s, DEPARTED_ANYWHERE);
}

/* Rows may be where such a pass found them, unless a list is known to be rewritten. */
static void test_what_a_pass_that_did_not_end_noted_is_in_doubt(void **state)
{
    struct index *ix = opened();
    char to[8], name[512];

    (void)state;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    note_listed(ix, "a", "b", NOW_S - 1);
    note_listed(ix, "c", "d", NOW_S);
    note(ix, name, NULL, NOW_S + 1);
    assert_int_equal(departed_doubt(ix, NOW_S), 0);
    assert_true(departed_since(ix, PREFIX "a", 0, DEPARTED_ANYWHERE));
    assert_false(departed_since(ix, PREFIX "c", 0, DEPARTED_ANYWHERE));
    assert_false(is_noted_since(ix, name, 0));
    assert_true(departed_to(ix, PREFIX "c", to, sizeof to)); /* an old list is led on as before */
    expect_at(ix, "c", NOW_S + DEPARTED_S, "d");
    expect_at(ix, "c", NOW_S + DEPARTED_S + 1, NULL);
    assert_int_equal(departed_confirm(ix, PREFIX "c"), 0);
    assert_int_equal(departed_confirm(ix, PREFIX "never"), 0);
    assert_true(departed_since(ix, PREFIX "c", NOW_S, DEPARTED_ANYWHERE));
    assert_false(departed_since(ix, PREFIX "c", NOW_S + 1, DEPARTED_ANYWHERE));
    note(ix, name, NULL, NOW_S + 2); /* the next pass */
    assert_true(is_noted_since(ix, name, NOW_S + 2));
    index_close(ix);
}

/* Its changes are made again: what they led on leads one step further, not two. */
static void test_a_pass_that_did_not_end_is_made_again(void **state)
{
    struct index *ix = opened();

    (void)state;
    note_listed(ix, "a", "b", NOW_S);
    for (int again = 0; again < 2; again++) {
        struct departed_pass pass;

        departed_begin(&pass, NOW_S * US_PER_S + 7 + again, NOW_S * US_PER_S + 7 + again);
        pass.again_us = again ? NOW_S * US_PER_S + 7 : 0;
        tell(ix, &pass, "b", "c", NOW_S);
        tell(ix, &pass, "c", "d", NOW_S);
        end(ix, &pass);
        expect_at(ix, "a", NOW_S, "c");
        expect_at(ix, "b", NOW_S, "c");
        expect_at(ix, "c", NOW_S, "d");
    }
    note(ix, "c", "e", NOW_S);
    expect_at(ix, "a", NOW_S, "e");
    assert_true(departed_since(ix, PREFIX "a", NOW_S, DEPARTED_ELSEWHERE));
    index_close(ix);
}

static int count(void *arg, struct span name, struct span value)
{
    (void)name;
    (void)value;
    ++*(size_t *)arg;
    return 0;
}

static size_t notes(struct index *ix)
{
    size_t n = 0;

    assert_int_equal(index_meta_each(ix, "departed", NULL, count, &n), 0);
    return n;
}

/* Go through all of them once. In how many goes? */
static size_t expire(struct index *ix, int64_t now_s, bool *ret_some)
{
    struct departed_sweep sweep = {.next = ""};
    size_t goes = 0;

    *ret_some = false;
    do {
        bool some;

        assert_int_equal(departed_expire(ix, now_s, &sweep, &some), 0);
        assert_int_equal(index_commit(ix), 0);
        *ret_some |= some;
        goes++;
    } while (sweep.next[0] && goes < MANY);
    return goes;
}

static void test_all_are_gone_through_a_piece_at_a_time(void **state)
{
    struct index *ix = opened();
    uint32_t other = 1;
    char name[32];
    bool some;

    (void)state;
    (void)expire(ix, NOW_S + 4 * DEPARTED_S, &some); /* what the tests before left */
    assert_int_equal(index_meta_put(ix, "departes", &other, sizeof other), 0);
    assert_int_equal(index_meta_put(ix, "depart", &other, sizeof other), 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "d%d/%d.jpg", i % 7, i);
        note(ix, name, "elsewhere", NOW_S + (i % 3 == 0));
    }
    note_listed(ix, "a", "b", NOW_S);
    assert_int_equal(notes(ix), MANY + 2);
    assert_int_equal(expire(ix, NOW_S + DEPARTED_UNLISTED_S, &some), 3);
    assert_false(some);
    assert_int_equal(notes(ix), MANY + 2);
    assert_int_equal(expire(ix, NOW_S + DEPARTED_UNLISTED_S + 1, &some), 3);
    assert_true(some);
    assert_int_equal(notes(ix), MANY / 3 + 2);
    assert_int_equal(expire(ix, NOW_S + DEPARTED_S, &some), 1);
    assert_int_equal(notes(ix), 2);
    expect_at(ix, "a", NOW_S + DEPARTED_S, "b");
    assert_int_equal(expire(ix, NOW_S + DEPARTED_S + 1, &some), 1);
    assert_int_equal(notes(ix), 0);
    expect_at(ix, "a", NOW_S + DEPARTED_S, NULL);
    index_close(ix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_no_list_named_is_remembered_for_a_minute,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_what_a_list_named_is_remembered_for_a_day,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_where_listed_rows_came_to_is_remembered_as_long,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_what_leads_to_a_path_that_rows_leave_leads_on,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_all_changes_of_a_pass_happen_at_once, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_where_another_image_came_nothing_is_remembered,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_what_a_pass_that_did_not_end_noted_is_in_doubt,
                                        scratch_setup, scratch_teardown),
        cmocka_unit_test_setup_teardown(test_a_pass_that_did_not_end_is_made_again, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_all_are_gone_through_a_piece_at_a_time, scratch_setup,
                                        scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
