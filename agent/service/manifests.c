/*
 * Shell. Manifests beside lists in S3, as a part of their lists' way:
 *
 *   the list's item is through (put, in step, or deleted) -> is some manifest not as it should be?
 *     no                                                  -> the item is forgotten
 *     one is to be made   -> CHECKING: its file is made of the list -> READY -> FLYING: PUT    \
 *                            a row cannot be in it: it is deleted, or that is noted             >
 * again one is to go        -> READY -> FLYING: DELETE, on the condition of its ETag             /
 *
 * So the list and its images are there before a manifest names them; and since the item is open
 * meanwhile, and counts as put (`live`) only after its manifests, no object goes that an old one
 * names. A failure rests as any other, and the item comes here again by way of being in step.
 *
 * What S3 has of them is in notes (manifest_notes.h), apart from the entries of the index, which
 * are of files. After a crash the notes say which lists are to be looked at.
 */
#include "agent/service/agent.h"
#include "agent/service/manifest_file.h"
#include "agent/service/manifest_notes.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The note of a list; false where the index fails. */
static bool note_of(struct agent *a, const char *list, struct manifest_note *ret)
{
    int rc = manifest_note_get(a->index, list, ret);

    if (rc)
        agent_fail(a, rc, "reading the index");
    return rc == 0;
}

/* Keep the note. */
static void note_keep(struct agent *a, const struct manifest_note *note)
{
    if (manifest_note_put(a->index, note))
        agent_fail(a, -EIO, "writing the index");
    agent_dirty(a);
}

/* Is the list in S3 as it is here (its content in `of`), or nowhere (*ret_gone)? Else nothing is to
 * be done about its manifests: it is still to be put or deleted, held, kept, or moved. */
static bool list_stands(struct agent *a, const struct item *it, uint8_t of[SHA256_BYTES],
                        bool *ret_gone)
{
    struct index_entry e;
    int rc = index_get(a->index, it->key, &e);
    bool is_list = it->seen.kind == FILE_REGULAR && !file_is_link(&it->seen);

    *ret_gone = !is_list && (rc == -ENOENT || it->seen.kind == FILE_REGULAR);
    if (*ret_gone)
        return true;
    if (rc || !is_list || !manifest_list_stands(&e.known))
        return false;
    manifest_made_of(agent_mapping(a, it)->manifests_of, &e.known, of);
    return true;
}

/* What is to be done next for the list of an item that is through otherwise. */
static bool next_work(struct agent *a, const struct item *it, struct manifest_note *note,
                      struct manifest_work *ret)
{
    const struct mapping *m = &a->mappings[it->mapping];
    uint8_t of[SHA256_BYTES];
    bool gone;

    return m->manifests && !a->options.dry_run && !a->fatal && agent_is_list(a, it) &&
           list_stands(a, it, of, &gone) && note_of(a, it->key, note) &&
           manifest_work(m->conf, note, gone ? NULL : of, ret);
}

bool manifests_due(struct agent *a, const struct item *it)
{
    struct manifest_note note;
    struct manifest_work work;

    return next_work(a, it, &note, &work);
}

bool manifests_any(struct agent *a, const struct item *it)
{
    struct manifest_note note;

    if (!agent_mapping(a, it)->manifests || !note_of(a, it->key, &note))
        return false;
    return manifest_is_there(&note.kinds[MANIFEST_PLAIN]) ||
           manifest_is_there(&note.kinds[MANIFEST_AUGMENTED]);
}

/* ---- what the item is at ---- */

static struct manifest_work work_of(const struct item *it)
{
    return (struct manifest_work){.kind = it->manifest == ITEM_PLAIN_MANIFEST ? MANIFEST_PLAIN
                                                                              : MANIFEST_AUGMENTED,
                                  .put = it->change != CHANGE_REMOVE};
}

/* The manifest's path (its key is behind the mapping's prefix): what is to go is where the note has
 * it. False where it does not fit. */
static bool path_of(const struct agent *a, const struct item *it, const struct manifest_note *note,
                    char out[PATH_BYTES_MAX + 1])
{
    struct manifest_work w = work_of(it);
    const char *suffix =
        w.put ? manifest_suffix(a->mappings[it->mapping].conf, w.kind) : note->kinds[w.kind].suffix;

    return manifest_name(it->path, suffix, out, PATH_BYTES_MAX + 1);
}

