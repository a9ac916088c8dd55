/* Shell. Manifests as files to be sent. See manifest_file.h. */
#include "agent/service/manifest_file.h"

#include "base/buf.h"
#include "base/path.h"
#include "base/replace.h"
#include "lists/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_MODE 0600

/* The list's bytes, if it is and stays what was observed. */
static int read_list(int root_fd, const char *path, const struct file_stat *expected,
                     struct buf *out)
{
    struct file_stat st;
    int fd, rc = tree_open(root_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, &fd);

    if (rc)
        return rc == -ESTALE ? ERR_CHANGED : rc;
    rc = tree_stat_fd(fd, &st);
    if (rc == 0 && !file_same_content(&st, expected))
        rc = ERR_CHANGED;
    if (rc == 0)
        rc = buf_reserve(out, st.size);
    if (rc == 0)
        rc = read_whole(fd, out->data, st.size);
    if (rc == 0)
        out->len = st.size;
    if (rc == 0)
        rc = tree_stat_fd(fd, &st);
    if (rc == 0 && !file_same_content(&st, expected))
        rc = ERR_CHANGED;
    close(fd);
    return rc;
}

/* manifest_options.excludes */
static bool excludes(void *arg, const char *path)
{
    return watch_filter_excludes(arg, path);
}

/* The manifest's bytes. */
static int render(const char *path, const struct buf *list, struct manifest_order *order,
                  struct buf *out)
{
    struct lst_list of = {.name = path_name(path), .text = {list->data, list->len}};
    struct manifest_options opt = {.prefix = order->images,
                                   .augmented = order->augmented,
                                   .attribute = ATTRIBUTE_DEFAULT,
                                   .excludes = excludes,
                                   .arg = (void *)(uintptr_t)order->filter};
    struct err e = {0};
    uint64_t images;
    int rc = manifest_write(&of, &opt, out, &images, &e);

    if (rc)
        (void)snprintf(order->why, sizeof order->why, "%.200s: %.300s", e.where, e.what);
    return rc;
}

/* Into its place. */
static int keep(const struct buf *text, const struct manifest_order *order)
{
    struct replace r;
    int rc = replace_begin(&r, order->dir_fd, order->name, FILE_MODE);

    if (rc)
        return rc;
    rc = write_whole(r.fd, text->data, text->len);
    if (rc == 0)
        return replace_commit(&r);
    replace_abort(&r);
    return rc;
}

int manifest_file_make(int root_fd, const char *path, const struct file_stat *expected,
                       struct manifest_order *order)
{
    struct buf list, text;
    int rc;

    buf_init(&list, SIZE_MAX);
    buf_init(&text, SIZE_MAX);
    rc = read_list(root_fd, path, expected, &list);
    if (rc == 0)
        rc = render(path, &list, order, &text);
    if (rc == 0)
        rc = keep(&text, order);
    buf_release(&list);
    buf_release(&text);
    return rc;
}
