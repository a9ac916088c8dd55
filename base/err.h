/*
 * Errors: what went wrong, where, and what would be right.
 *
 * A function that can fail returns 0 or a negative code: an errno value negated, or one of the
 * codes below. What a person must see is a struct err, filled where the cause is known and logged
 * once where it is handled.
 */
#ifndef LOCKSTEP_BASE_ERR_H
#define LOCKSTEP_BASE_ERR_H

/* Codes of our own; they lie beyond every errno value. */
#define ERR_CORRUPT  (-5001) /* stored bytes are not what was written */
#define ERR_SYNTAX   (-5002) /* input does not follow its format */
#define ERR_LIMIT    (-5003) /* a ceiling of ours was reached */
#define ERR_CHANGED  (-5004) /* the thing changed while we worked on it */
#define ERR_REFUSED  (-5005) /* the other side said no for good */
#define ERR_VERSION  (-5006) /* a format newer than this program */
#define ERR_NOT_FILE (-5007) /* not a regular file */

#define ERR_TEXT_MAX 512

struct err {
    int code;                 /* 0 or a negative code */
    char what[ERR_TEXT_MAX];  /* what went wrong, with the value found */
    char where[ERR_TEXT_MAX]; /* file:line, setting, path or key; may be empty */
    char right[ERR_TEXT_MAX]; /* what would be right or what to do; may be empty */
};

/*
 * err_set(e, code, where, right, fmt, ...): fill `e` (NULL is allowed and ignored) and return
 * `code`, so that a caller can write `return err_set(...)`. Texts are truncated, never overrun.
 */
int err_set(struct err *e, int code, const char *where, const char *right, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
#ifdef __clang_analyzer__ /* it cannot see what other files return */
#define err_set(e, code, ...) ((void)(err_set)(e, code, __VA_ARGS__), (code))
#endif

/* err_text(e, buf, size): "where: what; right" into buf, always terminated; returns buf. */
char *err_text(const struct err *e, char *buf, unsigned long size);

/* err_name(code): the words for a code (strerror for errno values). A static string or one of the
 * C library's; thread-safe. */
const char *err_name(int code);

#endif
