/*
 * The configuration file (libconfig syntax) as checked structs.
 *
 * Every fault of a file is reported, not only the first: file:line, the setting's path, the value
 * found, what would be right.
 */
#ifndef LOCKSTEP_CONF_CONF_H
#define LOCKSTEP_CONF_CONF_H

#include "base/err.h"
#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONF_NAME_MAX   64 /* bytes of a mapping's name: [A-Za-z0-9._-]+ */
#define CONF_SUFFIX_MAX 64 /* bytes of what the names of manifests end with, of the same */

enum conf_mapping_kind { CONF_REPOSITORY, CONF_LISTS };
enum conf_sync { CONF_SYNC_AUTO, CONF_SYNC_ON, CONF_SYNC_OFF };
enum conf_watch { CONF_WATCH_AUTO, CONF_WATCH_INOTIFY, CONF_WATCH_FANOTIFY, CONF_WATCH_SCAN };
enum conf_links { CONF_LINKS_SKIP, CONF_LINKS_STORE };
enum conf_addressing { CONF_ADDRESS_AUTO, CONF_ADDRESS_PATH, CONF_ADDRESS_VIRTUAL };

/* What becomes of the object of a file that is gone. */
enum conf_deletes { CONF_DELETES_REMOVE, CONF_DELETES_TRASH, CONF_DELETES_KEEP };

/* Where the credentials come from. */
enum conf_credentials {
    CONF_CREDENTIALS_AUTO, /* the first source that is set up, in the order of the AWS SDKs */
    CONF_CREDENTIALS_ENVIRONMENT,
    CONF_CREDENTIALS_PROFILE,
    CONF_CREDENTIALS_WEB_IDENTITY,
    CONF_CREDENTIALS_CONTAINER,
    CONF_CREDENTIALS_INSTANCE
};

struct conf_mapping {
    enum conf_mapping_kind kind;
    char *name;
    char *path;            /* absolute, canonical (realpath), no trailing '/' */
    char *given;           /* as the file has it, where that was another; else NULL */
    char *prefix;          /* of keys: "" or ending in '/' */
    char **exclude;        /* patterns, ends with NULL; never NULL itself */
    bool default_exclude;  /* also pass over what editors and tools leave; default true */
    int64_t settle_ms;     /* default 500; 0..3,600,000 */
    int64_t rescan_ms;     /* -1: by kind of file system ("auto", the default), 0: never ("off");
                              written as a duration: "15m", "2h", "30s" */
    enum conf_watch watch; /* how changes are noticed; default CONF_WATCH_AUTO */
    unsigned scan_rate;    /* files and directories a second that scans look at; 0: any number */
    enum conf_sync sync_attributes;
    enum conf_links symlinks;     /* default CONF_LINKS_SKIP */
    uint64_t max_removals;        /* guard: default 200 */
    unsigned max_removal_percent; /* guard: default 5; 0..100 */
    uint64_t max_removals_hourly; /* guard: default 1000 */
    char *marker;                 /* guard: path below the tree; NULL: none */
    enum conf_deletes deletes;    /* default CONF_DELETES_REMOVE */
    size_t repository;            /* CONF_LISTS: index into mappings of the repository */
    /* CONF_LISTS: what stands in place of ".lst" in the names of the manifests that each list has
     * in S3; NULL: it has none. Files of such names are passed over: `exclude` says so. */
    char *manifest;
    char *augmented_manifest;
};

/* What objects carry besides their bytes: one rule of `objects`. */
#define CONF_OBJECTS_MAX 64

struct conf_pair {
    char *name;
    char *value;
};
struct conf_pairs {
    struct conf_pair *items;
    size_t count;
};

/* What becomes of rows whose image is gone, or renamed: one rule of `policies`. The first one that
 * matches a list decides about it; where none does, rows are dropped and follow. */
#define CONF_POLICIES_MAX 64

enum conf_on_remove {
    CONF_REMOVE_DROP,
    CONF_REMOVE_KEEP, /* rows stay and name what is not there */
    CONF_REMOVE_HOLD  /* the removal waits for an operator, and the list meanwhile */
};
enum conf_on_rename { CONF_RENAME_FOLLOW, CONF_RENAME_DROP };

