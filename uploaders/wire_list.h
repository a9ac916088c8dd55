/*
 * Exchanges in flight, in a list that lets go of any of them. Pure.
 */
#ifndef LOCKSTEP_UPLOADERS_WIRE_LIST_H
#define LOCKSTEP_UPLOADERS_WIRE_LIST_H

#include "uploaders/wire.h"

/* wire_list_add(first, x): to the front. */
static inline void wire_list_add(struct exchange **first, struct exchange *x)
{
    x->before = NULL;
    x->after = *first;
    if (*first)
        (*first)->before = x;
    *first = x;
}

/* wire_list_remove(first, x): it is in the list. */
static inline void wire_list_remove(struct exchange **first, struct exchange *x)
{
    if (x->before)
        x->before->after = x->after;
    else
        *first = x->after;
    if (x->after)
        x->after->before = x->before;
}

#endif
