/*
 * The walk: over the bytes as they stand where the document is plain (xml_plain.h), else over
 * expat. Pure but for a parser that each thread keeps: to make one for the few
 * hundred bytes of an answer costs more than to read them.
 */
#include "uploaders/xml.h"

#include "base/err.h"
#include "uploaders/xml_plain.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define KEPT_BODY_MAX 65536 /* bytes: a parser keeps as much memory as what it read last */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t kept; /* the thread's parser, while no walk uses it */
static bool keeps;

struct walk {
    XML_Parser parser; /* NULL: the document is plain */
    const struct xml_visitor *visitor;
    int rc;
    char path[XML_PATH_MAX];
    size_t ends[XML_DEPTH_MAX]; /* length of path at each level */
    unsigned depth;
    size_t text_n;               /* since the latest tag */
    size_t text_most;            /* that there ever was */
    char text[XML_TEXT_MAX + 1]; /* not terminated */
};

static void free_kept(void *arg)
{
    XML_ParserFree(arg);
}

static void make_kept(void)
{
    keeps = pthread_key_create(&kept, free_kept) == 0;
}

/* A parser: the thread's, or a new one. NULL without memory. */
static XML_Parser parser_take(void)
{
    XML_Parser p;

    (void)pthread_once(&once, make_kept);
    p = keeps ? pthread_getspecific(kept) : NULL;
    if (!p)
        return XML_ParserCreate("UTF-8");
    (void)pthread_setspecific(kept, NULL); /* what clears cannot fail */
    if (XML_ParserReset(p, "UTF-8"))
        return p;
    XML_ParserFree(p);
    return NULL;
}

/* Mirror of parser_take. */
static void parser_put(XML_Parser p, bool keep)
{
    if (!keep || !keeps || pthread_setspecific(kept, p) != 0)
        XML_ParserFree(p);
}

/* End the walk with a code. */
static void stop(struct walk *w, int rc)
{
    if (!rc || w->rc)
        return;
    w->rc = rc;
    if (w->parser)
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
    w->text_n = 0;
    int rc = push(w, name);
    stop(w, rc ? rc : w->visitor->open(w->visitor->arg, w->path));
}

static void on_close(void *arg, const XML_Char *name)
{
    struct walk *w = arg;
    (void)name; /* expat has seen to it that it is the latest opened */
    if (w->rc)
        return;
    w->text[w->text_n] = '\0';
    stop(w, w->visitor->close(w->visitor->arg, w->path, w->text));
    w->text_n = 0;
    w->depth--;
    w->path[w->depth ? w->ends[w->depth - 1] : 0] = '\0';
}

static void on_text(void *arg, const XML_Char *s, int n)
{
    struct walk *w = arg;
    if (w->rc)
        return;
    if ((size_t)n > XML_TEXT_MAX - w->text_n) {
        stop(w, ERR_LIMIT);
        return;
    }
    memcpy(w->text + w->text_n, s, (size_t)n);
    w->text_n += (size_t)n;
    w->text_most = w->text_n > w->text_most ? w->text_n : w->text_most;
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

/* The walk by expat, which knows all of XML. */
static void walk_parsed(struct walk *w, struct span body)
{
    const bool keep = !w->visitor->is_secret && body.n <= KEPT_BODY_MAX;

    w->parser = parser_take();
    if (!w->parser) {
        w->rc = -ENOMEM;
        return;
    }
    XML_SetUserData(w->parser, w);
    XML_SetElementHandler(w->parser, on_open, on_close);
    XML_SetCharacterDataHandler(w->parser, on_text);
    XML_SetStartDoctypeDeclHandler(w->parser, on_doctype);
    if (XML_Parse(w->parser, body.p, (int)body.n, XML_TRUE) != XML_STATUS_OK && !w->rc)
        w->rc = XML_GetErrorCode(w->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : ERR_SYNTAX;
    parser_put(w->parser, keep && w->rc == 0);
}

int xml_walk(struct span body, const struct xml_visitor *v)
{
    struct walk w;
    const struct xml_events events = {
        .arg = &w, .open = on_open, .close = on_close, .text = on_text};

    body = skip_blanks(body);
    if (body.n > INT_MAX)
        return ERR_LIMIT;
    w.parser = NULL;
    w.visitor = v;
    w.rc = 0;
    w.path[0] = '\0';
    w.depth = 0;
    w.text_n = w.text_most = 0;
    if (xml_is_plain(body))
        xml_plain_tell(body, &events);
    else
        walk_parsed(&w, body);
    if (v->is_secret)
        explicit_bzero(w.text, w.text_most + 1);
    return w.rc;
}
