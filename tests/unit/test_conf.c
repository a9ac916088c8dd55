/* conf/: every fault by line and text, several at once, defaults, the way out and back in. */
#include "tests/unit/conf_bed.h"

#include "conf/setting.h"
#include "conf/value.h"

#include <errno.h>
#include <limits.h>

static void test_defaults(void **state)
{
    (void)state;
    struct conf *c = parse(FULL);
    assert_string_equal(c->file, "f.conf");
    assert_string_equal(c->state_dir, "/var/lib/lockstep");
    assert_string_equal(c->journal_dir, "/var/lib/lockstep/journal");
    assert_null(c->journal.key);
    assert_int_equal(c->journal.checkpoint_ms, 60000);
    assert_string_equal(c->socket, "/var/lib/lockstep/control.sock");
    assert_int_equal(c->log_level, LOG_LEVEL_INFO);
    assert_string_equal(c->s3.bucket, "b-1");
    assert_null(c->s3.region);
    assert_null(c->s3.endpoint);
    assert_null(c->s3.profile);
    assert_null(c->s3.ca_file);
    assert_null(c->s3.proxy);
    assert_null(c->s3.expected_bucket_owner);
    assert_false(c->s3.requester_pays);
    assert_false(c->s3.foreign_attributes);
    assert_int_equal(c->object_count, 0);
    assert_int_equal(c->s3.payload_signing, CONF_PAYLOAD_AUTO);
    assert_int_equal(c->s3.addressing, CONF_ADDRESS_AUTO);
    assert_false(c->s3.fips || c->s3.dualstack);
    assert_int_equal(c->s3.credentials, CONF_CREDENTIALS_AUTO);
    assert_int_equal(c->s3.workers, 2);
    assert_int_equal(c->s3.in_flight, 64);
    assert_int_equal(c->s3.multipart_bytes, 16 << 20);
    assert_int_equal(c->s3.part_bytes, 8 << 20);
    assert_int_equal(c->mapping_count, 2);
    const struct conf_mapping *m = &c->mappings[0];
    assert_int_equal(m->kind, CONF_REPOSITORY);
    assert_string_equal(m->name, "images");
    assert_string_equal(m->path, "/i");
    assert_string_equal(m->prefix, "images/");
    assert_non_null(m->exclude);
    assert_null(m->exclude[0]);
    assert_true(m->default_exclude);
    assert_int_equal(m->settle_ms, 500);
    assert_int_equal(m->rescan_ms, -1);
    assert_int_equal(m->scan_rate, 0);
    assert_int_equal(m->sync_attributes, CONF_SYNC_AUTO);
    assert_int_equal(m->symlinks, CONF_LINKS_SKIP);
    assert_int_equal(m->watch, CONF_WATCH_AUTO);
    assert_int_equal(m->max_removals, 200);
    assert_int_equal(m->max_removal_percent, 5);
    assert_int_equal(m->max_removals_hourly, 1000);
    assert_null(m->marker);
    assert_int_equal(c->mappings[1].kind, CONF_LISTS);
    assert_int_equal(c->mappings[1].repository, 0);
    conf_free(c);
}

