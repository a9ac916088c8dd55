/*
 * core/rows against a world of images that change their names. The agent's part (which image is
 * where, what landed in S3, passes) is played in any order that the agent may take; at the end each
 * row must be where its image is.
 */
#include "tests/unit/rows_bed.h"

#include <stdio.h>
#include <string.h>

#define WORLDS 3000
#define STEPS  60

struct world {
    uint64_t seed;
    struct rows *rows;
    int disk[NAMES];  /* image at this name, or NONE */
    int index[NAMES]; /* image that the index has under this name, or NONE */
    int found[NAMES]; /* image -> name where it was found and is not in S3 yet, or NONE */
    int known[NAMES]; /* image -> found: the name by which the index knew it */
    int list[NAMES];  /* image -> name in the list, or NONE */
    bool births;      /* it is known when files were made */
};

/* xorshift64*. */
static unsigned draw(struct world *w, unsigned below)
{
    w->seed ^= w->seed >> 12;
    w->seed ^= w->seed << 25;
    w->seed ^= w->seed >> 27;
    return (unsigned)((w->seed * UINT64_C(2685821657736338717) >> 33) % below);
}

static char *name(int n)
{
    static char text[8][8];
    static int at;
    char *out = text[at++ % 8];

    snprintf(out, 8, "n%d", n);
    return out;
}

/* The image's file. Where that is no help, two have the same inode. */
static struct file_id file(const struct world *w, int image)
{
    return w->births ? born((uint64_t)image / 2, 1 + image) : plain((uint64_t)image);
}

/* The image is moved on disk to a free name; nobody noticed yet. */
static void move(struct world *w)
{
    int from = (int)draw(w, NAMES), to = (int)draw(w, NAMES);

    if (w->disk[from] == NONE || w->disk[to] != NONE)
        return;
    w->disk[to] = w->disk[from];
    w->disk[from] = NONE;
}

/* Where the index has the image; NONE: nowhere. */
static int index_name(const struct world *w, int image)
{
    for (int n = 0; n < NAMES; n++)
        if (w->index[n] == image)
            return n;
    return NONE;
}

/* The agent finds out what is at a name. */
static void decide(struct world *w, int n)
{
    int image = w->disk[n], old = image == NONE ? NONE : index_name(w, image);

    if (image == NONE || w->found[image] == n)
        return;
    if (old == n) {
        if (rows_has(w->rows, name(n)))
            assert_int_equal(rows_follow(w->rows, name(n), file(w, image), name(n), name(n)), 0);
        w->found[image] = NONE;
        return;
    }
    if (w->births && rows_seen(w->rows, file(w, image), name(n)) == 1) {
        if (old != NONE)
            w->known[image] = old;
    } else if (old == NONE) {
        /* another image came to S3 under its name before it did under its new one */
        assert_true(w->found[image] != NONE);
        assert_true(rows_went_on(w->rows, name(w->known[image]), name(w->found[image]),
                                 file(w, image), name(n)) >= 0);
    } else {
        assert_int_equal(rows_follow(w->rows, name(old), file(w, image), name(old), name(n)), 0);
        w->known[image] = old;
    }
    if (w->index[n] != NONE)
        assert_int_equal(rows_displaced(w->rows, name(n), file(w, w->index[n]), name(n)), 0);
    w->found[image] = n;
}

/* What was found at a name comes to S3. The agent puts that off while what the index has there was
 * not found elsewhere. */
static void land(struct world *w, int n)
{
    int image = w->disk[n], old;

    if (image == NONE || w->found[image] != n)
        return;
    if (w->index[n] != NONE && w->found[w->index[n]] == NONE)
        return;
    assert_int_equal(rows_landed(w->rows, name(w->known[image]), file(w, image), name(n)), 0);
    old = index_name(w, image);
    if (old != NONE)
        w->index[old] = NONE;
    w->index[n] = image;
    w->found[image] = NONE;
}

/* What was found at a name has gone on from there before it came to S3, and is not found again. */
static void miss(struct world *w, int n)
{
    for (int image = 0; image < NAMES; image++) {
        int old = index_name(w, image);

        if (w->found[image] != n || w->disk[n] == image || old == NONE)
            continue;
        rows_lost(w->rows, name(old), name(n));
        w->found[image] = NONE;
    }
}

