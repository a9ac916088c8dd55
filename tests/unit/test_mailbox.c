/* A queue between threads; run it under the thread sanitizer too. */
#include "base/mailbox.h"
#include "tests/unit/unit.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define SENDERS 4
#define EACH    5000

struct parcel {
    struct letter letter; /* first */
    int sender;
    int number;
};

/* The fd is readable now. */
static bool rings(const struct mailbox *m)
{
    struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

/* The parcel around a letter. */
static struct parcel *open_letter(struct letter *l)
{
    return (struct parcel *)l;
}

static void test_first_in_first_out(void **state)
{
    struct parcel parcels[3] = {0};
    struct mailbox *m = NULL;

    (void)state;
    assert_int_equal(mailbox_new(0, &m), 0);
    assert_null(mailbox_take(m));
    for (int i = 0; i < 3; i++)
        assert_true(mailbox_send(m, &parcels[i].letter));
    assert_int_equal(mailbox_count(m), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(i % 2 ? mailbox_wait(m) : mailbox_take(m), &parcels[i].letter);
    assert_null(mailbox_take(m));
    assert_int_equal(mailbox_count(m), 0);
    assert_true(mailbox_send(m, &parcels[1].letter)); /* once more after it was empty */
    assert_ptr_equal(mailbox_take(m), &parcels[1].letter);
    mailbox_free(m);
    mailbox_free(NULL);
}

static void test_fd_tells_of_letters(void **state)
{
    struct parcel parcels[2] = {0};
    struct mailbox *m = NULL;

    (void)state;
    assert_int_equal(mailbox_new(0, &m), 0);
    assert_false(rings(m));
    assert_true(mailbox_send(m, &parcels[0].letter));
    assert_true(rings(m));
    assert_true(mailbox_send(m, &parcels[1].letter));
    assert_non_null(mailbox_take(m));
    assert_true(rings(m));
    assert_non_null(mailbox_wait(m));
    assert_false(rings(m));
    assert_null(mailbox_take(m));
    assert_false(rings(m));
    assert_true(mailbox_send(m, &parcels[0].letter));
    mailbox_close(m);
    assert_true(rings(m));
    assert_non_null(mailbox_take(m));
    assert_false(rings(m));
    mailbox_free(m);
}

static void test_bundles(void **state)
{
    struct parcel parcels[5] = {0};
    struct bundle b = {NULL, NULL, 0};
    struct mailbox *m = NULL;

    (void)state;
    assert_int_equal(mailbox_new(0, &m), 0);
    assert_null(bundle_take(&b));
    mailbox_take_all(m, &b);
    assert_true(mailbox_send_all(m, &b)); /* nothing */
    assert_false(rings(m));
    assert_true(mailbox_send(m, &parcels[0].letter));
    for (int i = 1; i < 4; i++)
        bundle_add(&b, &parcels[i].letter);
    assert_int_equal(b.count, 3);
    assert_true(mailbox_send_all(m, &b));
    assert_int_equal(b.count, 0);
    assert_null(bundle_take(&b));
    assert_int_equal(mailbox_count(m), 4);
    assert_ptr_equal(mailbox_take(m), &parcels[0].letter);
    assert_true(rings(m));
    bundle_add(&b, &parcels[4].letter);
    mailbox_take_all(m, &b); /* behind what is there */
    assert_false(rings(m));
    assert_int_equal(mailbox_count(m), 0);
    assert_ptr_equal(bundle_take(&b), &parcels[4].letter);
    for (int i = 1; i < 4; i++)
        assert_ptr_equal(bundle_take(&b), &parcels[i].letter);
    assert_null(bundle_take(&b));
    bundle_add(&b, &parcels[0].letter);
    mailbox_close(m);
    assert_false(mailbox_send_all(m, &b));
    assert_int_equal(b.count, 1);
    assert_ptr_equal(b.head, &parcels[0].letter);
    mailbox_free(m);
}

static void test_closed(void **state)
{
    struct parcel parcels[2] = {0};
    struct mailbox *m = NULL;

    (void)state;
    assert_int_equal(mailbox_new(1, &m), 0);
    assert_true(mailbox_send(m, &parcels[0].letter));
    mailbox_close(m);
    mailbox_close(m);
    assert_false(mailbox_send(m, &parcels[1].letter)); /* returns though the ceiling is reached */
    assert_int_equal(mailbox_count(m), 1);
    assert_ptr_equal(mailbox_wait(m), &parcels[0].letter);
    assert_null(mailbox_wait(m));
    assert_null(mailbox_take(m));
    mailbox_free(m);
}

struct sender {
    struct mailbox *m;
    int number;
    int sent;
};

/* The sender's i-th parcel, or NULL. */
static struct parcel *parcel_of(const struct sender *s, int i)
{
    struct parcel *p = calloc(1, sizeof(*p));

    if (p) {
        p->sender = s->number;
        p->number = i;
    }
    return p;
}

/* Thread: send EACH parcels, or until closed. */
static void *send_many(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < EACH; i++) {
        struct parcel *p = parcel_of(s, i);

        if (!p)
            break;
        if (!mailbox_send(s->m, &p->letter)) {
            free(p);
            break;
        }
        s->sent++;
    }
    return NULL;
}

/* Thread: the same by bundles of 1 to 7. */
static void *send_bundles(void *arg)
{
    struct sender *s = arg;
    struct bundle b = {NULL, NULL, 0};

    for (int i = 0; i < EACH; i++) {
        struct parcel *p = parcel_of(s, i);

        if (!p)
            break;
        bundle_add(&b, &p->letter);
        if ((b.count > (size_t)(i % 7) || i == EACH - 1) && !mailbox_send_all(s->m, &b))
            break;
        s->sent++;
    }
    return NULL;
}

/* Start the senders. */
static void start(struct mailbox *m, struct sender senders[SENDERS], pthread_t threads[SENDERS])
{
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.m = m, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    }
}

