/* Shell. Each permission is tried. See permissions.h. */
#include "agent/service/permissions.h"

#include "agent/service/service.h"
#include "base/clock.h"
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SMALL   "small"
#define LARGE   "large" /* goes in parts: only begun */
#define SKEW_US (10 * INT64_C(1000000))

struct trial {
    struct uploaders *uploaders;
    const struct conf_mapping *mapping;
    int dir_fd;                /* of the two files */
    char key[S3_KEY_MAX + 1];  /* of the object */
    char copy[S3_KEY_MAX + 1]; /* of its copy */
    char *upload_id;           /* of the upload that was begun */
    int64_t begun_us;
    bool object, copied; /* are there */
};

/* The steps, in their order; what an earlier one is needed for is not tried without it. */
enum step { LIST, PUT, HEAD, GET, COPY, BEGIN, ABORT, UPLOADS, DELETE, STEP_COUNT };

static const struct {
    const char *action, *use;
} steps[STEP_COUNT] = {
    [LIST] = {"s3:ListBucket", "verify, adopt"},
    [PUT] = {"s3:PutObject", "uploads"},
    [HEAD] = {"s3:GetObject", "what objects are: verify, renames"},
    [GET] = {"s3:GetObject", "what objects hold: evidence kept in S3"},
    [COPY] = {"s3:GetObject, s3:PutObject, s3:GetObjectTagging, s3:PutObjectTagging",
              "renames, as copies inside S3"},
    [BEGIN] = {"s3:PutObject", "large files, in parts"},
    [ABORT] = {"s3:AbortMultipartUpload, s3:ListMultipartUploadParts",
               "uploads in parts that nothing came of"},
    [UPLOADS] = {"s3:ListBucketMultipartUploads", "uploads whose beginning was not answered"},
    [DELETE] = {"s3:DeleteObject", "removals; deletes = \"keep\" does without"},
};

