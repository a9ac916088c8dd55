/*
 * The rules of watching, played through without a file system: events and looks are made up here.
 */
#include "tests/unit/tracker_bed.h"

/* The look found a directory that went while it was listed; its watch is of no use. */
static void found_going(struct check *c, int wd)
{
    struct check_result r = {.check = c, .outcome = CHECK_ABSENT, .wd = wd};

    tracker_result(t, &r, now);
}

static void test_files(void **state)
{
    (void)state;
    begin();
    event(3, IN_CREATE, 0, "n");
    event(3, IN_MODIFY, 0, "n");
    event(3, IN_CLOSE_WRITE, 0, "n");
    event(3, IN_DELETE, 0, "n");
    event(3, IN_CLOSE_WRITE, 0, "n.tmp");
    event(1, IN_ATTRIB, 0, "f");
    hint(HINT_TOUCHED, "a/b/n", NULL);
    hint(HINT_TOUCHED, "a/b/n", NULL);
    hint(HINT_WRITTEN, "a/b/n", NULL);
    hint(HINT_GONE, "a/b/n", NULL);
    hint(HINT_TOUCHED, "f", NULL);
    no_hint();
    look_at_nothing();
}

static void test_halves_of_renames(void **state)
{
    (void)state;
    begin();
    event(1, IN_MOVED_FROM, 10, "f");
    no_hint();
    event(4, IN_MOVED_TO, 10, "g");
    hint(HINT_MOVED, "f", "x/g");
    event(4, IN_MOVED_FROM, 11, "g");
    assert_int_equal(tracker_deadline_ms(t), now + RENAME_WAIT_MS);
    now += RENAME_WAIT_MS - 1;
    tracker_expire(t, now);
    no_hint();
    now += 1;
    tracker_expire(t, now);
    hint(HINT_GONE, "x/g", NULL);
    event(4, IN_MOVED_TO, 11, "g"); /* too late: it came from somewhere */
    hint(HINT_WRITTEN, "x/g", NULL);
    event(4, IN_MOVED_FROM, 12, "g.tmp");
    event(4, IN_MOVED_TO, 12, "g");
    hint(HINT_WRITTEN, "x/g", NULL);
    event(4, IN_MOVED_FROM, 13, "g");
    event(4, IN_MOVED_TO, 13, "g~");
    hint(HINT_GONE, "x/g", NULL);
    now += RENAME_WAIT_MS;
    tracker_expire(t, now);
    no_hint();
}

/* The half that waits is told by the path that its directory has when it is told. */
static void test_directory_renamed_while_half_waits(void **state)
{
    (void)state;
    begin();
    event(3, IN_MOVED_FROM, 10, "g");
    event(1, IN_MOVED_FROM | IN_ISDIR, 11, "a");
    event(4, IN_MOVED_TO | IN_ISDIR, 11, "c");
    hint(HINT_MOVED, "a", "x/c");
    now += RENAME_WAIT_MS;
    tracker_expire(t, now);
    hint(HINT_GONE, "x/c/b/g", NULL);
}

static void test_directory_renamed(void **state)
{
    (void)state;
    begin();
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(4, IN_MOVED_TO | IN_ISDIR, 10, "c");
    event(2, IN_MOVE_SELF, 0, "");
    event(3, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_MOVED, "a", "x/c");
    hint(HINT_WRITTEN, "x/c/b/g", NULL);
    found(look("x/c"), 2, 2, "b/3");
    found(look("x/c/b"), 3, 3, "g"); /* listed again, though nothing changed */
    hint(HINT_LISTING, "x/c", NULL);
    hint(HINT_LISTING, "x/c/b", NULL);
    NONE_RELEASED;
    look_at_nothing();
}

static void test_directory_leaves(void **state)
{
    (void)state;
    begin();
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(3, IN_CLOSE_WRITE, 0, "g"); /* its watches fire on */
    no_hint();
    NONE_RELEASED;
    now += RENAME_WAIT_MS;
    tracker_expire(t, now);
    hint(HINT_GONE, "a", NULL);
    RELEASED(3, 2);
    event(3, IN_CLOSE_WRITE, 0, "g");
    event(3, IN_IGNORED, 0, "");
    no_hint();
    assert_int_equal(tracker_model_counts(t, 0)->directories, 2);
}

