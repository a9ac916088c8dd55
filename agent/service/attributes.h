/*
 * What the objects of each path carry, by the rules of the configuration. Shell: reads keys' files.
 *
 * All rules that match a path apply, in the order of the file: a later one's setting replaces an
 * earlier one's; metadata and tags add up name by name; encryption goes as a whole. Paths of which
 * the same rules hold share one set, which is made when it is first needed.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_ATTRIBUTES_H
#define LOCKSTEP_AGENT_SERVICE_ATTRIBUTES_H

#include "agent/core/plan.h"
#include "base/err.h"
#include "conf/conf.h"
#include "uploaders/attributes.h"

struct attributes;

/* attributes_new(conf, ret, e): borrow the configuration, read the keys of customers. 0 or a
 * negative code with e. attributes_free(x): wipes them; what attributes_of gave is gone. */
int attributes_new(const struct conf *conf, struct attributes **ret, struct err *e)
    __attribute__((warn_unused_result));
void attributes_free(struct attributes *x);

/* attributes_of(x, mapping, path, ret): what objects of this path are to carry; lives as long as x.
 * *ret is NULL where no rule matches. 0 or -ENOMEM. One thread. */
int attributes_of(struct attributes *x, unsigned mapping, const char *path,
                  const struct s3_attributes **ret) __attribute__((warn_unused_result));

/* attributes_of_rules(x): a number of all rules together; another one where a rule is. */
uint64_t attributes_of_rules(const struct attributes *x);

/* attributes_mark(known), attributes_note(known, mark): the mark of what the object is known to
 * carry (S3_MARK_FOREIGN: that is not known), in its flags. */
uint32_t attributes_mark(const struct known *known);
void attributes_note(struct known *known, uint32_t mark);

#endif
