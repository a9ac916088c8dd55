/* Shell. The agent: what its parts share, its beginning and its end. */
#include "agent/service/agent.h"

#include "agent/core/ways.h"
#include "agent/service/absent.h"
#include "agent/service/adrift.h"
#include "agent/service/anchors.h"
#include "agent/service/events.h"
#include "agent/service/finder.h"
#include "agent/service/holds.h"
#include "agent/service/list_holds.h"
#include "agent/service/listed.h"
#include "agent/service/marker.h"
#include "agent/service/metrics.h"
#include "agent/service/owner.h"
#include "agent/service/policies.h"
#include "agent/service/retention.h"
#include "agent/service/room.h"
#include "agent/service/stale.h"
#include "agent/service/undo.h"
#include "base/clock.h"
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

int64_t agent_now(struct agent *a)
{
    a->real_us = clock_real_us();
    a->now_ms = clock_mono_ms();
    return a->now_ms;
}

void agent_fail(struct agent *a, int code, const char *what)
{
    if (a->fatal)
        return;
    a->fatal = code;
    event_tell(EVENT_STOPPED, NULL, NULL,
               "%s: %s; the agent stops, what is open is taken up at the next start", what,
               err_name(code));
    if (a->event)
        (void)sd_event_exit(a->event,
                            0); /* fails only without a running loop: then it does not begin */
}

struct mapping *agent_mapping(struct agent *a, const struct item *it)
{
    return &a->mappings[it->mapping];
}

bool agent_key(const struct agent *a, unsigned mapping, const char *path, char out[AGENT_KEY_SIZE])
{
    return path_prefix(out, AGENT_KEY_SIZE, a->mappings[mapping].conf->prefix, path);
}

bool agent_dir_key(const struct agent *a, unsigned mapping, const char *path,
                   char out[AGENT_KEY_SIZE])
{
    return snprintf(out, AGENT_KEY_SIZE, "%s%s%s", a->mappings[mapping].conf->prefix, path,
                    path[0] ? "/" : "") < AGENT_KEY_SIZE;
}

bool agent_image(struct agent *a, const char *key, struct index_entry *ret)
{
    return index_get(a->index, key, ret) == 0 && plan_is_placed(&ret->known);
}

bool agent_is_list(const struct agent *a, const struct item *it)
{
    return a->mappings[it->mapping].conf->kind == CONF_LISTS && lst_is_list(it->path);
}

uint64_t agent_journal(struct agent *a, struct journal_record *rec)
{
    uint64_t seq = 0;
    int rc;

    if (a->options.dry_run || a->fatal)
        return 0;
    rc = journal_append(a->journal, rec, a->real_us, &seq);
    if (rc)
        agent_fail(a, rc, "writing the journal");
    recent_note(&a->recent, rec, a->now_ms);
    if (rec->state == JOURNAL_INTENT)
        a->intent_seq = seq;
    return seq;
}

/* Are there intents that a loss of power would take away? */
static bool has_intents(const struct agent *a)
{
    return !a->fatal && a->intent_seq && a->intent_seq > journal_durable_seq(a->journal);
}

/* What was appended is to be durable: have it made so, in this way. */
static void sync_by(struct agent *a, int (*way)(struct journal *j))
{
    int rc;

    if (!has_intents(a))
        return;
    rc = way(a->journal);
    if (rc)
        agent_fail(a, rc, "making the journal durable");
    room_watch(a);
}

void agent_sync(struct agent *a)
{
    sync_by(a, journal_sync);
}

void agent_sync_begin(struct agent *a)
{
    sync_by(a, journal_sync_begin);
}

struct journal_record agent_record(const struct agent *a, const struct item *it, enum journal_op op,
                                   enum journal_state state)
{
    struct journal_record rec = {.op = op,
                                 .state = state,
                                 .source = it->source,
                                 .tx = it->tx,
                                 .mapping = a->mappings[it->mapping].conf->name,
                                 .path = it->path};

    if (it->seen.kind == FILE_REGULAR) {
        rec.has = JOURNAL_HAS_FILE;
        rec.ino = it->seen.ino;
        rec.size = it->seen.size;
        rec.mtime_ns = it->seen.mtime_ns;
        rec.mode = it->seen.mode;
        rec.uid = it->seen.uid;
        rec.gid = it->seen.gid;
    }
    return rec;
}

