/* A journal's directory and the batches of a segment. Shell. */
#include "journal/walk.h"

#include "base/err.h"
#include "journal/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_FIRST (64u << 10)              /* bytes of the first read */
#define WINDOW_MAX   (2u * JOURNAL_BATCH_MAX) /* bytes held at most */

int journal_dir_open(const char *path, int *ret_fd, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_set(e, -errno, path, "the directory of a journal", "cannot open it: %s",
                       err_name(-errno));
    *ret_fd = fd;
    return 0;
}

/* For qsort. */
static int compare_names(const void *a, const void *b)
{
    return journal_name_compare(*(const struct journal_name *)a, *(const struct journal_name *)b);
}

/* In order, each once: a segment whose compressed file was being made has both. */
static void put_in_order(struct journal_list *list)
{
    size_t kept = 0;

    if (list->count)
        qsort(list->names, list->count, sizeof(*list->names), compare_names);
    for (size_t i = 0; i < list->count; i++)
        if (i == 0 || journal_name_compare(list->names[i], list->names[kept - 1]) != 0)
            list->names[kept++] = list->names[i];
    list->count = kept;
}

/* Add one name. 0 or -ENOMEM. */
static int list_add(struct journal_list *list, size_t *room, struct journal_name name)
{
    if (list->count == *room) {
        size_t more = *room ? *room * 2 : 16;
        struct journal_name *names = reallocarray(list->names, more, sizeof(*names));

        if (!names)
            return -ENOMEM;
        list->names = names;
        *room = more;
    }
    list->names[list->count++] = name;
    return 0;
}

/* All names of one kind. 0 or -errno. */
static int read_names(int dir_fd, bool (*parse)(const char *file, struct journal_name *ret),
                      struct journal_list *ret)
{
    struct journal_list list = {NULL, 0};
    struct journal_name name;
    struct dirent *entry;
    size_t room = 0;
    int rc = 0;
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (!dir) {
        rc = -errno;
        if (fd >= 0)
            close(fd);
        return rc;
    }
    errno = 0;
    while (rc == 0 && (entry = readdir(dir))) {
        if (parse(entry->d_name, &name))
            rc = list_add(&list, &room, name);
        errno = 0;
    }
    if (rc == 0 && errno)
        rc = -errno;
    closedir(dir);
    if (rc) {
        journal_list_release(&list);
        return rc;
    }
    put_in_order(&list);
    *ret = list;
    return 0;
}

int journal_list_read(int dir_fd, struct journal_list *ret)
{
    return read_names(dir_fd, journal_any_name_parse, ret);
}

int journal_list_checkpoints(int dir_fd, struct journal_list *ret)
{
    return read_names(dir_fd, journal_checkpoints_name_parse, ret);
}

void journal_list_release(struct journal_list *list)
{
    free(list->names);
    list->names = NULL;
    list->count = 0;
}

int journal_walk_open(struct journal_walk *w, int dir_fd, struct journal_name name)
{
    struct journal_content content;
    int rc = journal_content_open(&content, dir_fd, name);

    if (rc)
        return rc;
    *w = (struct journal_walk){.content = content, .limit = UINT64_MAX};
    buf_init(&w->data, WINDOW_MAX);
    return 0;
}

void journal_walk_close(struct journal_walk *w)
{
    journal_content_close(&w->content);
    buf_release(&w->data);
}

void journal_walk_rewind(struct journal_walk *w, uint64_t offset)
{
    w->offset = offset;
    w->lost = 0;
    w->at = 0;
    buf_reset(&w->data);
}

/* The bytes read and not handed out. */
static struct span window(const struct journal_walk *w)
{
    return (struct span){w->data.data ? w->data.data + w->at : NULL, w->data.len - w->at};
}

/* Make room in a window that is full and holds no commit line: no batch is as long, so its first
 * bytes belong to none. */
static void window_shift(struct journal_walk *w)
{
    size_t keep = window(w).n;

    if (keep == WINDOW_MAX) {
        size_t drop = keep - JOURNAL_BATCH_MAX - JOURNAL_COMMIT_MAX;

        w->lost += drop;
        w->at += drop;
        keep -= drop;
    }
    if (w->at && w->data.data) {
        memmove(w->data.data, w->data.data + w->at, keep);
        w->data.len = keep;
        w->data.data[keep] = '\0';
        w->at = 0;
    }
}

