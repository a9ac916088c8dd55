/*
 * The tables of settings: what may stand where, of which type, with which default. Pure.
 *
 * Reading, the words for an unknown name, and conf_print all go by these tables; nothing else knows
 * a setting's name, but the checks that hold one setting against another.
 */
#ifndef LOCKSTEP_CONF_SETTING_H
#define LOCKSTEP_CONF_SETTING_H

#include "conf/conf.h"

enum setting_kind {
    SETTING_TEXT,     /* char *: a string, made normal by `normal` */
    SETTING_COUNT,    /* uint64_t: an integer */
    SETTING_COUNT_32, /* unsigned: an integer */
    SETTING_MS,       /* int64_t: an integer of milliseconds */
    SETTING_RESCAN,   /* int64_t: a duration ("15m"), "off" (0), or where it is the default, "auto"
                         (-1) */
    SETTING_SIZE,     /* uint64_t: bytes as an integer or "16M" */
    SETTING_PRICE,    /* int64_t: a decimal number in billionths, as a number or in quotes */
    SETTING_FLAG,     /* bool: true or false */
    SETTING_CHOICE,   /* an enum: one of `words`, in the enum's order */
    SETTING_PATTERNS, /* char **: a list of strings, each made normal by `normal` */
    SETTING_PAIRS,    /* struct conf_pairs: names and their strings, each made normal by `normal` */
    SETTING_REFERENCE, /* size_t: the name of a repository */
    SETTING_GROUP,     /* a group with a table of its own */
    SETTING_LIST       /* a list of such groups */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset; /* of the field in the group's struct */
    bool required;
    const char
        *fallback; /* the default as one would write it; NULL: not set, or made from others */
    int64_t min;   /* numbers */
    int64_t max;
    const char *(*normal)(const char *text, char *out);      /* texts: value.h */
    const char *(*normal_name)(const char *text, char *out); /* of pairs */
    const char *const *words;                                /* choices; ends with NULL */
    const char *right; /* what would be right, after a fault */
    const char *help;  /* what it is for, one clause */
};

struct setting_table {
    const struct setting *items;
    size_t count;
};

extern const struct setting_table setting_top;          /* struct conf */
extern const struct setting_table setting_s3;           /* struct conf_s3 */
extern const struct setting_table setting_prices;       /* struct conf_prices */
extern const struct setting_table setting_journal;      /* struct conf_journal */
extern const struct setting_table setting_lock;         /* struct conf_lock */
extern const struct setting_table setting_metrics;      /* struct conf_metrics */
extern const struct setting_table setting_limits;       /* struct conf_limits */
extern const struct setting_table setting_timetable;    /* struct conf_hours */
extern const struct setting_table setting_repositories; /* struct conf_mapping */
extern const struct setting_table setting_lists;        /* struct conf_mapping */
extern const struct setting_table setting_objects;      /* struct conf_object */
extern const struct setting_table setting_encryption;   /* struct conf_encryption */
extern const struct setting_table setting_policies;     /* struct conf_policy */

/* setting_find(t, name): NULL where the table has none of that name. */
const struct setting *setting_find(const struct setting_table *t, const char *name);

/* setting_nearest(t, name): the setting whose name is nearest, NULL if none is near. */
const struct setting *setting_nearest(const struct setting_table *t, const char *name);

/* setting_home(name): the group that a setting of this name stands in ("s3"), for one that stands
 * elsewhere; NULL if there is none. */
const char *setting_home(const char *name);

#endif
