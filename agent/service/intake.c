/* Shell. Hints become items. */
#include "agent/service/agent.h"

#include "agent/service/events.h"
#include "agent/service/explain.h"
#include "agent/service/follow.h"
#include "agent/service/listed.h"
#include "agent/service/marker.h"
#include "agent/service/owner.h"
#include "agent/service/publish.h"
#include "agent/service/wait.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

/* Put the item back to the start: to be looked at once it was quiet for the settle time. */
void intake_resettle(struct agent *a, struct item *it)
{
    int64_t due = it->hint_ms + agent_mapping(a, it)->conf->settle_ms;

    it->again = false;
    it->hashed = false;
    it->asked = false;
    it->sought = 0;
    it->decided = false;
    if (!it->peer)
        it->change = CHANGE_NONE;
    it->resting = agent_mapping(a, it)->unheard || it->source == JOURNAL_SRC_SCAN;
    pending_set(a->pending, it, ITEM_SETTLING, due > a->now_ms ? due : a->now_ms);
}

/* A hint for an item: start over, or note it where the item is busy. */
static void intake_hint(struct agent *a, struct item *it, int64_t settle_ms)
{
    it->hint_ms = a->now_ms;
    switch (it->state) {
    case ITEM_SETTLING:
    case ITEM_OBSERVED:
    case ITEM_WAITING:
    case ITEM_GONE:
    case ITEM_RETRY:
    case ITEM_REFUSED:
        it->hashed = false;
        pending_set(a->pending, it, ITEM_SETTLING, a->now_ms + settle_ms);
        break;
    case ITEM_READY:
        if (it->tx)
            it->again = true;
        else
            pending_set(a->pending, it, ITEM_SETTLING, a->now_ms + settle_ms);
        break;
    case ITEM_OBSERVING:
    case ITEM_HASHING:
    case ITEM_CHECKING:
    case ITEM_FLYING:
    case ITEM_DELETING:
        it->again = true;
        break;
    case ITEM_BARRIER:
        it->again = true;
        item_queue_push(&a->leaving, it); /* where it is called off */
        break;
    case ITEM_CLAIMED:
    case ITEM_LISTING:
        it->again = true;
        removals_recall(a, it);
        break;
    case ITEM_STATE_COUNT:
        break;
    }
}

void intake_touch_key(struct agent *a, unsigned mapping, const char *key,
                      enum journal_source source, int64_t settle_ms)
{
    struct item *it =
        pending_get(a->pending, mapping, key, a->mappings[mapping].prefix_len, a->now_ms);

    if (!it) {
        agent_fail(a, -ENOMEM, "keeping what is pending");
        return;
    }
    it->source = source;
    it->leaving = false;
    explain_touched(a, it);
    if (source == JOURNAL_SRC_EVENT && !a->mappings[mapping].unheard)
        it->resting = false; /* and events tell on */
    intake_hint(a, it, settle_ms);
}

void intake_missed(struct agent *a, unsigned mapping, const char *key, enum journal_source source)
{
    struct item *it;

    intake_touch_key(a, mapping, key, source, a->mappings[mapping].conf->settle_ms);
    it = pending_find(a->pending, key);
    if (it)
        it->leaving = true;
}

struct item *intake_touch(struct agent *a, unsigned mapping, const char *path,
                          enum journal_source source, int64_t settle_ms)
{
    char key[AGENT_KEY_SIZE];

    if (!agent_key(a, mapping, path, key))
        return NULL;
    intake_touch_key(a, mapping, key, source, settle_ms);
    return pending_find(a->pending, key);
}

/* What is to be seen at the path is as of now. */
static void look_begins(struct agent *a, struct item *it)
{
    if (agent_is_list(a, it))
        it->looked = order_look(&a->order);
    it->heard = sight_is_whole(a, agent_mapping(a, it));
    it->asked_ms = a->now_ms;
}

