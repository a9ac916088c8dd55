/* Shell. Rules of the configuration in the words of lists. See policies.h. */
#include "agent/service/policies.h"

#include "lists/file.h"
#include "lists/make.h"

#include <inttypes.h>
#include <string.h>

void class_maps_release(struct class_maps *maps)
{
    for (size_t i = 0; i < maps->count; i++)
        lst_class_map_free(maps->items[i].map);
    maps->count = 0;
}

/* Read one. */
static int class_map_read(const char *path, struct lst_class_map **ret, struct err *e)
{
    struct lst_file file = {0};
    uint64_t line = 0;
    int rc = lst_file_read(path, &file, e);

    if (rc)
        return rc;
    rc = lst_class_map_parse(lst_file_text(&file), ret, &line);
    lst_file_release(&file);
    if (rc)
        return err_set(e, rc, path, "each line is a number, a TAB and a directory, no two alike",
                       "line %" PRIu64 " of the class map: %s", line, err_name(rc));
    return 0;
}

/* The class map in this file, read if it was not. */
static int class_maps_get(struct class_maps *maps, const char *file,
                          const struct lst_class_map **ret, struct err *e)
{
    size_t i = 0;
    int rc = 0;

    while (i < maps->count && strcmp(maps->items[i].file, file) != 0)
        i++;
    if (i == maps->count) {
        rc = class_map_read(file, &maps->items[i].map, e);
        if (rc)
            return rc;
        maps->items[i].file = file;
        maps->count++;
    }
    *ret = maps->items[i].map;
    return 0;
}

int policies_lst(const struct conf_policy *p, struct class_maps *maps, struct lst_policy *ret,
                 struct err *e)
{
    *ret = (struct lst_policy){0};
    if (!p)
        return 0;
    ret->keep_removed = p->on_remove == CONF_REMOVE_KEEP;
    ret->drop_renamed = p->on_rename == CONF_RENAME_DROP;
    ret->reindex = p->reindex;
    return p->label_from_directory ? class_maps_get(maps, p->label_from_directory, &ret->classes, e)
                                   : 0;
}

int policies_check(const struct conf *conf, struct err *e)
{
    struct class_maps maps = {.count = 0};
    struct lst_policy policy;
    int rc = 0;

    for (size_t i = 0; i < conf->policy_count && rc == 0; i++)
        rc = policies_lst(&conf->policies[i], &maps, &policy, e);
    class_maps_release(&maps);
    return rc;
}
