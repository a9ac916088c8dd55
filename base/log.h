/*
 * Log lines to stderr. Shell.
 *
 * One line a message, written by one write(2). Under systemd (JOURNAL_STREAM names our stderr) each
 * line starts with "<N>", the syslog priority; elsewhere with the time and the level. Control bytes
 * and invalid UTF-8 in the text are escaped, so a file name cannot forge a line. Thread-safe.
 *
 * An event is a line that people and programs look for. Under systemd it goes to the journal's own
 * socket, with an id and fields; where that does not take it, and elsewhere, it is a line as any
 * other.
 */
#ifndef LOCKSTEP_BASE_LOG_H
#define LOCKSTEP_BASE_LOG_H

#include <stdarg.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* log_init(level): lines above this level are dropped. Call once, before threads. */
void log_init(enum log_level level);

/* log_level_parse("error"|"warning"|"info"|"debug", &level): 0 or ERR_SYNTAX. */
int log_level_parse(const char *text, enum log_level *ret) __attribute__((warn_unused_result));

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What an event is: id is 32 hex digits (MESSAGE_ID). */
struct log_event {
    enum log_level level;
    const char *id;
};

/* A field of one; the name is of upper-case letters, digits and '_'. */
struct log_field {
    const char *name;
    const char *value;
};

/* log_event(e, fields, n, fmt, ap): one of those. Never waits for the journal. */
void log_event(const struct log_event *e, const struct log_field *fields, size_t n, const char *fmt,
               va_list ap) __attribute__((format(printf, 4, 0)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
