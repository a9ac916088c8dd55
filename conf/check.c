/* Values held against each other. Pure. */
#include "base/path.h"
#include "conf/reading.h"
#include "conf/setting.h"

#include <string.h>

/* A fault of one mapping's setting. */
#define MAPPING_FAULT(r, i, name, right, ...)                                                      \
    do {                                                                                           \
        char label_[READING_LABEL_MAX];                                                            \
        fault_add(&(r)->faults, reading_line((r), (i), (name)),                                    \
                  reading_label((r), (i), (name), label_), (right), __VA_ARGS__);                  \
    } while (0)

/* Names of mappings are unique, over both kinds: the journal knows a mapping by its name. */
static void check_names(struct reading *r, size_t i, size_t j)
{
    const struct conf_mapping *a = &r->conf->mappings[i];
    const struct conf_mapping *b = &r->conf->mappings[j];
    if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0)
        MAPPING_FAULT(r, i, "name", "give each mapping a name of its own",
                      "\"%s\" is already the name of the mapping in line %d", a->name,
                      reading_line(r, j, "name"));
}

/* No tree lies in another: a file would belong to two mappings. */
static void check_trees(struct reading *r, size_t i, size_t j)
{
    const char *a = r->conf->mappings[i].path;
    const char *b = r->conf->mappings[j].path;
    if (a == NULL || b == NULL || !(path_is_within(a, b) || path_is_within(b, a)))
        return;
    const char *how = strcmp(a, b) == 0      ? "is the same directory as"
                      : path_is_within(a, b) ? "lies within"
                                             : "holds";
    MAPPING_FAULT(r, i, "path", "trees must not overlap", "%s %s %s (line %d)", a, how, b,
                  reading_line(r, j, "path"));
}

/* One of them begins the other: keys would belong to both. */
static bool overlap(const char *a, const char *b)
{
    size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);
    return memcmp(a, b, n) == 0;
}

/* No prefix begins another: a key would belong to two mappings. */
static void check_prefixes(struct reading *r, size_t i, size_t j)
{
    const char *a = r->conf->mappings[i].prefix;
    const char *b = r->conf->mappings[j].prefix;
    if (a == NULL || b == NULL || !overlap(a, b))
        return;
    MAPPING_FAULT(r, i, "prefix", "prefixes must not overlap", "\"%s\" overlaps \"%s\" (line %d)",
                  a, b, reading_line(r, j, "prefix"));
}

/* The repository of a list mapping, looked up by name. */
static void check_reference(struct reading *r, size_t i)
{
    struct conf_mapping *m = &r->conf->mappings[i];
    const struct node *n = node_member(r->origins[i].node, "repository");
    if (m->kind != CONF_LISTS || n == NULL || node_kind(n) != NODE_STRING)
        return;
    bool named = false; /* is there any name to choose from? */
    for (size_t j = 0; j < r->conf->mapping_count; j++) {
        const struct conf_mapping *other = &r->conf->mappings[j];
        if (other->kind != CONF_REPOSITORY || other->name == NULL)
            continue;
        named = true;
        if (strcmp(other->name, node_string(n)) == 0) {
            m->repository = j;
            return;
        }
    }
    char value[80];
    if (named)
        MAPPING_FAULT(r, i, "repository", "expected the name of one of the repositories",
                      "%s is no repository of this file", node_describe(n, value, sizeof(value)));
}

/* What we write ourselves must not lie in a tree that we watch. */
static void check_own_path(struct reading *r, const char *path, const char *name)
{
    const struct node *root = source_root(r->source);
    bool derived = strcmp(name, "state_dir") != 0 && node_member(root, name) == NULL;
    if (path == NULL || derived) /* what is derived lies in state_dir: one fault says it */
        return;
    for (size_t i = 0; i < r->conf->mapping_count; i++) {
        const char *tree = r->conf->mappings[i].path;
        if (tree != NULL && path_is_within(path, tree))
            fault_add(&r->faults, reading_node_line(root, name), name,
                      "a path outside the watched trees", "%s lies within %s (line %d)", path, tree,
                      reading_line(r, i, "path"));
    }
}

