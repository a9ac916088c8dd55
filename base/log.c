/* Log lines to stderr. Shell. */
#include "base/log.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/visible.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 8192 /* of a line; a longer one is cut and ends in "..." */

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char level_priorities[] = {'3', '4', '6', '7'}; /* syslog(3) */

static _Atomic int highest_level = LOG_LEVEL_INFO;
static atomic_bool under_journal;

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
    atomic_store(&highest_level, (int)level);
    atomic_store(&under_journal, is_journal_stream());
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

void log_line(enum log_level level, const char *fmt, ...)
{
    static const char cut[] = "...";
    char text[LINE_MAX_BYTES];
    char line[LINE_MAX_BYTES];
    size_t room = sizeof(line) - sizeof(cut); /* for "..." and the newline */
    int saved_errno = errno;
    size_t len;
    va_list ap;
    int n;

    if ((int)level > atomic_load(&highest_level))
        return;
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (n < 0)
        n = snprintf(text, sizeof(text), "%s", fmt);
    len = put_head(line, room, level);
    if (!put_escaped(line, &len, room, text, strlen(text)) || (size_t)n >= sizeof(text)) {
        memcpy(line + len, cut, sizeof(cut) - 1);
        len += sizeof(cut) - 1;
    }
    line[len++] = '\n';
    put_out(line, len);
    errno = saved_errno;
}
