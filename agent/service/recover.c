/*
 * Shell. After a stop or a crash: journal and index are brought together.
 *
 * The index holds the number of the last record whose outcome it has, and the number of the oldest
 * intent that was open then. From the older of the two on the journal is read again: outcomes that
 * the index missed are applied; an intent that is still open at the end may have happened or not,
 * so its keys are marked uncertain (the scan then makes S3 right, or deletes what is not on disk)
 * and it is closed as aborted. A list's rewrite is judged by the list's hash. Of the rewrites of a
 * pass the index hears when all are done: until then it holds the number of the first one's intent.
 */
#include "agent/core/account.h"
#include "agent/service/adrift.h"
#include "agent/service/agent.h"
#include "agent/service/departed.h"
#include "agent/service/follow.h"
#include "agent/service/recover_open.h"
#include "agent/service/recover_rows.h"
#include "agent/service/trash_notes.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct applied {
    uint64_t seq;  /* of the last record that the index reflects */
    uint64_t from; /* read again from here: the oldest open intent, or seq + 1 */
};

struct recovery {
    struct agent *agent;
    struct map *open; /* tx -> struct open_tx */
    struct recover_names names;
    struct applied applied;
    uint64_t rewrites; /* of those from this intent on the index has not heard; 0: of each up to
                          applied.seq */
    uint64_t outcomes;
};

uint64_t recover_seq_from(struct agent *a)
{
    uint64_t least = rename_open_tx(a);

    if (a->lst_tx && a->lst_tx < least)
        least = a->lst_tx;
    if (a->lst_unheard && a->lst_unheard < least)
        least = a->lst_unheard;
    /* What begins later has a higher number, so nothing is below what was the least before. */
    for (unsigned m = 0; m < a->mapping_count && least > a->seq_from; m++)
        for (const struct item *it = pending_first(a->pending, m); it; it = it->mate_next)
            if (it->tx && it->tx < least)
                least = it->tx;
    a->seq_from = least == UINT64_MAX ? journal_next_seq(a->journal) : least;
    return a->seq_from;
}

/* What the index has of a pass that did not end: since when notes may be wrong, and since when what
 * they lead to may have been led on (0: no such). */
struct pass_mark {
    int64_t began_us, again_us;
};

static int pass_put(struct agent *a)
{
    const struct pass_mark mark = {.began_us = a->pass_began_us, .again_us = a->pass_again_us};

    return index_meta_put(a->index, "pass", &mark, sizeof mark);
}

int recover_seq_put(struct agent *a)
{
    const struct applied p = {.seq = journal_next_seq(a->journal) - 1, .from = recover_seq_from(a)};

    int rc = index_meta_put(a->index, "journal", &p, sizeof p);

    rc = rc ? rc : index_meta_put(a->index, "rewrites", &a->lst_unheard, sizeof a->lst_unheard);
    return rc ? rc : pass_put(a);
}

static void open_free(struct open_tx *o)
{
    if (!o)
        return;
    free(o->path);
    free(o->path2);
    free(o->before);
    free(o->after);
    free(o->backup);
    free(o);
}

/* The mapping of this name, or NULL: it may have left the configuration. */
static struct mapping *mapping_named(struct agent *a, const char *name)
{
    for (size_t i = 0; name && i < a->mapping_count; i++)
        if (strcmp(a->mappings[i].conf->name, name) == 0)
            return &a->mappings[i];
    return NULL;
}

/* Copy a string that may be absent. False without memory. */
static bool copy_of(const char *s, char **ret)
{
    *ret = s ? strdup(s) : NULL;
    return !s || *ret;
}

/* The file, as the record has it. */
static struct file_stat file_of(const struct journal_record *rec)
{
    return (struct file_stat){.kind = FILE_REGULAR,
                              .mode = rec->mode,
                              .uid = rec->uid,
                              .gid = rec->gid,
                              .ino = rec->ino,
                              .size = rec->size,
                              .mtime_ns = rec->mtime_ns};
}

