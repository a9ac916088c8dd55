/* Shell. A changed configuration with which the agent begins anew. See takeover.h. */
#include "agent/service/takeover.h"

#include "agent/service/agent.h"
#include "agent/service/wait.h"
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define TAKEOVER_LOOK_MS    50
#define TAKEOVER_ANSWER_MAX (2 * ERR_TEXT_MAX)

/* Answer who waits, as the control socket does, and hang up. */
static void tell(int *client, int status, const char *text)
{
    char answer[TAKEOVER_ANSWER_MAX];
    int n = snprintf(answer, sizeof answer, "%d\n%s\n", status, text);

    if (*client == 0)
        return;
    if (send(*client, answer, strnlen(answer, sizeof answer), MSG_NOSIGNAL | MSG_DONTWAIT) != n)
        log_warning("who asked for the reload could not be told: %s", text);
    close(*client);
    *client = 0;
}

/* Is it in the other configuration, too, at its place and with its keys? */
static bool stays(const struct conf *c, const struct conf_mapping *m)
{
    for (size_t i = 0; i < c->mapping_count; i++) {
        const struct conf_mapping *other = &c->mappings[i];

        if (other->kind == m->kind && strcmp(other->name, m->name) == 0 &&
            strcmp(other->path, m->path) == 0 && strcmp(other->prefix, m->prefix) == 0)
            return true;
    }
    return false;
}

/* Is it on its way to S3? What fails, or may still be explained by others, is not waited for. */
static bool is_on_its_way(const struct item *it)
{
    return it->state != ITEM_RETRY && it->state != ITEM_REFUSED && it->state != ITEM_GONE &&
           it->state != ITEM_CLAIMED;
}

/* How much is open of what leaves, and of which mapping (the last; NULL: of none). */
static size_t open_count(const struct agent *a, const struct mapping **ret)
{
    size_t n = 0;

    *ret = NULL;
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (stays(a->takeover.conf, m->conf))
            continue;
        for (const struct item *it = pending_first(a->pending, m->id); it; it = it->mate_next)
            if (it->since_ms <= a->takeover.asked_ms && is_on_its_way(it)) {
                *ret = m;
                n++;
            }
    }
    return n;
}

void takeover_want(struct agent *a, struct conf *fresh, int client)
{
    struct takeover *t = &a->takeover;

    takeover_drop(a, "another reload came");
    if (!fresh)
        return;
    t->conf = fresh;
    t->asked_ms = t->look_ms = a->now_ms;
    if (client >= 0)
        t->client = fcntl(client, F_DUPFD_CLOEXEC, 3);
    if (t->client < 0) /* it hears that the agent hung up */
        t->client = 0;
}

void takeover_turn(struct agent *a)
{
    struct takeover *t = &a->takeover;
    const struct mapping *m;

    if (!t->conf || a->stopping || a->now_ms < t->look_ms)
        return;
    t->look_ms = a->now_ms + TAKEOVER_LOOK_MS;
    if (open_count(a, &m) && a->now_ms - t->asked_ms < TAKEOVER_DRAIN_MS)
        return;
    log_info("reload: the agent begins anew with the changed configuration; %zu transfers are let "
             "end",
             a->flying);
    t->ending = true;
    wait_end_all(a, "the agent begins anew with a changed configuration; wait again\n");
    if (loop_stop(a) < 0)
        agent_fail(a, -ENOMEM, "beginning anew");
}

int64_t takeover_deadline(const struct agent *a)
{
    return a->takeover.conf && !a->stopping ? a->takeover.look_ms : INT64_MAX;
}

void takeover_drop(struct agent *a, const char *why)
{
    struct takeover *t = &a->takeover;

    tell(&t->client, EXIT_UNREACHED, why);
    conf_free(t->conf);
    t->conf = NULL;
    t->ending = false;
}

bool takeover_leave(struct agent *a, struct takeover_legacy *legacy)
{
    struct takeover *t = &a->takeover;
    const bool goes = t->ending && !a->fatal;

    if (!goes) {
        takeover_drop(a, "the agent ends");
        return false;
    }
    takeover_release(legacy);
    legacy->conf = t->conf;
    legacy->next = true;
    legacy->client = t->client;
    *t = (struct takeover){.conf = NULL};
    return true;
}

void takeover_keep(const struct agent *a, struct takeover_legacy *legacy)
{
    legacy->paused_us = a->paused_us;
    legacy->paused_uid = a->paused_uid;
}

void takeover_exchange(struct takeover_legacy *legacy, struct conf *now)
{
    if (!legacy->next)
        return;
    conf_exchange(now, legacy->conf);
    legacy->next = false;
    log_init(now->log_level);
    (void)sd_notify(0, "WATCHDOG=1\nSTATUS=beginning anew with a changed configuration");
}

void takeover_inherit(struct agent *a, const struct takeover_legacy *legacy)
{
    a->takeover.begins = legacy->conf && !legacy->refusal;
    a->paused_us = legacy->paused_us;
    a->paused_uid = legacy->paused_uid;
}

void takeover_done(struct takeover_legacy *legacy)
{
    static const char done[] = "the configuration is taken over; the agent began anew with it";

    if (!legacy->conf)
        return;
    if (!legacy->refusal)
        log_info("reload: %s", done);
    tell(&legacy->client, legacy->refusal ? EXIT_USAGE : EXIT_IN_STEP,
         legacy->refusal ? legacy->refusal : done);
    takeover_release(legacy);
}

void takeover_release(struct takeover_legacy *legacy)
{
    tell(&legacy->client, EXIT_UNREACHED, "the agent ends");
    conf_free(legacy->conf);
    free(legacy->refusal);
    legacy->conf = NULL;
    legacy->refusal = NULL;
    legacy->next = false;
}

bool takeover_back(struct takeover_legacy *legacy, const struct err *e)
{
    char why[ERR_TEXT_MAX];

    if (!legacy->conf || legacy->refusal)
        return false;
    if (asprintf(&legacy->refusal,
                 "the configuration is not taken over, the old one stays: it cannot be begun with: "
                 "%s",
                 err_text(e, why, sizeof why)) < 0) {
        legacy->refusal = NULL; /* without memory no other life begins either */
        return false;
    }
    log_error("reload: %s", legacy->refusal);
    legacy->next = true;
    return true;
}

void takeover_json(struct json_writer *w, const struct agent *a)
{
    json_put_bool(w, "reloading", a->takeover.conf != NULL);
}

int takeover_text(struct buf *out, const struct agent *a)
{
    const struct mapping *m;
    size_t n;

    if (!a->takeover.conf)
        return 0;
    n = open_count(a, &m);
    return buf_appendf(
        out,
        "a changed configuration is taken over when %zu changes of what is not in it "
        "any more (%s) are in S3\n",
        n, m ? m->conf->name : "none");
}
