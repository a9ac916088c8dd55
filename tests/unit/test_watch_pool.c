/* The pool of threads: jobs of a kind that are handed over together, in their order. */
#include "tests/unit/unit.h"
#include "watchers/pool.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

enum { JOBS = 50, MOST = 4 };

/* A job, and what the only thread has to say of it. */
struct noted {
    struct job job;
    int number;
};

static sem_t go;
static int order[2 * JOBS];    /* numbers as they were run; of one pool with one thread */
static size_t sizes[2 * JOBS]; /* how many came with each call */
static size_t ran, calls;

/* Wait until all have been added. */
static void run_gate(struct job *job, void *scratch)
{
    (void)scratch;
    sem_wait(&go);
    free(job);
}

static void run_noted(struct job *job, void *scratch)
{
    (void)scratch;
    sizes[calls] = 0;
    for (struct job *next; job != NULL; job = next) {
        next = job->next;
        order[ran++] = ((struct noted *)job)->number;
        sizes[calls]++;
        free(job);
    }
    calls++;
}

/* The same by another name: another kind. */
static void run_other(struct job *job, void *scratch)
{
    run_noted(job, scratch);
}

static void add(struct pool *p, int number, void (*run)(struct job *job, void *scratch),
                unsigned most)
{
    struct noted *n = calloc(1, sizeof(*n));

    assert_non_null(n);
    n->job.run = run;
    n->job.most = most;
    n->number = number;
    pool_add_take(p, POOL_ANSWERS, &n->job);
}

/* Jobs of a pool that is held until all are there; `other`: each how many-th is of another kind. */
static void run_all(unsigned most, int other)
{
    struct pool *p = NULL;

    assert_int_equal(sem_init(&go, 0, 0), 0);
    assert_int_equal(pool_new(1, &p), 0);
    ran = calls = 0;
    add(p, -1, run_gate, 0);
    for (int i = 0; i < JOBS; i++) {
        add(p, i, other != 0 && i % other == 0 ? run_other : run_noted, most);
    }
    sem_post(&go);
    pool_free(p); /* runs all */
    sem_destroy(&go);
    assert_int_equal(ran, JOBS);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(order[i], i);
    }
}

static void test_one_by_one(void **state)
{
    (void)state;
    run_all(0, 0);
    assert_int_equal(calls, JOBS);
    run_all(1, 0);
    assert_int_equal(calls, JOBS);
}

static void test_together(void **state)
{
    (void)state;
    run_all(MOST, 0);
    for (size_t i = 0; i < calls; i++) {
        assert_in_range(sizes[i], 1, MOST);
    }
    assert_in_range(calls, JOBS / MOST, JOBS / MOST + MOST);
}

static void test_kinds_are_not_mixed(void **state)
{
    (void)state;
    run_all(MOST, 3); /* other, noted, noted, other ... */
    for (size_t i = 0; i < calls; i++) {
        assert_in_range(sizes[i], 1, 2);
    }
    assert_in_range(calls, JOBS * 2 / 3, JOBS);
}

enum { THREADS = 8, LEAST = 10 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards calls, ran, few */
static size_t few; /* calls with fewer jobs than are worth a thread */

static void run_counted(struct job *job, void *scratch)
{
    size_t n = 0;

    (void)scratch;
    for (struct job *next; job != NULL; job = next) {
        next = job->next;
        free(job);
        n++;
    }
    pthread_mutex_lock(&lock);
    calls++;
    ran += n;
    few += n < LEAST;
    pthread_mutex_unlock(&lock);
}

/* Jobs that are added at once go to no more threads than they are worth. */
static void test_all_at_once(void **state)
{
    struct pool *p = NULL;
    struct jobs jobs = {0};

    (void)state;
    ran = calls = few = 0;
    assert_int_equal(pool_new(THREADS, &p), 0);
    pool_add_all_take(p, POOL_ANSWERS, &jobs); /* none */
    for (int i = 0; i < JOBS; i++) {
        struct job *job = calloc(1, sizeof(*job));

        assert_non_null(job);
        *job = (struct job){.run = run_counted, .most = JOBS, .least = LEAST};
        jobs_add_take(&jobs, job);
    }
    assert_int_equal(jobs.count, JOBS);
    pool_add_all_take(p, POOL_ANSWERS, &jobs);
    assert_null(jobs.first);
    assert_int_equal(jobs.count, 0);
    pool_free(p); /* runs all */
    assert_int_equal(ran, JOBS);
    assert_in_range(calls, 1, JOBS / LEAST);
    assert_int_equal(few, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_at_once),
        cmocka_unit_test(test_one_by_one),
        cmocka_unit_test(test_together),
        cmocka_unit_test(test_kinds_are_not_mixed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