/* An intent: open until its outcome is read. */
static int recover_intent(struct recovery *r, const struct journal_record *rec,
                          const struct mapping *m)
{
    struct open_tx *o = calloc(1, sizeof *o);

    if (!o)
        return -ENOMEM;
    o->tx = rec->seq;
    o->time_us = rec->time_us;
    o->op = rec->op;
    o->mapping = m->id;
    o->count = rec->count;
    if (rec->has & JOURNAL_HAS_FILE)
        o->st = file_of(rec);
    if (!copy_of(rec->path, &o->path) || !copy_of(rec->path2, &o->path2) ||
        !copy_of(rec->before, &o->before) || !copy_of(rec->after, &o->after) ||
        !copy_of(rec->backup, &o->backup) || map_put(r->open, &o->tx, sizeof o->tx, o, NULL)) {
        open_free(o);
        return -ENOMEM;
    }
    return 0;
}

/* The index is about to have another file under this key. What it has there may be found elsewhere:
 * that it left was in the table of rows alone. */
static void note_overwritten(const struct recovery *r, const struct mapping *m,
                             const struct journal_record *rec, const char *key)
{
    struct index_entry e;

    if (m->rows && (rec->has & JOURNAL_HAS_FILE) && agent_image(r->agent, key, &e) &&
        e.known.ino != rec->ino)
        rows_replaced(m->rows, plan_file(&e.known),
                      follow_listed_at(m, &e.known, key + m->prefix_len), false);
}

/* A put that the index missed. The ctime is not in the journal: the scan compares contents once. */
static int recover_put(struct recovery *r, const struct journal_record *rec, const char *key)
{
    const struct file_stat st = file_of(rec);
    struct index_entry e;
    struct known k;

    known_from(&st, rec->crc64, rec->etag ? rec->etag : "", rec->version ? rec->version : "", &k);
    attributes_note(&k, S3_MARK_FOREIGN); /* by which rules it went is not known */
    if (!(rec->has & JOURNAL_HAS_CRC))
        k.flags &= ~KNOWN_CRC;
    if (index_get(r->agent->index, key, &e))
        return index_put(r->agent->index, key, &k, NULL);
    if (e.known.flags & KNOWN_LISTED) {
        k.flags |= KNOWN_LISTED;
        k.moved_to = e.known.moved_to;
    }
    if (e.known.ino == k.ino)
        k.born_ns = e.known.born_ns; /* it was edited; or another one had its inode before, which
                                        the next look tells (plan_is_recovered) */
    return index_put(r->agent->index, key, &k, NULL);
}

/* Lists may still name an image that was renamed to `key` by what they named it before. */
static int listed_before(struct recovery *r, unsigned mapping, struct index_entry *source,
                         const char *source_key, const char *key, struct known *known)
{
    bool listed = (source->known.flags & KNOWN_LISTED) && source->known.moved_to;
    const char *name = listed ? source->known.moved_to : source_key;
    int rc;

    if (r->agent->mappings[mapping].conf->kind != CONF_REPOSITORY)
        return 0;
    rc = recover_name(r->agent, &r->names, name, key, listed);
    if (rc > 0) {
        known->flags |= KNOWN_LISTED;
        known->moved_to = (char *)(uintptr_t)name;
    }
    return rc < 0 ? rc : 0;
}

/* The object of this key is to be deleted: the image is under `to`. */
static int recover_moved(const struct recovery *r, const char *key, const struct known *known,
                         const char *to)
{
    struct known moved = *known;

    moved.flags = (moved.flags & ~KNOWN_LISTED) | KNOWN_MOVED;
    moved.moved_to = (char *)(uintptr_t)to;
    return index_put(r->agent->index, key, &moved, NULL);
}

