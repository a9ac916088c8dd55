/*
 * The writer. Shell.
 *
 * `held` is [body commit body commit ... | open batch]: what was flushed stays in memory until
 * fdatasync has said that it is on disk. When it says that it is not, the kernel may already have
 * thrown the pages away, so the file is left as it is and the bodies go into a new segment.
 */
#include "journal/writer.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD_SYNC (16u << 20) /* bytes that may wait for an fdatasync */

/* Bytes to the kernel, with the ballast let go where the disk is full. 0 or -errno. */
static int write_bytes(struct journal *j, const char *p, size_t n)
{
    int rc;

    if (!j->degraded && journal_segment_reserve(&j->segment, n, j->reserve_chunk)) {
        j->degraded = true;
        j->degraded_us = j->now_us;
    }
    rc = journal_segment_write(&j->segment, p, n);
    if (journal_is_full(rc)) {
        journal_degrade(j);
        rc = journal_segment_write(&j->segment, p, n);
    }
    return rc;
}

void journal_set_flushed(struct journal *j, const struct journal_head *head, size_t n)
{
    if (j->mark_count == 0)
        j->unsynced_since_us = j->open_since_us;
    j->marks[j->mark_count++] =
        (struct journal_mark){j->open_from, n, j->open_records, j->next_seq};
    j->head = *head;
    j->open_from = j->held.len;
    j->open_records = 0;
    j->open_lines = 0;
}

/* The lines of the open batch, without the commit line. */
static void unseal(struct journal *j, size_t n)
{
    j->held.len = j->open_from + n;
    j->held.data[j->held.len] = '\0';
}

/* The open batch to the kernel, or, while the disk is asked, to the thread. 0, -ENOMEM, -ENOSPC (it
 * stays open), -EIO. */
static int write_open(struct journal *j)
{
    struct journal_head head;
    size_t n;
    int rc = journal_sync_room(j);

    n = journal_open_bytes(j);
    if (rc || n == 0)
        return rc;
    head = j->head;
    head.next_seq = j->next_seq;
    rc = journal_batch_seal(&head, &j->held, j->open_from, j->open_records);
    if (rc)
        return -ENOMEM;
    if (journal_is_syncing(j)) {
        rc = journal_sync_queue(j, &head);
        if (rc)
            unseal(j, n);
        else
            journal_set_flushed(j, &head, n);
        return rc;
    }
    rc = write_bytes(j, j->held.data + j->open_from, journal_open_bytes(j));
    if (rc) {
        unseal(j, n);
        j->stuck = journal_is_full(rc);
        return j->stuck ? -ENOSPC : journal_fail_over(j);
    }
    j->stuck = false;
    journal_set_flushed(j, &head, n);
    return 0;
}

int journal_flush(struct journal *j)
{
    int rc = 0;

    if (j->failed)
        return -EIO;
    if (journal_open_bytes(j) == 0)
        return 0;
    if (journal_is_rotation_due(j))
        rc = journal_rotate(j);
    else if (j->mark_count == JOURNAL_MARKS_MAX || j->open_from > HELD_SYNC)
        rc = journal_sync_flushed(j);
    if (rc || journal_open_bytes(j) == 0)
        return rc;
    return write_open(j);
}

int journal_sync(struct journal *j)
{
    int rc = j->failed ? -EIO : journal_settle(j, true);

    if (rc == 0)
        rc = journal_flush(j); /* by this thread, which knows then that it fitted */
    return rc ? rc : journal_sync_flushed(j);
}

/* Room for one more line in the open batch. 0 or what flush says. */
static int make_room(struct journal *j)
{
    int rc;

    if (journal_open_bytes(j) < j->opt.batch_bytes)
        return 0;
    rc = journal_flush(j);
    if (rc == -ENOSPC && journal_open_bytes(j) + JOURNAL_LINE_MAX < JOURNAL_BATCH_MAX)
        rc = 0;
    return rc;
}

int journal_append(struct journal *j, const struct journal_record *rec, int64_t now_us,
                   uint64_t *ret_seq)
{
    struct journal_record mine = *rec;
    bool first;
    int rc;

    if (j->failed)
        return -EIO;
    j->now_us = now_us;
    if (j->degraded && rec->state == JOURNAL_INTENT)
        return -ENOSPC;
    rc = make_room(j);
    if (rc)
        return rc;
    first = journal_open_bytes(j) == 0;
    mine.seq = j->next_seq;
    mine.time_us = now_us;
    if (mine.tx == JOURNAL_TX_SELF)
        mine.tx = mine.seq;
    rc = journal_record_encode(&mine, &j->held);
    if (rc)
        return rc;
    if (first)
        j->open_since_us = now_us;
    j->open_records++;
    j->open_lines++;
    j->lines++;
    j->next_seq++;
    if (ret_seq)
        *ret_seq = mine.seq;
    return 0;
}