static void test_exchange(void **state)
{
    (void)state;
    begin();
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(1, IN_MOVED_TO | IN_ISDIR, 10, "x");
    event(1, IN_MOVED_FROM | IN_ISDIR, 11, "x");
    event(1, IN_MOVED_TO | IN_ISDIR, 11, "a");
    hint(HINT_MOVED, "a", "x");
    hint(HINT_MOVED, "x", "a");
    event(3, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "x/b/g", NULL);
    event(4, IN_CLOSE_WRITE, 0, "h");
    hint(HINT_WRITTEN, "a/h", NULL);
    NONE_RELEASED;
}

/* The first half's place is looked at and told of before the second half is read: that one's hint
 * takes all beneath the place along, so the place is told of again. */
static void test_exchange_looked_at_between(void **state)
{
    (void)state;
    begin();
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(1, IN_MOVED_TO | IN_ISDIR, 10, "x");
    hint(HINT_MOVED, "a", "x");
    found(look("x"), 2, 2, "b/3");
    hint(HINT_LISTING, "x", NULL);
    found(look("x/b"), 3, 3, "g");
    hint(HINT_LISTING, "x/b", NULL);
    look_at_nothing();
    event(1, IN_MOVED_FROM | IN_ISDIR, 11, "x");
    event(1, IN_MOVED_TO | IN_ISDIR, 11, "a");
    hint(HINT_MOVED, "x", "a");
    found(look("a"), 4, 4, "");
    hint(HINT_LISTING, "a", NULL);
    found(look("x"), 2, 2, "b/3");
    hint(HINT_LISTING, "x", NULL);
    found(look("x/b"), 3, 3, "g");
    hint(HINT_LISTING, "x/b", NULL);
    look_at_nothing();
    NONE_RELEASED;
}

/* A directory is renamed onto an empty one, which is no more then: it is not what leaves the place
 * next. */
static void test_exchange_after_replacement(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "y");
    hint(HINT_TOUCHED, "y", NULL);
    found(look("y"), 5, 5, "");
    hint(HINT_LISTING, "y", NULL);
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(1, IN_MOVED_TO | IN_ISDIR, 10, "x");
    hint(HINT_MOVED, "a", "x");
    event(4, IN_DELETE_SELF, 0, "");
    event(4, IN_IGNORED, 0, "");
    RELEASED(4);
    found(look("x"), 2, 2, "b/3");
    hint(HINT_LISTING, "x", NULL);
    found(look("x/b"), 3, 3, "g");
    hint(HINT_LISTING, "x/b", NULL);
    event(1, IN_MOVED_FROM | IN_ISDIR, 11, "x");
    event(1, IN_MOVED_TO | IN_ISDIR, 11, "y");
    event(1, IN_MOVED_FROM | IN_ISDIR, 12, "y");
    event(1, IN_MOVED_TO | IN_ISDIR, 12, "x");
    hint(HINT_MOVED, "x", "y");
    hint(HINT_MOVED, "y", "x");
    event(3, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "y/b/g", NULL);
    event(5, IN_CLOSE_WRITE, 0, "h");
    hint(HINT_WRITTEN, "x/h", NULL);
    now += RENAME_WAIT_MS;
    tracker_expire(t, now);
    NONE_RELEASED;
    assert_int_equal(tracker_model_counts(t, 0)->directories, 4);
}

/* What arrives was never looked at, what was there is known: which of them is there is open until a
 * look, and the place is looked at, too, if what was there leaves before. */