void agent_dirty(struct agent *a)
{
    a->uncommitted++;
    if (!a->commit_due_ms)
        a->commit_due_ms = a->now_ms + AGENT_COMMIT_MS;
}

int agent_commit(struct agent *a)
{
    int64_t begun_us = clock_mono_us(), took_us;
    int rc = 0;

    if (a->options.dry_run)
        return index_commit(a->index);
    if (a->uncommitted) {
        rc = journal_sync(a->journal);
        room_watch(a);
        if (rc == 0)
            rc = recover_seq_put(a);
        if (rc == 0)
            rc = adrift_keep(a, journal_next_seq(a->journal) - 1);
    }
    a->uncommitted = 0;
    a->commit_due_ms = 0;
    rc = rc ? rc : index_commit(a->index);
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].rows)
            a->mappings[i].rows_kept = rows_changes(a->mappings[i].rows);
    took_us = clock_mono_us() - begun_us;
    a->commit_us = begun_us + AGENT_COMMIT_SHARE * took_us;
    return rc;
}

/* Is the tree the one that was enrolled? The first run enrols it. */
static int mapping_identity(struct agent *a, struct mapping *m, struct err *e)
{
    struct root_identity was = {0};
    char name[CONF_NAME_MAX + 8];
    size_t size = sizeof was;
    int rc = watchers_root_identity(m->conf->path, &m->identity);

    if (rc)
        return err_set(e, rc, m->conf->path, NULL, "its file system cannot be told: %s",
                       err_name(rc));
    m->others_write = watchers_others_write(&m->identity);
    m->unheard = m->others_write || m->conf->watch == CONF_WATCH_SCAN;
    snprintf(name, sizeof name, "root:%s", m->conf->name);
    rc = index_meta_get(a->index, name, &was, &size);
    if (rc == -ENOENT || (rc == 0 && size < offsetof(struct root_identity, fsid))) {
        if (!a->options.dry_run)
            removals_enrol(a, m);
        return 0;
    }
    if (rc)
        return err_set(e, rc, m->conf->name, NULL, "the index cannot be read: %s", err_name(rc));
    m->changed = !watchers_same_root(&was, &m->identity);
    if (!m->changed && size != sizeof was && !a->options.dry_run)
        removals_enrol(a, m); /* it was enrolled before fsid was kept */
    if (m->changed)
        log_warning("%s: another device or directory lies under %s than when it was enrolled (%s "
                    "on %s then, %s on %s now); removals will be held",
                    m->conf->name, m->conf->path, was.fs_name, was.source, m->identity.fs_name,
                    m->identity.source);
    return 0;
}

/* The mappings from the configuration and the index. */
static int agent_mappings(struct agent *a, struct err *e)
{
    int rc;

    a->mappings = calloc(a->conf->mapping_count, sizeof *a->mappings);
    a->root_fds = calloc(a->conf->mapping_count, sizeof *a->root_fds);
    if (!a->mappings || !a->root_fds)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    a->mapping_count = a->conf->mapping_count;
    rc = tally_begin(a, e);
    for (size_t i = 0; i < a->mapping_count && rc == 0; i++) {
        struct mapping *m = &a->mappings[i];

        m->conf = &a->conf->mappings[i];
        m->id = (unsigned)i;
        m->barrier_least = UINT64_MAX;
        m->prefix_len = strlen(m->conf->prefix);
        m->filter.patterns = (const char *const *)m->conf->exclude;
        m->filter.without_defaults = !m->conf->default_exclude;
        m->filter.with_links = m->conf->symlinks == CONF_LINKS_STORE;
        m->scanning = true;
        m->rows = rows_new();
        rc = m->rows ? mapping_identity(a, m, e) : err_set(e, -ENOMEM, NULL, NULL, "no memory");
        if (rc == 0)
            rc = holds_load(a, m);
        if (rc == 0)
            rc = list_holds_count(a, m);
        if (rc == 0)
            rc = absent_count(a, m);
    }
    return rc;
}

/* How many objects each mapping has in S3; after recovery, which adds and removes some. */
static void agent_counts(struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++) {
        struct mapping *m = &a->mappings[i];

        m->kept = m->tally.kept;
        m->indexed = m->tally.objects - m->tally.kept;
    }
}

