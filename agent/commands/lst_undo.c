/*
 * Shell. lockstep lst undo: what one rewrite did to a list is taken back, by row, on top of what
 * became of the list since.
 *
 *   record -> its undo text, held against its hash -> the list as it is -> merged -> replaced
 */
#include "agent/commands/lst.h"
#include "agent/commands/lst_lock.h"
#include "agent/commands/options.h"

#include "agent/commands/commands.h"
#include "agent/service/undo.h"
#include "base/path.h"
#include "journal/journal.h"
#include "lists/merge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PUT_TRIES 10 /* at a list that changes in every moment between reading and writing */

static const char usage[] =
    "usage: lockstep lst undo [--force] [--renumber] [-o OUT] [-c FILE] SEQ\n"
    "Take back what one rewrite did to a list: SEQ is the number of its record in the journal\n"
    "(lockstep journal show --op lst). Rows that it dropped come again, and those that it changed\n"
    "are as they were; what became of the list since stays. Where a row was changed since, "
    "nothing\n"
    "is written.\n"
    "  --force      also where images that the rows name are not on disk\n"
    "  --renumber   a row whose index another one has by now gets the next free one\n"
    "  -o OUT       write it there, rows that were changed since between markers\n"
    "  -c FILE      the configuration\n"
    "Exit status: 0 taken back, 1 conflicts, images that are missing, or no text to take it back\n"
    "with; 2 wrong use, 4 the journal or the list cannot be read or written.\n";

struct wish {
    struct lst_merge_options merge;
    uint64_t seq;
    const char *out;
    const char *conf_file;
    bool force;
};

/* A rewrite that is to be taken back. */
struct rewritten {
    const struct conf *conf;
    size_t mapping; /* of the list */
    char list[PATH_BYTES_MAX + 1];
    char name[UNDO_NAME_SIZE]; /* of the undo text */
    uint8_t after[SHA256_BYTES];
    struct buf undo;
};

/* The lists mapping of that name. */
static bool find_mapping(const struct conf *conf, const char *name, size_t *ret)
{
    for (size_t i = 0; name && i < conf->mapping_count; i++)
        if (conf->mappings[i].kind == CONF_LISTS && strcmp(conf->mappings[i].name, name) == 0) {
            *ret = i;
            return true;
        }
    return false;
}

/* What the intent of a rewrite tells. */
static int take_intent(struct rewritten *r, const struct journal_record *rec, struct err *e)
{
    int rc = 0;

    if (!rec->path || !rec->backup || !rec->after || strlen(rec->after) != 2 * SHA256_BYTES ||
        hex_decode(rec->after, 2 * SHA256_BYTES, r->after) ||
        strlen(rec->backup) >= sizeof(r->name))
        return err_set(e, ERR_SYNTAX, NULL, NULL, "record %" PRIu64 " has no undo text", rec->seq);
    if (!find_mapping(r->conf, rec->mapping, &r->mapping))
        return err_set(e, ERR_SYNTAX, r->conf->file, "a configuration with that mapping",
                       "the lists mapping %s of record %" PRIu64 " is not there",
                       rec->mapping ? rec->mapping : "", rec->seq);
    rc = path_join(r->list, sizeof(r->list), r->conf->mappings[r->mapping].path, rec->path);
    memcpy(r->name, rec->backup, strlen(rec->backup) + 1);
    return rc ? err_set(e, rc, rec->path, NULL, "its path is too long") : 0;
}

/* The record with this number, or an error. */
static int read_record(struct journal_reader *reader, uint64_t seq, struct journal_record *rec,
                       struct err *e)
{
    enum journal_read got = journal_read(reader, rec, NULL, e);

    if (got == JOURNAL_READ_ERROR)
        return e->code;
    if (got == JOURNAL_READ_END || rec->seq != seq)
        return err_set(e, -ENOENT, NULL, "lockstep journal show --op lst",
                       "the journal has no record %" PRIu64, seq);
    if (rec->op != JOURNAL_LST || rec->state == JOURNAL_NOTE || rec->state == JOURNAL_ABORT)
        return err_set(e, ERR_SYNTAX, NULL, "lockstep journal show --op lst",
                       "record %" PRIu64 " is of no rewrite that came about: it is \"%s %s\"", seq,
                       journal_op_name(rec->op), journal_state_name(rec->state));
    return 0;
}

