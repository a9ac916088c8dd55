/* The agent's figures, and whether it is well. Pure. */
#include "agent/core/metrics.h"

#include "agent/core/prom.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* How a member becomes a sample. */
enum figure_kind {
    FIGURE_COUNT, /* uint64_t as it is */
    FIGURE_MS,    /* int64_t, as seconds; none where it is not known */
    FIGURE_US     /* the same */
};

struct figure {
    const char *name;
    enum prom_type type;
    enum figure_kind kind;
    size_t offset;
    const char *help;
};

#define OF_MAPPING(type, kind, member, name, help)                                                 \
    {                                                                                              \
        "lockstep_mapping_" name, type, kind, offsetof(struct metrics_mapping, member), help       \
    }
#define OF_ALL(type, kind, member, name, help)                                                     \
    {                                                                                              \
        "lockstep_" name, type, kind, offsetof(struct metrics, member), help                       \
    }
#define G PROM_GAUGE
#define C PROM_COUNTER

static const struct figure of_mapping[] = {
    OF_MAPPING(G, FIGURE_COUNT, in_step, "in_step", "Whether S3 has what the disk has."),
    OF_MAPPING(G, FIGURE_COUNT, scanning, "scanning", "Whether a whole scan is under way."),
    OF_MAPPING(G, FIGURE_COUNT, reachable, "reachable", "Whether the root is there and answers."),
    OF_MAPPING(G, FIGURE_COUNT, incomplete, "incomplete",
               "Whether changes may be unknown because events were lost or a scan failed."),
    OF_MAPPING(G, FIGURE_COUNT, blocked, "blocked",
               "Whether nothing gets through to S3, so that one file is tried now and then."),
    OF_MAPPING(G, FIGURE_COUNT, files, "files", "Files that are in S3, as far as is known."),
    OF_MAPPING(G, FIGURE_COUNT, bytes, "bytes", "Their contents."),
    OF_MAPPING(G, FIGURE_COUNT, held, "held_removals", "Removals that the guard holds."),
    OF_MAPPING(G, FIGURE_COUNT, kept, "kept_objects", "Objects that stay without their files."),
    OF_MAPPING(C, FIGURE_COUNT, drifted, "foreign_objects_total",
               "Objects not deleted because somebody else had put them there."),
    OF_MAPPING(G, FIGURE_MS, oldest_ms, "oldest_unsynced_seconds",
               "Age of the oldest change that is not in S3; 0 where there is none."),
    OF_MAPPING(G, FIGURE_MS, scan_age_ms, "scan_age_seconds",
               "Since the last whole scan that saw everything ended; absent before the first."),
    OF_MAPPING(G, FIGURE_MS, blind_ms, "blind_seconds",
               "The time whose changes may be unknown; 0 where events tell of everything."),
    OF_MAPPING(G, FIGURE_MS, rescan_ms, "rescan_interval_seconds",
               "Between whole scans; 0: only when asked."),
    OF_MAPPING(G, FIGURE_COUNT, directories, "directories", "Directories that are known."),
    OF_MAPPING(G, FIGURE_COUNT, watches, "watches", "Directories with a watch."),
    OF_MAPPING(G, FIGURE_COUNT, unwatched, "unwatched_directories", "Directories without one."),
    OF_MAPPING(G, FIGURE_COUNT, limited, "limited_directories",
               "Those of them that the system had no watch for."),
    OF_MAPPING(G, FIGURE_COUNT, to_go, "directories_to_go",
               "Directories not yet listed since events were lost or a scan began."),
    OF_MAPPING(C, FIGURE_COUNT, events, "events_total", "Events of the file system."),
    OF_MAPPING(C, FIGURE_COUNT, overflows, "overflows_total", "Times that events were lost."),
    OF_MAPPING(C, FIGURE_COUNT, scans, "scans_total", "Whole scans that ended."),
};

