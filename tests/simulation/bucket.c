/* Shell. In place of the engine of the uploaders: objects in memory. */
#include "tests/simulation/sim.h"

#include "base/crc.h"
#include "base/log.h"
#include "uploaders/uploaders.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OBJECTS   32
#define TRANSFERS 64

struct object {
    char key[SIM_PATH_SIZE];
    char text[SIM_CONTENT_SIZE];
};

struct uploaders {
    struct transfer *flying[TRANSFERS];
    bool acted[TRANSFERS];                    /* S3 did it; the agent does not know yet */
    char before[TRANSFERS][SIM_CONTENT_SIZE]; /* the key's object before that; "": none */
    size_t count;
    struct bundle ended;
};

static struct object objects[OBJECTS];
static size_t object_count;
static enum bucket_fault fault;
static struct uploaders *running;

void bucket_begin(void)
{
    object_count = 0;
    fault = BUCKET_WORKS;
}

void bucket_break(enum bucket_fault now)
{
    fault = now;
}

static struct object *find(const char *key)
{
    for (size_t i = 0; i < object_count; i++)
        if (strcmp(objects[i].key, key) == 0)
            return &objects[i];
    return NULL;
}

const char *bucket_text(const char *key)
{
    const struct object *o = find(key);

    return o ? o->text : NULL;
}

const char *bucket_heard(const char *key)
{
    const char *text = bucket_text(key);

    for (size_t i = running->count; i-- > 0;)
        if (running->acted[i] && running->flying[i]->key &&
            strcmp(running->flying[i]->key, key) == 0)
            text = running->before[i][0] ? running->before[i] : NULL;
    return text;
}

static void etag_of(const char *text, char out[S3_ETAG_MAX])
{
    snprintf(out, S3_ETAG_MAX, "%016" PRIx64, crc64nvme(0, text, strlen(text)));
}

static void put(const char *key, const char *text, char etag[S3_ETAG_MAX])
{
    struct object *o = find(key);
    char copy[SIM_CONTENT_SIZE];

    snprintf(copy, sizeof copy, "%s", text);
    if (!intent_is_durable(key))
        tree_break("3: an object was put without a durable intent");
    if (!o) {
        if (object_count == OBJECTS)
            abort();
        o = &objects[object_count++];
        snprintf(o->key, sizeof o->key, "%s", key);
    }
    memcpy(o->text, copy, sizeof o->text);
    etag_of(o->text, etag);
    tree_judge_object(key, o->text);
}

/* Removes the object, if it has the ETag. False: it has another, which is told. */
static bool delete (const char *key, const char *etag, char ret_seen[S3_ETAG_MAX])
{
    struct object *o = find(key);

    if (!o)
        return true;
    etag_of(o->text, ret_seen);
    if (etag && strcmp(etag, ret_seen) != 0)
        return false;
    if (!intent_is_durable(key))
        tree_break("3: an object was deleted without a durable intent");
    tree_judge_object(key, NULL);
    *o = objects[--object_count];
    return true;
}

static enum verdict do_put(struct transfer *t)
{
    char text[SIM_CONTENT_SIZE] = "";
    struct file_stat st;
    ssize_t n;
    int fd, rc = tree_open(t->root_fd, t->path, O_RDONLY, &fd);

    if (rc)
        return rc == -ENOENT ? VERDICT_ABSENT : VERDICT_UNREADABLE;
    rc = tree_stat_fd(fd, &st);
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (rc || n < 0)
        return VERDICT_UNREADABLE;
    if (!file_same_content(&st, &t->expected))
        return VERDICT_CHANGED;
    if (t->only_new && find(t->key))
        return VERDICT_CONFLICT;
    put(t->key, text, t->etag);
    t->crc64 = crc64nvme(0, text, (size_t)n);
    t->size = (uint64_t)n;
    return VERDICT_DONE;
}

static enum verdict do_copy(struct transfer *t)
{
    const struct object *source = find(t->source_key);
    char etag[S3_ETAG_MAX];

    if (!source)
        return VERDICT_ABSENT;
    etag_of(source->text, etag);
    if (t->source_etag && strcmp(t->source_etag, etag) != 0)
        return VERDICT_CONFLICT;
    put(t->key, source->text, t->etag);
    return VERDICT_DONE;
}

static enum verdict do_look(struct transfer *t)
{
    const char *text = bucket_text(t->key);

    if (!text)
        return VERDICT_ABSENT;
    etag_of(text, t->etag);
    t->size = strlen(text);
    return VERDICT_DONE;
}

