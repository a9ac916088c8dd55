/* Shell. lockstep status: in step or not, what is open, what failed and why. */
#include "agent/commands/commands.h"

#include "agent/core/page.h"
#include "agent/core/progress.h"
#include "agent/core/recent.h"
#include "agent/core/tint.h"
#include "base/clock.h"
#include "base/tree.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define ANSWER_MAX (16 << 20)
#define WATCH_MS   2000
#define COLUMNS    80 /* where the terminal does not say */
#define ROWS       24
#define SCREEN_ON  "\033[?1049h\033[?25l" /* another page, no cursor */
#define SCREEN_OFF "\033[?25h\033[?1049l"

static const char usage[] =
    "usage: lockstep status [--json|--watch] [-c FILE]\n"
    "Ask the running agent, or read the state directory where none runs.\n"
    "  --watch   on a terminal: again every two seconds, until Ctrl-C, with how far the work has "
    "come\n"
    "            and what became of the last changes\n"
    "Exit status: 0 in step, 1 not in step, 3 removals are held, 4 cannot be told,\n"
    "or the agent waits for room on the disk of its journal.\n";

/* What is asked: for people, for programs, for a page that is looked at. */
static const char ask_text[] = "{\"cmd\":\"status\"}\n";
static const char ask_json[] = "{\"cmd\":\"status\",\"json\":true}\n";
static const char ask_page[] = "{\"cmd\":\"status\",\"what\":\"changes\"}\n";

/* The running agent's answer, else what the state directory tells. */
static int status_get(const struct conf *conf, const char *ask, struct buf *out, struct err *e)
{
    int status = EXIT_UNREACHED;
    int rc = control_call(conf, ask, out, &status);

    if (rc == -ECONNREFUSED || rc == -ENOENT)
        return service_status_offline(conf, ask == ask_json, out, e);
    if (rc) {
        command_unanswered(conf, rc, e);
        return EXIT_UNREACHED;
    }
    return status;
}

/* A terminal that shows colours, whose owner does not want to do without (no-color.org). */
static bool coloured(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") != 0 && !(no && *no);
}

/* The answer, with how far the work has come behind what is to be done about it. 0 or a negative
 * code.
 */
static int add_answer(struct span answer, struct progress *progress, struct buf *out)
{
    static const char before[] = "\nS3: ";
    const char *found;
    size_t head;
    int rc;

    progress_note(progress, answer, clock_mono_ms());
    found = memmem(answer.p, answer.n, before, sizeof before - 1);
    head = found ? (size_t)(found + 1 - answer.p) : answer.n;
    rc = buf_append(out, answer.p, head);
    if (rc == 0)
        rc = progress_line(progress, out);
    return rc ? rc : buf_append(out, answer.p + head, answer.n - head);
}

/* The text of one page: what is asked, when, and the answer. The exit status. */
static int watch_text(const struct conf *conf, int64_t now_us, struct progress *progress,
                      struct buf *out)
{
    struct err e = {0};
    char iso[CLOCK_ISO_SIZE], text[3 * ERR_TEXT_MAX];
    struct buf answer;
    int status, rc;

    buf_init(&answer, ANSWER_MAX);
    status = status_get(conf, ask_page, &answer, &e);
    rc = buf_appendf(out, "lockstep status, every %d s (Ctrl-C ends)   %s\n", WATCH_MS / 1000,
                     clock_iso(now_us, iso));
    if (rc == 0 && answer.len)
        rc = add_answer((struct span){answer.data, answer.len}, progress, out);
    if (rc == 0 && e.code)
        rc = buf_appendf(out, "%s\n", err_text(&e, text, sizeof text));
    buf_release(&answer);
    return rc ? EXIT_UNREACHED : status;
}

/* Draw it, with as many of the last changes as fit. False where the terminal takes it no more. */
static bool watch_draw(const struct buf *text, struct buf *page)
{
    const struct span all = {text->data, text->len};
    struct winsize size = {0};

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row)
        size = (struct winsize){.ws_col = COLUMNS, .ws_row = ROWS};
    buf_reset(page);
    return page_render((struct span){all.p, recent_fit(all, size.ws_row)}, size.ws_col, size.ws_row,
                       coloured(), page) == 0 &&
           write_whole(STDOUT_FILENO, page->data, page->len) == 0;
}

/* Again and again, until a signal; a window of another size is drawn anew. The last status. */
static int watch(const struct conf *conf)
{
    struct signalfd_siginfo si = {0};
    struct progress progress = {0};
    struct buf text, page;
    bool goes_on = write_whole(STDOUT_FILENO, SCREEN_ON, strlen(SCREEN_ON)) == 0;
    int status = EXIT_UNREACHED, fd;
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &set, NULL); /* fails only for a wrong `how` */
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    buf_init(&text, ANSWER_MAX);
    buf_init(&page, ANSWER_MAX);
    while (goes_on) {
        buf_reset(&text);
        status = watch_text(conf, clock_real_us(), &progress, &text);
        goes_on = watch_draw(&text, &page);
        if (goes_on && poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, WATCH_MS) > 0)
            goes_on = read(fd, &si, sizeof si) != (ssize_t)sizeof si || si.ssi_signo == SIGWINCH;
    }
    (void)!write_whole(STDOUT_FILENO, SCREEN_OFF,
                       strlen(SCREEN_OFF)); /* nobody is there any more */
    close(fd);
    buf_release(&text);
    buf_release(&page);
    return status;
}

/* The answer, in colours on a terminal that has them. */
static void print_answer(const struct buf *out, bool json)
{
    struct buf tinted;

    buf_init(&tinted, 2 * ANSWER_MAX);
    if (!json && coloured() && tint_text((struct span){out->data, out->len}, &tinted) == 0)
        fwrite(tinted.data, 1, tinted.len, stdout);
    else
        fwrite(out->data, 1, out->len, stdout);
    buf_release(&tinted);
}

int command_status(int argc, char **argv)
{
    struct command_options opt;
    struct err e = {0};
    struct buf out;
    int status = command_begin(argc, argv, usage, TAKES_JSON | TAKES_WATCH | STANDS_APART, 0, &opt);

    if (status >= 0)
        return status;
    if (opt.watch) {
        status = opt.json || !isatty(STDOUT_FILENO)
                     ? command_usage(usage, "--watch is for a terminal, and without --json")
                     : watch(opt.conf);
        conf_free(opt.conf);
        return status;
    }
    buf_init(&out, ANSWER_MAX);
    status = status_get(opt.conf, opt.json ? ask_json : ask_text, &out, &e);
    if (out.len)
        print_answer(&out, opt.json);
    buf_release(&out);
    conf_free(opt.conf);
    return e.code ? command_fault(status, &e) : status;
}
