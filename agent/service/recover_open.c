/* Shell. After a crash: renames of images of which the journal has the intent. See recover_open.h.
 */
#include "agent/service/recover_open.h"

#include "agent/service/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What is at a path of the mapping now. False: nothing may be concluded. */
static bool is_at(const struct agent *a, unsigned mapping, const char *path, struct file_stat *ret)
{
    if (tree_stat(a->mappings[mapping].root_fd, path, ret))
        return false;
    if (a->mappings[mapping].filter.with_links)
        tree_take_link(ret);
    return true;
}

/* All that the index has of the key is what this intent may have left there, if anything. */
static bool is_its_own(struct agent *a, const struct open_tx *o, const char *key)
{
    struct index_entry e;
    int rc = index_get(a->index, key, &e);

    return rc == -ENOENT || (rc == 0 && (e.known.flags & KNOWN_UNCERTAIN) && !e.known.etag[0] &&
                             o->st.ino && e.known.ino == o->st.ino);
}

/* The rename of one image, which had not landed. */
static bool is_open_rename(const struct open_tx *o)
{
    return o->op == JOURNAL_RENAME && o->path && o->path2 && !o->count && !o->landed;
}

/* Lists may name the image of such a rename where it had gone, though it is back at its old path or
 * has gone on. Whose these rows are if another image had been there, nothing tells. */
static int left(struct agent *a, const struct open_tx *o, const char *from, const char *to)
{
    const struct mapping *m = &a->mappings[o->mapping];
    char key[AGENT_KEY_SIZE], went[AGENT_KEY_SIZE];
    struct index_entry e;
    struct file_stat st;

    if (!m->rows || !agent_key(a, o->mapping, from, key) || !agent_key(a, o->mapping, to, went) ||
        !agent_image(a, key, &e) || (e.known.flags & (KNOWN_MOVED | KNOWN_LISTED)) ||
        !is_its_own(a, o, went) || !is_at(a, o->mapping, to, &st) || st.kind != FILE_ABSENT ||
        !is_at(a, o->mapping, from, &st))
        return 0;
    if (st.kind != FILE_REGULAR || plan_is_other(&st, &e.known))
        return rows_also(m->rows, from, plan_file(&e.known), from, to);
    e.known.flags |= KNOWN_LISTED;
    e.known.moved_to = went;
    return index_put(a->index, key, &e.known, NULL);
}

/* Which image was being copied, if S3 has it elsewhere: the path of that; else "". */
struct source_search {
    const struct mapping *m;
    const struct open_tx *o;
    const char *key; /* that it was copied to */
    char *path;
};

/* index_fn. */
static int source_match(void *arg, const char *key, const struct known *known)
{
    struct source_search *s = arg;

    if (!plan_is_placed(known) || !known->born_ns || strcmp(key, s->key) == 0 ||
        strncmp(key, s->m->conf->prefix, s->m->prefix_len) != 0 || known->size != s->o->st.size ||
        known->mtime_ns != s->o->st.mtime_ns)
        return 0;
    (void)snprintf(s->path, PATH_BYTES_MAX + 1, "%s", key + s->m->prefix_len);
    return 1;
}

int recover_open_begin(struct agent *a, const struct open_tx *o, char from[PATH_BYTES_MAX + 1])
{
    char key[AGENT_KEY_SIZE];
    struct source_search s = {.m = &a->mappings[o->mapping], .o = o, .key = key, .path = from};
    int rc = 0;

    from[0] = '\0';
    if (is_open_rename(o))
        return left(a, o, o->path, o->path2);
    if ((o->op == JOURNAL_ADD || o->op == JOURNAL_EDIT) && o->path &&
        s.m->conf->kind == CONF_REPOSITORY && agent_key(a, o->mapping, o->path, key))
        rc = index_each_inode(a->index, o->st.ino, source_match, &s);
    return rc > 0 ? left(a, o, from, o->path) : rc;
}

/* What is at the path is certainly the file that the index has at the other one. */
static bool is_file_of(struct agent *a, unsigned mapping, const struct file_stat *st,
                       const char *path)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    return agent_key(a, mapping, path, key) && agent_image(a, key, &e) &&
           plan_is_same(st, &e.known);
}

void recover_open_end(struct agent *a, const struct open_tx *o, const char *from)
{
    const bool elsewhere = from[0] != '\0';
    const char *was = elsewhere ? from : o->path, *to = elsewhere ? o->path : o->path2;
    struct file_stat st;

    if ((elsewhere || is_open_rename(o)) && is_at(a, o->mapping, to, &st) &&
        st.kind == FILE_REGULAR && (!elsewhere || is_file_of(a, o->mapping, &st, was)))
        rename_told(a, o->mapping, was, to);
}