static void test_every_setting(void **state)
{
    (void)state;
    struct conf *c =
        parse("lists = ( { name = \"l\"; path = \"/l/\"; prefix = \"l\"; repository = \"two\";\n"
              "  rescan = \"off\"; watch = \"scan\"; settle_ms = 0; sync_attributes = \"off\"; "
              "scan_rate = 2000; max_removal_percent = 100; } );\n"
              "repositories = (\n"
              "  { name = \"one\"; path = \"//a/./b/\"; prefix = \"a/b\"; rescan = \"15m\";\n"
              "    watch = \"fanotify\";\n"
              "    exclude = ( \"*.tmp\", \"a/**\" ); default_exclude = false; max_removals = "
              "5000000000; },\n"
              "  { name = \"two\"; path = \"/c\"; prefix = \"c/\"; watch = \"inotify\"; exclude = "
              "[ \"x\" ]; settle_ms "
              "= 3600000; } );\n"
              "state_dir = \"/s\"; journal_dir = \"/j\"; socket = \"/run/x.sock\"; log_level = "
              "\"debug\"; journal: { key = \"//k/./j.key\"; };\n"
              "s3: { bucket = \"my.bucket\"; region = \"eu-central-1\"; endpoint = "
              "\"HTTP://Host:9000/\";\n"
              "  addressing = \"path\"; credentials = \"web-identity\"; profile = \"p q\"; ca_file "
              "= \"/ca.pem\"; workers = 64;\n"
              "  in_flight = 1; multipart_size = 5368709120; part_size = \"5M\";\n"
              "  payload_signing = \"never\"; };\n");
    assert_string_equal(c->state_dir, "/s");
    assert_string_equal(c->journal_dir, "/j");
    assert_string_equal(c->journal.key, "/k/j.key");
    assert_string_equal(c->socket, "/run/x.sock");
    assert_int_equal(c->log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(c->s3.endpoint, "http://host:9000");
    assert_int_equal(c->s3.addressing, CONF_ADDRESS_PATH);
    assert_int_equal(c->s3.credentials, CONF_CREDENTIALS_WEB_IDENTITY);
    assert_int_equal(c->s3.payload_signing, CONF_PAYLOAD_NEVER);
    assert_string_equal(c->s3.profile, "p q");
    assert_string_equal(c->s3.ca_file, "/ca.pem");
    assert_int_equal(c->s3.workers, 64);
    assert_int_equal(c->s3.in_flight, 1);
    assert_true(c->s3.multipart_bytes == 5ull << 30); /* past 32 bits, without an L */
    assert_int_equal(c->s3.part_bytes, 5 << 20);
    assert_int_equal(c->mapping_count, 3);
    assert_string_equal(c->mappings[0].name, "one");
    assert_string_equal(c->mappings[0].path, "/a/b");
    assert_string_equal(c->mappings[0].prefix, "a/b/");
    assert_int_equal(c->mappings[0].rescan_ms, 900000);
    assert_int_equal(c->mappings[0].watch, CONF_WATCH_FANOTIFY);
    assert_int_equal(c->mappings[1].watch, CONF_WATCH_INOTIFY);
    assert_int_equal(c->mappings[2].watch, CONF_WATCH_SCAN);
    assert_string_equal(c->mappings[0].exclude[0], "*.tmp");
    assert_string_equal(c->mappings[0].exclude[1], "a/**");
    assert_null(c->mappings[0].exclude[2]);
    assert_false(c->mappings[0].default_exclude);
    assert_true(c->mappings[0].max_removals == 5000000000ull);
    assert_string_equal(c->mappings[1].exclude[0], "x");
    assert_int_equal(c->mappings[1].settle_ms, 3600000);
    assert_string_equal(c->mappings[2].name, "l");
    assert_string_equal(c->mappings[2].path, "/l");
    assert_int_equal(c->mappings[2].repository, 1);
    assert_int_equal(c->mappings[2].rescan_ms, 0);
    assert_int_equal(c->mappings[2].scan_rate, 2000);
    assert_int_equal(c->mappings[2].sync_attributes, CONF_SYNC_OFF);
    assert_int_equal(c->mappings[2].max_removal_percent, 100);
    char *once = print(c);
    conf_free(c);
    c = parse(once);
    char *twice = print(c);
    assert_string_equal(once, twice);
    assert_non_null(strstr(once, "multipart_size = \"5G\";"));
    assert_non_null(strstr(once, "rescan = \"15m\";"));
    assert_non_null(strstr(once, "watch = \"fanotify\";"));
    conf_free(c);
    free(once);
    free(twice);
}

/* What objects carry: read, printed, read again. */
static void test_objects(void **state)
{
    (void)state;
    struct conf *c = parse(
        FULL "objects = ( { match = ( \"*.png\", \"raw/**\" ); mapping = \"lists\"; content_type = "
             "\"image/png\"; content_encoding = \"gzip\"; content_disposition = \"inline\";"
             "content_language = \"de\"; cache_control = \"no-store\"; storage_class = "
             "\"INTELLIGENT_TIERING\"; acl = \"public-read\"; metadata: { Stage = \"raw\"; };"
             "tags = ( \"cost:center = 42\", \"a=b=c\" ); encryption: { kind = \"kms\"; key = "
             "\"arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012\";"
             "bucket_key = true; context: { team = \"x\"; }; }; },"
             "{ encryption: { kind = \"customer\"; key_file = \"/k\"; }; } );\n");
    assert_int_equal(c->object_count, 2);
    const struct conf_object *o = &c->objects[0];
    assert_string_equal(o->match[1], "raw/**");
    assert_int_equal(o->applies, 1);
    assert_string_equal(o->metadata.items[0].name, "stage");
    assert_string_equal(o->tags.items[0].name, "cost:center");
    assert_string_equal(o->tags.items[0].value, "42");
    assert_string_equal(o->tags.items[1].name, "a");
    assert_string_equal(o->tags.items[1].value, "b=c");
    assert_int_equal(o->encryption.kind, CONF_ENCRYPTION_KMS);
    assert_true(o->encryption.bucket_key);
    assert_string_equal(o->encryption.context.items[0].value, "x");
    assert_null(c->objects[1].match[0]);
    assert_true(c->objects[1].applies == SIZE_MAX);
    assert_int_equal(c->objects[1].encryption.kind, CONF_ENCRYPTION_CUSTOMER);
    char *once = print(c);
    conf_free(c);
    c = parse(once);
    char *twice = print(c);
    assert_string_equal(once, twice);
    assert_non_null(strstr(once, "tags = ( \"cost:center=42\", \"a=b=c\" );"));
    assert_non_null(strstr(once, "kind = \"kms\";"));
    conf_free(c);
    free(once);
    free(twice);
}

#define RULE_FAULT(what, rule, expected)                                                           \
    {                                                                                              \
        what, "objects = ( { " rule " } );", "", "", "", "f.conf:1: objects[0]" expected "\n"      \
    }
#define TAGS_RIGHT                                                                                 \
    "; expected a group of at most 10: { key = \"value\"; }, or a list: ( \"key=value\" ); "       \
    "letters, "                                                                                    \
    "digits, blanks and + - = . _ : / @, 128 and 256 characters"

/* One change to a whole file, and the one line that it must bring. */
struct fault_case {
    const char *what;  /* line 1 of the file is `insert`, then s3, then mappings */
    const char *top;   /* line 1 */
    const char *s3;    /* in s3, line 2 */
    const char *image; /* in the repository, line 3 */
    const char *list;  /* in the lists, line 4 */
    const char *expected;
};

static const struct fault_case fault_cases[] = {
    {"unknown setting, near", "log_levle = \"info\";", "", "", "",
     "f.conf:1: log_levle: unknown setting; did you mean log_level?\n"},
    {"unknown setting, of another group", "bucket = \"x\";", "", "", "",
     "f.conf:1: bucket: unknown setting; it belongs in s3\n"},
    {"unknown setting, far", "", "colour = 1;", "", "",
     "f.conf:2: s3.colour: unknown setting; known here: bucket, region, endpoint, addressing, "
     "fips, dualstack, profile, credentials, ca_file, proxy, workers, in_flight, multipart_size, "
     "part_size, expected_bucket_owner, requester_pays, foreign_attributes, "
     "payload_signing, trash_prefix, trash_retention\n"},
    {"a way to sign that is none", "", "payload_signing = false;", "", "",
     "f.conf:2: s3.payload_signing: false is true or false, not in quotes; expected \"auto\", "
     "\"always\" or "
     "\"never\"\n"},
    {"a source of credentials that is none", "", "credentials = \"sso\";", "", "",
     "f.conf:2: s3.credentials: \"sso\" is not one of those; expected \"auto\", \"environment\", "
     "\"profile\", \"web-identity\", \"container\" or \"instance\"\n"},
    {"unknown setting in a mapping", "", "", "setle_ms = 1;", "",
     "f.conf:3: repositories[0].setle_ms: unknown setting; did you mean settle_ms?\n"},
    {"a list's setting in a repository", "", "", "repository = \"x\";", "",
     "f.conf:3: repositories[0].repository: unknown setting; it belongs in lists\n"},
    {"string for a number", "", "", "settle_ms = \"500\";", "",
     "f.conf:3: repositories[0].settle_ms: \"500\" is a string, in quotes; expected a whole number "
     "of milliseconds from 0 to 3600000\n"},
    {"fraction", "", "", "settle_ms = 0.5;", "",
     "f.conf:3: repositories[0].settle_ms: 0.5 is a number with a fraction; expected a whole "
     "number "
     "of milliseconds from 0 to 3600000\n"},
    {"number for a string", "state_dir = 5;", "", "", "",
     "f.conf:1: state_dir: 5 is a number, not in quotes; expected an absolute path outside the "
     "watched trees\n"},
    {"number for a flag", "", "", "", "default_exclude = 1;",
     "f.conf:4: lists[0].default_exclude: 1 is a number, not in quotes; expected true or false\n"},
    {"group for a string", "state_dir = { };", "", "", "",
     "f.conf:1: state_dir: a group { } does not fit here; expected an absolute path outside the "
     "watched trees\n"},
    {"below the range", "", "workers = 0;", "", "",
     "f.conf:2: s3.workers: 0 is out of range; expected a whole number from 1 to 64\n"},
    {"negative", "", "", "max_removals = -1;", "",
     "f.conf:3: repositories[0].max_removals: -1 is out of range; expected a whole number from 0 "
     "to "
     "1000000000000\n"},
    {"past 32 bits", "", "in_flight = 4294967297;", "", "",
     "f.conf:2: s3.in_flight: 4294967297 is out of range; expected a whole number from 1 to "
     "1024\n"},
    {"past 32 bits, hex", "", "in_flight = 0x100000001;", "", "",
     "f.conf:2: s3.in_flight: 4294967297 is out of range; expected a whole number from 1 to "
     "1024\n"},
    {"past 64 bits", "", "in_flight = 99999999999999999999;", "", "",
     "f.conf:2: 99999999999999999999 is too large for any setting; a number that fits 64 bits\n"},
    {"marker", "", "", "marker = \"../m\";", "",
     "f.conf:3: repositories[0].marker: \"../m\" is no path below the tree; expected the path of a "
     "file below the tree: \".lockstep-marker\"\n"},
    {"percent", "", "", "max_removal_percent = 101;", "",
     "f.conf:3: repositories[0].max_removal_percent: 101 is out of range; expected a whole number "
     "from 0 to 100\n"},
    {"small part", "", "part_size = \"4M\";", "", "",
     "f.conf:2: s3.part_size: \"4M\" is out of range; expected a size from \"5M\" to \"5G\"\n"},
    {"small part as a number", "", "part_size = 5242879;", "", "",
     "f.conf:2: s3.part_size: 5242879 is out of range; expected a size from \"5M\" to \"5G\"\n"},
    {"size with a strange unit", "", "part_size = \"8MB\";", "", "",
     "f.conf:2: s3.part_size: \"8MB\" is not one of those; expected a size from \"5M\" to "
     "\"5G\"\n"},
    {"size that overflows", "", "part_size = \"99999999999999999999T\";", "", "",
     "f.conf:2: s3.part_size: \"99999999999999999999T\" is out of range; expected a size from "
     "\"5M\" to \"5G\"\n"},
    {"duration without a unit", "", "", "rescan = \"15\";", "",
     "f.conf:3: repositories[0].rescan: \"15\" is not one of those; expected \"auto\", \"off\" or "
     "a "
     "duration from \"1s\" to \"30d\" such as \"15m\"\n"},
    {"duration of nothing", "", "", "rescan = \"0s\";", "",
     "f.conf:3: repositories[0].rescan: \"0s\" is out of range; expected \"auto\", \"off\" or a "
     "duration from \"1s\" to \"30d\" such as \"15m\"\n"},
    {"way of watching", "", "", "watch = \"kqueue\";", "",
     "f.conf:3: repositories[0].watch: \"kqueue\" is not one of those; expected \"auto\", "
     "\"inotify\", \"fanotify\" or \"scan\"\n"},
    {"choice", "log_level = \"trace\";", "", "", "",
     "f.conf:1: log_level: \"trace\" is not one of those; expected \"error\", \"warning\", "
     "\"info\" "
     "or \"debug\"\n"},
    {"relative path", "journal_dir = \"journal\";", "", "", "",
     "f.conf:1: journal_dir: \"journal\" is not absolute; expected an absolute path outside the "
     "watched trees\n"},
    {"upward path", "journal_dir = \"/a/../b\";", "", "", "",
     "f.conf:1: journal_dir: \"/a/../b\" goes upwards with '..'; expected an absolute path outside "
     "the watched trees\n"},
    {"key that is neither path nor name", "journal: { key = \"a/b\"; };", "", "", "",
     "f.conf:1: journal.key: \"a/b\" holds a byte that is not a letter, digit, '.', '_' or '-'; "
     "expected the absolute path of a file that \"lockstep journal key new\" has made, or the name "
     "of a credential that systemd hands over\n"},
    {"key in a tree", "journal: { key = \"/i/k\"; };", "", "", "",
     "f.conf:1: journal.key: /i/k lies within /i (line 3); a path outside the watched trees\n"},
    {"state in a tree", "state_dir = \"/i/state\";", "", "", "",
     "f.conf:1: state_dir: /i/state lies within /i (line 3); a path outside the watched trees\n"},
    {"endpoint without a scheme", "", "endpoint = \"host:9000\";", "", "",
     "f.conf:2: s3.endpoint: \"host:9000\" does not begin with http:// or https://; expected "
     "http[s]://host[:port]\n"},
    {"control bytes are escaped", "", "region = \"a\\x1b[31m\";", "", "",
     "f.conf:2: s3.region: \"a\\x1b[31m\" holds a byte that is not a lower-case letter, digit or "
     "'-'; expected a region's name such as \"eu-central-1\"\n"},
    {"pattern from the root", "", "", "exclude = ( \"a\", \"/b\" );", "",
     "f.conf:3: repositories[0].exclude[1]: \"/b\" begins with '/', but paths here are relative to "
     "the mapping's path; expected a list of at most 256 patterns: ( \"*.tmp\", \"drafts/**\" )\n"},
    {"pattern of another type", "", "", "exclude = ( 1 );", "",
     "f.conf:3: repositories[0].exclude[0]: 1 is a number, not in quotes; expected a list of at "
     "most 256 patterns: ( \"*.tmp\", \"drafts/**\" )\n"},
    {"duplicate setting", "log_level = \"info\"; log_level = \"info\";", "", "", "",
     "f.conf:1: duplicate setting name; give each setting once\n"},
    {"include", "@include \"/etc/passwd\"", "", "", "",
     "f.conf:1: @include is not supported; put all settings into this one file\n"},
    {"comment without an end", "/* hidden", "", "", "",
     "f.conf:1: comment without an end; close it with */\n"},
    {"string without an end", "", "region = \"eu;", "", "",
     "f.conf:2: string without an end; close it with \" on the same line\n"
     "f.conf:2: '{' is never closed; close it with '}'\n"},
    {"bracket that does not fit", "", "region = ( \"eu\" };", "", "",
     "f.conf:2: '}' where '(' is open; close the '(' of line 2 with ')'\n"},
    {"bracket that closes nothing", "}", "", "", "",
     "f.conf:1: '}' closes nothing; leave it out, or open it before\n"},
    {"syntax", "log_level \"info\";", "", "", "",
     "f.conf:1: syntax error; name = value; with text in \"\", groups in { }, lists in ( )\n"},
    {"an account that is none", "", "expected_bucket_owner = \"1234\";", "", "",
     "f.conf:2: s3.expected_bucket_owner: \"1234\" is not 12 digits; expected the id of an AWS "
     "account: 12 digits, in quotes\n"},
    RULE_FAULT("a rule's unknown setting", "colour = 1;",
               ".colour: unknown setting; known here: match, mapping, content_type, "
               "content_encoding, content_disposition, content_language, cache_control, "
               "storage_class, acl, metadata, tags, encryption"),
    RULE_FAULT("a rule of no mapping", "mapping = \"nobody\";",
               ".mapping: \"nobody\" is no mapping of this file; expected the name of a repository "
               "or of lists"),
    RULE_FAULT(
        "a header in two lines", "cache_control = \"a\\nb\";",
        ".cache_control: \"a\\x0ab\" holds a byte that is not printable ASCII, which no header "
        "carries safely; expected at most 1024 printable ASCII characters"),
    RULE_FAULT("a type that is none", "content_type = \"png\";",
               ".content_type: \"png\" is not of the form type/subtype; expected a type such as "
               "\"image/png\""),
    RULE_FAULT("a class that is none", "storage_class = \"COLD\";",
               ".storage_class: \"COLD\" is no storage class; expected STANDARD, STANDARD_IA, "
               "ONEZONE_IA, INTELLIGENT_TIERING, GLACIER_IR, GLACIER, DEEP_ARCHIVE or "
               "REDUCED_REDUNDANCY, in quotes"),
    RULE_FAULT("an ACL that is none", "acl = \"world\";",
               ".acl: \"world\" is no canned ACL; expected private, public-read, "
               "public-read-write, authenticated-read, aws-exec-read, bucket-owner-read or "
               "bucket-owner-full-control, in quotes"),
    RULE_FAULT("metadata that is the file's", "metadata: { File-Mtime = \"1\"; };",
               ".metadata.File-Mtime: \"1\" is a POSIX property, which is the file's to say; "
               "expected a group of at most 24: { name = \"value\"; }, or a list: ( "
               "\"name=value\" )"),
    RULE_FAULT("metadata twice", "metadata = ( \"a=1\", \"A=2\" );",
               ".metadata[1]: \"A=2\" is a name that was given before; expected a group of at most "
               "24: { name = \"value\"; }, or a list: ( \"name=value\" )"),
    RULE_FAULT("a tag of AWS's", "tags = ( \"aws:x=1\" );",
               ".tags[0]: \"aws:x=1\" begins with aws:, which AWS keeps for itself" TAGS_RIGHT),
    RULE_FAULT("a tag's character", "tags: { a = \"b?\"; };",
               ".tags.a: \"b?\" holds a character that no tag has" TAGS_RIGHT),
    RULE_FAULT(
        "too many tags",
        "tags: { a=\"\"; b=\"\"; c=\"\"; d=\"\"; e=\"\"; f=\"\"; g=\"\"; h=\"\"; i=\"\"; j=\"\"; "
        "k=\"\"; };",
        ".tags: a group { } is too long" TAGS_RIGHT),
    RULE_FAULT("encryption without a kind", "encryption: { };",
               ".encryption.kind: is missing; expected \"s3\", \"kms\", \"kms-dsse\" or "
               "\"customer\""),
    RULE_FAULT(
        "a key that is none", "encryption: { kind = \"kms\"; key = \"arn:aws:s3:::b\"; };",
        ".encryption.key: \"arn:aws:s3:::b\" is no id, alias or ARN of a KMS key; expected a "
        "key's id, \"alias/...\" or \"arn:aws:kms:REGION:ACCOUNT:key/...\""),
    RULE_FAULT("a key where there is none", "encryption: { kind = \"s3\"; key = \"alias/a\"; };",
               ".encryption.key: is of KMS alone; leave it out, or kind = \"kms\""),
    RULE_FAULT("a customer without a key", "encryption: { kind = \"customer\"; };",
               ".encryption.key_file: is missing; expected the absolute path of a file with the "
               "key"),
    {"a customer's key without TLS",
     "objects = ( { encryption: { kind = \"customer\"; key_file = \"/k\"; }; } );",
     "endpoint = \"http://s3.test:80\";", "", "",
     "f.conf:1: objects[0].encryption.kind: \"customer\" would send its key over plain http; "
     "expected an endpoint with https://\n"},
    {"too many tags over two rules",
     "objects = ( { tags = ( \"a=\", \"b=\", \"c=\", \"d=\", \"e=\", \"f=\" ); }, { tags = ( "
     "\"f=1\", \"g=\", \"h=\", \"i=\", \"j=\", \"k=\" ); } );",
     "", "", "",
     "f.conf:1: objects[1].tags: an object may get 11 tags; at most 10 tags over all rules of a "
     "mapping\n"},
    {"NUL in a string", "state_dir = \"/a\\x00b\";", "", "", "",
     "f.conf:1: a NUL byte (\\x00) in a string; leave it out\n"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *c = &fault_cases[i];
        char text[4096];
        int n =
            snprintf(text, sizeof(text),
                     "%s\n"
                     "s3: { bucket = \"b-1\"; %s };\n"
                     "repositories = ( { name = \"images\"; path = \"/i\"; prefix = \"images/\"; "
                     "%s } );\n"
                     "lists = ( { name = \"lists\"; path = \"/l\"; prefix = \"lists/\"; "
                     "repository = \"images\"; %s } );\n",
                     c->top, c->s3, c->image, c->list);
        assert_in_range(n, 1, sizeof(text) - 1);
        char *got = faults_of(text);
        if (got == NULL || strcmp(got, c->expected) != 0)
            fail_msg("%s:\n got: %s want: %s", c->what, got == NULL ? "nothing\n" : got,
                     c->expected);
        free(got);
    }
}

static void test_faults_of_whole_files(void **state)
{
    (void)state;
    expect_faults("", "f.conf: s3: is missing; expected a group: s3: { bucket = \"...\"; };\n"
                      "f.conf: repositories: is missing; expected a list of groups: repositories = "
                      "( { name = \"...\"; path = \"...\"; } );\n");
    expect_faults("s3: { };\nrepositories = ( { }, 5 );\n",
                  "f.conf:1: s3.bucket: is missing; expected 3 to 63 lower-case letters, digits, "
                  "'.' and '-', as S3 allows for buckets, or an access point's ARN\n"
                  "f.conf:2: repositories[0].name: is missing; expected 1 to 64 letters, digits, "
                  "'.', '_' and '-', a letter or digit first\n"
                  "f.conf:2: repositories[0].path: is missing; expected the absolute path of a "
                  "directory\n"
                  "f.conf:2: repositories[1]: 5 is a number, not in quotes; expected a list of "
                  "groups: repositories = ( { name = \"...\"; path = \"...\"; } );\n");
    expect_faults("s3: { bucket = \"abc\"; };\nrepositories = ( );\n",
                  "f.conf:2: repositories: is empty; a list of groups: repositories = ( { name = "
                  "\"...\"; path = \"...\"; } );\n");
    expect_faults("s3 = \"x\";\nrepositories = { };\n",
                  "f.conf:1: s3: \"x\" is a string, in quotes; expected a group: s3: { bucket = "
                  "\"...\"; };\n"
                  "f.conf:2: repositories: a group { } does not fit here; expected a list of "
                  "groups: repositories = ( { name = \"...\"; path = \"...\"; } );\n");
    expect_faults(
        "s3: { bucket = \"a.b\";\n addressing = \"virtual\"; };\n"
        "repositories = ( { name = \"i\"; path = \"/i\"; } );\n",
        "f.conf:2: s3.addressing: \"virtual\" cannot be verified by TLS for a bucket with "
        "dots (\"a.b\"); expected \"path\" or \"auto\"\n");
}

/* Forms that only Amazon's endpoints have, and access points. */
static void test_s3_forms(void **state)
{
    (void)state;
#define IMAGES "repositories = ( { name = \"i\"; path = \"/i\"; } );\n"
    expect_faults("s3: { bucket = \"abc\"; endpoint = \"http://h\";\n fips = true;\n"
                  " dualstack = true; };\n" IMAGES,
                  "f.conf:2: s3.fips: only Amazon's own endpoints have a FIPS form, not http://h; "
                  "leave one of the two out\n"
                  "f.conf:3: s3.dualstack: only Amazon's own endpoints have a dual-stack form, not "
                  "http://h; leave one of the two out\n");
    expect_faults("s3: { bucket = \"abc\"; region = \"cn-north-1\";\n fips = true; };\n" IMAGES,
                  "f.conf:2: s3.fips: S3 has no FIPS endpoints in China; leave it out\n");
    expect_faults("s3: { bucket = \"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/abc\";\n"
                  " fips = true; dualstack = true; };\n" IMAGES,
                  "f.conf:2: s3.fips: S3 has no FIPS endpoints in China; leave it out\n");
    expect_faults("s3: { bucket = \"arn:aws:s3:eu-west-1:123456789012:accesspoint/abc\";\n"
                  " addressing = \"path\";\n endpoint = \"http://127.0.0.1:9000\"; };\n" IMAGES,
                  "f.conf:2: s3.addressing: \"path\" is not possible for an access point, whose "
                  "name is part of the host's; expected \"virtual\" or \"auto\"\n"
                  "f.conf:3: s3.endpoint: \"http://127.0.0.1:9000\" is an address, and the name of "
                  "an access point is part of the host's; expected a host with a name\n");
    expect_faults("s3: { bucket = \"arn:aws:s3-outposts:eu-west-1:123456789012:outpost/o/"
                  "accesspoint/a\"; };\n" IMAGES,
                  "f.conf:1: s3.bucket: \"arn:aws:s3-outposts:eu-west-1:123456789012:outpost/o/"
                  "accesspoint/a\" is of S3 on Outposts, which is not supported; expected 3 to 63 "
                  "lower-case letters, digits, '.' and '-', as S3 allows for buckets, or an access "
                  "point's ARN\n");
    struct conf *c = parse("s3: { bucket = \"arn:aws:s3:eu-west-1:123456789012:accesspoint:abc\"; "
                           "dualstack = true; fips = true; };\n" IMAGES);
    assert_string_equal(c->s3.bucket, "arn:aws:s3:eu-west-1:123456789012:accesspoint/abc");
    assert_true(c->s3.fips && c->s3.dualstack);
    conf_free(c);
}

static void test_many_at_once_in_file_order(void **state)
{
    (void)state;
    expect_faults(
        "lists = (\n"
        "  { name = \"a\"; path = \"/x/y\"; prefix = \"p/q/\";\n"
        "    repository = \"nobody\"; } );\n"
        "loglevel = \"info\";\n"
        "repositories = (\n"
        "  { name = \"a\"; path = \"/x\"; prefix = \"p\"; },\n"
        "  { name = \"b\"; path = \"/x\"; prefix = \"/q\"; settle_ms = 3600001; } );\n"
        "s3: { bucket = \"Upper\"; };\n",
        "f.conf:2: lists[0].name: \"a\" is already the name of the mapping in line 6; give "
        "each mapping a name of its own\n"
        "f.conf:2: lists[0].path: /x/y lies within /x (line 6); trees must not overlap\n"
        "f.conf:2: lists[0].prefix: \"p/q/\" overlaps \"p/\" (line 6); prefixes must not "
        "overlap\n"
        "f.conf:2: lists[0].path: /x/y lies within /x (line 7); trees must not overlap\n"
        "f.conf:3: lists[0].repository: \"nobody\" is no repository of this file; expected "
        "the name of one of the repositories\n"
        "f.conf:4: loglevel: unknown setting; did you mean log_level?\n"
        "f.conf:7: repositories[1].prefix: \"/q\" begins with '/'; expected at most 512 "
        "bytes such as \"images/\", no '/' at the beginning\n"
        "f.conf:7: repositories[1].settle_ms: 3600001 is out of range; expected a whole "
        "number of milliseconds from 0 to 3600000\n"
        "f.conf:7: repositories[1].path: /x is the same directory as /x (line 6); trees "
        "must not overlap\n"
        "f.conf:8: s3.bucket: \"Upper\" has an upper-case letter; expected 3 to 63 "
        "lower-case letters, digits, '.' and '-', as S3 allows for buckets, or an access point's "
        "ARN\n");
}

static void test_overlaps_are_by_component(void **state)
{
    (void)state;
    char *none = faults_of("s3: { bucket = \"b-1\"; };\n"
                           "repositories = ( { name = \"a\"; path = \"/x\"; prefix = \"p\"; },\n"
                           "  { name = \"b\"; path = \"/xy\"; prefix = \"pq\"; } );\n");
    assert_null(none);
    expect_faults("s3: { bucket = \"b-1\"; };\n"
                  "repositories = ( { name = \"a\"; path = \"/x/y\"; prefix = \"p\"; },\n"
                  "  { name = \"b\"; path = \"/x\"; } );\n",
                  "f.conf:3: repositories[1].path: /x holds /x/y (line 2); trees must not overlap\n"
                  "f.conf:3: repositories[1].prefix: \"\" overlaps \"p/\" (line 2); prefixes must "
                  "not overlap\n");
}

/* Far more faults than are kept: no more than the ceiling, and the last says how many are left. */
static void test_ceiling_of_faults(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    assert_non_null(f);
    for (int i = 0; i < 1000; i++)
        fprintf(f, "x%d = 1;\n", i);
    fputs(FULL, f);
    assert_int_equal(fclose(f), 0);
    struct conf *c = NULL;
    struct conf_faults faults;
    assert_int_equal(conf_parse(text, "f.conf", &c, &faults), ERR_SYNTAX);
    assert_int_equal(faults.count, 200);
    assert_string_equal(faults.items[0].where, "f.conf:1: x0");
    assert_string_equal(faults.items[199].what, "801 more faults");
    conf_faults_release(&faults);
    free(text);
}

static void test_hostile_shapes(void **state)
{
    (void)state;
    char deep[4096] = "a = ";
    memset(deep + 4, '(', 4000);
    expect_faults(deep, "f.conf:1: more than 16 brackets in brackets; no setting lies that deep\n");
    size_t n = (1u << 20) + 2;
    char *large = malloc(n);
    assert_non_null(large);
    memset(large, ' ', n);
    large[n - 1] = '\0';
    expect_faults(large, "f.conf: is too large; at most 1 MiB\n");
    free(large);
}

/* The whole of a file of the source tree. */
static char *slurp(const char *name)
{
    const char *top = getenv("srcdir");
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", top == NULL ? "." : top, name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    char *text = calloc(1, 65536);
    assert_non_null(text);
    size_t n = fread(text, 1, 65535, f);
    assert_in_range(n, 1, 65534);
    (void)fclose(f);
    return text;
}

static const struct setting_table *const tables[] = {
    &setting_top,    &setting_s3,        &setting_journal,      &setting_lock,
    &setting_limits, &setting_timetable, &setting_repositories, &setting_lists};

/* Take the '#' off every line that shows a setting's default. */
static void uncomment_defaults(char *text)
{
    for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            char line[128];
            (void)snprintf(line, sizeof(line), "# %s = ", tables[t]->items[i].name);
            for (char *p = strstr(text, line); p != NULL; p = strstr(p + 1, line))
                *p = ' ';
        }
    }
}