static void test_exchange_of_the_unknown(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "y"); /* (5) */
    hint(HINT_TOUCHED, "y", NULL);
    event(1, IN_MOVED_FROM | IN_ISDIR, 11, "y");
    event(1, IN_MOVED_TO | IN_ISDIR, 11, "x");
    event(1, IN_MOVED_FROM | IN_ISDIR, 12, "x");
    event(1, IN_MOVED_TO | IN_ISDIR, 12, "y");
    hint(HINT_MOVED, "y", "x");
    hint(HINT_MOVED, "x", "y");
    found(look("y"), 4, 4, "");
    hint(HINT_LISTING, "y", NULL);
    found(look("x"), 5, 5, "d/6");
    hint(HINT_LISTING, "x", NULL);
    found(look("x/d"), 6, 6, "");
    hint(HINT_LISTING, "x/d", NULL);
    event(6, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "x/d/g", NULL);
    event(4, IN_CLOSE_WRITE, 0, "h");
    hint(HINT_WRITTEN, "y/h", NULL);
    look_at_nothing();
    NONE_RELEASED;
}

static void test_gone_while_listed(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "y");
    hint(HINT_TOUCHED, "y", NULL);
    found_going(look("y"), 7);
    RELEASED(7); /* the library's record of it */
    barrier();
    not_found(look("y"), CHECK_ABSENT, 0);
    hint(HINT_GONE, "y", NULL);
    assert_int_equal(tracker_model_counts(t, 0)->directories, 4);
}

/* "new" changes places with x before anybody looked at it: then x is it. */
static void test_exchange_with_what_was_not_seen(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "new");
    event(1, IN_MOVED_FROM | IN_ISDIR, 30, "new");
    event(1, IN_MOVED_TO | IN_ISDIR, 30, "x");
    event(1, IN_MOVED_FROM | IN_ISDIR, 31, "x");
    event(1, IN_MOVED_TO | IN_ISDIR, 31, "new");
    found(look("new"), 4, 4, "");
    found(look("x"), 9, 9, "f");
    look_at_nothing();
    assert_int_equal(tracker_model_counts(t, 0)->directories, 5);
    hint_list_release(tracker_hints(t));
    event(9, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "x/g", NULL);
    event(4, IN_CLOSE_WRITE, 0, "h");
    hint(HINT_WRITTEN, "new/h", NULL);
}

/* A look that is led elsewhere says nothing; after a barrier the parent is looked at, too. */
static void test_misplaced(void **state)
{
    (void)state;
    begin();
    event(2, IN_CREATE | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "a/n", NULL);
    struct check *c = look("a/n");
    assert_int_equal(c->parent_ino, 2);
    not_found(c, CHECK_MISPLACED, 0);
    look_at_nothing();
    barrier();
    not_found(look("a/n"), CHECK_MISPLACED, 0);
    struct check *above = look("a");
    assert_int_equal(above->parent_ino, 1);
    not_found(above, CHECK_ABSENT, 0);
    barrier();
    not_found(look("a/n"), CHECK_MISPLACED, 0);
    not_found(look("a"), CHECK_ABSENT, 0); /* twice: gone with all beneath */
    hint(HINT_GONE, "a", NULL);
    RELEASED(3, 2);
    now += DIRTY_WAIT_MAX_MS;
    (void)tracker_wants_barrier(t, now);
    tracker_barrier(t);
    look_at_nothing();
    no_hint();
}

static void test_absent_is_looked_at_twice(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "n", NULL);
    not_found(look("n"), CHECK_ABSENT, 0);
    no_hint();
    barrier();
    found(look("n"), 9, 9, "");
    hint(HINT_LISTING, "n", NULL);
    event(1, IN_DELETE | IN_ISDIR, 0, "n");
    hint(HINT_GONE, "n", NULL);
    RELEASED(9);
}

/* "new" was found empty, and again after the barrier; of that the second look is still to be told
 * when this event is read. */
static struct check *second_look_is_under_way(void)
{
    struct check *c;

    begin();
    event(4, IN_CREATE | IN_ISDIR, 0, "new");
    hint(HINT_TOUCHED, "x/new", NULL);
    not_found(look("x/new"), CHECK_ABSENT, 0);
    barrier();
    c = look("x/new");
    look_at_nothing();
    return c;
}