/* The name of the file that it is sent from. */
static void file_of(const struct item *it, char out[MANIFEST_FILE_SIZE])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(it->key, strlen(it->key), hash);
    hash[0] ^= (uint8_t)it->manifest;
    hex_encode(hash, sizeof hash, out);
}

/* A record about the manifest. */
static struct journal_record record(const struct agent *a, const struct item *it, const char *path,
                                    enum journal_op op, enum journal_state state)
{
    struct journal_record rec = agent_record(a, it, op, state);
    char name[MANIFEST_FILE_SIZE];
    struct file_stat st;

    rec.path = path;
    rec.ino = 0;
    file_of(it, name);
    if (!work_of(it).put || tree_stat(a->manifests_fd, name, &st) || st.kind != FILE_REGULAR)
        rec.has = 0;
    else
        rec.size = st.size;
    return rec;
}

void manifests_intent(struct agent *a, struct item *it)
{
    struct manifest_note note;
    char path[PATH_BYTES_MAX + 1];
    struct journal_record rec;

    if (it->tx || !note_of(a, it->key, &note) || !path_of(a, it, &note, path))
        return;
    rec = record(a, it, path,
                 !work_of(it).put                                   ? JOURNAL_REMOVE
                 : manifest_is_there(&note.kinds[work_of(it).kind]) ? JOURNAL_EDIT
                                                                    : JOURNAL_ADD,
                 JOURNAL_INTENT);
    rec.tx = JOURNAL_TX_SELF;
    it->tx = agent_journal(a, &rec);
}

/* ---- making ---- */

/* Nothing more is to be done for this one now. */
static void leave(struct item *it)
{
    it->manifest = ITEM_NO_MANIFEST;
    it->change = CHANGE_NONE;
    it->tx = 0;
}

/* To S3 with it. */
static void ready(struct agent *a, struct item *it)
{
    pending_set(a->pending, it, ITEM_READY, INT64_MAX);
    apply_enqueue(a, it);
}

/* What no manifest can be made of has none: said, noted, and journalled. */
static void refuse(struct agent *a, struct item *it, const char *why)
{
    struct mapping *m = agent_mapping(a, it);
    struct manifest_work w = work_of(it);
    char path[PATH_BYTES_MAX + 1];
    struct manifest_noted *n;
    struct manifest_note note;
    struct journal_record rec;
    uint8_t of[SHA256_BYTES];
    bool gone;

    if (!note_of(a, it->key, &note) || !list_stands(a, it, of, &gone) || gone) {
        decide_failed(a, it, why); /* it is another list by now */
        return;
    }
    n = &note.kinds[w.kind];
    if (manifest_is_there(n) && m->conf->deletes != CONF_DELETES_KEEP) { /* it names what will go */
        it->change = CHANGE_REMOVE;
        ready(a, it);
        return;
    }
    m->unmanifested += n->standing != MANIFEST_REFUSED;
    *n = (struct manifest_noted){.standing = MANIFEST_REFUSED};
    (void)snprintf(n->suffix, sizeof n->suffix, "%s", manifest_suffix(m->conf, w.kind)); /* fits */
    memcpy(n->of, of, sizeof n->of);
    note_keep(a, &note);
    (void)snprintf(m->manifest_why, sizeof m->manifest_why, "%s", why); /* may be cut */
    log_warning("%s: it has no manifest of the kind %s: %s", it->key, n->suffix, why);
    if (path_of(a, it, &note, path)) {
        rec = record(a, it, path, JOURNAL_ADD, JOURNAL_FAILED);
        rec.has = 0;
        rec.why = why;
        agent_journal(a, &rec);
    }
    leave(it);
    decide_done(a, it);
}

/* Have the file made. */
static void order(struct agent *a, struct item *it)
{
    struct mapping *m = agent_mapping(a, it), *images = &a->mappings[m->conf->repository];
    struct job *job = job_new(JOB_MANIFEST);
    struct manifest_order *o = job ? calloc(1, sizeof *o) : NULL;

    if (o)
        job->path = strdup(it->path);
    if (!o || !job->path) {
        free(o);
        job_free(job);
        agent_fail(a, -ENOMEM, "making a manifest");
        return;
    }
    job->manifest = o;
    job->item = it;
    job->root_fd = m->root_fd;
    job->expected = it->seen;
    o->augmented = work_of(it).kind == MANIFEST_AUGMENTED;
    o->filter = &images->filter;
    o->dir_fd = a->manifests_fd;
    (void)snprintf(o->images, sizeof o->images, "s3://%s/%s", a->conf->s3.bucket,
                   images->conf->prefix); /* fits: both are limited */
    file_of(it, o->name);
    pending_set(a->pending, it, ITEM_CHECKING, INT64_MAX);
    work_submit(a->work, job);
}

