/* The figures as a file. Shell. */
#include "agent/service/scribe.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FIGURES_WAIT_MS 8000
#define FIGURES_MODE    0644 /* another user reads it */

struct scribe {
    const char *file;
    struct desk *desk;
    int dir_fd;
    int stop_fd; /* readable: end */
    int code;    /* of the last attempt, so that a fault is told once */
    bool started;
    pthread_t thread;
};

/* Replace the file. */
static int replace_file(const struct scribe *s, const struct buf *text)
{
    struct replace r;
    int rc = replace_begin(&r, s->dir_fd, path_name(s->file), FIGURES_MODE);

    if (rc)
        return rc;
    rc = write_whole(r.fd, text->data, text->len);
    if (rc == 0)
        return replace_commit(&r);
    replace_abort(&r);
    return rc;
}

/* The figures as they are now. What keeps them from being had is no fault of the file's. */
static void write_figures(struct scribe *s)
{
    struct buf text;
    int rc;

    buf_init(&text, DESK_TEXT_MAX);
    if (desk_read(s->desk, FIGURES_WAIT_MS, &text, NULL) < 0) {
        buf_release(&text);
        return;
    }
    rc = replace_file(s, &text);
    buf_release(&text);
    if (rc && rc != s->code)
        log_warning("%s: the figures cannot be written: %s; it is tried again every %d s", s->file,
                    err_name(rc), SCRIBE_S);
    else if (s->code && !rc)
        log_info("%s: the figures are written again", s->file);
    s->code = rc;
}

/* The thread. */
static void *run(void *arg)
{
    struct scribe *s = arg;
    struct pollfd stop = {.fd = s->stop_fd, .events = POLLIN};

    do
        write_figures(s);
    while (poll(&stop, 1, SCRIBE_S * (int)MS_PER_S) <= 0);
    return NULL;
}

/* Its folder, cleared of what a crash left. */
static int open_folder(struct scribe *s)
{
    char dir[PATH_BYTES_MAX + 1];
    size_t n = (size_t)(path_name(s->file) - s->file);

    if (n >= sizeof dir)
        return -ENAMETOOLONG;
    memcpy(dir, s->file, n);
    dir[n] = '\0';
    s->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->dir_fd < 0)
        return -errno;
    return replace_sweep(s->dir_fd);
}

int scribe_new(const char *file, struct desk *desk, struct scribe **ret, struct err *e)
{
    struct scribe *s = calloc(1, sizeof *s);
    int rc;

    if (!s)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    *s = (struct scribe){.file = file, .desk = desk, .dir_fd = -1};
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    rc = s->stop_fd < 0 ? -errno : open_folder(s);
    if (rc == 0)
        rc = -pthread_create(&s->thread, NULL, run, s);
    if (rc) {
        scribe_free(s);
        return err_set(e, rc, "metrics.file", "a directory that is there, for the agent to write",
                       "%s cannot be written: %s", file, err_name(rc));
    }
    s->started = true;
    (void)pthread_setname_np(s->thread, "figures"); /* for whoever lists threads */
    *ret = s;
    return 0;
}

void scribe_free(struct scribe *s)
{
    if (!s)
        return;
    if (s->started) {
        (void)eventfd_write(s->stop_fd, 1); /* an eventfd takes it */
        pthread_join(s->thread, NULL);
        (void)unlinkat(s->dir_fd, path_name(s->file), 0); /* it may not be there */
    }
    if (s->stop_fd >= 0)
        close(s->stop_fd);
    if (s->dir_fd >= 0)
        close(s->dir_fd);
    free(s);
}
