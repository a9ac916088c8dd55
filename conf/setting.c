/* The tables of settings. Pure. */
#include "conf/setting.h"

#include "conf/attribute.h"
#include "conf/value.h"

#include <string.h>

/* Choices and counts are stored through these types. */
_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum conf_addressing) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum conf_payload_signing) == sizeof(unsigned), "the same");
_Static_assert(sizeof(enum conf_links) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum conf_watch) == sizeof(unsigned), "choices are stored as unsigned");

_Static_assert(sizeof(enum conf_deletes) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum conf_lock_mode) == sizeof(unsigned), "choices are stored as unsigned");

#define MIB (1ll << 20)
#define GIB (1ll << 30)

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const syncs[] = {"auto", "on", "off", NULL}; /* enum conf_sync */
_Static_assert(sizeof(enum conf_credentials) == sizeof(unsigned), "choices are stored as unsigned");
static const char *const credentials[] = {"auto",      "environment", "profile", "web-identity",
                                          "container", "instance",    NULL};
static const char *const addressings[] = {"auto", "path", "virtual", NULL};
static const char *const payload_signings[] = {"auto", "always", "never", NULL};
static const char *const links[] = {"skip", "store", NULL}; /* enum conf_links */
static const char *const watches[] = {"auto", "inotify", "fanotify", "scan", NULL};

static const char *const lock_modes[] = {"governance", "compliance", NULL};
static const char *const deletes[] = {"remove", "trash", "keep", NULL}; /* enum conf_deletes */

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const struct setting top[] = {
    {.name = "state_dir",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf, state_dir),
     .fallback = "/var/lib/lockstep",
     .normal = value_tree,
     .right = "an absolute path outside the watched trees",
     .help = "index, journal and control socket; on a local disk"},
    {.name = "journal_dir",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf, journal_dir),
     .normal = value_tree,
     .right = "an absolute path outside the watched trees",
     .help = "the change journal; default: journal below state_dir"},
    {.name = "socket",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf, socket),
     .normal = value_socket,
     .right = "an absolute path of at most 107 bytes",
     .help = "control socket of the agent; default: control.sock below state_dir"},
    {.name = "log_level",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf, log_level),
     .fallback = "info",
     .words = log_levels,
     .right = "\"error\", \"warning\", \"info\" or \"debug\"",
     .help = "lines above this level are not logged"},
    {.name = "journal",
     .kind = SETTING_GROUP,
     .right = "a group: journal: { key = \"...\"; };",
     .help = "how the journal is signed, and kept out of this host's reach"},
    {.name = "metrics",
     .kind = SETTING_GROUP,
     .right = "a group: metrics: { listen = \"127.0.0.1:9780\"; };",
     .help = "where monitoring finds its figures"},
    {.name = "s3",
     .kind = SETTING_GROUP,
     .required = true,
     .right = "a group: s3: { bucket = \"...\"; };",
     .help = "where the copies go"},
    {.name = "prices",
     .kind = SETTING_GROUP,
     .right = "a group: prices: { currency = \"USD\"; put_per_1000 = 0.005; };",
     .help = "what requests cost, for lockstep plan"},
    {.name = "limits",
     .kind = SETTING_GROUP,
     .right = "a group: limits: { mbit = 200; };",
     .help = "how fast it may go"},
    {.name = "timetable",
     .kind = SETTING_LIST,
     .max = 24,
     .right = "a list of groups: timetable = ( { hours = \"08-18\"; mbit = 50; } );",
     .help = "other limits at some hours of the day"},
    {.name = "repositories",
     .kind = SETTING_LIST,
     .required = true,
     .right = "a list of groups: repositories = ( { name = \"...\"; path = \"...\"; } );",
     .help = "trees of images"},
    {.name = "lists",
     .kind = SETTING_LIST,
     .right = "a list of groups: lists = ( { name = \"...\"; path = \"...\"; "
              "repository = \"...\"; } );",
     .help = "trees of .lst files"},
    {.name = "objects",
     .kind = SETTING_LIST,
     .right =
         "a list of groups: objects = ( { match = ( \"*.png\" ); cache_control = \"...\"; } );",
     .help = "what objects carry besides their bytes"},
    {.name = "policies",
     .kind = SETTING_LIST,
     .right =
         "a list of groups: policies = ( { match = ( \"val.lst\" ); on_remove = \"hold\"; } );",
     .help = "what becomes of rows when images are removed or renamed"},
};

