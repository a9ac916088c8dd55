/* How fast it goes: tokens, throttling, the window, lanes; against a clock and servers that are
 * played. */
#include "tests/unit/unit.h"

#include "uploaders/ahead.h"
#include "uploaders/flow.h"
#include "uploaders/lanes.h"
#include "uploaders/throttle.h"
#include "uploaders/tokens.h"

#define MS INT64_C(1000)
#define S  INT64_C(1000000)

/* How many of n tokens each are let go within a span that is looked at every step_us. */
static unsigned flow_of(struct tokens *t, double n, int64_t from_us, int64_t span_us,
                        int64_t step_us)
{
    unsigned gone = 0;
    for (int64_t now_us = from_us; now_us < from_us + span_us; now_us += step_us) {
        while (tokens_wait_us(t, n, now_us) == 0) {
            tokens_take(t, n);
            gone++;
        }
    }
    return gone;
}

static void test_tokens(void **state)
{
    (void)state;
    struct tokens t = {0};
    assert_int_equal(tokens_wait_us(&t, 1e9, 5 * S), 0); /* no limit */
    tokens_take(&t, 1e9);
    assert_int_equal(tokens_wait_us(&t, 1e9, 5 * S), 0);
    tokens_set(&t, 100, 10, 5 * S);
    assert_in_range(flow_of(&t, 1, 5 * S, 10 * S, MS), 1008, 1011);
    /* The rate counts, not how often somebody looks, nor how large the pieces are. */
    tokens_set(&t, 100, 10, 20 * S);
    assert_in_range(flow_of(&t, 1, 20 * S, 10 * S, 50 * MS), 990, 1011);
    assert_in_range(flow_of(&t, 250, 30 * S, 100 * S, MS), 39, 42);
}

static void test_tokens_tell_how_long(void **state)
{
    (void)state;
    struct tokens t = {0};
    tokens_set(&t, 10, 1, 0);
    assert_int_equal(tokens_wait_us(&t, 1, 0), 0);
    tokens_take(&t, 1);
    int64_t wait_us = tokens_wait_us(&t, 1, 0);
    assert_in_range(wait_us, 100 * MS, 100 * MS + 1);
    assert_true(tokens_wait_us(&t, 1, wait_us - 10) > 0);
    assert_int_equal(tokens_wait_us(&t, 1, wait_us), 0);
    /* A clock that stands or goes back gives nothing away. */
    tokens_take(&t, 1);
    assert_true(tokens_wait_us(&t, 1, 0) > 0);
    /* Another rate counts from when it was set. */
    tokens_set(&t, 1000, 100, wait_us);
    assert_in_range(tokens_wait_us(&t, 1, wait_us), 1, 2 * MS);
    tokens_set(&t, 0, 0, wait_us);
    assert_int_equal(tokens_wait_us(&t, 1, wait_us), 0);
}

static void test_throttle_cuts_and_grows(void **state)
{
    (void)state;
    struct throttle t = {0};
    assert_true(throttle_look(&t, 1000, S) == 0);
    assert_true(throttle_cut(&t, 1000, S, 2 * S));
    assert_in_range((int)t.rate, 699, 700);
    assert_in_range((int)throttle_look(&t, 700, 2 * S), 699, 701);
    /* 0.4 * K^3 = 300: K is 9.08 s. There the rate is what it was before the cut. */
    assert_in_range((int)throttle_look(&t, 900, 2 * S + 9086 * MS), 999, 1001);
    double before = t.rate, last = 0;
    for (int i = 0; i < 100; i++) { /* it never falls by itself */
        double rate = throttle_look(&t, 1e9, 2 * S + i * S / 10);
        assert_true(rate >= last);
        last = rate;
    }
    assert_true(before > 0);
}

static void test_a_wave_of_refusals_is_one_cut(void **state)
{
    (void)state;
    struct throttle t = {0};
    assert_true(throttle_cut(&t, 1000, S, 2 * S));
    for (int i = 0; i < 100; i++)
        assert_false(throttle_cut(&t, 1000, 2 * S - i, 2 * S + i));
    assert_in_range((int)t.rate, 699, 700);
    assert_true(throttle_cut(&t, 700, 2 * S + 1, 3 * S));
    assert_in_range((int)t.rate, 489, 490);
}