void intake_observe(struct agent *a, struct item *it)
{
    it->again = false;
    look_begins(a, it);
    pending_set(a->pending, it, ITEM_OBSERVING, INT64_MAX);
    if (watchers_observe(a->watchers, it->mapping, it->path))
        agent_fail(a, -ENOMEM, "looking at a path");
}

/* A look failed. What a mount hides is no place where anything may have come. */
static void intake_failed(struct agent *a, struct item *it, int code)
{
    char why[ERR_TEXT_MAX];

    if (!it->unseen && code != -EXDEV && code != -ENAMETOOLONG) {
        it->unseen = true;
        agent_mapping(a, it)->unseen++;
    }
    snprintf(why, sizeof why, "it cannot be looked at: %s", err_name(code));
    decide_failed(a, it, why);
}

/* The item was looked at: what may be there waits no longer for it. */
static void intake_looked(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it);

    if (!it->unseen)
        return;
    it->unseen = false;
    if (--m->unseen == 0)
        removals_all_seen(a, m);
}

/* Note how the item was seen. */
static void intake_note(struct agent *a, struct item *it, const struct file_stat *st)
{
    bool first = !it->was_there && st->kind == FILE_REGULAR;
    struct item *before = st->kind == FILE_REGULAR ? sighted_last(a, it->mapping, st->ino) : NULL;

    intake_looked(a, it);
    if (st->kind == FILE_REGULAR) {
        sighted_forget(a, it);
        if (it->was_there && file_id_differs(it->was, file_id_of(st)))
            follow_replaced(a, it);
    }
    it->traced = it->traced && file_same_content(&it->seen, st);
    it->seen = *st;
    if (st->kind == FILE_REGULAR) {
        it->was_there = true;
        it->was = file_id_of(st);
        it->told_gone = it->leaving = false;
        free(it->went);
        it->went = NULL;
        it->gone_ms = 0;
    } else if (it->gone_ms == 0) {
        it->gone_ms = clock_mono_ms(); /* the turn began before the look did, maybe */
    }
    it->observed_ms = it->waits_ms = a->now_ms;
    it->hashed = it->glimpsed = false;
    it->decided = false;
    if (first)
        sighted_doubt(a, it);
    sighted_note(a, it);
    if (before)
        follow_seen(a, it, before);
}

/* The item was seen as `st`: to be planned. */
static void intake_seen(struct agent *a, struct item *it, const struct file_stat *st)
{
    it->resting = false;
    intake_note(a, it, st);
    pending_set(a->pending, it, ITEM_OBSERVED, INT64_MAX);
    item_queue_push(&a->observed, it);
}

/* The item was seen as `st`, and nobody tells when its writer is done (scans found it, or other
 * hosts write there): it is looked at again, and must be as it is now. */
static void intake_rest(struct agent *a, struct item *it, const struct file_stat *st)
{
    const struct mapping *m = agent_mapping(a, it);

    intake_note(a, it, st);
    it->resting = true;
    pending_set(a->pending, it, ITEM_SETTLING,
                a->now_ms + plan_rest_ms(m->conf->settle_ms, m->unheard));
}

/* A resting file is young, and is not what it was at the last look. */
static bool still_changing(struct agent *a, const struct item *it, const struct file_stat *st)
{
    const struct mapping *m = agent_mapping(a, it);

    return it->resting && st->kind == FILE_REGULAR &&
           !plan_settled(st, a->real_us, m->conf->settle_ms, m->unheard) &&
           !plan_rested(&it->seen, st);
}

#define CLOCK_GRAIN_MS                                                                             \
    20 /* a file's times are those of the kernel's last tick, or somewhat older */

/* The file was changed since it was left alone by what events told: the next one is on its way. How
 * long it has to be left alone yet; 0: it was. (A time in the future tells nothing.) */
