/*
 * credential_process: a program of the operator's that prints keys. Shell.
 *
 * It is started without a shell, with no descriptors but the standard ones, and its errors go where
 * ours go. What it prints is read to its end or its time's; then it is gone, one way or the other.
 */
#include "uploaders/credentials_fetch.h"

#include "base/clock.h"
#include "uploaders/credentials_answer.h"
#include "uploaders/credentials_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_TIMEOUT_MS 60000
#define FIRST_FOREIGN_FD   3

extern char **environ;

/* A child and what it prints. */
struct child {
    pid_t pid;
    int fd;
    int64_t until_ms;
};

/* A process group of its own, no signal blocked or ignored. */
static int set_attributes(posix_spawnattr_t *a)
{
    sigset_t none, all;
    (void)sigemptyset(&none); /* these fail for invalid signals only */
    (void)sigfillset(&all);
    int rc = posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                             POSIX_SPAWN_SETPGROUP);
    rc = rc ?: posix_spawnattr_setpgroup(a, 0);
    rc = rc ?: posix_spawnattr_setsigmask(a, &none);
    return rc ?: posix_spawnattr_setsigdefault(a, &all);
}

/* Nothing to read, the pipe to write to, our stderr, and nothing else. */
static int set_files(posix_spawn_file_actions_t *files, int out)
{
    int rc = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    rc = rc ?: posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    return rc ?: posix_spawn_file_actions_addclosefrom_np(files, FIRST_FOREIGN_FD);
}

/* Start it. 0 or -errno. */
static int start(char *const words[], struct child *ret)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -errno;
    int rc = posix_spawn_file_actions_init(&files);
    if (rc == 0) {
        rc = posix_spawnattr_init(&attributes);
        if (rc == 0) {
            rc = set_attributes(&attributes);
            rc = rc ?: set_files(&files, ends[1]);
            rc = rc ?: posix_spawnp(&ret->pid, words[0], &files, &attributes, words, environ);
            posix_spawnattr_destroy(&attributes);
        }
        posix_spawn_file_actions_destroy(&files);
    }
    close(ends[1]); /* the child's */
    ret->fd = ends[0];
    ret->until_ms = clock_mono_ms() + PROCESS_TIMEOUT_MS;
    if (rc)
        close(ends[0]);
    return -rc;
}

/* Wait until the child's output can be read. */
static int wait_readable(const struct child *c, const struct fetcher *f)
{
    struct pollfd fds[] = {{.fd = c->fd, .events = POLLIN}, {.fd = f->stop_fd, .events = POLLIN}};
    int64_t left_ms = c->until_ms - clock_mono_ms();
    if (left_ms <= 0)
        return -ETIMEDOUT;
    int n = poll(fds, 2, (int)left_ms);
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    if (fds[1].revents)
        return -ECANCELED;
    return n == 0 ? -ETIMEDOUT : 0;
}

/* All that it prints. */
static int read_output(const struct child *c, const struct fetcher *f, struct buf *out)
{
    int rc = buf_reserve(out, CREDENTIALS_ANSWER_MAX);
    while (rc == 0) {
        rc = wait_readable(c, f);
        if (rc)
            break;
        ssize_t n = read(c->fd, out->data + out->len, CREDENTIALS_ANSWER_MAX - out->len);
        if (n == 0)
            return out->len == CREDENTIALS_ANSWER_MAX ? ERR_LIMIT : 0;
        if (n < 0 && errno != EINTR)
            rc = -errno;
        out->len += n > 0 ? (size_t)n : 0;
    }
    return rc;
}

/* Its end: it gets its time, too, and is killed with all that it started if it does not keep it. */
static int end(const struct child *c, const struct fetcher *f, int rc)
{
    int status = 0;
    close(c->fd);
    for (;;) {
        pid_t done = waitpid(c->pid, &status, rc ? 0 : WNOHANG);
        if (done == c->pid)
            return status;
        if (done < 0 && errno != EINTR)
            return -1;
        if (rc == 0 && (clock_mono_ms() >= c->until_ms || !web_pause(f, 10)))
            rc = -ETIMEDOUT;
        if (rc)
            (void)kill(-c->pid, SIGKILL); /* fails where it has just ended */
    }
}

/* Kill it where it is no longer wanted, and say what became of it. */
static int finish(const struct child *c, const struct fetcher *f, int rc, struct err *e)
{
    if (rc)
        (void)kill(-c->pid, SIGKILL); /* fails where it has just ended */
    int status = end(c, f, rc);
    if (rc)
        return err_set(e, rc, "", "",
                       rc == -ETIMEDOUT ? "the program did not end within 60 s" : "reading: %s",
                       err_name(rc));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status))
        return err_set(e, ERR_REFUSED, "", "", "the program ended with status %d",
                       WEXITSTATUS(status));
    return err_set(e, ERR_REFUSED, "", "", "the program was ended by signal %d", WTERMSIG(status));
}

int fetch_process(const struct credentials_plan *plan, const struct fetcher *f,
                  struct credentials *ret, struct err *e)
{
    char *words[RULES_WORDS_MAX + 1];
    struct buf line, out;
    struct child child;
    buf_init(&line, strlen(plan->command) + 2);
    buf_init(&out, CREDENTIALS_ANSWER_MAX);
    int rc = rules_split(plan->command, &line, words);
    if (rc) {
        err_set(e, rc, "", "a program and its arguments, quotes closed",
                "the command line cannot be read");
    } else {
        rc = start(words, &child);
        if (rc)
            err_set(e, rc, "", "", "%.200s cannot be started: %s", words[0], err_name(rc));
        else
            rc = finish(&child, f, read_output(&child, f, &out), e);
    }
    if (rc == 0)
        rc = credentials_read_json((struct span){out.data, out.len}, ANSWER_PROCESS, ret, e);
    buf_release(&line);
    buf_wipe(&out);
    return rc;
}