static const struct setting journal[] = {
    {.name = "key",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_journal, key),
     .normal = value_secret,
     .right = "the absolute path of a file that \"lockstep journal key new\" has made, or the name "
              "of a credential that systemd hands over",
     .help = "the private key that signs checkpoints"},
    {.name = "checkpoint_ms",
     .kind = SETTING_MS,
     .offset = offsetof(struct conf_journal, checkpoint_ms),
     .fallback = "60000",
     .min = 1000,
     .max = 3600000,
     .right = "milliseconds from 1000 to 3600000",
     .help = "from one checkpoint to the next, while something happens"},
    {.name = "prefix",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_journal, prefix),
     .normal = value_trash,
     .right = "1 to 512 bytes such as \"journal/\", no '/' at the beginning",
     .help = "where closed segments and checkpoints go in the bucket; default: nowhere"},
    {.name = "lock",
     .kind = SETTING_GROUP,
     .right = "a group: lock: { mode = \"compliance\"; days = 365; };",
     .help = "for how long nobody can change them there (S3 Object Lock)"},
    {.name = "retention",
     .kind = SETTING_RESCAN,
     .offset = offsetof(struct conf_journal, retention_ms),
     .fallback = "off",
     .min = 60000,
     .max = 36500LL * 86400000,
     .right = "\"off\" or a duration from \"1m\" to \"36500d\" such as \"400d\"",
     .help = "how long closed segments stay on this host; those of a prefix only once S3 has them"},
};

static const struct setting metrics[] = {
    {.name = "listen",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_metrics, listen),
     .normal = value_listen,
     .right = "a loopback address and a port such as \"127.0.0.1:9780\" or \"[::1]:9780\"",
     .help = "where Prometheus may scrape; default: no port is opened"},
    {.name = "file",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_metrics, file),
     .normal = value_prom,
     .right = "an absolute path outside the watched trees that ends in \".prom\"",
     .help = "for the node exporter's textfile collector, every 15 s; default: no file"},
};

static const struct setting lock[] = {
    {.name = "mode",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_lock, mode),
     .required = true,
     .words = lock_modes,
     .right = "\"governance\" or \"compliance\"",
     .help = "whether those with the right to may lift it, or nobody"},
    {.name = "days",
     .kind = SETTING_COUNT_32,
     .offset = offsetof(struct conf_lock, days),
     .required = true,
     .min = 1,
     .max = 36500,
     .right = "a whole number from 1 to 36500",
     .help = "for how long, from the upload on"},
};

#define PRICE_MAX (1000000LL * 1000000000) /* a million of any currency */
#define PRICE(member, clause)                                                                      \
    {                                                                                              \
        .name = #member, .kind = SETTING_PRICE, .offset = offsetof(struct conf_prices, member),    \
        .fallback = "0", .max = PRICE_MAX,                                                         \
        .right = "a decimal number from 0 to 1000000 such as 0.005", .help = (clause)              \
    }

static const struct setting prices[] = {
    {.name = "currency",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_prices, currency),
     .required = true,
     .normal = value_profile,
     .right = "the currency's name such as \"USD\"",
     .help = "the currency of the prices"},
    PRICE(put_per_1000, "of 1,000 PUT, COPY, POST or LIST requests"),
    PRICE(get_per_1000, "of 1,000 GET or HEAD requests"),
    PRICE(storage_gib_month, "of a GiB stored for a month"),
};

