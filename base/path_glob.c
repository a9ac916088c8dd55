/*
 * Shell patterns. Pure.
 *
 * The pattern is read token by token; between tokens we keep the set of places in the text that the
 * pattern so far can reach. One token costs at most one pass over the text, so the whole is linear
 * in pattern x text whatever the stars, and nothing is tried twice.
 */
#include "base/path.h"

#include <stdint.h>
#include <string.h>

enum token_kind { TOKEN_BYTE, TOKEN_ANY, TOKEN_SET, TOKEN_STAR, TOKEN_DEEP, TOKEN_DIRS };

struct token {
    enum token_kind kind;
    unsigned char byte;  /* TOKEN_BYTE */
    const char *set;     /* TOKEN_SET: past the '[' (and '!') */
    const char *set_end; /* TOKEN_SET: at the ']' */
    bool negated;        /* TOKEN_SET */
};

/* Places 0..n of the text that can be reached; all of them lie in lo..hi. */
struct places {
    const char *text;
    size_t n;
    size_t lo;
    size_t hi;
    uint64_t at[(PATH_BYTES_MAX + 1 + 63) / 64]; /* a bit a place */
};

/* The place can be reached. */
static bool is_at(const struct places *s, size_t i)
{
    return s->at[i / 64] >> i % 64 & 1;
}

/* Note that the place can be reached, or cannot. */
static void set_at(struct places *s, size_t i, bool on)
{
    uint64_t bit = UINT64_C(1) << i % 64;

    s->at[i / 64] = on ? s->at[i / 64] | bit : s->at[i / 64] & ~bit;
}

/* The ']' that ends a set whose first member is at p, or NULL. A ']' that comes first is a member.
 */
static const char *set_end(const char *p)
{
    const char *start = p;

    for (; *p != '\0'; p++) {
        if (*p == ']' && p != start)
            return p;
        if (*p == '\\' && p[1] != '\0')
            p++;
    }
    return NULL;
}

/* One member of a set at *p, quoted or not; *p moves past it. */
static unsigned char set_member(const char **p, const char *end)
{
    if (**p == '\\' && *p + 1 < end)
        (*p)++;
    return (unsigned char)*(*p)++;
}

/* The byte is in the set. */
static bool set_holds(const struct token *t, unsigned char c)
{
    const char *p = t->set;
    bool found = false;

    while (p < t->set_end && !found) {
        unsigned char low = set_member(&p, t->set_end);
        unsigned char high = low;

        if (*p == '-' && p + 1 < t->set_end) {
            p++;
            high = set_member(&p, t->set_end);
        }
        found = low <= c && c <= high;
    }
    return found != t->negated;
}

/* Read a set at p, just past its '['; false if it has no end (then the '[' means itself). */
static bool read_set(const char *p, struct token *ret, const char **ret_next)
{
    bool negated = *p == '!' || *p == '^';
    const char *end = set_end(p + negated);

    if (!end)
        return false;
    *ret =
        (struct token){.kind = TOKEN_SET, .set = p + negated, .set_end = end, .negated = negated};
    *ret_next = end + 1;
    return true;
}

/* Read the stars at p. "**" + '/' at the head of a component stands for any number of directories,
 * none included. */
static const char *read_stars(const char *p, bool at_head, struct token *ret)
{
    size_t stars = strspn(p, "*");

    *ret = (struct token){.kind = stars > 1 ? TOKEN_DEEP : TOKEN_STAR};
    p += stars;
    if (stars > 1 && at_head && *p == '/') {
        ret->kind = TOKEN_DIRS;
        p++;
    }
    return p;
}

/* Read the token at p; returns what follows it. */
static const char *read_token(const char *p, bool at_head, struct token *ret)
{
    const char *next;

    if (*p == '*')
        return read_stars(p, at_head, ret);
    if (*p == '[' && read_set(p + 1, ret, &next))
        return next;
    if (*p == '?') {
        *ret = (struct token){.kind = TOKEN_ANY};
        return p + 1;
    }
    if (*p == '\\' && p[1] != '\0')
        p++;
    *ret = (struct token){.kind = TOKEN_BYTE, .byte = (unsigned char)*p};
    return p + 1;
}

/* A token of one byte matches c. */
static bool takes_byte(const struct token *t, unsigned char c)
{
    if (t->kind == TOKEN_BYTE)
        return t->byte == c;
    if (c == '/')
        return false;
    return t->kind == TOKEN_ANY || set_holds(t, c);
}

/* Every place moves by the one byte that the token takes; false if none is left. */
static bool step_byte(struct places *s, const struct token *t)
{
    size_t lo = s->hi + 1;
    size_t hi = 0;
    bool any = false;

    for (size_t i = s->hi + 1; i-- > s->lo;) {
        bool moves = is_at(s, i) && i < s->n && takes_byte(t, (unsigned char)s->text[i]);

        set_at(s, i, false);
        if (!moves)
            continue;
        set_at(s, i + 1, true);
        lo = i + 1;
        hi = any ? hi : i + 1;
        any = true;
    }
    s->lo = lo;
    s->hi = hi;
    return any;
}

/* Every place also reaches the later ones that the star may skip to. */
static void step_star(struct places *s, const struct token *t)
{
    bool running = false;
    size_t hi = s->hi;

    for (size_t i = s->lo; i <= s->n && (running || i <= hi); i++) {
        bool slash_before = i > s->lo && s->text[i - 1] == '/';

        if (t->kind == TOKEN_STAR && slash_before)
            running = false;
        if (is_at(s, i))
            running = true;
        else if (!running || (t->kind == TOKEN_DIRS && !slash_before))
            continue;
        set_at(s, i, true);
        s->hi = i > s->hi ? i : s->hi;
    }
}

/* Hold the pattern against the whole text. */
static bool match(const char *pattern, const char *text)
{
    struct places s = {.text = text, .n = strlen(text)};
    bool at_head = true;

    if (s.n > PATH_BYTES_MAX)
        return false;
    set_at(&s, 0, true);
    while (*pattern != '\0') {
        struct token t;

        pattern = read_token(pattern, at_head, &t);
        at_head = t.kind == TOKEN_DIRS || (t.kind == TOKEN_BYTE && t.byte == '/');
        if (t.kind == TOKEN_BYTE || t.kind == TOKEN_ANY || t.kind == TOKEN_SET) {
            if (!step_byte(&s, &t))
                return false;
        } else {
            step_star(&s, &t);
        }
    }
    return is_at(&s, s.n);
}

bool path_glob(const char *pattern, const char *path)
{
    return match(pattern, strchr(pattern, '/') ? path : path_name(path));
}
