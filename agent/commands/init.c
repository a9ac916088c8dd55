/* Shell. lockstep init: a first configuration, tried before it is written. */
#include "agent/commands/commands.h"
#include "agent/commands/init_ask.h"

#include "agent/core/proposal.h"
#include "agent/service/permissions.h"
#include "base/replace.h"
#include "watchers/watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define TEXT_MAX  65536
#define ASK_TIMES 3

static const char usage[] =
    "usage: lockstep init [--images DIR] [--lists DIR] [--bucket NAME] [OPTIONS] [-c FILE]\n"
    "Propose a configuration, try the bucket's permissions, and write it. What is not said is "
    "asked\n"
    "on a terminal; without one --images and --bucket are needed.\n"
    "  --prefix P, --lists-prefix P   of keys; default images/, lists/\n"
    "  --region R, --endpoint URL, --profile NAME, --state-dir DIR\n"
    "  --print      only print it: nothing is tried or written\n"
    "  --no-check   do not try the permissions\n"
    "  --plan       show what the first run would do, before anything is written\n"
    "  --yes        ask for no confirmation\n"
    "  --force      replace a configuration that is there\n"
    "Exit status: 0 written, 1 something is not permitted, 2 wrong use, 4 S3 cannot be reached.\n";

struct init {
    char *images, *lists, *bucket, *prefix, *lists_prefix, *region, *endpoint, *profile, *state_dir;
    const char *file;
    int print, no_check, plan, yes, force; /* flags, as getopt_long sets them */
    bool asks;                             /* there is a terminal */
    struct proposal_tree trees[2];
    struct root_identity ids[2];
};

/* Replace a word. 0 or -ENOMEM. */
static int set_word(char **word, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return -ENOMEM;
    free(*word);
    *word = copy;
    return 0;
}

static void init_release(struct init *in)
{
    char **words[] = {&in->images, &in->lists,    &in->bucket,  &in->prefix,   &in->lists_prefix,
                      &in->region, &in->endpoint, &in->profile, &in->state_dir};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        free(*words[i]);
}

/* The command line: -1 to go on, or the exit status. */
static int parse(int argc, char **argv, struct init *in)
{
    const struct option options[] = {{"images", required_argument, NULL, 'i'},
                                     {"lists", required_argument, NULL, 'l'},
                                     {"bucket", required_argument, NULL, 'b'},
                                     {"prefix", required_argument, NULL, 'p'},
                                     {"lists-prefix", required_argument, NULL, 'q'},
                                     {"region", required_argument, NULL, 'r'},
                                     {"endpoint", required_argument, NULL, 'e'},
                                     {"profile", required_argument, NULL, 'a'},
                                     {"state-dir", required_argument, NULL, 's'},
                                     {"print", no_argument, &in->print, 1},
                                     {"no-check", no_argument, &in->no_check, 1},
                                     {"plan", no_argument, &in->plan, 1},
                                     {"yes", no_argument, &in->yes, 1},
                                     {"force", no_argument, &in->force, 1},
                                     {"config", required_argument, NULL, 'c'},
                                     {"help", no_argument, NULL, 'h'},
                                     {0}};
    static const char letters[] = "ilbpqreas";
    char **words[] = {&in->images, &in->lists,    &in->bucket,  &in->prefix,   &in->lists_prefix,
                      &in->region, &in->endpoint, &in->profile, &in->state_dir};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        const char *letter = c ? strchr(letters, c) : NULL;

        if (c == 'c')
            in->file = optarg;
        else if (letter && set_word(words[letter - letters], optarg))
            return EXIT_UNREACHED;
        else if (c && !letter)
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    if (optind < argc)
        return command_usage(usage, "too many arguments");
    return -1;
}

