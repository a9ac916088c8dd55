/* Cruelty on command: what is armed, and what strikes a request. Shell. */
#include "tests/s3d/fault.h"

#include "base/json.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MS 1000
#define MS_MAX     600000

struct fault {
    struct fault *next;
    struct fault_hit hit;
    char *op;
    char *key;
    char *payload;
    uint64_t count; /* strikes left; UINT64_MAX without end */
    uint64_t skip;
    uint64_t percent;
    uint64_t hits;
};

struct faults {
    pthread_mutex_t lock;
    struct fault *first; /* in the order in which they were armed */
    uint64_t last_id;
    uint64_t random; /* xorshift, from the seed */
};

static const char *const action_names[FAULT_COUNT] = {
    [FAULT_NONE] = "none",
    [FAULT_ERROR] = "error",
    [FAULT_ERROR_APPLIED] = "error-applied",
    [FAULT_ERROR_200] = "error-200",
    [FAULT_RESET] = "reset",
    [FAULT_RESET_AFTER_BODY] = "reset-after-body",
    [FAULT_LOST_REPLY] = "lost-reply",
    [FAULT_STALL] = "stall",
    [FAULT_DELAY] = "delay",
    [FAULT_TRUNCATE] = "truncate",
    [FAULT_DRIP] = "drip",
    [FAULT_WRONG_ETAG] = "wrong-etag",
    [FAULT_NO_CHECKSUM] = "no-checksum",
    [FAULT_UNFRAMED] = "unframed",
    [FAULT_REDIRECT] = "redirect",
};

const char *fault_name(enum fault_action a)
{
    return action_names[a];
}

struct faults *faults_new(uint64_t seed)
{
    struct faults *f = mem_new(sizeof(*f));
    (void)pthread_mutex_init(&f->lock, NULL); /* cannot fail with default attributes */
    f->random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    return f;
}

/* Free one. */
static void fault_free(struct fault *fault)
{
    free(fault->op);
    free(fault->key);
    free(fault->payload);
    free(fault);
}

