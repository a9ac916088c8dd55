/* A configuration that changed while an agent runs with it. Shell: prints into memory. */
#include "conf/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char restart_right[] = "put it back, or restart the agent: systemctl restart lockstep";

/* What a running agent can take over, borrowed. */
static void copy_live(struct conf *to, const struct conf *from)
{
    to->log_level = from->log_level;
    to->limits = from->limits;
    to->timetable = from->timetable;
    to->timetable_count = from->timetable_count;
    to->prices = from->prices;
    for (size_t i = 0; i < to->mapping_count && i < from->mapping_count; i++) {
        to->mappings[i].settle_ms = from->mappings[i].settle_ms;
        to->mappings[i].max_removals = from->mappings[i].max_removals;
        to->mappings[i].max_removal_percent = from->mappings[i].max_removal_percent;
        to->mappings[i].max_removals_hourly = from->mappings[i].max_removals_hourly;
    }
}

/* The same for good: `fresh` gets in exchange what is to be freed. */
static void take_live(struct conf *now, struct conf *fresh)
{
    const struct conf was = *now;
    copy_live(now, fresh);
    fresh->timetable = was.timetable;
    fresh->timetable_count = was.timetable_count;
    fresh->prices = was.prices;
}

/* The trees as the running agent resolved them, where the file still names them alike. */
static int keep_paths(struct conf *fresh, const struct conf *now)
{
    for (size_t i = 0; i < fresh->mapping_count && i < now->mapping_count; i++) {
        struct conf_mapping *m = &fresh->mappings[i];
        const struct conf_mapping *n = &now->mappings[i];
        char *path;
        if (n->given == NULL || strcmp(m->path, n->given) != 0)
            continue;
        path = strdup(n->path);
        if (path == NULL)
            return -ENOMEM;
        free(m->given);
        m->given = m->path;
        m->path = path;
    }
    return 0;
}

/* All settings as text, malloc; NULL without memory. */
static char *print(const struct conf *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    if (out == NULL)
        return NULL;
    conf_print(c, out);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* One fault for each line that differs: the texts have as many. */
static void compare_lines(struct fault_list *l, char *now, char *fresh)
{
    char *at_now, *at_fresh;
    char *a = strtok_r(now, "\n", &at_now);
    char *b = strtok_r(fresh, "\n", &at_fresh);
    while (a != NULL && b != NULL) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        if (strcmp(a, b) != 0)
            fault_add(l, 0, "", restart_right, "needs a restart: %s (it is: %s)", b, a);
        a = strtok_r(NULL, "\n", &at_now);
        b = strtok_r(NULL, "\n", &at_fresh);
    }
}

/* What differs, but for what can be taken over. */
static void compare(struct fault_list *l, const struct conf *now, const struct conf *fresh)
{
    struct conf masked = *fresh;
    char *a = print(now);
    char *b = NULL;
    masked.mappings = calloc(fresh->mapping_count + 1, sizeof(*masked.mappings));
    if (masked.mappings != NULL) {
        for (size_t i = 0; i < fresh->mapping_count; i++)
            masked.mappings[i] = fresh->mappings[i];
        copy_live(&masked, now);
        b = print(&masked);
    }
    if (a == NULL || b == NULL)
        l->no_memory = true;
    else if (now->mapping_count != fresh->mapping_count || count_lines(a) != count_lines(b))
        fault_add(l, 0, "", restart_right,
                  "needs a restart: mappings, rules of objects or single settings were added or "
                  "taken out");
    else
        compare_lines(l, a, b);
    free(masked.mappings);
    free(a);
    free(b);
}

int conf_reload(struct conf *now, struct conf_faults *faults)
{
    struct conf *fresh = NULL;
    struct fault_list l;
    int rc = conf_load_apart(now->file, &fresh, faults);
    if (rc != 0)
        return rc;
    rc = keep_paths(fresh, now);
    if (rc == 0) {
        fault_list_init(&l, now->file);
        compare(&l, now, fresh);
        rc = fault_list_give(&l, faults);
    }
    if (rc == 0)
        take_live(now, fresh);
    conf_free(fresh);
    return rc;
}
