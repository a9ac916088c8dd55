/* Shell. A list and its images made a RecordIO file. See pack.h. */
#include "lists/pack.h"

#include "base/path.h"
#include "lists/keys.h"
#include "lists/pack_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS       256         /* images read ahead of the one that is written */
#define HELD_MAX    (256 << 20) /* bytes of them, unless one is larger */
#define SPARE_BYTES (4 << 20)   /* no more than these are kept for the next image */
#define THREADS_MAX 64

/* An image on its way. */
struct slot {
    struct lst_row row;
    uint64_t line;
    uint64_t id;
    uint64_t held; /* of the pool's; once it is ready, what its payload has room for */
    struct buf payload;
    bool ready;
    int rc;
    const char *why; /* NULL: rc says it */
};

/* What the threads share; under the lock but for the first three, and for what a slot has until it
 * is ready, which is its reader's. */
struct pool {
    const struct lst_list *list;
    const struct pack_options *opt;
    pthread_t threads[THREADS_MAX];
    unsigned thread_n;
    pthread_mutex_t lock;
    pthread_cond_t ready; /* for the writer */
    pthread_cond_t room;  /* for the readers */
    struct lst_cursor cursor;
    uint64_t taken;   /* rows that readers took */
    uint64_t written; /* of these, those that are done */
    uint64_t held;    /* bytes that slots and spares have room for */
    bool end;         /* no more rows */
    bool stop;
    struct slot slots[SLOTS];
    struct buf spares[THREADS_MAX]; /* of images that are written: their memory serves again */
    unsigned spare_n;
};

/* Memory goes back to the system. Under the lock. */
static void let_go(struct pool *p, struct buf *b)
{
    p->held -= b->cap;
    buf_release(b);
}

/* Wait until so many bytes may be held in all for a slot. The image that is written next never
 * waits, so that there is always one that goes on. */
static int hold(struct pool *p, struct slot *s, uint64_t sequence, uint64_t bytes)
{
    uint64_t more = bytes > s->held ? bytes - s->held : 0;
    bool stop;

    pthread_mutex_lock(&p->lock);
    while (!p->stop && sequence != p->written && p->held + more > HELD_MAX) {
        if (p->spare_n > 0)
            let_go(p, &p->spares[--p->spare_n]);
        else
            pthread_cond_wait(&p->room, &p->lock);
    }
    p->held += more;
    s->held += more;
    stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop ? -ECANCELED : 0;
}

/* All of an open image behind the head. */
static int read_open(struct pool *p, struct slot *s, uint64_t sequence, int fd)
{
    struct file_stat before;
    struct file_stat after;
    int rc = tree_stat_fd(fd, &before);

    if (rc == 0 && before.kind != FILE_REGULAR)
        rc = ERR_NOT_FILE;
    if (rc < 0)
        return rc;
    if (before.size == 0 || before.size > RECORD_PAYLOAD_MAX - s->payload.len) {
        s->why = before.size == 0 ? "is empty" : "is longer than a record can be (512 MiB)";
        return before.size == 0 ? ERR_SYNTAX : ERR_LIMIT;
    }
    rc = hold(p, s, sequence, s->payload.len + before.size);
    if (rc == 0)
        rc = buf_reserve(&s->payload, before.size);
    if (rc == 0)
        rc = read_whole(fd, s->payload.data + s->payload.len, before.size);
    if (rc == 0)
        rc = tree_stat_fd(fd, &after);
    if (rc == 0 && !file_same_content(&before, &after))
        rc = ERR_CHANGED;
    if (rc == 0)
        s->payload.len += before.size;
    return rc;
}

/* The payload of one row. */
static int read_row(struct pool *p, struct slot *s, uint64_t sequence)
{
    char path[PATH_BYTES_MAX + 1];
    int fd = -1;
    int rc = record_head(&s->row, p->opt->first_label, &s->payload, &s->id, &s->why);

    if (rc == 0 && lst_path_normal(s->row.path, path, sizeof(path)) < 0) {
        s->why = "the path does not lead to a file below the repository";
        rc = ERR_SYNTAX;
    }
    if (rc == 0)
        rc = tree_open(p->opt->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &fd);
    if (rc < 0)
        return rc;
    rc = read_open(p, s, sequence, fd);
    (void)close(fd); /* opened for reading: nothing to lose */
    return rc;
}

