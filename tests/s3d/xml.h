/*
 * The XML that clients send. Pure.
 */
#ifndef LOCKSTEP_S3D_XML_H
#define LOCKSTEP_S3D_XML_H

#include "tests/s3d/text.h"

/* <root> <name>text</name> ... <item> <name>text</name> ... </item> ... </root> */
struct xml_items {
    struct pairs top;    /* the leaves right under the root */
    struct pairs *items; /* of each item, its leaves */
    size_t n;
};

/* xml_read(p, n, root, item, ret): false where it is not well-formed, not of that shape, or has a
 * document type. Namespaces are not looked at. *ret is to be released in any case. */
bool xml_read(const char *p, size_t n, const char *root, const char *item, struct xml_items *ret);
void xml_items_release(struct xml_items *x);

#endif
