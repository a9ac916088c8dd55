/* Shell. The threads that read and rewrite files. */
#include "agent/service/work.h"

#include "agent/core/policy.h"
#include "agent/service/departed.h"
#include "agent/service/list_holds.h"
#include "agent/service/manifest_file.h"
#include "agent/service/noting.h"
#include "agent/service/policies.h"
#include "agent/service/stale.h"
#include "agent/service/undo.h"
#include "base/crc.h"
#include "base/path.h"
#include "base/priority.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_PIECE_BYTES (256 * 1024)
#define HASH_LARGE_BYTES (16 * 1024 * 1024) /* these are read apart, so that others do not wait */
#define CHECK_MISSING_MAX                                                                          \
    10000 /* further images are not counted one by one: the list waits anyway */
#define CHECK_NAMES_MAX ((size_t)1 << 20) /* bytes of the names that one check tells */

/* Where jobs are done, one after the other: lists; contents; contents that take long to read. */
enum { BENCH_LISTS, BENCH_HASH, BENCH_LARGE, BENCH_COUNT };

struct work {
    const char *undo_dir;
    struct mailbox *out;
    struct bench {
        struct mailbox *jobs;
        pthread_t thread;
        bool started;
        struct work *work;
    } benches[BENCH_COUNT];
};

struct job *job_new(enum job_kind kind)
{
    struct job *job = calloc(1, sizeof *job);

    if (!job)
        return NULL;
    job->kind = kind;
    job->root_fd = job->images_fd = -1;
    buf_init(&job->dangling_names, CHECK_NAMES_MAX);
    buf_init(&job->home_names, CHECK_NAMES_MAX);
    buf_init(&job->old_names, SIZE_MAX);
    buf_init(&job->last_missing, PATH_BYTES_MAX);
    return job;
}

/* Names and what they stand for. */
static void free_names(struct map *names)
{
    void *key;

    for (size_t at = 0; names && map_next(names, &at, NULL, NULL, &key);)
        free(key);
    map_free(names);
}

void job_free(struct job *job)
{
    if (!job)
        return;
    free_names(job->candidates);
    map_free(job->named);
    map_free(job->held);
    free(job->first_held);
    free(job->by);
    free(job->stranger);
    for (size_t i = 0; i < job->list_count; i++) {
        free(job->lists[i].path);
        free(job->lists[i].key);
    }
    free(job->lists);
    free(job->first_missing);
    buf_release(&job->dangling_names);
    buf_release(&job->home_names);
    buf_release(&job->old_names);
    buf_release(&job->last_missing);
    lst_changes_free(job->old_rows);
    map_free(job->leaving);
    map_free(job->ending);
    map_free(job->removed);
    mentions_free(job->names);
    change_set_drop(job->set);
    free(job->key);
    free(job->manifest);
    free(job->path);
    free(job);
}

int job_add_list(struct job *job, unsigned mapping, const char *path, const char *key,
                 const struct conf_policy *policy)
{
    struct pass_list *lists = job->lists;
    struct pass_list new = {.mapping = mapping};

    if ((job->list_count & (job->list_count - 1)) == 0)
        lists = realloc(lists, (job->list_count ? 2 * job->list_count : 1) * sizeof *lists);
    if (!lists)
        return -ENOMEM;
    job->lists = lists;
    new.path = strdup(path);
    new.key = key ? strdup(key) : NULL;
    new.policy = policy;
    lists[job->list_count++] = new;
    return new.path && (new.key || !key) ? 0 : -ENOMEM;
}

int work_hash_pieces(int fd, uint64_t size, uint64_t *ret_crc)
{
    char *piece = malloc(HASH_PIECE_BYTES);
    uint64_t crc = 0;
    int rc = piece ? 0 : -ENOMEM;

    while (rc == 0 && size) {
        size_t n = size < HASH_PIECE_BYTES ? size : HASH_PIECE_BYTES;

        rc = read_whole(fd, piece, n);
        if (rc == 0)
            crc = crc64nvme(crc, piece, n);
        size -= n;
    }
    free(piece);
    if (rc == 0)
        *ret_crc = crc;
    return rc;
}

/* Another file or none is there now, or another host took away the one that is open. */
static bool is_replaced(int code)
{
    return code == -ENOENT || code == -ESTALE;
}