/* It is made after the second look, and before what that look saw is told. */
static void test_made_after_the_second_look(void **state)
{
    struct check *c = second_look_is_under_way();

    (void)state;
    event(4, IN_CREATE | IN_ISDIR, 0, "new");
    hint(HINT_TOUCHED, "x/new", NULL);
    not_found(c, CHECK_ABSENT, 0);
    no_hint();
    barrier();
    found(look("x/new"), 9, 9, "f");
    hint(HINT_LISTING, "x/new", NULL);
    assert_int_equal(tracker_model_counts(t, 0)->directories, 5);
}

/* The same, where a look is wanted whatever is known. */
static void test_wanted_after_the_second_look(void **state)
{
    struct check *c = second_look_is_under_way();

    (void)state;
    event(4, EVENT_LOOK | IN_ISDIR, 0, "new");
    not_found(c, CHECK_ABSENT, 0);
    no_hint();
    found(look("x/new"), 9, 9, "f");
    hint(HINT_LISTING, "x/new", NULL);
    look_at_nothing();
}

/* What a look finds is known by its watch: it moved, and the place that it left is looked at. */
static void test_found_elsewhere(void **state)
{
    (void)state;
    begin();
    assert_int_equal(tracker_scan(t, 0, "x"), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    found(look("x"), 4, 4, "c/2"); /* that is a, whose rename is still to be read */
    hint(HINT_LISTING, "x", NULL);
    found(look("x/c"), 2, 2, "b/3");
    hint(HINT_LISTING, "x/c", NULL);
    not_found(look("a"), CHECK_ABSENT, 0); /* but its rename may still be queued */
    found(look("x/c/b"), 3, 3, "g");
    hint(HINT_LISTING, "x/c/b", NULL);
    hint(HINT_SCAN_DONE, "x", NULL);
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "a");
    event(4, IN_MOVED_TO | IN_ISDIR, 10, "c");
    hint(HINT_MOVED, "a", "x/c");
    found(look("x/c"), 2, 2, "b/3");
    hint(HINT_LISTING, "x/c", NULL);
    found(look("x/c/b"), 3, 3, "g");
    hint(HINT_LISTING, "x/c/b", NULL);
    event(3, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "x/c/b/g", NULL);
    NONE_RELEASED;
}

/* Another directory under a known name: the old one's watches go when its time is up. */
static void test_another_in_its_place(void **state)
{
    (void)state;
    begin();
    assert_int_equal(tracker_scan(t, 0, ""), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    found(look(""), 1, 1, "a/8 x/4");
    hint(HINT_LISTING, "", NULL);
    found(look("a"), 8, 8, "");
    hint(HINT_LISTING, "a", NULL);
    event(8, IN_CLOSE_WRITE, 0, "n");
    hint(HINT_WRITTEN, "a/n", NULL);
    NONE_RELEASED;
    now += RENAME_WAIT_MS;
    tracker_expire(t, now);
    RELEASED(3, 2);
    no_hint();
}

/* An event may be read before the look that placed its watch is back. */
static void test_parked_events(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "n", NULL);
    struct check *c = look("n");
    event(9, IN_CLOSE_WRITE, 0, "early");
    event(77, IN_CLOSE_WRITE, 0, "of a watch that was dropped");
    no_hint();
    found(c, 9, 9, "early");
    hint(HINT_LISTING, "n", NULL);
    hint(HINT_WRITTEN, "n/early", NULL);
    no_hint();
    event(77, IN_CLOSE_WRITE, 0, "nobody can have it now");
    event(1, IN_CREATE | IN_ISDIR, 0, "m");
    hint(HINT_TOUCHED, "m", NULL);
    found(look("m"), 7, 77, "");
    hint(HINT_LISTING, "m", NULL);
    no_hint();
}

