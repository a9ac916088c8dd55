/*
 * Shell. lockstep lst edit: a list in an editor, checked before it takes the place of the old one.
 *
 *   lock -> copy -> editor -> check -> merge with what the list is now -> replace
 *            ^                 |             |
 *            +--- edit again --+-------------+ both sides of a conflict stand in the copy
 */
#include "agent/commands/lst.h"
#include "agent/commands/lst_lock.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "base/path.h"
#include "lists/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EDITOR_DEFAULT "vi"
#define PUT_TRIES      10 /* at a list that changes in every moment between reading and writing */

extern char **environ;

static const char usage[] =
    "usage: lockstep lst edit FILE\n"
    "Edit a list in $VISUAL or $EDITOR (else vi), on a copy. What the edit brings is checked "
    "before\n"
    "the list is replaced; an error is shown with its line, and asks whether to edit again. What\n"
    "became of the list meanwhile is merged row by row; what cannot be stands between markers in\n"
    "the copy. Only one person at a time edits a list so.\n"
    "Exit status: 0 replaced or unchanged, 1 given up or being edited by somebody, 2 wrong use,\n"
    "4 the list cannot be read or written.\n";

/* One editing of one list. */
struct session {
    const char *path;
    struct lst_file base; /* the list that the copy was made of */
    char dir[PATH_MAX];   /* of the copy; "": there is none */
    char copy[PATH_MAX];
};

enum step { STEP_AGAIN, STEP_DONE, STEP_GIVEN_UP, STEP_FAILED };

/* The list's text into the copy. */
static int copy_write(struct session *s, struct span text, struct err *e)
{
    return lst_file_create(s->copy, text, true, e);
}

/* A place for the copy, with the list's own name, which tells editors what it is. */
static int copy_begin(struct session *s, struct err *e)
{
    const char *tmp = getenv("TMPDIR");
    char dir[PATH_MAX];

    if (snprintf(dir, sizeof(dir), "%s/lockstep-edit-XXXXXX", tmp && *tmp ? tmp : "/tmp") >=
            (int)sizeof(dir) ||
        !mkdtemp(dir))
        return err_set(e, -errno, tmp ? tmp : "/tmp", "set TMPDIR to a directory with room",
                       "no place for a copy: %s", err_name(-errno));
    memcpy(s->dir, dir, sizeof(dir));
    if (path_join(s->copy, sizeof(s->copy), s->dir, path_name(s->path)))
        return err_set(e, -ENAMETOOLONG, s->path, NULL, "the path of its copy is too long");
    return copy_write(s, lst_file_text(&s->base), e);
}

/* The copy is of no more use. */
static void copy_end(struct session *s)
{
    if (!s->dir[0])
        return;
    (void)unlink(s->copy); /* what the editor left beside it keeps the directory */
    (void)rmdir(s->dir);
    s->dir[0] = '\0';
}

/* What was written is not to be lost: where it is. */
static void copy_keep(struct session *s)
{
    fprintf(stderr, "lockstep: what you wrote is in %s\n", s->copy);
    s->dir[0] = '\0';
}

/* Run the editor, which has the terminal and its signals until it ends. 0 or a negative code. */
static int edit(struct session *s, struct err *e)
{
    const char *visual = getenv("VISUAL"), *editor = getenv("EDITOR");
    const char *name = visual && *visual ? visual : editor && *editor ? editor : EDITOR_DEFAULT;
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt, quit;
    char command[PATH_MAX];
    char shell[] = "sh", option[] = "-c";
    char *argv[] = {shell, option, command, shell, s->copy, NULL};
    int status = 0, rc;
    pid_t pid;

    if (snprintf(command, sizeof(command), "%s \"$@\"", name) >= (int)sizeof(command))
        return err_set(e, ERR_LIMIT, "$EDITOR", "a shorter one", "the editor's name is too long");
    (void)fflush(stdout); /* what was said comes before what the editor shows */
    (void)sigaction(SIGINT, &ignore, &interrupt);
    (void)sigaction(SIGQUIT, &ignore, &quit);
    rc = -posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ);
    while (rc == 0 && waitpid(pid, &status, 0) < 0)
        rc = errno == EINTR ? 0 : -errno;
    (void)sigaction(SIGINT, &interrupt, NULL);
    (void)sigaction(SIGQUIT, &quit, NULL);
    if (rc)
        return err_set(e, rc, name, "set EDITOR to one that can be run", "%s", err_name(rc));
    if (!WIFEXITED(status) || WEXITSTATUS(status))
        return err_set(e, ERR_REFUSED, name, NULL, "the editor failed (%s %d)",
                       WIFEXITED(status) ? "status" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return 0;
}

/* Edit again, or give up? Who cannot be asked has given up, and keeps what he wrote. */
static enum step ask(struct session *s)
{
    char line[64];

    for (;;) {
        printf("What now? (e)dit again, (g)ive up: ");
        (void)fflush(stdout); /* a question that is not seen is not answered */
        if (!fgets(line, sizeof(line), stdin)) {
            putchar('\n');
            copy_keep(s);
            return STEP_GIVEN_UP;
        }
        if (line[0] == 'e' || line[0] == 'E')
            return STEP_AGAIN;
        if (line[0] == 'g' || line[0] == 'G')
            return STEP_GIVEN_UP;
    }
}