/* The list is gone, and nothing of it is in S3: that it had no manifest is of no more use. */
static void tidy(struct agent *a, const struct item *it)
{
    struct mapping *m = agent_mapping(a, it);
    struct manifest_note note;
    uint8_t of[SHA256_BYTES];
    bool gone;

    if (!m->unmanifested || !agent_is_list(a, it) || !list_stands(a, it, of, &gone) || !gone ||
        !note_of(a, it->key, &note))
        return;
    for (int k = 0; k < MANIFEST_KINDS; k++)
        if (note.kinds[k].standing == MANIFEST_REFUSED) {
            note.kinds[k] = (struct manifest_noted){.standing = MANIFEST_NONE};
            m->unmanifested--;
        }
    note_keep(a, &note);
}

bool manifests_step(struct agent *a, struct item *it)
{
    struct manifest_note note;
    char path[PATH_BYTES_MAX + 1], key[AGENT_KEY_SIZE];
    struct manifest_work work;
    struct err e = {0};

    if (!next_work(a, it, &note, &work)) {
        tidy(a, it);
        return false;
    }
    it->manifest = work.kind == MANIFEST_PLAIN ? ITEM_PLAIN_MANIFEST : ITEM_AUGMENTED_MANIFEST;
    it->change = !work.put ? CHANGE_REMOVE : CHANGE_EDIT;
    it->tx = 0;
    if (!work.put)
        ready(a, it);
    else if (!path_of(a, it, &note, path) || !agent_key(a, it->mapping, path, key) ||
             s3_check_key(key, &e))
        refuse(a, it, e.code ? e.what : "its key would be too long");
    else
        order(a, it);
    return true;
}

void manifests_made(struct agent *a, struct job *job)
{
    struct item *it = job->item;
    char why[ERR_TEXT_MAX];

    if (it->again || job->code == ERR_CHANGED || job->code == -ENOENT) {
        it->hint_ms = a->now_ms;
        intake_resettle(a, it);
    } else if (job->code == ERR_SYNTAX || job->code == ERR_LIMIT) {
        refuse(a, it, job->manifest->why);
    } else if (job->code) {
        snprintf(why, sizeof why, "its manifest cannot be made: %s", err_name(job->code));
        decide_failed(a, it, why);
    } else {
        ready(a, it);
    }
}

/* ---- on the way ---- */

/* The transfer that deletes it. Its owner is as of any other deletion. */
static struct transfer *deletion(const char *key, struct item *it, const struct manifest_noted *n)
{
    struct transfer *t = transfer_new(TRANSFER_DELETE, key);
    struct item **items = calloc(1, sizeof *items);

    if (!t || !items || (n->standing == MANIFEST_THERE && !(t->source_etag = strdup(n->etag)))) {
        transfer_free(t);
        free(items);
        return NULL;
    }
    items[0] = it;
    t->owner = items;
    return t;
}

/* The transfer that puts it. */
static struct transfer *put(struct agent *a, const char *key, struct item *it)
{
    struct transfer *t = transfer_new(TRANSFER_PUT, key);
    char name[MANIFEST_FILE_SIZE];

    file_of(it, name);
    if (t)
        t->path = strdup(name);
    if (!t || !t->path) {
        transfer_free(t);
        return NULL;
    }
    t->owner = it;
    t->root_fd = a->manifests_fd;
    t->whole = true;
    t->posix = (struct s3_posix){.mode = it->seen.mode,
                                 .uid = it->seen.uid,
                                 .gid = it->seen.gid,
                                 .mtime_ns = it->seen.mtime_ns};
    (void)!tree_stat(a->manifests_fd, name, &t->expected); /* else it has changed */
    return t;
}

struct transfer *manifests_transfer(struct agent *a, struct item *it)
{
    struct manifest_note note;
    char path[PATH_BYTES_MAX + 1], key[AGENT_KEY_SIZE];
    struct transfer *t;