static const struct setting s3[] = {
    {.name = "bucket",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, bucket),
     .required = true,
     .normal = value_bucket,
     .right = "3 to 63 lower-case letters, digits, '.' and '-', as S3 allows for buckets, or an "
              "access point's ARN",
     .help = "the bucket, or an access point's ARN"},
    {.name = "region",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, region),
     .normal = value_region,
     .right = "a region's name such as \"eu-central-1\"",
     .help = "its region; default: from the environment, the profile, else us-east-1"},
    {.name = "endpoint",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, endpoint),
     .normal = value_endpoint,
     .right = "http[s]://host[:port]",
     .help = "another server than Amazon's"},
    {.name = "addressing",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_s3, addressing),
     .fallback = "auto",
     .words = addressings,
     .right = "\"auto\", \"path\" or \"virtual\"",
     .help = "how a request names the bucket"},
    {.name = "fips",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_s3, fips),
     .fallback = "false",
     .right = "true or false",
     .help = "Amazon's FIPS endpoints; also by AWS_USE_FIPS_ENDPOINT or the profile"},
    {.name = "dualstack",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_s3, dualstack),
     .fallback = "false",
     .right = "true or false",
     .help = "Amazon's endpoints with IPv6; also by AWS_USE_DUALSTACK_ENDPOINT or the profile"},
    {.name = "profile",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, profile),
     .normal = value_profile,
     .right = "a profile's name from the AWS configuration files",
     .help = "whose credentials; default: AWS_PROFILE, else \"default\""},
    {.name = "credentials",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_s3, credentials),
     .fallback = "auto",
     .words = credentials,
     .right = "\"auto\", \"environment\", \"profile\", \"web-identity\", \"container\" or "
              "\"instance\"",
     .help = "where the credentials come from"},
    {.name = "ca_file",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, ca_file),
     .normal = value_tree,
     .right = "the absolute path of a PEM file",
     .help = "certificates to trust in place of the system's"},
    {.name = "proxy",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, proxy),
     .normal = value_proxy,
     .right = "http[s]://host[:port], or \"none\"",
     .help = "the way to S3 and STS; default: HTTPS_PROXY, http_proxy, NO_PROXY"},
    {.name = "workers",
     .kind = SETTING_COUNT_32,
     .offset = offsetof(struct conf_s3, workers),
     .fallback = "2",
     .min = 1,
     .max = 64,
     .right = "a whole number from 1 to 64",
     .help = "threads that transfer"},
    {.name = "in_flight",
     .kind = SETTING_COUNT_32,
     .offset = offsetof(struct conf_s3, in_flight),
     .fallback = "64",
     .min = 1,
     .max = 1024,
     .right = "a whole number from 1 to 1024",
     .help = "requests at once, over all workers"},
    {.name = "multipart_size",
     .kind = SETTING_SIZE,
     .offset = offsetof(struct conf_s3, multipart_bytes),
     .fallback = "16M",
     .min = 5 * MIB,
     .max = 5 * GIB,
     .right = "a size from \"5M\" to \"5G\"",
     .help = "files from this size on go up in parts"},
    {.name = "part_size",
     .kind = SETTING_SIZE,
     .offset = offsetof(struct conf_s3, part_bytes),
     .fallback = "8M",
     .min = 5 * MIB,
     .max = 5 * GIB,
     .right = "a size from \"5M\" to \"5G\"",
     .help = "of one part"},
    {.name = "expected_bucket_owner",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, expected_bucket_owner),
     .normal = value_account,
     .right = "the id of an AWS account: 12 digits, in quotes",
     .help = "requests fail where the bucket is another account's"},
    {.name = "requester_pays",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_s3, requester_pays),
     .fallback = "false",
     .right = "true or false",
     .help = "we pay for requests to a bucket of others that asks for it"},
    {.name = "foreign_attributes",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_s3, foreign_attributes),
     .fallback = "false",
     .right = "true or false",
     .help = "others change what our objects carry, so each rename asks first"},
    {.name = "payload_signing",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_s3, payload_signing),
     .fallback = "auto",
     .words = payload_signings,
     .right = "\"auto\", \"always\" or \"never\"",
     .help = "whether signatures cover bodies; \"auto\": over plain HTTP"},
    {.name = "trash_prefix",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_s3, trash_prefix),
     .fallback = ".trash/",
     .normal = value_trash,
     .right = "1 to 512 bytes such as \".trash/\", no '/' at the beginning",
     .help = "what the keys of objects in the trash begin with"},
    {.name = "trash_retention",
     .kind = SETTING_RESCAN,
     .offset = offsetof(struct conf_s3, trash_retention_ms),
     .fallback = "30d",
     .min = 60000,
     .max = 36500LL * 86400000,
     .right = "\"off\" or a duration from \"1m\" to \"36500d\" such as \"30d\"",
     .help = "how long objects stay in the trash"},
};

