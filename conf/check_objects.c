/*
 * The rules of what objects carry, held against the mappings and each other. Pure.
 *
 * All rules that match a path apply, so what they set together must be within S3's limits. Which
 * patterns can match one path is not decided here: rules that hold for the same mapping are taken
 * together.
 */
#include "conf/attribute.h"
#include "conf/reading.h"

#include <string.h>
#include <strings.h>

#define OBJECT_FAULT(r, i, name, right, ...)                                                       \
    do {                                                                                           \
        char label_[READING_LABEL_MAX];                                                            \
        (void)snprintf(label_, sizeof(label_), "objects[%zu].%s", (i), (name)); /* fits */         \
        fault_add(&(r)->faults, reading_node_line((r)->object_nodes[i], (name)), label_, (right),  \
                  __VA_ARGS__);                                                                    \
    } while (0)

/* The mapping of a rule, by its name. */
static void check_mapping(struct reading *r, size_t i)
{
    struct conf_object *o = &r->conf->objects[i];
    bool named = false; /* is there any name to choose from? */
    if (o->mapping == NULL)
        return;
    for (size_t j = 0; j < r->conf->mapping_count; j++) {
        const char *name = r->conf->mappings[j].name;
        named = named || name != NULL;
        if (name != NULL && strcmp(name, o->mapping) == 0) {
            o->applies = j;
            return;
        }
    }
    if (named)
        OBJECT_FAULT(r, i, "mapping", "expected the name of a repository or of lists",
                     "\"%s\" is no mapping of this file", o->mapping);
}

/* A line and a label of a setting of the encryption. */
static void encryption_fault(struct reading *r, size_t i, const char *name, const char *right,
                             const char *why)
{
    char label[READING_LABEL_MAX];
    const struct node *group = node_member(r->object_nodes[i], "encryption");
    (void)snprintf(label, sizeof(label), "objects[%zu].encryption.%s", i, name); /* fits */
    fault_add(&r->faults, reading_node_line(group, name), label, right, "%s", why);
}

/* What belongs to one kind of encryption and to no other. */
static void check_encryption(struct reading *r, size_t i)
{
    const struct conf_encryption *e = &r->conf->objects[i].encryption;
    const struct node *group = node_member(r->object_nodes[i], "encryption");
    if (group == NULL || node_kind(group) != NODE_GROUP)
        return;
    const struct node *kind = node_member(group, "kind");
    if (e->kind == CONF_ENCRYPTION_UNSET) {
        if (kind != NULL && node_kind(kind) == NODE_STRING && node_string(kind)[0] == '\0')
            encryption_fault(r, i, "kind", "expected \"s3\", \"kms\", \"kms-dsse\" or \"customer\"",
                             "is empty");
        return;
    }
    bool kms = e->kind == CONF_ENCRYPTION_KMS || e->kind == CONF_ENCRYPTION_KMS_TWICE;
    bool customer = e->kind == CONF_ENCRYPTION_CUSTOMER;
    if (e->key != NULL && !kms)
        encryption_fault(r, i, "key", "leave it out, or kind = \"kms\"", "is of KMS alone");
    if (e->context.count > 0 && !kms)
        encryption_fault(r, i, "context", "leave it out, or kind = \"kms\"", "is of KMS alone");
    if (e->bucket_key && e->kind != CONF_ENCRYPTION_KMS)
        encryption_fault(r, i, "bucket_key", "leave it out, or kind = \"kms\"",
                         "is of kind \"kms\" alone");
    if (e->key_file != NULL && !customer)
        encryption_fault(r, i, "key_file", "leave it out, or kind = \"customer\"",
                         "is of kind \"customer\" alone");
    if (customer && e->key_file == NULL && node_member(group, "key_file") == NULL)
        encryption_fault(r, i, "key_file", "expected the absolute path of a file with the key",
                         "is missing");
}

/* The host of an http endpoint is this machine's own. */
static bool is_loopback(const char *endpoint)
{
    static const char *const hosts[] = {"http://127.", "http://localhost", "http://[::1]"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        size_t n = strlen(hosts[i]);
        if (strncmp(endpoint, hosts[i], n) == 0 && (i == 0 || strchr(":/", endpoint[n]) != NULL))
            return true;
    }
    return false;
}

