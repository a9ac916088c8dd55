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
#define RETRY_MS  10000       /* between attempts to rotate or to leave the degraded state */

static bool is_full(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT;
}

/* Whether `ms` have passed since; a clock that was set back counts as passed. */
static bool has_passed(int64_t now_us, int64_t since_us, int64_t ms)
{
    return now_us < since_us || (now_us - since_us) / US_PER_MS >= ms;
}

static size_t open_bytes(const struct journal *j)
{
    return j->held.len - j->open_from;
}

void journal_header_of(const struct journal *j, const struct journal_head *head,
                       const char *previous, uint64_t previous_size, struct journal_header *ret)
{
    *ret = (struct journal_header){.uuid = j->uuid,
                                   .first = head->next_seq,
                                   .time_us = j->now_us,
                                   .previous = previous,
                                   .previous_size = previous_size,
                                   .tree = head->tree,
                                   .host = j->host,
                                   .boot = j->boot,
                                   .version = j->version};
    memcpy(ret->chain, head->chain, SHA256_BYTES);
}

/* Space is short: let the ballast go, take no more intents. */
static void degrade(struct journal *j)
{
    journal_ballast_release(j->dir_fd);
    j->degraded = true;
    j->degraded_us = j->now_us;
}

/* A new segment that goes on from `head`, whose predecessor counts up to previous_size. */
static int new_segment(struct journal *j, uint64_t previous_size, struct journal_head *head,
                       struct journal_segment *ret)
{
    struct journal_header header;
    char previous[JOURNAL_FILE_SIZE];

    journal_header_of(j, head, journal_name_format(j->segment.name, previous), previous_size,
                      &header);
    return journal_segment_create(j->dir_fd, &header, head, ret);
}

/* Everything flushed is on disk: only the open batch stays in memory. */
static void set_durable(struct journal *j)
{
    size_t n = open_bytes(j);

    j->durable = j->head;
    j->durable_size = j->segment.size;
    j->mark_count = 0;
    if (j->open_from && j->held.data) {
        memmove(j->held.data, j->held.data + j->open_from, n);
        j->held.len = n;
        j->held.data[n] = '\0';
    }
    j->open_from = 0;
}

/* All bodies that are in memory, as batches that follow `head`. 0 or a negative code. */
static int rebuild(const struct journal *j, struct journal_head *head, struct buf *out)
{
    size_t count = j->mark_count + (open_bytes(j) ? 1 : 0);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct journal_mark mark = {j->open_from, open_bytes(j), j->open_records, j->next_seq};
        size_t from = out->len;

        if (i < j->mark_count)
            mark = j->marks[i];
        rc = buf_append(out, j->held.data + mark.from, mark.n);
        if (rc)
            break;
        head->next_seq = mark.next_seq;
        rc = journal_batch_close(head, out, from, mark.records);
    }
    return rc;
}

/* The new segment with all that is in memory, durable. 0 or a negative code. */
static int move_over(struct journal *j, struct journal_head *head, struct journal_segment *ret)
{
    struct buf again;
    int rc = new_segment(j, j->durable_size, head, ret);

    if (is_full(rc)) {
        degrade(j);
        rc = new_segment(j, j->durable_size, head, ret);
    }
    if (rc)
        return rc;
    buf_init(&again, j->held.max);
    rc = rebuild(j, head, &again);
    if (rc == 0 && again.len)
        rc = journal_segment_write(ret, again.data, again.len);
    if (rc == 0)
        rc = journal_segment_sync(ret);
    buf_release(&again);
    if (rc)
        journal_segment_drop(ret);
    return rc;
}

/* The open segment has failed: go on in a new one, from what is known to be durable. 0, or -EIO for
 * ever. */
static int fail_over(struct journal *j)
{
    struct journal_segment segment = {.fd = -1};
    struct journal_head head = j->durable;

    journal_segment_drop(&j->segment);
    j->failovers++;
    if (move_over(j, &head, &segment)) {
        j->failed = true;
        return -EIO;
    }
    j->segment = segment;
    j->head = head;
    j->open_from = j->held.len;
    j->open_records = 0;
    j->rotate_held = false;
    j->stuck = false;
    set_durable(j);
    return 0;
}

/* fdatasync what was flushed. 0 or -EIO. */
static int sync_flushed(struct journal *j)
{
    int rc;

    if (j->mark_count == 0)
        return 0;
    rc = journal_segment_sync(&j->segment);
    if (is_full(rc))
        degrade(j);
    if (rc)
        return fail_over(j);
    set_durable(j);
    return 0;
}

/* Whether the open segment is big or old enough, and holds a record. */
static bool is_rotation_due(const struct journal *j)
{
    if (j->head.next_seq == j->segment.name.first)
        return false;
    if (j->rotate_held && !has_passed(j->now_us, j->rotate_failed_us, RETRY_MS))
        return false;
    return j->segment.size >= j->opt.segment_bytes ||
           has_passed(j->now_us, j->segment.born_us, j->opt.segment_age_ms);
}

/* Close the segment and begin the next. Where that cannot be made the old one is used on. */
static int rotate(struct journal *j)
{
    struct journal_segment segment;
    uint64_t failovers = j->failovers;
    int rc = sync_flushed(j);

    if (rc || j->failovers != failovers)
        return rc;
    if (new_segment(j, j->segment.size, &j->head, &segment)) {
        j->rotate_held = true;
        j->rotate_failed_us = j->now_us;
        return 0;
    }
    journal_segment_close(&j->segment);
    j->segment = segment;
    j->rotate_held = false;
    set_durable(j);
    return 0;
}

