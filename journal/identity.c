/* Shell. Whose journal it is. See identity.h. */
#include "journal/identity.h"

#include "journal/walk.h"

#include <stdio.h>
#include <unistd.h>

/* The header of one segment. 0, ERR_*, -ENODATA, -ENOMEM, -errno. */
static int read_header(int dir_fd, struct journal_name name, struct journal_identity *ret)
{
    struct journal_header h;
    struct buf store;
    int rc;

    buf_init(&store, JOURNAL_HEADER_MAX);
    rc = journal_walk_header(dir_fd, name, &store, &h);
    if (rc == 0) {
        (void)snprintf(ret->uuid, sizeof ret->uuid, "%s", h.uuid);
        (void)snprintf(ret->host, sizeof ret->host, "%s", h.host);
    }
    buf_release(&store);
    return rc;
}

int journal_identity_read(const char *dir, struct journal_identity *ret, struct err *e)
{
    struct journal_identity found = {"", ""};
    struct journal_list list;
    int dir_fd, rc = journal_dir_open(dir, &dir_fd, e);

    if (rc)
        return rc;
    rc = journal_list_read(dir_fd, &list);
    if (rc) {
        (void)close(dir_fd); /* opened for reading: nothing to lose */
        return err_set(e, rc, dir, "", "cannot be read: %s", err_name(rc));
    }
    /* A header that cannot be read is the reader's business, who tells of it. */
    for (size_t i = list.count; i > 0 && read_header(dir_fd, list.names[i - 1], &found); i--)
        ;
    journal_list_release(&list);
    (void)close(dir_fd); /* as above */
    *ret = found;
    return 0;
}
