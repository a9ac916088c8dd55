/*
 * What the configuration wants of lists beyond following their images: as the lists room takes it,
 * and how many rows name what is not there because of it. Shell.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_POLICIES_H
#define LOCKSTEP_AGENT_SERVICE_POLICIES_H

#include "base/err.h"
#include "conf/conf.h"
#include "lists/lists.h"

/* Class maps that were read, each once. Zeroed to begin. */
struct class_maps {
    struct {
        const char *file; /* the configuration's */
        struct lst_class_map *map;
    } items[CONF_POLICIES_MAX];
    size_t count;
};
void class_maps_release(struct class_maps *maps);

/* policies_lst(p, maps, ret, e): the rule (NULL: none) in the words of lists; it lives as long as
 * the maps. 0, or a negative code where the class map cannot be read or is none. */
int policies_lst(const struct conf_policy *p, struct class_maps *maps, struct lst_policy *ret,
                 struct err *e) __attribute__((warn_unused_result));

/* policies_check(conf, e): every class map that the configuration names can be read. */
int policies_check(const struct conf *conf, struct err *e) __attribute__((warn_unused_result));

#endif