/* A key of the customer's goes in a header: over TLS alone. */
static void check_channel(struct reading *r, size_t i)
{
    const char *endpoint = r->conf->s3.endpoint;
    if (r->conf->objects[i].encryption.kind != CONF_ENCRYPTION_CUSTOMER || endpoint == NULL ||
        strncmp(endpoint, "https:", 6) == 0 || is_loopback(endpoint))
        return;
    encryption_fault(r, i, "kind", "expected an endpoint with https://",
                     "\"customer\" would send its key over plain http");
}

/* What several rules set together. */
struct sum {
    const struct conf_object *rules[CONF_OBJECTS_MAX];
    size_t count;
};

/* How many bytes the largest value of this name has among the rules up to `upto`, where `first` is
 * the first that sets it; false where another rule before did. */
static bool is_counted(const struct sum *s, size_t rule, size_t pair, bool tags, size_t *ret_bytes)
{
    const struct conf_pairs *own = tags ? &s->rules[rule]->tags : &s->rules[rule]->metadata;
    const char *name = own->items[pair].name;
    size_t most = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct conf_pairs *p = tags ? &s->rules[i]->tags : &s->rules[i]->metadata;
        for (size_t k = 0; k < p->count; k++) {
            if (strcmp(p->items[k].name, name) != 0)
                continue;
            if (i < rule)
                return false;
            size_t n = strlen(p->items[k].value);
            most = n > most ? n : most;
        }
    }
    *ret_bytes = strlen(name) + most;
    return true;
}

/* Names, and bytes of names and values, that an object may get. */
static void add_up(const struct sum *s, bool tags, size_t *ret_names, size_t *ret_bytes)
{
    *ret_names = *ret_bytes = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct conf_pairs *p = tags ? &s->rules[i]->tags : &s->rules[i]->metadata;
        for (size_t k = 0; k < p->count; k++) {
            size_t bytes;
            if (!is_counted(s, i, k, tags, &bytes))
                continue;
            *ret_names += 1;
            *ret_bytes += bytes;
        }
    }
}

/* The limits of S3 hold for all rules of a mapping together; `last` is the last of them. */
static void check_sum(struct reading *r, const struct sum *s, size_t last)
{
    size_t names, bytes;
    add_up(s, true, &names, &bytes);
    if (names > ATTRIBUTE_TAGS_MANY)
        OBJECT_FAULT(r, last, "tags", "at most 10 tags over all rules of a mapping",
                     "an object may get %zu tags", names);
    add_up(s, false, &names, &bytes);
    if (bytes > ATTRIBUTE_METADATA_MAX)
        OBJECT_FAULT(r, last, "metadata",
                     "at most 1920 bytes over all rules of a mapping: S3's 2 KB less the POSIX "
                     "properties",
                     "an object may get %zu bytes of names and values", bytes);
    else if (names > ATTRIBUTE_METADATA_MANY)
        OBJECT_FAULT(r, last, "metadata", "at most 24 names over all rules of a mapping",
                     "an object may get %zu names of metadata", names);
}

/* The sums of every mapping; each fault once. */
static void check_sums(struct reading *r)
{
    for (size_t m = 0; m < r->conf->mapping_count; m++) {
        struct sum s = {.count = 0};
        size_t last = 0, found = r->faults.found;
        for (size_t i = 0; i < r->conf->object_count; i++) {
            const struct conf_object *o = &r->conf->objects[i];
            if (o->applies != SIZE_MAX ? o->applies != m : o->mapping != NULL)
                continue;
            s.rules[s.count++] = o;
            last = i;
        }
        if (s.count > 0)
            check_sum(r, &s, last);
        if (r->faults.found != found)
            return;
    }
}

void reading_check_objects(struct reading *r)
{
    if (r->conf->objects == NULL || r->object_nodes == NULL)
        return;
    for (size_t i = 0; i < r->conf->object_count; i++) {
        check_mapping(r, i);
        check_encryption(r, i);
        check_channel(r, i);
    }
    check_sums(r);
}
