/*
 * The new content put in the place of the list, and put back if somebody was there. Shell.
 *
 * Editors write in two ways: a new file renamed over the list, or the old file through an open
 * descriptor. RENAME_EXCHANGE answers the first: what was in place at that very moment is in our
 * hands and can be looked at. A lease answers the second: with it nobody has the file open for
 * writing, and whoever comes waits, and is seen.
 *
 *   look again -> exchange -> is what came out what we read? -> fsync the directory -> wait a
 *   moment for writers who found the old file just before -> still what we read? -> unlink it
 *   At each "no": exchange again (if our own file is untouched), or rescue the edit.
 */
#include "lists/round.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* How long a writer may need from finding the old file to waiting for our lease: no file system
 * work lies between. */
#define GRACE_LEASED_MS 5
/* And where there are no leases, for one to show by what it wrote. */
#define GRACE_BARE_MS 50

int exchange_names(int dir_fd, const char *a, const char *b)
{
    if (renameat2(dir_fd, a, dir_fd, b, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno == EINVAL || errno == ENOSYS || errno == ENOTSUP)
        return -EOPNOTSUPP; /* NFS, Lustre, some FUSE */
    return -errno;
}

/* Give the finished temporary file the name that recovery knows as complete. */
static int name_for_swap(struct round *r)
{
    char name[SWAP_NAME_SIZE];
    int rc = swap_name(r->name, name);

    if (rc < 0)
        return rc;
    if (renameat(r->dir_fd, r->temp.temp, r->dir_fd, name) < 0)
        return -errno;
    (void)snprintf(r->temp.temp, sizeof(r->temp.temp), "%s", name); /* the same size */
    return 0;
}

int round_prepare(struct round *r)
{
    struct span content = {r->out.data, r->out.len};
    int rc = replace_begin(&r->temp, r->dir_fd, r->name, 0600);

    if (rc < 0)
        return rc;
    rc = write_whole(r->temp.fd, content.p, content.n);
    if (rc == 0)
        rc = replace_like(&r->temp, &r->old.st);
    if (rc == 0)
        rc = attributes_copy(r->old.fd, r->temp.fd);
    if (rc == 0)
        rc = replace_sync(&r->temp);
    if (rc == 0)
        rc = name_for_swap(r);
    if (rc == 0)
        rc = held_adopt(&r->fresh, r->dir_fd, r->temp.temp, content);
    return rc;
}

/* Nobody has the file open for writing, or comes to, as far as can be known here. */
static bool lease_if_any(struct round *r, struct held *h)
{
    return !r->leases || held_lease(h) == 0;
}

/* The last look before: nobody has the list open for writing, and the name is still the file that
 * we read. 0 or ERR_CHANGED. */
static int look_again(struct round *r)
{
    struct file_stat now;
    int rc;

    r->leases = held_lease(&r->fresh) == 0; /* nobody knows this file: a no means no leases */
    held_unlease(&r->fresh);
    if (r->leases) {
        rc = held_lease(&r->old);
        if (rc == -EAGAIN)
            return ERR_CHANGED;
        r->leases = rc == 0;
    }
    rc = tree_stat_fd(r->dir_fd, &now); /* NFS learns so of names that another host gave anew */
    if (rc == 0)
        rc = tree_stat_at(r->dir_fd, r->name, &now);
    if (rc < 0)
        return rc;
    return now.kind == FILE_REGULAR && file_same_content(&r->old.st, &now) ? 0 : ERR_CHANGED;
}

/* What the exchange took out is the file that we read, with the content that we read. */
static bool took_what_was_read(const struct round *r)
{
    return held_is_at(&r->old, r->dir_fd, r->temp.temp) && held_untouched(&r->old);
}

/* Wait for writers who were on their way. */
static void wait_for_late_writers(const struct round *r)
{
    nap_ms(r->leases ? GRACE_LEASED_MS : GRACE_BARE_MS);
}

/* Put back what was taken out. ERR_CHANGED: it is back. 0: it could not be put back, but nothing is
 * lost and our rewrite stands. -errno. */
static int put_back(struct round *r)
{
    bool ours_untouched = held_is_at(&r->fresh, r->dir_fd, r->name) && lease_if_any(r, &r->fresh) &&
                          held_untouched(&r->fresh);

    if (!ours_untouched || exchange_names(r->dir_fd, r->temp.temp, r->name) < 0)
        return rescue_taken(r);
    wait_for_late_writers(r);
    if (held_is_at(&r->fresh, r->dir_fd, r->temp.temp) && held_untouched(&r->fresh))
        return ERR_CHANGED;
    return rescue_returned(r);
}

/* After the last name of the old file is gone: did anybody write to it all the same? */
static int last_look(struct round *r)
{
    return held_untouched(&r->old) ? 0 : rescue_taken(r);
}

/* fsync of the directory; file systems that cannot do it say EINVAL. */
static int sync_directory(const struct round *r)
{
    return fsync(r->dir_fd) < 0 && errno != EINVAL ? -errno : 0;
}

/* The exchange is done: stay with it, or go back. */
static int confirm(struct round *r)
{
    int rc;

    if (!took_what_was_read(r))
        return put_back(r);
    rc = sync_directory(r);
    if (rc < 0) {
        (void)put_back(r); /* the failure to sync is what must be told */
        return rc;
    }
    wait_for_late_writers(r);
    if (!took_what_was_read(r))
        return put_back(r);
    replace_abort(&r->temp); /* the name is that of the old file now */
    return last_look(r);
}

/* Without exchange: a plain rename. What somebody renames over the list between look and rename is
 * lost, and nothing can tell. */
static int install_over(struct round *r)
{
    int rc = replace_commit(&r->temp);
    int look;

    if (rc < 0 && !held_is_at(&r->fresh, r->dir_fd, r->name))
        return rc;
    wait_for_late_writers(r);
    look = last_look(r);
    return rc < 0 ? rc : look; /* in place, but not known to be durable */
}

int round_install(struct round *r)
{
    int rc = look_again(r);

    if (rc < 0)
        return rc;
    rc = exchange_names(r->dir_fd, r->temp.temp, r->name);
    if (rc == -EOPNOTSUPP)
        return install_over(r);
    if (rc == -ENOENT)
        return ERR_CHANGED; /* the list was removed, or our file was */
    return rc < 0 ? rc : confirm(r);
}
