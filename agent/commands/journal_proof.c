/* Shell. lockstep journal prove, verify-proof. */
#include "agent/commands/journal_proof.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_verify.h"
#include "journal/proof.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: lockstep journal prove        NUMBER [-c FILE | --dir DIRECTORY]\n"
    "       lockstep journal verify-proof [--key PUBLIC] PROOF [-c FILE]\n"
    "prove prints a proof that the record of this number (q) is in the journal: the record, where\n"
    "it stands, and a signed checkpoint (C2SP tlog-proof). verify-proof checks one, with nothing\n"
    "but the public half of the key (default: that of the configured key), and prints the record.\n"
    "PROOF is a file, or - for the standard input.\n";

/* What stands on the command line. */
struct proof_options {
    const char *file; /* the configuration */
    const char *dir;
    struct journal_given given;
    const char *argument;
};

/* NULL or what is wrong; "" for --help. */
static const char *parse(int argc, char **argv, struct proof_options *ret)
{
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"dir", required_argument, NULL, 'd'},
                                            {"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int c;

    *ret = (struct proof_options){.file = CONF_DEFAULT_FILE};
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'k' && !journal_given_add(ret->given.keys, &ret->given.key_count, optarg))
            return "too many keys";
        if (c == 'd')
            ret->dir = optarg;
        if (c == 'c')
            ret->file = optarg;
        if (c == 'h')
            return "";
        if (c == '?')
            return "unknown option";
    }
    if (argc - optind != 1)
        return "one argument is needed";
    ret->argument = argv[optind];
    return NULL;
}

/* A record's number. 0 or ERR_SYNTAX. */
static int parse_number(const char *text, uint64_t *ret)
{
    char *end;

    errno = 0;
    *ret = strtoull(text, &end, 10);
    return *text < '0' || *text > '9' || *end || errno || *ret == 0 ? ERR_SYNTAX : 0;
}

static int prove(const char *dir, uint64_t seq)
{
    struct err e = {0};
    struct buf out;
    int rc;

    buf_init(&out, JOURNAL_PROOF_MAX);
    rc = journal_prove(dir, seq, &out, &e);
    if (rc == 0)
        fwrite(out.data, 1, out.len, stdout);
    buf_release(&out);
    if (rc == 0)
        return EXIT_IN_STEP;
    return command_fault(rc == -ENOENT || rc == -ENODATA || rc == ERR_CORRUPT ? EXIT_DIFFERENCES
                                                                              : EXIT_UNREACHED,
                         &e);
}

int journal_prove_command(int argc, char **argv)
{
    struct proof_options opt;
    const char *wrong = parse(argc, argv, &opt);
    struct conf *conf = NULL;
    uint64_t seq = 0;
    int status;

    if (!wrong && opt.given.key_count)
        wrong = "--key goes with \"verify-proof\"";
    if (!wrong && parse_number(opt.argument, &seq))
        wrong = "that is not the number of a record";
    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (!opt.dir && command_load(opt.file, true, &conf))
        return EXIT_USAGE;
    status = prove(opt.dir ? opt.dir : conf->journal_dir, seq);
    conf_free(conf);
    return status;
}

/* The public half of the configured key. 0 or a negative code, everything having been said. */
static int configured_key(const char *file, struct journal_key *ret)
{
    struct journal_secret secret;
    struct conf *conf = NULL;
    struct err e = {0};
    int rc = command_load(file, true, &conf) ? -EINVAL : 0;

    if (rc)
        return rc;
    rc = conf->journal.key ? journal_key_find(conf->journal.key, &secret, &e)
                           : err_set(&e, -ENOENT, NULL, "--key PUBLIC",
                                     "no key is given, and none is configured");
    if (rc == 0)
        *ret = secret.key;
    else
        (void)command_fault(EXIT_USAGE, &e);
    journal_secret_wipe(&secret);
    conf_free(conf);
    return rc;
}

/* Whose signatures count. 0 or a negative code, everything having been said. */
static int read_keys(const struct proof_options *opt, struct journal_key *keys, size_t *ret_count)
{
    struct err e = {0};
    int rc = 0;

    if (opt->given.key_count == 0) {
        *ret_count = 1;
        return configured_key(opt->file, &keys[0]);
    }
    for (size_t i = 0; rc == 0 && i < opt->given.key_count; i++)
        rc = journal_given_key(opt->given.keys[i], &keys[i], &e);
    if (rc)
        (void)command_fault(EXIT_USAGE, &e);
    *ret_count = opt->given.key_count;
    return rc;
}

/* Check the text of a proof; print what it proves. Returns the exit status. */
static int check(struct span text, const char *name, const struct journal_key *keys, size_t count)
{
    struct journal_proof proof;
    struct err e = {0};
    struct buf store;
    int rc;

    buf_init(&store, JOURNAL_LINE_MAX + 4);
    rc = journal_proof_parse(text, &store, &proof);
    if (rc)
        (void)err_set(&e, rc, name, "what \"lockstep journal prove\" has printed",
                      "this is no proof: %s", err_name(rc));
    else
        rc = journal_proof_check(&proof, keys, count, &e);
    if (rc == 0) {
        fwrite(proof.line.p, 1, proof.line.n, stdout);
        putchar('\n');
    }
    buf_release(&store);
    if (rc == 0)
        return EXIT_IN_STEP;
    return command_fault(rc == ERR_CORRUPT  ? EXIT_DIFFERENCES
                         : rc == ERR_SYNTAX ? EXIT_USAGE
                                            : EXIT_UNREACHED,
                         &e);
}

int journal_verify_proof_command(int argc, char **argv)
{
    struct journal_key keys[JOURNAL_TRUST_MAX];
    struct proof_options opt;
    const char *wrong = parse(argc, argv, &opt);
    struct err e = {0};
    struct buf text;
    size_t count;
    int rc, status;

    if (!wrong && opt.dir)
        wrong = "--dir goes with \"prove\"";
    if (wrong)
        return command_usage(usage, wrong[0] ? wrong : NULL);
    if (read_keys(&opt, keys, &count))
        return EXIT_USAGE;
    rc = journal_given_file(opt.argument, JOURNAL_PROOF_MAX, &text, &e);
    if (rc)
        return command_fault(rc == ERR_LIMIT ? EXIT_USAGE : EXIT_UNREACHED, &e);
    status = check((struct span){text.data, text.len}, opt.argument, keys, count);
    buf_release(&text);
    return status;
}
