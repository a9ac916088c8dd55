/* Shell. lockstep wait: until all that is on disk now, or all that a list names, is in S3. */
#include "agent/commands/wait.h"

#include "agent/commands/commands.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/path.h"
#include "base/tree.h"
#include "lists/lists.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX (64 << 20) /* the keys of all that is open */
#define LIST_MAX   (1 << 30)
#define GRACE_S    30 /* the agent ends the wait itself; this much later it is given up */

static const char usage[] = "usage: lockstep wait [--list FILE] [--timeout SECONDS] [-c FILE]\n"
                            "Wait until all that is on disk now is in S3, or with --list until "
                            "that list is, and every image\n"
                            "that it names. What changes later is not waited for.\n"
                            "Exit status: 0 it is, 1 not within the time, or some of it cannot be, "
                            "3 it is, but removals are\n"
                            "held, 4 no agent answers.\n";

struct waiting {
    struct conf *conf;
    const char *list; /* NULL: everything */
    int64_t end_ms;   /* INT64_MAX: none */
    struct buf answer;
};

/* Seconds that are left, rounded up; -1: any number. */
static int64_t left_s(const struct waiting *w)
{
    int64_t left_ms = w->end_ms - clock_mono_ms();

    if (w->end_ms == INT64_MAX)
        return -1;
    return left_ms <= 0 ? 0 : (left_ms + MS_PER_S - 1) / MS_PER_S;
}

/* One request to wait; its answer replaces the one before. */
static int ask(struct waiting *w, const char *what, const char *key, struct err *e)
{
    struct command_order order = {.cmd = "wait", .what = what, .key = key, .timeout_s = left_s(w)};

    buf_reset(&w->answer);
    return command_ask(w->conf, &order, order.timeout_s < 0 ? 0 : order.timeout_s + GRACE_S,
                       &w->answer, e);
}

/* The mapping of lists whose tree has the file; *ret_path: below its root. NULL: none. */
static const struct conf_mapping *mapping_of(const struct conf *conf, const char *file,
                                             const char **ret_path)
{
    char root[PATH_MAX];

    for (size_t i = 0; i < conf->mapping_count; i++) {
        const struct conf_mapping *m = &conf->mappings[i];
        size_t n;

        if (m->kind != CONF_LISTS || !realpath(m->path, root))
            continue;
        n = strlen(root);
        if (strncmp(file, root, n) != 0 || file[n] != '/')
            continue;
        *ret_path = file + n + 1;
        return m;
    }
    return NULL;
}

/* Have a key waited for if it is among the open ones, once. */
static int wait_key(struct waiting *w, struct map *open, const char *key, struct err *e)
{
    return map_remove_str(open, key) ? ask(w, NULL, key, e) : EXIT_IN_STEP;
}

/* The images that the rows name, those first that come first. */
static int wait_rows(struct waiting *w, struct span rows, const char *prefix, struct map *open,
                     struct err *e)
{
    struct lst_cursor cursor = {.in = rows};
    char path[PATH_BYTES_MAX + 1], key[2 * PATH_BYTES_MAX + 1];
    int status = EXIT_IN_STEP;
    struct lst_row row;

    while (status == EXIT_IN_STEP && map_count(open) && lst_row_next(&cursor, &row)) {
        if (row.kind != LST_ROW_IMAGE || lst_path_normal(row.path, path, sizeof path))
            continue;
        if (snprintf(key, sizeof key, "%s%s", prefix, path) < (int)sizeof key)
            status = wait_key(w, open, key, e);
    }
    return status;
}

/* The keys in the answer, as a map onto itself. */
static int open_keys(struct waiting *w, const char *mapping, struct map *open, struct err *e)
{
    struct command_order order = {.cmd = "open", .mapping = mapping, .timeout_s = -1};
    int status;

    buf_reset(&w->answer);
    status = command_ask(w->conf, &order, CONTROL_WAIT_S, &w->answer, e);
    for (size_t at = 0; status == EXIT_IN_STEP && at < w->answer.len;
         at += strlen(w->answer.data + at) + 1)
        if (map_put_str(open, w->answer.data + at, open, NULL)) {
            err_set(e, -ENOMEM, NULL, NULL, "no memory");
            return EXIT_UNREACHED;
        }
    return status;
}

/* The list's own object, then what it names. `rows`: the file. */
static int wait_list_rows(struct waiting *w, const struct conf_mapping *m, const char *path,
                          struct span rows, struct err *e)
{
    const struct conf_mapping *images = &w->conf->mappings[m->repository];
    char key[2 * PATH_BYTES_MAX + 1];
    struct map *open = map_new();
    int status = EXIT_UNREACHED;

