/*
 * What is done where events were lost, played through without a file system.
 */
#include "tests/unit/tracker_bed.h"

/* Events are lost; the fast pass may begin. */
static void lose(void)
{
    event(-1, IN_Q_OVERFLOW, 0, "");
    hint(HINT_OVERFLOW, "", NULL);
    assert_true(tracker_root_counts(t, 0)->scanning);
    assert_int_equal(tracker_root_counts(t, 0)->incomplete_since_ms, now);
}

/* The root is confirmed. */
static void confirm(void)
{
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
}

/* How many directories are not looked at since. */
static uint64_t to_go(void)
{
    const struct model_counts *c = tracker_model_counts(t, 0);

    return c->directories - c->current;
}

static void test_nothing_had_changed(void **state)
{
    (void)state;
    begin();
    now += 5000;
    event(3, IN_CLOSE_WRITE, 0, "g"); /* a/b is the one that was active last */
    hint(HINT_WRITTEN, "a/b/g", NULL);
    now += 1000;
    event(4, IN_CLOSE_WRITE, 0, "h"); /* no: x is */
    hint(HINT_WRITTEN, "x/h", NULL);
    assert_int_equal(to_go(), 0);
    lose();
    assert_int_equal(to_go(), 4);
    look_at_nothing();
    assert_false(tracker_is_quiet(t) && !tracker_root_counts(t, 0)->scanning);
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL); /* the names are known: nothing needs to wait */
    no_hint();
    assert_false(tracker_root_counts(t, 0)->scanning);
    assert_true(tracker_root_counts(t, 0)->incomplete_since_ms > 0);
    assert_int_equal(to_go(), 4); /* but files may have been written in place */
    struct check *c = look("x");  /* what was active last is first */

    assert_int_equal(c->mark, 0); /* and no glance will do */
    assert_true(tracker_is_quiet(t));
    found(c, 4, 4, "h");
    hint(HINT_LISTING, "x", NULL);
    assert_int_equal(to_go(), 3);
    found(look("a/b"), 3, 3, "g");
    hint(HINT_LISTING, "a/b", NULL);
    event(2, IN_CREATE | IN_ISDIR, 0, "n"); /* what events ask for goes first */
    hint(HINT_TOUCHED, "a/n", NULL);
    found(look("a/n"), 5, 5, "");
    hint(HINT_LISTING, "a/n", NULL);
    assert_int_equal(to_go(), 2);
    found(look(""), 1, 1, "a/2 x/4 f");
    hint(HINT_LISTING, "", NULL);
    no_hint();
    found(look("a"), 2, 2, "b/3 n/5");
    hint(HINT_LISTING, "a", NULL);
    hint(HINT_WHOLE, "", NULL);
    assert_int_equal(to_go(), 0);
    assert_int_equal(tracker_root_counts(t, 0)->incomplete_since_ms, 0);
    assert_int_equal(tracker_root_counts(t, 0)->scans, 2);
    look_at_nothing();
    no_hint();
    assert_int_equal(tracker_deadline_ms(t), INT64_MAX);
}

static void test_renamed_unseen(void **state)
{
    (void)state;
    begin();
    lose();
    confirm();
    same(look(""));
    found(look("x"), 4, 4, "n/3"); /* b came here from a */
    hint(HINT_LISTING, "x", NULL);
    found(look("x/n"), 3, 3, "g"); /* its watch tells who it is */
    hint(HINT_LISTING, "x/n", NULL);
    not_found(look("a/b"), CHECK_ABSENT, 0);
    found(look("a"), 2, 2, "");
    hint(HINT_LISTING, "a", NULL);
    same(look("x/n"));
    no_hint(); /* a/b is not settled */
    barrier();
    not_found(look("a/b"), CHECK_ABSENT, 0);
    hint(HINT_GONE, "a/b", NULL);
    hint(HINT_SCAN_DONE, "", NULL);
    NONE_RELEASED;
    assert_int_equal(tracker_model_counts(t, 0)->directories, 4);
    assert_int_equal(to_go(), 1); /* the root was glanced at alone */
    found(look(""), 1, 1, "a/2 x/4 f");
    hint(HINT_LISTING, "", NULL);
    hint(HINT_WHOLE, "", NULL);
    look_at_nothing();
}

