/* Errors as values. Pure. */
#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Copy a text, NULL as empty, cut to fit. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t n = text ? strnlen(text, size - 1) : 0;

    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

int(err_set)(struct err *e, int code, const char *where, const char *right, const char *fmt, ...)
{
    va_list ap;

    if (!e)
        return code;
    e->code = code;
    va_start(ap, fmt);
    if (vsnprintf(e->what, sizeof(e->what), fmt, ap) < 0)
        copy_text(e->what, sizeof(e->what), fmt);
    va_end(ap);
    copy_text(e->where, sizeof(e->where), where);
    copy_text(e->right, sizeof(e->right), right);
    return code;
}

char *err_text(const struct err *e, char *buf, unsigned long size)
{
    if (size == 0)
        return buf;
    /* A text that does not fit is cut; that is the contract. */
    (void)snprintf(buf, size, "%s%s%s%s%s", e->where, e->where[0] ? ": " : "", e->what,
                   e->right[0] ? "; " : "", e->right);
    return buf;
}

const char *err_name(int code)
{
    const char *name;

    switch (code) {
    case 0:
        return "success";
    case ERR_CORRUPT:
        return "stored data is damaged";
    case ERR_SYNTAX:
        return "the input does not follow its format";
    case ERR_LIMIT:
        return "a limit was reached";
    case ERR_CHANGED:
        return "it changed meanwhile";
    case ERR_REFUSED:
        return "refused by the other side";
    case ERR_VERSION:
        return "a newer format than this program knows";
    case ERR_NOT_FILE:
        return "not a regular file";
    }
    name = strerrordesc_np(-code);
    return name ? name : "unknown error";
}