/* A look whose place was left meanwhile says nothing, and its watch is given back. */
static void test_stale_look(void **state)
{
    (void)state;
    begin();
    event(1, IN_CREATE | IN_ISDIR, 0, "n");
    hint(HINT_TOUCHED, "n", NULL);
    struct check *c = look("n");
    event(1, IN_MOVED_FROM | IN_ISDIR, 10, "n");
    event(1, IN_MOVED_TO | IN_ISDIR, 10, "m");
    hint(HINT_MOVED, "n", "m");
    found(c, 9, 9, "");
    no_hint();
    RELEASED(9);
    found(look("m"), 9, 10, "");
    hint(HINT_LISTING, "m", NULL);
    event(1, IN_CREATE | IN_ISDIR, 0, "p");
    hint(HINT_TOUCHED, "p", NULL);
    c = look("p");
    event(1, IN_DELETE | IN_ISDIR, 0, "p");
    hint(HINT_GONE, "p", NULL);
    found(c, 12, 12, "");
    no_hint();
    RELEASED(12);
}

static void test_unreadable(void **state)
{
    (void)state;
    begin();
    assert_int_equal(tracker_scan(t, 0, "a"), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    not_found(look("a"), CHECK_UNREADABLE, -EMFILE); /* passes: later */
    no_hint();
    barrier();
    not_found(look("a"), CHECK_UNREADABLE, -EXDEV);
    struct hint *h = hint_list_pop(tracker_hints(t));
    assert_int_equal(h->kind, HINT_LISTING);
    assert_false(h->listing->complete);
    assert_int_equal(h->code, -EXDEV);
    hint_free(h);
    h = hint_list_pop(tracker_hints(t));
    assert_int_equal(h->kind, HINT_SCAN_DONE);
    assert_int_equal(h->code, -EXDEV);
    hint_free(h);
    no_hint(); /* of what lies hidden nothing is said */
    RELEASED(3, 2);
}

/* A file that left may be anywhere; one that was deleted is nowhere. */
static void test_gone_is_not_moved_away(void **state)
{
    struct hint *h;

    (void)state;
    begin();
    event(2, IN_DELETE, 0, "f");
    h = hint_list_pop(tracker_hints(t));
    assert_int_equal(h->kind, HINT_GONE);
    assert_int_equal(h->code, 0);
    hint_free(h);
    event(2, IN_MOVED_FROM, 7, "g");
    no_hint();
    now += RENAME_WAIT_MS + 1;
    tracker_expire(t, now);
    h = hint_list_pop(tracker_hints(t));
    assert_int_equal(h->kind, HINT_GONE);
    assert_int_equal(h->code, -EXDEV);
    hint_free(h);
    no_hint();
}

/* What changed before the last whole scan that saw everything began was found. */
static void test_since_when_all_was_seen(void **state)
{
    const struct tracker_root_counts *c = tracker_root_counts(t, 0);
    const int64_t began = now;

    (void)state;
    begin();
    assert_int_equal(c->seen_from_ms, began);
    assert_int_equal(c->seen_ms, now);
    now += 500;
    assert_int_equal(tracker_scan(t, 0, ""), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    now += 70;
    found(look(""), 1, 1, "a/2 x/4 f");
    not_found(look("a"), CHECK_UNREADABLE, -EXDEV);
    found(look("x"), 4, 4, "");
    assert_int_equal(c->scans, 2);
    assert_int_equal(c->last_scan_ms, now);
    assert_int_equal(c->seen_from_ms, began); /* it did not see a */
    now += 500;
    assert_int_equal(tracker_scan(t, 0, ""), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    now += 30;
    found(look(""), 1, 1, "a/2 x/4 f");
    found(look("a"), 2, 22, "");
    found(look("x"), 4, 4, "");
    assert_int_equal(c->seen_from_ms, now - 30);
    assert_int_equal(c->names_from_ms, c->seen_from_ms);
    assert_int_equal(c->seen_ms, now);
    assert_int_equal(tracker_scan(t, 0, "x"), 0); /* a part is not the whole */
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now + 10);
    assert_int_equal(c->seen_from_ms, now - 30);
}

static void test_root_lost(void **state)
{
    (void)state;
    begin();
    assert_int_equal(tracker_scan(t, 0, "a"), 0);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    struct check *c = look("a");
    assert_int_equal(tracker_scan(t, 0, "x"), 0);
    event(1, IN_MOVE_SELF, 0, "");
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, -ENOENT, now);
    hint(HINT_ROOT_LOST, "", NULL);
    hint(HINT_SCAN_DONE, "a", NULL);
    hint(HINT_SCAN_DONE, "x", NULL);
    no_hint();
    RELEASED(4, 3, 2, 1);
    found(c, 2, 22, "");
    RELEASED(22);
    no_hint();
    assert_int_equal(tracker_deadline_ms(t), now + LOST_WAIT_MIN_MS);
    for (int i = 0; i < 10; i++) { /* looked at ever more seldom */
        now = tracker_deadline_ms(t);
        tracker_expire(t, now);
        assert_true(tracker_wants_identity(t, 0));
        tracker_identity(t, 0, -ENOENT, now);
        assert_in_range(tracker_deadline_ms(t) - now, LOST_WAIT_MIN_MS, LOST_WAIT_MAX_MS);
    }
    assert_int_equal(tracker_deadline_ms(t), now + LOST_WAIT_MAX_MS);
    now = tracker_deadline_ms(t);
    tracker_expire(t, now);
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    hint(HINT_ROOT_BACK, "", NULL);
    found(look(""), 1, 31, "f");
    hint(HINT_LISTING, "", NULL);
    hint(HINT_SCAN_DONE, "", NULL);
    event(31, IN_CLOSE_WRITE, 0, "f");
    hint(HINT_WRITTEN, "f", NULL);
}

/* The kernel dropped a watch, and nobody said that the directory went: it is looked at. */
static void test_watch_dropped(void **state)
{
    (void)state;
    begin();
    event(3, IN_IGNORED, 0, "");
    RELEASED(3); /* the library's record */
    assert_int_equal(tracker_model_counts(t, 0)->watches, 3);
    found(look("a/b"), 3, 33, "g");
    hint(HINT_LISTING, "a/b", NULL);
    event(33, IN_CLOSE_WRITE, 0, "g");
    hint(HINT_WRITTEN, "a/b/g", NULL);
    event(1, IN_IGNORED, 0, ""); /* of the root: who is it? */
    assert_true(tracker_wants_identity(t, 0));
}

/* The watch above the root: what goes there may be the root. */
static void test_guard(void **state)
{
    (void)state;
    begin();
    tracker_guard(t, 0, 50);
    event(50, IN_DELETE, 0, "a file");
    assert_false(tracker_wants_identity(t, 0));
    event(50, IN_DELETE | IN_ISDIR, 0, "a directory");
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    no_hint();
}

static bool out_of_memory;

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);

