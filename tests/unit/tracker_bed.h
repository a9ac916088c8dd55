/*
 * What the tests of the tracker's rules share: events and looks that are made up.
 */
#ifndef LOCKSTEP_TESTS_UNIT_TRACKER_BED_H
#define LOCKSTEP_TESTS_UNIT_TRACKER_BED_H

#include "tests/unit/unit.h"
#include "watchers/tracker.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

static struct filter *filter;
static struct tracker *t;
static int64_t now;

static inline int setup(void **state)
{
    const struct watch_filter plain = {0};

    (void)state;
    now = 1000;
    return filter_new(&plain, &filter) != 0 || tracker_new(&filter, 1, true, &t) != 0;
}

static inline int teardown(void **state)
{
    (void)state;
    tracker_free(t);
    filter_free(filter);
    return 0;
}

/* An event. */
static inline void event(int wd, uint32_t mask, uint32_t cookie, const char *name)
{
    const struct raw_event ev = {wd, mask, cookie, name};

    tracker_event(t, &ev, now);
}

/* The next check, which must be of this path. */
static inline struct check *look(const char *path)
{
    struct check *c = tracker_next_check(t, now);

    if (c == NULL) {
        fail_msg("nobody wants to look at \"%s\"", path);
    }
    assert_string_equal(c->path, path);
    return c;
}

static inline void look_at_nothing(void)
{
    assert_null(tracker_next_check(t, now));
}

/* A listing of words; those that end in '/' are directories, with the inode after it: "d/7 f". */
static inline struct listing *listing_of(const char *words)
{
    struct listing *l = calloc(1, sizeof(*l));

    assert_non_null(l);
    l->names = strdup(words);
    l->entries = calloc(strlen(words) + 1, sizeof(l->entries[0]));
    assert_true(l->names != NULL && l->entries != NULL);
    l->complete = true;
    for (char *word = strtok(l->names, " "); word != NULL; word = strtok(NULL, " ")) {
        struct listing_entry *e = &l->entries[l->count++];
        char *slash = strchr(word, '/');

        e->name = word;
        e->st.kind = slash == NULL ? FILE_REGULAR : FILE_DIRECTORY;
        if (slash != NULL) {
            e->st.ino = strtoull(slash + 1, NULL, 10);
            *slash = '\0';
        }
    }
    return l;
}

/* The look found a directory. */
static inline void found(struct check *c, uint64_t ino, int wd, const char *words)
{
    struct check_result r = {.check = c,
                             .outcome = CHECK_FOUND,
                             .ino = ino,
                             .wd = wd,
                             .mark = ino * 1000,
                             .listing = listing_of(words)};

    tracker_result(t, &r, now);
}

/* A glance was enough. */
static inline void same(struct check *c)
{
    struct check_result r = {.check = c, .outcome = CHECK_SAME, .wd = -1};

    assert_int_not_equal(c->mark, 0);
    tracker_result(t, &r, now);
}

/* The look found none. */
static inline void not_found(struct check *c, enum check_outcome outcome, int code)
{
    struct check_result r = {.check = c, .outcome = outcome, .code = code, .wd = -1};

    tracker_result(t, &r, now);
}

/* The next hint is this one; path2 NULL where there is none. */
static inline void hint(enum hint_kind kind, const char *path, const char *path2)
{
    struct hint *h = hint_list_pop(tracker_hints(t));

    if (h == NULL) {
        fail_msg("no hint; wanted kind %d for \"%s\"", (int)kind, path);
        return;
    }
    assert_int_equal(h->kind, kind);
    assert_string_equal(h->path, path);
    if (path2 != NULL) {
        assert_string_equal(h->path2, path2);
    }
    hint_free(h);
}

static inline void no_hint(void)
{
    assert_null(tracker_hints(t)->first);
}

/* The watches dropped so far are these; ends with -1. */
static inline void released(const int *wds)
{
    struct wd_list *list = tracker_released(t);

    for (size_t i = 0; wds[i] >= 0; i++) {
        assert_true(i < list->count);
        assert_int_equal(list->wds[i], wds[i]);
    }
    for (size_t i = 0; i <= list->count; i++) {
        if (wds[i] < 0) {
            assert_int_equal(list->count, i);
            break;
        }
    }
    list->count = 0;
}

#define RELEASED(...) released((const int[]){__VA_ARGS__, -1})
#define NONE_RELEASED released((const int[]){-1})

/* A barrier is wanted, and comes. */
static inline void barrier(void)
{
    now += DIRTY_WAIT_MAX_MS;
    assert_true(tracker_wants_barrier(t, now));
    assert_false(tracker_wants_barrier(t, now));
    tracker_barrier(t);
}

/* The root (inode 1, watch 1) is scanned and holds a/ (2, 2) with b/ (3, 3) in it, and x/ (4, 4).
 */
static inline void begin(void)
{
    assert_true(tracker_wants_identity(t, 0));
    look_at_nothing(); /* before the root is known to be the right one */
    tracker_identity(t, 0, 0, now);
    found(look(""), 1, 1, "a/2 x/4 f");
    hint(HINT_LISTING, "", NULL);
    found(look("a"), 2, 2, "b/3");
    found(look("x"), 4, 4, "");
    found(look("a/b"), 3, 3, "g");
    hint(HINT_LISTING, "a", NULL);
    hint(HINT_LISTING, "x", NULL);
    hint(HINT_LISTING, "a/b", NULL);
    hint(HINT_SCAN_DONE, "", NULL);
    no_hint();
    look_at_nothing();
    assert_int_equal(tracker_model_counts(t, 0)->directories, 4);
    assert_int_equal(tracker_deadline_ms(t), INT64_MAX);
}

#endif