/* Look at a tree. 0, or a negative code with e. */
static int look(struct init *in, size_t which, const char *prefix, char **path, struct err *e)
{
    struct proposal_tree *t = &in->trees[which];
    char whole[PATH_MAX];
    struct statvfs fs;
    int rc = 0;

    if (!realpath(*path, whole))
        rc = -errno;
    else if ((*path)[0] != '/')
        rc = set_word(path, whole);
    if (rc == 0)
        rc = watchers_root_identity(*path, &in->ids[which]);
    if (rc == 0 && access(*path, R_OK | X_OK))
        rc = -errno;
    if (rc)
        return err_set(e, rc, *path, "a directory that may be read", "the tree cannot be used: %s",
                       err_name(rc));
    *t = (struct proposal_tree){.path = *path,
                                .prefix = prefix,
                                .fs_name = in->ids[which].fs_name,
                                .source = in->ids[which].source,
                                .network = watchers_others_write(&in->ids[which])};
    if (statvfs(*path, &fs) == 0) {
        t->capacity = (uint64_t)fs.f_blocks * fs.f_frsize;
        t->used = (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize;
    }
    return 0;
}

/* Ask for a tree until it can be used. True where there is one, or none is wanted. */
static bool ask_tree(struct init *in, size_t which, const char *prefix, const char *question,
                     char **path, struct err *e)
{
    for (int times = 0; times < ASK_TIMES; times++) {
        free(*path);
        *path = ask_line(question, "");
        if (!*path)
            return false;
        if (!(*path)[0] && which)
            return set_word(path, NULL) == 0;
        *e = (struct err){0};
        if (look(in, which, prefix, path, e) == 0)
            return true;
        command_fault(EXIT_USAGE, e);
    }
    return false;
}

/* What is still to be known of a tree: looked at, or asked for. An exit status, or -1. */
static int need_tree(struct init *in, size_t which, const char *prefix, const char *question,
                     char **path)
{
    struct err e = {0};
    struct buf line;

    if (*path) {
        if (look(in, which, prefix, path, &e))
            return command_fault(EXIT_USAGE, &e);
    } else if (in->asks && !ask_tree(in, which, prefix, question, path, &e)) {
        fputs("lockstep: nothing was written\n", stderr);
        return EXIT_USAGE;
    }
    if (!*path || in->print)
        return -1;
    buf_init(&line, TEXT_MAX);
    if (proposal_see(&in->trees[which], &line) == 0)
        printf("  %s", line.data);
    buf_release(&line);
    return -1;
}

/* All that is needed, from the command line or the terminal. An exit status, or -1. */
static int gather(struct init *in)
{
    bool told = in->images != NULL;
    int status;

    if (!in->asks && (!in->images || !in->bucket))
        return command_usage(usage, "there is no terminal to ask on: --images and --bucket are "
                                    "needed");
    if ((!in->prefix && set_word(&in->prefix, "images/")) ||
        (!in->lists_prefix && set_word(&in->lists_prefix, "lists/")))
        return EXIT_UNREACHED;
    status = need_tree(in, 0, in->prefix, "Which directory has the images?", &in->images);
    if (status < 0 && (in->lists || !told))
        status = need_tree(in, 1, in->lists_prefix,
                           "Which directory has the .lst files (empty: none)?", &in->lists);
    if (status < 0 && !in->bucket) {
        in->bucket = ask_line("Which bucket do they go to?", "");
        if (!in->bucket)
            status = EXIT_USAGE;
    }
    return status;
}

/* The text. 0 or a negative code. */
static int render(const struct init *in, struct buf *text)
{
    struct proposal p = {.images = in->trees[0],
                         .lists = in->trees[1],
                         .bucket = in->bucket,
                         .region = in->region,
                         .endpoint = in->endpoint,
                         .profile = in->profile,
                         .state_dir = in->state_dir};

    return proposal_render(&p, text);
}

/* Load it as an agent would, from a file that is gone afterwards. 0 or EXIT_USAGE, all said. */
static int load(const struct buf *text, struct conf **ret)
{
    char name[] = "/tmp/lockstep-init-XXXXXX";
    int fd = mkstemp(name), rc = fd < 0 ? -errno : write_whole(fd, text->data, text->len);
    int status = EXIT_UNREACHED;

    if (rc)
        fprintf(stderr, "lockstep: %s: %s\n", name, err_name(rc));
    else
        status = command_load(name, false, ret);
    if (fd >= 0) {
        (void)unlink(name); /* if not: /tmp is cleaned */
        close(fd);
    }
    return status;
}

/* permissions_check's callback: a line each. */
static void tell(void *arg, const struct permission *p)
{
    (void)arg;
    if (!p->tried)
        printf("  -    %s (%s): not tried\n", p->action, p->use);
    else if (p->allowed)
        printf("  ok   %s (%s)\n", p->action, p->use);
    else
        printf("  NO   %s (%s): %s; %s\n", *p->refused ? p->refused : p->action, p->use, p->code,
               trouble_advice(p->kind));
}

/* Whether what is removed or overwritten in the bucket can be had back. It is said, nothing depends
 * on it. 0 or EXIT_UNREACHED. */
static int tell_versioning(const struct conf *conf)
{
    static const char *const means[] = {
        [S3_VERSIONING_OFF] = "off: what is removed or overwritten in S3 is gone for good. Turn it "
                              "on, or set deletes = "
                              "\"trash\", which keeps what is removed",
        [S3_VERSIONING_ON] = "on: what is removed or overwritten in S3 can be had back",
        [S3_VERSIONING_SUSPENDED] =
            "suspended: what is removed or overwritten in S3 from now on is gone for good. Turn it "
            "on "
            "again, or set deletes = \"trash\", which keeps what is removed",
    };
    struct permissions_versioning v;
    struct err e = {0};

    if (permissions_versioning(conf, &v, &e))
        return command_fault(EXIT_UNREACHED, &e);
    printf("versioning of s3://%s\n  ", conf->s3.bucket);
    if (v.told)
        printf("%s\n", means[v.versioning]);
    else
        printf(
            "not known (s3:GetBucketVersioning: %s): without it, what is removed or overwritten in "
            "S3 is gone for good\n",
            v.code);
    return EXIT_IN_STEP;
}

/* Try the permissions below each tree's prefix. An exit status. */
static int check(const struct conf *conf)
{
    int status = EXIT_IN_STEP;

    for (size_t i = 0; i < conf->mapping_count && status != EXIT_UNREACHED; i++) {
        struct permissions sum;
        struct err e = {0};

        printf("permissions on s3://%s/%s\n", conf->s3.bucket, conf->mappings[i].prefix);
        fflush(stdout);
        if (permissions_check(conf, &conf->mappings[i], tell, NULL, &sum, &e))
            return command_fault(EXIT_UNREACHED, &e);
        if (sum.refused)
            status = sum.unreached ? EXIT_UNREACHED : EXIT_DIFFERENCES;
        for (unsigned k = 0; k < sum.left_count; k++)
            printf("  what was put there to try could not be deleted: %s\n", sum.left[k]);
    }
    if (status != EXIT_UNREACHED && tell_versioning(conf))
        status = EXIT_UNREACHED;
    return status;
}

/* What the first run would do. */
static void plan(const struct conf *conf)
{
    struct agent_options how = {.once = true, .dry_run = true, .out = stdout};
    struct agent_totals totals = {0};
    struct err e = {0};

    (void)service_run(conf, &how, &totals, &e); /* it only tells */
    if (e.code)
        (void)command_fault(0, &e);
    printf("plan: %llu files to put, %llu bytes; nothing was changed\n",
           (unsigned long long)totals.adds, (unsigned long long)totals.bytes);
}

/* Put it in its place. 0 or a negative code with e. */
static int place(const struct init *in, const struct buf *text, struct err *e)
{
    const char *slash = strrchr(in->file, '/');
    char dir[PATH_MAX];
    struct replace r;
    int fd, rc;

    snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - in->file) : 1, slash ? in->file : ".");
    fd = open(dir[0] ? dir : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, -errno, dir, "a directory that is there", "it cannot be written: %s",
                       err_name(-errno));
    rc = replace_begin(&r, fd, slash ? slash + 1 : in->file, 0644);
    if (rc == 0) {
        rc = write_whole(r.fd, text->data, text->len);
        if (rc)
            replace_abort(&r);
        else
            rc = in->force ? replace_commit(&r) : replace_commit_new(&r);
    }
    close(fd);
    return rc ? err_set(e, rc, in->file, NULL, "it cannot be written: %s", err_name(rc)) : 0;
}