static enum verdict act(struct transfer *t)
{
    switch (t->kind) {
    case TRANSFER_PUT:
        return do_put(t);
    case TRANSFER_COPY:
        return do_copy(t);
    case TRANSFER_META:
    case TRANSFER_HEAD:
        return do_look(t);
    case TRANSFER_DELETE:
        return delete (t->key, t->source_etag, t->etag) ? VERDICT_DONE : VERDICT_CONFLICT;
    case TRANSFER_DELETE_MANY:
        for (size_t i = 0; i < t->item_count; i++) {
            struct delete_item *it = &t->items[i];

            it->done = delete (it->key, it->etag, it->seen);
            it->conflict = !it->done;
        }
        return VERDICT_DONE;
    case TRANSFER_LIST:
    case TRANSFER_ABORT:
    case TRANSFER_STRAYS:
    case TRANSFER_VERSIONING: /* nobody asks for it here */
        t->upload_over = true;
        return VERDICT_DONE;
    }
    return VERDICT_REFUSED;
}

/* The answer does not come. */
static void fail(struct transfer *t)
{
    t->verdict = VERDICT_UNREACHED;
    if (t->key && strcmp(t->key, SIM_LIST_KEY) == 0)
        tree_list_begins();
    for (size_t i = 0; t->kind == TRANSFER_DELETE_MANY && i < t->item_count; i++)
        t->items[i].done = t->items[i].conflict = false;
    t->etag[0] = '\0';
}

size_t bucket_count(void)
{
    return running->count;
}

void bucket_go(size_t at)
{
    struct uploaders *u = running;
    struct transfer *t = u->flying[at];

    if (!u->acted[at]) {
        const char *text = t->key ? bucket_text(t->key) : NULL;

        u->acted[at] = true;
        snprintf(u->before[at], sizeof u->before[at], "%s", text ? text : "");
        t->attempts = 1;
        t->verdict = VERDICT_UNREACHED;
        if (fault != BUCKET_DOWN)
            t->verdict = act(t);
        if (fault != BUCKET_WORKS)
            fail(t);
        log_debug("simulation: S3 does %d %s from %s", (int)t->kind, t->key ? t->key : "several",
                  t->source_key ? t->source_key : "the disk");
        return;
    }
    u->count--;
    memmove(u->flying + at, u->flying + at + 1, (u->count - at) * sizeof *u->flying);
    memmove(u->acted + at, u->acted + at + 1, (u->count - at) * sizeof *u->acted);
    memmove(u->before + at, u->before + at + 1, (u->count - at) * sizeof *u->before);
    log_debug("simulation: S3 did %d %s: %d", (int)t->kind, t->key ? t->key : "several",
              (int)t->verdict);
    bundle_add(&u->ended, &t->letter);
}

int uploaders_new(const struct uploaders_options *opt, struct uploaders **ret, struct err *e)
{
    (void)opt, (void)e;
    running = calloc(1, sizeof *running);
    if (!running)
        abort();
    *ret = running;
    return 0;
}

void uploaders_free(struct uploaders *u)
{
    struct letter *l;

    if (!u)
        return;
    while ((l = bundle_take(&u->ended)))
        transfer_free((struct transfer *)l);
    for (size_t i = 0; i < u->count; i++)
        transfer_free(u->flying[i]);
    running = NULL;
    free(u);
}

void uploaders_submit(struct uploaders *u, struct transfer *t)
{
    if (u->count == TRANSFERS)
        abort();
    if (t->kind == TRANSFER_DELETE)
        tree_judge_decision(t->key);
    if (t->key && strcmp(t->key, SIM_LIST_KEY) == 0)
        tree_list_begins();
    for (size_t i = 0; t->kind == TRANSFER_DELETE_MANY && i < t->item_count; i++)
        tree_judge_decision(t->items[i].key);
    u->acted[u->count] = false;
    u->flying[u->count++] = t;
}

void uploaders_submit_all(struct uploaders *u, struct transfer *const *transfers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        uploaders_submit(u, transfers[i]);
}

struct transfer *uploaders_next(struct uploaders *u)
{
    return (struct transfer *)bundle_take(&u->ended);
}

/* --- nobody is told more, and nothing is asked for that needs an answer at once --- */

void uploaders_submit_to(struct uploaders *u, struct transfer *t, struct mailbox *reply)
{
    (void)u, (void)t, (void)reply;
    abort();
}

void uploaders_run(struct uploaders *u, struct transfer *t)
{
    (void)u, (void)t;
    abort();
}

int uploaders_fd(const struct uploaders *u)
{
    (void)u;
    return -1;
}

const char *uploaders_describe(const struct uploaders *u)
{
    (void)u;
    return "memory";
}

void uploaders_keys(const struct uploaders *u, struct uploaders_keys *ret)
{
    (void)u;
    *ret = (struct uploaders_keys){0};
}

void uploaders_renew(struct uploaders *u)
{
    (void)u;
}

void uploaders_limit(struct uploaders *u, const struct uploaders_limits *limits)
{
    (void)u, (void)limits;
}

void uploaders_flow(const struct uploaders *u, struct uploaders_flow *ret)
{
    (void)u;
    *ret = (struct uploaders_flow){0};
}

void uploaders_counts(const struct uploaders *u, struct uploaders_counts *ret)
{
    (void)u;
    *ret = (struct uploaders_counts){0};
}
