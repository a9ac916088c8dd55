/*
 * A walk through an XML document, element by element. Pure.
 *
 * Refused: a DOCTYPE (so no entities but XML's own five and character references), a document that
 * is cut off or followed by text, more than XML_DEPTH_MAX levels, longer texts than XML_TEXT_MAX.
 * White space before the document is read over: S3 sends it to keep a connection alive.
 */
#ifndef LOCKSTEP_UPLOADERS_XML_H
#define LOCKSTEP_UPLOADERS_XML_H

#include "base/buf.h"

#include <stdbool.h>

#define XML_DEPTH_MAX 16
#define XML_PATH_MAX  512  /* bytes of "ListBucketResult/Contents/Key" */
#define XML_TEXT_MAX  8192 /* bytes of text in an element */

/* Each is called with the path from the root; a result other than 0 ends the walk and is handed
 * back. */
struct xml_visitor {
    void *arg;
    int (*open)(void *arg, const char *path);
    int (*close)(void *arg, const char *path, const char *text); /* text "" but for a leaf */
    bool is_secret; /* the document holds keys: nothing of it stays in a parser that is kept */
};

/* xml_walk(body, v): 0; ERR_SYNTAX, ERR_LIMIT, -ENOMEM; or what the visitor returned. */
int xml_walk(struct span body, const struct xml_visitor *v) __attribute__((warn_unused_result));

#endif
