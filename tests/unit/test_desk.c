/* Where monitoring asks and the loop answers: nobody waits for who does not come. */
#include "tests/unit/unit.h"

#include "agent/service/desk.h"

#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define ASKERS 4
#define TIMES  25

static struct desk *begin(void)
{
    struct desk *d = NULL;

    assert_int_equal(desk_new("/nowhere/journal", "/nowhere", &d), 0);
    return d;
}

/* Figures in which all is well, or not. */
static struct metrics *figures(bool well)
{
    struct metrics *m = metrics_new(1);

    assert_non_null(m);
    strcpy(m->mappings[0].name, "images");
    m->mappings[0].reachable = well;
    return m;
}

static void test_nobody_answers(void **state)
{
    struct desk *d = begin();
    int64_t began_ms = clock_mono_ms();
    struct buf text;

    (void)state;
    buf_init(&text, DESK_TEXT_MAX);
    assert_int_equal(desk_read(d, 50, &text, NULL), -ETIMEDOUT);
    assert_true(clock_mono_ms() - began_ms >= 49);
    assert_int_equal(text.len, 0);
    /* The question is out still; its answer comes too late, and the next one asks anew. */
    assert_true(desk_asked(d));
    assert_false(desk_asked(d));
    desk_answer(d, figures(true));
    assert_int_equal(desk_read(d, 20, &text, NULL), -ETIMEDOUT);
    desk_answer(d, NULL);
    buf_release(&text);
    desk_free(d);
}

struct asker {
    struct desk *desk;
    atomic_int answers;
    atomic_int odd;
};

static void *ask(void *arg)
{
    struct asker *a = arg;

    for (int i = 0; i < TIMES; i++) {
        struct buf text, why;

        buf_init(&text, DESK_TEXT_MAX);
        buf_init(&why, DESK_TEXT_MAX);
        if (desk_read(a->desk, 10000, &text, &why) != 0 ||
            !strstr(text.data, "lockstep_mapping_reachable{mapping=\"images\"} 0\n") ||
            strncmp(why.data, "images: ", 8) != 0)
            atomic_fetch_add(&a->odd, 1);
        atomic_fetch_add(&a->answers, 1);
        buf_release(&text);
        buf_release(&why);
    }
    return NULL;
}

/* Several ask at once; the loop is asked rarely. */
static void test_many_ask(void **state)
{
    struct asker a = {.desk = begin()};
    struct pollfd wait = {.fd = desk_fd(a.desk), .events = POLLIN};
    int64_t began_ms = clock_mono_ms();
    pthread_t threads[ASKERS];
    int asked = 0;

    (void)state;
    for (size_t i = 0; i < ASKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &a), 0);
    while (atomic_load(&a.answers) < ASKERS * TIMES) {
        (void)poll(&wait, 1, 20);
        if (desk_asked(a.desk)) {
            desk_answer(a.desk, figures(false));
            asked++;
        }
    }
    for (size_t i = 0; i < ASKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&a.odd), 0);
    assert_true(asked >= 1 && asked <= (clock_mono_ms() - began_ms) / DESK_FRESH_MS + 1);
    desk_free(a.desk);
}

static void *ask_until_closed(void *arg)
{
    struct asker *a = arg;

    atomic_store(&a->odd, desk_read(a->desk, 60000, NULL, NULL));
    return NULL;
}

static void test_closing_sends_askers_away(void **state)
{
    struct asker a = {.desk = begin()};
    struct pollfd wait = {.fd = desk_fd(a.desk), .events = POLLIN};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, ask_until_closed, &a), 0);
    assert_int_equal(poll(&wait, 1, 10000), 1);
    desk_close(a.desk);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&a.odd), -ESHUTDOWN);
    assert_int_equal(desk_read(a.desk, 60000, NULL, NULL), -ESHUTDOWN);
    desk_free(a.desk);
}

/* Where there was no memory for an answer, that is told. */
static void *answer_nothing(void *arg)
{
    struct desk *d = arg;
    struct pollfd wait = {.fd = desk_fd(d), .events = POLLIN};

    if (poll(&wait, 1, 10000) == 1 && desk_asked(d))
        desk_answer(d, NULL);
    return NULL;
}

static void test_no_memory(void **state)
{
    struct desk *d = begin();
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, answer_nothing, d), 0);
    assert_int_equal(desk_read(d, 10000, NULL, NULL), -ENOMEM);
    pthread_join(thread, NULL);
    desk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_answers),
        cmocka_unit_test(test_many_ask),
        cmocka_unit_test(test_closing_sends_askers_away),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
