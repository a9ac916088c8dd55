/* Shell. Mending what a verification found. See repair.h. */
#include "agent/service/repair.h"

#include "agent/service/agent.h"

#include "base/clock.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX    65536
#define BUSY          "busy"
#define BUSY_PAUSE_MS 100
#define BUSY_TIMES    6000 /* ten minutes */

static const char *const words[] = {
    [REPAIR_NONE] = "none", [REPAIR_TOUCH] = "touch", [REPAIR_PUT] = "put",
    [REPAIR_META] = "meta", [REPAIR_EXTRA] = "extra",
};

int repair_index(struct index *ix, const struct repair *r, bool *ret_new)
{
    struct index_entry e;
    struct known k = {.flags = KNOWN_UNCERTAIN, .size = r->size};
    int rc = index_get(ix, r->key, &e);

    *ret_new = false;
    if (rc && rc != -ENOENT)
        return rc;
    if (r->what == REPAIR_EXTRA && rc == -ENOENT) {
        k.flags |= KNOWN_LEAVING; /* that very object, not what comes after it */
        snprintf(k.etag, sizeof k.etag, "%s", r->etag);
        return index_put(ix, r->key, &k, ret_new);
    }
    if (rc == -ENOENT || strcmp(e.known.etag, r->etag) != 0)
        return 0;
    if (r->what == REPAIR_PUT) {
        e.known.flags |= KNOWN_UNCERTAIN;
        return index_put(ix, r->key, &e.known, NULL);
    }
    if (r->what != REPAIR_META)
        return 0;
    e.known.mode = r->posix.mode;
    e.known.uid = r->posix.uid;
    e.known.gid = r->posix.gid;
    e.known.mtime_ns = r->posix.mtime_ns;
    return index_put(ix, r->key, &e.known, NULL);
}

