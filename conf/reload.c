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

/* Does anything differ but for what can be taken over at once? -ENOMEM. */
static int differs(const struct conf *now, const struct conf *fresh, bool *ret)
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
    if (a != NULL && b != NULL)
        *ret = strcmp(a, b) != 0;
    free(masked.mappings);
    free(a);
    free(b);
    return a != NULL && b != NULL ? 0 : -ENOMEM;
}

/* Where the agent is found, and its state: by these the commands know it while it runs. */
static void check_place(struct fault_list *l, const char *setting, const char *now,
                        const char *fresh)
{
    if (strcmp(now, fresh) != 0)
        fault_add(l, 0, "", restart_right, "needs a restart: %s = \"%s\" (it is: \"%s\")", setting,
                  fresh, now);
}

static int check_places(const struct conf *now, const struct conf *fresh,
                        struct conf_faults *faults)
{
    struct fault_list l;
    fault_list_init(&l, now->file);
    check_place(&l, "state_dir", now->state_dir, fresh->state_dir);
    check_place(&l, "journal_dir", now->journal_dir, fresh->journal_dir);
    check_place(&l, "socket", now->socket, fresh->socket);
    return fault_list_give(&l, faults);
}

/* What an agent can begin anew with; the file is read once more, now with a look at its trees. */
static int load_anew(const struct conf *now, struct conf **ret, struct conf_faults *faults)
{
    struct conf *fresh = NULL;
    int rc = conf_load(now->file, &fresh, faults);
    if (rc == 0)
        rc = check_places(now, fresh, faults);
    if (rc == 0)
        *ret = fresh;
    else
        conf_free(fresh);
    return rc;
}

/* The trees may not be looked at now. */
static int refuse_anew(const struct conf *now, struct conf_faults *faults)
{
    struct fault_list l;
    fault_list_init(&l, now->file);
    fault_add(&l, 0, "", "see lockstep status; then reload again, or put it back",
              "not while a tree does not answer: settings for which the agent begins anew");
    return fault_list_give(&l, faults);
}

int conf_reload(struct conf *now, struct conf **ret_anew, struct conf_faults *faults)
{
    struct conf *fresh = NULL;
    bool anew = false;
    int rc = conf_load_apart(now->file, &fresh, faults);
    if (ret_anew != NULL)
        *ret_anew = NULL;
    if (rc != 0)
        return rc;
    rc = keep_paths(fresh, now);
    if (rc == 0)
        rc = differs(now, fresh, &anew);
    if (rc == 0 && !anew)
        take_live(now, fresh);
    conf_free(fresh);
    if (rc != 0 || !anew)
        return rc;
    return ret_anew != NULL ? load_anew(now, ret_anew, faults) : refuse_anew(now, faults);
}

void conf_exchange(struct conf *a, struct conf *b)
{
    const struct conf was = *a;
    *a = *b;
    *b = was;
}
