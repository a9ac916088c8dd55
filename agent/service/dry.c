/* Shell. `plan`: the changes are said instead of made. */
#include "agent/service/agent.h"

#include "base/json.h"
#include "base/visible.h"

#include <inttypes.h>

#define DRY_LINE_MAX (64 * 1024)

/* One line of the plan for a person. */
static void dry_say_text(struct agent *a, const char *what, const char *path, const char *path2,
                         uint64_t number, const char *unit)
{
    struct buf line;
    int rc;

    buf_init(&line, DRY_LINE_MAX);
    rc = buf_appendf(&line, "%-8s ", what);
    if (rc == 0)
        rc = visible_append(&line, path);
    if (rc == 0 && path2)
        rc = buf_append_str(&line, " -> ");
    if (rc == 0 && path2)
        rc = visible_append(&line, path2);
    if (rc == 0 && unit)
        rc = buf_appendf(&line, "  (%" PRIu64 " %s)", number, unit);
    if (rc == 0)
        fprintf(a->options.out, "%s\n", line.data);
    buf_release(&line);
}

/* One line of the plan: as text or as JSON. `detail` may be NULL. */
static void dry_say(struct agent *a, const char *what, const char *path, const char *path2,
                    uint64_t number, const char *unit)
{
    struct buf line;
    struct json_writer w;

    if (!a->options.json) {
        dry_say_text(a, what, path, path2, number, unit);
        return;
    }
    buf_init(&line, DRY_LINE_MAX);
    json_begin(&w, &line);
    json_object(&w, NULL);
    json_put_string(&w, "change", what);
    json_put_string(&w, "path", path);
    if (path2)
        json_put_string(&w, "to", path2);
    if (unit)
        json_put_int(&w, unit, (int64_t)number);
    json_object_end(&w);
    if (json_end(&w) == 0)
        fprintf(a->options.out, "%s\n", line.data);
    buf_release(&line);
}

/* Count the requests of a transfer. */
static void dry_count(struct agent *a, enum transfer_kind kind, uint64_t size)
{
    struct uploaders_options opt;

    service_uploaders_options(a->conf, &opt);
    s3_requests_add(&opt, kind, size, &a->totals.requests);
}

/* The manifests of a list that would be put, which go after it; of about its size. */
static void dry_manifests(struct agent *a, const struct mapping *m, const char *path, uint64_t size)
{
    unsigned count = (m->conf->manifest != NULL) + (m->conf->augmented_manifest != NULL);

    for (; count && lst_is_list(path); count--) {
        a->totals.puts++;
        a->totals.bytes += size;
        dry_count(a, TRANSFER_PUT, size);
    }
}

/* A file that would be put. */
static void dry_put(struct agent *a, const struct item *it)
{
    a->totals.puts++;
    a->totals.bytes += it->seen.size;
    dry_count(a, TRANSFER_PUT, it->seen.size);
    dry_manifests(a, &a->mappings[it->mapping], it->path, it->seen.size);
}

void dry_change(struct agent *a, struct item *it)
{
    struct agent_totals *t = &a->totals;

    switch (it->change) {
    case CHANGE_ADD:
        t->adds++;
        dry_put(a, it);
        dry_say(a, "add", it->key, NULL, it->seen.size, "bytes");
        break;
    case CHANGE_EDIT:
        t->edits++;
        dry_put(a, it);
        dry_say(a, "edit", it->key, NULL, it->seen.size, "bytes");
        break;
    case CHANGE_META:
        t->metas++;
        t->copies++;
        dry_count(a, TRANSFER_META, it->seen.size);
        dry_say(a, "meta", it->key, NULL, 0, NULL);
        break;
    case CHANGE_RENAME:
        t->copies += it->copy;
        t->deletes += agent_mapping(a, it)->conf->deletes != CONF_DELETES_KEEP;
        if (it->copy)
            dry_count(a, TRANSFER_COPY, it->seen.size);
        else
            dry_put(a, it);
        dry_say(a, it->copy ? "rename" : "rename+", it->peer->key, it->key, 0, NULL);
        break;
    case CHANGE_NONE:
    case CHANGE_REMOVE:
        break;
    }
}

void dry_removals(struct agent *a, struct mapping *m, const struct item_queue *gone)
{
    static const char *const words[] = {[CONF_DELETES_REMOVE] = "remove",
                                        [CONF_DELETES_TRASH] = "trash",
                                        [CONF_DELETES_KEEP] = "keep"};
    struct index_entry e;

    for (const struct item *it = gone->first; it; it = it->next) {
        if (it->mapping != m->id || it->state != ITEM_LISTING)
            continue;
        a->totals.removes++;
        a->totals.deletes += m->conf->deletes != CONF_DELETES_KEEP;
        if (m->conf->deletes == CONF_DELETES_TRASH && index_get(a->index, it->key, &e) == 0) {
            a->totals.copies++;
            dry_count(a, TRANSFER_COPY, e.known.size);
        }
        dry_say(a, words[m->conf->deletes], it->key, NULL, 0, NULL);
    }
}

void dry_held(struct agent *a, const struct mapping *m, uint64_t count)
{
    a->totals.failures++;
    dry_say(a, "hold", m->conf->name, m->hold_why, count, "removals");
}

/* A list that would be put once it is rewritten; as large as it is now, give or take a few names.
 */
static void dry_list_put(struct agent *a, const struct pass_list *list)
{
    struct file_stat st;

    if (tree_stat(a->root_fds[list->mapping], list->path, &st) || st.kind != FILE_REGULAR)
        return;
    a->totals.puts++;
    a->totals.bytes += st.size;
    dry_count(a, TRANSFER_PUT, st.size);
    dry_manifests(a, &a->mappings[list->mapping], list->path, st.size);
}

void dry_lists(struct agent *a, struct job *job)
{
    for (size_t i = 0; i < job->list_count; i++) {
        const struct pass_list *list = &job->lists[i];
        char key[AGENT_KEY_SIZE];

        if (!list->changed || !agent_key(a, list->mapping, list->path, key))
            continue;
        a->totals.lists_rewritten++;
        a->totals.rows_changed += list->rows;
        dry_list_put(a, list);
        dry_say(a, "rewrite", key, NULL, list->rows, "rows");
    }
}

bool dry_found(const struct agent_totals *t)
{
    return t->adds || t->edits || t->metas || t->renames || t->removes || t->lists_rewritten ||
           t->failures;
}
