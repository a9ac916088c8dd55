/* s3d: a small, strict S3 server with faults on demand. Shell. */
#include "tests/s3d/server.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: s3d --root DIR [options]\n"
    "\n"
    "A small S3 server for tests and demonstrations, on the loopback only. It is strict: "
    "signatures,\n"
    "digests and checksums are verified, what it does not know it refuses. Nothing is synced to\n"
    "disk, and uploads in parts end with the process.\n"
    "\n"
    "  --root DIR            where objects are kept (created if missing)\n"
    "  --port N              port to listen on; 0, the default, takes any free one\n"
    "  --address A           one of 127.0.0.0/8; default 127.0.0.1\n"
    "  --tls-cert FILE       speak TLS with these certificates (PEM), the server's first\n"
    "  --tls-key FILE        ... and the key of the first\n"
    "  --bucket NAME         create this bucket unless it is there; may be given more than once\n"
    "  --access-key KEY      default: AWS_ACCESS_KEY_ID of the environment\n"
    "  --secret-key KEY      default: AWS_SECRET_ACCESS_KEY (an argument is visible to others)\n"
    "  --session-token TEXT  require this x-amz-security-token; another is answered ExpiredToken\n"
    "  --region NAME         default us-east-1\n"
    "  --domain NAME         understand BUCKET.NAME in the Host header as well\n"
    "  --versioning          keep versions of objects\n"
    "  --log FILE            append one JSON line a request\n"
    "  --threads N           default 4\n"
    "  --idle SECONDS        close idle connections after so long; 0, the default, never\n"
    "  --clock-offset S      set the server's clock wrong by so many seconds\n"
    "  --min-part-size B     smallest part but the last, default 5242880\n"
    "  --max-copy-size B     largest copy by one request, default 5368709120\n"
    "  --delete-conditions WHAT  of DeleteObject(s): held (default), bare (no quotes around "
    "ETags),\n"
    "                        ignored, or refused with NotImplemented\n"
    "  --object-lock         buckets have Object Lock (implies --versioning)\n"
    "  --no-if-none-match    of writes: refused with NotImplemented\n"
    "  --seed N              of the faults' probabilities, default 1\n"
    "  --help                this text\n"
    "\n"
    "The port is printed on a line of its own when the server is ready. SIGTERM ends it.\n"
    "\n"
    "Faults: POST /-/fault?do=ACTION[&op=GLOB][&key=GLOB][&count=N][&skip=N][&percent=N][&ms=N]\n"
    "[&code=NAME][&status=N] arms one (or the same as a flat JSON object), GET /-/fault lists "
    "them\n"
    "with their hits, DELETE /-/fault[?id=N] disarms. These requests are not signed. Actions:\n"
    "  error             answer with `code` (default SlowDown), nothing is done\n"
    "  error-applied     do it, then answer with the error\n"
    "  error-200         status 200, white space, then the error (default InternalError)\n"
    "  reset             reset the connection before the body is read\n"
    "  reset-after-body  ... after the body, nothing is done\n"
    "  lost-reply        do it, then reset the connection\n"
    "  stall             do it, then answer after `ms`\n"
    "  delay             do and answer it after `ms`\n"
    "  truncate          send half of the reply's body, then close\n"
    "  drip              send the reply's body byte by byte, `ms` between two\n"
    "  wrong-etag        put another ETag into the reply\n"
    "  no-checksum       leave the checksums out of the reply\n"
    "  unframed          take a body in chunks as it comes, frames and all, and tell no checksum\n"
    "  redirect          send it elsewhere: status 307, `region` and `location` (http://host) "
    "told\n"
    "A fault strikes once unless `count` says otherwise (0: without end).\n"
    "\n"
    "Keys: POST /-/keys?access_key=KEY&secret_key=KEY&expires=SECONDS[&session_token=TEXT] has\n"
    "these accepted besides, until that time (since 1970); then they are answered ExpiredToken.\n"
    "\n"
    "Exit status: 0 after SIGTERM or SIGINT, 1 where it could not start, 2 for wrong use.\n";

#define BUCKETS_MAX 64

struct options {
    const char *root;
    const char *log;
    const char *tls_cert;
    const char *tls_key;
    const char *buckets[BUCKETS_MAX];
    size_t buckets_n;
    bool versioning;
    uint64_t seed;
    struct server_options server;
    struct service service;
};

enum {
    OPT_FIRST = 256,
    OPT_ROOT = OPT_FIRST,
    OPT_PORT,
    OPT_ADDRESS,
    OPT_TLS_CERT,
    OPT_TLS_KEY,
    OPT_BUCKET,
    OPT_ACCESS,
    OPT_SECRET,
    OPT_TOKEN,
    OPT_REGION,
    OPT_DOMAIN,
    OPT_VERSIONING,
    OPT_LOG,
    OPT_THREADS,
    OPT_IDLE,
    OPT_CLOCK,
    OPT_MIN_PART,
    OPT_MAX_COPY,
    OPT_DELETE_CONDITIONS,
    OPT_OBJECT_LOCK,
    OPT_NO_IF_NONE_MATCH,
    OPT_SEED,
    OPT_HELP
};