/* One of the files. */
static int make_file(int dir_fd, const char *name, off_t size)
{
    int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : 0;

    if (rc == 0 && ftruncate(fd, size))
        rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* The folder with both. */
static int make_files(char dir[], int *ret_fd)
{
    int fd, rc;

    if (!mkdtemp(dir))
        return -errno;
    rc = tree_open_root(dir, &fd);
    if (rc == 0) {
        rc = make_file(fd, SMALL, 5);
        if (rc == 0)
            rc = make_file(fd, LARGE, (off_t)UPLOADERS_PARTS_FROM + 1);
        *ret_fd = fd;
    }
    return rc;
}

static void drop_files(const char *dir, int fd)
{
    if (fd >= 0) {
        (void)unlinkat(fd, SMALL, 0); /* what stays behind is in /tmp */
        (void)unlinkat(fd, LARGE, 0);
        close(fd);
    }
    (void)rmdir(dir);
}

/* Make it a PUT of one of the files. */
static bool of_file(const struct trial *t, struct transfer *x, const char *name)
{
    x->root_fd = t->dir_fd;
    x->path = strdup(name);
    return x->path && tree_stat(t->dir_fd, name, &x->expected) == 0;
}

/* The transfer of a step; NULL without memory, or where the files are gone. */
static struct transfer *make_transfer(const struct trial *t, enum step step, struct s3_head *head,
                                      struct buf *content)
{
    static const enum transfer_kind kinds[STEP_COUNT] = {
        [LIST] = TRANSFER_LIST,   [PUT] = TRANSFER_PUT,        [HEAD] = TRANSFER_HEAD,
        [GET] = TRANSFER_HEAD,    [COPY] = TRANSFER_COPY,      [BEGIN] = TRANSFER_PUT,
        [ABORT] = TRANSFER_ABORT, [UPLOADS] = TRANSFER_STRAYS, [DELETE] = TRANSFER_DELETE};
    struct transfer *x = transfer_new(kinds[step], step == LIST   ? t->mapping->prefix
                                                   : step == COPY ? t->copy
                                                                  : t->key);
    bool made = x != NULL;

    if (made && (step == PUT || step == BEGIN))
        made = of_file(t, x, step == PUT ? SMALL : LARGE);
    if (made && step == BEGIN)
        x->tells_upload = true;
    if (made && (step == HEAD || step == GET)) {
        x->head = head;
        x->content = step == GET ? content : NULL;
    }
    if (made && step == COPY) {
        x->source_key = strdup(t->key);
        x->source_size = 5;
        made = x->source_key != NULL;
    }
    if (made && step == ABORT) {
        x->upload_id = strdup(t->upload_id);
        made = x->upload_id != NULL;
    }
    if (made && step == UPLOADS) {
        x->since_us = t->begun_us - SKEW_US;
        x->until_us = clock_real_us();
    }
    if (made)
        return x;
    transfer_free(x);
    return NULL;
}

/* What follows from one that is allowed. False without memory. */
static bool learn(struct trial *t, enum step step, const struct transfer *x)
{
    t->object = (t->object || step == PUT) && step != DELETE;
    t->copied = t->copied || step == COPY;
    if (step == BEGIN && x->upload_id) {
        free(t->upload_id);
        t->upload_id = strdup(x->upload_id);
        return t->upload_id != NULL;
    }
    return true;
}

/* S3's, of a refusal. */
struct words {
    char code[64], refused[TROUBLE_ACTION_MAX];
};

/* How S3 calls it. The answer to a HEAD has no body that could tell. */
static void note_code(const struct transfer *x, struct permission *p, struct words *words)
{
    trouble_refused_action(x->message, words->refused);
    if (x->s3_code[0] || !x->http_status) {
        snprintf(words->code, sizeof words->code, "%s", x->s3_code);
        return;
    }
    snprintf(words->code, sizeof words->code, "HTTP status %d", x->http_status);
    if (x->verdict == VERDICT_DENIED)
        p->kind = TROUBLE_DENIED;
}

/* Try one. 0 or a negative code. */
static int try_step(struct trial *t, enum step step, struct permission *p, struct words *words)
{
    struct s3_head head = {0};
    struct buf content;
    struct transfer *x;
    int rc = 0;

    buf_init(&content, 4096);
    x = make_transfer(t, step, &head, &content);
    if (!x)
        return -ENOMEM;
    if (step == BEGIN)
        t->begun_us = clock_real_us();
    uploaders_run(t->uploaders, x);
    p->tried = true;
    p->allowed = x->verdict == VERDICT_DONE || x->verdict == VERDICT_BEGUN;
    p->kind = p->allowed ? TROUBLE_NONE : trouble_of(x);
    note_code(x, p, words);
    if (p->allowed && !learn(t, step, x))
        rc = -ENOMEM;
    transfer_free(x);
    buf_release(&content);
    return rc;
}

/* Is there what the step is tried on? */
static bool may_try(const struct trial *t, enum step step)
{
    if (step == HEAD || step == GET || step == COPY || step == DELETE)
        return t->object;
    return step != ABORT || t->upload_id != NULL;
}

/* The copy goes the way of the object. */
static void delete_copy(struct trial *t, struct permissions *ret)
{
    struct transfer *x = t->copied ? transfer_new(TRANSFER_DELETE, t->copy) : NULL;

    if (x)
        uploaders_run(t->uploaders, x);
    if (t->copied && (!x || x->verdict != VERDICT_DONE))
        memcpy(ret->left[ret->left_count++], t->copy, sizeof t->copy);
    transfer_free(x);
}

/* All steps. */
static int try_all(struct trial *t, void (*fn)(void *arg, const struct permission *p), void *arg,
                   struct permissions *ret)
{
    int rc = 0;

    for (int step = 0; rc == 0 && step < STEP_COUNT; step++) {
        struct words words = {0};
        struct permission p = {.action = steps[step].action,
                               .use = steps[step].use,
                               .code = words.code,
                               .refused = words.refused};

        if (!ret->unreached && may_try(t, (enum step)step))
            rc = try_step(t, (enum step)step, &p, &words);
        ret->tried += p.tried;
        ret->refused += p.tried && !p.allowed;
        ret->unreached |= p.tried && !p.allowed && p.kind != TROUBLE_DENIED &&
                          p.kind != TROUBLE_KMS && trouble_stops_all(p.kind);
        if (rc == 0)
            fn(arg, &p);
    }
    if (t->object)
        memcpy(ret->left[ret->left_count++], t->key, sizeof t->key);
    delete_copy(t, ret);
    return rc;
}

/* Keys that nobody has. False where they are too long. */
static bool make_keys(struct trial *t)
{
    uint64_t dice = (uint64_t)clock_real_us();
    int n;

    (void)!getrandom(&dice, sizeof dice, GRND_NONBLOCK); /* the time does as well */
    n = snprintf(t->key, sizeof t->key, "%s.lockstep-probe-%016llx", t->mapping->prefix,
                 (unsigned long long)dice);
    if (n < 0 || (size_t)n + 5 >= sizeof t->key)
        return false;
    snprintf(t->copy, sizeof t->copy, "%.*s-copy", n, t->key);
    return true;
}

int permissions_check(const struct conf *conf, const struct conf_mapping *m,
                      void (*fn)(void *arg, const struct permission *p), void *arg,
                      struct permissions *ret, struct err *e)
{
    struct trial t = {.mapping = m, .dir_fd = -1};
    char dir[] = "/tmp/lockstep-init-XXXXXX";
    struct uploaders_options opt;
    int rc;

    *ret = (struct permissions){0};
    service_uploaders_options(conf, &opt);
    opt.multipart_bytes = opt.part_bytes = UPLOADERS_PARTS_FROM;
    if (!make_keys(&t))
        return err_set(e, -ENAMETOOLONG, m->prefix, "a shorter one", "the prefix is too long");
    rc = make_files(dir, &t.dir_fd);
    if (rc)
        err_set(e, rc, dir, NULL, "files to try uploads with cannot be made: %s", err_name(rc));
    if (rc == 0)
        rc = uploaders_new(&opt, &t.uploaders, e);
    if (rc == 0)
        rc = try_all(&t, fn, arg, ret);
    if (rc && !e->code)
        err_set(e, rc, NULL, NULL, "the permissions cannot be tried: %s", err_name(rc));
    uploaders_free(t.uploaders);
    drop_files(dir, t.dir_fd);
    free(t.upload_id);
    return rc;
}

int permissions_versioning(const struct conf *conf, struct permissions_versioning *ret,
                           struct err *e)
{
    struct transfer *x = transfer_new(TRANSFER_VERSIONING, "versioning");
    struct uploaders *uploaders = NULL;
    struct uploaders_options opt;
    int rc = x ? 0 : err_set(e, -ENOMEM, NULL, NULL, "no memory");

    service_uploaders_options(conf, &opt);
    if (rc == 0)
        rc = uploaders_new(&opt, &uploaders, e);
    if (rc == 0) {
        uploaders_run(uploaders, x);
        *ret = (struct permissions_versioning){.told = x->verdict == VERDICT_DONE,
                                               .versioning = x->versioning};
        snprintf(ret->code, sizeof ret->code, "%s", x->s3_code);
    }
    uploaders_free(uploaders);
    transfer_free(x);
    return rc;
}
