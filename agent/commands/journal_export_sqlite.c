/* Shell. The journal as a SQLite database.
 *
 * It is written into the temporary file in one transaction, without a journal of SQLite's own:
 * until the file gets its name there is nothing to roll back to. Memory is what the page cache may
 * have; the indexes are sorted at the end, beside the system's temporary files where they are
 * large. */
#include "agent/commands/journal_export.h"

#include "base/clock.h"
#include "journal/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>

#define CACHE_KIB    "32768"
#define SQL_MAX      4096
#define LOOK_EACH_OP 100000 /* steps of SQLite's machine between two looks at signals */

struct database {
    sqlite3 *db;
    sqlite3_stmt *insert;
};

/* e says what SQLite has against it. Returns a negative code. */
static int failed(const struct journal_export *x, struct err *e)
{
    const struct database *d = x->state;
    const int code = sqlite3_errcode(d->db) & 0xff, number = sqlite3_system_errno(d->db);

    if (code == SQLITE_INTERRUPT)
        return output_failed(&x->out, -EINTR, e);
    if (code == SQLITE_FULL || (code == SQLITE_IOERR && number == ENOSPC))
        return output_failed(&x->out, -ENOSPC, e);
    return err_set(e, code == SQLITE_NOMEM ? -ENOMEM : -EIO, x->out.path, "",
                   "cannot be written as a database: %s", sqlite3_errmsg(d->db));
}

static int run(const struct journal_export *x, const char *sql, struct err *e)
{
    const struct database *d = x->state;

    return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(x, e);
}

/* SQLite's own way to be interrupted. */
static int look(void *arg)
{
    (void)arg;
    return output_interrupted();
}

/* The table of records, by the columns that there are. */
static int create_records(const struct journal_export *x, struct err *e)
{
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_MAX);
    rc = buf_append_str(&sql, "CREATE TABLE records(");
    for (unsigned i = 0; i < JOURNAL_COLUMNS && rc == 0; i++)
        rc = buf_appendf(&sql, "%s%s %s%s", i ? ", " : "", journal_column(i)->name,
                         journal_column(i)->number ? "INTEGER" : "TEXT", i ? "" : " PRIMARY KEY");
    if (rc == 0)
        rc = buf_append_str(&sql, ")");
    rc = rc ? err_set(e, rc, "", "", "out of memory") : run(x, sql.data, e);
    buf_release(&sql);
    return rc;
}

/* The statement that every record goes through. */
static int prepare_insert(const struct journal_export *x, struct err *e)
{
    struct database *d = x->state;
    struct buf sql;
    int rc;

    buf_init(&sql, SQL_MAX);
    rc = buf_append_str(&sql, "INSERT INTO records VALUES(");
    for (unsigned i = 0; i < JOURNAL_COLUMNS && rc == 0; i++)
        rc = buf_append_str(&sql, i ? ", ?" : "?");
    if (rc == 0)
        rc = buf_append_str(&sql, ")");
    if (rc)
        rc = err_set(e, rc, "", "", "out of memory");
    else if (sqlite3_prepare_v2(d->db, sql.data, -1, &d->insert, NULL) != SQLITE_OK)
        rc = failed(x, e);
    buf_release(&sql);
    return rc;
}

/* Close and forget. */
static void drop(struct journal_export *x)
{
    struct database *d = x->state;

    (void)sqlite3_finalize(d->insert); /* says again what its last step has said */
    (void)sqlite3_close(d->db);        /* its statements are gone: it cannot be busy */
    free(d);
    x->state = NULL;
}

static int begin(struct journal_export *x, struct err *e)
{
    static const char settings[] =
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
        "PRAGMA cache_size = -" CACHE_KIB "; BEGIN";
    struct database *d = calloc(1, sizeof *d);
    int rc;

    if (!d)
        return err_set(e, -ENOMEM, "", "", "out of memory");
    x->state = d;
    rc = sqlite3_open_v2(x->out.temp, &d->db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK
             ? 0
             : failed(x, e);
    if (rc == 0) {
        sqlite3_progress_handler(d->db, LOOK_EACH_OP, look, NULL);
        rc = run(x, settings, e);
    }
    if (rc == 0)
        rc = create_records(x, e);
    if (rc == 0)
        rc = run(x, journal_schema_views, e);
    if (rc == 0)
        rc = prepare_insert(x, e);
    if (rc)
        drop(x);
    return rc;
}

/* Bind a value; SQLite reads it before the next one is read into the row. */
static int bind(sqlite3_stmt *insert, int at, const struct journal_cell *cell)
{
    switch (cell->kind) {
    case JOURNAL_CELL_NUMBER:
        return sqlite3_bind_int64(insert, at, cell->number);
    case JOURNAL_CELL_TEXT:
        return sqlite3_bind_text(insert, at, cell->text.p, (int)cell->text.n, SQLITE_STATIC);
    case JOURNAL_CELL_ABSENT:
        break;
    }
    return sqlite3_bind_null(insert, at);
}

static int put(struct journal_export *x, struct span line, struct err *e)
{
    const struct database *d = x->state;
    int rc = export_row(x, line, e);

    if (rc)
        return rc;
    for (unsigned i = 0; i < JOURNAL_COLUMNS; i++)
        if (bind(d->insert, (int)i + 1, &x->row.cells[i]) != SQLITE_OK)
            return failed(x, e);
    if (sqlite3_step(d->insert) != SQLITE_DONE)
        return failed(x, e);
    (void)sqlite3_reset(d->insert); /* says again what the step has said */
    return 0;
}

/* Where the records come from. */
static int tell_origin(const struct journal_export *x, struct err *e)
{
    const struct journal_verdict *v = x->about.verdict;
    char iso[CLOCK_ISO_SIZE];
    char *sql = sqlite3_mprintf(
        "CREATE TABLE about(made TEXT, program TEXT, journal TEXT, records INTEGER,"
        " journal_records INTEGER, first_q INTEGER, last_q INTEGER, faults INTEGER,"
        " signed_lines INTEGER, lines INTEGER, chain TEXT);"
        "INSERT INTO about VALUES(%Q, %Q, %Q, %lld, %lld, %lld, %lld, %lld, %lld, %lld, %Q)",
        clock_iso(x->about.made_us, iso), PACKAGE_VERSION, x->about.dir, (int64_t)x->records,
        (int64_t)v->records, (int64_t)v->first_seq, (int64_t)v->last_seq, (int64_t)v->faults,
        (int64_t)v->signed_leaves, (int64_t)v->leaves, v->chain);
    int rc;

    if (!sql)
        return err_set(e, -ENOMEM, "", "", "out of memory");
    rc = run(x, sql, e);
    sqlite3_free(sql);
    return rc;
}

static int end(struct journal_export *x, bool whole, struct err *e)
{
    int rc = 0;

    if (whole)
        rc = tell_origin(x, e);
    if (whole && rc == 0)
        rc = run(x, journal_schema_indexes, e);
    if (whole && rc == 0)
        rc = run(x, "PRAGMA analysis_limit = 1000; ANALYZE; COMMIT", e);
    drop(x);
    return rc;
}

const struct export_format export_sqlite = {
    .name = "sqlite", .database = true, .begin = begin, .put = put, .end = end};
