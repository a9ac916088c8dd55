/* Shell. An agent that is not at work: a loop of its own. See aside.h. */
#include "agent/service/aside.h"

#include "agent/service/metrics.h"

#include "base/clock.h"
#include "base/log.h"

#include <systemd/sd-event.h>

#define ASIDE_LOOK_MS 1000

static int on_look(sd_event_source *s, uint64_t usec, void *arg)
{
    struct agent *a = arg;
    int rc;

    (void)usec;
    agent_now(a);
    if (a->aside->is_over(a))
        return sd_event_exit(sd_event_source_get_event(s), 1);
    rc = sd_event_source_set_time_relative(s, (uint64_t)ASIDE_LOOK_MS * US_PER_MS);
    return rc < 0 ? rc : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *arg)
{
    (void)si;
    (void)arg;
    return sd_event_exit(sd_event_source_get_event(s), 0);
}

int aside_wait(struct agent *a, const struct aside *what)
{
    struct err e = {0};
    int rc;

    a->aside = what;
    a->aside_ms = a->now_ms;
    agent_end_work(a);
    rc = sd_event_default(&a->event);
    if (rc >= 0)
        rc = sd_event_add_time_relative(a->event, NULL, CLOCK_MONOTONIC,
                                        (uint64_t)ASIDE_LOOK_MS * US_PER_MS, 0, on_look, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGTERM, on_stop, a);
    if (rc >= 0)
        rc = sd_event_add_signal(a->event, NULL, SIGINT, on_stop, a);
    if (rc >= 0)
        rc = sd_event_set_watchdog(a->event, true);
    if (rc < 0)
        return rc;
    if (control_new(a, a->conf->socket, &a->control, &e)) /* its name may need room as well */
        log_warning("%s: %s; status cannot be asked for meanwhile", e.where, e.what);
    if (metrics_begin(a, &e)) /* what little there is to tell */
        log_warning("%s: %s; there are no figures meanwhile", e.where, e.what);
    rc = sd_event_loop(a->event);
    metrics_end(a);
    return rc;
}

int64_t aside_s(const struct agent *a)
{
    return (a->now_ms - a->aside_ms) / MS_PER_S;
}

/* The answer for programs; its members are those of an agent at work where it can tell them. */
static int report_json(const struct agent *a, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_bool(&w, "running", true);
    json_put_bool(&w, "in_step", false);
    a->aside->json(&w, a);
    if (a->journal)
        json_put_int(&w, "journal_records", (int64_t)journal_next_seq(a->journal) - 1);
    json_array(&w, "mappings");
    for (size_t i = 0; i < a->conf->mapping_count; i++) {
        json_object(&w, NULL);
        json_put_string(&w, "name", a->conf->mappings[i].name);
        json_put_string(&w, "path", a->conf->mappings[i].path);
        json_put_string(&w, "prefix", a->conf->mappings[i].prefix);
        json_put_string(&w, "state", a->aside->state);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

int aside_status(const struct agent *a, bool json, struct buf *out)
{
    int rc = json ? report_json(a, out) : buf_append_str(out, "not in step\n");

    if (rc == 0 && !json)
        rc = a->aside->text(out, a);
    if (rc)
        log_warning("the status could not be written whole");
    return EXIT_UNREACHED;
}