/* The sample loads; what it shows as defaults are the defaults; it names every setting. */
static void test_sample(void **state)
{
    (void)state;
    char *text = slurp("conf/lockstep.conf.sample");
    struct conf *c = parse(text);
    char *as_is = print(c);
    conf_free(c);
    const char *optional[] = {"    # endpoint = ",
                              "    # profile = ",
                              "    # ca_file = ",
                              "    # proxy = ",
                              "    # expected_bucket_owner = ",
                              "    # manifest = ",
                              "    # augmented_manifest = ",
                              "    # marker = "};
    for (size_t i = 0; i < sizeof(optional) / sizeof(*optional);
         i++) { /* examples, not defaults: they have none */
        char *example = strstr(text, optional[i]);
        assert_non_null(example);
        example[6] = '_';
    }
    uncomment_defaults(text);
    c = parse(text);
    char *spelled_out = print(c);
    conf_free(c);
    assert_string_equal(as_is, spelled_out);
    char *man = slurp("packaging/man/lockstep.conf.5");
    free(text);
    text = slurp("conf/lockstep.conf.sample");
    for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++) {
        for (size_t i = 0; i < tables[t]->count; i++) {
            const char *name = tables[t]->items[i].name;
            char line[128];
            (void)snprintf(line, sizeof(line), "\n.B %s\n", name);
            if (strstr(text, name) == NULL)
                fail_msg("the sample does not show %s", name);
            if (strstr(man, line) == NULL)
                fail_msg("lockstep.conf.5 does not describe %s", name);
        }
    }
    free(man);
    free(as_is);
    free(spelled_out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_setting),
        cmocka_unit_test(test_objects),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_faults_of_whole_files),
        cmocka_unit_test(test_s3_forms),
        cmocka_unit_test(test_many_at_once_in_file_order),
        cmocka_unit_test(test_overlaps_are_by_component),
        cmocka_unit_test(test_ceiling_of_faults),
        cmocka_unit_test(test_hostile_shapes),
        cmocka_unit_test(test_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
