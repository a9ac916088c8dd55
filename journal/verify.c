/* The verifier: every segment of a directory against the audit. Shell. */
#include "base/err.h"
#include "journal/walk.h"

#include <unistd.h>

int journal_verify(const char *dir, void (*on_fault)(void *arg, const struct journal_fault *f),
                   void *arg, struct journal_verdict *ret, struct err *e)
{
    struct journal_list list = {NULL, 0};
    struct journal_audit audit;
    char file[JOURNAL_FILE_SIZE] = "";
    uint64_t size;
    int dir_fd, rc;

    rc = journal_dir_open(dir, &dir_fd, e);
    if (rc)
        return rc;
    journal_audit_init(&audit, on_fault, arg);
    rc = journal_list_read(dir_fd, &list);
    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        const struct journal_name *next = i + 1 < list.count ? &list.names[i + 1] : NULL;

        journal_name_format(list.names[i], file);
        rc = journal_walk_audit(dir_fd, list.names[i], next, &audit, &size);
    }
    if (rc)
        (void)err_set(e, rc, dir, "", "cannot read %s: %s", file[0] ? file : "the directory",
                      err_name(rc));
    else
        *ret = audit.verdict;
    journal_audit_release(&audit);
    journal_list_release(&list);
    close(dir_fd);
    return rc;
}