/* The list may go up once S3 has something under each name in it, or the table tells of it. */
static void assert_nothing_dangles(const struct world *w)
{
    for (int image = 0; image < NAMES; image++)
        if (w->list[image] != NONE && w->index[w->list[image]] == NONE &&
            !rows_is_unlanded(w->rows, name(w->list[image])))
            fail_msg("image %d is listed at %d, where S3 has nothing", image, w->list[image]);
}

/* A pass over the list, unless the table wants it put off. */
static void pass(struct world *w)
{
    struct batch b;

    if (rows_unsure(w->rows))
        return;
    for (int n = 0; n < NAMES; n++)
        b.to[n] = NAMES;
    assert_int_equal(rows_take(w->rows, gather, &b), 0);
    for (int image = 0; image < NAMES; image++)
        if (w->list[image] != NONE && b.to[w->list[image]] != NAMES)
            w->list[image] = b.to[w->list[image]];
    assert_int_equal(rows_settled(w->rows, ignore, NULL), 0);
    assert_nothing_dangles(w);
}

/* A world after many steps, in any order. The caller frees its rows. */
static void live(struct world *w, uint64_t seed, bool births)
{
    *w = (struct world){.seed = seed, .rows = rows_new(), .births = births};
    assert_non_null(w->rows);
    for (int n = 0; n < NAMES; n++) {
        w->disk[n] = w->index[n] = n < NAMES - 2 ? n : NONE;
        w->list[n] = w->disk[n];
        w->found[n] = NONE;
    }
    for (int step = 0; step < STEPS; step++) {
        int n = (int)draw(w, NAMES);

        switch (draw(w, 5)) {
        case 0:
            move(w);
            break;
        case 1:
            decide(w, n);
            break;
        case 2:
            land(w, n);
            break;
        case 3:
            miss(w, n);
            break;
        default:
            pass(w);
            break;
        }
    }
}

static void play(uint64_t seed, bool births)
{
    struct world w;

    live(&w, seed, births);
    for (int round = 0; round < 2 * NAMES; round++)
        for (int n = 0; n < NAMES; n++) {
            decide(&w, n);
            land(&w, n);
        }
    pass(&w);
    for (int image = 0; image < NAMES - 2; image++)
        if (w.list[image] == NONE || w.disk[w.list[image]] != image)
            fail_msg("seed %llu: image %d is listed at %d", (unsigned long long)seed, image,
                     w.list[image]);
    rows_free(w.rows);
}

static void test_rows_follow_images_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        play(seed, false);
        play(seed, true);
    }
}

/* rows_name_fn: the names that were told. */
static int tell(void *arg, const char *name)
{
    ((bool *)arg)[atoi(name + 1)] = true;
    return 0;
}

/* Whoever asks before rows go is told of all that do. */
static void test_what_would_go_is_told_before(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        int n = (int)(seed % NAMES), dropped = 0;
        bool told[NAMES] = {false};
        struct batch b;
        struct world w;

        live(&w, seed, seed % 2 == 0);
        pass(&w);
        for (int k = 0; k < NAMES; k++)
            b.to[k] = NAMES;
        if (!rows_unsure(w.rows)) {
            assert_int_equal(rows_each_going(w.rows, name(n), name(n), name(n), tell, told), 0);
            assert_int_equal(rows_gone(w.rows, name(n), name(n), name(n)), 0);
            assert_int_equal(rows_take(w.rows, gather, &b), 0);
        }
        for (int k = 0; k < NAMES; k++, dropped += k < NAMES && b.to[k] == NONE)
            if (b.to[k] == NONE && !told[k])
                fail_msg("seed %llu: n%d goes with n%d", (unsigned long long)seed, k, n);
        if (!dropped && told[n] && b.to[n] == NAMES)
            fail_msg("seed %llu: n%d was told and stays", (unsigned long long)seed, n);
        rows_free(w.rows);
    }
}

static void test_what_certainly_is_a_file_is_followed_whatever_its_paths(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_null(rows_image_of(r, born(10, 1)));
    assert_int_equal(rows_seen(r, born(10, 1), "n1"), 0); /* lists name it by no other path */
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_string_equal(rows_image_of(r, born(10, 1)), "n0");
    assert_int_equal(rows_landed(r, NULL, born(11, 1), "n0"), 0); /* its name is another's */
    assert_int_equal(rows_seen(r, born(10, 2), "n2"), 0);         /* its inode was used again */
    assert_int_equal(rows_seen(r, born(10, 1), "n3"), 1);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 3);
    assert_int_equal(b.to[1], 3);
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_int_equal(rows_landed(r, "n0", born(10, 1), "n3"), 0);
    assert_null(rows_image_of(r, born(10, 1))); /* all is where it is */
    rows_free(r);
}