/* Read on. The number of bytes, 0 at the end, or -errno. */
static ssize_t window_fill(struct journal_walk *w)
{
    uint64_t from;
    size_t want;
    ssize_t n;

    window_shift(w);
    from = w->offset + w->lost + w->data.len;
    want = w->data.len > WINDOW_FIRST ? w->data.len : WINDOW_FIRST;
    if (want > WINDOW_MAX - w->data.len)
        want = WINDOW_MAX - w->data.len;
    if (from >= w->limit)
        return 0;
    if (want > w->limit - from)
        want = (size_t)(w->limit - from);
    n = buf_reserve(&w->data, want);
    if (n)
        return n;
    n = journal_content_read(&w->content, w->data.data + w->data.len, want, from);
    if (n < 0)
        return n;
    w->data.len += (size_t)n;
    w->data.data[w->data.len] = '\0';
    return n;
}

int journal_walk_next(struct journal_walk *w, enum journal_step *ret_step,
                      struct journal_batch *ret, uint64_t *ret_offset)
{
    enum journal_step step;
    ssize_t n;

    while ((step = journal_batch_next(window(w), ret)) == JOURNAL_STEP_MORE) {
        n = window_fill(w);
        if (n < 0)
            return (int)n;
        if (n == 0) {
            *ret_step = step;
            *ret_offset = w->offset;
            return 0;
        }
    }
    *ret_step = step;
    *ret_offset = w->offset;
    w->at += ret->size;
    w->offset += w->lost + ret->size;
    ret->skipped += w->lost;
    ret->size += w->lost;
    w->lost = 0;
    return 0;
}

int journal_walk_header(int dir_fd, struct journal_name name, struct buf *store,
                        struct journal_header *ret)
{
    struct journal_walk w;
    struct journal_batch batch;
    enum journal_step step;
    struct span line;
    uint64_t offset;
    int rc = journal_walk_open(&w, dir_fd, name);

    if (rc)
        return rc;
    rc = journal_walk_next(&w, &step, &batch, &offset);
    if (rc == 0 && step == JOURNAL_STEP_MORE)
        rc = w.content.packed ? ERR_CORRUPT : -ENODATA; /* no writer is at work in the former */
    else if (rc == 0 && (step == JOURNAL_STEP_BROKEN || batch.skipped ||
                         !journal_line_next(&batch.body, &line)))
        rc = ERR_CORRUPT;
    if (rc == 0) {
        rc = journal_header_decode(line, store, ret);
        if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
            rc = ERR_CORRUPT;
    }
    journal_walk_close(&w);
    return rc;
}

int journal_walk_counted(int dir_fd, struct journal_name name, struct journal_name next,
                         uint64_t *ret)
{
    struct journal_header h;
    char file[JOURNAL_FILE_SIZE];
    struct buf store;
    int rc;

    buf_init(&store, JOURNAL_LINE_MAX);
    rc = journal_walk_header(dir_fd, next, &store, &h);
    if (rc == ERR_CORRUPT || rc == ERR_VERSION) {
        *ret = UINT64_MAX;
        rc = 0;
    } else if (rc == 0) {
        bool ours = strcmp(h.previous, journal_name_format(name, file)) == 0;

        *ret = ours ? h.previous_size : UINT64_MAX;
    }
    buf_release(&store);
    return rc;
}

/* journal_content_watch's. */
static void on_damage(void *arg, const struct journal_damage *d)
{
    journal_audit_damage(arg, d);
}

int journal_walk_audit(int dir_fd, struct journal_name name, const struct journal_name *next,
                       struct journal_audit *a, uint64_t *ret_size)
{
    struct journal_batch batch;
    struct journal_walk w;
    enum journal_step step;
    uint64_t offset;
    int rc = journal_walk_open(&w, dir_fd, name);

    if (rc)
        return rc;
    if (next)
        rc = journal_walk_counted(dir_fd, name, *next, &w.limit);
    if (rc == -ENODATA)
        rc = 0;
    journal_audit_segment(a, name);
    journal_content_watch(&w.content, on_damage, a);
    while (rc == 0) {
        rc = journal_walk_next(&w, &step, &batch, &offset);
        if (rc || step == JOURNAL_STEP_MORE)
            break;
        rc = journal_audit_batch(a, step, offset, &batch);
    }
    if (rc == 0)
        rc = journal_content_stat(&w.content, ret_size, NULL);
    if (rc == 0) {
        journal_audit_segment_end(a, *ret_size, w.limit == UINT64_MAX ? *ret_size : w.limit, !next);
    }
    journal_walk_close(&w);
    return rc;
}