struct conf_policy {
    char **match;   /* patterns of lists' paths, ends with NULL; none: every list */
    char *mapping;  /* NULL: all of lists */
    size_t applies; /* index into mappings; SIZE_MAX: all */
    enum conf_on_remove on_remove;
    enum conf_on_rename on_rename;
    bool reindex;               /* rows are numbered anew where some went */
    char *label_from_directory; /* absolute path of a class map; NULL: labels stay */
};

enum conf_encryption_kind {
    CONF_ENCRYPTION_UNSET, /* not told: the bucket's default */
    CONF_ENCRYPTION_S3,
    CONF_ENCRYPTION_KMS,
    CONF_ENCRYPTION_KMS_TWICE,
    CONF_ENCRYPTION_CUSTOMER
};

struct conf_encryption {
    enum conf_encryption_kind kind;
    char *key;                 /* KMS: its id; NULL: that of the account or the bucket */
    bool bucket_key;           /* KMS */
    struct conf_pairs context; /* KMS */
    char *key_file;            /* CUSTOMER: absolute path of 32 bytes, or of their base64 */
};

struct conf_object {
    char **match;       /* patterns, ends with NULL; none: every path */
    char *mapping;      /* NULL: all */
    size_t applies;     /* index into mappings; SIZE_MAX: all */
    char *content_type; /* these NULL where not set */
    char *content_encoding;
    char *content_disposition;
    char *content_language;
    char *cache_control;
    char *storage_class;
    char *acl;
    struct conf_pairs metadata; /* names in lower case, without "x-amz-meta-" */
    struct conf_pairs tags;
    struct conf_encryption encryption;
};

/* Do signatures cover the SHA-256 of bodies? */
enum conf_payload_signing {
    CONF_PAYLOAD_AUTO, /* where the endpoint is http:// */
    CONF_PAYLOAD_ALWAYS,
    CONF_PAYLOAD_NEVER
};

struct conf_s3 {
    char *bucket;   /* its name, or an access point's ARN */
    char *region;   /* NULL where not set */
    char *endpoint; /* NULL where not set */
    char *profile;  /* NULL where not set */
    char *ca_file;  /* NULL where not set */
    char *proxy;    /* NULL where not set; "none" */
    enum conf_addressing addressing;
    bool fips;                         /* default false: as the environment and the profile say */
    bool dualstack;                    /* the same */
    enum conf_credentials credentials; /* default CONF_CREDENTIALS_AUTO */
    unsigned workers;                  /* default 2 */
    unsigned in_flight;                /* default 64 */
    uint64_t multipart_bytes;          /* default 16 MiB; sizes may be written "16M" */
    uint64_t part_bytes;               /* default 8 MiB, at least 5 MiB */
    char *expected_bucket_owner;       /* an account's id; NULL where not set */
    bool requester_pays;               /* default false */
    bool foreign_attributes;           /* others change what objects carry; default false */
    enum conf_payload_signing payload_signing; /* default CONF_PAYLOAD_AUTO */
    char *trash_prefix;                        /* of keys, ends in '/'; default ".trash/" */
    int64_t trash_retention_ms;                /* default 30 days; 0: for ever ("off") */
};

/* What requests cost, for `plan`. Amounts are in billionths of the currency. */
struct conf_prices {
    char *currency;            /* NULL: nothing is known of prices */
    int64_t put_per_1000;      /* PUT, COPY, POST, LIST */
    int64_t get_per_1000;      /* GET, HEAD */
    int64_t storage_gib_month; /* what is added */
};

/* How fast it may go; 0: as fast as it can. */
struct conf_limits {
    uint64_t mbit;     /* of bodies, 10^6 bits a second */
    uint64_t requests; /* a second */
};

/* Limits of some hours of the local day, in place of the others. */
struct conf_hours {
    char *hours; /* "08-18": from 8:00 until 18:00; "22-06" goes over midnight */
    struct conf_limits limits;
};

/* conf_hours_hold(h, hour): does this hour (0-23) belong to them? Pure. */
bool conf_hours_hold(const struct conf_hours *h, unsigned hour);

struct conf;

/* conf_policy_of(c, mapping, path): the rule that decides about this list; NULL: none does. Pure.
 */
const struct conf_policy *conf_policy_of(const struct conf *c, size_t mapping, const char *path);

