/* Shell. Where images are that left with their directories. See explain.h. */
#include "agent/service/explain.h"

#include "agent/core/ways.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "agent/service/work.h"
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void explain_left(struct agent *a, const char *key, const char *to)
{
    if (ways_note(a->ways, key, to))
        agent_fail(a, -ENOMEM, "remembering a place");
}

/* An image was seen under this key, which is not in step. One whose key can be none never will be,
 * and no list is to wait for it. */
static const struct item *seen_at(const struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);

    return it && it->seen.kind == FILE_REGULAR && s3_check_key(key, NULL) == 0 ? it : NULL;
}

/* Is what is under the key `now` another file than the one that the index has under the other, or
 * that was seen there last? Where it has none, nothing says so. */
static bool is_another(struct agent *a, const char *key, const char *now)
{
    const struct item *left = pending_find(a->pending, key), *it = seen_at(a, now);
    struct index_entry was, is;
    struct file_id file;

    if (!agent_image(a, key, &was))
        return false;
    if (!it && index_get(a->index, now, &is))
        return true;
    file = it ? file_id_of(&it->seen) : plan_file(&is.known);
    return file_id_differs(file, plan_file(&was.known)) &&
           !(left && left->was_there && file_id_same(file, left->was));
}

/* Nothing is there any more: the image was found elsewhere, or the item only waits until lists are
 * live, to be deleted (they would wait for it in turn), or until the pass is through that drops its
 * rows. */
static bool is_leaving(const struct agent *a, const struct item *it)
{
    return it->state == ITEM_CLAIMED || it->state == ITEM_BARRIER || it->state == ITEM_DELETING ||
           (it->state == ITEM_LISTING && it->queue == &a->passing);
}

/* Is there an image under this key, as far as is known? */
static bool image_at(struct agent *a, const char *key)
{
    const struct item *it = pending_find(a->pending, key);
    struct index_entry e;

    return seen_at(a, key) || ((!it || !is_leaving(a, it)) && agent_image(a, key, &e));
}

/* What became of what was at a place. */
enum fate {
    FATE_UNKNOWN,
    FATE_HERE,   /* there is an image where it is, or must be */
    FATE_UNSEEN, /* it must be there, but nobody looked */
    FATE_ENDED,
};

/* What was under a key at a moment. */
struct course {
    char at[AGENT_KEY_SIZE];   /* where events say that it is */
    char last[AGENT_KEY_SIZE]; /* the last place on its way where there is an image; or "" */
    uint64_t next;             /* the moment behind that at which it left the key; 0: it did not */
    bool ended, lost;
};

static void course_follow(struct agent *a, const struct mapping *m, const char *key,
                          uint64_t moment, struct course *c)
{
    char next[AGENT_KEY_SIZE];

    snprintf(c->at, sizeof c->at, "%s", key);
    c->last[0] = '\0';
    c->next = 0;
    c->ended = false;
    c->lost = true;
    for (int i = 0; i < WAYS_STEPS_MAX; i++) {
        enum ways_step step = ways_on(a->ways, c->at, moment, next, sizeof next, &moment);

        c->lost = step == WAYS_LOST ||
                  (step == WAYS_LEFT && strncmp(next, m->conf->prefix, m->prefix_len) != 0);
        if (!c->next && step != WAYS_STAYED)
            c->next = moment;
        if (c->lost || step == WAYS_STAYED)
            return;
        c->ended = c->ended || step == WAYS_ENDED;
        if (step == WAYS_ENDED) { /* another may have come there, and have its rows by now */
            if (strcmp(c->last, c->at) != 0)
                c->last[0] = '\0';
            continue;
        }
        snprintf(c->at, sizeof c->at, "%s", next);
        if (image_at(a, c->at))
            snprintf(c->last, sizeof c->last, "%s", c->at);
    }
    c->lost = true; /* a ring? */
}

/* What became of what was under the key at that moment, and where that is. looked: if an image was
 * where it must be, it would be known. *ret_next: as in the course. */