static int64_t still_young_ms(struct agent *a, const struct item *it, const struct file_stat *st)
{
    int64_t settle_ms = agent_mapping(a, it)->conf->settle_ms;
    int64_t age_ms = (clock_real_us() - st->ctime_ns / (NS_PER_S / US_PER_S)) / US_PER_MS;

    if (st->kind != FILE_REGULAR || age_ms < 0 || age_ms + CLOCK_GRAIN_MS >= settle_ms)
        return 0;
    return settle_ms - age_ms;
}

/* HINT_OBSERVED. */
static void intake_observed(struct agent *a, const struct hint *h)
{
    char key[AGENT_KEY_SIZE];
    struct item *it;
    int64_t young_ms;

    if (!agent_key(a, h->root, h->path, key))
        return;
    it = pending_find(a->pending, key);
    marker_observed(a, &a->mappings[h->root], h, it && it->state == ITEM_OBSERVING);
    if (it && it->state != ITEM_OBSERVING && h->code == 0)
        follow_glimpsed(a, it, &h->st);
    if (!it || it->state != ITEM_OBSERVING)
        return;
    if (it->again) {
        /* Only a scan came by meanwhile: so it is there, and what is gone elsewhere may be it. */
        if (h->code == 0 && h->st.kind == FILE_REGULAR && !it->went && !it->told_gone &&
            it->source == JOURNAL_SRC_SCAN && !agent_mapping(a, it)->unheard)
            intake_note(a, it, &h->st);
        intake_resettle(a, it);
        return;
    }
    if (h->code ==
        -ELOOP) { /* a symbolic link took the place of a directory: nothing of ours there */
        static const struct file_stat absent = {.kind = FILE_ABSENT};

        intake_seen(a, it, &absent);
        return;
    }
    if (h->code) {
        intake_failed(a, it, h->code);
        return;
    }
    it->heard = it->heard && sight_is_whole(a, agent_mapping(a, it));
    if (still_changing(a, it, &h->st)) {
        intake_rest(a, it, &h->st);
        return;
    }
    young_ms = still_young_ms(a, it, &h->st);
    if (young_ms)
        pending_set(a->pending, it, ITEM_SETTLING, a->now_ms + young_ms);
    else
        intake_seen(a, it, &h->st);
}

/* The listing only repeats what the item was last seen as, and that is being worked on. */
static bool is_no_news(const struct item *it, const struct listing_entry *entry)
{
    return (it->state == ITEM_OBSERVED || it->state == ITEM_HASHING || it->state == ITEM_CHECKING ||
            it->state == ITEM_READY || it->state == ITEM_FLYING) &&
           entry->code == 0 && plan_rested(&it->seen, &entry->st);
}

void intake_found(struct agent *a, struct mapping *m, const char *key,
                  const struct listing_entry *entry)
{
    bool settled =
        entry->code == 0 && plan_settled(&entry->st, a->real_us, m->conf->settle_ms, m->unheard);
    struct item *it = pending_find(a->pending, key);

    if (it && (it->state == ITEM_SETTLING || is_no_news(it, entry)))
        return; /* it will be looked at anyway, and later than this listing */
    intake_touch_key(a, m->id, key, JOURNAL_SRC_SCAN, m->conf->settle_ms);
    it = pending_find(a->pending, key);
    if (it && it->again && entry->code == 0)
        follow_glimpsed(a, it, &entry->st);
    if (!it || it->state != ITEM_SETTLING)
        return;
    if (!settled) {
        if (entry->code == 0)
            intake_rest(a, it, &entry->st); /* the first of two looks */
    } else {
        look_begins(a, it);
        intake_seen(a, it, &entry->st);
    }
}