enum conf_lock_mode { CONF_LOCK_GOVERNANCE, CONF_LOCK_COMPLIANCE };

/* For how long S3 keeps what it is given of the journal from being changed (Object Lock). */
struct conf_lock {
    enum conf_lock_mode mode;
    unsigned days; /* 0: it does not */
};

/* What is evidence for others: signatures, and what lies out of this host's reach. */
struct conf_journal {
    char *key;             /* absolute path, or a credential's name; NULL: nothing is signed */
    int64_t checkpoint_ms; /* default 60,000; 1,000..3,600,000 */
    char *prefix;          /* of keys, ends in '/': segments and checkpoints go there; NULL: not */
    struct conf_lock lock;
    int64_t retention_ms; /* closed segments older than that go; 0: they stay; >= 1 min */
};

/* What monitoring reads. */
struct conf_metrics {
    char *listen; /* "127.0.0.1:9780", "[::1]:9780": a loopback address alone; NULL: no port */
    char *file;   /* absolute, ends in ".prom"; NULL: no file */
};

struct conf {
    char *file;               /* as given */
    char *state_dir;          /* default /var/lib/lockstep */
    char *journal_dir;        /* default state_dir/journal */
    char *socket;             /* default state_dir/control.sock */
    enum log_level log_level; /* default info */
    struct conf_journal journal;
    struct conf_metrics metrics;
    struct conf_s3 s3;
    struct conf_prices prices;
    struct conf_limits limits;
    struct conf_hours *timetable; /* no hour is in two of them */
    size_t timetable_count;
    struct conf_mapping *mappings; /* repositories first, then lists, each in file order */
    size_t mapping_count;
    struct conf_object *objects; /* in file order */
    size_t object_count;
    struct conf_policy *policies; /* in file order */
    size_t policy_count;
};

/* Faults found, in file order. */
struct conf_faults {
    struct err *items;
    size_t count;
};
void conf_faults_release(struct conf_faults *f);
/* conf_faults_print(f, out): one line a fault. */
void conf_faults_print(const struct conf_faults *f, FILE *out);

#define CONF_DEFAULT_FILE "/etc/lockstep/lockstep.conf"

/*
 * conf_load(file, ret, faults): read and check. 0 with *ret (conf_free), or ERR_SYNTAX with at
 * least one fault. Checks the directories named too (they must exist, be directories, be readable);
 * state_dir is made by the agent, not here. -ENOMEM where there is no memory for it.
 */
int conf_load(const char *file, struct conf **ret, struct conf_faults *faults)
    __attribute__((warn_unused_result));

/* conf_load_apart(file, ret, faults): the same for who only talks to the agent: the trees are not
 * looked at. They may be gone, or on a mount that does not answer. */
int conf_load_apart(const char *file, struct conf **ret, struct conf_faults *faults)
    __attribute__((warn_unused_result));

/* conf_reload(now, ret_anew, faults): read now->file again. If it is right, and differs from *now
 * only in what can be changed while an agent runs (log_level, limits, timetable, prices; of
 * mappings: settle_ms, max_removals, max_removal_percent, max_removals_hourly), that is taken over
 * and pointers to it are void. If it differs in more, *ret_anew (conf_free; else NULL) is what an
 * agent can begin anew with in the same process, and *now stays as it is; its trees were looked at,
 * as conf_load does. Where they may not be (ret_anew NULL) that is a fault, as is what only a new
 * process can take over (state_dir, journal_dir, socket). Returns as conf_load; *now stays as it is
 * then. */
int conf_reload(struct conf *now, struct conf **ret_anew, struct conf_faults *faults)
    __attribute__((warn_unused_result));

/* conf_exchange(a, b): each becomes the other. Pointers into them are void, those to them are not.
 */
void conf_exchange(struct conf *a, struct conf *b);

/* conf_parse(text, file, ret, faults): the same for text, without looking at any directory (for
 * tests and fuzzing; `file` is only for messages). */
int conf_parse(const char *text, const char *file, struct conf **ret, struct conf_faults *faults)
    __attribute__((warn_unused_result));

void conf_free(struct conf *c);

/* conf_print(c, out): what is in force, defaults included, in the file's own syntax. */
void conf_print(const struct conf *c, FILE *out);

#endif
