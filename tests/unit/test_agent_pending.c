/*
 * The table of items: against a model of plain arrays under seeded random operations, and its
 * queues one by one.
 */
#include "tests/unit/unit.h"

#include "agent/core/pending.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS        300
#define MAPPINGS    3
#define OPERATIONS  60000
#define CHECK_EVERY 500
#define PREFIX      "images/"
#define PREFIX_LEN  (sizeof PREFIX - 1)

/* What the table should hold of one key. */
struct expected {
    struct item *it; /* NULL: nothing */
    unsigned mapping;
    enum item_state state;
    int64_t deadline_ms;
    int queue; /* -1: none */
};

struct model {
    struct expected keys[KEYS];
    struct item_queue queues[2];
};

/* A generator of which the seed is all: xorshift64. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* The key of a number. */
static const char *key_of(int i, char out[32])
{
    (void)snprintf(out, 32, PREFIX "d%d/f%d.png", i % 7, i);
    return out;
}

/* Keys, states, deadlines, queues and counts are as the model has them. */
static void check_model(const struct pending *p, const struct model *m)
{
    size_t counts[MAPPINGS][ITEM_STATE_COUNT] = {{0}};
    size_t total = 0, queued[2] = {0};
    int64_t earliest = INT64_MAX;
    char key[32];

    for (int i = 0; i < KEYS; i++) {
        const struct expected *e = &m->keys[i];

        assert_ptr_equal(pending_find(p, key_of(i, key)), e->it);
        if (!e->it)
            continue;
        total++;
        counts[e->mapping][e->state]++;
        if (e->queue >= 0)
            queued[e->queue]++;
        if (e->deadline_ms < earliest)
            earliest = e->deadline_ms;
        assert_string_equal(e->it->key, key);
        assert_string_equal(e->it->path, key + PREFIX_LEN);
        assert_int_equal(e->it->mapping, e->mapping);
        assert_int_equal(e->it->state, e->state);
        assert_int_equal(e->it->deadline_ms, e->deadline_ms);
        assert_int_equal(e->it->heap_at == SIZE_MAX, e->deadline_ms == INT64_MAX);
        assert_ptr_equal(e->it->queue, e->queue < 0 ? NULL : &m->queues[e->queue]);
    }
    assert_int_equal(pending_count(p), total);
    assert_int_equal(pending_deadline(p), earliest);
    for (int s = 0; s < ITEM_STATE_COUNT; s++) {
        size_t sum = 0;

        for (unsigned w = 0; w < MAPPINGS; w++) {
            assert_int_equal(pending_count_mapping(p, w, (enum item_state)s), counts[w][s]);
            sum += counts[w][s];
        }
        assert_int_equal(pending_count_state(p, (enum item_state)s), sum);
    }
    for (int q = 0; q < 2; q++)
        assert_int_equal(m->queues[q].count, queued[q]);
}

/* Each item is met once by the walk over all and once by that over its mapping. */
static void check_walks(const struct pending *p)
{
    size_t at = 0, all = 0, mates = 0;

    while (pending_next(p, &at))
        all++;
    assert_int_equal(all, pending_count(p));
    for (unsigned w = 0; w < MAPPINGS; w++) {
        const struct item *before = NULL;

        for (struct item *it = pending_first(p, w); it; before = it, it = it->mate_next) {
            assert_int_equal(it->mapping, w);
            assert_ptr_equal(it->mate_prev, before);
            mates++;
        }
    }
    assert_int_equal(mates, pending_count(p));
    assert_null(pending_first(p, 1000));
}

/* Take all that is due: in the order of the deadlines, none too early, none left. */
static void take_due(struct pending *p, struct model *m, int64_t now_ms)
{
    struct item *it;
    int64_t before = INT64_MIN;

    while ((it = pending_due(p, now_ms))) {
        int i = 0;

        while (i < KEYS && m->keys[i].it != it)
            i++;
        assert_true(i < KEYS);
        assert_true(m->keys[i].deadline_ms <= now_ms && m->keys[i].deadline_ms >= before);
        before = m->keys[i].deadline_ms;
        m->keys[i].deadline_ms = INT64_MAX;
    }
    assert_true(pending_deadline(p) > now_ms);
}

/* One operation on table and model. */
static void operate(struct pending *p, struct model *m, uint64_t *seed, int64_t now_ms)
{
    int i = (int)(next_random(seed) % KEYS), what = (int)(next_random(seed) % 10);
    struct expected *e = &m->keys[i];
    char key[32];

    if (!e->it) {
        unsigned mapping = (unsigned)(next_random(seed) % MAPPINGS);

        e->it = pending_get(p, mapping, key_of(i, key), PREFIX_LEN, now_ms);
        assert_non_null(e->it);
        assert_int_equal(e->it->since_ms, now_ms);
        e->mapping = mapping;
        e->state = ITEM_SETTLING;
        e->deadline_ms = INT64_MAX;
        e->queue = -1;
    } else if (what < 2) {
        pending_forget(p, e->it);
        *e = (struct expected){.it = NULL};
    } else if (what < 7) {
        e->state = (enum item_state)(next_random(seed) % ITEM_STATE_COUNT);
        e->deadline_ms =
            next_random(seed) % 4 == 0 ? INT64_MAX : now_ms + (int64_t)(next_random(seed) % 1000);
        e->queue = -1;
        pending_set(p, e->it, e->state, e->deadline_ms);
    } else if (what < 8) {
        assert_ptr_equal(pending_get(p, 0, key_of(i, key), PREFIX_LEN, now_ms + 7), e->it);
    } else {
        e->queue = (int)(next_random(seed) % 2);
        item_queue_push(&m->queues[e->queue], e->it);
    }
}

