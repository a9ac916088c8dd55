/*
 * Time. The clocks are read here and nowhere else in the pure world's callers; pure code takes the
 * time as an argument.
 */
#ifndef LOCKSTEP_BASE_CLOCK_H
#define LOCKSTEP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define NS_PER_S  INT64_C(1000000000)
#define US_PER_S  INT64_C(1000000)
#define US_PER_MS INT64_C(1000)
#define MS_PER_S  INT64_C(1000)

/* clock_real_us(): microseconds since 1970, UTC. clock_mono_ms(): milliseconds of a clock that is
 * never set. Shell. */
int64_t clock_real_us(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void); /* the same clock, finer */

#define CLOCK_ISO_SIZE 32 /* bytes for "2026-01-02T03:04:05.123456Z" and its NUL */

/* clock_iso(us, out): RFC 3339 in UTC with microseconds; years 1970-9999. Pure. Returns out. */
char *clock_iso(int64_t us, char out[CLOCK_ISO_SIZE]);

/* clock_parse(text, now_us, ret_us): "2026-01-02", "2026-01-02T03:04[:05[.frac]][Z|+hh:mm]" (UTC
 * where no zone is given), "@seconds[.frac]", or an age before now: "90s", "15m", "2h", "3d".
 * 0 or ERR_SYNTAX. Pure. */
int clock_parse(const char *text, int64_t now_us, int64_t *ret_us)
    __attribute__((warn_unused_result));

/* clock_parse_http(text, ret_us): an HTTP date in any of RFC 9110's three forms. 0 or ERR_SYNTAX.
 * Pure. */
int clock_parse_http(const char *text, int64_t *ret_us) __attribute__((warn_unused_result));

/* clock_amz(us, out): "20260102T030405Z", the date of SigV4; its first 8 bytes are the day. Pure.
 */
#define CLOCK_AMZ_SIZE 17
char *clock_amz(int64_t us, char out[CLOCK_AMZ_SIZE]);

#endif