/* One receiver by poll and take: nothing is lost, each sender's order is kept. */
static void receive_all(size_t ceiling)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    int next[SENDERS] = {0};
    struct mailbox *m = NULL;
    int received = 0;

    assert_int_equal(mailbox_new(ceiling, &m), 0);
    start(m, senders, threads);
    while (received < SENDERS * EACH) {
        struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};
        struct letter *l;

        assert_int_equal(poll(&p, 1, 10000), 1);
        for (l = mailbox_take(m); l; l = mailbox_take(m)) {
            struct parcel *parcel = open_letter(l);

            assert_int_equal(parcel->number, next[parcel->sender]++);
            received++;
            free(parcel);
            assert_true(ceiling == 0 || mailbox_count(m) <= ceiling);
        }
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(rings(m));
    mailbox_free(m);
}

/* The same by bundles on both sides. */
static void test_many_senders_of_bundles(void **state)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    int next[SENDERS] = {0};
    struct mailbox *m = NULL;
    int received = 0;

    (void)state;
    assert_int_equal(mailbox_new(0, &m), 0);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.m = m, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, send_bundles, &senders[i]), 0);
    }
    while (received < SENDERS * EACH) {
        struct pollfd p = {.fd = mailbox_fd(m), .events = POLLIN};
        struct bundle b = {NULL, NULL, 0};

        assert_int_equal(poll(&p, 1, 10000), 1);
        mailbox_take_all(m, &b);
        for (struct letter *l; (l = bundle_take(&b)); received++) {
            struct parcel *parcel = open_letter(l);

            assert_int_equal(parcel->number, next[parcel->sender]++);
            free(parcel);
        }
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_false(rings(m));
    mailbox_free(m);
}

static void test_many_senders(void **state)
{
    (void)state;
    receive_all(0);
    receive_all(1);
    receive_all(100);
}

/* Thread: wait for letters until closed; returns how many. */
static void *work(void *arg)
{
    struct mailbox *m = arg;
    size_t done = 0;

    for (struct letter *l = mailbox_wait(m); l; l = mailbox_wait(m)) {
        free(open_letter(l));
        done++;
    }
    return (void *)done; /* NOLINT(performance-no-int-to-ptr) */
}

static void test_several_receivers(void **state)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    pthread_t workers[3];
    struct mailbox *m = NULL;
    size_t total = 0;

    (void)state;
    assert_int_equal(mailbox_new(10, &m), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&workers[i], NULL, work, m), 0);
    start(m, senders, threads);
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    mailbox_close(m);
    for (int i = 0; i < 3; i++) {
        void *done;

        assert_int_equal(pthread_join(workers[i], &done), 0);
        total += (size_t)done;
    }
    assert_int_equal(total, SENDERS * EACH);
    assert_int_equal(mailbox_count(m), 0);
    mailbox_free(m);
}

static void test_close_frees_senders_that_wait(void **state)
{
    struct sender senders[SENDERS];
    pthread_t threads[SENDERS];
    struct mailbox *m = NULL;
    int sent = 0;
    int left = 0;

    (void)state;
    assert_int_equal(mailbox_new(3, &m), 0);
    start(m, senders, threads);
    while (mailbox_count(m) < 3)
        (void)usleep(1000);
    (void)usleep(20000); /* most of them wait by now; the outcome is the same if not */
    mailbox_close(m);
    for (int i = 0; i < SENDERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sent += senders[i].sent;
    }
    for (struct letter *l = mailbox_take(m); l; l = mailbox_take(m)) {
        free(open_letter(l));
        left++;
    }
    assert_int_equal(sent, 3);
    assert_int_equal(left, 3);
    mailbox_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_in_first_out),
        cmocka_unit_test(test_fd_tells_of_letters),
        cmocka_unit_test(test_bundles),
        cmocka_unit_test(test_closed),
        cmocka_unit_test(test_many_senders),
        cmocka_unit_test(test_many_senders_of_bundles),
        cmocka_unit_test(test_several_receivers),
        cmocka_unit_test(test_close_frees_senders_that_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
