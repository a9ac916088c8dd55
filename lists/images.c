/* Shell. The images that lists name, looked at by several threads. See check.h. */
#include "lists/check.h"

#include "base/path.h"
#include "lists/internal.h"
#include "lists/keys.h"
#include "lists/picture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAKE        64 /* rows that a thread takes at once */
#define THREADS_MAX 64
#define READ_BYTES  (1 << 16)

/* The bytes of one row's image. */
struct content {
    uint8_t digest[SHA256_BYTES];
    uint32_t list;
    uint64_t at;
};

/* One row to look at. */
struct job {
    uint32_t list;
    uint64_t at;
    struct span path;
};

/* What the threads share, under the lock but for the first four. */
struct pool {
    const struct lst_list *lists;
    size_t n;
    const struct lst_images_options *opt;
    pthread_mutex_t lock;
    size_t list; /* that rows are taken from */
    struct lst_cursor cursor;
    struct lst_findings *f;
    struct content *contents;
    size_t content_n;
    size_t content_room;
    uint64_t images;
    int rc; /* the first failure: then nothing more is taken */
};

/* Take some rows. How many; 0 at the end. */
static size_t take(struct pool *p, struct job jobs[TAKE])
{
    size_t n = 0;

    pthread_mutex_lock(&p->lock);
    while (n < TAKE && p->list < p->n && p->rc == 0) {
        struct lst_row row;

        if (!lst_row_next(&p->cursor, &row)) {
            p->list++;
            if (p->list < p->n)
                p->cursor = (struct lst_cursor){.in = p->lists[p->list].text};
            continue;
        }
        if (row.kind == LST_ROW_IMAGE)
            jobs[n++] = (struct job){(uint32_t)p->list,
                                     (uint64_t)(row.line.p - p->lists[p->list].text.p), row.path};
    }
    p->images += n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

/* Take a failure down. */
static void fail(struct pool *p, int rc)
{
    pthread_mutex_lock(&p->lock);
    p->rc = p->rc ? p->rc : rc;
    pthread_mutex_unlock(&p->lock);
}

static void tell(struct pool *p, const struct job *job, enum lst_rule rule, const char *path,
                 const char *more)
{
    int rc;

    pthread_mutex_lock(&p->lock);
    rc = lst_findings_add(p->f, rule, job->list, job->at, "%s%s%s", path, *more ? ": " : "", more);
    p->rc = p->rc ? p->rc : rc;
    pthread_mutex_unlock(&p->lock);
}

/* Read up to n bytes at an offset: how many, or -errno. */
static ssize_t read_at(int fd, void *to, size_t n, uint64_t at)
{
    size_t got = 0;

    while (got < n) {
        ssize_t k = pread(fd, (char *)to + got, n - got, (off_t)(at + got));

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -errno;
        if (k == 0)
            break;
        got += (size_t)k;
    }
    return (ssize_t)got;
}

/* The header of an open image. */
static void look_at_header(struct pool *p, const struct job *job, int fd, const char *path)
{
    enum picture_next next = PICTURE_MORE;
    char window[PICTURE_WINDOW];
    struct picture picture;
    char sides[64];

    picture_begin(&picture);
    while (next == PICTURE_MORE) {
        ssize_t n = read_at(fd, window, sizeof(window), picture.at);

        if (n < 0) {
            tell(p, job, LST_IMAGE_UNREADABLE, path, err_name((int)n));
            return;
        }
        next = picture_step(&picture, (struct span){window, (size_t)n});
    }
    if (next == PICTURE_BAD) {
        tell(p, job, LST_IMAGE_FORMAT, path, picture.why);
        return;
    }
    if (picture.width >= p->opt->width && picture.height >= p->opt->height)
        return;
    (void)snprintf(sides, sizeof(sides), "is %ux%u, not %ux%u", picture.width, picture.height,
                   p->opt->width, p->opt->height); /* four numbers fit */
    tell(p, job, LST_IMAGE_SMALL, path, sides);
}

/* Room for one more. */
static int grow(struct pool *p)
{
    size_t room = p->content_room ? 2 * p->content_room : TAKE;
    struct content *contents = reallocarray(p->contents, room, sizeof(*contents));

    if (!contents)
        return -ENOMEM;
    p->contents = contents;
    p->content_room = room;
    return 0;
}

/* All bytes of an open image. */
static void digest_content(struct pool *p, const struct job *job, int fd, const char *path)
{
    struct content c = {.list = job->list, .at = job->at};
    char piece[READ_BYTES];
    struct sha256 digest;
    uint64_t at = 0;
    ssize_t n;

    sha256_begin(&digest);
    while ((n = read_at(fd, piece, sizeof(piece), at)) > 0) {
        sha256_add(&digest, piece, (size_t)n);
        at += (uint64_t)n;
    }
    sha256_end(&digest, c.digest);
    if (n < 0) {
        tell(p, job, LST_IMAGE_UNREADABLE, path, err_name((int)n));
        return;
    }
    pthread_mutex_lock(&p->lock);
    if (p->content_n == p->content_room)
        n = grow(p);
    if (n == 0)
        p->contents[p->content_n++] = c;
    p->rc = p->rc ? p->rc : (int)n;
    pthread_mutex_unlock(&p->lock);
}

/* An open file. */
static void look_at_file(struct pool *p, const struct job *job, int fd, const char *path)
{
    struct file_stat st;
    int rc = tree_stat_fd(fd, &st);

    if (rc < 0)
        tell(p, job, LST_IMAGE_UNREADABLE, path, err_name(rc));
    else if (st.kind != FILE_REGULAR)
        tell(p, job, LST_IMAGE_LINK, path, "is no file");
    else if (st.size == 0)
        tell(p, job, LST_IMAGE_EMPTY, path, "");
    else
        look_at_header(p, job, fd, path);
    if (rc == 0 && p->opt->content && st.kind == FILE_REGULAR && st.size > 0)
        digest_content(p, job, fd, path);
}

/* The image of one row. */
static void look(struct pool *p, const struct job *job)
{
    char path[PATH_BYTES_MAX + 1];
    int fd = -1;
    int rc = lst_path_normal(job->path, path, sizeof(path));

    if (rc < 0)
        return; /* told by lst_check */
    rc = tree_open(p->opt->root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, &fd);
    if (rc == 0) {
        look_at_file(p, job, fd, path);
        (void)close(fd); /* opened for reading: nothing to lose */
    } else if (rc == -ENOENT || rc == -ENOTDIR || rc == -ENAMETOOLONG) {
        tell(p, job, LST_IMAGE_MISSING, path, "");
    } else if (rc == -ELOOP || rc == -EXDEV || rc == -ENXIO) {
        tell(p, job, LST_IMAGE_LINK, path, "");
    } else if (rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM) {
        fail(p, rc);
    } else {
        tell(p, job, LST_IMAGE_UNREADABLE, path, err_name(rc));
    }
}

/* A thread. */
static void *work(void *arg)
{
    struct pool *p = arg;
    struct job jobs[TAKE];
    size_t n;

    while ((n = take(p, jobs)) > 0)
        for (size_t i = 0; i < n; i++)
            look(p, &jobs[i]);
    return NULL;
}

/* This thread and as many others as can be had. */
static void work_together(struct pool *p)
{
    pthread_t threads[THREADS_MAX];
    unsigned n = 0;

    while (n + 1 < p->opt->threads && n < THREADS_MAX &&
           pthread_create(&threads[n], NULL, work, p) == 0)
        n++;
    (void)work(p); /* always NULL */
    while (n > 0)
        (void)pthread_join(threads[--n], NULL); /* of ours, not joined yet: cannot fail */
}

/* By digest, list and place. */
static int compare_contents(const void *a, const void *b)
{
    const struct content *x = a;
    const struct content *y = b;
    int order = memcmp(x->digest, y->digest, sizeof(x->digest));

    if (order != 0)
        return order;
    if (x->list != y->list)
        return x->list < y->list ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* The path that a content stands under. */
static void path_of(const struct pool *p, const struct content *c, char path[PATH_BYTES_MAX + 1])
{
    struct lst_row row;

    lst_row_begin(p->lists[c->list].text, c->at, &row);
    if (lst_path_normal(row.path, path, PATH_BYTES_MAX + 1) < 0)
        path[0] = '\0'; /* cannot be: its image was read */
}

/* The same bytes in two lists, under two names (under one lst_check tells it). */
static int tell_contents(struct pool *p)
{
    int rc = 0;

    if (p->content_n > 1)
        qsort(p->contents, p->content_n, sizeof(*p->contents), compare_contents);
    for (size_t first = 0, i = 1; rc == 0 && i < p->content_n; i++) {
        const struct content *a = &p->contents[first];
        const struct content *b = &p->contents[i];
        char a_path[PATH_BYTES_MAX + 1];
        char b_path[PATH_BYTES_MAX + 1];

        if (memcmp(a->digest, b->digest, sizeof(a->digest)) != 0) {
            first = i;
            continue;
        }
        path_of(p, a, a_path);
        path_of(p, b, b_path);
        if (a->list == b->list || strcmp(a_path, b_path) == 0)
            continue;
        rc = lst_findings_add(p->f, LST_CONTENT_IN_TWO_LISTS, b->list, b->at, "%s, there %s",
                              b_path, a_path);
        if (rc == 0) {
            p->f->items[p->f->n - 1].other = a->at;
            p->f->items[p->f->n - 1].other_list = a->list;
        }
    }
    return rc;
}

int lst_check_images(const struct lst_list *lists, size_t n, const struct lst_images_options *opt,
                     struct lst_findings *f, uint64_t *ret_images)
{
    struct pool p = {.lists = lists, .n = n, .opt = opt, .lock = PTHREAD_MUTEX_INITIALIZER, .f = f};
    int rc;

    if (n > 0)
        p.cursor = (struct lst_cursor){.in = lists[0].text};
    work_together(&p);
    rc = p.rc ? p.rc : tell_contents(&p);
    free(p.contents);
    pthread_mutex_destroy(&p.lock);
    if (rc == 0)
        *ret_images = p.images;
    return rc;
}
