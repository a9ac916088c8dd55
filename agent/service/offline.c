/* Shell. What commands do with the state directory while no agent runs. */
#include "agent/service/holds.h"
#include "agent/service/index.h"
#include "agent/service/service.h"

#include "base/clock.h"
#include "base/json.h"
#include "journal/journal.h"
#include "uploaders/uploaders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void service_uploaders_options(const struct conf *conf, struct uploaders_options *ret)
{
    static const enum s3_addressing addressing[] = {[CONF_ADDRESS_AUTO] = S3_ADDRESS_AUTO,
                                                    [CONF_ADDRESS_PATH] = S3_ADDRESS_PATH,
                                                    [CONF_ADDRESS_VIRTUAL] = S3_ADDRESS_VIRTUAL};

    static const enum s3_payload_signing signing[] = {[CONF_PAYLOAD_AUTO] = S3_PAYLOAD_AUTO,
                                                      [CONF_PAYLOAD_ALWAYS] = S3_PAYLOAD_ALWAYS,
                                                      [CONF_PAYLOAD_NEVER] = S3_PAYLOAD_NEVER};
    static const enum keys_from from[] = {[CONF_CREDENTIALS_AUTO] = KEYS_AUTO,
                                          [CONF_CREDENTIALS_ENVIRONMENT] = KEYS_ENVIRONMENT,
                                          [CONF_CREDENTIALS_PROFILE] = KEYS_PROFILE,
                                          [CONF_CREDENTIALS_WEB_IDENTITY] = KEYS_WEB_IDENTITY,
                                          [CONF_CREDENTIALS_CONTAINER] = KEYS_CONTAINER,
                                          [CONF_CREDENTIALS_INSTANCE] = KEYS_INSTANCE};

    *ret = (struct uploaders_options){.bucket = conf->s3.bucket,
                                      .region = conf->s3.region,
                                      .endpoint = conf->s3.endpoint,
                                      .addressing = addressing[conf->s3.addressing],
                                      .fips = conf->s3.fips,
                                      .dualstack = conf->s3.dualstack,
                                      .profile = conf->s3.profile,
                                      .keys_from = from[conf->s3.credentials],
                                      .ca_file = conf->s3.ca_file,
                                      .proxy = conf->s3.proxy,
                                      .workers = conf->s3.workers,
                                      .in_flight = conf->s3.in_flight,
                                      .multipart_bytes = conf->s3.multipart_bytes,
                                      .part_bytes = conf->s3.part_bytes,
                                      .expected_owner = conf->s3.expected_bucket_owner,
                                      .requester_pays = conf->s3.requester_pays,
                                      .payload_signing = signing[conf->s3.payload_signing]};
    for (size_t i = 0; i < conf->object_count; i++)
        ret->secret_headers |= conf->objects[i].encryption.kind == CONF_ENCRYPTION_CUSTOMER;
}

/* What the journal's end says. */
struct tail {
    int64_t last_us; /* time of the last record */
    int64_t idle_us; /* of the last moment at which everything was in S3; 0: never */
    bool idle;       /* nothing but marks of start, stop, idle and key came after that */
};

static int tail_read(const char *dir, struct tail *ret, struct err *e)
{
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    int rc = journal_reader_open(dir, 1, &reader, e);

    *ret = (struct tail){0};
    while (rc == 0 && journal_read(reader, &rec, NULL, e) == JOURNAL_READ_RECORD) {
        ret->last_us = rec.time_us;
        if (rec.op == JOURNAL_IDLE) {
            ret->idle_us = rec.time_us;
            ret->idle = true;
        } else if (rec.op != JOURNAL_STOP && rec.op != JOURNAL_START && rec.op != JOURNAL_KEY) {
            ret->idle = false;
        }
    }
    journal_reader_close(reader);
    return rc == -ENOENT ? 0 : rc;
}

