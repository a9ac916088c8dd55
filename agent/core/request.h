/*
 * What may be asked of the running agent, from one line of flat JSON. Pure.
 *
 *   {"cmd":"status","json":true}      {"cmd":"status","what":"changes"}
 *   {"cmd":"release","mapping":"images"}
 *   {"cmd":"wait","timeout_s":60}     {"cmd":"wait","what":"seen"} {"cmd":"wait","key":"images/a"}
 *   {"cmd":"open","mapping":"images"} {"cmd":"discard","mapping":"images","path":"a"}
 *   {"cmd":"rescan"}                  {"cmd":"rescan","path":"/mnt/images/a","what":"directory"}
 *   {"cmd":"pause"}                   {"cmd":"resume"}
 *   {"cmd":"why","key":"images/a.png"}
 *   {"cmd":"repair","key":"images/a.png","what":"put","etag":"...","size":1,"mode":33188,...}
 *
 * The line comes from whoever may open the socket.
 */
#ifndef LOCKSTEP_AGENT_CORE_REQUEST_H
#define LOCKSTEP_AGENT_CORE_REQUEST_H

#include "base/buf.h"
#include "base/path.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define REQUEST_BYTES_MAX     65536 /* of the line */
#define REQUEST_CMD_SIZE      32
#define REQUEST_KEY_SIZE      1025
#define REQUEST_ETAG_SIZE     72
#define REQUEST_TIMEOUT_S_MAX INT64_C(31622400) /* a year */

struct request {
    char cmd[REQUEST_CMD_SIZE];
    char mapping[CONF_NAME_MAX + 1]; /* "": all */
    bool json;                       /* the answer's form */

    char path[PATH_BYTES_MAX + 1]; /* "rescan": absolute; "release", "discard": below the mapping */
    int64_t timeout_s;             /* "wait": -1: for ever */

    /* "why", "repair": see agent/service/repair.h. */
    char key[REQUEST_KEY_SIZE];
    char what[REQUEST_CMD_SIZE];
    char etag[REQUEST_ETAG_SIZE];
    uint64_t size;
    uint32_t mode, uid, gid;
    int64_t mtime_ns;
};

/* request_parse(line, ret): read a line, without its end. `cmd` must be there, each member at most
 * once, no other members; a string may not hold NUL bytes. False where it is no such request, or
 * without memory. */
bool request_parse(struct span line, struct request *ret) __attribute__((warn_unused_result));

#endif