/* The same of a symbolic link, whose content is its target. */
static int work_hash_link(struct job *job)
{
    char target[TREE_LINK_MAX];
    struct file_stat st;
    size_t n;
    int rc = tree_read_link(job->root_fd, job->path, target, &n, &st);

    if (rc == 0 && !file_same_content(&st, &job->expected))
        rc = ERR_CHANGED;
    if (rc == 0)
        job->hash = crc64nvme(0, target, n);
    return is_replaced(rc) ? ERR_CHANGED : rc;
}

/* JOB_HASH: the content's checksum, if the file is and stays what was observed. */
static int work_hash(struct job *job)
{
    struct file_stat st;
    int fd, rc;

    if (file_is_link(&job->expected))
        return work_hash_link(job);
    rc = tree_open(job->root_fd, job->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);

    if (rc)
        return is_replaced(rc) ? ERR_CHANGED : rc;
    rc = tree_stat_fd(fd, &st);
    if (rc == 0 && !file_same_content(&st, &job->expected))
        rc = ERR_CHANGED;
    if (rc == 0)
        rc = work_hash_pieces(fd, st.size, &job->hash);
    if (rc == 0)
        rc = tree_stat_fd(fd, &st);
    if (rc == 0 && !file_same_content(&st, &job->expected))
        rc = ERR_CHANGED;
    close(fd);
    return is_replaced(rc) ? ERR_CHANGED : rc;
}

#define CHECK_HOPS_MAX 100 /* renames of one image since the list was read by who saved it */

/* Is there an image? A symbolic link is one where it is stored. */
static bool find_image(const struct job *job, const char *path, struct file_stat *st)
{
    if (tree_stat(job->images_fd, path, st))
        return false;
    if (job->images_filter->with_links)
        tree_take_link(st);
    return st->kind == FILE_REGULAR;
}

static bool is_image(const struct job *job, const char *path)
{
    struct file_stat st;

    return find_image(job, path, &st);
}

/* Where rows of the image under this key went; "": nowhere. */
static bool find_next(const struct job *job, const char *key, char *to, size_t size)
{
    if (departed_find(job->view, key, job->now_s, to, size))
        return true;
    if (!job->removed || !map_get_str(job->removed, key))
        return false;
    to[0] = '\0'; /* whatever is remembered of them: what they name goes */
    return true;
}

/* The row names what rows were rewritten for not long ago: they are to be so again. *ret_under_way:
 * its image went on from where they went, and the pass that tells where to is still to come. */
static bool check_old_row(struct job *job, const char *image, bool *ret_under_way)
{
    char to[PATH_BYTES_MAX + 1], key[2 * PATH_BYTES_MAX + 2];
    const char *at = image;

    *ret_under_way = false;
    for (int hops = 0; hops < CHECK_HOPS_MAX; hops++) {
        if (!path_prefix(key, sizeof key, job->images_prefix, at) ||
            !find_next(job, key, to, sizeof to)) {
            *ret_under_way = hops > 0;
            return false; /* it is not known where it went, or went on to */
        }
        at = to;
        if (!to[0] || is_image(job, to))
            break;
    }
    if (to[0] ? !is_image(job, to) : job->keeps)
        return false; /* after so many hops it is a ring; or the list keeps such rows */
    if (!job->old_rows && lst_changes_new(&job->old_rows))
        return false;
    return (to[0] ? lst_changes_rename(job->old_rows, image, to)
                  : lst_changes_remove(job->old_rows, image)) == 0;
}

/* The list waits for this image. */
static int check_missing(struct job *job, const char *image)
{
    if (!job->missing++)
        job->first_missing = strdup(image);
    return job->missing < CHECK_MISSING_MAX ? 0 : 1;
}

/* The list waits for this image, which is on disk. Names that do not fit are not told. */
static int check_home(struct job *job, const char *image, const struct file_stat *st)
{
    const struct file_id file = st->nlink == 1 ? file_id_of(st) : (struct file_id){0};
    const size_t n = strlen(image) + 1;
    int rc;

    buf_reset(&job->last_missing);
    rc = buf_append(&job->last_missing, image, n - 1);
    if (rc || sizeof file + n > CHECK_NAMES_MAX - job->home_names.len)
        return rc ? rc : check_missing(job, image);
    rc = buf_append(&job->home_names, &file, sizeof file);
    rc = rc ? rc : buf_append(&job->home_names, image, n);
    return rc ? rc : check_missing(job, image);
}

