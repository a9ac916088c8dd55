/*
 * A list, and what it is to become, for tests in which calls fail.
 */
#ifndef LOCKSTEP_TESTS_LST_TEXTS_H
#define LOCKSTEP_TESTS_LST_TEXTS_H

#include "base/buf.h"

#define OLD                                                                                        \
    "\xef\xbb\xbf"                                                                                 \
    "0\t0\ta/x.jpg\n1\t0\t./a/y.jpg\r\n\n2\t1\tb/z.jpg\n3\t1\tb/w.jpg\n4\t0\ta/v.jpg"
#define NEW "0\t0\ta/x.jpg\n7\t1\tb/z.jpg\n3\t1\tc/w.jpg\n5\t2\tc/new.jpg\n4\t0\ta/v.jpg\n"

/* The images of the old list. */
static const char *const images[] = {"a/x.jpg", "a/y.jpg", "b/z.jpg", "b/w.jpg", "a/v.jpg"};
#define IMAGES (sizeof images / sizeof *images)

static inline struct span text(const char *s)
{
    return span_of(s);
}

/* rc, or else the next code. */
static inline int also(int rc, int next)
{
    return rc ? rc : next;
}

#endif
