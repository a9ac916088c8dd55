/* Shell. Verification of manifests. See check_manifests.h. */
#include "agent/service/check_manifests.h"

#include "base/path.h"
#include "lists/lists.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE (PATH_BYTES_MAX + S3_KEY_MAX + 1)

int check_manifests_begin(struct check_manifests *c, const struct conf *conf, unsigned mapping,
                          struct index *index, check_manifests_fn *found, void *arg)
{
    const struct conf_mapping *m = &conf->mappings[mapping];

    *c = (struct check_manifests){.mapping = m, .index = index, .found = found, .arg = arg};
    if (!m->manifest && !m->augmented_manifest)
        return 0;
    c->seen = map_new();
    c->doubts = map_new();
    return c->seen && c->doubts ? manifest_base(conf, m, c->base) : -ENOMEM;
}

void check_manifests_end(struct check_manifests *c)
{
    map_free(c->seen);
    map_free(c->doubts);
    c->seen = c->doubts = NULL;
}

/* Tell of a difference. 0 or -ENOMEM. */
static int tell(struct check_manifests *c, const char *key, enum differ_kind kind,
                const char *cause)
{
    struct differ d = {.kind = kind, .repair = kind == DIFFER_LIST ? REPAIR_NONE : REPAIR_PUT};

    (void)snprintf(d.cause, sizeof d.cause, "%s", cause); /* fits */
    return c->found(c->arg, key, &d) ? map_put_str(c->doubts, key, c, NULL) : 0;
}

/* A manifest's object against its note. *ret_ours: a list of ours has put one there. */
static int judge(struct check_manifests *c, const struct merged *m, const struct manifest_noted *n,
                 bool *ret_ours)
{
    *ret_ours = n->standing == MANIFEST_MAYBE || n->standing == MANIFEST_THERE;
    if (n->standing == MANIFEST_MAYBE)
        return tell(c, m->key, DIFFER_CONTENT,
                    "a request for this manifest had no answer; it is put again");
    if (n->standing == MANIFEST_THERE &&
        (n->size != m->object->size || strcmp(n->etag, m->object->etag) != 0))
        return tell(c, m->key, DIFFER_CONTENT,
                    "the manifest is another object than was put: others have written it");
    return 0;
}

bool check_manifests_key(struct check_manifests *c, const struct merged *m, int *ret_rc)
{
    char path[PATH_BYTES_MAX + 1], list[KEY_SIZE];
    struct manifest_note note;
    enum manifest_kind kind;
    bool ours = true;
    int rc;

    if (!c->seen || !m->object || m->on_disk || m->known ||
        !manifest_list(c->mapping, m->path, path, sizeof path, &kind) ||
        snprintf(list, sizeof list, "%s%s", c->mapping->prefix, path) >= (int)sizeof list)
        return false;
    rc = map_put_str(c->seen, m->key, c, NULL);
    if (rc == 0)
        rc = manifest_note_get(c->index, list, &note);
    if (rc == 0)
        rc = judge(c, m, &note.kinds[kind], &ours);
    *ret_rc = rc;
    return rc || ours;
}

/* One manifest of a list that is in S3. */
static int look(struct check_manifests *c, const char *list, const struct manifest_note *note,
                enum manifest_kind kind, const uint8_t of[SHA256_BYTES])
{
    const char *suffix = manifest_suffix(c->mapping, kind);
    const struct manifest_noted *n = &note->kinds[kind];
    char key[KEY_SIZE];

    if (!suffix || !manifest_name(list, suffix, key, sizeof key))
        return 0;
    if (n->standing == MANIFEST_REFUSED && manifest_is_current(n, suffix, of))
        return tell(c, list, DIFFER_LIST,
                    "it has no manifest: a row cannot be in one (lockstep manifest tells which)");
    if (!map_get_str(c->seen, key))
        return tell(c, key, DIFFER_MISSING,
                    n->standing == MANIFEST_THERE
                        ? "the manifest was put, and others have removed it"
                        : "the manifest was not put yet");
    if (n->standing == MANIFEST_THERE && !manifest_is_current(n, suffix, of))
        return tell(c, key, DIFFER_CONTENT,
                    "the manifest is of the list as it was before; a new one was not put yet");
    return 0;
}

/* index_fn */
static int look_at_list(void *arg, const char *key, const struct known *known)
{
    struct check_manifests *c = arg;
    const char *path = key + strlen(c->mapping->prefix);
    struct watch_filter filter = {.patterns = (const char *const *)c->mapping->exclude,
                                  .without_defaults = !c->mapping->default_exclude};
    struct manifest_note note;
    uint8_t of[SHA256_BYTES];
    int rc;

    if (!lst_is_list(path) || !manifest_list_stands(known) || watch_filter_excludes(&filter, path))
        return 0;
    rc = manifest_note_get(c->index, key, &note);
    if (rc)
        return rc;
    manifest_made_of(c->base, known, of);
    rc = look(c, key, &note, MANIFEST_PLAIN, of);
    return rc ? rc : look(c, key, &note, MANIFEST_AUGMENTED, of);
}

/* Note one as doubtful. */
static int doubt(const struct check_manifests *c, const char *key)
{
    char path[PATH_BYTES_MAX + 1], list[KEY_SIZE];
    enum manifest_kind kind;

    if (!manifest_list(c->mapping, key + strlen(c->mapping->prefix), path, sizeof path, &kind) ||
        snprintf(list, sizeof list, "%s%s", c->mapping->prefix, path) >= (int)sizeof list)
        return 0;
    return manifest_note_doubt(c->index, list, kind);
}

int check_manifests_missing(struct check_manifests *c)
{
    char key[KEY_SIZE];
    const void *of;
    size_t n;
    int rc;

    if (!c->seen)
        return 0;
    rc = index_each_under(c->index, c->mapping->prefix, NULL, look_at_list, c);
    for (size_t at = 0; rc == 0 && map_next(c->doubts, &at, &of, &n, NULL);) {
        (void)snprintf(key, sizeof key, "%.*s", (int)n, (const char *)of); /* fits: it was so */
        rc = doubt(c, key);
    }
    return rc;
}