/* Is there a directory in which the image would be? Where that cannot be told, it may be. */
static bool has_directory(const struct job *job, const char *image)
{
    char dir[PATH_BYTES_MAX + 1];
    struct file_stat st;

    return path_parent(dir, sizeof dir, image) || tree_stat(job->images_fd, dir, &st) ||
           st.kind != FILE_ABSENT;
}

/* The image is neither on disk nor in S3. */
static int check_dangling(struct job *job, const char *image)
{
    bool told = job->dangling && job->dangling < job->passed_over; /* the first is the example */
    char name[PATH_BYTES_MAX + 2];
    int rc = 0;

    if (!told) {
        snprintf(name, sizeof name, "%c%s", has_directory(job, image) ? CHECK_HOME : CHECK_AWAY,
                 image);
        rc = buf_append(&job->dangling_names, name, strlen(name) + 1);
    }

    job->more = rc == ERR_LIMIT;
    job->dangling += rc == 0;
    return job->more ? 1 : rc;
}

/* A check, and what it notes by the way. */
struct check {
    struct job *job;
    struct noting note;
};

/* lst_each_path's callback: an image that is on disk but not in S3 keeps the list back. So does one
 * that came to where an old object is about to be deleted. */
static int check_image(void *arg, const char *image)
{
    struct check *c = arg;
    struct job *job = c->job;
    char key[PATH_BYTES_MAX + 1];
    struct file_stat st;
    bool in_s3, held, stays, under_way;

    noting_add(&c->note, image);
    if (!path_prefix(key, sizeof key, job->images_prefix, image))
        return 0;
    held = job->held && !job->first_held && map_get_str(job->held, key);
    in_s3 = index_view_has(job->view, key);
    stays = in_s3 && !(job->leaving && map_get_str(job->leaving, key));
    if ((stays && !held) || watch_filter_excludes(job->images_filter, image))
        return 0; /* most rows, so the filter is not asked */
    if (held)
        job->first_held = strdup(image);
    if (stays)
        return 0;
    if (!find_image(job, image, &st)) {
        if (check_old_row(job, image, &under_way))
            return 0;
        if (under_way)
            return check_missing(job, image);
        job->absent += job->keeps;
        if (in_s3)
            return 0;
        return check_dangling(job, image);
    }
    if (in_s3 && !(job->ending && map_get_str(job->ending, key)))
        return 0;
    return check_home(job, image, &st);
}

/* JOB_CHECK. */
static int work_check(struct work *w, struct job *job)
{
    struct check c = {.job = job};
    int rc = index_view_open(job->index, &job->view);

    if (rc)
        return rc;
    (void)noting_begin(&c.note, job->index, job->key, job->root_fd, job->path, NULL);
    rc = lst_each_path(job->root_fd, job->path, check_image, &c, &job->seen);
    if (rc == 0)
        noting_tell(&c.note, &job->seen, w->out);
    noting_release(&c.note);
    index_view_close(job->view);
    job->view = NULL;
    job->partly = rc > 0;
    return rc > 0 ? 0 : rc;
}

/* Where a rewrite of one list stands while its hooks are called. */
struct rewrite {
    struct work *work;
    struct job *pass;
    struct pass_list *list;
    uint64_t tx;
    struct noting note;
};

/* A letter to the loop about one rewrite. */
static struct job *rewrite_letter(enum job_kind kind, const struct rewrite *rw,
                                  const struct lst_apply_event *event)
{
    struct job *job = job_new(kind);
    char words[ERR_TEXT_MAX];

    if (!job)
        return NULL;
    job->path = strdup(event->path);
    if (!job->path) {
        job_free(job);
        return NULL;
    }
    job->mapping = rw->list->mapping;
    job->tx = rw->tx;
    job->rows = event->stats.changed;
    if (policy_words(&event->stats, words, sizeof words))
        job->by = strdup(words); /* without memory they are not told */
    if (event->stats.strangers)
        job->stranger = strdup(event->stats.stranger);
    hex_encode(event->before, SHA256_BYTES, job->before);
    hex_encode(event->after, SHA256_BYTES, job->after);
    return job;
}

/* lst_undo_fn: these rows go or get another name. */
static int keep_old_name(void *arg, const char *from, const char *to)
{
    (void)to;
    return buf_append(arg, from, strlen(from) + 1);
}