/* HINT_MOVED. */
static void intake_moved(struct agent *a, const struct hint *h)
{
    char from[AGENT_KEY_SIZE], to[AGENT_KEY_SIZE];
    const char *now; /* `to`, where that is in the same mapping */

    if (h->is_directory) {
        if (!agent_dir_key(a, h->root, h->path, from) || !agent_dir_key(a, h->root2, h->path2, to))
            return;
        now = h->root == h->root2 ? to : NULL;
        rename_directory_gone(a, from, now);
        explain_left(a, from, now);
        sweep_add(a, h->root, from);
        if (now)
            listed_ahead(a, h->root, from, now);
        return; /* the listings of the new place follow by themselves */
    }
    if (h->root == h->root2) {
        rename_told(a, h->root, h->path, h->path2);
        return;
    }
    intake_touch(a, h->root, h->path, JOURNAL_SRC_EVENT, a->mappings[h->root].conf->settle_ms);
    intake_touch(a, h->root2, h->path2, JOURNAL_SRC_EVENT, a->mappings[h->root2].conf->settle_ms);
}

/* HINT_GONE. */
static void intake_gone(struct agent *a, const struct hint *h)
{
    char dir[AGENT_KEY_SIZE];

    if (!h->is_directory) {
        struct item *it = intake_touch(a, h->root, h->path, JOURNAL_SRC_EVENT,
                                       a->mappings[h->root].conf->settle_ms);

        rename_told_gone(a, h->root, h->path);
        if (it && h->code == 0)
            explain_left(a, it->key, NULL);
        if (it) {
            it->told_gone = h->code == 0;
            it->leaving = true;
        }
        return;
    }
    if (!agent_dir_key(a, h->root, h->path, dir))
        return;
    rename_directory_gone(a, dir, NULL);
    explain_left(a, dir, NULL);
    sweep_add(a, h->root, dir);
}

/* The scan of a whole root ended. */
static void intake_scanned(struct agent *a, const struct hint *h)
{
    struct mapping *m = &a->mappings[h->root];

    if (h->path && h->path[0])
        return;
    m->scanning = false;
    m->scan_code = h->code;
    removals_scanned(a, m);
    sweep_refused(a, m->id);
    if (h->code)
        log_warning(
            "%s: the scan could not see everything (%s); what it found gone may be where it "
            "did not see, and is removed after a scan that sees all: lockstep rescan",
            m->conf->name, err_name(h->code));
    else
        log_debug("%s: scanned", m->conf->name);
}

/* The root that came back may be another's by now. */
static void intake_own(struct agent *a, const struct mapping *m)
{
    int rc = a->owner ? owner_again(a->owner, m->id, &a->rival) : 0;

    if (rc)
        agent_fail(a, rc, m->conf->path);
}

/* The root went away or came back. */
static void intake_root(struct agent *a, const struct hint *h)
{
    struct mapping *m = &a->mappings[h->root];

    m->lost = h->kind == HINT_ROOT_LOST;
    if (m->lost) {
        m->scanning = false;
        listed_forget(a, m->id); /* it is scanned when it is back */
        removals_scanned(a, m);
        event_tell(EVENT_ROOT_LOST, m->conf->name, m->conf->path,
                   "%s: %s cannot be reached or is not the directory it was; every removal waits "
                   "until it is back",
                   m->conf->name, m->conf->path);
        return;
    }
    m->scanning = true;
    m->blind_ms = a->now_ms;
    m->root_fd = a->root_fds[m->id] = watchers_root_fd(a->watchers, m->id);
    intake_own(a, m);
    if (marker_look(a, m))
        agent_fail(a, -ENOMEM, "looking at the marker");
    event_tell(EVENT_ROOT_BACK, m->conf->name, m->conf->path, "%s: %s is back; scanning it",
               m->conf->name, m->conf->path);
}

/* Something happened to the files of a root. */
static bool is_event(const struct hint *h)
{
    return h->kind == HINT_TOUCHED || h->kind == HINT_WRITTEN || h->kind == HINT_GONE ||
           h->kind == HINT_MOVED || h->kind == HINT_OVERFLOW;
}

