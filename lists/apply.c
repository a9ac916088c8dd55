/* A batch of changes applied to a list on disk, against everyone else who edits it. Shell. */
#include "lists/internal.h"
#include "lists/round.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ATTEMPTS       10
#define BYTES_MAX      (UINT64_C(8) << 30)
#define NOTHING_LOOKS  3 /* where nothing is there, or nothing is in it */
#define NOTHING_MS     10
#define BACKOFF_MS     5 /* after the first attempt; doubles */
#define BACKOFF_MAX_MS 200

/* How an attempt ended, if no error ended it. */
enum round_end {
    ROUND_UNAFFECTED, /* no row has a change */
    ROUND_IN_PLACE,
    ROUND_RACED /* start over on what somebody else wrote */
};

/* A list to be rewritten: what all attempts share. */
struct job {
    int dir_fd;
    const char *path;
    const char *name;
    const struct lst_changes *changes;
    const struct lst_policy *policy; /* or NULL */
    unsigned attempts;
    uint64_t max_bytes;
    const struct lst_apply_hooks *hooks; /* or NULL */
};

/* Make ready for an attempt. */
static void round_init(struct round *r, const struct job *j)
{
    *r = (struct round){.dir_fd = j->dir_fd,
                        .path = j->path,
                        .name = j->name,
                        .changes = j->changes,
                        .policy = j->policy,
                        .max_bytes = j->max_bytes,
                        .old = HELD_NOTHING,
                        .fresh = HELD_NOTHING,
                        .temp = {.fd = -1}};
    buf_init(&r->out, SIZE_MAX);
    buf_init(&r->undo, SIZE_MAX);
}

/* Remove the temporary file (ours, or the old one) and let go of everything. */
static void round_release(struct round *r)
{
    replace_abort(&r->temp);
    held_release(&r->fresh);
    held_release(&r->old);
    buf_release(&r->out);
    buf_release(&r->undo);
}

/* Rewrite in memory; *ret tells whether any row is affected. */
static int round_rewrite(struct round *r, struct lst_apply_event *event, bool *ret)
{
    struct span in = r->old.content;
    size_t rest;
    int rc = rewrite_affected(r->policy, in, r->changes, &r->out, &r->undo, &rest, &event->stats);

    if (rc < 0)
        return rc;
    *ret = event->stats.changed > 0;
    if (!*ret)
        return 0;
    rc = buf_append(&r->out, in.p + rest, in.n - rest);
    if (rc < 0)
        return rc;
    event->path = r->path;
    event->undo = (struct span){r->undo.data, r->undo.len};
    digest_sha256(in.p, in.n, event->before);
    digest_sha256(r->out.data, r->out.len, event->after);
    return 0;
}

/* Tell the caller what is about to happen. */
static int tell_intent(const struct job *j, const struct lst_apply_event *event)
{
    return j->hooks && j->hooks->on_intent ? j->hooks->on_intent(j->hooks->arg, event) : 0;
}

/* Tell the caller how it ended. */
static void tell_end(const struct job *j, const struct lst_apply_event *event, bool done)
{
    if (j->hooks && j->hooks->on_end)
        j->hooks->on_end(j->hooks->arg, event, done);
}

/* Tell the caller what the list is that stays as it is. */
static void tell_unaffected(const struct job *j, const struct held *list)
{
    if (j->hooks && j->hooks->on_unaffected)
        j->hooks->on_unaffected(j->hooks->arg, list->content, &list->st);
}

/* From the intent to the end of an attempt. */
static int round_replace(struct round *r, const struct job *j, const struct lst_apply_event *event,
                         enum round_end *ret)
{
    int rc = tell_intent(j, event);

    if (rc < 0)
        return rc;
    rc = round_prepare(r);
    if (rc == 0)
        rc = round_install(r);
    tell_end(j, event, rc == 0);
    if (rc < 0 && rc != ERR_CHANGED)
        return rc;
    *ret = rc == 0 ? ROUND_IN_PLACE : ROUND_RACED;
    return 0;
}

