/* Shell. lockstep rescan: have a tree, or a part of it, looked at again. */
#include "agent/commands/commands.h"

#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] = "usage: lockstep rescan [-c FILE] [MAPPING|PATH]\n"
                            "Have all trees, one mapping's, or what lies at and beneath a path "
                            "looked at again: for changes\n"
                            "of which no event told. A word with a '/' in it is a path. It does "
                            "not wait: lockstep wait does.\n";

/* The path as the kernel has it, but for a last part that may be gone. */
static int canonical(const char *path, char out[PATH_MAX])
{
    char parent[PATH_MAX], whole[PATH_MAX];
    const char *name = strrchr(path, '/');
    int n;

    if (realpath(path, out))
        return 0;
    if (errno != ENOENT || !name || !name[1])
        return -errno;
    n = snprintf(parent, sizeof parent, "%.*s", name == path ? 1 : (int)(name - path), path);
    if (n >= PATH_MAX || !realpath(parent, whole))
        return n >= PATH_MAX ? -ENAMETOOLONG : -errno;
    n = snprintf(out, PATH_MAX, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, name + 1);
    return n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* A path: what it is is looked up here, since the agent's loop does not wait for disks. */
static int rescan_path(const struct conf *conf, const char *word)
{
    struct command_order order = {.cmd = "rescan", .timeout_s = -1};
    char path[PATH_MAX];
    struct err e = {0};
    struct stat st;
    int rc = canonical(word, path);

    if (rc) {
        err_set(&e, rc, word, "a path in a mapping's tree", "%s", err_name(rc));
        return command_fault(EXIT_USAGE, &e);
    }
    if (lstat(path, &st) == 0)
        order.what = S_ISDIR(st.st_mode) ? "directory" : "file";
    order.path = path;
    return command_order(conf, &order, CONTROL_WAIT_S);
}

int command_rescan(int argc, char **argv)
{
    struct command_options opt;
    int status = command_begin(argc, argv, usage, STANDS_APART, 1, &opt);

    if (status >= 0)
        return status;
    if (opt.argument && strchr(opt.argument, '/'))
        status = rescan_path(opt.conf, opt.argument);
    else
        status = command_order(
            opt.conf,
            &(struct command_order){.cmd = "rescan", .mapping = opt.argument, .timeout_s = -1},
            CONTROL_WAIT_S);
    conf_free(opt.conf);
    return status;
}
