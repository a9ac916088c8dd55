/* Shell. Figures for monitoring: where they are counted, and the loop's side of the desk. */
#include "agent/service/metrics.h"

#include "agent/service/exporter.h"
#include "agent/service/scribe.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Somebody asks. */
static int on_asked(sd_event_source *s, int fd, uint32_t events, void *arg)
{
    struct agent *a = arg;

    (void)s;
    (void)fd;
    (void)events;
    agent_now(a);
    if (desk_asked(a->meters->desk))
        desk_answer(a->meters->desk, metrics_take(a));
    return 0;
}

/* All but what others ask. */
static int make_meters(struct agent *a, struct err *e)
{
    size_t n = a->conf->mapping_count;
    struct meters *m = a->meters = calloc(1, sizeof *m);
    int rc;

    if (!m)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    m->latency = calloc(n + 1, sizeof *m->latency);
    rc = m->latency ? desk_new(a->conf->journal_dir, a->conf->state_dir, &m->desk) : -ENOMEM;
    if (rc == 0)
        rc = sd_event_add_io(a->event, &m->source, desk_fd(m->desk), EPOLLIN, on_asked, a);
    return rc < 0 ? err_set(e, rc, "metrics", NULL, "the figures: %s", err_name(rc)) : 0;
}

int metrics_begin(struct agent *a, struct err *e)
{
    const struct conf_metrics *conf = &a->conf->metrics;
    int rc;

    if (a->options.once || (!conf->listen && !conf->file))
        return 0;
    rc = make_meters(a, e);
    if (rc == 0 && conf->file)
        rc = scribe_new(conf->file, a->meters->desk, &a->meters->scribe, e);
    if (rc == 0 && conf->listen)
        rc = exporter_new(conf->listen, a->meters->desk, &a->meters->exporter, e);
    if (rc == 0 && conf->listen)
        log_info("figures at http://%s/metrics", conf->listen);
    return rc;
}

void metrics_end(struct agent *a)
{
    struct meters *m = a->meters;

    if (!m)
        return;
    if (m->desk)
        desk_close(m->desk);
    exporter_free(m->exporter);
    scribe_free(m->scribe);
    sd_event_source_unref(m->source);
    desk_free(m->desk);
    free(m->latency);
    free(m);
    a->meters = NULL;
}

void metrics_landed(struct agent *a, const struct item *it)
{
    if (a->meters)
        latency_add(&a->meters->latency[it->mapping], a->now_ms - it->since_ms);
}

void metrics_failed(struct agent *a, enum trouble_kind kind)
{
    if (a->meters)
        a->meters->failures[kind]++;
}