static enum fate fate_of(struct agent *a, const struct mapping *m, const char *key, uint64_t moment,
                         bool looked, char now[AGENT_KEY_SIZE], uint64_t *ret_next)
{
    struct course c;

    course_follow(a, m, key, moment, &c);
    *ret_next = c.next;
    if (!c.next || strcmp(c.last, key) == 0)
        return FATE_UNKNOWN;
    if (!looked && !c.ended && !c.lost && strcmp(c.at, c.last) != 0 && strcmp(c.at, key) != 0 &&
        s3_check_key(c.at, NULL) == 0) {
        snprintf(now, AGENT_KEY_SIZE, "%s", c.at);
        return FATE_UNSEEN;
    }
    if (c.last[0]) {
        snprintf(now, AGENT_KEY_SIZE, "%s", c.last);
        return is_another(a, key, now) ? FATE_UNKNOWN : FATE_HERE;
    }
    return c.ended && !c.lost ? FATE_ENDED : FATE_UNKNOWN;
}

/* What lists name by the key was there at some moment, of which nothing is known: that says where
 * it is if but one content left that place, with a directory or by itself. */
static enum fate fate_by_name(struct agent *a, const struct mapping *m, const char *key,
                              bool looked, char now[AGENT_KEY_SIZE])
{
    char other[AGENT_KEY_SIZE];
    uint64_t next;

    if (ways_on(a->ways, key, 1, other, sizeof other, &next) != WAYS_LEFT ||
        ways_on(a->ways, key, next, other, sizeof other, &next) != WAYS_STAYED)
        return FATE_UNKNOWN;
    return fate_of(a, m, key, 1, looked, now, &next);
}

#define LEAVINGS_MAX 4 /* of a place at about the moment at which a list with its name was read */

/* What lists name by the key was there at the moment, or came there soon: it left with the first
 * content that took along something by that name. */
static enum fate fate_since(struct agent *a, const struct mapping *m, const char *key,
                            uint64_t moment, bool looked, char now[AGENT_KEY_SIZE])
{
    enum fate fate = FATE_UNKNOWN;

    for (int i = 0; fate == FATE_UNKNOWN && moment && i < LEAVINGS_MAX; i++)
        fate = fate_of(a, m, key, moment, looked, now, &moment);
    return fate;
}

/* The entries of the index that are of a file, in their places. */
struct entries {
    const struct mapping *m;
    struct file_id file;
    size_t count;
    char *key; /* of the last */
};

/* index_fn. */
static int entry_match(void *arg, const char *key, const struct known *known)
{
    struct entries *e = arg;

    if (plan_is_placed(known) && file_id_same(plan_file(known), e->file) &&
        strncmp(key, e->m->conf->prefix, e->m->prefix_len) == 0) {
        e->count++;
        snprintf(e->key, AGENT_KEY_SIZE, "%s", key);
    }
    return 0;
}

/* Where this very file is, which was under the key once: the last look saw it there, or the index
 * has it there alone, and nothing else is known since. */
static bool file_find(struct agent *a, const struct mapping *m, const char *key,
                      struct file_id file, char now[AGENT_KEY_SIZE])
{
    struct entries e = {.m = m, .file = file, .key = now};
    const struct item *it = file.born_ns ? sighted_find(a, m->id, file.ino) : NULL;

    if (!file.born_ns)
        return false;
    if (it && seen_at(a, it->key) && file_id_same(file_id_of(&it->seen), file)) {
        snprintf(now, AGENT_KEY_SIZE, "%s", it->key);
        return strcmp(now, key) != 0;
    }
    if (index_each_inode(a->index, file.ino, entry_match, &e) < 0)
        agent_fail(a, -EIO, "reading the index");
    return e.count == 1 && strcmp(now, key) != 0 && !pending_find(a->pending, now);
}

/* by_name: where the lists' readings tell nothing, the name alone may. */
static enum fate fate_find(struct agent *a, const struct mapping *m, const char *key, bool looked,
                           bool by_name, char now[AGENT_KEY_SIZE])
{
    struct file_id file = {0};
    const uint64_t moment = ways_named_at(a->ways, key, &file);
    enum fate fate;

    if (file_find(a, m, key, file, now))
        return FATE_HERE;
    fate = fate_since(a, m, key, moment, looked, now);
    return fate == FATE_UNKNOWN && by_name ? fate_by_name(a, m, key, looked, now) : fate;
}

bool explain_place(struct agent *a, const struct mapping *m, const char *key,
                   char now[AGENT_KEY_SIZE])
{
    return fate_find(a, m, key, true, true, now) == FATE_HERE;
}

/* Events tell of all that becomes of the mapping's lists, in the order in which it does. */
static bool is_heard(const struct agent *a, const struct item *it)
{
    return agent_is_list(a, it) && !a->mappings[it->mapping].unheard;
}

