/*
 * Shell. What has been in the trash for longer than trash_retention is removed.
 *
 * Keys of the trash begin with their time, so that a listing has the oldest first: a look costs one
 * request while nothing is too old. What is too old goes page by page, one a second at most. Only
 * keys below the trash's prefix go, with a time that trash_key wrote, and none that the index has
 * as a file's. The guard is not asked: that these go was decided when they came.
 */
#include "agent/service/agent.h"
#include "agent/service/trash_notes.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS  (3600 * MS_PER_S) /* between looks, where nothing was left */
#define PAGE_MS  MS_PER_S          /* between pages */
#define RETRY_MS (300 * MS_PER_S)  /* after a failure */

/* Is there a trash that things expire in? */
static bool is_wanted(const struct agent *a)
{
    if (a->options.dry_run || a->conf->s3.trash_retention_ms == 0)
        return false;
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].conf->deletes == CONF_DELETES_TRASH)
            return true;
    return false;
}

/* The scans after a start come first: they tell which keys are files'. */
static bool may_begin(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].scanning)
            return false;
    return true;
}

/* When the next look is due. */
static void rest(struct agent *a, int64_t ms)
{
    a->expiry.running = false;
    a->expiry.due_ms = a->now_ms + ms;
}

/* Hand over. */
static void submit(struct agent *a, struct transfer *t)
{
    if (!t) {
        agent_fail(a, -ENOMEM, "emptying the trash");
        return;
    }
    t->owner = &a->expiry;
    a->expiry.running = true;
    a->flying++;
    uploaders_submit(a->uploaders, t);
}

void trash_expire(struct agent *a)
{
    struct transfer *t;

    if (a->expiry.running || a->now_ms < a->expiry.due_ms || a->fatal || !is_wanted(a) ||
        !may_begin(a))
        return;
    t = transfer_new(TRANSFER_LIST, a->conf->s3.trash_prefix);
    if (t && a->expiry.after[0] && !(t->source_key = strdup(a->expiry.after))) {
        transfer_free(t);
        t = NULL;
    }
    submit(a, t);
}

int64_t trash_expire_deadline(const struct agent *a)
{
    if (a->expiry.running || a->expiry.due_ms <= a->now_ms || !is_wanted(a))
        return INT64_MAX;
    return a->expiry.due_ms;
}

/* Is it too old? */
static bool is_expired(struct agent *a, const char *key, bool *ret_young)
{
    int64_t since_us, age_us = a->conf->s3.trash_retention_ms * US_PER_MS;

    *ret_young = false;
    if (!trash_time(a->conf->s3.trash_prefix, key, &since_us))
        return false;
    *ret_young = a->real_us - since_us < age_us;
    return !*ret_young && !deletions_has_object(a, key);
}

/* Of a page only what is too old stays. True: what follows is too young. */
static bool sift(struct agent *a, struct transfer *t)
{
    bool young = false;
    size_t kept = 0;

    for (size_t i = 0; i < t->item_count; i++) {
        struct delete_item item = t->items[i];

        if (!young && is_expired(a, item.key, &young)) {
            t->items[kept++] = item;
            continue;
        }
        free(item.key);
        free(item.etag);
    }
    t->item_count = kept;
    return young;
}

/* Write the record of a page. */
static uint64_t expire_journal(struct agent *a, const struct transfer *t, enum journal_state state)
{
    struct journal_record rec = {.op = JOURNAL_EXPIRE,
                                 .state = state,
                                 .source = JOURNAL_SRC_SELF,
                                 .tx = state == JOURNAL_INTENT ? JOURNAL_TX_SELF : a->expiry.tx,
                                 .path = t->items[t->item_count - 1].key};

    for (size_t i = 0; i < t->item_count; i++)
        rec.count += state == JOURNAL_INTENT || t->items[i].done;
    if (state != JOURNAL_INTENT) {
        rec.http_status = t->http_status;
        rec.attempts = t->attempts;
        rec.duration_ms = t->duration_ms;
        rec.why = t->verdict == VERDICT_DONE ? NULL : verdict_name(t->verdict);
    }
    return agent_journal(a, &rec);
}

/* The page's items are this transfer's now. */
static void remove_page(struct agent *a, struct transfer *t)
{
    struct transfer *gone = transfer_new(TRANSFER_DELETE_MANY, NULL);

    if (!gone) {
        agent_fail(a, -ENOMEM, "emptying the trash");
        return;
    }
    gone->items = t->items;
    gone->item_count = t->item_count;
    t->items = NULL;
    t->item_count = 0;
    a->expiry.tx = expire_journal(a, gone, JOURNAL_INTENT);
    agent_sync(a);
    if (a->fatal)
        transfer_free(gone);
    else
        submit(a, gone);
}

/* A page was listed. */
static void listed(struct agent *a, struct transfer *t)
{
    bool more = t->truncated && t->item_count;

    if (t->verdict != VERDICT_DONE) {
        log_warning("the trash cannot be listed: %s: %s %s", verdict_name(t->verdict), t->s3_code,
                    t->message);
        rest(a, RETRY_MS);
        return;
    }
    snprintf(a->expiry.after, sizeof a->expiry.after, "%s",
             more ? t->items[t->item_count - 1].key : "");
    if (sift(a, t))
        a->expiry.after[0] = '\0';
    if (t->item_count)
        remove_page(a, t);
    else
        rest(a, a->expiry.after[0] ? PAGE_MS : LOOK_MS);
}

/* A page was removed. */
static void removed(struct agent *a, const struct transfer *t)
{
    uint64_t gone = 0;

    for (size_t i = 0; i < t->item_count; i++)
        gone += t->items[i].done;
    expire_journal(a, t, gone == t->item_count ? JOURNAL_DONE : JOURNAL_FAILED);
    log_info("%" PRIu64 " objects left the trash, which had been there for too long", gone);
    a->totals.deletes += gone;
    if (gone < t->item_count)
        log_warning("%" PRIu64 " objects cannot be removed from the trash: %s",
                    (uint64_t)t->item_count - gone,
                    t->s3_code[0] ? t->s3_code : verdict_name(t->verdict));
    rest(a, gone == 0 ? RETRY_MS : a->expiry.after[0] ? PAGE_MS : LOOK_MS);
}

void trash_expire_outcome(struct agent *a, struct transfer *t)
{
    a->expiry.running = false;
    if (t->kind == TRANSFER_LIST)
        listed(a, t);
    else
        removed(a, t);
}
