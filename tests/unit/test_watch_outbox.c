/* The hints that wait: lanes, ceilings, the descriptor. */
#include "tests/unit/unit.h"
#include "watchers/outbox.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct outbox *box;
static int wakes;

static void wake(void *arg)
{
    (void)arg;
    wakes++;
}

static int setup(void **state)
{
    (void)state;
    wakes = 0;
    return outbox_new(2, wake, NULL, &box);
}

static int teardown(void **state)
{
    (void)state;
    outbox_free(box);
    return 0;
}

/* Put one hint in; `entries`: how many files a listing holds. */
static void put_with(enum hint_kind kind, const char *path, bool is_directory, size_t entries)
{
    struct hint_list list = {0};
    struct hint *h = hint_new(kind, 0, path, kind == HINT_MOVED ? "to" : NULL);

    assert_non_null(h);
    h->is_directory = is_directory;
    if (kind == HINT_LISTING) {
        h->listing = calloc(1, sizeof(*h->listing));
        assert_non_null(h->listing);
        h->listing->count = entries; /* nobody reads them here */
    }
    hint_list_add_take(&list, h);
    outbox_put_take(box, &list);
    assert_null(list.first);
}

static void put(enum hint_kind kind, const char *path, bool is_directory)
{
    put_with(kind, path, is_directory, 0);
}

/* The next one is this; "-" means none. */
static void expect(bool want_listings, enum hint_kind kind, const char *path)
{
    struct hint *h = outbox_take(box, want_listings);

    if (strcmp(path, "-") == 0) {
        assert_null(h);
        return;
    }
    assert_non_null(h);
    assert_int_equal(h->kind, kind);
    assert_string_equal(h->path, path);
    hint_free(h);
}

