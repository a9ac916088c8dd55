/* Shell. Who waits until all that is on disk is in S3. core/wait.h has the rules. */
#include "agent/service/wait.h"

#include "agent/service/stale.h"

#include "agent/core/wait.h"
#include "base/clock.h"
#include "base/visible.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_LOOK_MS  20 /* between walks over all that is open */
#define WAIT_TEXT_MAX 4096

struct waiter {
    struct waiter *next;
    uint64_t number; /* of the mark */
    enum wait_stage stage;
    enum wait_stage until;
    bool marked;
    int64_t before_ms; /* what was open by then is waited for */
    int64_t look_ms;   /* the next walk */
    int64_t end_ms;    /* INT64_MAX: none */
    char *key;         /* waited for alone; or one that is known to be open; or NULL */
    bool alone;
    wait_done_fn *done;
    void *arg;
};

static void waiter_free(struct waiter *w)
{
    free(w->key);
    free(w);
}

/* How many wait. */
static size_t waiter_count(const struct agent *a)
{
    size_t n = 0;

    for (const struct waiter *w = a->waiters; w; w = w->next)
        n++;
    return n;
}

int wait_begin(struct agent *a, const struct request *r, wait_done_fn *done, void *arg,
               struct waiter **ret)
{
    struct waiter *w;

    if (waiter_count(a) >= WAITERS_MAX)
        return -EBUSY;
    w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->number = ++a->marks;
    w->before_ms = a->now_ms;
    w->end_ms = r->timeout_s < 0 ? INT64_MAX : a->now_ms + r->timeout_s * MS_PER_S;
    w->until = strcmp(r->what, "seen") == 0 ? WAIT_OPEN : WAIT_DONE;
    w->done = done;
    w->arg = arg;
    w->alone = r->key[0] != '\0';
    w->stage = w->alone ? WAIT_LAST : WAIT_MARKING;
    if (w->alone)
        w->key = strdup(r->key);
    if ((w->alone && !w->key) || (!w->alone && watchers_mark(a->watchers, w->number))) {
        waiter_free(w);
        return -ENOMEM;
    }
    w->next = a->waiters;
    a->waiters = w;
    *ret = w;
    return 0;
}

void wait_cancel(struct agent *a, struct waiter *w)
{
    struct waiter **at = &a->waiters;

    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    waiter_free(w);
}

void wait_marked(struct agent *a, uint64_t number)
{
    for (struct waiter *w = a->waiters; w; w = w->next)
        w->marked |= w->number == number;
}

/* Was the item open by then, and may it still come to S3? A name that cannot be a key never will.
 */
static bool is_waited_for(const struct waiter *w, const struct item *it)
{
    return it->since_ms <= w->before_ms && it->state != ITEM_REFUSED;
}

/* Is something open that was open by then? Walks only where what was known to be is not any more,
 * and not more often than every WAIT_LOOK_MS: until then it is taken to be. */
static bool is_open(struct agent *a, struct waiter *w)
{
    const struct item *it = w->key ? pending_find(a->pending, w->key) : NULL;

    if (it && is_waited_for(w, it))
        return true;
    if (w->alone)
        return false;
    free(w->key);
    w->key = NULL;
    if (a->now_ms < w->look_ms)
        return true;
    w->look_ms = a->now_ms + WAIT_LOOK_MS;
    for (unsigned m = 0; m < a->mapping_count; m++)
        for (it = pending_first(a->pending, m); it; it = it->mate_next)
            if (is_waited_for(w, it)) {
                w->key = strdup(it->key); /* without memory it is walked again */
                return true;
            }
    return false;
}

/* The first mapping that was not seen as a whole, or NULL. */
static const struct mapping *unseen(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        const struct mapping *m = &a->mappings[i];

        if (m->scanning || m->lost || m->stuck || m->scan_code || m->incomplete_us)
            return m;
    }
    return NULL;
}

/* What holds for this one now. */
static struct wait_facts facts_of(struct agent *a, struct waiter *w)
{
    return (struct wait_facts){
        .marked = w->marked,
        .whole = !a->rest && !a->sweeps && !unseen(a),
        .open = (w->stage == WAIT_OPEN || w->stage == WAIT_LAST) && is_open(a, w),
        .lists = a->relist.count || a->passing.count || a->pass_running || a->stale_lists ||
                 follow_pending(a),
        .in_step = !w->alone && report_in_step(a),
    };
}

/* Say how it ended; the waiter is gone then. */
static void end(struct agent *a, struct waiter *w, int status, const char *text)
{
    wait_done_fn *done = w->done;
    void *arg = w->arg;

    wait_cancel(a, w);
    done(arg, status, text ? text : "\n");
}