/* Take the next row that is not blank: its slot, or NULL where there is nothing more to do. Under
 * the lock. */
static struct slot *take(struct pool *p, uint64_t *ret_sequence)
{
    struct lst_row row;
    struct slot *s;

    while (!p->stop && !p->end && p->taken - p->written == SLOTS)
        pthread_cond_wait(&p->room, &p->lock);
    if (p->stop || p->end)
        return NULL;
    do {
        if (!lst_row_next(&p->cursor, &row)) {
            p->end = true;
            pthread_cond_broadcast(&p->ready);
            pthread_cond_broadcast(&p->room);
            return NULL;
        }
    } while (row.kind == LST_ROW_BLANK);
    s = &p->slots[p->taken % SLOTS];
    *s = (struct slot){.row = row, .line = p->cursor.line_number};
    buf_init(&s->payload, RECORD_PAYLOAD_MAX);
    if (p->spare_n > 0)
        s->payload = p->spares[--p->spare_n];
    s->held = s->payload.cap;
    *ret_sequence = p->taken++;
    return s;
}

/* A reader. */
static void *work(void *arg)
{
    struct pool *p = arg;
    uint64_t sequence = 0;
    struct slot *s;

    pthread_mutex_lock(&p->lock);
    while ((s = take(p, &sequence)) != NULL) {
        pthread_mutex_unlock(&p->lock);
        s->rc = read_row(p, s, sequence);
        pthread_mutex_lock(&p->lock);
        p->held += s->payload.cap - s->held;
        s->held = s->payload.cap;
        s->ready = true;
        pthread_cond_broadcast(&p->ready);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* The next image in order, when it is there; NULL after the last. */
static struct slot *next_ready(struct pool *p)
{
    struct slot *s = &p->slots[p->written % SLOTS];
    bool any;

    pthread_mutex_lock(&p->lock);
    while (!(p->end && p->written == p->taken) && !(p->written < p->taken && s->ready))
        pthread_cond_wait(&p->ready, &p->lock);
    any = p->written < p->taken;
    pthread_mutex_unlock(&p->lock);
    return any ? s : NULL;
}

/* It is written. */
static void done(struct pool *p, struct slot *s)
{
    pthread_mutex_lock(&p->lock);
    if (s->held > SPARE_BYTES || p->spare_n == THREADS_MAX) {
        let_go(p, &s->payload);
    } else {
        buf_reset(&s->payload);
        p->spares[p->spare_n++] = s->payload;
    }
    p->written++;
    pthread_cond_broadcast(&p->room);
    pthread_mutex_unlock(&p->lock);
}

/* Say why a row cannot be packed. */
static int row_failed(const struct pool *p, const struct slot *s, struct err *e)
{
    char where[ERR_TEXT_MAX];

    (void)snprintf(where, sizeof(where), "%s:%" PRIu64, p->list->name, s->line); /* may be cut */
    return err_set(e, s->rc, where,
                   "a row whose image can be read; \"lockstep lst check\" tells all", "%.*s: %s",
                   (int)s->row.path.n, s->row.path.p ? s->row.path.p : "",
                   s->why ? s->why : err_name(s->rc));
}

/* Write what the readers bring. */
static int write_all(struct pool *p, struct pack_out *o, const char *out, struct pack_stats *stats,
                     struct err *e)
{
    struct slot *s;
    int rc = 0;

    while (rc == 0 && (s = next_ready(p)) != NULL) {
        struct record_image image;
        struct span payload = {s->payload.data, s->payload.len};

        if (s->rc < 0)
            return row_failed(p, s, e);
        rc = pack_out_add(o, s->id, payload);
        if (rc < 0)
            return err_set(e, rc, out, NULL, "%s", err_name(rc));
        if (record_image(payload, &image) && image.label_n > stats->labels)
            stats->labels = image.label_n;
        stats->records++;
        done(p, s);
        if (p->opt->on_record)
            p->opt->on_record(p->opt->arg, stats->records);
    }
    if (stats->records == 0)
        return err_set(e, ERR_SYNTAX, p->list->name, "at least one row", "the list names no image");
    return 0;
}

/* Let the readers go home, and free what they brought. */
static void end_readers(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->room);
    pthread_mutex_unlock(&p->lock);
    while (p->thread_n > 0)
        (void)pthread_join(p->threads[--p->thread_n], NULL); /* of ours, not joined yet */
    for (; p->written < p->taken; p->written++)
        buf_release(&p->slots[p->written % SLOTS].payload);
    while (p->spare_n > 0)
        buf_release(&p->spares[--p->spare_n]);
    pthread_cond_destroy(&p->room);
    pthread_cond_destroy(&p->ready);
    pthread_mutex_destroy(&p->lock);
}

/* As many readers as can be had, up to those that are wanted. 0, or -errno where there is none. */
static int begin_readers(struct pool *p)
{
    int rc = 0;

    while (rc == 0 && p->thread_n < p->opt->threads && p->thread_n < THREADS_MAX) {
        rc = pthread_create(&p->threads[p->thread_n], NULL, work, p);
        p->thread_n += rc == 0;
    }
    return p->thread_n > 0 ? 0 : -rc;
}

/* Two rows of one index: the later one. */
/* NOLINTNEXTLINE(readability-non-const-parameter): other joins order the rows */
static int found_twice(void *arg, uint64_t *a, size_t a_n, uint64_t *b, size_t b_n)
{
    (void)b;
    (void)b_n;
    if (a_n < 2)
        return 0;
    *(uint64_t *)arg = ref_place(a[1]);
    return ERR_SYNTAX;
}

/* An index is the name of its record: each may be there once. */
static int check_indices(const struct lst_list *list, struct err *e)
{
    struct refs rows;
    struct refs none;
    uint64_t at = 0;
    struct lst_row row;
    int rc;

    refs_init(&rows, list->text);
    refs_init(&none, (struct span){"", 0});
    rc = refs_add_all(&rows, 0, list->text.n, ROW_KEY_INDEX);
    if (rc < 0)
        (void)err_set(e, rc, list->name, NULL, "%s", err_name(rc));
    if (rc == 0) {
        refs_sort(&rows);
        rc = refs_join(&rows, &none, ROW_KEY_INDEX, found_twice, &at);
        if (rc < 0) {
            lst_row_begin(list->text, at, &row);
            (void)err_set(e, rc, list->name, "each index once: records are found by it",
                          "two rows have the index %.*s", (int)row.index.n, row.index.p);
        }
    }
    refs_release(&none);
    refs_release(&rows);
    return rc;
}

/* Between the opening and the end of the output. */
static int pack_to(struct pool *p, struct pack_out *o, const char *out, struct pack_stats *stats,
                   struct err *e)
{
    int rc = begin_readers(p);

    if (rc < 0)
        (void)err_set(e, rc, NULL, NULL, "no thread can be had: %s", err_name(rc));
    else
        rc = write_all(p, o, out, stats, e);
    end_readers(p);
    return rc;
}

int pack_list(const struct lst_list *list, const struct pack_options *opt, const char *out,
              struct pack_stats *ret, struct err *e)
{
    struct pool *p = calloc(1, sizeof(*p));
    struct pack_stats stats = {0};
    struct pack_out o;
    int rc = p ? check_indices(list, e) : err_set(e, -ENOMEM, NULL, NULL, "out of memory");

    if (rc == 0)
        rc = pack_out_begin(&o, out, e);
    if (rc < 0)
        goto out;
    p->list = list;
    p->opt = opt;
    p->cursor = (struct lst_cursor){.in = list->text};
    pthread_mutex_init(&p->lock, NULL); /* with these attributes they cannot fail */
    pthread_cond_init(&p->ready, NULL);
    pthread_cond_init(&p->room, NULL);
    rc = pack_to(p, &o, out, &stats, e);
    stats.bytes = o.at;
    if (rc < 0) {
        pack_out_abort(&o);
        goto out;
    }
    rc = pack_out_commit(&o);
    if (rc < 0)
        (void)err_set(e, rc, out, NULL, "%s", err_name(rc));
    else
        *ret = stats;
out:
    free(p);
    return rc;
}