/* How the rewrite of this intent ended. */
static int read_end(struct journal_reader *reader, uint64_t tx, struct err *e)
{
    struct journal_record rec;
    enum journal_read got;

    while ((got = journal_read(reader, &rec, NULL, e)) == JOURNAL_READ_RECORD) {
        if (rec.op != JOURNAL_LST || rec.tx != tx)
            continue;
        if (rec.state == JOURNAL_DONE)
            return 0;
        break;
    }
    return err_set(e, ERR_SYNTAX, NULL, "lockstep journal show --op lst",
                   "the rewrite of record %" PRIu64 " did not come about%s", tx,
                   got == JOURNAL_READ_RECORD ? "" : ", or is still under way");
}

/* The rewrite of this record: of its intent, or of its end. */
static int find_rewrite(struct rewritten *r, uint64_t seq, struct err *e)
{
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    uint64_t tx = seq;
    int rc = journal_reader_open(r->conf->journal_dir, seq, &reader, e);

    if (rc == 0)
        rc = read_record(reader, seq, &rec, e);
    if (rc == 0 && rec.state == JOURNAL_DONE && rec.tx < seq) {
        tx = rec.tx;
        journal_reader_close(reader);
        reader = NULL;
        rc = journal_reader_open(r->conf->journal_dir, tx, &reader, e);
        if (rc == 0)
            rc = read_record(reader, tx, &rec, e);
    }
    if (rc == 0)
        rc = take_intent(r, &rec, e);
    if (rc == 0)
        rc = read_end(reader, tx, e);
    journal_reader_close(reader);
    return rc;
}

/* The text, which must be what its name says; where an older version kept it, too. */
static int find_text(struct rewritten *r, struct err *e)
{
    const char *const dirs[] = {r->conf->journal_dir, r->conf->state_dir};
    char dir[PATH_BYTES_MAX + 1];
    int rc = -ENOENT;

    for (size_t i = 0; i < 2 && rc == -ENOENT; i++) {
        rc = path_join(dir, sizeof(dir), dirs[i], UNDO_DIR);
        if (rc == 0)
            rc = undo_read(dir, r->name, &r->undo);
    }
    if (rc == ERR_CORRUPT)
        return err_set(e, rc, r->name, "lockstep journal verify tells of others",
                       "the undo text in %s was altered: the journal has another hash of it", dir);
    return rc ? err_set(e, rc, r->name, NULL, "the undo text cannot be read: %s", err_name(rc)) : 0;
}

/* Are the images there that the old rows name? Else the agent would soon take the rows out again.
 */
static int look_at_images(const struct rewritten *r, struct span before, struct err *e)
{
    const struct conf_mapping *lists = &r->conf->mappings[r->mapping];
    char path[PATH_BYTES_MAX + 1], first[PATH_BYTES_MAX + 1] = "";
    struct lst_cursor c = {.in = before};
    struct lst_row row;
    uint64_t missing = 0;
    int fd, rc = tree_open_root(r->conf->mappings[lists->repository].path, &fd);

    if (rc)
        return err_set(e, rc, r->conf->mappings[lists->repository].path, NULL, "%s", err_name(rc));
    while (lst_row_next(&c, &row)) {
        struct file_stat st;

        if (row.kind != LST_ROW_IMAGE || lst_path_normal(row.path, path, sizeof(path)) ||
            (tree_stat(fd, path, &st) == 0 && st.kind != FILE_ABSENT))
            continue;
        if (!missing++)
            memcpy(first, path, sizeof(first));
    }
    (void)close(fd); /* nothing was written */
    if (!missing)
        return 0;
    return err_set(e, ERR_REFUSED, r->list,
                   "put the images back first, else the agent takes such rows out again for a day; "
                   "or --force",
                   "%" PRIu64 " of its rows would name images that are not on disk, such as %s",
                   missing, first);
}

/* The list with the rewrite taken back: the old bytes where nothing else became of it (*ret_exact),
 * else merged. */
static int take_back(const struct rewritten *r, const struct wish *w, struct span now,
                     struct buf *out, bool *ret_exact, struct lst_merge_stats *ret, struct err *e)
{
    struct span undo = {r->undo.data ? r->undo.data : "", r->undo.len};
    uint8_t hash[SHA256_BYTES];
    struct buf before, after;
    int rc;

    buf_init(&before, SIZE_MAX);
    buf_init(&after, SIZE_MAX);
    digest_sha256(now.p, now.n, hash);
    *ret = (struct lst_merge_stats){0};
    rc = lst_undo_sides(undo, &before, &after);
    if (rc == 0 && !w->force)
        rc = look_at_images(r, (struct span){before.data, before.len}, e);
    *ret_exact = memcmp(hash, r->after, sizeof(hash)) == 0;
    if (rc == 0 && *ret_exact)
        rc = lst_undo(now, undo, out);
    else if (rc == 0)
        rc = lst_merge((struct span){after.data, after.len}, now,
                       (struct span){before.data, before.len}, &w->merge, out, ret);
    buf_release(&before);
    buf_release(&after);
    return rc && !e->code ? err_set(e, rc, r->list, NULL, "%s", err_name(rc)) : rc;
}

