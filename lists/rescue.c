/* Edits that met our rewrite on the way, carried over. Shell. */
#include "lists/round.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETTLE_MS    1000 /* for a writer to finish with a file that is not the list any more */
#define SETTLE_STEP  5
#define APPEND_TRIES 10

/* Wait until nobody has the file open for writing, or for as long as we can. It is leased then. */
static void settle(struct round *r, struct held *h)
{
    held_unlease(h);
    if (!r->leases) {
        nap_ms(SETTLE_STEP);
        return;
    }
    for (int64_t waited = 0; held_lease(h) == -EAGAIN && waited < SETTLE_MS; waited += SETTLE_STEP)
        nap_ms(SETTLE_STEP);
}

/* The bytes of `content` after `base`, if it begins so. */
static bool tail_after(struct span content, struct span base, struct span *ret)
{
    if (content.n < base.n || (base.n > 0 && memcmp(content.p, base.p, base.n) != 0))
        return false;
    *ret = (struct span){content.p + base.n, content.n - base.n};
    return true;
}

/* The last byte of an open file is not an LF, so that rows put after it would be glued to it. */
static bool ends_within_row(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    char last;

    return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

/* How often these rows are there one after the other. */
static size_t count_rows(struct span content, struct span rows)
{
    const char *at = content.p, *end = at + content.n;
    size_t n = 0;

    while ((size_t)(end - at) >= rows.n &&
           (at = memmem(at, (size_t)(end - at), rows.p, rows.n)) != NULL) {
        n += at == content.p || at[-1] == '\n' || *at == '\n';
        at += rows.n;
    }
    return n;
}

/* The list is another file than the one that we appended rows to, but whoever saved it had read
 * them: it has them as often. */
static bool was_read(const struct round *r, const struct held *appended, struct span rows)
{
    struct held before = HELD_NOTHING, list = HELD_NOTHING;
    bool read = held_reread(appended, r->max_bytes, &before) == 0 &&
                held_open(&list, r->dir_fd, r->name, r->max_bytes) == 0 &&
                count_rows(list.content, rows) >= count_rows(before.content, rows);

    held_release(&before);
    held_release(&list);
    return read;
}

/* Append rows to the file that has the list's name, in one write. *ret_held: that file is still
 * the list after it, or the list was made of it. 0 or -errno. */
static int append_once(const struct round *r, struct span rows, bool *ret_held)
{
    struct held list = HELD_NOTHING;
    struct buf text;
    int rc = tree_open(r->dir_fd, r->name, O_RDWR | O_APPEND | O_NOFOLLOW, &list.fd);

    buf_init(&text, SIZE_MAX);
    if (rc == 0 && ends_within_row(list.fd) && rows.p[0] != '\n')
        rc = buf_append_byte(&text, '\n');
    if (rc == 0)
        rc = buf_append_span(&text, rows);
    if (rc == 0)
        rc = tree_stat_fd(list.fd, &list.st);
    if (rc == 0)
        rc = write_whole(list.fd, text.data, text.len);
    if (rc == 0 && fsync(list.fd) < 0)
        rc = -errno;
    if (rc == 0)
        *ret_held = held_is_at(&list, r->dir_fd, r->name) || was_read(r, &list, rows);
    buf_release(&text);
    held_release(&list);
    return rc;
}

/* Append rows to the list as their writer did, with O_APPEND. If the list is replaced under our
 * hands by somebody who had not read them it is done again. */
static int append_rows(const struct round *r, struct span rows)
{
    bool held = false;
    int rc = 0;

    if (rows.n == 0)
        return 0;
    for (int i = 0; rc == 0 && !held && i < APPEND_TRIES; i++)
        rc = append_once(r, rows, &held);
    return rc == 0 && !held ? ERR_CHANGED : rc;
}

/* Write content beside the list under a name of its own. 0 or -errno. */
static int write_beside(const struct round *r, const struct held *edit, const char *name)
{
    struct replace file;
    int rc = replace_begin(&file, r->dir_fd, name, 0600);

    if (rc < 0)
        return rc;
    rc = write_whole(file.fd, edit->content.p, edit->content.n);
    if (rc == 0)
        rc = replace_like(&file, &edit->st);
    if (rc == 0)
        rc = attributes_copy(edit->fd, file.fd);
    if (rc == 0)
        return replace_commit(&file);
    replace_abort(&file);
    return rc;
}

/* Keep an edit that cannot be merged beside the list, and say so. 0 or -errno. */
static int keep_beside(const struct round *r, const struct held *edit)
{
    char name[KEPT_NAME_SIZE];
    int rc = kept_name(r->name, name);

    if (rc == 0)
        rc = write_beside(r, edit, name);
    if (rc < 0)
        log_error("%s: an edit made during a rewrite could not be kept: %s", r->path, err_name(rc));
    else
        log_warning("%s: edited twice during a rewrite; one of the edits is kept beside it as %s, "
                    "please merge it by hand",
                    r->path, name);
    return rc;
}

/* The list is still the file that we put there, as we wrote it. */
static bool list_is_ours(const struct round *r)
{
    return held_is_at(&r->fresh, r->dir_fd, r->name) && held_untouched(&r->fresh);
}

/* Put the content of an edit in the place of our own. ERR_CHANGED when done, or -errno. */
static int put_content_back(const struct round *r, const struct held *edit)
{
    int rc = write_beside(r, edit, r->name);

    return rc < 0 ? rc : ERR_CHANGED;
}

/* Carry over what a file that was taken out contains now; edit->content is that. */
static int carry_over(struct round *r, const struct held *edit)
{
    struct lst_rewrite_stats stats;
    struct buf rewritten;
    struct span rows;
    int rc;

    if (span_equal(edit->content, r->old.content))
        return 0; /* it was opened for writing, but not written */
    buf_init(&rewritten, SIZE_MAX);
    rc = lst_rewrite_by(r->policy, edit->content, r->changes, &rewritten, NULL, &stats);
    if (rc == 0) {
        bool appended = tail_after((struct span){rewritten.data, rewritten.len},
                                   (struct span){r->out.data, r->out.len}, &rows);

        if (appended)
            rc = append_rows(r, rows);
        if (!appended)
            rc = list_is_ours(r) ? put_content_back(r, edit) : keep_beside(r, edit);
        else if (rc < 0)
            rc = keep_beside(r, edit); /* the list is gone, or changes all the time */
    }
    buf_release(&rewritten);
    return rc;
}

/* Open what lies under the temporary name: the file that we know, or one that somebody put into the
 * list's place. */
static int open_taken(struct round *r, struct held *known, struct held *ret)
{
    bool other = r->temp.temp[0] != '\0' && !held_is_at(known, r->dir_fd, r->temp.temp);
    int rc = ERR_CHANGED;

    if (!other)
        settle(r, known);
    for (int64_t waited = 0; rc == ERR_CHANGED && waited < SETTLE_MS; waited += SETTLE_STEP) {
        rc = other ? held_open(ret, r->dir_fd, r->temp.temp, r->max_bytes)
                   : held_reread(known, r->max_bytes, ret);
        if (rc == ERR_CHANGED)
            nap_ms(SETTLE_STEP); /* still being written */
    }
    return rc;
}

/* What could not be carried over must stay on disk: give it a name that nothing sweeps away. */
static int leave_on_disk(struct round *r, int rc)
{
    char name[KEPT_NAME_SIZE] = "no file any more";

    if (r->temp.temp[0] != '\0') {
        if (kept_name(r->name, name) < 0 || renameat(r->dir_fd, r->temp.temp, r->dir_fd, name) < 0)
            memcpy(name, r->temp.temp, sizeof(r->temp.temp));
        r->temp.temp[0] = '\0'; /* not ours to remove */
    }
    log_error("%s: an edit made during a rewrite could not be carried over (%s); it is in %s",
              r->path, err_name(rc), name);
    return rc == ERR_CHANGED ? -EBUSY : rc;
}

int rescue_taken(struct round *r)
{
    struct held edit = HELD_NOTHING;
    int rc;

    held_unlease(&r->fresh); /* we may have to append to it ourselves */
    rc = open_taken(r, &r->old, &edit);
    if (rc < 0)
        return leave_on_disk(r, rc);
    rc = carry_over(r, &edit);
    held_release(&edit);
    return rc < 0 && rc != ERR_CHANGED ? leave_on_disk(r, rc) : rc;
}

int rescue_returned(struct round *r)
{
    struct held edit = HELD_NOTHING;
    struct span rows;
    int rc;

    held_unlease(&r->old); /* it is the list again: let its writers go on */
    rc = open_taken(r, &r->fresh, &edit);
    if (rc == 0) {
        bool appended = tail_after(edit.content, (struct span){r->out.data, r->out.len}, &rows) ||
                        tail_after(edit.content, r->old.content, &rows);

        if (!appended || append_rows(r, rows) < 0)
            rc = keep_beside(r, &edit);
    }
    held_release(&edit);
    return rc < 0 ? leave_on_disk(r, rc) : ERR_CHANGED;
}
