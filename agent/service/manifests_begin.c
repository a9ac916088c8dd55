/* Shell. Manifests at the beginning of a run, and after a verification: which lists are to be
 * looked at. See manifests.c for their way. */
#include "agent/service/agent.h"
#include "agent/service/manifest_notes.h"

#include "base/replace.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool manifests_mend(struct agent *a, const struct mapping *m, const char *key)
{
    char list[PATH_BYTES_MAX + 1], list_key[AGENT_KEY_SIZE];
    enum manifest_kind kind;

    if (!manifest_list(m->conf, key + m->prefix_len, list, sizeof list, &kind) ||
        !agent_key(a, m->id, list, list_key))
        return false;
    if (manifest_note_doubt(a->index, list_key, kind))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
    intake_touch_key(a, m->id, list_key, JOURNAL_SRC_OPERATOR, m->conf->settle_ms);
    return true;
}

/* Mark one of a list's manifests. */
static int mark(struct agent *a, const struct mapping *m, const char *list, enum manifest_kind kind,
                const struct manifest_noted *as)
{
    struct manifest_note note;
    char key[AGENT_KEY_SIZE];
    int rc;

    if (!agent_key(a, m->id, list, key))
        return 0;
    rc = manifest_note_get(a->index, key, &note);
    if (rc)
        return rc == -ENAMETOOLONG ? 0 : rc;
    note.kinds[kind] = *as;
    (void)snprintf(note.kinds[kind].suffix, sizeof note.kinds[kind].suffix, "%s",
                   manifest_suffix(m->conf, kind)); /* fits */
    return manifest_note_put(a->index, &note);
}

bool manifests_recover(struct agent *a, const struct mapping *m, const struct journal_record *rec,
                       int *ret_rc)
{
    struct manifest_noted as = {.standing = MANIFEST_THERE, .size = rec->size};
    char list[PATH_BYTES_MAX + 1];
    enum manifest_kind kind;

    if (!rec->path || !manifest_list(m->conf, rec->path, list, sizeof list, &kind))
        return false;
    *ret_rc = 0;
    if (rec->op == JOURNAL_DELETE)
        as = (struct manifest_noted){.standing = MANIFEST_NONE};
    else if (rec->op == JOURNAL_PUT)
        (void)snprintf(as.etag, sizeof as.etag, "%s", rec->etag ? rec->etag : ""); /* or is cut */
    else
        return true;
    *ret_rc = mark(a, m, list, kind, &as);
    return true;
}

bool manifests_interrupted(struct agent *a, const struct mapping *m, const char *path, bool leaving,
                           int *ret_rc)
{
    struct manifest_noted as = {.standing = MANIFEST_MAYBE};
    char list[PATH_BYTES_MAX + 1];
    enum manifest_kind kind;

    if (!path || !manifest_list(m->conf, path, list, sizeof list, &kind))
        return false;
    /* After a deletion the object is gone, or what the note says. */
    *ret_rc = leaving ? 0 : mark(a, m, list, kind, &as);
    return true;
}

/* Lists to be looked at. */
struct lists_due {
    struct agent *agent;
    struct mapping *mapping;
    struct map *keys;
};

/* index_fn: a list in S3 whose manifests are not as they should be. */
static int gather_list(void *arg, const char *key, const struct known *known)
{
    struct lists_due *d = arg;
    const char *path = key + d->mapping->prefix_len;
    struct manifest_note note;
    uint8_t of[SHA256_BYTES];
    struct manifest_work work;
    int rc;

    if (!lst_is_list(path) || !manifest_list_stands(known) ||
        watch_filter_excludes(&d->mapping->filter, path))
        return 0;
    rc = manifest_note_get(d->agent->index, key, &note);
    if (rc)
        return rc;
    manifest_made_of(d->mapping->manifests_of, known, of);
    for (int k = 0; k < MANIFEST_KINDS; k++)
        if (note.kinds[k].standing == MANIFEST_REFUSED)
            d->mapping->unmanifested++;
    return manifest_work(d->mapping->conf, &note, of, &work) ? map_put_str(d->keys, key, d, NULL)
                                                             : 0;
}

/* manifest_notes_each's callback: manifests of a list that S3 does not have. */
static int gather_note(void *arg, const struct manifest_note *note)
{
    struct lists_due *d = arg;
    struct index_entry e;
    struct manifest_work work;

    if (strncmp(note->list, d->mapping->conf->prefix, d->mapping->prefix_len) != 0)
        return 0;
    d->mapping->manifests = true;
    if (index_get(d->agent->index, note->list, &e) != -ENOENT ||
        !manifest_work(d->mapping->conf, note, NULL, &work))
        return 0;
    return map_put_str(d->keys, note->list, d, NULL);
}

/* One mapping's. */
static int begin_mapping(struct agent *a, struct mapping *m)
{
    struct lists_due d = {.agent = a, .mapping = m, .keys = map_new()};
    char key[AGENT_KEY_SIZE];
    const void *at_key;
    size_t n;
    int rc = d.keys ? 0 : -ENOMEM;

    m->manifests = m->conf->manifest || m->conf->augmented_manifest;
    if (rc == 0)
        rc = manifest_notes_each(a->index, gather_note, &d);
    if (rc == 0 && m->manifests)
        rc = index_each_under(a->index, m->conf->prefix, NULL, gather_list, &d);
    for (size_t at = 0; rc == 0 && map_next(d.keys, &at, &at_key, &n, NULL);) {
        (void)snprintf(key, sizeof key, "%.*s", (int)n, (const char *)at_key); /* fits: of S3 */
        intake_touch_key(a, m->id, key, JOURNAL_SRC_SELF, 0);
    }
    map_free(d.keys);
    return rc;
}

/* The directory of their files. What a crash left in it is in the way of nothing, and the next
 * manifest of its list takes its place. */
static int open_directory(struct agent *a)
{
    char dir[PATH_BYTES_MAX + 1];
    int rc = path_join(dir, sizeof dir, a->conf->state_dir, "manifests");

    if (rc == 0 && mkdir(dir, 0700) && errno != EEXIST)
        rc = -errno;
    if (rc == 0) {
        a->manifests_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = a->manifests_fd < 0 ? -errno : replace_sweep(a->manifests_fd);
    }
    return rc;
}

int manifests_begin(struct agent *a)
{
    int rc = open_directory(a);

    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        if (a->mappings[i].conf->kind != CONF_LISTS)
            continue;
        rc = manifest_base(a->conf, a->mappings[i].conf, a->mappings[i].manifests_of);
        if (rc == 0)
            rc = begin_mapping(a, &a->mappings[i]);
    }
    return rc;
}
