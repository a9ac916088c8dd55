/*
 * What a rewrite did to a list otherwise than following its images, in words. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_POLICY_H
#define LOCKSTEP_AGENT_CORE_POLICY_H

#include "lists/lists.h"

/* policy_words(s, out, size): which policy did what to how many rows, for log and journal; false
 * (and out is empty) where none did anything. */
bool policy_words(const struct lst_rewrite_stats *s, char *out, size_t size);

#endif
