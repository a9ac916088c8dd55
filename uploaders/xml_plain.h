/*
 * Plain XML documents, as S3 answers: read without a parser's generality. Pure.
 *
 * Plain is a document in ASCII with at most the usual declaration, elements whose one attribute may
 * be xmlns, XML's own five entities, and nothing else: no comments, sections, instructions or
 * references by number, no "]" and no carriage return in text. Whatever is plain is well-formed,
 * and a parser tells the same events of it.
 */
#ifndef LOCKSTEP_UPLOADERS_XML_PLAIN_H
#define LOCKSTEP_UPLOADERS_XML_PLAIN_H

#include "base/buf.h"

#include <stdbool.h>

/* Expat's handlers: attributes is NULL, text may come in pieces. */
struct xml_events {
    void *arg;
    void (*open)(void *arg, const char *name, const char **attributes);
    void (*close)(void *arg, const char *name);
    void (*text)(void *arg, const char *s, int n);
};

/* xml_is_plain(body): no white space before it. xml_plain_tell(body, e): of what is plain. */
bool xml_is_plain(struct span body);
void xml_plain_tell(struct span body, const struct xml_events *e);

#endif
