/* What of the journal may leave this host: how far it is signed, which segments are closed. Shell.
 */
#include "journal/walk.h"
#include "journal/writer.h"

#include <errno.h>
#include <string.h>

_Static_assert(JOURNAL_FILE_SIZE <= JOURNAL_NAME_MAX, "a segment's name fits");

void journal_standing(const struct journal *j, struct journal_standing *ret)
{
    *ret = (struct journal_standing){.key = j->signing ? j->secret.key.name : NULL,
                                     .uuid = j->uuid,
                                     .lines = j->durable_lines,
                                     .signed_lines = j->signing ? j->signed_size : 0,
                                     .signed_us = j->made_us,
                                     .closed = j->closed};
}

int journal_checkpoint(struct journal *j, int64_t now_us)
{
    int rc = journal_sync(j);

    j->now_us = now_us;
    if (rc == 0)
        journal_signing_finish(j);
    return rc;
}

int journal_closed_next(const struct journal *j, const char *after, char ret[JOURNAL_NAME_MAX])
{
    struct journal_list list = {0};
    struct journal_name last;
    int rc;

    if (after && !journal_any_name_parse(after, &last))
        return -EINVAL;
    rc = journal_list_read(j->dir_fd, &list);
    if (rc)
        return rc;
    rc = -ENOENT;
    for (size_t i = 0; rc && i < list.count; i++) {
        if ((after && journal_name_compare(list.names[i], last) <= 0) ||
            journal_name_compare(list.names[i], j->segment.name) >= 0)
            continue;
        journal_content_file(j->dir_fd, list.names[i], ret);
        rc = 0;
    }
    journal_list_release(&list);
    return rc;
}