    if (!note_of(a, it->key, &note) || !path_of(a, it, &note, path) ||
        !agent_key(a, it->mapping, path, key))
        return NULL;
    t = work_of(it).put ? put(a, key, it) : deletion(key, it, &note.kinds[work_of(it).kind]);
    if (t && attributes_of(a->attributes, it->mapping, path, &t->attributes)) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

/* ---- outcomes ---- */

/* What the note says from now on. */
static void note_outcome(struct agent *a, const struct item *it, const struct transfer *t,
                         struct manifest_note *note)
{
    struct mapping *m = agent_mapping(a, it);
    struct manifest_work w = work_of(it);
    struct manifest_noted *n = &note->kinds[w.kind];
    struct index_entry e;

    m->unmanifested -= n->standing == MANIFEST_REFUSED;
    if (!w.put) {
        *n = (struct manifest_noted){.standing = MANIFEST_NONE};
    } else if (t->verdict != VERDICT_DONE) {
        n->standing = MANIFEST_MAYBE;
        (void)snprintf(n->suffix, sizeof n->suffix, "%s",
                       manifest_suffix(m->conf, w.kind)); /* fits */
    } else {
        *n = (struct manifest_noted){.standing = MANIFEST_THERE, .size = t->size};
        (void)snprintf(n->suffix, sizeof n->suffix, "%s",
                       manifest_suffix(m->conf, w.kind));       /* fits */
        (void)snprintf(n->etag, sizeof n->etag, "%s", t->etag); /* of the same size */
        if (index_get(a->index, it->key, &e) == 0)
            manifest_made_of(m->manifests_of, &e.known, n->of);
    }
    note_keep(a, note);
}

/* The outcome in the journal. */
static void journal_outcome(struct agent *a, const struct item *it, const struct transfer *t,
                            bool done, const char *path, const char *why)
{
    bool puts = work_of(it).put;
    struct journal_record rec = record(a, it, path, puts ? JOURNAL_PUT : JOURNAL_DELETE,
                                       done ? JOURNAL_DONE : JOURNAL_FAILED);

    apply_told(t, puts, &rec);
    rec.http_status = apply_status(t, done);
    if (!puts)
        rec.etag = NULL;
    rec.why = why;
    agent_journal(a, &rec);
}

/* It is through: the next one, or the list is. */
static void through(struct agent *a, struct item *it, const struct transfer *t)
{
    struct mapping *m = agent_mapping(a, it);

    apply_forget_key(a, m, t->key); /* of a file that was there before such names were ours */
    a->totals.puts += work_of(it).put;
    a->totals.bytes += work_of(it).put ? t->size : 0;
    a->totals.deletes += !work_of(it).put;
    troubles_passed(a, it, true);
    leave(it);
    it->failures = 0;
    item_blame(it, NULL);
    if (!manifests_due(a, it))
        it->live = it->looked;
    decide_done(a, it);
}

void manifests_outcome(struct agent *a, struct item *it, const struct transfer *t)
{
    bool puts = work_of(it).put;
    bool drifted = !puts && t->verdict == VERDICT_CONFLICT;
    bool done = t->verdict == VERDICT_DONE || (!puts && t->verdict == VERDICT_ABSENT);
    char path[PATH_BYTES_MAX + 1], file[MANIFEST_FILE_SIZE], why[ERR_TEXT_MAX];
    struct manifest_note note;

    if (!note_of(a, it->key, &note) || !path_of(a, it, &note, path))
        return;
    if (drifted)
        snprintf(why, sizeof why, "conflict: the manifest is another one than was put; it stays");
    else if (!done)
        snprintf(why, sizeof why, "its manifest: %s: %s%s%s", verdict_name(t->verdict), t->s3_code,
                 t->s3_code[0] && t->message[0] ? ": " : "", t->message);
    journal_outcome(a, it, t, done, path, done ? NULL : why);
    if (done || drifted || (puts && (t->verdict == VERDICT_UNREACHED || t->unheard)))
        note_outcome(a, it, t, &note);
    if (puts) {
        file_of(it, file);
        (void)unlinkat(a->manifests_fd, file, 0); /* else the next one takes its place */
    }
    if (drifted)
        log_warning("%s: %s", t->key, why);
    if (done || drifted) {
        through(a, it, t);
        return;
    }
    it->unreached = t->verdict == VERDICT_UNREACHED || t->verdict == VERDICT_DENIED;
    troubles_failed(a, it, trouble_of(t), t->kind, t->s3_code, t->message);
    leave(it);
    decide_failed(a, it, why);
}