/* The watchers' word for it. */
static enum watch_sync sync_of(enum conf_sync sync)
{
    switch (sync) {
    case CONF_SYNC_ON:
        return WATCH_SYNC_ON;
    case CONF_SYNC_OFF:
        return WATCH_SYNC_OFF;
    case CONF_SYNC_AUTO:
        break;
    }
    return WATCH_SYNC_AUTO;
}

/* A mapping's setting in the words of watchers/. */
static enum watch_with watch_with(enum conf_watch watch)
{
    switch (watch) {
    case CONF_WATCH_AUTO:
        return WATCH_AUTO;
    case CONF_WATCH_INOTIFY:
        return WATCH_INOTIFY;
    case CONF_WATCH_FANOTIFY:
        return WATCH_FANOTIFY;
    case CONF_WATCH_SCAN:
        break;
    }
    return WATCH_SCAN;
}

static int agent_watch(struct agent *a, struct err *e)
{
    struct watch_root *roots = calloc(a->mapping_count, sizeof *roots);
    struct watchers_options opt = {.roots = roots,
                                   .root_count = a->mapping_count,
                                   .scan_only = a->options.once,
                                   .gathers = true};
    int rc;

    if (!roots)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    for (size_t i = 0; i < a->mapping_count; i++)
        roots[i] = (struct watch_root){.path = a->mappings[i].conf->path,
                                       .filter = a->mappings[i].filter,
                                       .with = watch_with(a->mappings[i].conf->watch),
                                       .rescan_ms = a->mappings[i].conf->rescan_ms,
                                       .scan_rate = a->mappings[i].conf->scan_rate,
                                       .sync = sync_of(a->mappings[i].conf->sync_attributes)};
    rc = watchers_new(&opt, &a->watchers, e);
    a->unfit = rc == ERR_REFUSED;
    free(roots);
    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++)
        a->mappings[i].root_fd = a->root_fds[i] = watchers_root_fd(a->watchers, (unsigned)i);
    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++)
        rc = marker_look(a, &a->mappings[i]);
    return rc;
}

/* The S3 side. */
static int agent_upload(struct agent *a, struct err *e)
{
    struct uploaders_options opt;
    int rc;

    service_uploaders_options(a->conf, &opt);
    rc = attributes_new(a->conf, &a->attributes, e);
    return rc ? rc : uploaders_new(&opt, &a->uploaders, e);
}

/* Rules of what objects carry count from now on: say so where they are others than before. */
static int agent_rules(struct agent *a)
{
    uint64_t now = attributes_of_rules(a->attributes), before = 0;
    size_t size = sizeof before;
    int rc = index_meta_get(a->index, "rules", &before, &size);

    if (rc == 0 && before == now)
        return 0;
    if (rc == 0)
        log_info("the rules of what objects carry are others than in the last run: objects keep "
                 "what they have until their files change");
    return index_meta_put(a->index, "rules", &now, sizeof now);
}

/* For a plan: the index as it is, or an empty one where there has been no run. */
static int agent_state_dry(struct agent *a, struct err *e)
{
    int rc = index_open(a->conf->state_dir, true, &a->index, e);

    return rc == -ENOENT ? index_open_empty(&a->index, e) : rc;
}

/* Have the journal signed from here on, where a key is configured; without a journal yet, only see
 * whether there is such a key. */
static int agent_sign(struct agent *a, struct err *e)
{
    struct journal_secret secret;
    int rc;

    if (!a->conf->journal.key || a->fatal)
        return 0;
    rc = journal_key_find(a->conf->journal.key, &secret, e);
    a->unfit = rc == ERR_SYNTAX || rc == ERR_REFUSED || rc == ERR_NOT_FILE || rc == -ENOENT;
    if (rc)
        return rc;
    if (a->journal)
        rc = journal_sign(a->journal, &secret, a->real_us, e);
    journal_secret_wipe(&secret);
    if (rc == ERR_CORRUPT) {
        log_error("journal: %s %s; %s", e->where, e->what, e->right);
        *e = (struct err){0};
        return 0;
    }
    return rc;
}