/* Of limits, and of each row of the timetable. */
#define LIMIT_SETTINGS(type, at)                                                                   \
    {.name = "mbit",                                                                               \
     .kind = SETTING_COUNT,                                                                        \
     .offset = offsetof(type, at mbit),                                                            \
     .fallback = "0",                                                                              \
     .min = 0,                                                                                     \
     .max = 1000000,                                                                               \
     .right = "a whole number from 0 to 1000000; 0: any number",                                   \
     .help = "millions of bits of contents a second"},                                             \
    {                                                                                              \
        .name = "requests", .kind = SETTING_COUNT, .offset = offsetof(type, at requests),          \
        .fallback = "0", .min = 0, .max = 1000000,                                                 \
        .right = "a whole number from 0 to 1000000; 0: any number", .help = "requests a second"    \
    }

static const struct setting limits[] = {LIMIT_SETTINGS(struct conf_limits, )};

static const struct setting timetable[] = {
    {.name = "hours",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_hours, hours),
     .required = true,
     .normal = value_hours,
     .right = "two whole hours of the day such as \"08-18\" or \"22-06\"",
     .help = "from the first to the second, by the local clock"},
    LIMIT_SETTINGS(struct conf_hours, limits.),
};

/* What images and lists have in common. */
#define MAPPING_SETTINGS                                                                           \
    {.name = "name",                                                                               \
     .kind = SETTING_TEXT,                                                                         \
     .offset = offsetof(struct conf_mapping, name),                                                \
     .required = true,                                                                             \
     .normal = value_name,                                                                         \
     .right = "1 to 64 letters, digits, '.', '_' and '-', a letter or digit first",                \
     .help = "how journal, status and commands call this mapping"},                                \
        {.name = "path",                                                                           \
         .kind = SETTING_TEXT,                                                                     \
         .offset = offsetof(struct conf_mapping, path),                                            \
         .required = true,                                                                         \
         .normal = value_tree,                                                                     \
         .right = "the absolute path of a directory",                                              \
         .help = "the tree that is watched"},                                                      \
        {.name = "prefix",                                                                         \
         .kind = SETTING_TEXT,                                                                     \
         .offset = offsetof(struct conf_mapping, prefix),                                          \
         .fallback = "",                                                                           \
         .normal = value_prefix,                                                                   \
         .right = "at most 512 bytes such as \"images/\", no '/' at the beginning",                \
         .help = "what the keys of its objects begin with"},                                       \
        {.name = "settle_ms",                                                                      \
         .kind = SETTING_MS,                                                                       \
         .offset = offsetof(struct conf_mapping, settle_ms),                                       \
         .fallback = "500",                                                                        \
         .min = 0,                                                                                 \
         .max = 3600000,                                                                           \
         .right = "a whole number of milliseconds from 0 to 3600000",                              \
         .help = "how long a file must have been left alone before it is read"},                   \
        {.name = "rescan",                                                                         \
         .kind = SETTING_RESCAN,                                                                   \
         .offset = offsetof(struct conf_mapping, rescan_ms),                                       \
         .fallback = "auto",                                                                       \
         .min = 1000,                                                                              \
         .max = 30ll * 86400000,                                                                   \
         .right = "\"auto\", \"off\" or a duration from \"1s\" to \"30d\" such as \"15m\"",        \
         .help = "how often the whole tree is listed again"},                                      \
        {.name = "watch",                                                                          \
         .kind = SETTING_CHOICE,                                                                   \
         .offset = offsetof(struct conf_mapping, watch),                                           \
         .fallback = "auto",                                                                       \
         .words = watches,                                                                         \
         .right = "\"auto\", \"inotify\", \"fanotify\" or \"scan\"",                               \
         .help = "how changes are noticed"},                                                       \
        {.name = "scan_rate",                                                                      \
         .kind = SETTING_COUNT_32,                                                                 \
         .offset = offsetof(struct conf_mapping, scan_rate),                                       \
         .fallback = "0",                                                                          \
         .min = 0,                                                                                 \
         .max = 1000000000,                                                                        \
         .right = "a whole number from 0 to 1000000000; 0: any number",                            \
         .help = "how many files and directories scans look at a second"},                         \
        {.name = "sync_attributes",                                                                \
         .kind = SETTING_CHOICE,                                                                   \
         .offset = offsetof(struct conf_mapping, sync_attributes),                                 \
         .fallback = "auto",                                                                       \
         .words = syncs,                                                                           \
         .right = "\"auto\", \"on\" or \"off\"",                                                   \
         .help = "whether scans ask a network file system's server for each file"},                \
        {.name = "symlinks",                                                                       \
         .kind = SETTING_CHOICE,                                                                   \
         .offset = offsetof(struct conf_mapping, symlinks),                                        \
         .fallback = "skip",                                                                       \
         .words = links,                                                                           \
         .right = "\"skip\" or \"store\"",                                                         \
         .help = "whether symbolic links are stored, as objects that hold their target"},          \
        {.name = "exclude",                                                                        \
         .kind = SETTING_PATTERNS,                                                                 \
         .offset = offsetof(struct conf_mapping, exclude),                                         \
         .max = 256,                                                                               \
         .normal = value_pattern,                                                                  \
         .right = "a list of at most 256 patterns: ( \"*.tmp\", \"drafts/**\" )",                  \
         .help = "patterns of what is passed over"},                                               \
        {.name = "default_exclude",                                                                \
         .kind = SETTING_FLAG,                                                                     \
         .offset = offsetof(struct conf_mapping, default_exclude),                                 \
         .fallback = "true",                                                                       \
         .right = "true or false",                                                                 \
         .help = "also pass over what editors and tools leave behind"},                            \
        {.name = "max_removals",                                                                   \
         .kind = SETTING_COUNT,                                                                    \
         .offset = offsetof(struct conf_mapping, max_removals),                                    \
         .fallback = "200",                                                                        \
         .min = 0,                                                                                 \
         .max = 1000000000000ll,                                                                   \
         .right = "a whole number from 0 to 1000000000000",                                        \
         .help = "removals at once that need no release, or max_removal_percent if that is more"}, \
        {.name = "deletes",                                                                        \
         .kind = SETTING_CHOICE,                                                                   \
         .offset = offsetof(struct conf_mapping, deletes),                                         \
         .fallback = "remove",                                                                     \
         .words = deletes,                                                                         \
         .right = "\"remove\", \"trash\" or \"keep\"",                                             \
         .help = "what becomes of the object of a file that is gone"},                             \
        {.name = "max_removals_hourly",                                                            \
         .kind = SETTING_COUNT,                                                                    \
         .offset = offsetof(struct conf_mapping, max_removals_hourly),                             \
         .fallback = "1000",                                                                       \
         .min = 0,                                                                                 \
         .max = 1000000000000ll,                                                                   \
         .right = "a whole number from 0 to 1000000000000",                                        \
         .help = "removals within an hour that need no release, or what may go at once"},          \
        {.name = "marker",                                                                         \
         .kind = SETTING_TEXT,                                                                     \
         .offset = offsetof(struct conf_mapping, marker),                                          \
         .normal = value_marker,                                                                   \
         .right = "the path of a file below the tree: \".lockstep-marker\"",                       \
         .help = "a file of yours; removals are held when it is gone or another"},                 \
    {                                                                                              \
        .name = "max_removal_percent", .kind = SETTING_COUNT_32,                                   \
        .offset = offsetof(struct conf_mapping, max_removal_percent), .fallback = "5", .min = 0,   \
        .max = 100, .right = "a whole number from 0 to 100",                                       \
        .help = "the same as a share of what is known of the tree"                                 \
    }