/* index_each_held's callback. */
static int count_held(void *arg, const char *key, bool released)
{
    (void)key;
    *(uint64_t *)arg += !released;
    return 0;
}

/* What the state directory tells. */
struct offline {
    struct tail tail;
    uint64_t objects, held;
    const struct conf *conf;
    struct index *index; /* NULL: there is none */
};

/* Held removals of one mapping, and why; false where there are none. */
static bool held_of(const struct offline *o, size_t mapping, uint64_t *ret_count,
                    struct hold_note *ret)
{
    const struct conf_mapping *m = &o->conf->mappings[mapping];

    *ret = (struct hold_note){.why = "held in an earlier run"};
    *ret_count = 0;
    if (!o->index || index_each_held(o->index, m->prefix, count_held, ret_count) || !*ret_count)
        return false;
    (void)!holds_note(o->index, m, ret); /* then it stays unknown */
    return true;
}

/* The answer as JSON. */
static int offline_json(const struct offline *o, struct buf *out)
{
    struct json_writer w;
    struct hold_note n;
    uint64_t count;
    char iso[CLOCK_ISO_SIZE];

    json_begin(&w, out);
    json_object(&w, NULL);
    json_put_bool(&w, "running", false);
    json_put_bool(&w, "in_step", false);
    json_put_bool(&w, "was_in_step", o->tail.idle);
    if (o->tail.idle_us)
        json_put_string(&w, "last_in_step", clock_iso(o->tail.idle_us, iso));
    json_put_int(&w, "objects", (int64_t)o->objects);
    json_put_int(&w, "held", (int64_t)o->held);
    json_array(&w, "holds");
    for (size_t i = 0; i < o->conf->mapping_count; i++) {
        if (!held_of(o, i, &count, &n))
            continue;
        json_object(&w, NULL);
        json_put_string(&w, "mapping", o->conf->mappings[i].name);
        json_put_int(&w, "held", (int64_t)count);
        json_put_string(&w, "held_why", n.why);
        if (n.since_us)
            json_put_string(&w, "held_since", clock_iso(n.since_us, iso));
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    return json_end(&w) ? -ENOMEM : buf_append_byte(out, '\n');
}

/* The answer as text. */
static int offline_text(const struct offline *o, struct buf *out)
{
    char iso[CLOCK_ISO_SIZE];
    struct hold_note n;
    uint64_t count;
    int rc = buf_append_str(out, "no agent is running; what changed since then is not known\n");

    if (rc == 0)
        rc = buf_appendf(out, "last in step: %s%s\n",
                         o->tail.idle_us ? clock_iso(o->tail.idle_us, iso) : "never",
                         o->tail.idle_us && !o->tail.idle ? ", with changes begun after that" : "");
    if (rc == 0)
        rc = buf_appendf(out, "%" PRIu64 " objects known to be in S3\n", o->objects);
    for (size_t i = 0; rc == 0 && i < o->conf->mapping_count; i++)
        if (held_of(o, i, &count, &n))
            rc = holds_lines(out, o->conf->mappings[i].name, count, &n);
    return rc;
}

int service_status_offline(const struct conf *conf, bool json, struct buf *out, struct err *e)
{
    struct offline o = {.conf = conf};
    int rc = tail_read(conf->journal_dir, &o.tail, e);

    if (rc)
        return EXIT_UNREACHED;
    rc = index_open(conf->state_dir, true, &o.index, e);
    if (rc == 0)
        rc = index_count(o.index, "", &o.objects);
    if (rc == 0)
        rc = index_each_held(o.index, "", count_held, &o.held);
    if (rc == -ENOENT)
        *e = (struct err){0}; /* no agent was there yet */
    if (rc == 0 || rc == -ENOENT)
        rc = json ? offline_json(&o, out) : offline_text(&o, out);
    index_close(o.index);
    if (rc)
        return EXIT_UNREACHED;
    return o.held ? EXIT_HELD : EXIT_DIFFERENCES;
}
