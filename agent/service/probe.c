/* Shell. Looks on threads of their own. See probe.h. */
#include "agent/service/probe.h"

#include "base/err.h"
#include "base/path.h"
#include "lists/lists.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 64
#define PIECE_BYTES (256 * 1024)

struct probes {
    struct uploaders *uploaders;
    struct mailbox *in, *out;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
    size_t inside;
};

/* Ask S3 for the object. */
static void ask(struct probes *all, struct probe *p)
{
    struct transfer *t = transfer_new(TRANSFER_HEAD, p->key);

    p->asked = VERDICT_UNREACHED;
    if (!t) {
        snprintf(p->words, sizeof p->words, "no memory");
        return;
    }
    t->head = &p->head;
    t->attributes = p->attributes;
    uploaders_run(all->uploaders, t);
    if (t->verdict == VERDICT_REFUSED && t->http_status == 400 && t->attributes) {
        t->attributes = NULL; /* it is not under the customer's key that the rules name */
        uploaders_run(all->uploaders, t);
    }
    p->asked = t->verdict;
    snprintf(p->words, sizeof p->words, "%s: %.40s %.60s", verdict_name(t->verdict), t->s3_code,
             t->message);
    p->in_s3 = t->verdict == VERDICT_DONE;
    if (p->in_s3) {
        p->size = t->size;
        snprintf(p->etag, sizeof p->etag, "%s", t->etag);
        snprintf(p->version, sizeof p->version, "%s", t->version);
        if (p->head.modified_us)
            p->modified_us = p->head.modified_us;
    }
    transfer_free(t);
}

/* Give a symbolic link's target to the proof. 0 or a code. */
static int read_link_into(struct probe *p, struct proof *proof)
{
    char target[TREE_LINK_MAX];
    struct file_stat st;
    size_t n;
    int rc = tree_read_link(p->root_fd, p->key + p->path_at, target, &n, &st);

    if (rc == 0 && !file_same_content(&st, &p->st))
        rc = ERR_CHANGED;
    if (rc == 0)
        proof_add(proof, target, n);
    return rc;
}

/* Give the file's bytes to the proof; the stat is the same before and after. 0 or a code. */
static int read_into(struct probe *p, struct proof *proof, char *piece)
{
    struct file_stat before, after;
    ssize_t n = 0;
    int fd = -1, rc;

    if (file_is_link(&p->st))
        return read_link_into(p, proof);
    rc = tree_open(p->root_fd, p->key + p->path_at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);
    if (rc)
        return rc;
    rc = tree_stat_fd(fd, &before);
    while (rc == 0 && (n = read(fd, piece, PIECE_BYTES)) != 0) {
        if (n > 0)
            proof_add(proof, piece, (size_t)n);
        else if (errno != EINTR)
            rc = -errno;
    }
    if (rc == 0)
        rc = tree_stat_fd(fd, &after);
    close(fd);
    if (rc == 0 && (!file_same_content(&before, &after) || !file_same_content(&before, &p->st)))
        rc = ERR_CHANGED;
    return rc;
}

/* Compare the contents. Of a file that has no object, or whose object has another size, only the
 * file's own checksum is of use. */
static void compare(struct probe *p, char *piece)
{
    struct proof proof;

    proof_begin(&proof, &p->head, p->in_s3 ? p->etag : "", p->st.size);
    p->code = read_into(p, &proof, piece);
    if (p->code)
        return;
    p->proof = proof_end(&proof);
    if (p->in_s3 && p->size != p->st.size)
        p->proof = PROOF_DIFFERENT;
    p->crc64 = proof.crc64;
    p->read = true;
    snprintf(p->means, sizeof p->means, "%s", proof.means);
    snprintf(p->why, sizeof p->why, "%s", proof.why);
}

/* A list that is looked at. */
struct list_look {
    struct probe *probe;
    struct index_view *view; /* NULL: the index cannot be asked */
};

/* Its object stays though the image is gone: rows may name it. */
static bool is_kept(const struct list_look *l, const char *image)
{
    char key[PATH_BYTES_MAX + S3_KEY_MAX + 1];
    int n = snprintf(key, sizeof key, "%s%s", l->probe->images_prefix, image);

    return l->view && n > 0 && (size_t)n < sizeof key && index_view_keeps(l->view, key);
}

