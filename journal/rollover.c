/*
 * Going on in a new segment: because the old one is full or old, or because it has failed. Shell.
 */
#include "journal/writer.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <string.h>

bool journal_is_full(int rc)
{
    return rc == -ENOSPC || rc == -EDQUOT;
}

/* Whether `ms` have passed since; a clock that was set back counts as passed. */
bool journal_has_passed(int64_t now_us, int64_t since_us, int64_t ms)
{
    return now_us < since_us || (now_us - since_us) / US_PER_MS >= ms;
}

size_t journal_open_bytes(const struct journal *j)
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
void journal_degrade(struct journal *j)
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

/* All bodies that are in memory, as batches that follow `head`. 0 or a negative code. */
static int rebuild(const struct journal *j, struct journal_head *head, struct buf *out)
{
    size_t count = j->mark_count + (journal_open_bytes(j) ? 1 : 0);
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct journal_mark mark = {j->open_from, journal_open_bytes(j), j->open_records,
                                    j->next_seq};
        size_t from = out->len;

        if (i < j->mark_count)
            mark = j->marks[i];
        rc = buf_append(out, j->held.data + mark.from, mark.n);
        if (rc)
            break;
        head->next_seq = mark.next_seq;
        rc = journal_batch_seal(head, out, from, mark.records);
    }
    return rc;
}

/* The new segment with all that is in memory, durable. 0 or a negative code. */
static int move_over(struct journal *j, struct journal_head *head, struct journal_segment *ret)
{
    struct buf again;
    int rc = new_segment(j, j->durable_size, head, ret);

    if (journal_is_full(rc)) {
        journal_degrade(j);
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

/* Go on in this segment, behind `head`, whose tree has its header and nothing of what `held` has;
 * all else is durable. */
static void move_in(struct journal *j, const struct journal_head *head,
                    const struct journal_segment *segment)
{
    j->closed++;
    j->segment = *segment;
    j->head = *head;
    j->durable.tree = head->tree;
    j->lines++;
    j->rotate_held = false;
    journal_set_durable(j);
}

/* The open segment has failed: go on in a new one, from what is known to be durable. 0, or -EIO for
 * ever. */
int journal_fail_over(struct journal *j)
{
    struct journal_segment segment = {.fd = -1};
    struct journal_head head;

    journal_sync_drop(j);
    (void)journal_grown(j);
    head = j->durable;
    journal_segment_drop(&j->segment);
    j->failovers++;
    if (move_over(j, &head, &segment)) {
        j->failed = true;
        return -EIO;
    }
    j->open_from = j->held.len;
    j->open_records = 0;
    j->open_lines = 0;
    j->stuck = false;
    move_in(j, &head, &segment);
    return 0;
}

/* Whether the open segment is big or old enough, and holds a record. */
bool journal_is_rotation_due(const struct journal *j)
{
    if (j->head.next_seq == j->segment.name.first)
        return false;
    if (j->rotate_held && !journal_has_passed(j->now_us, j->rotate_failed_us, JOURNAL_RETRY_MS))
        return false;
    return j->segment.size >= j->opt.segment_bytes ||
           journal_has_passed(j->now_us, j->segment.born_us, j->opt.segment_age_ms);
}

/* Close the segment and begin the next. Where that cannot be made the old one is used on. */
int journal_rotate(struct journal *j)
{
    struct journal_segment segment;
    struct journal_head head;
    uint64_t failovers = j->failovers;
    int rc = journal_sync_flushed(j);

    if (rc || j->failovers != failovers)
        return rc;
    journal_signing_finish(j);
    (void)journal_grown(j);
    head = j->durable; /* which is all that was flushed */
    if (new_segment(j, j->segment.size, &head, &segment)) {
        j->rotate_held = true;
        j->rotate_failed_us = j->now_us;
        return 0;
    }
    journal_segment_close(&j->segment);
    move_in(j, &head, &segment);
    return 0;
}