static const struct figure of_all[] = {
    OF_ALL(G, FIGURE_COUNT, in_step, "in_step", "Whether S3 has what all disks have."),
    OF_ALL(G, FIGURE_COUNT, paused, "paused", "Whether an operator has paused transfers."),
    OF_ALL(G, FIGURE_US, taken_us, "snapshot_timestamp_seconds",
           "When these figures were taken, since 1970."),
    OF_ALL(G, FIGURE_US, started_us, "start_timestamp_seconds",
           "When the agent started, or began anew after a full disk, since 1970."),
    OF_ALL(C, FIGURE_COUNT, lists_rewritten, "lists_rewritten_total", "Lists rewritten on disk."),
    OF_ALL(C, FIGURE_COUNT, rows_changed, "rows_changed_total", "Rows changed in them."),
    OF_ALL(G, FIGURE_COUNT, lists_waiting, "lists_unwritable",
           "Lists that are to be rewritten and cannot be."),
    OF_ALL(G, FIGURE_COUNT, in_flight, "transfers_in_flight", "Transfers handed over."),
    OF_ALL(G, FIGURE_COUNT, at_once, "s3_concurrency", "Requests at once that are worth it now."),
    OF_ALL(G, FIGURE_COUNT, at_once_max, "s3_concurrency_limit", "And that are allowed."),
    OF_ALL(C, FIGURE_COUNT, s3.sent_bytes, "s3_sent_bytes_total",
           "Bodies of requests that were answered."),
    OF_ALL(G, FIGURE_COUNT, keys_failures, "credentials_failures",
           "Failures in a row to renew the credentials."),
    OF_ALL(G, FIGURE_US, keys_expire_us, "credentials_expiry_timestamp_seconds",
           "When the credentials expire, since 1970; absent where they do not."),
    OF_ALL(C, FIGURE_COUNT, journal_records, "journal_records_total",
           "Records of the journal, of all runs."),
    OF_ALL(C, FIGURE_COUNT, journal_failovers, "journal_segments_given_up_total",
           "Segments given up because the disk failed."),
    OF_ALL(G, FIGURE_COUNT, unsigned_lines, "journal_unsigned_lines",
           "Durable lines that no checkpoint covers yet; 0 where nothing is signed."),
    OF_ALL(G, FIGURE_COUNT, signing_failed, "journal_signing_failed",
           "Whether the last checkpoint could not be made."),
    OF_ALL(G, FIGURE_MS, checkpoint_age_ms, "journal_checkpoint_age_seconds",
           "Since the last checkpoint of this run; absent without one."),
    OF_ALL(G, FIGURE_COUNT, anchor_failures, "journal_upload_failures",
           "Failures in a row to bring segments or checkpoints to S3."),
    OF_ALL(G, FIGURE_COUNT, disk.journal_bytes, "journal_bytes", "The journal on disk."),
    OF_ALL(G, FIGURE_COUNT, disk.journal_segments, "journal_segments", "Its segments."),
    OF_ALL(G, FIGURE_COUNT, disk.segments_behind, "journal_segments_not_uploaded",
           "Closed segments that S3 does not have; 0 where none go there."),
    OF_ALL(G, FIGURE_COUNT, disk.index_bytes, "index_bytes", "The index on disk."),
    OF_ALL(G, FIGURE_COUNT, disk.free_bytes, "state_free_bytes",
           "Free space for journal and index."),
    OF_ALL(G, FIGURE_COUNT, process.resident_bytes, "process_resident_memory_bytes",
           "Memory of the agent's process."),
    OF_ALL(G, FIGURE_COUNT, process.own_bytes, "process_own_memory_bytes",
           "Of it, what is of no file: the index is mapped into memory, and its pages can go."),
    OF_ALL(G, FIGURE_COUNT, process.virtual_bytes, "process_virtual_memory_bytes",
           "Its address space."),
    OF_ALL(G, FIGURE_COUNT, process.open_fds, "process_open_fds", "Its open descriptors."),
    OF_ALL(G, FIGURE_COUNT, process.max_fds, "process_max_fds", "And their limit."),
    OF_ALL(G, FIGURE_COUNT, process.threads, "process_threads", "Its threads."),
    OF_ALL(C, FIGURE_MS, process.cpu_ms, "process_cpu_seconds_total", "Processor time it took."),
    OF_ALL(G, FIGURE_MS, process.started_ms, "process_start_time_seconds",
           "When it started, since 1970."),
};

