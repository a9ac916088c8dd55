/*
 * Waiting for lists and what they name, for other commands. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_WAIT_H
#define LOCKSTEP_AGENT_COMMANDS_WAIT_H

#include "base/err.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>

#define WAIT_TIMEOUT_S_MAX INT64_C(31622400)

/* wait_seconds(text, ret): the value of --timeout, at most a year. */
bool wait_seconds(const char *text, int64_t *ret);

/* wait_for_list(conf, list, end_ms, e): until the running agent has brought the list to S3, its
 * manifests where it is to have some, and every image that it names, as they are on disk now;
 * end_ms: monotonic, INT64_MAX: none. An exit status; EXIT_DIFFERENCES: not by then, which was
 * said. With e: the list is none of the configuration's (EXIT_USAGE), or the agent does not answer
 * (EXIT_UNREACHED; e->code is -ECONNREFUSED or -ENOENT where none runs). */
int wait_for_list(struct conf *conf, const char *list, int64_t end_ms, struct err *e);

#endif