static const struct option long_options[] = {
    {"root", required_argument, NULL, OPT_ROOT},
    {"port", required_argument, NULL, OPT_PORT},
    {"address", required_argument, NULL, OPT_ADDRESS},
    {"tls-cert", required_argument, NULL, OPT_TLS_CERT},
    {"tls-key", required_argument, NULL, OPT_TLS_KEY},
    {"bucket", required_argument, NULL, OPT_BUCKET},
    {"access-key", required_argument, NULL, OPT_ACCESS},
    {"secret-key", required_argument, NULL, OPT_SECRET},
    {"session-token", required_argument, NULL, OPT_TOKEN},
    {"region", required_argument, NULL, OPT_REGION},
    {"domain", required_argument, NULL, OPT_DOMAIN},
    {"versioning", no_argument, NULL, OPT_VERSIONING},
    {"log", required_argument, NULL, OPT_LOG},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"idle", required_argument, NULL, OPT_IDLE},
    {"clock-offset", required_argument, NULL, OPT_CLOCK},
    {"min-part-size", required_argument, NULL, OPT_MIN_PART},
    {"max-copy-size", required_argument, NULL, OPT_MAX_COPY},
    {"delete-conditions", required_argument, NULL, OPT_DELETE_CONDITIONS},
    {"object-lock", no_argument, NULL, OPT_OBJECT_LOCK},
    {"no-if-none-match", no_argument, NULL, OPT_NO_IF_NONE_MATCH},
    {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* End with the status of wrong use. */
static _Noreturn void refuse(const char *what, const char *value)
{
    fprintf(stderr, "s3d: %s%s%s; see s3d --help\n", what, value ? ": " : "", value ? value : "");
    exit(2);
}

/* A number of the command line within bounds. */
static uint64_t number(const char *name, const char *text, uint64_t max)
{
    uint64_t value = 0;
    if (!text_number(text, &value) || value > max)
        refuse(name, text);
    return value;
}

/* A number of seconds that may be negative. */
static int64_t offset(const char *text)
{
    bool negative = *text == '-';
    int64_t value =
        (int64_t)number("--clock-offset is a number of seconds", text + negative, INT32_MAX);
    return negative ? -value : value;
}

/* Note one more bucket. */
static void add_bucket(struct options *o, const char *name)
{
    if (o->buckets_n == BUCKETS_MAX || !bucket_name_is_valid(name))
        refuse("--bucket is not a valid name, or one too many", name);
    o->buckets[o->buckets_n++] = name;
}

/* An address of the loopback network; no other is listened on. */
static uint32_t loopback(const char *text)
{
    struct in_addr address;
    if (inet_pton(AF_INET, text, &address) != 1 || ntohl(address.s_addr) >> 24 != IN_LOOPBACKNET)
        refuse("--address is one of 127.0.0.0/8", text);
    return ntohl(address.s_addr);
}

/* The text of a file. */
static const char *slurp(const char *path)
{
    struct buf text;
    char piece[4096];
    FILE *file = fopen(path, "re");
    if (!file)
        refuse("cannot read", path);
    text_begin(&text);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), file)) > 0;)
        text_bytes(&text, piece, n);
    (void)fclose(file); /* was only read */
    return buf_take(&text);
}

/* The options that are numbers. */
static void set_number(struct options *o, int option, const char *text)
{
    if (option == OPT_PORT)
        o->server.port = (uint16_t)number("--port is a number up to 65535", text, UINT16_MAX);
    else if (option == OPT_THREADS)
        o->server.threads = (unsigned)number("--threads is a number up to 64", text, 64);
    else if (option == OPT_IDLE)
        o->server.idle_s = (unsigned)number("--idle is a number of seconds", text, 86400);
    else if (option == OPT_CLOCK)
        o->service.clock_offset_s = offset(text);
    else if (option == OPT_MIN_PART)
        o->service.limits.min_part_bytes = number("--min-part-size is in bytes", text, INT64_MAX);
    else if (option == OPT_MAX_COPY)
        o->service.limits.max_copy_bytes = number("--max-copy-size is in bytes", text, INT64_MAX);
    else if (option == OPT_SEED)
        o->seed = number("--seed is a number", text, INT64_MAX);
}

/* What becomes of the conditions of removals. */
static void set_delete_conditions(struct options *o, const char *text)
{
    static const char *const words[] = {[DELETE_CONDITIONS_HELD] = "held",
                                        [DELETE_CONDITIONS_BARE] = "bare",
                                        [DELETE_CONDITIONS_IGNORED] = "ignored",
                                        [DELETE_CONDITIONS_REFUSED] = "refused"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(text, words[i]) == 0) {
            o->service.limits.delete_conditions = (enum delete_conditions)i;
            return;
        }
    refuse("--delete-conditions is held, bare, ignored or refused", text);
}