/* What to do now. */
static void next_steps(const struct init *in)
{
    printf("written: %s\nnext:\n", in->file);
    for (size_t i = 0; i < 2; i++)
        if (in->trees[i].path && in->trees[i].network)
            printf("  systemctl edit lockstep     with RequiresMountsFor=%s below [Unit]\n",
                   in->trees[i].path);
    if (strcmp(in->file, CONF_DEFAULT_FILE) == 0)
        printf("  lockstep adopt     if S3 has a copy already\n"
               "  systemctl enable --now lockstep\n  lockstep status\n");
    else
        printf("  lockstep adopt -c %s     if S3 has a copy already\n"
               "  lockstep agent -c %s\n  lockstep status -c %s\n",
               in->file, in->file, in->file);
}

/* Try, offer a plan, write. An exit status. */
static int carry_out(const struct init *in, const struct conf *conf, const struct buf *text)
{
    bool confirms = in->asks && !in->yes;
    struct err e = {0};
    int status = EXIT_IN_STEP;

    if (!in->no_check && (!confirms || ask_yes("Try the permissions on the bucket?", true)))
        status = check(conf);
    if (status && (!confirms || !ask_yes("Write it all the same?", false))) {
        fprintf(stderr, "lockstep: nothing was written; --no-check writes it without trying\n");
        return status;
    }
    if (in->plan || (confirms && ask_yes("Show what the first run would do?", false)))
        plan(conf);
    if (confirms &&
        !ask_yes(in->force ? "Write it, in place of what is there?" : "Write it?", true)) {
        fputs("lockstep: nothing was written\n", stderr);
        return EXIT_DIFFERENCES;
    }
    if (place(in, text, &e))
        return command_fault(EXIT_UNREACHED, &e);
    next_steps(in);
    return EXIT_IN_STEP;
}