/* One hint. */
static void intake_one(struct agent *a, struct hint *h)
{
    if (is_event(h)) {
        listed_doubt(a, h->root);
        listed_doubt(a, h->kind == HINT_MOVED ? h->root2 : h->root);
    }
    switch (h->kind) {
    case HINT_TOUCHED:
    case HINT_WRITTEN:
        if (!h->is_directory)
            intake_touch(a, h->root, h->path, JOURNAL_SRC_EVENT,
                         a->mappings[h->root].conf->settle_ms);
        break;
    case HINT_GONE:
        intake_gone(a, h);
        break;
    case HINT_MOVED:
        intake_moved(a, h);
        break;
    case HINT_LISTING:
        listed_compare(a, h);
        break;
    case HINT_OBSERVED:
        intake_observed(a, h);
        break;
    case HINT_SCAN_DONE:
        intake_scanned(a, h);
        break;
    case HINT_OVERFLOW:
    case HINT_WHOLE:
    case HINT_WATCH_LIMIT:
    case HINT_ROOT_STUCK:
    case HINT_ROOT_ANSWERS:
    case HINT_WATCH_ROOM:
        sight_hint(a, h);
        break;
    case HINT_PASS_DONE:
        removals_scanned(a, &a->mappings[h->root]);
        break;
    case HINT_ROOT_LOST:
    case HINT_ROOT_BACK:
        intake_root(a, h);
        break;
    case HINT_MARK:
        wait_marked(a, h->number);
        break;
    }
}

/* How much is on its way by itself: removals wait for scans, some items for an operator. */
static size_t moving_count(const struct agent *a)
{
    static const enum item_state moving[] = {ITEM_SETTLING, ITEM_OBSERVING, ITEM_OBSERVED,
                                             ITEM_HASHING,  ITEM_CHECKING,  ITEM_READY,
                                             ITEM_FLYING};
    size_t count = 0;

    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        count += pending_count_state(a->pending, moving[i]);
    return count;
}

bool intake_has_room(const struct agent *a)
{
    return moving_count(a) < AGENT_PENDING_MAX;
}

/* Directories left their places a moment ago, or images of such get on. */
static bool renames_get_on(const struct agent *a)
{
    return a->renamed_ms && a->now_ms - a->renamed_ms < AGENT_PASS_MAX_MS;
}

bool intake_wants_listings(const struct agent *a)
{
    if (!renames_get_on(a))
        return intake_has_room(a);
    return a->renaming < AGENT_RENAMING_MAX && moving_count(a) < AGENT_MOVING_MAX;
}

bool intake_wants_many(const struct agent *a)
{
    return intake_wants_listings(a) &&
           (!renames_get_on(a) || moving_count(a) < AGENT_MOVING_MAX / 2);
}

int64_t intake_deadline(const struct agent *a)
{
    return renames_get_on(a) && !intake_wants_listings(a) ? a->renamed_ms + AGENT_PASS_MAX_MS
                                                          : INT64_MAX;
}

bool intake_busy(const struct agent *a)
{
    return a->rest || watchers_busy(a->watchers);
}

bool intake_holds_back(const struct agent *a)
{
    return a->rest || (!intake_wants_listings(a) && watchers_busy(a->watchers));
}

#define INTAKE_TURN_MAX 4096 /* hints a turn, so that outcomes are not kept waiting */

void intake_hints(struct agent *a)
{
    struct hint *h;

    for (int i = 0; i < INTAKE_TURN_MAX; i++) {
        h = watchers_next(a->watchers, !a->rest && intake_wants_listings(a));
        if (!h)
            return;
        intake_one(a, h);
        hint_free(h);
    }
}

void intake_due(struct agent *a)
{
    struct item *it;

    while ((it = pending_due(a->pending, a->now_ms))) {
        if (it->state == ITEM_GONE)
            removals_gone_due(a, it);
        else if (it->state == ITEM_WAITING && publish_awaits(a, it))
            pending_set(a->pending, it, ITEM_WAITING, a->now_ms + AGENT_RECHECK_MS);
        else
            intake_observe(a, it);
    }
}
