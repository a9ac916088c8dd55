/* The XML that clients send. Pure. */
#include "tests/s3d/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 3

struct reader {
    XML_Parser parser;
    const char *root;
    const char *item;
    struct xml_items *out;
    int depth;
    bool in_item; /* the element at depth 2 is an item */
    bool bad;
    struct buf text;
    bool leaf; /* nothing but text since the last start tag */
};

/* Stop: the document is not one of ours. */
static void refuse(struct reader *r)
{
    r->bad = true;
    (void)XML_StopParser(r->parser, XML_FALSE); /* fails only where it has stopped already */
}

/* An element begins. */
static void on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = context;
    (void)attributes; /* S3 knows none but the namespace */
    r->depth++;
    r->leaf = true;
    buf_reset(&r->text);
    if (r->depth > DEPTH_MAX || (r->depth == 1 && strcmp(name, r->root) != 0) ||
        (r->depth == 3 && !r->in_item)) {
        refuse(r);
        return;
    }
    if (r->depth != 2)
        return;
    r->in_item = strcmp(name, r->item) == 0;
    if (r->in_item) {
        r->out->items = mem_grow(r->out->items, (r->out->n + 1) * sizeof(*r->out->items));
        r->out->items[r->out->n++] = (struct pairs){0};
    }
}

/* An element ends. */
static void on_end(void *context, const XML_Char *name)
{
    struct reader *r = context;
    const char *text = r->text.data ? r->text.data : "";
    if (r->leaf && r->depth == 2 && !r->in_item)
        pairs_add(&r->out->top, name, text);
    if (r->leaf && r->depth == 3)
        pairs_add(&r->out->items[r->out->n - 1], name, text);
    r->leaf = false;
    r->depth--;
}

/* Text within an element. */
static void on_text(void *context, const XML_Char *text, int n)
{
    struct reader *r = context;
    if (r->leaf)
        text_bytes(&r->text, text, (size_t)n);
}

/* A document type: entities are not for us. */
static void on_doctype(void *context, const XML_Char *name, const XML_Char *system,
                       const XML_Char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    refuse(context);
}

bool xml_read(const char *p, size_t n, const char *root, const char *item, struct xml_items *ret)
{
    struct reader r = {.root = root, .item = item, .out = ret};
    *ret = (struct xml_items){0};
    if (n == 0 || n > INT32_MAX)
        return false;
    r.parser = XML_ParserCreate("UTF-8");
    if (!r.parser)
        abort();
    text_begin(&r.text);
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, on_start, on_end);
    XML_SetCharacterDataHandler(r.parser, on_text);
    XML_SetStartDoctypeDeclHandler(r.parser, on_doctype);
    bool good = XML_Parse(r.parser, p, (int)n, XML_TRUE) == XML_STATUS_OK && !r.bad;
    XML_ParserFree(r.parser);
    buf_release(&r.text);
    return good;
}

void xml_items_release(struct xml_items *x)
{
    pairs_release(&x->top);
    for (size_t i = 0; i < x->n; i++)
        pairs_release(&x->items[i]);
    free(x->items);
    *x = (struct xml_items){0};
}