/* Nor a file of ours that a group names (a key, figures): it would be uploaded. */
static void check_outside(struct reading *r, const char *group_name, const char *name,
                          const char *path)
{
    const struct node *group = node_member(source_root(r->source), group_name);
    char label[READING_LABEL_MAX];
    (void)snprintf(label, sizeof(label), "%s.%s", group_name, name); /* fits */
    for (size_t i = 0; path && group && path[0] == '/' && i < r->conf->mapping_count; i++) {
        const char *tree = r->conf->mappings[i].path;
        if (tree != NULL && path_is_within(path, tree))
            fault_add(&r->faults, reading_node_line(group, name), label,
                      "a path outside the watched trees", "%s lies within %s (line %d)", path, tree,
                      reading_line(r, i, "path"));
    }
}

/* No hour is in two rows of the timetable. */
static void check_timetable(struct reading *r)
{
    const struct conf *c = r->conf;
    const struct node *list = node_member(source_root(r->source), "timetable");
    for (size_t i = 0; i < c->timetable_count; i++) {
        for (size_t j = 0; j < i; j++) {
            unsigned hour = 0;
            const struct conf_hours *a = &c->timetable[i], *b = &c->timetable[j];
            if (a->hours == NULL || b->hours == NULL)
                continue;
            while (hour < 24 && !(conf_hours_hold(a, hour) && conf_hours_hold(b, hour)))
                hour++;
            if (hour < 24)
                fault_add(&r->faults, node_line(list), "timetable",
                          "each hour belongs to one row at most",
                          "\"%s\" and \"%s\" share the hour from %02u:00", b->hours, a->hours,
                          hour);
        }
    }
}

/* A prefix of the program's own lies apart from the trees', `all` of them: also where one is the
 * whole bucket. */
static void check_apart(struct reading *r, int line, const char *setting, const char *own, bool all)
{
    for (size_t i = 0; i < r->conf->mapping_count; i++) {
        const char *tree = r->conf->mappings[i].prefix;
        if (tree == NULL || (tree[0] == '\0' && !all) || !overlap(own, tree))
            continue;
        fault_add(&r->faults, line, setting, "expected a prefix apart from those of the trees",
                  "\"%s\" overlaps \"%s\" (line %d)", own, tree, reading_line(r, i, "prefix"));
    }
}

/* What expires in the trash must be nobody's copy of a file. */
static void check_trash(struct reading *r)
{
    const char *trash = r->conf->s3.trash_prefix;
    const struct node *group = node_member(source_root(r->source), "s3");
    if (trash && group)
        check_apart(r, reading_node_line(group, "trash_prefix"), "s3.trash_prefix", trash, false);
}

/* What leaves the host as evidence is signed, and nobody's copy of a file. */
static void check_journal_prefix(struct reading *r)
{
    const char *prefix = r->conf->journal.prefix, *trash = r->conf->s3.trash_prefix;
    const struct node *group = node_member(source_root(r->source), "journal");
    if (group == NULL || node_kind(group) != NODE_GROUP)
        return;
    if (node_member(group, "lock") != NULL && node_member(group, "prefix") == NULL)
        fault_add(&r->faults, reading_node_line(group, "lock"), "journal.lock",
                  "expected a prefix beside it, or leave it out",
                  "keeps what goes to S3, but nothing does");
    if (prefix == NULL)
        return;
    if (node_member(group, "key") == NULL)
        fault_add(&r->faults, reading_node_line(group, "prefix"), "journal.prefix",
                  "expected a key beside it",
                  "is for signed checkpoints, but nothing signs the journal");
    if (trash != NULL && overlap(prefix, trash))
        fault_add(&r->faults, reading_node_line(group, "prefix"), "journal.prefix",
                  "expected a prefix apart from the trash's", "\"%s\" overlaps \"%s\"", prefix,
                  trash);
    check_apart(r, reading_node_line(group, "prefix"), "journal.prefix", prefix, true);
}

void reading_check(struct reading *r)
{
    if (r->conf == NULL || r->origins == NULL)
        return;
    for (size_t i = 0; i < r->conf->mapping_count; i++) {
        for (size_t j = 0; j < i; j++) {
            check_names(r, i, j);
            check_trees(r, i, j);
            check_prefixes(r, i, j);
        }
        check_reference(r, i);
    }
    check_own_path(r, r->conf->state_dir, "state_dir");
    check_own_path(r, r->conf->journal_dir, "journal_dir");
    check_own_path(r, r->conf->socket, "socket");
    check_outside(r, "journal", "key", r->conf->journal.key);
    check_outside(r, "metrics", "file", r->conf->metrics.file);
    reading_check_s3(r);
    reading_check_objects(r);
    reading_check_policies(r);
    reading_check_manifests(r);
    check_timetable(r);
    check_trash(r);
    check_journal_prefix(r);
}
