/*
 * What a setting takes, and its field in the struct. Pure.
 */
#ifndef LOCKSTEP_CONF_FIELD_H
#define LOCKSTEP_CONF_FIELD_H

#include "conf/node.h"
#include "conf/setting.h"

/* setting_field(s, into): the field of the setting in its group's struct. */
void *setting_field(const struct setting *s, void *into);

/* setting_takes(s, kind): may a node of this kind be the setting's value? */
bool setting_takes(const struct setting *s, enum node_kind kind);

/* setting_number(s, text, ret): the number that a text stands for in this setting (a size, a
 * duration, a choice's place among the words, a default of the table). 0, ERR_SYNTAX, or ERR_LIMIT
 * where it is out of range. */
int setting_number(const struct setting *s, const char *text, int64_t *ret)
    __attribute__((warn_unused_result));

/* setting_store_number(s, into, v): into the field, in the field's own type. Kinds that hold no
 * number are left alone. */
void setting_store_number(const struct setting *s, void *into, int64_t v);

#endif