static void test_lost_again_and_again(void **state)
{
    int64_t before = 0;

    (void)state;
    begin();
    lose();
    confirm();
    for (int i = 0; i < 12; i++) {
        const int64_t began = now;

        same(look(""));
        event(-1, IN_Q_OVERFLOW, 0, ""); /* during the fast pass */
        hint(HINT_OVERFLOW, "", NULL);
        same(look("x"));
        same(look("a"));
        now += 50; /* it took so long */
        same(look("a/b"));
        no_hint(); /* not through: it must be run again */
        assert_true(tracker_root_counts(t, 0)->scanning);
        assert_false(tracker_wants_identity(t, 0));
        const int64_t at = tracker_deadline_ms(t);

        assert_true(at - now >= 50 && at - now >= before);
        assert_true(at - now <= PASS_WAIT_FEW);
        before = at - now;
        now = at - 1;
        tracker_expire(t, now);
        assert_false(tracker_wants_identity(t, 0));
        now = at;
        tracker_expire(t, now);
        confirm();
        assert_true(now > began);
    }
    assert_int_equal(before, PASS_WAIT_FEW); /* the bound, for a pass as short as this */
    same(look(""));
    same(look("x"));
    same(look("a"));
    now += 3000;
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL);
    assert_int_equal(tracker_root_counts(t, 0)->overflows, 13);
}

static void test_lost_during_the_slow_pass(void **state)
{
    (void)state;
    begin();
    lose();
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL);
    struct check *flying = look("");

    event(-1, IN_Q_OVERFLOW, 0, "");
    hint(HINT_OVERFLOW, "", NULL);
    now += PASS_WAIT_FEW;
    found(flying, 1, 1, "a/2 x/4 f"); /* listed, but maybe before the loss */
    hint(HINT_LISTING, "", NULL);
    assert_int_equal(to_go(), 4);
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL);
    found(look("x"), 4, 4, ""); /* the slow pass goes on where it was */
    found(look("a"), 2, 2, "b/3");
    found(look("a/b"), 3, 3, "g");
    hint(HINT_LISTING, "x", NULL);
    hint(HINT_LISTING, "a", NULL);
    hint(HINT_LISTING, "a/b", NULL);
    no_hint(); /* the root is behind */
    assert_int_equal(to_go(), 1);
    look_at_nothing();
    now = tracker_deadline_ms(t);
    tracker_expire(t, now);
    found(look(""), 1, 1, "a/2 x/4 f");
    hint(HINT_LISTING, "", NULL);
    hint(HINT_WHOLE, "", NULL);
    look_at_nothing();
}

static void test_unreadable_does_not_stand_in_the_way(void **state)
{
    struct hint *h;

    (void)state;
    begin();
    lose();
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL);
    found(look(""), 1, 1, "a/2 x/4 f");
    not_found(look("x"), CHECK_UNREADABLE, -EACCES);
    found(look("a"), 2, 2, "b/3");
    found(look("a/b"), 3, 3, "g");
    for (int i = 0; i < 4; i++) {
        hint_free(hint_list_pop(tracker_hints(t)));
    }
    h = hint_list_pop(tracker_hints(t));
    assert_int_equal(h->kind, HINT_WHOLE);
    assert_int_equal(h->code, -EACCES);
    hint_free(h);
}

static void test_root_lost_meanwhile(void **state)
{
    (void)state;
    begin();
    lose();
    confirm();
    same(look(""));
    struct check *flying = look("x");

    tracker_suspect_root(t, 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, -ESTALE, now);
    hint(HINT_ROOT_LOST, "", NULL);
    same(flying);
    no_hint();
    look_at_nothing();
    RELEASED(4, 3, 2, 1);
    now += LOST_WAIT_MIN_MS;
    tracker_expire(t, now);
    confirm();
    hint(HINT_ROOT_BACK, "", NULL);
    found(look(""), 1, 11, "a/2 f");
    found(look("a"), 2, 12, "");
    hint(HINT_LISTING, "", NULL);
    hint(HINT_LISTING, "a", NULL);
    hint(HINT_SCAN_DONE, "", NULL);
    hint(HINT_WHOLE, "", NULL);
    no_hint();
}

static void test_patrol(void **state)
{
    (void)state;
    begin();
    tracker_patrol(t, 0, now);
    tracker_patrol(t, 0, now); /* one is enough */
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_PASS_DONE, "", NULL);
    assert_int_equal(tracker_root_counts(t, 0)->incomplete_since_ms, 0);
    found(look(""), 1, 1, "a/2 x/4 f");
    found(look("x"), 4, 4, "");
    found(look("a"), 2, 2, "b/3");
    found(look("a/b"), 3, 3, "g");
    for (int i = 0; i < 4; i++) {
        hint_free(hint_list_pop(tracker_hints(t)));
    }
    hint(HINT_SCAN_DONE, "", NULL);
    assert_int_equal(tracker_root_counts(t, 0)->overflows, 0);
}

