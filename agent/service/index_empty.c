/* Shell. An index that nobody else sees and that leaves nothing behind. */
#include "agent/service/index.h"

#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Remove an LMDB directory. */
static void index_unlink(const char *state_dir)
{
    char path[PATH_BYTES_MAX + 1];

    snprintf(path, sizeof path, "%s/index/data.mdb", state_dir);
    (void)unlink(path); /* a leftover in the temporary directory does no harm */
    snprintf(path, sizeof path, "%s/index/lock.mdb", state_dir);
    (void)unlink(path);
    snprintf(path, sizeof path, "%s/index", state_dir);
    (void)rmdir(path);
    (void)rmdir(state_dir);
}

int index_open_empty(struct index **ret, struct err *e)
{
    char dir[] = "/tmp/lockstep-plan-XXXXXX";
    int rc;

    if (!mkdtemp(dir))
        return err_set(e, -errno, "/tmp", NULL, "no temporary directory: %s", err_name(-errno));
    *e = (struct err){0}; /* what made the caller ask for this one is settled */
    rc = index_open(dir, false, ret, e);
    index_unlink(dir); /* the open files live on until the index is closed */
    return rc;
}
