/* Log lines to stderr. Shell. */
#include "base/log.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/journald.h"
#include "base/visible.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_BYTES  8192 /* of a line; a longer one is cut and ends in "..." */
#define CUT_N           sizeof("...")
#define ENTRY_MAX_BYTES (4 * LINE_MAX_BYTES) /* of an event with its fields */
#define JOURNAL_SOCKET  "/run/systemd/journal/socket"
#define IDENTIFIER      "lockstep"

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char level_priorities[] = {'3', '4', '6', '7'}; /* syslog(3) */

static _Atomic int highest_level = LOG_LEVEL_INFO;
static atomic_bool under_journal;
static _Atomic int journal_fd = -1; /* to send events from; stays open */

/* Whether stderr is the stream that systemd gave us: JOURNAL_STREAM is "device:inode" of it. */
static bool is_journal_stream(void)
{
    const char *named = getenv("JOURNAL_STREAM");
    char ours[64];
    struct stat st;

    if (!named || fstat(STDERR_FILENO, &st) < 0)
        return false;
    (void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    return strcmp(named, ours) == 0;
}

void log_init(enum log_level level)
{
    bool journal = is_journal_stream();

    atomic_store(&highest_level, (int)level);
    atomic_store(&under_journal, journal);
    if (journal && atomic_load(&journal_fd) < 0) /* without one, events are lines */
        atomic_store(&journal_fd, socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
}

int log_level_parse(const char *text, enum log_level *ret)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *ret = (enum log_level)i;
            return 0;
        }
    }
    return ERR_SYNTAX;
}

/* Append text to the line, escaped; false once it is full. */
static bool put_escaped(char *line, size_t *len, size_t size, const char *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";

    while (n > 0) {
        size_t room = size - *len;
        size_t k = visible_length(p, n < room ? n : room);

        if (k > 0) {
            memcpy(line + *len, p, k);
            *len += k;
        } else {
            unsigned char c = (unsigned char)*p;
            const char escape[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

            if (room < sizeof(escape))
                return false;
            memcpy(line + *len, escape, sizeof(escape));
            *len += sizeof(escape);
            k = 1;
        }
        p += k;
        n -= k;
    }
    return true;
}

/* What a line starts with. */
static size_t put_head(char *line, size_t size, enum log_level level)
{
    char now[CLOCK_ISO_SIZE];
    int n;

    if (atomic_load(&under_journal))
        n = snprintf(line, size, "<%c>", level_priorities[level]);
    else
        n = snprintf(line, size, "%s %s: ", clock_iso(clock_real_us(), now), level_names[level]);
    return n > 0 ? (size_t)n : 0;
}

/* One write; what a full pipe leaves over follows. There is nobody to tell of a failure. */
static void put_out(const char *line, size_t n)
{
    while (n > 0) {
        ssize_t put = write(STDERR_FILENO, line, n);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return;
        line += put;
        n -= (size_t)put;
    }
}

static size_t put_text(char *line, size_t len, size_t room, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
static void put_line(enum log_level level, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));
static bool put_entry(const struct log_event *e, const struct log_field *fields, size_t n,
                      const char *fmt, va_list ap) __attribute__((format(printf, 4, 0)));

/* The text of a line, escaped and cut, behind what it has already: its length, without newline. */
static size_t put_text(char *line, size_t len, size_t room, const char *fmt, va_list ap)
{
    static const char cut[] = "...";
    char text[LINE_MAX_BYTES];
    int n = vsnprintf(text, sizeof(text), fmt, ap);

    if (n < 0)
        n = snprintf(text, sizeof(text), "%s", fmt);
    if (!put_escaped(line, &len, room, text, strlen(text)) || (size_t)n >= sizeof(text)) {
        memcpy(line + len, cut, sizeof(cut) - 1);
        len += sizeof(cut) - 1;
    }
    return len;
}

/* Log a line. */
static void put_line(enum log_level level, const char *fmt, va_list ap)
{
    char line[LINE_MAX_BYTES];
    size_t room = sizeof(line) - CUT_N; /* for "..." and the newline */
    size_t len = put_text(line, put_head(line, room, level), room, fmt, ap);

    line[len++] = '\n';
    put_out(line, len);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    int saved_errno = errno;
    va_list ap;

    if ((int)level > atomic_load(&highest_level))
        return;
    va_start(ap, fmt);
    put_line(level, fmt, ap);
    va_end(ap);
    errno = saved_errno;
}

/* The entry of an event. 0 or a negative code. */
static int build_entry(struct buf *entry, const struct log_event *e, const struct log_field *fields,
                       size_t n, const char *message)
{
    const char priority[2] = {level_priorities[e->level], '\0'};
    int rc = journald_field(entry, "MESSAGE", message);

    if (rc == 0)
        rc = journald_field(entry, "PRIORITY", priority);
    if (rc == 0)
        rc = journald_field(entry, "MESSAGE_ID", e->id);
    if (rc == 0)
        rc = journald_field(entry, "SYSLOG_IDENTIFIER", IDENTIFIER);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = journald_field(entry, fields[i].name, fields[i].value);
    return rc;
}

/* Hand it to the journal; false where that did not take it. */
static bool put_entry(const struct log_event *e, const struct log_field *fields, size_t n,
                      const char *fmt, va_list ap)
{
    static const struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET};
    char message[LINE_MAX_BYTES];
    struct buf entry;
    bool taken = false;
    int fd = atomic_load(&journal_fd);

    if (fd < 0)
        return false;
    message[put_text(message, 0, sizeof(message) - CUT_N, fmt, ap)] = '\0';
    buf_init(&entry, ENTRY_MAX_BYTES);
    if (build_entry(&entry, e, fields, n, message) == 0)
        taken = sendto(fd, entry.data, entry.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                       (const struct sockaddr *)&journal, sizeof(journal)) == (ssize_t)entry.len;
    buf_release(&entry);
    return taken;
}

void log_event(const struct log_event *e, const struct log_field *fields, size_t n, const char *fmt,
               va_list ap)
{
    int saved_errno = errno;
    va_list again;

    if ((int)e->level > atomic_load(&highest_level))
        return;
    va_copy(again, ap);
    if (!put_entry(e, fields, n, fmt, ap)) {
        errno = saved_errno; /* for %m */
        put_line(e->level, fmt, again);
    }
    va_end(again);
    errno = saved_errno;
}
