/*
 * Appending that takes itself back. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_UNDO_H
#define LOCKSTEP_UPLOADERS_UNDO_H

#include "base/buf.h"

/* undo_append(b, len, rc): where rc is not 0, cut b back to the `len` bytes that it had before a
 * row of appends. Returns rc. */
static inline int undo_append(struct buf *b, size_t len, int rc)
{
    if (rc && b->len > len) {
        b->len = len;
        b->data[len] = '\0';
    }
    return rc;
}

#endif