static const struct setting repositories[] = {MAPPING_SETTINGS};

#define SUFFIX_RIGHT                                                                               \
    "what stands in place of .lst, such as \".manifest\": 1 to 64 letters, digits, '.', '_' and "  \
    "'-', other than .lst at either end"

static const struct setting lists[] = {
    MAPPING_SETTINGS,
    {.name = "repository",
     .kind = SETTING_REFERENCE,
     .offset = offsetof(struct conf_mapping, repository),
     .required = true,
     .normal = value_name,
     .right = "the name of one of the repositories",
     .help = "the images that the paths in these lists are relative to"},
    {.name = "manifest",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_mapping, manifest),
     .normal = value_suffix,
     .right = SUFFIX_RIGHT,
     .help = "each list has a manifest file beside it in S3, with this in place of .lst"},
    {.name = "augmented_manifest",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_mapping, augmented_manifest),
     .normal = value_suffix,
     .right = SUFFIX_RIGHT,
     .help = "the same for an augmented manifest, which has the labels, too"},
};

const struct setting_table setting_top = {top, COUNT_OF(top)};
const struct setting_table setting_s3 = {s3, COUNT_OF(s3)};
const struct setting_table setting_prices = {prices, COUNT_OF(prices)};
const struct setting_table setting_journal = {journal, COUNT_OF(journal)};
const struct setting_table setting_metrics = {metrics, COUNT_OF(metrics)};
const struct setting_table setting_lock = {lock, COUNT_OF(lock)};
const struct setting_table setting_limits = {limits, COUNT_OF(limits)};
const struct setting_table setting_timetable = {timetable, COUNT_OF(timetable)};
const struct setting_table setting_repositories = {repositories, COUNT_OF(repositories)};
const struct setting_table setting_lists = {lists, COUNT_OF(lists)};