static bool readable(void)
{
    struct pollfd p = {.fd = outbox_fd(box), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void test_lanes(void **state)
{
    (void)state;
    assert_false(readable());
    put(HINT_LISTING, "l1", true);
    assert_true(readable());
    expect(false, HINT_LISTING, "-");
    assert_false(readable()); /* only what is not wanted waits */
    put(HINT_SCAN_DONE, "s", true);
    assert_false(readable());
    put(HINT_WRITTEN, "w", false);
    assert_true(readable());
    expect(false, HINT_WRITTEN, "w");
    expect(false, HINT_WRITTEN, "-");
    expect(true, HINT_LISTING, "l1");
    assert_true(readable());
    expect(true, HINT_SCAN_DONE, "s");
    expect(true, HINT_SCAN_DONE, "-");
    assert_false(readable());
}

static void test_room(void **state)
{
    (void)state;
    assert_true(outbox_room(box, 0));
    assert_true(outbox_room(box, 1));
    assert_false(outbox_room(box, 2));
    put(HINT_LISTING, "l1", true);
    put(HINT_LISTING, "l2", true);
    assert_false(outbox_room(box, 0));
    assert_int_equal(wakes, 0);
    expect(true, HINT_LISTING, "l1");
    assert_int_equal(wakes, 1);
    assert_true(outbox_room(box, 0));
    expect(true, HINT_LISTING, "l2");
    assert_int_equal(wakes, 1); /* nobody waited for room */
}

/* Where listings are large, fewer are made ahead; but one at least, or no scan would end. */
static void test_room_for_large_listings(void **state)
{
    struct outbox *small = box;

    (void)state;
    assert_int_equal(outbox_new(1000, wake, NULL, &box), 0);
    assert_true(outbox_room(box, 999));
    for (int i = 0; i < 8; i++) {
        put_with(HINT_LISTING, "l", true, OUTBOX_ENTRIES_MAX / 100);
        expect(true, HINT_LISTING, "l");
    }
    assert_true(outbox_room(box, 90));
    assert_false(outbox_room(box, 110));
    for (int i = 0; i < 8; i++) {
        put_with(HINT_LISTING, "l", true, OUTBOX_ENTRIES_MAX * 2);
        assert_false(outbox_room(box, 0));
        expect(true, HINT_LISTING, "l");
        assert_int_equal(wakes, i + 1);
    }
    assert_true(outbox_room(box, 0));
    assert_false(outbox_room(box, 1));
    for (int i = 0; i < 2000; i++) { /* small ones again */
        put_with(HINT_LISTING, "l", true, 10);
        expect(true, HINT_LISTING, "l");
    }
    assert_true(outbox_room(box, 900));
    outbox_free(box);
    box = small;
}

static void test_touched_is_said_once(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        put(HINT_TOUCHED, "f", false);
        put(HINT_TOUCHED, "g", false);
    }
    expect(true, HINT_TOUCHED, "f");
    put(HINT_TOUCHED, "f", false); /* the first was taken: it is news */
    put(HINT_TOUCHED, "g", false);
    expect(true, HINT_TOUCHED, "g");
    expect(true, HINT_TOUCHED, "f");
    expect(true, HINT_TOUCHED, "-");
    put(HINT_TOUCHED, "f", false);
    put(HINT_GONE, "f", false);
    put(HINT_TOUCHED, "f", false); /* after it was gone: news */
    expect(true, HINT_TOUCHED, "f");
    expect(true, HINT_GONE, "f");
    expect(true, HINT_TOUCHED, "f");
    put(HINT_TOUCHED, "d/f", false);
    put(HINT_MOVED, "d", true);
    put(HINT_TOUCHED, "d/f", false); /* another d by now */
    expect(true, HINT_TOUCHED, "d/f");
    expect(true, HINT_MOVED, "d");
    expect(true, HINT_TOUCHED, "d/f");
}

static void test_ceiling(void **state)
{
    char name[32];

    (void)state;
    for (size_t i = 0; i < OUTBOX_HINTS_MAX + 10; i++) {
        (void)snprintf(name, sizeof(name), "%zu", i);
        put(HINT_WRITTEN, name, false);
    }
    put(HINT_ROOT_LOST, "", true); /* never dropped */
    assert_false(outbox_dropped(box));
    for (size_t i = 0; i < OUTBOX_HINTS_MAX / 2 + 1; i++) {
        (void)snprintf(name, sizeof(name), "%zu", i);
        expect(true, HINT_WRITTEN, name);
    }
    assert_int_equal(wakes, 1);
    assert_true(outbox_dropped(box));
    assert_false(outbox_dropped(box));
}

/* An event of a path, the number'th. */
static void tell(enum hint_kind kind, const char *path, const char *path2, bool is_directory,
                 uint64_t number)
{
    struct hint_list list = {0};
    struct hint *h = hint_new(kind, 0, path, path2);

    assert_non_null(h);
    h->is_directory = is_directory;
    h->number = number;
    hint_list_add_take(&list, h);
    outbox_put_take(box, &list);
    expect(false, kind, path);
}

/* A listing of "dir" that was read when so many hints had been said waits while that is told. Is it
 * to be doubted? */
static bool doubted(uint64_t said, enum hint_kind kind, const char *path, const char *path2,
                    bool is_directory, uint64_t number)
{
    struct hint_list list = {0};
    struct hint *h = hint_new(HINT_LISTING, 0, "dir", NULL);
    bool doubtful;

    assert_non_null(h);
    h->number = said;
    h->listing = calloc(1, sizeof(*h->listing));
    assert_non_null(h->listing);
    hint_list_add_take(&list, h);
    outbox_put_take(box, &list);
    tell(kind, path, path2, is_directory, number);
    h = outbox_take(box, true);
    assert_non_null(h);
    assert_int_equal(h->kind, HINT_LISTING);
    doubtful = h->doubtful;
    hint_free(h);
    return doubtful;
}

static void test_a_listing_that_events_overtook_is_doubtful(void **state)
{
    (void)state;
    assert_false(doubted(1, HINT_GONE, "dir/a", NULL, false, 1)); /* that was before it was read */
    assert_false(doubted(1, HINT_GONE, "other/a", NULL, false, 2));
    assert_false(doubted(2, HINT_TOUCHED, "dir", NULL, true, 3)); /* of itself, not of its names */
    assert_true(doubted(3, HINT_GONE, "dir/a", NULL, false, 4));
    assert_true(doubted(3, HINT_GONE, "other/b", NULL, false, 5)); /* since the one before */
    assert_false(doubted(5, HINT_GONE, "other/b", NULL, false, 6));
    assert_true(doubted(6, HINT_MOVED, "dir/a", "other/a", false, 7));
    assert_true(doubted(7, HINT_MOVED, "other/a", "dir/a", false, 8));
    /* Whatever it was: the directory itself may be elsewhere by now. */
    assert_true(doubted(8, HINT_MOVED, "up", "down", true, 9));
    assert_true(doubted(9, HINT_GONE, "up", NULL, true, 10));
    assert_false(doubted(10, HINT_GONE, "up/a", NULL, false, 11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lanes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_for_large_listings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_touched_is_said_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_listing_that_events_overtook_is_doubtful, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_ceiling, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