static void test_throttle_has_a_floor_and_an_end(void **state)
{
    (void)state;
    struct throttle t = {0};
    int64_t now_us = S;
    for (int i = 0; i < 100; i++, now_us += S)
        assert_true(throttle_cut(&t, 3, now_us, now_us));
    assert_in_range((int)t.rate, THROTTLE_RATE_MIN, THROTTLE_RATE_MIN);
    /* While everything that is allowed is sent, the limit stays, and grows. */
    for (int i = 0; i < 50; i++, now_us += S / 10)
        assert_true(throttle_look(&t, t.rate, now_us) > 0);
    /* Where much less is sent it falls away. */
    now_us += 20 * S;
    assert_true(throttle_look(&t, 10, now_us) == 0);
    assert_false(t.on);
}

/*
 * A server: `base_us` for a call that does not wait, and at most `rate` calls a second. With n at
 * once, so many calls are done a second, and each takes so long (Little).
 */
struct server {
    double base_us;
    double rate;
};

static double server_rate(const struct server *s, unsigned n)
{
    double free_rate = n / s->base_us * (double)S;
    return free_rate < s->rate ? free_rate : s->rate;
}

/* Run the window against the server for a while; the calls that were done. */
static double play(struct window *w, const struct server *s, int64_t *now_us, int64_t span_us,
                   uint64_t seed)
{
    double done = 0, owed = 0;
    for (int64_t end_us = *now_us + span_us; *now_us < end_us; *now_us += 10 * MS) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        double noise = 0.9 + (double)(seed >> 40) / (double)(1 << 24) * 0.2;
        double rate = server_rate(s, w->size) * noise;
        owed += rate / 100;
        done += rate / 100;
        struct window_sample sample = {.calls = (uint64_t)owed};
        owed -= (double)sample.calls;
        sample.bytes = sample.calls * 60000;
        sample.took_us = (uint64_t)((double)sample.calls * w->size / rate * (double)S);
        window_add(w, &sample, *now_us);
    }
    return done;
}

static void test_window_finds_what_a_server_holds(void **state)
{
    (void)state;
    /* base, rate -> what keeps it busy */
    static const struct {
        struct server server;
        unsigned least, most;
    } cases[] = {
        {{30000, 1e9}, 256, 256}, /* S3 from afar: any number is worth it */
        {{30000, 1000}, 30, 90},  /* busy with 30 */
        {{2000, 5000}, 10, 40},   /* busy with 10 */
        {{500, 6000}, 3, 20},     /* a loopback: busy with 3 */
        {{800000, 40}, 32, 100},  /* large parts */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct window w;
        int64_t now_us = 0;
        window_init(&w, 4, 256, now_us);
        assert_int_equal(w.size, WINDOW_FIRST);
        play(&w, &cases[i].server, &now_us, 20 * S, i);
        for (int j = 0; j < 100; j++) {
            double done = play(&w, &cases[i].server, &now_us, 2 * S, i + (unsigned)j);
            assert_in_range(w.size, cases[i].least / 4, cases[i].most);
            (void)done;
        }
        /* And in the long run nothing is lost against the best. */
        double done = play(&w, &cases[i].server, &now_us, 100 * S, i);
        double best = server_rate(&cases[i].server, 256) * 100;
        if (done < 0.97 * best)
            fail_msg("case %zu: %.0f of %.0f, window %u", i, done, best, w.size);
    }
}

static void test_window_grows_fast(void **state)
{
    (void)state;
    struct server far = {40000, 1e9};
    struct window w;
    int64_t now_us = 0;
    window_init(&w, 4, 1024, now_us);
    play(&w, &far, &now_us, 1500 * MS, 1);
    assert_in_range(w.size, 400, 1024);
}

static void test_window_follows_a_server_that_changes(void **state)
{
    (void)state;
    struct server quick = {10000, 5000}, slow = {10000, 500};
    struct window w;
    int64_t now_us = 0;
    window_init(&w, 4, 256, now_us);
    play(&w, &quick, &now_us, 20 * S, 1);
    assert_in_range(w.size, 50, 130);
    play(&w, &slow, &now_us, 60 * S, 2);
    assert_in_range(w.size, 4, 40);
    play(&w, &quick, &now_us, 20 * S, 3);
    assert_in_range(w.size, 50, 130);
}

