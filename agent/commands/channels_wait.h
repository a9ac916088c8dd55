/*
 * Waiting until all that a training job is told of is in S3. Shell.
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_CHANNELS_WAIT_H
#define LOCKSTEP_AGENT_COMMANDS_CHANNELS_WAIT_H

#include <stdint.h>

/* What is to be there for one set of images. */
struct channels_need {
    const char *list; /* it, and every image that it names; NULL: neither */
    const char *uri;  /* this object; NULL: none */
};

/* channels_wait(conf_file, needs, n, end_ms): until all of it is in S3, the lists as they are on
 * disk. A running agent is asked for lists; where none runs S3 is looked at, again and again.
 * conf_file NULL: the default one. end_ms: monotonic, INT64_MAX: none. An exit status, with all
 * said: EXIT_DIFFERENCES where the time was up. */
int channels_wait(const char *conf_file, const struct channels_need *needs, unsigned n,
                  int64_t end_ms);

#endif
