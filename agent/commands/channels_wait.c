/* Shell. Waiting for what channels name. See channels_wait.h. */
#include "agent/commands/channels_wait.h"

#include "agent/commands/commands.h"
#include "agent/commands/place.h"
#include "agent/commands/wait.h"
#include "agent/service/manifest_notes.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/path.h"
#include "lists/file.h"
#include "uploaders/uploaders.h"
#include "watchers/watchers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS  2000 /* from one look at S3 to the next */
#define KEY_SIZE (PATH_BYTES_MAX + S3_KEY_MAX + 1)
#define SCHEME   "s3://"

/* What is not there, as far as one look tells. */
struct lack {
    char what[ERR_TEXT_MAX]; /* "": nothing */
};

/* One place in S3, and who looks at it. */
struct looking {
    struct conf *conf;
    struct uploaders *uploaders; /* of the bucket that is looked at */
    int64_t end_ms;
};

/* The S3 side for a bucket. */
static int open_bucket(struct looking *l, const char *bucket, struct err *e)
{
    struct uploaders_options opt;

    service_uploaders_options(l->conf, &opt);
    opt.bucket = bucket;
    return uploaders_new(&opt, &l->uploaders, e);
}

/* What S3 says of a key, with its bytes where content is not NULL. 0 with *ret_there, or a code. */
static int ask(struct looking *l, const char *key, struct buf *content, bool *ret_there,
               struct err *e)
{
    struct transfer *t = transfer_new(TRANSFER_HEAD, key);
    int rc = 0;

    if (!t)
        return err_set(e, -ENOMEM, key, NULL, "no memory");
    t->content = content;
    uploaders_run(l->uploaders, t);
    *ret_there = t->verdict == VERDICT_DONE || t->verdict == VERDICT_UNREADABLE;
    if (!*ret_there && t->verdict != VERDICT_ABSENT)
        rc = err_set(e, -EIO, key, NULL, "S3 does not tell whether it is there: %s: %s %s",
                     verdict_name(t->verdict), t->s3_code, t->message);
    transfer_free(t);
    return rc;
}

/* ---- one list ---- */

/* The keys of the images that it names. */
static int keys_of(const struct place *p, struct span text, struct map *keys)
{
    struct watch_filter filter = {.patterns = (const char *const *)p->images->exclude,
                                  .without_defaults = !p->images->default_exclude};
    struct lst_cursor cursor = {.in = text};
    char path[PATH_BYTES_MAX + 1], key[KEY_SIZE];
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&cursor, &row)) {
        if (row.kind != LST_ROW_IMAGE || lst_path_normal(row.path, path, sizeof path) ||
            watch_filter_excludes(&filter, path))
            continue;
        if (snprintf(key, sizeof key, "%s%s", p->images->prefix, path) < (int)sizeof key)
            rc = map_put_str(keys, key, keys, NULL);
    }
    return rc;
}

/* uploaders_list's callback: that one is there. */
static int strike_out(void *arg, const struct s3_object *o)
{
    (void)map_remove_str(arg, o->key);
    return 0;
}

/* Are the images there? */
static int look_at_images(struct looking *l, const struct place *p, struct span text,
                          struct lack *lack, struct err *e)
{
    struct map *keys = map_new();
    int rc = keys ? keys_of(p, text, keys) : -ENOMEM;
    const void *key;
    size_t at = 0, n;

    if (rc == 0)
        rc = uploaders_list(l->uploaders, p->images->prefix, strike_out, keys, e);
    else
        err_set(e, rc, p->file, NULL, "%s", err_name(rc));
    if (rc == 0 && map_next(keys, &at, &key, &n, NULL))
        (void)snprintf(lack->what, sizeof lack->what,
                       "%.*s is not in S3; images that are missing: %zu", (int)(n < 200 ? n : 200),
                       (const char *)key, map_count(keys));
    map_free(keys);
    return rc;
}

/* Are the manifests there that the list is to have? */
static int look_at_manifests(struct looking *l, const struct place *p, const char *list,
                             struct lack *lack, struct err *e)
{
    char key[KEY_SIZE];
    bool there = true;
    int rc = 0;

    for (int k = 0; k < MANIFEST_KINDS && rc == 0 && there; k++) {
        const char *suffix = manifest_suffix(p->lists, (enum manifest_kind)k);

        if (!suffix || !manifest_name(list, suffix, key, sizeof key))
            continue;
        rc = ask(l, key, NULL, &there, e);
        if (rc == 0 && !there)
            (void)snprintf(lack->what, sizeof lack->what, "%.400s is not in S3", key);
    }
    return rc;
}

