/* The agent's figures: their text, and what is well. */
#include "tests/unit/unit.h"

#include "agent/core/metrics.h"
#include "agent/core/prom.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* The text has this line. */
static void assert_line(const struct buf *text, const char *line)
{
    size_t n = strlen(line);

    for (const char *at = strstr(text->data, line); at; at = strstr(at + 1, line))
        if ((at == text->data || at[-1] == '\n') && at[n] == '\n')
            return;
    fail_msg("no line %s", line);
}

/* Figures of two mappings in which all is well. */
static struct metrics *well(void)
{
    struct metrics *m = metrics_new(2);

    assert_non_null(m);
    strcpy(m->mappings[0].name, "images");
    strcpy(m->mappings[1].name, "lists");
    m->mappings[1].is_lists = true;
    m->mappings[0].reachable = m->mappings[1].reachable = 1;
    m->keys_expire_us = m->checkpoint_age_ms = METRICS_NOT_KNOWN;
    m->mappings[0].scan_age_ms = METRICS_NOT_KNOWN;
    return m;
}

static void test_latency(void **state)
{
    struct latency l = {.count = 0};
    int64_t before = 0;

    (void)state;
    for (size_t i = 0; i < LATENCY_CLASSES; i++) {
        assert_true(latency_bound_ms(i) > before);
        before = latency_bound_ms(i);
        latency_add(&l, before);     /* in its class */
        latency_add(&l, before + 1); /* in the next one */
    }
    latency_add(&l, -5);
    assert_int_equal(l.classes[0], 2);
    for (size_t i = 1; i < LATENCY_CLASSES; i++)
        assert_int_equal(l.classes[i], 2);
    assert_int_equal(l.classes[LATENCY_CLASSES], 1);
    assert_int_equal(l.count, 2 * LATENCY_CLASSES + 1);
}

static void test_values_are_escaped(void **state)
{
    const struct prom_label labels[] = {{"a", "q\"b\\n\nx"}, {"b", "\xc3\xa4\xff!"}};
    struct prom p;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    prom_begin(&p, &out);
    prom_family(&p, "x_total", PROM_COUNTER, "Help.");
    prom_count(&p, labels, 2, UINT64_MAX);
    prom_value(&p, NULL, 0, 0.25);
    assert_int_equal(p.rc, 0);
    assert_string_equal(out.data, "# HELP x_total Help.\n# TYPE x_total counter\n"
                                  "x_total{a=\"q\\\"b\\\\n\\nx\",b=\"\xc3\xa4\xef\xbf\xbd!\"} "
                                  "18446744073709551615\nx_total 0.25\n");
    buf_release(&out);
}

static void test_histogram(void **state)
{
    struct latency l = {.count = 0};
    struct prom p;
    struct buf out;

    (void)state;
    latency_add(&l, 100);
    latency_add(&l, 2000);
    latency_add(&l, 9000000);
    buf_init(&out, 4096);
    prom_begin(&p, &out);
    prom_family(&p, "took_seconds", PROM_HISTOGRAM, "Help.");
    prom_histogram(&p, &(struct prom_label){"m", "i"}, 1, &l);
    prom_histogram(&p, NULL, 0, &l);
    assert_int_equal(p.rc, 0);
    assert_line(&out, "took_seconds_bucket{m=\"i\",le=\"0.1\"} 1");
    assert_line(&out, "took_seconds_bucket{m=\"i\",le=\"1\"} 1");
    assert_line(&out, "took_seconds_bucket{m=\"i\",le=\"2.5\"} 2");
    assert_line(&out, "took_seconds_bucket{le=\"3600\"} 2");
    assert_line(&out, "took_seconds_bucket{m=\"i\",le=\"+Inf\"} 3");
    assert_line(&out, "took_seconds_sum{m=\"i\"} 9002.1");
    assert_line(&out, "took_seconds_count{m=\"i\"} 3");
    buf_release(&out);
}

