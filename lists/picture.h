/*
 * What the header of a JPEG or PNG says. Pure; bounded: nothing is decoded, and no more is asked
 * for than the way to the picture's size needs.
 *
 *   picture_begin(&p) -> read up to PICTURE_WINDOW bytes of the file at p.at -> picture_step
 *        ^                                                                         |
 *        +-------------------------- PICTURE_MORE ---------------------------------+-> DONE, BAD
 */
#ifndef LOCKSTEP_LISTS_PICTURE_H
#define LOCKSTEP_LISTS_PICTURE_H

#include "base/buf.h"

#include <stdint.h>

#define PICTURE_WINDOW    1024
#define PICTURE_STEPS_MAX 4096 /* pieces of one file that are looked at */

enum picture_kind { PICTURE_UNKNOWN, PICTURE_JPEG, PICTURE_PNG };
enum picture_next { PICTURE_MORE, PICTURE_DONE, PICTURE_BAD };

struct picture {
    enum picture_kind kind;
    uint32_t width; /* DONE */
    uint32_t height;
    uint64_t at;     /* MORE: the offset of the bytes that are wanted next */
    unsigned steps;  /* taken so far */
    const char *why; /* BAD: what is wrong; static */
};

void picture_begin(struct picture *p);

/* picture_step(p, window): the bytes of the file from p->at on; fewer than PICTURE_WINDOW only
 * where the file ends. */
enum picture_next picture_step(struct picture *p, struct span window)
    __attribute__((warn_unused_result));

#endif