/* A copy that the index missed: of another key (a rename), or onto itself (new metadata). */
static int recover_copy(struct recovery *r, const struct journal_record *rec, unsigned mapping,
                        const char *key)
{
    char source_key[AGENT_KEY_SIZE];
    struct index_entry e;
    struct known k;
    int rc = 0;

    if (!agent_key(r->agent, mapping, rec->path2 ? rec->path2 : rec->path, source_key))
        return 0;
    if (index_get(r->agent->index, source_key, &e))
        return 0; /* the source was unknown: the scan sorts it out */
    k = e.known;
    snprintf(k.etag, sizeof k.etag, "%s", rec->etag ? rec->etag : "");
    snprintf(k.version, sizeof k.version, "%s", rec->version ? rec->version : "");
    k.flags &= KNOWN_CRC | KNOWN_ATTRIBUTES;
    if (rec->path2)
        attributes_note(&k, S3_MARK_FOREIGN);
    k.moved_to = NULL;
    if (rec->has & JOURNAL_HAS_FILE)
        k.ino = rec->ino;
    if ((rec->has & JOURNAL_HAS_FILE) && !rec->path2) {
        k.mode = rec->mode;
        k.uid = rec->uid;
        k.gid = rec->gid;
        k.mtime_ns = rec->mtime_ns;
    }
    if (rec->path2 || (e.known.flags & KNOWN_LISTED))
        rc = listed_before(r, mapping, &e, source_key, key, &k);
    rc = rc ? rc : index_put(r->agent->index, key, &k, NULL);
    return rc || !rec->path2 ? rc : recover_moved(r, source_key, &e.known, key);
}

/* An outcome that the index may have missed. */
static int recover_outcome(struct recovery *r, const struct journal_record *rec,
                           const struct mapping *m)
{
    char key[AGENT_KEY_SIZE];
    bool was;
    int rc;

    if (rec->seq <= r->applied.seq || rec->state != JOURNAL_DONE || !rec->path ||
        !agent_key(r->agent, m->id, rec->path, key))
        return 0;
    r->outcomes++;
    if (rec->op == JOURNAL_PUT || rec->op == JOURNAL_COPY)
        note_overwritten(r, m, rec, key);
    if (manifests_recover(r->agent, m, rec, &rc))
        return rc;
    switch ((int)rec->op) {
    case JOURNAL_PUT:
        return recover_put(r, rec, key);
    case JOURNAL_COPY:
        return recover_copy(r, rec, m->id, key);
    case JOURNAL_DELETE:
        rc = trash_forget(r->agent->index, key);
        rc = rc ? rc : follow_lead_on(r->agent, key);
        return rc ? rc : index_remove(r->agent->index, key, &was);
    case JOURNAL_REMOVE:
        return deletions_keep_entry(r->agent, key);
    default:
        return 0;
    }
}

/* Is this record about how its transaction ended? */
static bool closes(const struct open_tx *o, const struct journal_record *rec)
{
    if (o->op == JOURNAL_RENAME)
        return rec->op == JOURNAL_RENAME;
    if (o->op == JOURNAL_LST)
        return rec->op == JOURNAL_LST;
    return rec->op == JOURNAL_PUT || rec->op == JOURNAL_COPY || rec->op == JOURNAL_DELETE ||
           rec->op == o->op;
}

/* The new object of a rename is in S3: its source waits for the lists, then for its deletion. (A
 * copy's outcome names its source by itself; a put's does not.) */
static int recover_landed(struct recovery *r, struct open_tx *o, const struct journal_record *rec,
                          int rc)
{
    char source[PATH_BYTES_MAX + 1], source_key[AGENT_KEY_SIZE], key[AGENT_KEY_SIZE];
    struct index_entry e, there;

    o->landed = true;
    if (rc || rec->op != JOURNAL_PUT || rec->seq <= r->applied.seq || !o->path || !o->path2 ||
        path_rebase(source, sizeof source, rec->path, o->path2, o->path) ||
        !agent_key(r->agent, o->mapping, source, source_key) ||
        !agent_key(r->agent, o->mapping, rec->path, key) ||
        index_get(r->agent->index, source_key, &e) || index_get(r->agent->index, key, &there))
        return rc;
    rc = listed_before(r, o->mapping, &e, source_key, key, &there.known);
    rc = rc ? rc : index_put(r->agent->index, key, &there.known, NULL);
    return rc ? rc : recover_moved(r, source_key, &e.known, key);
}