static void test_render(void **state)
{
    struct metrics *m = well();
    struct buf out;

    (void)state;
    m->mappings[0].files = 7;
    m->mappings[0].oldest_ms = 1500;
    m->mappings[0].states[ITEM_RETRY] = 3;
    m->s3.requests[S3_PUT_OBJECT][S3_RESULT_THROTTLED] = 2;
    m->failures[TROUBLE_DENIED] = 4;
    m->troubles[0] = (struct metrics_trouble){"denied", "s3:PutObject", "images", 5};
    m->trouble_count = 1;
    m->taken_us = 1500000;
    buf_init(&out, 1 << 20);
    assert_int_equal(metrics_render(m, "1.2", &out), 0);
    assert_line(&out, "lockstep_build_info{version=\"1.2\"} 1");
    assert_line(&out, "lockstep_healthy 1");
    assert_line(&out, "lockstep_snapshot_timestamp_seconds 1.5");
    assert_line(&out, "lockstep_mapping_files{mapping=\"images\"} 7");
    assert_line(&out, "lockstep_mapping_oldest_unsynced_seconds{mapping=\"images\"} 1.5");
    assert_line(&out, "lockstep_mapping_pending{mapping=\"images\",state=\"retry\"} 3");
    assert_line(&out, "lockstep_s3_requests_total{operation=\"PutObject\",result=\"done\"} 0");
    assert_line(&out, "lockstep_s3_requests_total{operation=\"PutObject\",result=\"throttled\"} 2");
    assert_line(&out, "lockstep_failures_total{cause=\"denied\"} 4");
    assert_line(&out, "lockstep_stopped_files{cause=\"denied\",operation=\"s3:PutObject\","
                      "mapping=\"images\"} 5");
    /* What is not known has no sample; what is known of another mapping has. */
    assert_null(strstr(out.data, "scan_age_seconds{mapping=\"images\"}"));
    assert_line(&out, "lockstep_mapping_scan_age_seconds{mapping=\"lists\"} 0");
    assert_null(strstr(out.data, "\nlockstep_credentials_expiry_timestamp_seconds "));
    buf_release(&out);
    metrics_free(m);
}

/* A text that does not fit is a fault, not half an answer. */
static void test_a_ceiling_is_told(void **state)
{
    struct metrics *m = well();
    struct buf out;

    (void)state;
    for (size_t max = 0; max < 4000; max += 97) {
        buf_init(&out, max);
        assert_int_equal(metrics_render(m, "1", &out), ERR_LIMIT);
        assert_true(out.len <= max);
        buf_release(&out);
    }
    metrics_free(m);
}

static void test_health(void **state)
{
    struct metrics *m = well();
    struct buf why;

    (void)state;
    buf_init(&why, 4096);
    assert_int_equal(metrics_healthy(m, &why), 1);
    assert_int_equal(why.len, 0);
    /* An operator's business is no fault, nor what is held for safety. */
    m->paused = 1;
    m->mappings[0].held = 5;
    assert_int_equal(metrics_healthy(m, &why), 1);
    m->mappings[0].blocked = 1;
    m->mappings[1].reachable = 0;
    m->watchers_stuck = true;
    assert_int_equal(metrics_healthy(m, &why), 0);
    assert_string_equal(why.data, "the watchers' thread does not move\n"
                                  "images: nothing gets through to S3\n"
                                  "lists: its root cannot be reached or does not answer\n");
    buf_reset(&why);
    m->no_room = true; /* then nobody looks at the roots */
    m->watchers_stuck = false;
    assert_int_equal(metrics_healthy(m, &why), 0);
    assert_string_equal(why.data, "there is no room for the journal: nothing is begun\n");
    buf_release(&why);
    buf_init(&why, 3);
    assert_int_equal(metrics_healthy(m, &why), ERR_LIMIT);
    buf_release(&why);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_latency),           cmocka_unit_test(test_values_are_escaped),
        cmocka_unit_test(test_histogram),         cmocka_unit_test(test_render),
        cmocka_unit_test(test_a_ceiling_is_told), cmocka_unit_test(test_health),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