const struct setting *setting_find(const struct setting_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->items[i].name, name) == 0)
            return &t->items[i];
    }
    return NULL;
}

const struct setting *setting_nearest(const struct setting_table *t, const char *name)
{
    const struct setting *best = NULL;
    size_t best_distance = 4; /* further apart than three edits is another word */
    for (size_t i = 0; i < t->count; i++) {
        size_t d = value_distance(name, t->items[i].name);
        if (d < best_distance && d < strlen(t->items[i].name)) {
            best = &t->items[i];
            best_distance = d;
        }
    }
    return best;
}

const char *setting_home(const char *name)
{
    if (setting_find(&setting_top, name) != NULL)
        return "the top of the file";
    if (setting_find(&setting_s3, name) != NULL)
        return "s3";
    if (setting_find(&setting_prices, name) != NULL)
        return "prices";
    if (setting_find(&setting_limits, name) != NULL)
        return "limits";
    if (setting_find(&setting_timetable, name) != NULL)
        return "timetable";
    if (setting_find(&setting_repositories, name) != NULL)
        return "repositories";
    if (setting_find(&setting_lists, name) != NULL)
        return "lists";
    if (setting_find(&setting_journal, name) != NULL)
        return "journal"; /* behind those above: they have a prefix, too */
    if (setting_find(&setting_lock, name) != NULL)
        return "journal.lock";
    if (setting_find(&setting_metrics, name) != NULL)
        return "metrics";
    if (setting_find(&setting_objects, name) != NULL)
        return "objects";
    return setting_find(&setting_policies, name) != NULL ? "policies" : NULL;
}