    if (!open) {
        err_set(e, -ENOMEM, NULL, NULL, "no memory");
        return status;
    }
    (void)snprintf(key, sizeof key, "%s%s", m->prefix, path); /* fits, or there is no such key */
    status = ask(w, NULL, key, e);
    if (status == EXIT_IN_STEP)
        status = open_keys(w, images->name, open, e);
    if (status == EXIT_IN_STEP)
        status = wait_rows(w, rows, images->prefix, open, e);
    map_free(open);
    return status;
}

/* All of a regular file, malloc. 0 or a negative code. */
static int read_list(const char *file, struct buf *out)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;
    struct stat st;

    if (fd < 0)
        return -errno;
    rc = fstat(fd, &st) ? -errno : S_ISREG(st.st_mode) ? 0 : ERR_NOT_FILE;
    if (rc == 0)
        rc = buf_reserve(out, (size_t)st.st_size);
    if (rc == 0 && st.st_size)
        rc = read_whole(fd, out->data, (uint64_t)st.st_size);
    if (rc == 0)
        out->len = (size_t)st.st_size;
    close(fd);
    return rc;
}

/* Wait for one list. */
static int wait_list(struct waiting *w, struct err *e)
{
    const struct conf_mapping *m = NULL;
    const char *path = NULL;
    char file[PATH_MAX];
    struct buf rows;
    int status, rc;

    buf_init(&rows, LIST_MAX);
    rc = realpath(w->list, file) ? read_list(file, &rows) : -errno;
    if (rc == 0)
        m = mapping_of(w->conf, file, &path);
    if (!m || !lst_is_list(path)) {
        buf_release(&rows);
        err_set(e, rc ? rc : -EINVAL, w->list, "a .lst file in the tree of a mapping of lists",
                rc ? "cannot be read: %s" : "is no list that the agent keeps in step%s",
                rc ? err_name(rc) : "");
        return EXIT_USAGE;
    }
    status = ask(w, "seen", NULL, e);
    if (status == EXIT_IN_STEP)
        status = wait_list_rows(w, m, path, (struct span){rows.data, rows.len}, e);
    buf_release(&rows);
    if (status != EXIT_IN_STEP)
        return status;
    buf_reset(&w->answer);
    return buf_append_str(&w->answer, "the list and what it names are in S3\n") ? EXIT_UNREACHED
                                                                                : status;
}

int wait_for_list(struct conf *conf, const char *list, int64_t end_ms, struct err *e)
{
    struct waiting w = {.conf = conf, .list = list, .end_ms = end_ms};
    int status;

    buf_init(&w.answer, ANSWER_MAX);
    status = wait_list(&w, e);
    if (status != EXIT_IN_STEP && !e->code && w.answer.len)
        fwrite(w.answer.data, 1, w.answer.len, stderr);
    buf_release(&w.answer);
    return status;
}

bool wait_seconds(const char *text, int64_t *ret)
{
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    if (end == text || *end || errno || n < 0 || n > WAIT_TIMEOUT_S_MAX)
        return false;
    *ret = n;
    return true;
}

/* The options; -1 to go on, else the exit status. */
static int options(int argc, char **argv, struct waiting *w)
{
    static const struct option longs[] = {{"list", required_argument, NULL, 'l'},
                                          {"timeout", required_argument, NULL, 't'},
                                          {"config", required_argument, NULL, 'c'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    const char *file = CONF_DEFAULT_FILE;
    int64_t seconds;
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        if (c == 'l')
            w->list = optarg;
        else if (c == 'c')
            file = optarg;
        else if (c == 't' && wait_seconds(optarg, &seconds))
            w->end_ms = clock_mono_ms() + seconds * MS_PER_S;
        else
            return command_usage(usage, c == 'h'   ? NULL
                                        : c == 't' ? "--timeout wants seconds, at most a year's"
                                                   : "unknown option");
    }
    if (argc > optind)
        return command_usage(usage, "too many arguments");
    return command_load(file, true, &w->conf) ? EXIT_USAGE : -1;
}

int command_wait(int argc, char **argv)
{
    struct waiting w = {.end_ms = INT64_MAX};
    struct err e = {0};
    int status = options(argc, argv, &w);

    if (status >= 0)
        return status;
    buf_init(&w.answer, ANSWER_MAX);
    status = w.list ? wait_list(&w, &e) : ask(&w, NULL, NULL, &e);
    if (!e.code && w.answer.len)
        fwrite(w.answer.data, 1, w.answer.len, status ? stderr : stdout);
    buf_release(&w.answer);
    conf_free(w.conf);
    return e.code ? command_fault(status, &e) : status;
}