/* Mark what an interrupted change may have left in S3; `leaving`: a deletion, if anything. */
static int mark_uncertain(struct agent *a, unsigned mapping, const char *path, bool leaving,
                          const struct file_stat *st)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;
    struct known k;

    if (!agent_key(a, mapping, path, key))
        return 0;
    if (index_get(a->index, key, &e) == 0) {
        k = e.known;
    } else {
        known_from(st, 0, "", "", &k);
        k.flags = KNOWN_ATTRIBUTES;
    }
    k.flags = leaving ? deletions_doubt(k.flags) : (k.flags & ~KNOWN_LEAVING) | KNOWN_UNCERTAIN;
    return index_put(a->index, key, &k, NULL);
}

/* A put or a copy that failed and may be there all the same: its key was marked then. A directory's
 * rename may have ended since, so that nothing is open. */
static int recover_unsure(struct recovery *r, const struct journal_record *rec,
                          const struct mapping *m)
{
    const struct file_stat st = file_of(rec);
    int rc;

    if (!account_unsure(rec) || rec->seq <= r->applied.seq || !rec->path ||
        (rec->op != JOURNAL_PUT && rec->op != JOURNAL_COPY))
        return 0;
    if (manifests_interrupted(r->agent, m, rec->path, false, &rc))
        return rc;
    return mark_uncertain(r->agent, m->id, rec->path, false, &st);
}

/* The keys under an interrupted directory rename. */
struct dir_marks {
    struct agent *agent;
    unsigned mapping;
    const char *from, *to; /* paths */
    struct dir_mark {
        char *path;
        struct file_stat st; /* as far as the index knows it */
    } * marks;
    size_t count;
};

/* index_fn: the path whose object is in doubt: the old one where the copy was made and the deletion
 * may have followed, else the new one. */