#undef G
#undef C

struct metrics *metrics_new(size_t mappings)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->mappings = calloc(mappings + 1, sizeof *m->mappings);
    if (!m->mappings) {
        free(m);
        return NULL;
    }
    m->mapping_count = mappings;
    return m;
}

void metrics_free(struct metrics *m)
{
    if (!m)
        return;
    free(m->mappings);
    free(m);
}

/* A sample of the family at hand, from the struct that has the member. */
static void put_figure(struct prom *p, const struct figure *f, const void *of,
                       const struct prom_label *labels, size_t n)
{
    const char *at = (const char *)of + f->offset;
    uint64_t count;
    int64_t time;

    if (f->kind == FIGURE_COUNT) {
        memcpy(&count, at, sizeof count);
        prom_count(p, labels, n, count);
        return;
    }
    memcpy(&time, at, sizeof time);
    if (time != METRICS_NOT_KNOWN)
        prom_value(p, labels, n, (double)time / (f->kind == FIGURE_MS ? 1e3 : 1e6));
}

/* All that each mapping has. */
static void put_mappings(struct prom *p, const struct metrics *m)
{
    prom_family(p, "lockstep_mapping_info", PROM_GAUGE, "1; what a mapping is.");
    for (size_t i = 0; i < m->mapping_count; i++) {
        const struct metrics_mapping *mm = &m->mappings[i];
        const struct prom_label labels[] = {{"mapping", mm->name},
                                            {"kind", mm->is_lists ? "lists" : "repository"},
                                            {"file_system", mm->file_system}};

        prom_count(p, labels, COUNT_OF(labels), 1);
    }
    for (size_t f = 0; f < COUNT_OF(of_mapping); f++) {
        prom_family(p, of_mapping[f].name, of_mapping[f].type, of_mapping[f].help);
        for (size_t i = 0; i < m->mapping_count; i++)
            put_figure(p, &of_mapping[f], &m->mappings[i],
                       &(struct prom_label){"mapping", m->mappings[i].name}, 1);
    }
    prom_family(p, "lockstep_mapping_pending", PROM_GAUGE, "Changes that are open, by state.");
    for (size_t i = 0; i < m->mapping_count; i++)
        for (int s = 0; s < ITEM_STATE_COUNT; s++) {
            const struct prom_label labels[] = {{"mapping", m->mappings[i].name},
                                                {"state", item_state_name((enum item_state)s)}};

            prom_count(p, labels, COUNT_OF(labels), m->mappings[i].states[s]);
        }
    prom_family(p, "lockstep_mapping_change_seconds", PROM_HISTOGRAM,
                "From the first sign of a change to its object in S3.");
    for (size_t i = 0; i < m->mapping_count; i++)
        prom_histogram(p, &(struct prom_label){"mapping", m->mappings[i].name}, 1,
                       &m->mappings[i].latency);
}

/* What was done. */
static void put_changes(struct prom *p, const struct metrics *m)
{
    static const char *const names[] = {[CHANGE_ADD] = "add",
                                        [CHANGE_EDIT] = "edit",
                                        [CHANGE_META] = "meta",
                                        [CHANGE_RENAME] = "rename",
                                        [CHANGE_REMOVE] = "remove"};

    prom_family(p, "lockstep_changes_total", PROM_COUNTER, "Changes brought to S3, by kind.");
    for (size_t i = CHANGE_ADD; i < COUNT_OF(names); i++)
        prom_count(p, &(struct prom_label){"change", names[i]}, 1, m->changes[i]);
}

/* What was asked of S3. A result that an operation never had is left out, but for "done". */
static void put_requests(struct prom *p, const struct uploaders_counts *c)
{
    prom_family(p, "lockstep_s3_requests_total", PROM_COUNTER,
                "Requests of S3, each attempt one, by operation and result.");
    for (int o = 0; o < S3_OPERATION_COUNT; o++)
        for (int r = 0; r < S3_RESULT_COUNT; r++) {
            const struct prom_label labels[] = {
                {"operation", s3_operation_name((enum s3_operation)o)},
                {"result", s3_result_name((enum s3_result)r)}};

            if (r == S3_RESULT_DONE || c->requests[o][r])
                prom_count(p, labels, COUNT_OF(labels), c->requests[o][r]);
        }
    prom_family(p, "lockstep_s3_retries_total", PROM_COUNTER,
                "Attempts that were followed by another one.");
    for (int o = 0; o < S3_OPERATION_COUNT; o++)
        prom_count(p, &(struct prom_label){"operation", s3_operation_name((enum s3_operation)o)}, 1,
                   c->retries[o]);
}