void *__wrap_malloc(size_t n)
{
    return out_of_memory ? NULL : __real_malloc(n);
}

/* What cannot be looked at for lack of memory is looked at later, and the scan ends. */
static void test_no_memory_for_a_look(void **state)
{
    (void)state;
    assert_true(tracker_wants_identity(t, 0));
    tracker_identity(t, 0, 0, now);
    found(look(""), 1, 1, "a/2 x/4");
    hint(HINT_LISTING, "", NULL);
    out_of_memory = true;
    look_at_nothing();
    out_of_memory = false;
    assert_int_equal(tracker_deadline_ms(t), 0);
    tracker_expire(t, now);
    found(look("a"), 2, 2, "");
    found(look("x"), 4, 4, "");
    hint(HINT_OVERFLOW, "", NULL);
    hint(HINT_LISTING, "a", NULL);
    hint(HINT_LISTING, "x", NULL);
    hint(HINT_SCAN_DONE, "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory_for_a_look, setup, teardown),
        cmocka_unit_test_setup_teardown(test_halves_of_renames, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_renamed_while_half_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_renamed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_leaves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_looked_at_between, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_after_replacement, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_of_the_unknown, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone_while_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_exchange_with_what_was_not_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_misplaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_is_looked_at_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_made_after_the_second_look, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wanted_after_the_second_look, setup, teardown),
        cmocka_unit_test_setup_teardown(test_found_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_in_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parked_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stale_look, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unreadable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gone_is_not_moved_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_since_when_all_was_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guard, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