void explain_touched(const struct agent *a, struct item *it)
{
    if (!it->unread && agent_is_list(a, it))
        it->unread = ways_now(a->ways);
}

void explain_begin(const struct agent *a, struct item *it, struct job *job)
{
    job->begun = ways_now(a->ways);
    job->written = it->unread ? it->unread : job->begun;
    it->unread = 0;
}

/* The list names this, and it was there at that moment or somewhat later, as this file. */
static void note_name(struct agent *a, const struct mapping *images, const char *name,
                      uint64_t moment, struct file_id file)
{
    char key[AGENT_KEY_SIZE];

    if (agent_key(a, images->id, name, key) && ways_named(a->ways, key, moment, file))
        agent_fail(a, -ENOMEM, "remembering the names in a list");
}

/* The same of what is there no more: it was when the list was written, if not when it was read
 * before. */
static void note_written(struct agent *a, const struct mapping *images, const char *name,
                         uint64_t moment)
{
    char key[AGENT_KEY_SIZE];
    struct file_id file;

    if (agent_key(a, images->id, name, key) && !ways_named_at(a->ways, key, &file))
        note_name(a, images, name, moment, (struct file_id){0});
}

/* What is there by now was made when the list that names it was written, or later: that names what
 * had been there, if events tell where it is. */
static void note_passed(struct agent *a, const struct mapping *images, const char *name,
                        uint64_t moment)
{
    char key[AGENT_KEY_SIZE], now[AGENT_KEY_SIZE];

    if (agent_key(a, images->id, name, key) &&
        fate_since(a, images, key, moment, true, now) == FATE_HERE)
        follow_named(a, images, now, name);
}

void explain_rewritten(struct agent *a, const char *key)
{
    struct file_id file;

    if (ways_named_at(a->ways, key, &file) &&
        ways_named(a->ways, key, ways_now(a->ways), (struct file_id){0}))
        agent_fail(a, -ENOMEM, "remembering the names in a list");
}

void explain_end(struct agent *a, struct item *it, const struct job *job)
{
    const struct mapping *images = &a->mappings[a->mappings[it->mapping].conf->repository];
    const struct buf *home = &job->home_names, *away = &job->dangling_names;
    struct file_id file;

    if (job->code || job->partly)
        it->unread = job->written; /* not all of it was read */
    if (!is_heard(a, it))
        return;
    for (const char *at = home->data; at && at < home->data + home->len; at += strlen(at) + 1) {
        memcpy(&file, at, sizeof file);
        at += sizeof file;
        note_name(a, images, at, job->begun, file);
        if (file.born_ns >= job->seen.mtime_ns)
            note_passed(a, images, at, job->written);
    }
    for (const char *at = away->data; at && at < away->data + away->len; at += strlen(at) + 1)
        note_written(a, images, at + 1, job->written);
}

/* The rows of what was deleted go, unless the list, or an operator, is to say so. */
static bool ends_rows(const struct agent *a, const struct item *it, const struct mapping *images)
{
    const struct conf_policy *policy = conf_policy_of(a->conf, it->mapping, it->path);

    return !images->held && (!policy || policy->on_remove == CONF_REMOVE_DROP);
}

bool explain_row(struct agent *a, const struct item *it, const char *path, bool away)
{
    const struct mapping *m = &a->mappings[a->mappings[it->mapping].conf->repository];
    char key[AGENT_KEY_SIZE], now[AGENT_KEY_SIZE];
    struct file_id file;
    enum fate fate;

    if (!agent_key(a, m->id, path, key) || (!away && !ways_named_at(a->ways, key, &file)))
        return false;
    fate = fate_find(a, m, key, it->traced, away, now);
    if (fate == FATE_HERE && pending_find(a->pending, now))
        return true; /* the list waits for it */
    if (fate == FATE_UNSEEN) {
        intake_touch_key(a, m->id, now, JOURNAL_SRC_SELF, 0);
        return true;
    }
    if (fate != FATE_HERE && (fate != FATE_ENDED || !ends_rows(a, it, m)))
        return false;
    if (departed_note_alone(a->index, key, m->prefix_len,
                            fate == FATE_HERE ? now + m->prefix_len : NULL, a->real_us / US_PER_S,
                            DEPARTED_S))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
    return true;
}