void faults_free(struct faults *f)
{
    if (!f)
        return;
    faults_clear(f, 0);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

void faults_clear(struct faults *f, uint64_t id)
{
    (void)pthread_mutex_lock(&f->lock);
    struct fault **at = &f->first;
    while (*at) {
        struct fault *fault = *at;
        if (id != 0 && fault->hit.id != id) {
            at = &fault->next;
            continue;
        }
        *at = fault->next;
        fault_free(fault);
    }
    (void)pthread_mutex_unlock(&f->lock);
}

/* The code of that name. */
static bool find_code(const char *name, enum code *ret)
{
    for (int i = CODE_OK + 1; i < CODE_COUNT; i++) {
        if (strcmp(code_name((enum code)i), name) != 0)
            continue;
        *ret = (enum code)i;
        return true;
    }
    return false;
}

/* The action of that name. */
static bool find_action(const char *name, enum fault_action *ret)
{
    for (int i = FAULT_NONE + 1; i < FAULT_COUNT; i++) {
        if (strcmp(action_names[i], name) != 0)
            continue;
        *ret = (enum fault_action)i;
        return true;
    }
    return false;
}

/* A numeric parameter; `ret` keeps its default where it is missing. */
static bool read_number(const struct pairs *p, const char *name, uint64_t max, uint64_t *ret)
{
    const char *text = pairs_get(p, name);
    uint64_t value = *ret;
    if (text && (!text_number(text, &value) || value > max))
        return false;
    *ret = value;
    return true;
}

/* A parameter that is text; "" where it is missing. */
static bool read_text(const struct pairs *p, const char *name, size_t size, char *ret)
{
    const char *text = pairs_get(p, name);
    if (text && strlen(text) >= size)
        return false;
    memcpy(ret, text ? text : "", (text ? strlen(text) : 0) + 1);
    return true;
}

/* Every parameter is one that we know. */
static bool are_known(const struct pairs *p)
{
    static const char known[] = " do op key payload count skip percent ms code status region "
                                "location ";
    for (size_t i = 0; i < p->n; i++) {
        const char *found = strstr(known, p->at[i].name);
        if (!found || found[-1] != ' ' || found[strlen(p->at[i].name)] != ' ')
            return false;
    }
    return true;
}

/* Fill a fault from its parameters; NULL or what is wrong. */
static const char *read_fault(const struct pairs *p, struct fault *fault)
{
    const char *action = pairs_get(p, "do");
    const char *code = pairs_get(p, "code");
    uint64_t status = 0;
    if (!are_known(p))
        return "unknown parameter; known: do op key payload count skip percent ms code status "
               "region location";
    if (!action || !find_action(action, &fault->hit.action))
        return "do: one of error error-applied error-200 reset reset-after-body lost-reply stall "
               "delay truncate drip wrong-etag no-checksum unframed redirect";
    fault->hit.code = fault->hit.action == FAULT_ERROR_200 ? CODE_INTERNAL_ERROR : CODE_SLOW_DOWN;
    if (fault->hit.action == FAULT_REDIRECT)
        fault->hit.code = CODE_TEMPORARY_REDIRECT;
    if (code && !find_code(code, &fault->hit.code))
        return "code: an error code of S3 that this server knows";
    fault->count = 1;
    fault->percent = 100;
    fault->hit.ms = DEFAULT_MS;
    if (!read_number(p, "count", UINT32_MAX, &fault->count) ||
        !read_number(p, "skip", UINT32_MAX, &fault->skip) ||
        !read_number(p, "percent", 100, &fault->percent) ||
        !read_number(p, "ms", MS_MAX, &fault->hit.ms) || !read_number(p, "status", 599, &status) ||
        (status != 0 && status < 300))
        return "count, skip, percent (0-100), ms (to 600000), status (300-599): a number";
    fault->hit.status = status ? (unsigned)status : code_status(fault->hit.code);
    if (fault->count == 0)
        fault->count = UINT64_MAX;
    if (!read_text(p, "region", sizeof(fault->hit.region), fault->hit.region) ||
        !read_text(p, "location", sizeof(fault->hit.location), fault->hit.location))
        return "region, location: too long";
    return NULL;
}

const char *faults_arm(struct faults *f, const struct pairs *parameters, uint64_t *ret_id)
{
    struct fault *fault = mem_new(sizeof(*fault));
    const char *wrong = read_fault(parameters, fault);
    if (wrong) {
        free(fault);
        return wrong;
    }
    const char *op = pairs_get(parameters, "op");
    const char *key = pairs_get(parameters, "key");
    const char *payload = pairs_get(parameters, "payload");
    fault->op = mem_dup(op ? op : "*");
    fault->key = mem_dup(key ? key : "*");
    fault->payload = mem_dup(payload ? payload : "*");
    (void)pthread_mutex_lock(&f->lock);
    *ret_id = fault->hit.id = ++f->last_id;
    struct fault **at = &f->first;
    while (*at)
        at = &(*at)->next;
    *at = fault;
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* True with this probability. */
static bool throw_dice(struct faults *f, uint64_t percent)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 7;
    f->random ^= f->random << 17;
    return percent >= 100 || (f->random >> 11) % 100 < percent;
}

/* Does it fit, and is it its turn? */
static bool strikes(struct faults *f, struct fault *fault, const char *op, const char *key,
                    const char *payload)
{
    if (fault->count == 0 || fnmatch(fault->op, op, 0) != 0 || fnmatch(fault->key, key, 0) != 0 ||
        fnmatch(fault->payload, payload, 0) != 0)
        return false;
    if (fault->skip > 0) {
        fault->skip--;
        return false;
    }
    if (!throw_dice(f, fault->percent))
        return false;
    if (fault->count != UINT64_MAX)
        fault->count--;
    fault->hits++;
    return true;
}

struct fault_hit faults_strike(struct faults *f, const char *op, const char *key,
                               const char *payload)
{
    struct fault_hit hit = {.action = FAULT_NONE};
    (void)pthread_mutex_lock(&f->lock);
    for (struct fault *fault = f->first; fault && hit.action == FAULT_NONE; fault = fault->next)
        if (strikes(f, fault, op, key, payload))
            hit = fault->hit;
    (void)pthread_mutex_unlock(&f->lock);
    return hit;
}

void faults_render(struct faults *f, struct buf *out)
{
    struct json_writer w;
    json_begin(&w, out);
    json_object(&w, NULL);
    json_array(&w, "faults");
    (void)pthread_mutex_lock(&f->lock);
    for (const struct fault *fault = f->first; fault; fault = fault->next) {
        json_object(&w, NULL);
        json_put_int(&w, "id", (int64_t)fault->hit.id);
        json_put_string(&w, "do", action_names[fault->hit.action]);
        json_put_string(&w, "op", fault->op);
        json_put_string(&w, "key", fault->key);
        json_put_string(&w, "payload", fault->payload);
        json_put_int(&w, "hits", (int64_t)fault->hits);
        json_put_bool(&w, "armed", fault->count > 0);
        json_object_end(&w);
    }
    (void)pthread_mutex_unlock(&f->lock);
    json_array_end(&w);
    json_object_end(&w);
    if (json_end(&w) != 0)
        abort();
}
