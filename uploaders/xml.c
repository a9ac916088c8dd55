/*
 * The walk, over expat. Pure.
 */
#include "uploaders/xml.h"

#include "base/err.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <string.h>

struct walk {
    XML_Parser parser;
    const struct xml_visitor *visitor;
    int rc;
    char path[XML_PATH_MAX];
    size_t ends[XML_DEPTH_MAX]; /* length of path at each level */
    unsigned depth;
    struct buf text; /* since the latest tag */
};

/* End the walk with a code. */
static void stop(struct walk *w, int rc)
{
    if (!rc || w->rc)
        return;
    w->rc = rc;
    XML_StopParser(w->parser, XML_FALSE);
}

/* "a/b" + "c" -> "a/b/c". */
static int push(struct walk *w, const char *name)
{
    size_t end = w->depth ? w->ends[w->depth - 1] : 0;
    size_t n = strlen(name);
    if (w->depth == XML_DEPTH_MAX || end + n + 2 > sizeof(w->path))
        return ERR_LIMIT;
    if (end)
        w->path[end++] = '/';
    memcpy(w->path + end, name, n + 1);
    w->ends[w->depth++] = end + n;
    return 0;
}

static void on_open(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct walk *w = arg;
    (void)attributes; /* S3's answers say nothing in them */
    if (w->rc)
        return;
    buf_reset(&w->text);
    int rc = push(w, name);
    stop(w, rc ? rc : w->visitor->open(w->visitor->arg, w->path));
}

static void on_close(void *arg, const XML_Char *name)
{
    struct walk *w = arg;
    (void)name; /* expat has seen to it that it is the latest opened */
    if (w->rc)
        return;
    stop(w, w->visitor->close(w->visitor->arg, w->path, w->text.len ? w->text.data : ""));
    buf_reset(&w->text);
    w->depth--;
    w->path[w->depth ? w->ends[w->depth - 1] : 0] = '\0';
}

static void on_text(void *arg, const XML_Char *s, int n)
{
    struct walk *w = arg;
    if (!w->rc)
        stop(w, buf_append(&w->text, s, (size_t)n));
}

static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_subset)
{
    (void)name; /* whatever it says, it is refused */
    (void)system;
    (void)public;
    (void)has_subset;
    stop(arg, ERR_SYNTAX);
}

/* Without white space at the beginning. */
static struct span skip_blanks(struct span s)
{
    while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0]) {
        s.p++;
        s.n--;
    }
    return s;
}

int xml_walk(struct span body, const struct xml_visitor *v)
{
    struct walk w = {.visitor = v};
    body = skip_blanks(body);
    if (body.n > INT_MAX)
        return ERR_LIMIT;
    w.parser = XML_ParserCreate("UTF-8");
    if (!w.parser)
        return -ENOMEM;
    buf_init(&w.text, XML_TEXT_MAX);
    w.rc = buf_reserve(&w.text, XML_TEXT_MAX); /* so that its growth leaves no copies of keys */
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, on_open, on_close);
    XML_SetCharacterDataHandler(w.parser, on_text);
    XML_SetStartDoctypeDeclHandler(w.parser, on_doctype);
    if (!w.rc && XML_Parse(w.parser, body.p, (int)body.n, XML_TRUE) != XML_STATUS_OK && !w.rc)
        w.rc = XML_GetErrorCode(w.parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : ERR_SYNTAX;
    XML_ParserFree(w.parser);
    buf_wipe(&w.text); /* STS's answers hold keys */
    return w.rc;
}