/* One option of the command line. */
static void set_option(struct options *o, int option, const char *text)
{
    const char **strings[] = {
        [OPT_ROOT - OPT_FIRST] = &o->root,
        [OPT_LOG - OPT_FIRST] = &o->log,
        [OPT_TLS_CERT - OPT_FIRST] = &o->tls_cert,
        [OPT_TLS_KEY - OPT_FIRST] = &o->tls_key,
        [OPT_ACCESS - OPT_FIRST] = &o->service.auth.access_key,
        [OPT_SECRET - OPT_FIRST] = &o->service.auth.secret_key,
        [OPT_TOKEN - OPT_FIRST] = &o->service.auth.session_token,
        [OPT_REGION - OPT_FIRST] = &o->service.auth.region,
        [OPT_DOMAIN - OPT_FIRST] = &o->service.domain,
        [OPT_HELP - OPT_FIRST] = NULL,
    };
    if (option < OPT_FIRST)
        refuse("unknown option, or one without its argument", NULL);
    if (option == OPT_HELP) {
        fputs(usage, stdout);
        exit(0);
    }
    if (option == OPT_VERSIONING)
        o->versioning = true;
    else if (option == OPT_OBJECT_LOCK)
        o->versioning = o->service.limits.object_lock = true;
    else if (option == OPT_NO_IF_NONE_MATCH)
        o->service.limits.no_if_none_match = true;
    else if (option == OPT_ADDRESS)
        o->server.address = loopback(text);
    else if (option == OPT_BUCKET)
        add_bucket(o, text);
    else if (option == OPT_DELETE_CONDITIONS)
        set_delete_conditions(o, text);
    else if (strings[option - OPT_FIRST])
        *strings[option - OPT_FIRST] = text;
    else
        set_number(o, option, text);
}

/* Command line over environment over defaults. */
static void read_options(struct options *o, int argc, char **argv)
{
    int option;
    *o = (struct options){
        .seed = 1,
        .server = {.threads = 4, .address = INADDR_LOOPBACK},
        .service = {.auth = {.access_key = getenv("AWS_ACCESS_KEY_ID"),
                             .secret_key = getenv("AWS_SECRET_ACCESS_KEY"),
                             .region = "us-east-1"},
                    .limits = {.min_part_bytes = UINT64_C(5) << 20,
                               .max_copy_bytes = UINT64_C(5) << 30}},
    };
    opterr = 0; /* we say it */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        set_option(o, option, optarg);
    if (optind < argc)
        refuse("unexpected argument", argv[optind]);
    if (!o->root)
        refuse("--root is missing", NULL);
    if (!o->service.auth.access_key || !o->service.auth.secret_key)
        refuse("no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", NULL);
    if (!o->tls_cert != !o->tls_key)
        refuse("--tls-cert and --tls-key go together", NULL);
    if (o->tls_cert) {
        o->server.cert = slurp(o->tls_cert);
        o->server.key = slurp(o->tls_key);
    }
    if (o->server.threads < 2)
        o->server.threads = 2; /* a pool has at least two */
}

/* Say why it cannot start. */
static int report(const char *what, const char *where, int code)
{
    fprintf(stderr, "s3d: %s %s: %s\n", what, where, err_name(code));
    return 1;
}

/* Open the store and make the buckets that were asked for. */
static int prepare(struct options *o)
{
    int code = store_open(o->root, o->versioning, &o->service.store);
    if (code)
        return report("cannot use --root", o->root, code);
    for (size_t i = 0; i < o->buckets_n; i++) {
        enum code made = store_bucket_create(o->service.store, o->buckets[i]);
        if (made && made != CODE_BUCKET_EXISTS)
            return report("cannot create bucket", o->buckets[i], -EIO);
    }
    code = access_log_open(o->log, &o->service.log);
    if (code)
        return report("cannot open", o->log, code);
    o->service.uploads = uploads_new();
    o->service.faults = faults_new(o->seed);
    o->service.auth.ring = keyring_new();
    return 0;
}

/* Serve until a signal says to end. */
static int serve(struct options *o, const sigset_t *signals)
{
    struct server *server = NULL;
    char port[16];
    int which = 0;
    int code = server_start(&o->server, &o->service, &server);
    (void)snprintf(port, sizeof(port), "%u", o->server.port); /* it fits */
    if (code)
        return report("cannot listen on port", port, code);
    printf("%u\n", server_port(server));
    (void)fflush(stdout);           /* who does not read it does not need it */
    (void)sigwait(signals, &which); /* fails for an invalid set only */
    server_stop(server);
    return 0;
}

int main(int argc, char **argv)
{
    struct options o;
    sigset_t signals;
    read_options(&o, argc, argv);
    (void)sigemptyset(&signals); /* these fail for invalid signals only */
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    int status = prepare(&o);
    if (status == 0)
        status = serve(&o, &signals);
    free((void *)(uintptr_t)o.server.cert);
    free((void *)(uintptr_t)o.server.key);
    faults_free(o.service.faults);
    if (o.service.auth.ring)
        keyring_free(o.service.auth.ring);
    uploads_free(o.service.uploads);
    access_log_close(o.service.log);
    store_close(o.service.store);
    return status;
}