/* The merge changed nothing. */
static bool is_back(const struct lst_merge_stats *s)
{
    return s->changed + s->dropped + s->added + s->conflicts == 0;
}

/* Write it: where it was asked for, or in the list's place if it is still what was read. */
static int put(const struct rewritten *r, const struct wish *w, const struct lst_file *now,
               const struct buf *out, const struct lst_merge_stats *s, struct err *e)
{
    struct span text = {out->data ? out->data : "", out->len};

    if (w->out)
        return lst_file_create(w->out, text, false, e);
    if (s->conflicts)
        return err_set(e, ERR_REFUSED, r->list, "-o OUT has both sides between markers",
                       "%" PRIu64 " rows were changed since: nothing is taken back", s->conflicts);
    return lst_file_write(r->list, text, now, e);
}

/* With the lock held: an exit status. */
static int undo(const struct rewritten *r, const struct wish *w)
{
    struct lst_merge_stats stats = {0};
    bool exact = false;
    struct err e = {0};
    int rc = ERR_CHANGED;

    for (int i = 0; i < PUT_TRIES && rc == ERR_CHANGED; i++) {
        struct lst_file now = {0};
        struct buf out;

        e = (struct err){0};
        buf_init(&out, SIZE_MAX);
        rc = lst_file_read(r->list, &now, &e);
        if (rc == 0)
            rc = take_back(r, w, lst_file_text(&now), &out, &exact, &stats, &e);
        if (rc == 0 && (w->out || exact || !is_back(&stats)))
            rc = put(r, w, &now, &out, &stats, &e);
        lst_file_release(&now);
        buf_release(&out);
    }
    if (rc)
        return rc == ERR_REFUSED ? command_fault(EXIT_DIFFERENCES, &e) : lst_failed(&e);
    command_print_name(w->out ? w->out : r->list);
    printf(": record %" PRIu64 " is taken back%s\n", w->seq,
           stats.conflicts             ? ", but for the rows between markers"
           : !exact && is_back(&stats) ? " already"
                                       : "");
    return stats.conflicts ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}

/* Find all that is needed; an exit status. */
static int prepare(struct rewritten *r, const struct wish *w)
{
    struct lst_lock lock;
    struct err e = {0};
    int rc = find_rewrite(r, w->seq, &e);
    int status;

    if (rc)
        return rc == ERR_SYNTAX || rc == -ENOENT ? command_fault(EXIT_USAGE, &e)
                                                 : command_fault(EXIT_UNREACHED, &e);
    rc = find_text(r, &e);
    if (rc)
        return command_fault(EXIT_DIFFERENCES, &e);
    rc = lst_lock_take(r->list, &lock, &e);
    if (rc)
        return rc == -EBUSY ? command_fault(EXIT_DIFFERENCES, &e) : lst_failed(&e);
    status = undo(r, w);
    lst_lock_drop(&lock);
    return status;
}

/* The options. NULL, or what is wrong; "" asks for help. */
static const char *options(int argc, char **argv, struct wish *w)
{
    const struct command_option table[] = {{"force", .flag = &w->force},
                                           {"renumber", .flag = &w->merge.renumber},
                                           {"output", 'o', .text = &w->out},
                                           {"config", 'c', .text = &w->conf_file},
                                           {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return wrong;
    if (argc - optind != 1 || !lst_number(argv[optind], 1, UINT64_MAX, &w->seq))
        return "SEQ is the number of a record in the journal";
    return NULL;
}

int lst_command_undo(int argc, char **argv)
{
    struct wish w = {.merge = {.ours = "now", .theirs = "before"}};
    const char *wrong = options(argc, argv, &w);
    struct rewritten r = {.mapping = 0};
    struct conf *conf = NULL;
    int status;

    if (wrong)
        return command_usage(usage, wrong);
    status = command_load(w.conf_file ? w.conf_file : CONF_DEFAULT_FILE, true, &conf);
    if (status)
        return status;
    r.conf = conf;
    buf_init(&r.undo, SIZE_MAX);
    status = prepare(&r, &w);
    buf_release(&r.undo);
    conf_free(conf);
    return status;
}