/* What failed, and what is held up by it. */
static void put_troubles(struct prom *p, const struct metrics *m)
{
    prom_family(p, "lockstep_failures_total", PROM_COUNTER,
                "Transfers that failed, by cause; none: of one file alone, or over by the next.");
    for (int k = 0; k < TROUBLE_KIND_COUNT; k++)
        prom_count(p, &(struct prom_label){"cause", trouble_kind_name((enum trouble_kind)k)}, 1,
                   m->failures[k]);
    prom_family(p, "lockstep_stopped_files", PROM_GAUGE,
                "Files that a cause keeps out of S3 now; no sample where there is none.");
    for (size_t i = 0; i < m->trouble_count; i++) {
        const struct metrics_trouble *t = &m->troubles[i];
        const struct prom_label labels[] = {
            {"cause", t->cause}, {"operation", t->operation}, {"mapping", t->mapping}};

        prom_count(p, labels, COUNT_OF(labels), t->open);
    }
}

/* Add a line. */
static void say(struct buf *why, int *rc, const char *text, const char *name)
{
    if (*rc == 0)
        *rc = buf_appendf(why, "%s%s%s\n", name, name[0] ? ": " : "", text);
}

int metrics_healthy(const struct metrics *m, struct buf *why)
{
    size_t before = why->len;
    int rc = 0;

    if (m->no_room)
        say(why, &rc, "there is no room for the journal: nothing is begun", "");
    if (m->journal_failed)
        say(why, &rc, "the journal cannot be written", "");
    if (m->watchers_stuck)
        say(why, &rc, "the watchers' thread does not move", "");
    for (size_t i = 0; i < m->mapping_count && !m->no_room; i++) {
        if (!m->mappings[i].reachable)
            say(why, &rc, "its root cannot be reached or does not answer", m->mappings[i].name);
        if (m->mappings[i].blocked)
            say(why, &rc, "nothing gets through to S3", m->mappings[i].name);
    }
    return rc ? rc : why->len == before;
}

/* Whether it is well, as a sample. */
static void put_health(struct prom *p, const struct metrics *m)
{
    struct buf why;
    int healthy;

    buf_init(&why, 1 << 20);
    healthy = metrics_healthy(m, &why);
    buf_release(&why);
    prom_family(p, "lockstep_healthy", PROM_GAUGE,
                "Whether the agent gets on and is safe: what /healthz says.");
    prom_count(p, NULL, 0, healthy > 0);
    prom_family(p, "lockstep_journal_no_room", PROM_GAUGE,
                "Whether the disk of the journal is full, so that nothing is begun.");
    prom_count(p, NULL, 0, m->no_room);
    prom_family(p, "lockstep_standing_by", PROM_GAUGE,
                "Whether another agent acts on the trees, so that this one begins nothing.");
    prom_count(p, NULL, 0, m->standing_by);
}

int metrics_render(const struct metrics *m, const char *version, struct buf *out)
{
    struct prom p;

    prom_begin(&p, out);
    prom_family(&p, "lockstep_build_info", PROM_GAUGE, "1; the program's version.");
    prom_count(&p, &(struct prom_label){"version", version}, 1, 1);
    put_health(&p, m);
    for (size_t f = 0; f < COUNT_OF(of_all); f++) {
        prom_family(&p, of_all[f].name, of_all[f].type, of_all[f].help);
        put_figure(&p, &of_all[f], m, NULL, 0);
    }
    put_changes(&p, m);
    put_requests(&p, &m->s3);
    put_troubles(&p, m);
    put_mappings(&p, m);
    return p.rc;
}