void wait_end_all(struct agent *a, const char *text)
{
    while (a->waiters)
        end(a, a->waiters, EXIT_UNREACHED, text);
}

/* All is in S3: but for what the guard holds, and names that cannot be keys. */
static void end_done(struct agent *a, struct waiter *w)
{
    uint64_t held = 0;
    size_t refused = pending_count_state(a->pending, ITEM_REFUSED);
    int status = EXIT_IN_STEP, rc;
    struct buf text;

    buf_init(&text, WAIT_TEXT_MAX);
    for (size_t i = 0; i < a->mapping_count; i++)
        held += a->mappings[i].held;
    rc = w->until != WAIT_DONE ? buf_append_str(&text, "what was on disk is known")
                               : buf_append_str(&text, "what was on disk is in S3");
    if (rc == 0 && !w->alone && w->until == WAIT_DONE && refused) {
        status = EXIT_DIFFERENCES;
        rc = buf_appendf(&text, ", but for %zu names that cannot be keys (see lockstep status)",
                         refused);
    }
    if (rc == 0 && !w->alone && w->until == WAIT_DONE && held) {
        status = EXIT_HELD;
        rc = buf_appendf(&text, "; %" PRIu64 " removals are held (see lockstep status)", held);
    }
    if (rc == 0)
        rc = buf_append_byte(&text, '\n');
    (void)rc; /* it fits, or memory is short: the status says it all */
    end(a, w, status, text.data);
    buf_release(&text);
}

/* What is still waited for, in words. */
static int why_text(struct agent *a, struct waiter *w, struct buf *out)
{
    const struct mapping *m = unseen(a);
    const struct item *it;
    int rc;

    if (w->stage < WAIT_OPEN && m)
        return buf_appendf(out, "%s is not seen as a whole yet%s%s", m->conf->name,
                           m->lost    ? ": its root cannot be reached"
                           : m->stuck ? ": its file system does not answer"
                                      : "",
                           m->scan_code ? ": not all of it can be read" : "");
    if (w->stage < WAIT_OPEN)
        return buf_append_str(out, "not all that changed was looked at yet");
    if (w->stage == WAIT_LISTS)
        return buf_append_str(out, "lists are being rewritten");
    it = w->key ? pending_find(a->pending, w->key) : NULL;
    if (!it)
        return buf_append_str(out, "some paths are open");
    rc = visible_append(out, it->key);
    if (rc == 0)
        rc = buf_appendf(out, " (%s)%s", item_state_name(it->state), it->why ? ": " : "");
    return rc || !it->why ? rc : visible_append(out, it->why);
}

/* Its time is up. */
static void end_late(struct agent *a, struct waiter *w)
{
    struct buf text;
    int rc;

    buf_init(&text, WAIT_TEXT_MAX);
    rc = buf_append_str(&text, a->paused_us ? "not yet: transfers are paused; " : "not yet: ");
    if (rc == 0)
        rc = why_text(a, w, &text);
    if (rc == 0)
        rc = buf_append_byte(&text, '\n');
    (void)rc; /* as above */
    end(a, w, EXIT_DIFFERENCES, text.data);
    buf_release(&text);
}

void wait_turn(struct agent *a)
{
    struct waiter *next;

    for (struct waiter *w = a->waiters; w; w = next) {
        enum wait_stage before;

        next = w->next;
        do {
            struct wait_facts facts = facts_of(a, w);

            before = w->stage;
            w->stage = wait_next(w->stage, &facts);
            if (w->stage != before && (w->stage == WAIT_OPEN || w->stage == WAIT_LAST)) {
                w->before_ms = a->now_ms;
                w->look_ms = a->now_ms;
            }
        } while (w->stage != before && w->stage < w->until);
        if (w->stage >= w->until)
            end_done(a, w);
        else if (a->now_ms >= w->end_ms)
            end_late(a, w);
    }
}

int64_t wait_deadline(const struct agent *a)
{
    int64_t due = INT64_MAX;

    for (const struct waiter *w = a->waiters; w; w = w->next) {
        bool walks = !w->alone && !w->key && (w->stage == WAIT_OPEN || w->stage == WAIT_LAST);

        if (walks && w->look_ms < due)
            due = w->look_ms;
        if (w->end_ms < due)
            due = w->end_ms;
    }
    return due;
}

int wait_open(struct agent *a, const struct request *r, struct buf *out)
{
    int rc = 0;

    for (unsigned m = 0; m < a->mapping_count; m++) {
        if (r->mapping[0] && strcmp(r->mapping, a->mappings[m].conf->name) != 0)
            continue;
        for (struct item *it = pending_first(a->pending, m); it && rc == 0; it = it->mate_next)
            rc = buf_append(out, it->key, strlen(it->key) + 1);
    }
    return rc;
}
