/*
 * What may be asked of the running agent, from one line of flat JSON. Pure.
 *
 *   {"cmd":"status","json":true}      {"cmd":"release","mapping":"images"}
 *
 * The line comes from whoever may open the socket.
 */
#ifndef LOCKSTEP_AGENT_CORE_REQUEST_H
#define LOCKSTEP_AGENT_CORE_REQUEST_H

#include "base/buf.h"
#include "conf/conf.h"

#include <stdbool.h>

#define REQUEST_BYTES_MAX 65536 /* of the line */
#define REQUEST_CMD_SIZE  32

struct request {
    char cmd[REQUEST_CMD_SIZE];
    char mapping[CONF_NAME_MAX + 1]; /* "": all */
    bool json;                       /* the answer's form */
};

/* request_parse(line, ret): read a line, without its end. `cmd` must be there, each member at most
 * once, no other members; a string may not hold NUL bytes. False where it is no such request, or
 * without memory. */
bool request_parse(struct span line, struct request *ret) __attribute__((warn_unused_result));

#endif