static int dir_mark_gather(void *arg, const char *key, const struct known *known)
{
    struct dir_marks *d = arg;
    char path[PATH_BYTES_MAX + 1], new_key[AGENT_KEY_SIZE];
    struct index_entry e;
    struct dir_mark *more;

    const char *old = key + d->agent->mappings[d->mapping].prefix_len;

    if (known->flags & KNOWN_KEPT)
        return 0;
    if (known->flags & KNOWN_MOVED)
        snprintf(path, sizeof path, "%s", old);
    else if (path_rebase(path, sizeof path, old, d->from, d->to) ||
             !agent_key(d->agent, d->mapping, path, new_key) ||
             index_get(d->agent->index, new_key, &e) == 0)
        return 0;
    more = realloc(d->marks, (d->count + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    d->marks = more;
    d->marks[d->count] = (struct dir_mark){
        .path = strdup(path),
        .st = {.ino = known->ino, .size = known->size, .mtime_ns = known->mtime_ns}};
    return d->marks[d->count++].path ? 0 : -ENOMEM;
}

/* An upload in parts of the path's object may have been begun. */
static int interrupted_upload(struct agent *a, const struct open_tx *o, const char *path,
                              const struct file_stat *st)
{
    char key[AGENT_KEY_SIZE];

    return agent_key(a, o->mapping, path, key) ? doubts_interrupted(a, key, st, o->time_us) : 0;
}

/* A directory's rename that was interrupted. */
static int interrupted_directory(struct agent *a, const struct open_tx *o)
{
    struct dir_marks d = {.agent = a, .mapping = o->mapping, .from = o->path, .to = o->path2};
    char prefix[AGENT_KEY_SIZE];
    struct file_stat none = {.kind = FILE_REGULAR};
    int rc;

    if (!agent_dir_key(a, o->mapping, o->path, prefix))
        return 0;
    rc = index_each_under(a->index, prefix, NULL, dir_mark_gather, &d);
    for (size_t i = 0; i < d.count; i++) {
        const struct dir_mark *mark = &d.marks[i];
        bool leaving = path_is_within(mark->path, o->path);

        if (rc == 0)
            rc = mark_uncertain(a, o->mapping, mark->path, leaving, &none);
        if (rc == 0 && !leaving)
            rc = interrupted_upload(a, o, mark->path, &mark->st);
        free(mark->path);
    }
    free(d.marks);
    return rc;
}

/* What the interrupted change may have left in S3. */
static int interrupted_marks(struct agent *a, const struct open_tx *o)
{
    const char *path = o->path2 && !o->landed ? o->path2 : o->path;
    bool leaving = o->landed || o->op == JOURNAL_REMOVE;
    int rc;

    if (manifests_interrupted(a, &a->mappings[o->mapping], o->path, leaving, &rc))
        return rc;
    if (o->op == JOURNAL_RENAME && o->count)
        return interrupted_directory(a, o);
    rc = mark_uncertain(a, o->mapping, path, leaving, &o->st);
    return rc || leaving ? rc : interrupted_upload(a, o, path, &o->st);
}

/* Where an object was to go, or went. */
static int recover_trash(struct recovery *r, const struct journal_record *rec,
                         const struct mapping *m)
{
    char key[AGENT_KEY_SIZE];
    struct index_entry e;

    if (rec->seq <= r->applied.seq || rec->state == JOURNAL_FAILED || !rec->path || !rec->path2 ||
        !agent_key(r->agent, m->id, rec->path, key) || index_get(r->agent->index, key, &e))
        return 0;
    return trash_note(r->agent->index, key, e.known.etag, rec->path2);
}

/* One record. */
static int recover_record(struct recovery *r, const struct journal_record *rec)
{
    struct mapping *m = mapping_named(r->agent, rec->mapping);
    struct open_tx *o;
    int rc;

    if (!m)
        return 0;
    if (rec->op == JOURNAL_TRASH)
        return recover_trash(r, rec, m);
    if (rec->state == JOURNAL_INTENT)
        return recover_intent(r, rec, m);
    rc = recover_outcome(r, rec, m);
    if (rc == 0)
        rc = recover_unsure(r, rec, m);
    o = rec->tx ? map_get(r->open, &rec->tx, sizeof rec->tx) : NULL;
    if (o && o->op == JOURNAL_RENAME && rec->state == JOURNAL_DONE &&
        (rec->op == JOURNAL_PUT || rec->op == JOURNAL_COPY))
        rc = recover_landed(r, o, rec, rc);
    if (rc == 0 && o && o->op == JOURNAL_LST && rec->op == JOURNAL_LST &&
        rec->state == JOURNAL_DONE &&
        (rec->seq > r->applied.seq || (r->rewrites && rec->tx >= r->rewrites)))
        rc = recover_rewritten(r->agent, &r->names, o->mapping, o->path, o->backup);
    /* It was closed by a recovery that ended before the index had the marks. */
    if (rc == 0 && o && o->op != JOURNAL_LST && closes(o, rec) && rec->state == JOURNAL_ABORT &&
        rec->seq > r->applied.seq)
        rc = interrupted_marks(r->agent, o);
    if (o && closes(o, rec) && rec->state != JOURNAL_NOTE && !account_unsure(rec)) {
        map_remove(r->open, &rec->tx, sizeof rec->tx);
        open_free(o);
    }
    return rc;
}

/* A list's rewrite that was interrupted: the list itself says where it stands. */
static int interrupted_list(struct recovery *r, const struct open_tx *o, enum journal_state *ret)
{
    uint8_t before[SHA256_BYTES], after[SHA256_BYTES];
    enum lst_recovery where;

    if (!o->before || !o->after || strlen(o->before) != 2 * SHA256_BYTES ||
        strlen(o->after) != 2 * SHA256_BYTES || hex_decode(o->before, 2 * SHA256_BYTES, before) ||
        hex_decode(o->after, 2 * SHA256_BYTES, after))
        return 0;
    if (lst_recover(r->agent->mappings[o->mapping].root_fd, o->path, before, after, &where))
        return 0; /* the list is gone or cannot be read: nothing to conclude */
    if (where != LST_RECOVERY_DONE)
        return 0;
    *ret = JOURNAL_DONE;
    return recover_rewritten(r->agent, &r->names, o->mapping, o->path, o->backup);
}

/* Close one open intent. */
static int interrupted(struct recovery *r, const struct open_tx *o)
{
    struct agent *a = r->agent;
    enum journal_state state = JOURNAL_ABORT;
    struct journal_record rec = {.op = o->op,
                                 .tx = o->tx,
                                 .source = JOURNAL_SRC_SELF,
                                 .mapping = a->mappings[o->mapping].conf->name,
                                 .path = o->path,
                                 .path2 = o->path2,
                                 .count = o->count};
    char from[PATH_BYTES_MAX + 1];
    int rc = recover_open_begin(a, o, from);

    if (rc == 0)
        rc = o->op == JOURNAL_LST ? interrupted_list(r, o, &state) : interrupted_marks(a, o);
    if (rc == 0)
        recover_open_end(a, o, from);
    rec.state = state;
    rec.why = state == JOURNAL_ABORT ? "interrupted; what is open is planned anew" : NULL;
    agent_journal(a, &rec);
    return rc;
}

/* Read the journal from where the index stands. */
static int recover_read(struct recovery *r, const char *dir, struct err *e)
{
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    int rc = journal_reader_open(dir, r->applied.from, &reader, e);

    while (rc == 0) {
        enum journal_read got = journal_read(reader, &rec, NULL, e);

        if (got == JOURNAL_READ_END)
            break;
        if (got == JOURNAL_READ_RECORD)
            rc = recover_record(r, &rec);
        else if (e->code != ERR_CORRUPT)
            rc = e->code; /* it could not be read, which says nothing about what it holds */
        else
            log_error("journal: %s: %s; the records there are passed over", e->where, e->what);
    }
    journal_reader_close(reader);
    return rc;
}

/* The tables of rows may have been told of what a pass is to move, by nobody who is looked at. */
static void want_passes(struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].rows && rows_pending(a->mappings[i].rows))
            relist_wanted(a);
}

