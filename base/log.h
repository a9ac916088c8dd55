/*
 * Log lines to stderr. Shell.
 *
 * One line a message, written by one write(2). Under systemd (JOURNAL_STREAM names our stderr) each
 * line starts with "<N>", the syslog priority; elsewhere with the time and the level. Control bytes
 * and invalid UTF-8 in the text are escaped, so a file name cannot forge a line. Thread-safe.
 */
#ifndef LOCKSTEP_BASE_LOG_H
#define LOCKSTEP_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* log_init(level): lines above this level are dropped. Call once, before threads. */
void log_init(enum log_level level);

/* log_level_parse("error"|"warning"|"info"|"debug", &level): 0 or ERR_SYNTAX. */
int log_level_parse(const char *text, enum log_level *ret) __attribute__((warn_unused_result));

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
