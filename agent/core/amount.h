/*
 * Sizes and times as people take them in at a glance. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_AMOUNT_H
#define LOCKSTEP_AGENT_CORE_AMOUNT_H

#include <stdint.h>

#define AMOUNT_SIZE 32

/* amount_bytes(bytes, out): "640 bytes", "1.2 GiB", "117 TiB"; returns out. */
const char *amount_bytes(uint64_t bytes, char out[AMOUNT_SIZE]);

/* amount_time(seconds, out): "119 s", "4 min", "30 h", "5 d"; what is past in whole ones, so that
 * it was at least that long; returns out. */
const char *amount_time(int64_t seconds, char out[AMOUNT_SIZE]);

#endif