int journal_put_line(struct journal *j, struct span line)
{
    int rc;

    if (journal_open_bytes(j) == 0)
        j->open_since_us = j->now_us;
    rc = buf_append_span(&j->held, line);
    if (rc)
        return rc;
    j->open_lines++;
    j->lines++;
    return 0;
}

/* The lesser of two waits; a may be -1, which is none. */
static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || b < a ? b : a;
}

/* Milliseconds until `ms` have passed since, rounded up. */
static int64_t wait_ms(int64_t now_us, int64_t since_us, int64_t ms)
{
    int64_t left_us = since_us + ms * US_PER_MS - now_us;

    if (now_us < since_us || left_us <= 0)
        return 0;
    return (left_us + US_PER_MS - 1) / US_PER_MS;
}

int64_t journal_deadline_ms(const struct journal *j, int64_t now_us)
{
    int64_t wait = -1, signing_ms;

    if (j->failed || journal_is_syncing(j))
        return -1;
    if (journal_open_bytes(j) && !j->stuck)
        wait = wait_ms(now_us, j->open_since_us, j->opt.flush_ms);
    if (j->mark_count)
        wait = sooner(wait, wait_ms(now_us, j->unsynced_since_us, j->opt.sync_ms));
    if (j->degraded)
        wait = sooner(wait, wait_ms(now_us, j->degraded_us, JOURNAL_RETRY_MS));
    if (j->rotate_held)
        wait = sooner(wait, wait_ms(now_us, j->rotate_failed_us, JOURNAL_RETRY_MS));
    else if (j->head.next_seq != j->segment.name.first)
        wait = sooner(wait, wait_ms(now_us, j->segment.born_us, j->opt.segment_age_ms));
    if (journal_signing_wait(j, &signing_ms))
        wait = sooner(wait, wait_ms(now_us, j->signed_us, signing_ms));
    return wait;
}

/* Is there space again? */
static void try_recover_space(struct journal *j)
{
    j->degraded_us = j->now_us;
    if (journal_segment_reserve(&j->segment, j->reserve_chunk, j->reserve_chunk))
        return;
    if (j->opt.ballast_bytes != JOURNAL_NO_BALLAST &&
        journal_ballast_make(j->dir_fd, j->opt.ballast_bytes))
        return;
    j->degraded = false;
}

int journal_tick(struct journal *j, int64_t now_us)
{
    bool sync_due, flush_due;
    int rc = 0;

    if (j->failed)
        return -EIO;
    j->now_us = now_us;
    rc = journal_settle(j, false);
    if (rc || journal_is_syncing(j))
        return rc;
    sync_due = j->mark_count && journal_has_passed(now_us, j->unsynced_since_us, j->opt.sync_ms);
    flush_due = journal_open_bytes(j) &&
                (j->stuck ? journal_has_passed(now_us, j->degraded_us, JOURNAL_RETRY_MS)
                          : journal_has_passed(now_us, j->open_since_us, j->opt.flush_ms));
    if (flush_due)
        rc = journal_flush(j);
    if (rc == 0 && sync_due)
        rc = journal_sync_flushed(j);
    if (rc == 0 && journal_is_rotation_due(j))
        rc = journal_rotate(j);
    if (rc == 0)
        journal_signing_tick(j);
    if ((rc == 0 || rc == -ENOSPC) && j->degraded &&
        journal_has_passed(now_us, j->degraded_us, JOURNAL_RETRY_MS))
        try_recover_space(j);
    return rc;
}

uint64_t journal_next_seq(const struct journal *j)
{
    return j->next_seq;
}

void journal_health(const struct journal *j, struct journal_health *ret)
{
    *ret = (struct journal_health){.failed = j->failed,
                                   .degraded = j->degraded,
                                   .failovers = j->failovers,
                                   .signing = j->signing_code};
}

int journal_close(struct journal *j)
{
    int rc;

    if (!j)
        return 0;
    rc = journal_sync(j);
    if (rc == 0)
        journal_signing_finish(j);
    journal_sync_stop(j);
    journal_grow_stop(j);
    journal_segment_close(&j->segment);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    if (j->dir_fd >= 0)
        close(j->dir_fd);
    buf_release(&j->held);
    journal_secret_wipe(&j->secret);
    free(j);
    return rc ? -EIO : 0;
}
