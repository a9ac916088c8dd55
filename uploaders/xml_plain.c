/*
 * Plain documents. Pure. See xml_plain.h.
 */
#include "uploaders/xml_plain.h"

#include "uploaders/xml.h"

#include <string.h>

#define NAME_MAX_BYTES 64

struct scan {
    const char *p, *end;
    const struct xml_events *events;  /* NULL: only whether it is plain */
    struct span names[XML_DEPTH_MAX]; /* of what is open */
    unsigned depth;
};

/* What the document says next, read over if it is this. */
static bool take(struct scan *s, struct span what)
{
    if ((size_t)(s->end - s->p) < what.n || memcmp(s->p, what.p, what.n) != 0)
        return false;
    s->p += what.n;
    return true;
}

static void skip_blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t'))
        s->p++;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The name of an element. */
static bool take_name(struct scan *s, struct span *ret)
{
    const char *from = s->p;

    if (s->p == s->end || !is_letter(*s->p))
        return false;
    while (s->p < s->end &&
           (is_letter(*s->p) || (*s->p >= '0' && *s->p <= '9') || *s->p == '-' || *s->p == '.'))
        s->p++;
    *ret = (struct span){from, (size_t)(s->p - from)};
    return ret->n < NAME_MAX_BYTES;
}

/* A byte that stands for itself in text. "]" does too, unless it ends what never began. */
static bool is_plain(char c)
{
    return (c >= ' ' && c <= '~' && c != '<' && c != '&' && c != ']') || c == '\n' || c == '\t';
}

static void tell_text(const struct scan *s, const char *p, size_t n)
{
    if (s->events)
        s->events->text(s->events->arg, p, (int)n);
}

/* An element begins, or ends. */
static void tell_tag(const struct scan *s, struct span name, bool opens)
{
    char text[NAME_MAX_BYTES];

    if (!s->events)
        return;
    memcpy(text, name.p, name.n);
    text[name.n] = '\0';
    if (opens)
        s->events->open(s->events->arg, text, NULL);
    else
        s->events->close(s->events->arg, text);
}

/* xmlns="...", if it is there. */
static bool take_namespace(struct scan *s)
{
    if (!take(s, SPAN(" xmlns=\"")))
        return true;
    while (s->p < s->end && *s->p != '"')
        if (!is_plain(*s->p++))
            return false;
    return take(s, SPAN("\""));
}

/* Behind "<": an element begins, and may end at once. */
static bool take_open(struct scan *s)
{
    struct span name;

    if (s->depth == XML_DEPTH_MAX || !take_name(s, &name) || !take_namespace(s))
        return false;
    tell_tag(s, name, true);
    if (take(s, SPAN("/>"))) {
        tell_tag(s, name, false);
        return true;
    }
    s->names[s->depth++] = name;
    return take(s, SPAN(">"));
}

/* Behind "</". */
static bool take_close(struct scan *s)
{
    if (!take(s, s->names[s->depth - 1]) || !take(s, SPAN(">")))
        return false;
    tell_tag(s, s->names[--s->depth], false);
    return true;
}

/* At "&". */
static bool take_entity(struct scan *s)
{
    static const struct {
        struct span name;
        char byte[2];
    } entities[] = {{SPAN("&quot;"), "\""},
                    {SPAN("&amp;"), "&"},
                    {SPAN("&lt;"), "<"},
                    {SPAN("&gt;"), ">"},
                    {SPAN("&apos;"), "'"}};

    for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
        if (take(s, entities[i].name)) {
            tell_text(s, entities[i].byte, 1);
            return true;
        }
    }
    return false;
}

/* What stands inside an element: text up to the next tag or entity, or one of these. */
static bool take_content(struct scan *s)
{
    const char *from = s->p;

    while (s->p < s->end && is_plain(*s->p))
        s->p++;
    if (s->p > from) {
        tell_text(s, from, (size_t)(s->p - from));
        return true;
    }
    if (take(s, SPAN("</")))
        return take_close(s);
    return take(s, SPAN("<")) ? take_open(s) : take_entity(s);
}

/* The document. False: it is not plain. */
static bool scan(struct scan *s)
{
    if (!take(s, SPAN("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")))
        (void)take(s, SPAN("<?xml version=\"1.0\"?>")); /* or none */
    skip_blanks(s);
    if (!take(s, SPAN("<")) || !take_open(s))
        return false;
    while (s->depth > 0)
        if (!take_content(s))
            return false;
    skip_blanks(s);
    return s->p == s->end;
}

bool xml_is_plain(struct span body)
{
    struct scan s = {.p = body.p, .end = body.p + body.n};

    return scan(&s);
}

void xml_plain_tell(struct span body, const struct xml_events *e)
{
    struct scan s = {.p = body.p, .end = body.p + body.n, .events = e};

    (void)scan(&s); /* it is plain */
}