/* Hook: the intent must be in the journal before the list is touched. */
static int rewrite_intent(void *arg, const struct lst_apply_event *event)
{
    struct rewrite *rw = arg;
    struct job *ask;
    int rc = list_holds_spare(rw->pass, rw->list, event->undo);

    if (rc)
        return rc;
    ask = rewrite_letter(JOB_ASK_INTENT, rw, event);
    rc = ask ? undo_keep(rw->work->undo_dir, event->undo, ask->undo) : -ENOMEM;
    if (rc == 0)
        rc = lst_undo_each(event->undo, keep_old_name, &ask->old_names);
    if (rc == 0 && sem_init(&ask->answered, 0, 0))
        rc = -errno;
    if (rc) {
        job_free(ask);
        return rc;
    }
    if (mailbox_send(rw->work->out, &ask->letter)) {
        while (sem_wait(&ask->answered) && errno == EINTR)
            ;
        rc = ask->code;
        rw->tx = ask->tx;
    } else {
        rc = -ECANCELED;
    }
    sem_destroy(&ask->answered);
    job_free(ask);
    return rc;
}

/* Hook: tell the loop how it ended. */
static void rewrite_end(void *arg, const struct lst_apply_event *event, bool done)
{
    struct rewrite *rw = arg;
    struct job *tell = rewrite_letter(JOB_TELL_END, rw, event);

    if (!tell)
        return; /* the journal then has an open intent, which recovery closes */
    tell->done = done;
    if (!mailbox_send(rw->work->out, &tell->letter))
        job_free(tell);
}

/* Hook: the list stays as it is. */
static void rewrite_unaffected(void *arg, struct span content, const struct file_stat *st)
{
    struct rewrite *rw = arg;

    rw->list->seen = *st;
    noting_add_all(&rw->note, content);
    noting_tell(&rw->note, st, rw->work->out);
}

/* Hook: how many rows stay without their images, at the last attempt. */
static void rewrite_rows(void *arg, const struct lst_rewrite_stats *stats)
{
    struct rewrite *rw = arg;

    rw->list->kept = stats->kept;
}

/* lst_each_path's callback for a dry run: count the rows that would change. */
struct dry_count {
    const struct lst_changes *changes;
    bool keeps;
    uint64_t rows;
};
static int dry_row(void *arg, const char *image)
{
    struct dry_count *d = arg;
    char to[PATH_BYTES_MAX + 1];

    switch (lst_changes_fate(d->changes, image, to, sizeof to)) {
    case LST_RENAME:
        d->rows++;
        break;
    case LST_DROP:
        d->rows += !d->keeps;
        break;
    case LST_KEEP:
        break;
    }
    return 0;
}

/* One list of a pass without a look at the disk but for reading. */
static void work_dry_list(const struct job *job, struct pass_list *list, bool keeps)
{
    struct dry_count dry = {.changes = job->changes, .keeps = keeps};
    struct file_stat st;

    list->code = lst_each_path(job->root_fds[list->mapping], list->path, dry_row, &dry, &st);
    list->rows = dry.rows;
    list->changed = dry.rows > 0;
}

/* One list of a pass. */
static void work_pass_list(struct work *w, struct job *job, struct pass_list *list,
                           const struct lst_policy *policy, const struct sought *sought)
{
    struct rewrite rw = {.work = w, .pass = job, .list = list};
    struct lst_apply_hooks hooks = {.on_rows = rewrite_rows,
                                    .on_intent = rewrite_intent,
                                    .on_end = rewrite_end,
                                    .on_unaffected = rewrite_unaffected,
                                    .arg = &rw};
    struct lst_apply_options opt = {.policy = policy};
    int root_fd = job->root_fds[list->mapping];
    struct err e = {0};

    do {
        list->code = 0;
        if (noting_begin(&rw.note, job->index, list->key, root_fd, list->path, sought))
            list->seen = rw.note.before.st;
        else
            list->code =
                lst_apply(root_fd, list->path, job->changes, &opt, &hooks, &list->changed, &e);
        noting_release(&rw.note);
    } while (list->code == ERR_REFUSED); /* each time fewer rows are to go */
    if (list->code)
        snprintf(list->why, sizeof list->why, "%s", e.what[0] ? e.what : err_name(list->code));
}

/* The lists of a pass that hold removals, or those that do not. */
static void work_pass_lists(struct work *w, struct job *job, bool holding, struct class_maps *maps,
                            const struct sought *sought)
{
    for (size_t i = 0; i < job->list_count; i++) {
        struct pass_list *list = &job->lists[i];
        struct lst_policy policy;
        struct err e = {0};

        if (list_holds(list->policy) != holding)
            continue;
        list->code = policies_lst(list->policy, maps, &policy, &e);
        if (list->code)
            err_text(&e, list->why, sizeof list->why);
        else if (job->dry_run)
            work_dry_list(job, list, policy.keep_removed);
        else
            work_pass_list(w, job, list, &policy, sought);
    }
}