/* Errors that the edit brought are shown, with their lines. True: there are none. */
static int check(const struct session *s, struct span text, bool *ret_right)
{
    const struct lst_check_options options = {0};
    struct lst_list list = {.name = s->path, .text = text};
    struct lst_inputs in = {.lists = &list, .n = 1};
    struct lst_findings f = {0};
    size_t errors = 0;
    int rc = lst_check(&list, 1, &options, &f);

    if (rc == 0)
        rc = lst_findings_novel(&f, text, lst_file_text(&s->base));
    for (size_t i = 0; rc == 0 && i < f.n; i++)
        errors += lst_rule_info(f.items[i].rule)->severity == LST_ERROR;
    if (rc == 0 && errors) {
        lst_findings_sort(&f, &list, 1);
        (void)lst_show(LST_TEXT, &f, &in, 0); /* its status is of a check */
    }
    lst_findings_release(&f);
    *ret_right = errors == 0;
    return rc;
}

/* The list became another meanwhile: both edits in one text, or a conflict, which goes into the
 * copy. */
static int merge(struct session *s, struct lst_file *now, struct span *text, struct buf *out,
                 uint64_t *ret_conflicts, struct err *e)
{
    const struct lst_merge_options options = {.ours = "yours", .theirs = s->path};
    struct lst_merge_stats stats = {0};
    int rc = lst_merge(lst_file_text(&s->base), *text, lst_file_text(now), &options, out, &stats);

    if (rc)
        return err_set(e, rc, s->path, NULL, "merging: %s", err_name(rc));
    *text = (struct span){out->data ? out->data : "", out->len};
    *ret_conflicts = stats.conflicts;
    if (!stats.conflicts) {
        printf("the list changed meanwhile: %" PRIu64 " rows changed, %" PRIu64 " dropped, %" PRIu64
               " added by others are kept\n",
               stats.changed, stats.dropped, stats.added);
        return 0;
    }
    printf("the list changed meanwhile, and %" PRIu64 " rows were changed in two ways: both stand "
           "between markers in the copy\n",
           stats.conflicts);
    rc = copy_write(s, *text, e);
    if (rc)
        return rc;
    lst_file_release(&s->base);
    s->base = *now;
    *now = (struct lst_file){0};
    return 0;
}

/* Put the text in the list's place, on top of what others did to it. */
static enum step put(struct session *s, struct span edited, struct err *e)
{
    uint64_t conflicts = 0;
    int rc = ERR_CHANGED;

    for (int i = 0; i < PUT_TRIES && rc == ERR_CHANGED && !conflicts; i++) {
        struct span text = edited;
        struct lst_file now = {0};
        struct buf merged;

        buf_init(&merged, SIZE_MAX);
        rc = lst_file_read(s->path, &now, e);
        if (rc == 0 && !span_equal(lst_file_text(&now), lst_file_text(&s->base)))
            rc = merge(s, &now, &text, &merged, &conflicts, e);
        if (rc == 0 && !conflicts)
            rc = lst_file_write(s->path, text, &now, e);
        lst_file_release(&now);
        buf_release(&merged);
    }
    if (rc)
        return STEP_FAILED;
    if (conflicts)
        return ask(s);
    command_print_name(s->path);
    printf(": replaced\n");
    return STEP_DONE;
}

/* From the editor to the list, once. */
static enum step round_of(struct session *s, struct err *e)
{
    struct lst_file edited = {0};
    enum step step = STEP_FAILED;
    bool right = false;
    int rc = edit(s, e);

    if (rc == 0)
        rc = lst_file_read(s->copy, &edited, e);
    if (rc == 0 && span_equal(lst_file_text(&edited), lst_file_text(&s->base))) {
        command_print_name(s->path);
        printf(": unchanged\n");
        step = STEP_DONE;
    } else if (rc == 0) {
        rc = check(s, lst_file_text(&edited), &right);
        if (rc)
            (void)err_set(e, rc, s->path, NULL, "the check did not come to its end: %s",
                          err_name(rc));
        else
            step = right ? put(s, lst_file_text(&edited), e) : ask(s);
    }
    lst_file_release(&edited);
    return step;
}

/* With the lock held. */
static int session(const char *path)
{
    struct session s = {.path = path};
    enum step step = STEP_FAILED;
    struct err e = {0};

    if (lst_file_read(path, &s.base, &e) == 0 && copy_begin(&s, &e) == 0)
        do {
            step = round_of(&s, &e);
        } while (step == STEP_AGAIN);
    if (step == STEP_FAILED && s.copy[0])
        copy_keep(&s);
    copy_end(&s);
    lst_file_release(&s.base);
    if (step == STEP_FAILED)
        return e.code == ERR_REFUSED ? command_fault(EXIT_DIFFERENCES, &e) : lst_failed(&e);
    return step == STEP_DONE ? EXIT_IN_STEP : EXIT_DIFFERENCES;
}

int lst_command_edit(int argc, char **argv)
{
    static const struct command_option none[] = {{0}};
    const char *wrong = command_options(argc, argv, none);
    struct lst_lock lock;
    struct err e = {0};
    int rc, status;

    if (wrong)
        return command_usage(usage, wrong);
    if (argc - optind != 1)
        return command_usage(usage, "which list?");
    rc = lst_lock_take(argv[optind], &lock, &e);
    if (rc)
        return rc == -EBUSY ? command_fault(EXIT_DIFFERENCES, &e) : lst_failed(&e);
    status = session(argv[optind]);
    lst_lock_drop(&lock);
    return status;
}
