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

/* The mapping of a key; NULL where it is of none. */
static uint64_t *bytes_of(struct agent *a, const char *key)
{
    for (size_t i = 0; i < a->meters->mapping_count; i++)
        if (strncmp(key, a->conf->mappings[i].prefix, strlen(a->conf->mappings[i].prefix)) == 0)
            return &a->meters->bytes[i];
    return NULL;
}

/* Bytes that an entry stands for: what is kept without its file is nobody's copy. */
static uint64_t entry_bytes(const struct known *k)
{
    return k && !(k->flags & KNOWN_KEPT) ? k->size : 0;
}

/* The index has another entry of this key. */
static void on_indexed(void *arg, const char *key, const struct known *was, const struct known *now)
{
    struct agent *a = arg;
    uint64_t *bytes = bytes_of(a, key);

    if (bytes)
        *bytes += entry_bytes(now) - entry_bytes(was);
}

/* index_each_under's callback: add up. */
static int add_bytes(void *arg, const char *key, const struct known *known)
{
    (void)key;
    *(uint64_t *)arg += entry_bytes(known);
    return 0;
}

/* How much there is now. */
static int count_bytes(struct agent *a)
{
    int rc = 0;

    if (!a->index)
        return 0;
    for (size_t i = 0; i < a->meters->mapping_count && rc == 0; i++)
        rc = index_each_under(a->index, a->conf->mappings[i].prefix, NULL, add_bytes,
                              &a->meters->bytes[i]);
    index_observe(a->index, on_indexed, a);
    return rc;
}

/* All but what others ask. */
static int make_meters(struct agent *a, struct err *e)
{
    size_t n = a->conf->mapping_count;
    struct meters *m = a->meters = calloc(1, sizeof *m);
    int rc;

    if (!m)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    m->mapping_count = n;
    m->bytes = calloc(n + 1, sizeof *m->bytes);
    m->latency = calloc(n + 1, sizeof *m->latency);
    rc = m->bytes && m->latency ? desk_new(a->conf->journal_dir, a->conf->state_dir, &m->desk)
                                : -ENOMEM;
    if (rc == 0)
        rc = count_bytes(a);
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
    if (a->index)
        index_observe(a->index, NULL, NULL);
    if (m->desk)
        desk_close(m->desk);
    exporter_free(m->exporter);
    scribe_free(m->scribe);
    sd_event_source_unref(m->source);
    desk_free(m->desk);
    free(m->bytes);
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
