/*
 * A changed configuration with which the agent begins anew, in the same process: what is open of
 * trees that leave it goes to S3 first, then all ends in order and is begun again by the usual
 * recovery. What cannot be begun with gives way to the old configuration.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_TAKEOVER_H
#define LOCKSTEP_AGENT_SERVICE_TAKEOVER_H

#include "base/buf.h"
#include "base/json.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TAKEOVER_DRAIN_MS 600000 /* what leaves has so long to become S3's */

struct agent;

struct takeover {
    struct conf *conf; /* to begin anew with, owned; NULL: nothing is to be taken over */
    int64_t asked_ms;  /* monotonic; what was open by then is waited for */
    int64_t look_ms;   /* the next walk over what is open */
    int client;        /* who is answered when it is done, a descriptor; 0: nobody */
    bool ending;       /* all is ended for it */
    bool begins;       /* this life of the agent began with one */
};

/* What goes on from one life of the agent to the next. Zeroed to begin, takeover_release at the
 * end.
 */
struct takeover_legacy {
    struct conf *conf; /* of the two configurations the one that is not in force; NULL: no other */
    bool next;         /* it is to be the next one; else the life may fail to begin without it */
    char *refusal;     /* it is the changed one, and why it could not be begun with; else NULL */
    int client;        /* as in struct takeover */
    int64_t paused_us; /* as in struct agent */
    uid_t paused_uid;
};
void takeover_release(struct takeover_legacy *legacy);

/* takeover_want(a, fresh, client): begin anew with this configuration, which is a's from now on, as
 * soon as it may be; a client (a descriptor that stays the caller's; negative: nobody) is told
 * then, and one that waited already, that it was overtaken. fresh NULL: nothing is wanted any more.
 */
void takeover_want(struct agent *a, struct conf *fresh, int client);

/* takeover_turn(a): is it time? Then all is ended. takeover_deadline(a): when to look again,
 * monotonic milliseconds; INT64_MAX: never. */
void takeover_turn(struct agent *a);
int64_t takeover_deadline(const struct agent *a);

/* takeover_drop(a, why): nothing is to be begun anew; who waits for it is told why. */
void takeover_drop(struct agent *a, const char *why);

/* takeover_leave(a, legacy): the loop has ended. True: there is to be another life, with the
 * changed configuration. takeover_keep(a, legacy): what every next life goes on with. */
bool takeover_leave(struct agent *a, struct takeover_legacy *legacy);
void takeover_keep(const struct agent *a, struct takeover_legacy *legacy);

/* takeover_exchange(legacy, now): no agent lives: *now is what the next one is begun with. */
void takeover_exchange(struct takeover_legacy *legacy, struct conf *now);

/* takeover_inherit(a, legacy): the next life, before it begins. takeover_done(legacy): it has. */
void takeover_inherit(struct agent *a, const struct takeover_legacy *legacy);
void takeover_done(struct takeover_legacy *legacy);

/* takeover_back(legacy, e): it could not be begun, for this reason. True: there is to be another
 * life, with the configuration that was in force before. */
bool takeover_back(struct takeover_legacy *legacy, const struct err *e);

/* What status tells of one that is to come. */
void takeover_json(struct json_writer *w, const struct agent *a);
int takeover_text(struct buf *out, const struct agent *a) __attribute__((warn_unused_result));

#endif
