/*
 * What is done where the system has no watch left, played through without a file system.
 */
#include "tests/unit/tracker_bed.h"

/* The look found a directory, changed so many seconds ago, and got no watch for it. */
static void refused(struct check *c, uint64_t ino, int64_t age_s, const char *words)
{
    struct check_result r = {.check = c,
                             .outcome = CHECK_FOUND,
                             .ino = ino,
                             .wd = -1,
                             .watch_code = -ENOSPC,
                             .age_s = age_s,
                             .listing = listing_of(words)};

    tracker_result(t, &r, now);
    hint_free(hint_list_pop(tracker_hints(t))); /* HINT_LISTING, or before it HINT_WATCH_LIMIT */
}

/* A directory comes into the root. */
static void made(const char *name)
{
    event(1, IN_CREATE | IN_ISDIR, 0, name);
    hint(HINT_TOUCHED, name, NULL);
}

static uint64_t limited(void)
{
    return tracker_model_counts(t, 0)->limited;
}

/* The next round begins by itself. */
static void round_comes(int64_t within_ms)
{
    const int64_t at = tracker_deadline_ms(t);

    assert_true(at <= now + within_ms);
    now = at > now ? at : now;
    tracker_expire(t, now);
}

/* Three directories get no watch: m, where nothing happened for long, n, and o. */
static void run_out(void)
{
    begin();
    made("m");
    refused(look("m"), 7, 5000, "f");
    hint(HINT_LISTING, "m", NULL); /* the first hint, HINT_WATCH_LIMIT, is taken */
    made("n");
    refused(look("n"), 8, 0, "f");
    made("o");
    refused(look("o"), 9, 30, "f");
    no_hint();
    assert_int_equal(limited(), 3);
    look_at_nothing();
}

static void test_said_once(void **state)
{
    (void)state;
    begin();
    made("n");
    struct check_result r = {.check = look("n"),
                             .outcome = CHECK_FOUND,
                             .ino = 7,
                             .wd = -1,
                             .watch_code = -ENOSPC,
                             .listing = listing_of("f")};

    tracker_result(t, &r, now);
    struct hint *h = hint_list_pop(tracker_hints(t));

    assert_int_equal(h->kind, HINT_WATCH_LIMIT);
    assert_int_equal(h->code, -ENOSPC);
    hint_free(h);
    hint(HINT_LISTING, "n", NULL); /* listed all the same */
    event(1, IN_ATTRIB | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "n", NULL);
    refused(look("n"), 7, 0, "f");
    no_hint();
    assert_int_equal(limited(), 1);
}

static void test_room_is_noticed(void **state)
{
    int64_t waited = 0;

    (void)state;
    run_out();
    for (int i = 0; i < 8; i++) { /* one asks now and then, ever more seldom */
        const int64_t before = now;

        round_comes(60000);
        assert_true(now - before >= waited);
        waited = now - before;
        refused(look("n"), 8, 0, "f"); /* where something happened last */
        look_at_nothing();
    }
    assert_int_equal(waited, 60000);
    round_comes(60000);
    found(look("n"), 8, 8, "f");
    hint(HINT_LISTING, "n", NULL);
    assert_int_equal(limited(), 2);
    round_comes(100); /* there is room: the others, at once, the hotter one first */
    found(look("o"), 9, 9, "f");
    found(look("m"), 7, 7, "f");
    hint(HINT_LISTING, "o", NULL);
    hint(HINT_LISTING, "m", NULL);
    round_comes(100);
    hint(HINT_WATCH_ROOM, "", NULL);
    assert_int_equal(tracker_deadline_ms(t), INT64_MAX);
    no_hint();
    NONE_RELEASED;
}

static void test_room_by_removal(void **state)
{
    (void)state;
    run_out();
    for (int i = 0; i < 6; i++) {
        round_comes(60000);
        refused(look("n"), 8, 0, "f");
    }
    event(1, IN_DELETE | IN_ISDIR, 0, "x");
    hint(HINT_GONE, "x", NULL);
    RELEASED(4);
    tracker_expire(t, now);
    round_comes(2000);
    found(look("n"), 8, 8, "f");
    assert_int_equal(limited(), 2);
}

static void test_the_cold_yield_to_the_hot(void **state)
{
    (void)state;
    begin();
    now += 3600000; /* an hour later, in which something happened in a/b alone */
    event(3, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "a/b/g", NULL);
    made("n");
    refused(look("n"), 8, 0, "f");
    hint(HINT_LISTING, "n", NULL);
    round_comes(2000);
    refused(look("n"), 8, 0, "f");
    struct wd_list *list = tracker_released(t);

    assert_int_equal(list->count, 1); /* one is enough: a's or x's, not the root's nor a/b's */
    assert_true(list->wds[0] == 2 || list->wds[0] == 4);
    const int wd = list->wds[0];

    list->count = 0;
    event(wd, IN_IGNORED, 0, "");
    RELEASED(wd); /* the library's record goes */
    no_hint();
    assert_int_equal(limited(), 2);
    round_comes(0);
    found(look("n"), 8, 8, "f");
    hint(HINT_LISTING, "n", NULL);
    assert_int_equal(limited(), 1);
    for (int i = 0; i < 20; i++) { /* and there it stays: no wandering */
        round_comes(60000);
        refused(look(wd == 2 ? "a" : "x"), wd == 2 ? 2 : 4, now / 1000, wd == 2 ? "b/3" : "");
        no_hint();
        NONE_RELEASED;
    }
}

static void test_who_yields_may_go(void **state)
{
    (void)state;
    begin();
    now += 3600000;
    event(3, IN_CLOSE_WRITE, 0, "g");
    event(2, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "a/b/g", NULL);
    hint(HINT_WRITTEN, "a/g", NULL);
    made("n");
    refused(look("n"), 8, 0, "f");
    hint(HINT_LISTING, "n", NULL);
    round_comes(2000);
    RELEASED(4);
    event(4, IN_CLOSE_WRITE, 0, "last"); /* what was on its way still counts */
    hint(HINT_WRITTEN, "x/last", NULL);
    event(1, IN_DELETE | IN_ISDIR, 0, "x"); /* before it has lost its watch */
    hint(HINT_GONE, "x", NULL);
    RELEASED(4);
    event(4, IN_IGNORED, 0, "");
    found(look("n"), 8, 8, "f");
    hint(HINT_LISTING, "n", NULL);
    tracker_expire(t, now);
    hint(HINT_WATCH_ROOM, "", NULL);
    assert_int_equal(limited(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_by_removal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_cold_yield_to_the_hot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_yields_may_go, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