/* JOB_PASS. */
static void work_pass(struct work *w, struct job *job)
{
    struct sought sought = {0};
    struct class_maps maps = {.count = 0};
    bool spares = sought_make(&sought, job->changes) == 0; /* else all lists are read */

    work_pass_lists(w, job, true, &maps, spares ? &sought : NULL);
    work_pass_lists(w, job, false, &maps, spares ? &sought : NULL);
    class_maps_release(&maps);
    sought_release(&sought);
}

/* Do one job, whatever it is. */
static void work_do(struct work *w, struct job *job)
{
    switch (job->kind) {
    case JOB_HASH:
        job->code = work_hash(job);
        break;
    case JOB_CHECK:
        job->code = work_check(w, job);
        break;
    case JOB_MANIFEST:
        job->code = manifest_file_make(job->root_fd, job->path, &job->expected, job->manifest);
        break;
    case JOB_PASS:
        work_pass(w, job);
        break;
    case JOB_NAMED:
        list_holds_look(job);
        break;
    case JOB_ASK_INTENT:
    case JOB_TELL_END:
    case JOB_TELL_NAMES:
        break; /* never come in here */
    }
}

/* A thread: jobs from one mailbox until it is closed. */
static void *bench_main(void *arg)
{
    struct bench *bench = arg;
    struct letter *l;

    priority_bulk(); /* a list of 100,000 rows is read for long */
    while ((l = mailbox_wait(bench->jobs))) {
        struct job *job = (struct job *)l;

        work_do(bench->work, job);
        if (!mailbox_send(bench->work->out, &job->letter))
            job_free(job);
    }
    return NULL;
}

/* Mailbox and thread of one of them. */
static int bench_start(struct work *w, struct bench *bench)
{
    int rc = mailbox_new(0, &bench->jobs);

    bench->work = w;
    if (rc == 0)
        rc = -pthread_create(&bench->thread, NULL, bench_main, bench);
    bench->started = rc == 0;
    return rc;
}

int work_new(const char *undo_dir, struct work **ret)
{
    struct work *w = calloc(1, sizeof *w);
    int rc;

    if (!w)
        return -ENOMEM;
    w->undo_dir = undo_dir;
    rc = mailbox_new(0, &w->out);
    for (size_t i = 0; i < BENCH_COUNT && rc == 0; i++)
        rc = bench_start(w, &w->benches[i]);
    if (rc) {
        work_free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

/* Take what is left in a mailbox; a rewrite that waits is told no. */
static void work_drain(struct mailbox *m)
{
    struct letter *l;

    while (m && (l = mailbox_take(m))) {
        struct job *job = (struct job *)l;

        if (job->kind == JOB_ASK_INTENT)
            work_answer(job, -ECANCELED, 0);
        else
            job_free(job);
    }
}

void work_free(struct work *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < BENCH_COUNT; i++)
        work_drain(w->benches[i].jobs);
    if (w->out)
        mailbox_close(w->out);
    work_drain(w->out);
    for (size_t i = 0; i < BENCH_COUNT; i++)
        if (w->benches[i].jobs)
            mailbox_close(w->benches[i].jobs);
    for (size_t i = 0; i < BENCH_COUNT; i++) {
        if (w->benches[i].started)
            pthread_join(w->benches[i].thread, NULL);
        mailbox_free(w->benches[i].jobs);
    }
    mailbox_free(w->out);
    free(w);
}

void work_submit(struct work *w, struct job *job)
{
    int at = job->kind != JOB_HASH                    ? BENCH_LISTS
             : job->expected.size >= HASH_LARGE_BYTES ? BENCH_LARGE
                                                      : BENCH_HASH;

    if (!mailbox_send(w->benches[at].jobs, &job->letter))
        job_free(job); /* only after work_free began: nobody waits for it any more */
}

int work_fd(const struct work *w)
{
    return mailbox_fd(w->out);
}

struct job *work_next(struct work *w)
{
    return (struct job *)mailbox_take(w->out);
}

void work_answer(struct job *ask, int code, uint64_t tx)
{
    ask->code = code;
    ask->tx = tx;
    sem_post(&ask->answered);
}