static void test_window_shrinks_when_told(void **state)
{
    (void)state;
    struct server far = {30000, 1e9};
    struct window w;
    int64_t now_us = 0;
    window_init(&w, 4, 200, now_us);
    play(&w, &far, &now_us, 20 * S, 1);
    assert_int_equal(w.size, 200);
    window_cut(&w, now_us);
    assert_int_equal(w.size, 140);
    play(&w, &far, &now_us, S, 2);
    assert_in_range(w.size, 141, 151);
    play(&w, &far, &now_us, 60 * S, 3);
    assert_int_equal(w.size, 200);
    for (int i = 0; i < 100; i++)
        window_cut(&w, now_us);
    assert_int_equal(w.size, 4);
}

static void test_window_after_a_pause(void **state)
{
    (void)state;
    struct server near = {2000, 5000};
    struct window w;
    int64_t now_us = 0;
    window_init(&w, 4, 256, now_us);
    play(&w, &near, &now_us, 10 * S, 1);
    unsigned size = w.size;
    struct window_sample one = {.calls = 1, .bytes = 60000, .took_us = 2000};
    for (int i = 0; i < 3; i++) {
        now_us += 3600 * S;
        window_add(&w, &one, now_us);
    }
    assert_in_range(w.size, size / 2, size * 2);
    /* Where times are longer now, as while a renamed directory is listed on the same processor, the
     * least is not looked for at once, with half of what is needed: all who wait would. */
    struct server busy = {4000, 5000};
    for (int i = 0; i < 100; i++) {
        play(&w, &busy, &now_us, 100 * MS, 2);
        assert_in_range(w.size, size / 2, size * 2);
    }
}

/* Small and large that wait without end: who gets in? */
static void test_lanes_share(void **state)
{
    (void)state;
    for (uint64_t total = 1; total <= 64; total++) {
        struct lanes l = {.waiting = {9, 9}};
        uint64_t entered[LANE_COUNT] = {0};
        for (int i = 0; i < 1000; i++) {
            for (enum lane lane = LANE_SMALL; lane < LANE_COUNT; lane++) {
                while (lanes_open(&l, lane, 1, total)) {
                    lanes_enter(&l, lane, 1);
                    entered[lane]++;
                }
            }
            assert_true(l.used[0] + l.used[1] <= total);
            enum lane out = l.used[i % 2] ? (enum lane)(i % 2) : (enum lane)(1 - i % 2);
            lanes_leave(&l, out, 1);
        }
        assert_true(entered[LANE_SMALL] > 200 && entered[LANE_LARGE] > 150);
    }
}

static void test_lanes_keep_room_for_the_small(void **state)
{
    (void)state;
    struct lanes l = {0};
    uint64_t in = 0;
    for (; lanes_open(&l, LANE_LARGE, 1, 16); in++)
        lanes_enter(&l, LANE_LARGE, 1);
    assert_int_equal(in, 12);
    assert_true(lanes_open(&l, LANE_SMALL, 4, 16));
    assert_false(lanes_open(&l, LANE_SMALL, 5, 16));
    /* Nobody else is there: the small may have everything. */
    struct lanes empty = {0};
    assert_true(lanes_open(&empty, LANE_SMALL, 16, 16));
    /* One that is larger than its part goes when no other large one does. */
    lanes_leave(&l, LANE_LARGE, 12);
    lanes_enter(&l, LANE_SMALL, 3);
    assert_true(lanes_open(&l, LANE_LARGE, 100, 16));
    lanes_enter(&l, LANE_LARGE, 1);
    assert_false(lanes_open(&l, LANE_LARGE, 100, 16));
}

/* How many of the next reads go to the readers, where one here takes so long, and waits or not. */
static unsigned handed_on(struct ahead *a, unsigned reads, int64_t took_us, bool waits,
                          unsigned slow_every)
{
    unsigned handed = 0;
    for (unsigned i = 0; i < reads; i++) {
        bool slow = i % slow_every == 0;
        if (ahead_hands_on(a))
            handed++;
        else
            ahead_timed(a, 60000, slow ? took_us : 50, ahead_watches(a) ? waits && slow : -1);
    }
    return handed;
}

