/* Text and memory of the test server. Pure. */
#include "tests/s3d/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* End the process: there is nothing sensible to do without memory. */
static _Noreturn void out_of_memory(void)
{
    fputs("s3d: out of memory, or a text beyond its ceiling\n", stderr);
    abort();
}

void *mem_new(size_t n)
{
    void *p = calloc(1, n ? n : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *mem_grow(void *p, size_t n)
{
    void *grown = realloc(p, n ? n : 1);
    if (!grown)
        out_of_memory();
    return grown;
}

char *mem_dupn(const char *p, size_t n)
{
    char *copy = mem_new(n + 1);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *mem_dup(const char *s)
{
    return mem_dupn(s, strlen(s));
}

void text_begin(struct buf *b)
{
    buf_init(b, TEXT_MAX);
}

void text_bytes(struct buf *b, const void *p, size_t n)
{
    if (buf_append(b, p, n) != 0)
        out_of_memory();
}

void text_add(struct buf *b, const char *s)
{
    text_bytes(b, s, strlen(s));
}

void text_format(struct buf *b, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&line, fmt, args);
    va_end(args);
    if (n < 0)
        out_of_memory();
    text_bytes(b, line, (size_t)n);
    free(line);
}

/* The bytes that SigV4 leaves as they are. */
static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void text_uri(struct buf *b, const char *s, bool keep_slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (is_unreserved(*s) || (keep_slash && c == '/')) {
            text_bytes(b, s, 1);
            continue;
        }
        char escaped[3] = {'%', digits[c >> 4], digits[c & 15]};
        text_bytes(b, escaped, sizeof(escaped));
    }
}

void text_xml(struct buf *b, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '<')
            text_add(b, "&lt;");
        else if (c == '>')
            text_add(b, "&gt;");
        else if (c == '&')
            text_add(b, "&amp;");
        else if (c == '"')
            text_add(b, "&quot;");
        else if (c < 0x20 || c == 0x7f)
            text_format(b, "&#x%x;", c);
        else
            text_bytes(b, s, 1);
    }
}

void text_tag(struct buf *b, const char *name, const char *value)
{
    text_format(b, "<%s>", name);
    text_xml(b, value);
    text_format(b, "</%s>", name);
}

void text_tag_int(struct buf *b, const char *name, uint64_t value)
{
    text_format(b, "<%s>%llu</%s>", name, (unsigned long long)value, name);
}

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

char *text_decode(const char *p, size_t n, bool plus_is_space)
{
    char *out = mem_new(n + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char c = p[i];
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < n ? hex_digit(p[i + 1]) : -1;
            int low = i + 2 < n ? hex_digit(p[i + 2]) : -1;
            if (high < 0 || low < 0 || (high | low) == 0) {
                free(out);
                return NULL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[at++] = c;
    }
    return out;
}

bool text_number(const char *s, uint64_t *ret)
{
    size_t n = strlen(s);
    if (n == 0 || n > 19 || strspn(s, "0123456789") != n)
        return false;
    *ret = strtoull(s, NULL, 10);
    return true;
}

bool text_has_prefix(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

void pairs_add(struct pairs *p, const char *name, const char *value)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 8;
        p->at = mem_grow(p->at, p->cap * sizeof(*p->at));
    }
    p->at[p->n++] = (struct pair){mem_dup(name), mem_dup(value)};
}

const char *pairs_get(const struct pairs *p, const char *name)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].name, name) == 0)
            return p->at[i].value;
    return NULL;
}

void pairs_set(struct pairs *p, const char *name, const char *value)
{
    for (size_t i = 0; i < p->n; i++) {
        if (strcmp(p->at[i].name, name) != 0)
            continue;
        free(p->at[i].value);
        p->at[i].value = mem_dup(value);
        return;
    }
    pairs_add(p, name, value);
}

void pairs_release(struct pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].name);
        free(p->at[i].value);
    }
    free(p->at);
    *p = (struct pairs){0};
}