/* A glance at all names is not a look at all files. */
static void test_glance(void **state)
{
    const struct tracker_root_counts *c = tracker_root_counts(t, 0);
    int64_t seen;

    (void)state;
    begin();
    seen = c->seen_from_ms;
    assert_int_equal(c->names_from_ms, seen);
    now += 500;
    tracker_glance(t, 0);
    assert_true(c->scanning);
    confirm();
    same(look(""));
    now += 7;
    found(look("x"), 4, 4, "h"); /* something came here */
    hint(HINT_LISTING, "x", NULL);
    same(look("a"));
    tracker_glance(t, 0); /* what was missed meanwhile needs another */
    same(look("a/b"));
    no_hint();
    assert_int_equal(c->names_from_ms, seen);
    now += 7 + PASS_WAIT_MIN_MS;
    tracker_expire(t, now);
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_PASS_DONE, "", NULL);
    assert_false(c->scanning);
    assert_int_equal(c->names_from_ms, now);
    assert_int_equal(c->names_ms, now);
    assert_int_equal(c->seen_from_ms, seen);
    assert_int_equal(c->scans, 1);
    look_at_nothing();
    no_hint();
    assert_int_equal(tracker_deadline_ms(t), INT64_MAX);
}

/* What the fast pass could not read is not seen, though the slow pass comes past it no more. */
static void test_unreadable_is_not_seen(void **state)
{
    const struct tracker_root_counts *c = tracker_root_counts(t, 0);
    int64_t seen;
    struct hint *h;

    (void)state;
    begin();
    seen = c->seen_from_ms;
    for (int i = 0; i < 2; i++) {
        const int code = i == 0 ? -EACCES : 0;

        now += 500;
        tracker_patrol(t, 0, now);
        confirm();
        same(look(""));
        if (i == 0) {
            not_found(look("x"), CHECK_UNREADABLE, code);
        } else {
            found(look("x"), 4, 4, "");
        }
        hint(HINT_LISTING, "x", NULL);
        same(look("a"));
        same(look("a/b"));
        hint(HINT_PASS_DONE, "", NULL);
        assert_int_equal(c->names_from_ms, now);
        found(look(""), 1, 1, "a/2 x/4 f");
        hint(HINT_LISTING, "", NULL);
        found(look("a"), 2, 2, "b/3");
        hint(HINT_LISTING, "a", NULL);
        found(look("a/b"), 3, 3, "g");
        hint(HINT_LISTING, "a/b", NULL);
        h = hint_list_pop(tracker_hints(t));
        assert_non_null(h);
        assert_int_equal(h->kind, HINT_SCAN_DONE);
        assert_int_equal(h->code, code);
        hint_free(h);
        assert_int_equal(c->seen_from_ms, i == 0 ? seen : now);
    }
}

static void test_slices(void **state)
{
    char seen[5] = "";

    (void)state;
    begin();
    for (int i = 0; i < 2; i++) { /* two slices of half the tree each */
        now += 100;
        tracker_slice(t, 0, 4, now);
        for (int n = 0; n < 2; n++) {
            struct check *c = tracker_next_check(t, now);

            assert_non_null(c);
            assert_int_equal(c->mark, 0);
            (void)strcat(seen, c->path[0] == '\0' ? "r" : c->path[1] == '\0' ? c->path : "b");
            found(c, c->ino, c->node->wd,
                  c->path[0] == '\0'          ? "a/2 x/4 f"
                  : strcmp(c->path, "a") == 0 ? "b/3"
                                              : "");
            hint_free(hint_list_pop(tracker_hints(t)));
        }
        look_at_nothing();
        hint(HINT_PASS_DONE, "", NULL);
        no_hint();
        assert_int_equal(tracker_root_counts(t, 0)->scans, i == 0 ? 1 : 2);
        assert_int_equal(tracker_root_counts(t, 0)->sliced_from_ms, now);
        assert_int_equal(tracker_root_counts(t, 0)->seen_from_ms, i == 0 ? 1000 : now - 100);
    }
    assert_true(strchr(seen, 'r') && strchr(seen, 'a') && strchr(seen, 'b') && strchr(seen, 'x'));
}

static void test_rate(void **state)
{
    (void)state;
    begin();
    tracker_set_rate(t, 0, 10); /* ten looks a second */
    now += 1000;
    lose();
    confirm();
    same(look(""));
    same(look("x"));
    same(look("a"));
    same(look("a/b"));
    hint(HINT_SCAN_DONE, "", NULL);
    found(look(""), 1, 1, "a/2 x/4 f 1 2 3 4 5 6"); /* 4 + 1 + 9: overdrawn by 4 */
    hint(HINT_LISTING, "", NULL);
    look_at_nothing();
    assert_int_equal(tracker_deadline_ms(t), now + 401);
    event(4, IN_CREATE | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "x/n", NULL);
    found(look("x/n"), 5, 5, "1 2 3 4 5 6 7 8 9 10"); /* what events ask for is free */
    hint(HINT_LISTING, "x/n", NULL);
    look_at_nothing();
    now += 401;
    found(look("x"), 4, 4, "n/5");
    hint(HINT_LISTING, "x", NULL);
    look_at_nothing();
    assert_true(tracker_deadline_ms(t) > now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_had_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renamed_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_again_and_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_during_the_slow_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable_does_not_stand_in_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_lost_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_patrol, setup, teardown),
        cmocka_unit_test_setup_teardown(test_glance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable_is_not_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slices, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
