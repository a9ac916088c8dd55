/* Shell. Where an export or a report goes. See journal_output.h. */
#include "agent/commands/journal_output.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_older.h"

#include "base/clock.h"
#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600 /* as the journal's own: paths and reasons are nobody else's business */
#define STDOUT    "the standard output"

static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t ended_by; /* the signal, or 0 */

static void note_signal(int number)
{
    ended_by = number;
}

/* Signals that are handled in one way are from now on handled in another one; those that are
 * ignored (nohup) stay so. */
static void rehandle(void (*from)(int), void (*to)(int))
{
    const struct sigaction now = {.sa_handler = to};
    struct sigaction old;

    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler == from)
            (void)sigaction(ending[i], &now, NULL); /* fails only for numbers that are none */
}

bool output_interrupted(void)
{
    return ended_by != 0;
}

void output_options_init(struct output_options *opt)
{
    *opt = (struct output_options){
        .file = CONF_DEFAULT_FILE, .since_us = INT64_MIN, .until_us = INT64_MAX};
}

const char *output_option(struct output_options *opt, int c, const char *text)
{
    const int64_t now_us = clock_real_us();

    if (c == 's' && clock_parse(text, now_us, &opt->since_us))
        return "--since is not a time";
    if (c == 'u' && clock_parse(text, now_us, &opt->until_us))
        return "--until is not a time";
    opt->force |= c == 'r';
    if (c == 'o')
        opt->path = text;
    if (c == 'c')
        opt->file = text;
    if (c == 'd')
        return sources_add_dir(&opt->sources, text);
    if (c == 'H')
        return sources_add_host(&opt->sources, text);
    if (c == 'h')
        return "";
    return c == '?' ? "unknown option" : NULL;
}

int output_sources(const struct output_options *opt, struct conf **ret_conf,
                   struct journal_sources *ret)
{
    struct conf *conf = NULL;
    struct err e = {0};
    int rc;

    if (!opt->sources.dir_count && command_load(opt->file, true, &conf))
        return EXIT_USAGE;
    rc = journal_sources_find(&opt->sources, conf, ret, &e);
    if (rc) {
        conf_free(conf);
        return command_fault(journal_sources_status(rc), &e);
    }
    for (size_t i = 0; i < ret->count; i++)
        journal_older_note(ret->list[i].dir, conf);
    *ret_conf = conf;
    return -1;
}

int output_failed(const struct output *o, int rc, struct err *e)
{
    return err_set(e, rc, o->path ? o->path : STDOUT, "", "cannot be written: %s",
                   ended_by ? "a signal has ended it" : err_name(rc));
}

int output_status(int rc)
{
    return rc == -EEXIST || rc == ERR_NOT_FILE ? EXIT_USAGE : EXIT_UNREACHED;
}

/* Does the path stand for the standard output? */
static bool is_stdout(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

int output_check(const char *path, bool force, struct err *e)
{
    struct stat st;

    if (is_stdout(path))
        return 0;
    if (lstat(path, &st))
        return errno == ENOENT
                   ? 0
                   : err_set(e, -errno, path, "", "cannot be written: %s", err_name(-errno));
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_NOT_FILE, path, "a name that is free, or that of a file",
                       "this is no file");
    if (!force)
        return err_set(e, -EEXIST, path, "another name, or --force", "the file is there");
    return 0;
}

/* The directory of a path, opened. A descriptor or -errno. */
static int open_parent(const char *path, char dir[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 2;
    int fd;

    if (n >= PATH_MAX)
        return -ENAMETOOLONG;
    memcpy(dir, slash ? path : "./", n);
    dir[n] = '\0';
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Create the temporary file. 0 or -errno. */
static int begin_file(struct output *o)
{
    char dir[PATH_MAX];
    int dir_fd = open_parent(o->path, dir);
    int rc =
        dir_fd < 0 ? dir_fd : replace_begin(&o->replace, dir_fd, path_name(o->path), FILE_MODE);
    int fd;

    if (rc) {
        if (dir_fd >= 0)
            (void)close(dir_fd); /* opened for reading: nothing to lose */
        return rc;
    }
    if (replace_sweep(dir_fd))
        errno = 0; /* what earlier runs have left stays: it is in nobody's way */
    if ((size_t)snprintf(o->temp, sizeof o->temp, "%s%s", dir, o->replace.temp) >= sizeof o->temp)
        return -ENAMETOOLONG;
    fd = fcntl(o->replace.fd, F_DUPFD_CLOEXEC, 0);
    o->file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!o->file && fd >= 0)
        (void)close(fd); /* nothing was written */
    return o->file ? 0 : -errno;
}

int output_open(struct output *o, const char *path, bool force, struct err *e)
{
    static const struct sigaction ignore = {.sa_handler = SIG_IGN};
    int rc;

    *o = (struct output){.replace = {.dir_fd = -1, .fd = -1}, .force = force};
    (void)sigaction(SIGPIPE, &ignore, NULL); /* a pipe that is closed is an error of writing */
    if (is_stdout(path)) {
        o->file = stdout;
        return 0;
    }
    o->path = path;
    rc = output_check(path, force, e);
    if (rc)
        return rc;
    rehandle(SIG_DFL, note_signal);
    rc = begin_file(o);
    if (rc) {
        (void)output_failed(o, rc, e);
        output_abort(o);
    }
    return rc;
}

int output_write(struct output *o, const void *p, size_t n, struct err *e)
{
    errno = 0;
    if (fwrite(p, 1, n, o->file) == n)
        return 0;
    return output_failed(o, errno ? -errno : -EIO, e);
}

int output_commit(struct output *o, struct err *e)
{
    int rc = fflush(o->file) ? -errno : 0;

    if (rc == 0 && ended_by)
        rc = -EINTR;
    if (o->path && rc == 0)
        rc = o->force ? replace_commit(&o->replace) : replace_commit_new(&o->replace);
    if (rc)
        (void)output_failed(o, rc, e);
    output_abort(o);
    return rc;
}

void output_abort(struct output *o)
{
    if (!o->path)
        return;
    if (o->file)
        (void)fclose(o->file); /* its content is thrown away, or synced already */
    o->file = NULL;
    if (o->replace.dir_fd >= 0) {
        replace_abort(&o->replace);
        (void)close(o->replace.dir_fd); /* opened for reading: nothing to lose */
        o->replace.dir_fd = -1;
    }
    o->path = NULL;
    rehandle(note_signal, SIG_DFL);
    if (ended_by)
        (void)raise(ended_by); /* which ends us */
}