static void test_slow_reads_are_handed_on(void **state)
{
    (void)state;
    struct ahead a = {0};
    assert_int_equal(handed_on(&a, 10000, 50, true, 1), 0);
    assert_int_equal(handed_on(&a, 10000, 100000, true, 20), 0); /* one of 20 changes nothing */
    assert_int_equal(handed_on(&a, 10000, 100000, false, 1), 0); /* nor does a busy machine */
    assert_true(handed_on(&a, 1000, 3000, true, 1) > 970);
    assert_true(ahead_is_slow(&a));
    assert_true(handed_on(&a, 1000, 50, true, 1) < 300); /* and when it is quick it is noticed */
    assert_int_equal(handed_on(&a, 1000, 50, true, 1), 0);
    assert_false(ahead_watches(&a));
    ahead_timed(&a, 1 << 20, 2000, -1); /* a large file takes its time */
    assert_false(ahead_watches(&a));
    ahead_timed(&a, 1 << 20, 9000, -1);
    assert_true(ahead_watches(&a));
    assert_int_equal(a.score, 0);
}

/* Large bodies in memory: two always, more while the network takes them and something is gained. */
static void test_enough_large_bodies(void **state)
{
    (void)state;
    const uint64_t mib = 1 << 20;
    struct ahead quick = {0}, slow = {0};
    for (int i = 0; i < 3; i++)
        ahead_timed(&slow, 8 * mib, 100 * MS, 1);
    assert_true(ahead_is_slow(&slow));
    struct ahead_bodies b = {.processors = 1};
    assert_false(ahead_is_enough(&quick, &b, 5000 * mib));
    b = (struct ahead_bodies){.count = 1, .reading = 1, .bytes = 5000 * mib, .processors = 1};
    assert_false(ahead_is_enough(&quick, &b, 5000 * mib));
    assert_false(ahead_is_enough(&slow, &b, 5000 * mib));
    b = (struct ahead_bodies){.count = 15, .bytes = 15 * mib, .processors = 1};
    assert_false(ahead_is_enough(&quick, &b, mib));
    assert_true(ahead_is_enough(&quick, &b, 2 * mib));
    /* Nothing is gained by a second that is read on the same processor. */
    b = (struct ahead_bodies){2, 1, 16 * mib, .all = 1, .processors = 1, .worth = 9};
    assert_true(ahead_is_enough(&quick, &b, 8 * mib));
    assert_false(ahead_is_enough(&slow, &b, 8 * mib));
    b.processors = 2;
    assert_false(ahead_is_enough(&quick, &b, 8 * mib));
    /* Nor while other workers have all of them busy. */
    b.all = 2;
    assert_true(ahead_is_enough(&quick, &b, 8 * mib));
    b.reading = 0;
    assert_true(ahead_is_enough(&quick, &b, 8 * mib));
    /* The network does not take them. */
    b = (struct ahead_bodies){4, 0, 32 * mib, .processors = 8, .worth = 4};
    assert_true(ahead_is_enough(&quick, &b, 8 * mib));
    assert_true(ahead_is_enough(&slow, &b, 8 * mib));
    b.worth = 5;
    assert_false(ahead_is_enough(&quick, &b, 8 * mib));
    /* What is read slowly does not count among what the network is to take. */
    b = (struct ahead_bodies){12, 10, 96 * mib, .processors = 8, .worth = 4};
    assert_true(ahead_is_enough(&quick, &b, 8 * mib));
    assert_false(ahead_is_enough(&slow, &b, 8 * mib));
    /* Reading is what holds up the network, which seems to take next to nothing therefore. */
    b = (struct ahead_bodies){4, 4, 32 * mib, .processors = 1, .worth = 0};
    assert_false(ahead_is_enough(&slow, &b, 8 * mib));
    b.reading = 2;
    assert_true(ahead_is_enough(&slow, &b, 8 * mib));
}

static void test_flow_shares_out(void **state)
{
    (void)state;
    struct flow *f = flow_new(3, 64, true, 0);
    assert_non_null(f);
    assert_int_equal(flow_share(f, 0) + flow_share(f, 1) + flow_share(f, 2), 64);
    flow_free(f);
    f = flow_new(3, 3, false, 0);
    assert_non_null(f);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(flow_share(f, i), 1);
    flow_free(f);
    flow_free(NULL);
}