static void test_random_operations_agree_with_the_model(void **state)
{
    (void)state;
    for (uint64_t start = 1; start <= 3; start++) {
        struct pending *p = pending_new();
        struct model *m = calloc(1, sizeof *m);
        uint64_t seed = start * UINT64_C(0x9e3779b97f4a7c15);
        int64_t now_ms = 1000;

        assert_non_null(p);
        assert_non_null(m);
        for (int n = 0; n < OPERATIONS / 3; n++) {
            operate(p, m, &seed, now_ms);
            now_ms += (int64_t)(next_random(&seed) % 3);
            if (next_random(&seed) % 16 == 0)
                take_due(p, m, now_ms);
            if (n % CHECK_EVERY == 0) {
                check_model(p, m);
                check_walks(p);
            }
        }
        check_model(p, m);
        check_walks(p);
        pending_free(p); /* with items, some in queues: none may leak */
        free(m);
    }
}

static void test_an_empty_table(void **state)
{
    struct pending *p = pending_new();
    size_t at = 0;

    (void)state;
    assert_non_null(p);
    assert_int_equal(pending_count(p), 0);
    assert_int_equal(pending_deadline(p), INT64_MAX);
    assert_null(pending_due(p, INT64_MAX));
    assert_null(pending_find(p, "x"));
    assert_null(pending_next(p, &at));
    assert_null(pending_first(p, 0));
    assert_null(pending_get(p, 64, "x", 0, 0)); /* one mapping more than there may be */
    assert_int_equal(pending_count(p), 0);
    pending_free(p);
    pending_free(NULL);
}

static void test_deadlines_of_the_same_moment_all_come(void **state)
{
    struct pending *p = pending_new();
    char key[32];
    int n = 0;

    (void)state;
    for (int i = 0; i < KEYS; i++)
        pending_set(p, pending_get(p, 0, key_of(i, key), 0, 0), ITEM_RETRY, 500 + i % 2);
    assert_null(pending_due(p, 499));
    while (pending_due(p, 500))
        n++;
    assert_int_equal(n, KEYS / 2);
    while (pending_due(p, 501))
        n++;
    assert_int_equal(n, KEYS);
    assert_int_equal(pending_count(p), KEYS);
    assert_int_equal(pending_count_state(p, ITEM_RETRY), KEYS);
    pending_free(p);
}

static void test_a_queue_keeps_its_order(void **state)
{
    struct item_queue q = {0}, other = {0};
    struct item a = {0}, b = {0}, c = {0};

    (void)state;
    item_queue_leave(&a); /* stands in none */
    item_queue_push(&q, &a);
    item_queue_push(&q, &b);
    item_queue_push(&q, &c);
    assert_ptr_equal(q.first, &a);
    assert_ptr_equal(a.next, &b);
    assert_ptr_equal(q.last, &c);
    assert_int_equal(q.count, 3);
    item_queue_push(&q, &a); /* again: to the end */
    assert_ptr_equal(q.first, &b);
    assert_ptr_equal(q.last, &a);
    assert_int_equal(q.count, 3);
    item_queue_push(&other, &c); /* from the middle into another */
    assert_ptr_equal(b.next, &a);
    assert_ptr_equal(a.prev, &b);
    assert_ptr_equal(other.first, &c);
    assert_int_equal(q.count, 2);
    assert_int_equal(other.count, 1);
    item_queue_leave(&b);
    item_queue_leave(&a);
    item_queue_leave(&c);
    assert_null(q.first);
    assert_null(q.last);
    assert_null(other.first);
    assert_int_equal(q.count + other.count, 0);
}

static void test_a_reason_is_kept_and_cleared(void **state)
{
    struct pending *p = pending_new();
    struct item *it = pending_get(p, 0, "k", 0, 0);
    char why[] = "it cannot be read";

    (void)state;
    item_blame(it, why);
    why[0] = 'X';
    assert_string_equal(it->why, "it cannot be read");
    item_blame(it, "another");
    assert_string_equal(it->why, "another");
    item_blame(it, NULL);
    assert_null(it->why);
    item_blame(it, "freed with it");
    pending_forget(p, it);
    assert_int_equal(pending_count(p), 0);
    pending_free(p);
}

static void test_each_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ITEM_STATE_COUNT; i++) {
        assert_non_null(item_state_name((enum item_state)i));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(item_state_name((enum item_state)i),
                                    item_state_name((enum item_state)j));
    }
    assert_string_equal(item_state_name(ITEM_SETTLING), "settling");
    assert_string_equal(item_state_name(ITEM_REFUSED), "refused");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations_agree_with_the_model),
        cmocka_unit_test(test_an_empty_table),
        cmocka_unit_test(test_deadlines_of_the_same_moment_all_come),
        cmocka_unit_test(test_a_queue_keeps_its_order),
        cmocka_unit_test(test_a_reason_is_kept_and_cleared),
        cmocka_unit_test(test_each_state_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