static void test_what_was_overwritten_goes_with_its_path(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_displaced(r, "n1", born(11, 1), "n1"), 0); /* it may be elsewhere */
    assert_int_equal(rows_gone(r, "n0", "n1", "n1"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], NONE);
    assert_int_equal(b.to[1], NONE);
    rows_free(r);
}

static bool has_n0(void *arg, const char *image, const struct file_id *file)
{
    (void)arg;
    return strcmp(image, "n0") == 0 && (!file || file->ino == 10);
}

static void test_at_rest_nothing_stays_open(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n3", "n1"), 0); /* it is at home still */
    assert_int_equal(rows_displaced(r, "n2", born(11, 1), "n2"), 0);    /* and that is gone */
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[3], 0);
    assert_int_equal(b.to[1], 0);
    assert_int_equal(b.to[2], NONE);
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_false(rows_pending(r));
    rows_free(r);
}

/* A new file that lists name already came to the place of an image that has left. */
static void test_what_never_landed_is_not_what_was_at_its_place(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_unlanded(r, "n1", born(10, 1), "n0"), 0);
    assert_int_equal(rows_follow(r, "n0", born(9, 1), "n0", "n2"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 0);
    rows_free(r);
}

/* It came from elsewhere to the place of an image that it replaced. */
static void test_rows_of_what_was_replaced_are_not_lost_to_a_name_of_the_new_one(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_also(r, "n0", born(9, 1), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, NULL, born(10, 1), "n0"), 0);
    assert_int_equal(rows_also(r, "n0", born(10, 1), "n0", "n3"), 0);
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], NAMES); /* it stays as it is */
    assert_int_equal(b.to[1], 0);
    assert_int_equal(b.to[3], 0);
    rows_free(r);
}

/* S3 has it under two names, the first of which is another image's by now. */
static void test_a_name_that_the_index_has_for_it_is_learnt_late(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_displaced(r, "n2", born(9, 1), "n2"), 0);
    assert_int_equal(rows_landed(r, NULL, born(8, 1), "n2"), 0);
    assert_int_equal(rows_follow(r, "n0", born(9, 1), "n0", "n3"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 3);
    assert_int_equal(b.to[2], 3);
    rows_free(r);
}

/* As by who writes a new file and renames it over the old one. */
static void test_at_rest_rows_are_of_what_replaced_their_image(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_also(r, "n0", born(9, 1), "n0", "n1"), 0);
    assert_int_equal(rows_also(r, "n2", born(9, 2), "n2", "n3"), 0);
    assert_int_equal(rows_landed(r, NULL, born(10, 1), "n0"), 0);
    assert_int_equal(rows_landed(r, NULL, born(11, 1), "n2"), 0); /* and is not there any more */
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], NAMES); /* it stays as it is */
    assert_int_equal(b.to[1], 0);
    assert_int_equal(b.to[2], NONE);
    assert_int_equal(b.to[3], NONE);
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_false(rows_pending(r));
    assert_false(rows_has(r, "n0"));
    rows_free(r);
}

/* It went, came back, and went again, and S3 had it where it is since the first time. */
static void test_at_rest_an_image_is_where_the_index_has_it(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n1", born(10, 1), "n1", "n0"), 0);
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[1], 0);
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_false(rows_any(r));
    rows_free(r);
}

/* An image went and came back when S3 had followed, and a new file came over it. */
static void test_rows_of_a_place_do_not_go_with_the_object_of_what_had_come_there(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(9, 1), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, "n0", born(9, 1), "n1"), 0);
    assert_int_equal(rows_seen(r, born(9, 1), "n0"), 1);
    assert_int_equal(rows_landed(r, NULL, born(10, 1), "n0"), 0);
    assert_int_equal(rows_gone(r, "n1", "n1", "n0"), 0);
    assert_int_equal(rows_close(r, has_n0, NULL), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], NAMES); /* they stay */
    assert_int_equal(b.to[1], 0);
    rows_free(r);
}