/* lst_each_path's callback. */
static int check_image(void *arg, const char *image)
{
    const struct list_look *l = arg;
    struct probe *p = l->probe;
    struct file_stat st;

    p->rows++;
    if (tree_stat(p->images_fd, image, &st) || st.kind != FILE_ABSENT || is_kept(l, image))
        return 0;
    if (p->absent++ == 0)
        snprintf(p->first_absent, sizeof p->first_absent, "%s", image);
    return 0;
}

/* Does the list name what is not there? */
static void look_at_list(struct probe *p)
{
    struct list_look l = {.probe = p};
    struct file_stat st;

    if (index_view_open(p->index, &l.view))
        l.view = NULL;
    p->absent = p->rows = 0;
    p->code = lst_each_path(p->root_fd, p->key + p->path_at, check_image, &l, &st);
    index_view_close(l.view);
}

/* One probe. */
static void look(struct probes *all, struct probe *p, char *piece)
{
    p->code = 0;
    p->read = false;
    if (p->wants & PROBE_STAT) {
        p->code = tree_stat(p->root_fd, p->key + p->path_at, &p->st);
        if (p->code == 0 && p->with_links)
            tree_take_link(&p->st);
        p->on_disk = p->code != 0 || p->st.kind == FILE_REGULAR;
    }
    if (p->wants & PROBE_HEAD)
        ask(all, p);
    if ((p->wants & PROBE_READ) && p->on_disk && p->code == 0)
        compare(p, piece);
    if (p->wants & PROBE_LIST)
        look_at_list(p);
}

static void *probes_main(void *arg)
{
    struct probes *all = arg;
    char *piece = malloc(PIECE_BYTES);
    struct letter *l;

    while ((l = mailbox_wait(all->in))) {
        struct probe *p = (struct probe *)l;

        if (piece)
            look(all, p, piece);
        else
            p->code = -ENOMEM;
        (void)!mailbox_send(all->out, &p->letter); /* no ceiling, never closed */
    }
    free(piece);
    return NULL;
}

int probes_new(struct uploaders *u, unsigned threads, struct probes **ret)
{
    struct probes *p = calloc(1, sizeof *p);
    int rc = p ? mailbox_new(0, &p->in) : -ENOMEM;

    if (rc == 0)
        rc = mailbox_new(0, &p->out);
    if (p)
        p->uploaders = u;
    for (unsigned i = 0; i < threads && i < THREADS_MAX && rc == 0; i++) {
        rc = -pthread_create(&p->threads[i], NULL, probes_main, p);
        p->thread_count += rc == 0;
    }
    if (rc) {
        probes_free(p);
        return rc;
    }
    *ret = p;
    return 0;
}

void probes_free(struct probes *p)
{
    if (!p)
        return;
    if (p->in)
        mailbox_close(p->in);
    for (unsigned i = 0; i < p->thread_count; i++)
        pthread_join(p->threads[i], NULL);
    for (struct letter *l; p->out && (l = mailbox_take(p->out));)
        probe_free((struct probe *)l);
    mailbox_free(p->in);
    mailbox_free(p->out);
    free(p);
}

void probes_put(struct probes *p, struct probe *probe)
{
    p->inside++;
    (void)!mailbox_send(p->in, &probe->letter); /* no ceiling; closed only at the end */
}

struct probe *probes_take(struct probes *p, bool wait)
{
    struct letter *l = NULL;

    if (p->inside)
        l = wait ? mailbox_wait(p->out) : mailbox_take(p->out);
    p->inside -= l != NULL;
    return (struct probe *)l;
}

size_t probes_inside(const struct probes *p)
{
    return p->inside;
}

struct probe *probe_new(const struct merged *m, unsigned mapping, int root_fd)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->key = strdup(m->key);
    if (!p->key) {
        free(p);
        return NULL;
    }
    p->mapping = mapping;
    p->path_at = (size_t)(m->path - m->key);
    p->root_fd = root_fd;
    p->on_disk = m->on_disk;
    p->st = m->st;
    p->code = m->code;
    p->in_index = m->known != NULL;
    if (m->known)
        p->entry.known = *m->known;
    p->entry.known.moved_to = NULL;
    p->in_s3 = m->object != NULL;
    if (m->object) {
        p->size = m->object->size;
        p->modified_us = m->object->modified_us;
        snprintf(p->etag, sizeof p->etag, "%s", m->object->etag);
    }
    return p;
}

void probe_free(struct probe *p)
{
    if (!p)
        return;
    free(p->key);
    free(p);
}
