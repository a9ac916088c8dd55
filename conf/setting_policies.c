/* The table of what becomes of rows. Pure. */
#include "conf/setting.h"
#include "conf/value.h"

_Static_assert(sizeof(enum conf_on_remove) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum conf_on_rename) == sizeof(unsigned), "choices are stored as unsigned");

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

static const char *const on_remove[] = {"drop", "keep", "hold", NULL}; /* enum conf_on_remove */
static const char *const on_rename[] = {"follow", "drop", NULL};       /* enum conf_on_rename */

static const struct setting policies[] = {
    {.name = "match",
     .kind = SETTING_PATTERNS,
     .offset = offsetof(struct conf_policy, match),
     .max = 256,
     .normal = value_pattern,
     .right = "a list of at most 256 patterns: ( \"val.lst\", \"golden/**\" )",
     .help = "which lists, by their paths; none: all"},
    {.name = "mapping",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_policy, mapping),
     .normal = value_name,
     .right = "the name of one of the lists mappings",
     .help = "of which mapping; default: of all"},
    {.name = "on_remove",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_policy, on_remove),
     .fallback = "drop",
     .words = on_remove,
     .right = "\"drop\", \"keep\" or \"hold\"",
     .help = "an image is removed: its rows go, stay, or wait for an operator"},
    {.name = "on_rename",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct conf_policy, on_rename),
     .fallback = "follow",
     .words = on_rename,
     .right = "\"follow\" or \"drop\"",
     .help = "an image is renamed: its rows name the new path, or go"},
    {.name = "reindex",
     .kind = SETTING_FLAG,
     .offset = offsetof(struct conf_policy, reindex),
     .fallback = "false",
     .right = "true or false",
     .help = "where rows went, the others are numbered anew from 0"},
    {.name = "label_from_directory",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct conf_policy, label_from_directory),
     .normal = value_tree,
     .right = "the absolute path of a class map: lines of number, TAB, directory",
     .help = "an image comes to another directory: its rows get that one's class"},
};

const struct setting_table setting_policies = {policies, COUNT_OF(policies)};