/* Lock the trees: nothing is begun where another agent acts. */
static int agent_own(struct agent *a, struct err *e)
{
    int rc;

    if (a->options.dry_run)
        return 0;
    rc = agent_sign(a, e); /* without the key that is configured nothing is begun */
    if (rc)
        return rc;
    if (mkdir(a->conf->state_dir, 0700) && errno != EEXIST)
        return err_set(e, -errno, a->conf->state_dir, "its parent directory must exist",
                       "the state directory cannot be made: %s", err_name(-errno));
    rc = owner_take(a->conf, &a->owner, &a->rival);
    if (rc)
        *e = a->rival;
    return rc;
}

/* Undo texts were beside the journal's directory once; now they are in it. */
static void agent_undo(const struct agent *a)
{
    char old[PATH_BYTES_MAX + 1];
    int rc = path_join(old, sizeof old, a->conf->state_dir, UNDO_DIR);

    if (rc == 0)
        rc = undo_move(old, a->undo_dir);
    if (rc)
        log_warning("%s: the undo texts in it cannot be moved to %s: %s; \"lst undo\" looks there",
                    old, a->undo_dir, err_name(rc));
}

/* Journal and index, brought together. */
static int agent_state(struct agent *a, struct journal_recovery *ret_recovery, struct err *e)
{
    struct utsname host;
    struct journal_options opt = {.version = PACKAGE_VERSION,
                                  .checkpoint_ms = a->conf->journal.checkpoint_ms};
    char boot[64] = "";
    int fd, rc;

    *ret_recovery = (struct journal_recovery){.next_seq = 1};
    if (a->options.dry_run)
        return agent_state_dry(a, e);
    opt.host = uname(&host) == 0 ? host.nodename : "unknown";
    fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, boot, sizeof boot - 1);

        boot[n > 0 ? strcspn(boot, "\n") : 0] = '\0';
        close(fd);
    }
    opt.boot = boot;
    rc = journal_open(a->conf->journal_dir, &opt, a->real_us, &a->journal, ret_recovery, e);
    if (rc == -EBUSY)
        return err_set(e, rc, a->conf->journal_dir, "one agent a state directory",
                       "another lockstep agent is running on it");
    if (rc)
        return rc;
    agent_undo(a);
    return index_open(a->conf->state_dir, false, &a->index, e);
}

/* The empty things that every run needs. */
static int agent_tables(struct agent *a, struct err *e)
{
    a->manifests_fd = -1;
    a->pending = pending_new();
    a->sighted = map_new();
    a->dirs_gone = map_new();
    a->dirs_to = map_new();
    a->ways = ways_new();
    a->renames = map_new();
    if (!a->pending || !a->sighted || !a->dirs_gone || !a->dirs_to || !a->ways || !a->renames)
        return err_set(e, -ENOMEM, NULL, NULL, "no memory");
    if (sd_event_default(&a->event) < 0)
        return err_set(e, -ENOMEM, NULL, NULL, "the event loop cannot be made");
    return path_join(a->undo_dir, sizeof a->undo_dir, a->conf->journal_dir, UNDO_DIR);
}

int agent_begin_apart(struct agent *a, const char *why, struct err *e)
{
    struct journal_recovery rec;
    struct journal_record start = {.op = JOURNAL_START, .state = JOURNAL_NOTE, .why = why};
    int rc;

    agent_now(a);
    rc = agent_tables(a, e);
    if (rc == 0)
        rc = agent_own(a, e);
    if (rc == 0)
        rc = agent_state(a, &rec, e);
    if (rc == 0)
        rc = agent_mappings(a, e);
    for (size_t i = 0; rc == 0 && i < a->mapping_count; i++) {
        rc = tree_open_root(a->mappings[i].conf->path, &a->root_fds[i]);
        if (rc)
            err_set(e, rc, a->mappings[i].conf->path, NULL, "%s", err_name(rc));
        a->mappings[i].root_fd = a->root_fds[i];
    }
    if (rc == 0)
        rc = agent_upload(a, e);
    if (rc == 0) {
        agent_journal(a, &start);
        rc = agent_sign(a, e);
    }
    if (rc == 0)
        rc = recover(a, rec.next_seq, e);
    if (rc && !e->code)
        err_set(e, rc, NULL, NULL, "the state cannot be opened: %s", err_name(rc));
    return rc;
}