/* One look at a list and what it names. */
static int look_at_list(struct looking *l, const struct place *p, struct lack *lack, struct err *e)
{
    char key[KEY_SIZE];
    struct lst_file file;
    struct buf content;
    bool there = false;
    int rc = lst_file_read(p->file, &file, e);

    if (rc)
        return rc;
    (void)snprintf(key, sizeof key, "%s%s", p->lists->prefix, p->below); /* or is no key */
    buf_init(&content, file.n + 1);
    rc = ask(l, key, &content, &there, e);
    if (rc == 0 && (!there || content.len != file.n ||
                    (file.n && memcmp(content.data, file.bytes, file.n) != 0)))
        (void)snprintf(lack->what, sizeof lack->what, "%.400s is not in S3 as it is here", key);
    else if (rc == 0)
        rc = look_at_images(l, p, lst_file_text(&file), lack, e);
    if (rc == 0 && !lack->what[0])
        rc = look_at_manifests(l, p, key, lack, e);
    buf_release(&content);
    lst_file_release(&file);
    return rc;
}

/* ---- again and again ---- */

/* A pause until the next look; false: the time is up, which is said. */
static bool pause_for(const struct looking *l, const struct lack *lack)
{
    int64_t left_ms = l->end_ms == INT64_MAX ? LOOK_MS : l->end_ms - clock_mono_ms();
    struct timespec pause;

    if (left_ms <= 0) {
        (void)fputs("not yet: ", stderr);
        (void)fprintf(stderr, "%s\n", lack->what);
        return false;
    }
    left_ms = left_ms < LOOK_MS ? left_ms : LOOK_MS;
    pause = (struct timespec){.tv_sec = left_ms / MS_PER_S,
                              .tv_nsec = left_ms % MS_PER_S * (NS_PER_S / MS_PER_S)};
    (void)nanosleep(&pause, NULL); /* a signal shortens it, which does no harm */
    return true;
}

/* Until an object of any bucket is there. */
static int wait_for_object(struct looking *l, const char *uri)
{
    const char *bucket = uri + sizeof SCHEME - 1, *slash = strchr(bucket, '/');
    char *name = slash ? strndup(bucket, (size_t)(slash - bucket)) : NULL;
    struct err e = {0};
    int status = EXIT_IN_STEP;
    bool there = false;
    int rc = name ? open_bucket(l, name, &e) : err_set(&e, -ENOMEM, uri, NULL, "no memory");

    while (rc == 0 && !there && status == EXIT_IN_STEP) {
        struct lack lack = {0};

        rc = ask(l, slash + 1, NULL, &there, &e);
        (void)snprintf(lack.what, sizeof lack.what, "%.400s is not in S3", uri);
        if (rc == 0 && !there && !pause_for(l, &lack))
            status = EXIT_DIFFERENCES;
    }
    uploaders_free(l->uploaders);
    l->uploaders = NULL;
    free(name);
    return rc ? command_fault(EXIT_UNREACHED, &e) : status;
}

/* Until a list is there, without an agent. */
static int look_for_list(struct looking *l, const struct place *p)
{
    struct err e = {0};
    int status = EXIT_IN_STEP;
    int rc = open_bucket(l, l->conf->s3.bucket, &e);

    while (rc == 0 && status == EXIT_IN_STEP) {
        struct lack lack = {0};

        rc = look_at_list(l, p, &lack, &e);
        if (rc || !lack.what[0])
            break;
        if (!pause_for(l, &lack))
            status = EXIT_DIFFERENCES;
    }
    uploaders_free(l->uploaders);
    l->uploaders = NULL;
    return rc ? command_fault(EXIT_UNREACHED, &e) : status;
}

/* Until a list is there. */
static int wait_for_rows(const char *conf_file, const char *list, int64_t end_ms)
{
    struct looking l = {.end_ms = end_ms};
    struct err e = {0};
    struct place p;
    int status = place_find(conf_file, list, &p);

    if (status != EXIT_IN_STEP)
        return status;
    l.conf = p.conf;
    status = wait_for_list(p.conf, list, end_ms, &e);
    if (e.code == -ECONNREFUSED || e.code == -ENOENT)
        status = look_for_list(&l, &p);
    else if (e.code)
        status = command_fault(status, &e);
    place_release(&p);
    return status;
}

/* One set. */
static int wait_for(const char *conf_file, const struct channels_need *need, int64_t end_ms)
{
    struct looking l = {.end_ms = end_ms};
    int status = need->list ? wait_for_rows(conf_file, need->list, end_ms) : EXIT_IN_STEP;

    if (status != EXIT_IN_STEP || !need->uri)
        return status;
    status = command_load(conf_file ? conf_file : CONF_DEFAULT_FILE, true, &l.conf);
    if (status == EXIT_IN_STEP)
        status = wait_for_object(&l, need->uri);
    conf_free(l.conf);
    return status;
}

int channels_wait(const char *conf_file, const struct channels_need *needs, unsigned n,
                  int64_t end_ms)
{
    int status = EXIT_IN_STEP;

    for (unsigned i = 0; i < n && status == EXIT_IN_STEP; i++)
        status = wait_for(conf_file, &needs[i], end_ms);
    return status;
}
