/* What has to be known of the text before libconfig reads it. Pure. */
#include "conf/lexical.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bracket {
    char open;
    int line;
};

struct lexer {
    const char *at;
    int line;
    bool line_start; /* only white space so far on this line */
    struct bracket open[LEXICAL_DEPTH_MAX];
    size_t depth;
    bool too_deep;
    struct fault_list *faults;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The bytes of a name after its first. */
static bool is_name_byte(char c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c == '_' || c == '*';
}

/* One byte on, counting lines. */
static void step(struct lexer *x)
{
    if (*x->at == '\n') {
        x->line++;
        x->line_start = true;
    } else if (*x->at != ' ' && *x->at != '\t') {
        x->line_start = false;
    }
    x->at++;
}

/* Over a comment that begins here; false if there is none. */
static bool skip_comment(struct lexer *x)
{
    if (x->at[0] == '#' || (x->at[0] == '/' && x->at[1] == '/')) {
        while (*x->at != '\0' && *x->at != '\n')
            step(x);
        return true;
    }
    if (x->at[0] != '/' || x->at[1] != '*')
        return false;
    int begin = x->line;
    step(x);
    step(x);
    while (*x->at != '\0' && !(x->at[0] == '*' && x->at[1] == '/'))
        step(x);
    if (*x->at == '\0') {
        fault_add(x->faults, begin, "", "close it with */", "comment without an end");
        return true;
    }
    step(x);
    step(x);
    return true;
}

/* Over the string that begins here. */
static void skip_string(struct lexer *x)
{
    step(x);
    while (*x->at != '"') {
        if (*x->at == '\0' || *x->at == '\n') {
            fault_add(x->faults, x->line, "", "close it with \" on the same line",
                      "string without an end");
            return;
        }
        if (x->at[0] == '\\' && x->at[1] == 'x' && x->at[2] == '0' && x->at[3] == '0')
            fault_add(x->faults, x->line, "", "leave it out", "a NUL byte (\\x00) in a string");
        if (x->at[0] == '\\' && x->at[1] != '\0' && x->at[1] != '\n')
            step(x);
        step(x);
    }
    step(x);
}

/* Does the integer at p[0..n) need 64 bits; does it need more? */
static bool integer_is_wide(const char *p, bool *ret_too_wide)
{
    bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    errno = 0;
    if (hex) {
        unsigned long long u = strtoull(p, NULL, 16);
        *ret_too_wide = errno == ERANGE || u > INT64_MAX;
        return u > INT32_MAX;
    }
    long long v = strtoll(p, NULL, 10);
    *ret_too_wide = errno == ERANGE;
    return v > INT32_MAX || v < INT32_MIN;
}

/* Over the number that begins here; *ret_wide tells that it wants an "L". */
static void skip_number(struct lexer *x, bool *ret_wide)
{
    const char *begin = x->at;
    if (*x->at == '-' || *x->at == '+')
        step(x);
    bool hex = x->at[0] == '0' && (x->at[1] == 'x' || x->at[1] == 'X') && is_hex(x->at[2]);
    if (hex) {
        step(x);
        step(x);
    }
    while (hex ? is_hex(*x->at) : is_digit(*x->at))
        step(x);
    if (!hex && (*x->at == '.' || *x->at == 'e' || *x->at == 'E')) {
        while (is_digit(*x->at) || *x->at == '.' || *x->at == 'e' || *x->at == 'E' ||
               ((*x->at == '-' || *x->at == '+') && (x->at[-1] == 'e' || x->at[-1] == 'E')))
            step(x);
        return;
    }
    bool too_wide = false;
    bool wide = integer_is_wide(begin, &too_wide);
    if (too_wide)
        fault_add(x->faults, x->line, "", "a number that fits 64 bits",
                  "%.*s is too large for any setting",
                  (int)(x->at - begin < 40 ? x->at - begin : 40), begin);
    *ret_wide = wide && *x->at != 'L';
    while (*x->at == 'L')
        step(x);
}

/* An opening bracket. */
static void open_bracket(struct lexer *x)
{
    if (x->depth == LEXICAL_DEPTH_MAX) {
        if (!x->too_deep)
            fault_add(x->faults, x->line, "", "no setting lies that deep",
                      "more than %d brackets in brackets", LEXICAL_DEPTH_MAX);
        x->too_deep = true;
        return;
    }
    x->open[x->depth++] = (struct bracket){.open = *x->at, .line = x->line};
}

/* What closes this bracket. */
static char closes(char open)
{
    return open == '{' ? '}' : open == '(' ? ')' : ']';
}

/* A closing bracket: it must fit the last one that is open. */
static void close_bracket(struct lexer *x)
{
    if (x->too_deep)
        return;
    if (x->depth == 0) {
        fault_add(x->faults, x->line, "", "leave it out, or open it before", "'%c' closes nothing",
                  *x->at);
        return;
    }
    struct bracket b = x->open[--x->depth];
    if (closes(b.open) == *x->at)
        return;
    char right[64];
    (void)snprintf(right, sizeof(right), "close the '%c' of line %d with '%c'", b.open, b.line,
                   closes(b.open)); /* fits */
    fault_add(x->faults, x->line, "", right, "'%c' where '%c' is open", *x->at, b.open);
}

/* Over the "@include" that begins here. */
static void refuse_include(struct lexer *x)
{
    fault_add(x->faults, x->line, "", "put all settings into this one file",
              "@include is not supported");
    while (*x->at != '\0' && *x->at != '\n')
        step(x);
}

/* Over one token, comment or byte. */
static void next_token(struct lexer *x, bool *ret_wide)
{
    char c = *x->at;
    if (skip_comment(x))
        return;
    if (c == '"') {
        skip_string(x);
    } else if (is_letter(c) || c == '*') {
        while (is_name_byte(*x->at))
            step(x);
    } else if (is_digit(c) || ((c == '-' || c == '+') && is_digit(x->at[1]))) {
        skip_number(x, ret_wide);
    } else if (x->line_start && strncmp(x->at, "@include", 8) == 0) {
        refuse_include(x);
    } else {
        if (c == '{' || c == '(' || c == '[')
            open_bracket(x);
        else if (c == '}' || c == ')' || c == ']')
            close_bracket(x);
        step(x);
    }
}

int lexical_prepare(const char *text, struct buf *out, struct fault_list *faults)
{
    struct lexer x = {.at = text, .line = 1, .line_start = true, .faults = faults};
    while (*x.at != '\0') {
        const char *begin = x.at;
        bool wide = false;
        next_token(&x, &wide);
        int r = buf_append(out, begin, (size_t)(x.at - begin));
        if (r == 0 && wide)
            r = buf_append_byte(out, 'L');
        if (r != 0)
            return r;
    }
    for (size_t i = 0; i < x.depth && !x.too_deep; i++) {
        char right[32];
        (void)snprintf(right, sizeof(right), "close it with '%c'",
                       closes(x.open[i].open)); /* fits */
        fault_add(faults, x.open[i].line, "", right, "'%c' is never closed", x.open[i].open);
    }
    return 0;
}