int agent_begin(struct agent *a, struct err *e)
{
    struct journal_recovery rec;
    struct journal_record start = {.op = JOURNAL_START, .state = JOURNAL_NOTE};
    int rc;

    agent_now(a);
    if (a->takeover.begins)
        start.why = "a changed configuration";
    a->started_ms = a->now_ms;
    a->idle_us = a->real_us;
    rc = agent_tables(a, e);
    if (rc == 0)
        rc = agent_own(a, e);
    if (rc == 0)
        rc = agent_state(a, &rec, e);
    if (rc == 0)
        rc = agent_mappings(a, e);
    if (rc == 0 && !a->options.dry_run)
        rc = agent_upload(a, e);
    if (rc == 0) {
        rc = policies_check(a->conf, e);
        a->unfit = rc != 0;
    }
    if (rc == 0)
        rc = agent_watch(a, e);
    if (rc == 0)
        rc = work_new(a->undo_dir, &a->work);
    if (rc == 0 && !a->options.dry_run) {
        if (rec.torn_bytes)
            log_warning("journal: a torn tail of %" PRIu64 " bytes was cut and kept beside it",
                        rec.torn_bytes);
        if (rec.corrupt_segments)
            log_error("journal: %" PRIu64 " corrupt segments were set aside; run: lockstep "
                      "journal verify",
                      rec.corrupt_segments);
        agent_journal(a, &start);
        rc = agent_sign(a, e);
        if (rc == 0)
            rc = agent_rules(a);
        if (rc == 0)
            rc = recover(a, rec.next_seq, e);
        if (rc == 0)
            rc = manifests_begin(a);
        if (rc == 0)
            rc = anchors_begin(a, e);
        if (rc == 0)
            rc = finder_new(a->conf->journal_dir, &a->finder);
        if (rc == 0)
            holds_resume_released(a);
        if (rc == 0)
            rc = control_new(a, a->conf->socket, &a->control, e);
        if (rc == 0)
            rc = metrics_begin(a, e);
    }
    agent_counts(a);
    if (rc == 0)
        rc = loop_sources(a);
    if (rc && !e->code)
        err_set(e, rc, NULL, NULL, "the agent cannot start: %s", err_name(rc));
    return rc;
}

void agent_end_work(struct agent *a)
{
    metrics_end(a);
    control_free(a->control);
    a->control = NULL;
    finder_free(a->finder);
    a->finder = NULL;
    work_free(a->work);
    a->work = NULL;
    watchers_free(a->watchers);
    a->watchers = NULL;
    uploaders_free(a->uploaders);
    a->uploaders = NULL;
    anchors_end(a);
    a->timer = sd_event_source_unref(a->timer);
    a->pulse.source = sd_event_source_unref(a->pulse.source);
    a->event = sd_event_unref(a->event);
}

/* Mirror of agent_begin. */
void agent_end(struct agent *a)
{
    struct journal_record stop = {.op = JOURNAL_STOP, .state = JOURNAL_NOTE};

    metrics_end(a);
    control_free(a->control);
    work_free(a->work);
    watchers_free(a->watchers);
    /* A start that failed before recovery has nothing to tell, and the index must not say that it
     * has what only the journal tells. */
    if (a->journal && a->index && a->recovered && !a->fatal) {
        agent_now(a);
        a->retention_due_ms = 0; /* a run may be too short for a look in between */
        retention_step(a);
        agent_journal(a, &stop);
        a->uncommitted++;
        if (agent_commit(a))
            log_error("the last changes of the index could not be written; they are read from the "
                      "journal at the next start");
        else
            anchors_finish(a);
    }
    finder_free(a->finder);
    uploaders_free(a->uploaders);
    anchors_end(a);
    apply_free(a);
    attributes_free(a->attributes);
    if (a->journal && journal_close(a->journal))
        log_error("the journal could not be closed in order");
    index_close(a->index);
    if (a->manifests_fd >= 0)
        close(a->manifests_fd);
    for (size_t i = 0; a->mappings && i < a->mapping_count; i++)
        rows_free(a->mappings[i].rows);
    stale_free_all(a);
    sweep_free_all(a);
    listed_forget(a, UINT_MAX);
    rename_free_all(a);
    pending_free(a->pending);
    owner_free(a->owner);
    sd_event_source_unref(a->timer);
    sd_event_source_unref(a->pulse.source);
    sd_event_unref(a->event);
    free(a->root_fds);
    free(a->mappings);
}