/* The request's line. */
static int encode(const struct repair *r, struct buf *out)
{
    struct json_writer w;

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_string(&w, "cmd", "repair");
    json_put_string(&w, "key", r->key);
    json_put_string(&w, "what", words[r->what]);
    json_put_string(&w, "etag", r->etag);
    json_put_int(&w, "size", (int64_t)r->size);
    json_put_int(&w, "mode", r->posix.mode);
    json_put_int(&w, "uid", r->posix.uid);
    json_put_int(&w, "gid", r->posix.gid);
    json_put_int(&w, "mtime_ns", r->posix.mtime_ns);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

int repair_send(const struct conf *conf, const struct repair *r)
{
    struct timespec pause = {.tv_nsec = BUSY_PAUSE_MS * INT64_C(1000000)};
    struct buf request, answer;
    int status = 0, rc;
    bool busy = true;

    buf_init(&request, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    rc = encode(r, &request);
    for (int i = 0; rc == 0 && busy && i < BUSY_TIMES; i++) {
        answer.len = 0;
        rc = control_call(conf, request.data, &answer, &status);
        busy = rc == 0 && answer.len >= sizeof BUSY && memcmp(answer.data, BUSY, 4) == 0;
        if (busy)
            (void)nanosleep(&pause, NULL); /* a signal shortens it, which does no harm */
    }
    buf_release(&request);
    buf_release(&answer);
    return rc ? rc : busy ? -EBUSY : status ? ERR_REFUSED : 0;
}

void repair_ask(const struct conf *conf, const char *key, char *out, size_t size)
{
    struct json_writer w;
    struct buf request, answer;
    int status = 0, rc;

    out[0] = '\0';
    buf_init(&request, ANSWER_MAX);
    buf_init(&answer, ANSWER_MAX);
    json_begin(&w, &request);
    json_object(&w, NULL);
    json_put_string(&w, "cmd", "why");
    json_put_string(&w, "key", key);
    json_object_end(&w);
    rc = json_end(&w);
    if (rc == 0)
        rc = buf_append_byte(&request, '\n');
    if (rc == 0)
        rc = control_call(conf, request.data, &answer, &status);
    if (rc == 0 && status == 0 && answer.len)
        snprintf(out, size, "%.*s", (int)strcspn(answer.data, "\n"), answer.data);
    buf_release(&request);
    buf_release(&answer);
}

/* The mapping that a key belongs to, or NULL. */
static struct mapping *mapping_of(struct agent *a, const char *key)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (strncmp(key, a->mappings[i].conf->prefix, a->mappings[i].prefix_len) == 0 &&
            path_check(key + a->mappings[i].prefix_len) == 0 && key[a->mappings[i].prefix_len])
            return &a->mappings[i];
    return NULL;
}

/* The word for what is to be mended. */
static enum differ_repair repair_of(const char *word)
{
    for (int i = REPAIR_TOUCH; i <= REPAIR_EXTRA; i++)
        if (strcmp(word, words[i]) == 0)
            return (enum differ_repair)i;
    return REPAIR_NONE;
}

int repair_request(struct agent *a, const struct request *r, struct buf *out)
{
    struct mapping *m = mapping_of(a, r->key);
    struct repair mend = {.key = r->key,
                          .what = repair_of(r->what),
                          .etag = r->etag,
                          .size = r->size,
                          .posix = {r->mode, r->uid, r->gid, r->mtime_ns}};
    bool is_new = false;

    if (!m || mend.what == REPAIR_NONE)
        return buf_appendf(out,
                           "%d\nno path of any mapping has this key, or nothing is to be "
                           "mended\n",
                           EXIT_USAGE);
    if (!intake_has_room(a))
        return buf_appendf(out, "%d\n" BUSY "\n", EXIT_UNREACHED);
    if (mend.what == REPAIR_PUT && manifests_mend(a, m, r->key))
        return buf_appendf(out, "%d\ntaken\n", EXIT_IN_STEP);
    if (repair_index(a->index, &mend, &is_new))
        agent_fail(a, -EIO, "writing the index");
    m->indexed += is_new;
    agent_dirty(a);
    intake_touch_key(a, m->id, r->key, JOURNAL_SRC_OPERATOR, m->conf->settle_ms);
    return buf_appendf(out, "%d\ntaken\n", EXIT_IN_STEP);
}

/* What an item waits for. */
static const char *waits_for(const struct item *it)
{
    switch (it->state) {
    case ITEM_SETTLING:
    case ITEM_OBSERVING:
    case ITEM_OBSERVED:
    case ITEM_HASHING:
        return "the agent is looking at it";
    case ITEM_CHECKING:
    case ITEM_WAITING:
        return "the list waits for its images";
    case ITEM_READY:
    case ITEM_FLYING:
    case ITEM_CLAIMED:
        return "it is on its way";
    case ITEM_GONE:
    case ITEM_LISTING:
    case ITEM_BARRIER:
    case ITEM_DELETING:
        return "its removal is on its way, behind the lists that named it";
    case ITEM_RETRY:
    case ITEM_REFUSED:
    case ITEM_STATE_COUNT:
        break;
    }
    return "it failed";
}

int repair_why(struct agent *a, const struct request *r, struct buf *out)
{
    const struct item *it = pending_find(a->pending, r->key);
    char iso[CLOCK_ISO_SIZE];
    int64_t since_us;

    if (!it)
        return buf_appendf(out, "%d\n", EXIT_IN_STEP);
    since_us = a->real_us - (a->now_ms - it->since_ms) * US_PER_MS;
    if (it->failures && it->why)
        return buf_appendf(out, "%d\nfailing since %s, %u times: %s\n", EXIT_IN_STEP,
                           clock_iso(since_us, iso), it->failures, it->why);
    return buf_appendf(out, "%d\n%s since %s%s%s\n", EXIT_IN_STEP, waits_for(it),
                       clock_iso(since_us, iso), it->why ? ": " : "", it->why ? it->why : "");
}