/* Bytes to the kernel, with the ballast let go where the disk is full. 0 or -errno. */
static int write_bytes(struct journal *j, const char *p, size_t n)
{
    int rc;

    if (!j->degraded && journal_segment_reserve(&j->segment, n, j->reserve_chunk)) {
        j->degraded = true;
        j->degraded_us = j->now_us;
    }
    rc = journal_segment_write(&j->segment, p, n);
    if (is_full(rc)) {
        degrade(j);
        rc = journal_segment_write(&j->segment, p, n);
    }
    return rc;
}

/* The open batch to the kernel. 0, -ENOMEM, -ENOSPC (it stays open), -EIO. */
static int write_open(struct journal *j)
{
    struct journal_head head = j->head;
    size_t n = open_bytes(j);
    int rc;

    head.next_seq = j->next_seq;
    rc = journal_batch_close(&head, &j->held, j->open_from, j->open_records);
    if (rc)
        return -ENOMEM;
    rc = write_bytes(j, j->held.data + j->open_from, open_bytes(j));
    if (rc) {
        j->held.len = j->open_from + n;
        j->held.data[j->held.len] = '\0';
        j->stuck = is_full(rc);
        return j->stuck ? -ENOSPC : fail_over(j);
    }
    j->stuck = false;
    if (j->mark_count == 0)
        j->unsynced_since_us = j->open_since_us;
    j->marks[j->mark_count++] =
        (struct journal_mark){j->open_from, n, j->open_records, j->next_seq};
    j->head = head;
    j->open_from = j->held.len;
    j->open_records = 0;
    return 0;
}

int journal_flush(struct journal *j)
{
    int rc = 0;

    if (j->failed)
        return -EIO;
    if (open_bytes(j) == 0)
        return 0;
    if (is_rotation_due(j))
        rc = rotate(j);
    else if (j->mark_count == JOURNAL_MARKS_MAX || j->open_from > HELD_SYNC)
        rc = sync_flushed(j);
    if (rc || open_bytes(j) == 0)
        return rc;
    return write_open(j);
}

int journal_sync(struct journal *j)
{
    int rc = journal_flush(j);

    return rc ? rc : sync_flushed(j);
}

/* Room for one more line in the open batch. 0 or what flush says. */
static int make_room(struct journal *j)
{
    int rc;

    if (open_bytes(j) < j->opt.batch_bytes)
        return 0;
    rc = journal_flush(j);
    if (rc == -ENOSPC && open_bytes(j) + JOURNAL_LINE_MAX < JOURNAL_BATCH_MAX)
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
    first = open_bytes(j) == 0;
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
    j->next_seq++;
    if (ret_seq)
        *ret_seq = mine.seq;
    return 0;
}

int journal_put_line(struct journal *j, struct span line)
{
    if (open_bytes(j) == 0)
        j->open_since_us = j->now_us;
    return buf_append_span(&j->held, line);
}

/* The lesser of two waits of which -1 is none. */
static int64_t sooner(int64_t a, int64_t b)
{
    if (a < 0 || b < 0)
        return a < 0 ? b : a;
    return a < b ? a : b;
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
    int64_t wait = -1;

    if (j->failed)
        return -1;
    if (open_bytes(j) && !j->stuck)
        wait = wait_ms(now_us, j->open_since_us, j->opt.flush_ms);
    if (j->mark_count)
        wait = sooner(wait, wait_ms(now_us, j->unsynced_since_us, j->opt.sync_ms));
    if (j->degraded)
        wait = sooner(wait, wait_ms(now_us, j->degraded_us, RETRY_MS));
    if (j->rotate_held)
        wait = sooner(wait, wait_ms(now_us, j->rotate_failed_us, RETRY_MS));
    else if (j->head.next_seq != j->segment.name.first)
        wait = sooner(wait, wait_ms(now_us, j->segment.born_us, j->opt.segment_age_ms));
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
    sync_due = j->mark_count && has_passed(now_us, j->unsynced_since_us, j->opt.sync_ms);
    flush_due = open_bytes(j) && (j->stuck ? has_passed(now_us, j->degraded_us, RETRY_MS)
                                           : has_passed(now_us, j->open_since_us, j->opt.flush_ms));
    if (flush_due)
        rc = journal_flush(j);
    if (rc == 0 && sync_due)
        rc = sync_flushed(j);
    if (rc == 0 && is_rotation_due(j))
        rc = rotate(j);
    if ((rc == 0 || rc == -ENOSPC) && j->degraded && has_passed(now_us, j->degraded_us, RETRY_MS))
        try_recover_space(j);
    return rc;
}

uint64_t journal_next_seq(const struct journal *j)
{
    return j->next_seq;
}

void journal_health(const struct journal *j, struct journal_health *ret)
{
    *ret = (struct journal_health){
        .failed = j->failed, .degraded = j->degraded, .failovers = j->failovers};
}

int journal_close(struct journal *j)
{
    int rc;

    if (!j)
        return 0;
    rc = journal_sync(j);
    journal_segment_close(&j->segment);
    if (j->lock_fd >= 0)
        close(j->lock_fd);
    if (j->dir_fd >= 0)
        close(j->dir_fd);
    buf_release(&j->held);
    free(j);
    return rc ? -EIO : 0;
}