/* Large bodies in memory: as many as S3 takes at once, and some more. */
static void test_flow_counts_bodies(void **state)
{
    (void)state;
    struct flow *f = flow_new(2, 64, false, 0);
    assert_non_null(f);
    assert_int_equal(flow_bodies(f), 0);
    /* Ten a round of 100 ms that take 40 ms each keep four requests busy: four for each worker. */
    struct window_sample round = {.calls = 10, .bytes = 80 << 20, .took_us = 400 * MS};
    for (int64_t now_us = 100 * MS; now_us <= S; now_us += 100 * MS)
        flow_ended(f, &round, now_us);
    assert_int_equal(flow_bodies(f), 4);
    flow_free(f);
    f = flow_new(2, 64, true, 0);
    assert_non_null(f);
    assert_int_equal(flow_bodies(f), 64);
    flow_ended(f, &round, S);
    assert_int_equal(flow_bodies(f), 64);
    flow_free(f);
}

static void test_flow_admits_by_limits(void **state)
{
    (void)state;
    struct flow *f = flow_new(1, 64, false, 0);
    struct uploaders_flow look;
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(flow_admit(f, 60000), 0);
    flow_limit(f, &(struct uploaders_limits){.requests_s = 20}, 0);
    assert_int_equal(flow_admit(f, 60000), 0);
    int64_t wait_us = 0;
    for (int i = 0; i < 3 && wait_us == 0; i++)
        wait_us = flow_admit(f, 60000);
    assert_in_range(wait_us, 1, 50 * MS + 1);
    size_t n = 1 << 20;
    assert_int_equal(flow_body(f, &n), 0);
    assert_int_equal(n, 1 << 20);
    flow_limit(f, &(struct uploaders_limits){.bytes_s = 1000000}, 0);
    assert_int_equal(flow_body(f, &n), 0);
    assert_int_equal(n, 100000); /* no more than a tenth of a second's at once */
    assert_in_range(flow_body(f, &n), 1, 100 * MS + 1);
    assert_int_equal(flow_admit(f, 0), 0); /* without a body */
    flow_look(f, &look, 0);
    assert_int_equal(look.limits.bytes_s, 1000000);
    assert_int_equal(look.at_once, WINDOW_FIRST);
    flow_limit(f, &(struct uploaders_limits){0}, 0);
    assert_int_equal(flow_admit(f, 60000), 0);
    flow_free(f);
}

static void test_flow_slows_down(void **state)
{
    (void)state;
    struct flow *f = flow_new(1, 64, false, 0);
    struct uploaders_flow look;
    assert_non_null(f);
    flow_throttled(f, S, 2 * S);
    flow_throttled(f, S, 2 * S + 1);
    flow_look(f, &look, 2 * S);
    assert_int_equal(look.throttled, 2);
    assert_true(look.throttled_rate > 0);
    assert_in_range(look.at_once, WINDOW_FIRST * 7 / 10, WINDOW_FIRST * 7 / 10);
    flow_look(f, &look, 200 * S);
    assert_true(look.throttled_rate == 0);
    flow_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_tokens_tell_how_long),
        cmocka_unit_test(test_throttle_cuts_and_grows),
        cmocka_unit_test(test_a_wave_of_refusals_is_one_cut),
        cmocka_unit_test(test_throttle_has_a_floor_and_an_end),
        cmocka_unit_test(test_window_finds_what_a_server_holds),
        cmocka_unit_test(test_window_grows_fast),
        cmocka_unit_test(test_window_follows_a_server_that_changes),
        cmocka_unit_test(test_window_shrinks_when_told),
        cmocka_unit_test(test_window_after_a_pause),
        cmocka_unit_test(test_lanes_share),
        cmocka_unit_test(test_lanes_keep_room_for_the_small),
        cmocka_unit_test(test_slow_reads_are_handed_on),
        cmocka_unit_test(test_enough_large_bodies),
        cmocka_unit_test(test_flow_shares_out),
        cmocka_unit_test(test_flow_counts_bodies),
        cmocka_unit_test(test_flow_admits_by_limits),
        cmocka_unit_test(test_flow_slows_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