static int recover_pass(struct agent *a)
{
    struct pass_mark mark = {0};
    size_t size = sizeof mark;

    if (index_meta_get(a->index, "pass", &mark, &size) || size != sizeof mark)
        return 0; /* an index of before this was told */
    a->pass_again_us = mark.again_us ? mark.again_us : mark.began_us;
    return mark.began_us ? departed_doubt(a->index, mark.began_us / US_PER_S) : 0;
}

int recover(struct agent *a, uint64_t next_seq, struct err *e)
{
    struct recovery r = {.agent = a, .open = map_new()};
    size_t size = sizeof r.applied;
    void *value;
    int rc = r.open ? index_meta_get(a->index, "journal", &r.applied, &size) : -ENOMEM;

    if (rc == 0) {
        size = sizeof r.rewrites;
        if (index_meta_get(a->index, "rewrites", &r.rewrites, &size) || size != sizeof r.rewrites)
            r.rewrites = 0; /* an index of before there was such a number */
    }
    if (rc == -ENOENT || (rc == 0 && r.applied.seq >= next_seq)) {
        if (rc == 0)
            log_warning("the journal is older than the index; comparing everything with the disk");
        r.applied = (struct applied){.seq = 0, .from = 1};
        rc = 0;
    }
    rc = rc ? rc : recover_pass(a);
    rc = rc ? rc : adrift_load(a, r.applied.seq);
    if (rc == 0 && r.applied.from < next_seq)
        rc = recover_read(&r, a->conf->journal_dir, e);
    for (size_t at = 0; rc == 0 && map_next(r.open, &at, NULL, NULL, &value);)
        rc = interrupted(&r, value);
    if (rc == 0)
        rc = recover_names_settle(a, &r.names);
    if (rc == 0)
        rc = adrift_landed(a);
    if (rc == 0)
        rc = adrift_listed(a);
    if (rc == 0 && (r.outcomes || map_count(r.open)))
        log_info("recovered: %" PRIu64
                 " outcomes applied, %zu interrupted changes are planned anew",
                 r.outcomes, map_count(r.open));
    for (size_t at = 0; r.open && map_next(r.open, &at, NULL, NULL, &value);)
        open_free(value);
    map_free(r.open);
    recover_names_release(&r.names);
    a->uncommitted++; /* what was read is not to be applied again */
    if (rc == 0)
        rc = agent_commit(a);
    want_passes(a);
    a->recovered = rc == 0;
    if (rc && !e->code)
        err_set(e, rc, a->conf->state_dir, NULL, "recovery failed: %s", err_name(rc));
    return rc;
}