/* Everything, once the command line is known. */
static int run(struct init *in)
{
    struct conf *conf = NULL;
    struct buf text;
    int status = gather(in);

    if (status >= 0)
        return status;
    buf_init(&text, TEXT_MAX);
    if (render(in, &text)) {
        fputs("lockstep: no memory for the configuration\n", stderr);
        status = EXIT_UNREACHED;
    } else {
        printf("%s%s%s", in->print ? "" : "---\n", text.data, in->print ? "" : "---\n");
        status = load(&text, &conf);
    }
    if (status == 0 && !in->print)
        status = carry_out(in, conf, &text);
    conf_free(conf);
    buf_release(&text);
    return status;
}

/* A configuration that is there, as after the installation of a package, is replaced by who wants
 * that: nothing is asked for in vain. An exit status, or -1. */
static int check_place(struct init *in)
{
    struct err e = {0};

    if (in->force || in->print || access(in->file, F_OK))
        return -1;
    err_set(&e, -EEXIST, in->file, "--force replaces it; -c FILE writes another one",
            "there is a configuration already");
    if (!in->asks)
        return command_fault(EXIT_USAGE, &e);
    printf("%s is there already.\n", in->file);
    if (!ask_yes("Propose one that replaces it?", false))
        return command_fault(EXIT_USAGE, &e);
    in->force = 1;
    return -1;
}

int command_init(int argc, char **argv)
{
    struct init in = {.file = CONF_DEFAULT_FILE};
    int status = parse(argc, argv, &in);

    in.asks = ask_possible();
    if (status < 0)
        status = check_place(&in);
    if (status < 0)
        status = run(&in);
    init_release(&in);
    return status;
}