static void test_what_landed_behind_an_image_is_its_name(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", born(10, 1), "n0", "n1"), 0);
    assert_int_equal(rows_seen(r, born(10, 1), "n2"), 1);
    assert_int_equal(rows_landed(r, "n0", born(10, 1), "n1"), 0); /* a copy that was on its way */
    assert_string_equal(rows_image_of(r, born(10, 1)), "n1");
    rows_lost(r, "n1", "n1"); /* it is not there: that is known */
    assert_true(rows_is_at(r, "n1", "n2"));
    assert_int_equal(rows_gone(r, "n1", "n1", "n1"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 2);
    rows_free(r);
}

static void test_a_swap_is_one_batch(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_displaced(r, "n1", plain(11), "n1"), 0);
    assert_true(rows_unsure(r)); /* where is what was at n1? */
    assert_int_equal(rows_follow(r, "n1", plain(11), "n1", "n0"), 0);
    assert_false(rows_unsure(r));
    assert_true(rows_pending(r));
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 1);
    assert_int_equal(b.to[1], 0);
    assert_false(rows_pending(r));
    assert_string_equal(rows_at(r, "n0"), "n0"); /* for certain only when the pass is through */
    assert_int_equal(rows_settled(r, ignore, NULL), 0);
    assert_string_equal(rows_at(r, "n0"), "n1");
    rows_free(r);
}

static void test_what_was_removed_takes_all_its_rows_along(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n2"),
                     0); /* somebody may have listed n1 */
    assert_int_equal(rows_gone(r, "n0", "n2", "n0"), 0);
    assert_int_equal(rows_gone(r, "n3", "n3", "n3"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    for (int n = 0; n < 4; n++)
        assert_int_equal(b.to[n], NONE);
    rows_free(r);
}

static void test_what_is_found_gone_elsewhere_is_not_dropped(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n2"), 0);
    assert_int_equal(rows_gone(r, "n0", "n1", "n1"), 0); /* it went on from there */
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 2);
    rows_free(r);
}

/* n0 was renamed to n1, another file overwrote it there before lists were rewritten, and that one
 * moved on: the row is that one's by now, as any row is that names an edited file. */
static void test_what_overwrote_an_image_takes_its_rows_along(void **state)
{
    struct rows *r = rows_new();
    struct batch b = {.to = {NAMES, NAMES, NAMES}};

    (void)state;
    assert_int_equal(rows_follow(r, "n0", plain(10), "n0", "n1"), 0);
    assert_int_equal(rows_landed(r, "n0", plain(10), "n1"), 0);
    assert_int_equal(rows_landed(r, NULL, plain(11), "n1"), 0);
    assert_int_equal(rows_follow(r, "n1", plain(11), "n1", "n2"), 0);
    assert_int_equal(rows_take(r, gather, &b), 0);
    assert_int_equal(b.to[0], 2);
    assert_int_equal(b.to[1], 2);
    rows_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_follow_images_in_any_order),
        cmocka_unit_test(test_what_would_go_is_told_before),
        cmocka_unit_test(test_what_certainly_is_a_file_is_followed_whatever_its_paths),
        cmocka_unit_test(test_what_was_overwritten_goes_with_its_path),
        cmocka_unit_test(test_at_rest_nothing_stays_open),
        cmocka_unit_test(test_at_rest_rows_are_of_what_replaced_their_image),
        cmocka_unit_test(test_what_never_landed_is_not_what_was_at_its_place),
        cmocka_unit_test(test_rows_of_what_was_replaced_are_not_lost_to_a_name_of_the_new_one),
        cmocka_unit_test(test_a_name_that_the_index_has_for_it_is_learnt_late),
        cmocka_unit_test(test_at_rest_an_image_is_where_the_index_has_it),
        cmocka_unit_test(test_rows_of_a_place_do_not_go_with_the_object_of_what_had_come_there),
        cmocka_unit_test(test_what_landed_behind_an_image_is_its_name),
        cmocka_unit_test(test_a_swap_is_one_batch),
        cmocka_unit_test(test_what_was_removed_takes_all_its_rows_along),
        cmocka_unit_test(test_what_is_found_gone_elsewhere_is_not_dropped),
        cmocka_unit_test(test_what_overwrote_an_image_takes_its_rows_along),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