/* Open and read the list. NFS and FUSE put an open file aside before another is renamed over it, so
 * that for a moment there is none; and who writes it in place has emptied it first: look more than
 * once before saying so. */
static int round_read(struct round *r)
{
    int rc = -ENOENT;

    for (int i = 0; (rc == -ENOENT || (rc == 0 && !r->old.content.n)) && i < NOTHING_LOOKS; i++) {
        if (i > 0)
            nap_ms(NOTHING_MS);
        held_release(&r->old);
        rc = held_open(&r->old, r->dir_fd, r->name, r->max_bytes);
    }
    return rc;
}

/* One attempt. */
static int round_run(const struct job *j, enum round_end *ret)
{
    struct lst_apply_event event = {0};
    bool affected = false;
    struct round r;
    int rc;

    round_init(&r, j);
    rc = round_read(&r);
    if (rc == 0)
        rc = round_rewrite(&r, &event, &affected);
    if (rc == 0 && j->hooks && j->hooks->on_rows)
        j->hooks->on_rows(j->hooks->arg, &event.stats);
    if (rc == 0 && affected)
        rc = round_replace(&r, j, &event, ret);
    else if (rc == 0) {
        tell_unaffected(j, &r.old);
        *ret = ROUND_UNAFFECTED;
    } else if (rc == ERR_CHANGED) {
        *ret = ROUND_RACED; /* written while it was read */
        rc = 0;
    }
    round_release(&r);
    return rc;
}

/* Attempt after attempt, with a longer wait after each. */
static int run(const struct job *j, bool *ret_changed)
{
    int64_t wait_ms = BACKOFF_MS;

    for (unsigned i = 0; i < j->attempts; i++) {
        enum round_end end = ROUND_RACED;
        int rc = round_run(j, &end);

        if (rc < 0)
            return rc;
        if (end != ROUND_RACED) {
            *ret_changed = end == ROUND_IN_PLACE;
            return 0;
        }
        if (i + 1 < j->attempts)
            nap_ms(wait_ms);
        wait_ms = wait_ms * 2 < BACKOFF_MAX_MS ? wait_ms * 2 : BACKOFF_MAX_MS;
    }
    return ERR_CHANGED;
}

/* Put a failure in words. */
static int explain(struct err *e, int rc, const struct job *j)
{
    if (rc == ERR_CHANGED)
        return err_set(e, rc, j->path, "close it in the program that writes it, or wait",
                       "somebody has it open for writing or changed it %u times meanwhile",
                       j->attempts);
    if (rc == ERR_NOT_FILE)
        return err_set(e, rc, j->path, "a list is a regular file, not a link or a device",
                       "not a regular file");
    if (rc == ERR_LIMIT)
        return err_set(e, rc, j->path, "split the list", "larger than %llu bytes",
                       (unsigned long long)j->max_bytes);
    return err_set(e, rc, j->path, NULL, "not rewritten: %s", err_name(rc));
}

int lst_apply(int root_fd, const char *path, const struct lst_changes *changes,
              const struct lst_apply_options *opt, const struct lst_apply_hooks *hooks,
              bool *ret_changed, struct err *e)
{
    struct job j = {.dir_fd = -1,
                    .path = path,
                    .name = path_name(path),
                    .changes = changes,
                    .policy = opt ? opt->policy : NULL,
                    .attempts = opt && opt->attempts > 0 ? opt->attempts : ATTEMPTS,
                    .max_bytes = opt && opt->max_bytes > 0 ? opt->max_bytes : BYTES_MAX,
                    .hooks = hooks};
    char parent[PATH_BYTES_MAX + 1];
    int rc = path_parent(parent, sizeof(parent), path);

    if (rc == 0)
        rc = tree_open(root_fd, parent, O_RDONLY | O_DIRECTORY, &j.dir_fd);
    if (rc == 0)
        rc = run(&j, ret_changed);
    if (j.dir_fd >= 0)
        (void)close(j.dir_fd); /* synced where it mattered */
    return rc < 0 ? explain(e, rc, &j) : 0;
}
