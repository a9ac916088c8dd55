/*
 * Signing: when, what, and what may not be signed. Shell.
 *
 * What is signed is the tree of what is durable, never more. A checkpoint is due a while after the
 * last one where something is new; where nothing is, a line with the time is written every hour and
 * signed, so that a journal that was cut short looks older than it should: a checkpoint itself has
 * no time, and the same tree gives the same bytes.
 */
#include "journal/checkpoint.h"
#include "journal/writer.h"

#include "base/clock.h"
#include "base/replace.h"

#include <inttypes.h>
#include <string.h>

/* Sign what is durable. What fails is tried again when the next one is due. */
static void sign(struct journal *j)
{
    struct buf note;
    int rc;

    buf_init(&note, JOURNAL_CHECKPOINT_BYTES);
    rc = journal_checkpoint_sign(journal_grown(j), &j->secret, &note);
    if (rc == 0) {
        rc = journal_checkpoints_add(j->dir_fd, j->segment.name, (struct span){note.data, note.len},
                                     j->signing_doubt);
        j->signing_doubt = rc != 0;
    }
    if (rc == 0) {
        j->signed_size = j->durable_lines;
        j->made_us = j->now_us;
    }
    j->signing_code = rc;
    j->signed_us = j->now_us;
    buf_release(&note);
}

/* Is there something durable that no checkpoint covers, and is the key's record durable, too? */
static bool is_unsigned(const struct journal *j)
{
    return j->signing && j->durable.next_seq > j->key_seq && j->durable_lines > j->signed_size;
}

/* Does nothing at all wait to be signed? */
static bool is_at_rest(const struct journal *j)
{
    return j->signing && !j->degraded && journal_open_bytes(j) == 0 && j->mark_count == 0 &&
           j->durable.next_seq > j->key_seq && j->durable_lines == j->signed_size;
}

bool journal_signing_wait(const struct journal *j, int64_t *ret_ms)
{
    if (is_unsigned(j))
        *ret_ms = j->opt.checkpoint_ms;
    else if (is_at_rest(j))
        *ret_ms = j->opt.rest_ms;
    else
        return false;
    return true;
}

/* A line that says the time, so that there is something to sign. */
static void put_time(struct journal *j)
{
    struct buf line;
    int rc;

    buf_init(&line, JOURNAL_HEADER_MAX);
    rc = journal_time_encode(j->now_us, &line);
    if (rc == 0)
        rc = journal_put_line(j, (struct span){line.data, line.len});
    if (rc) { /* later, then */
        j->signing_code = rc;
        j->signed_us = j->now_us;
    }
    buf_release(&line);
}

void journal_signing_tick(struct journal *j)
{
    int64_t wait_ms;

    if (!journal_signing_wait(j, &wait_ms) || !journal_has_passed(j->now_us, j->signed_us, wait_ms))
        return;
    if (is_unsigned(j))
        sign(j);
    else
        put_time(j);
}

void journal_signing_finish(struct journal *j)
{
    if (is_unsigned(j))
        sign(j);
}

/* What the newest checkpoint says, if this key has signed it; size 0 where there is none. 0 or a
 * negative code. */
static int newest(const struct journal *j, const struct journal_key *key,
                  struct journal_checkpoint *ret)
{
    struct journal_note note;
    struct buf text;
    int rc;

    *ret = (struct journal_checkpoint){.size = 0};
    buf_init(&text, JOURNAL_NOTE_MAX);
    rc = journal_checkpoints_read(j->dir_fd, JOURNAL_CHECKPOINT_FILE, &text);
    if (rc == 0 && text.len &&
        (journal_note_parse((struct span){text.data, text.len}, &note) ||
         journal_note_verify(&note, key, 1, NULL) || journal_checkpoint_parse(note.text, ret)))
        *ret = (struct journal_checkpoint){.size = 0}; /* the verifier will speak of it */
    ret->origin = (struct span){NULL, 0};
    buf_release(&text);
    return rc;
}

/* Has this key signed what is not in the journal any more? 0 or ERR_CORRUPT. */
static int check_newest(struct journal *j, const struct journal_checkpoint *c, struct err *e)
{
    uint8_t root[SHA256_BYTES];

    if (c->size > j->durable_lines)
        return err_set(
            e, ERR_CORRUPT, JOURNAL_CHECKPOINT_FILE,
            "keep this journal, see \"lockstep journal verify\"; a key with another name "
            "begins anew",
            "was signed over %" PRIu64 " lines, but the journal has %" PRIu64
            "; nothing will be signed",
            c->size, j->durable_lines);
    journal_tree_root(journal_grown(j), root);
    if (c->size == j->durable_lines && memcmp(root, c->root, SHA256_BYTES) != 0)
        return err_set(
            e, ERR_CORRUPT, JOURNAL_CHECKPOINT_FILE,
            "keep this journal, see \"lockstep journal verify\"; a key with another name "
            "begins anew",
            "was signed over other lines than the journal has; nothing will be signed");
    return 0;
}

int journal_sign(struct journal *j, const struct journal_secret *secret, int64_t now_us,
                 struct err *e)
{
    char text[JOURNAL_KEY_TEXT_MAX];
    const struct journal_record rec = {
        .op = JOURNAL_KEY, .state = JOURNAL_NOTE, .after = journal_key_format(&secret->key, text)};
    struct journal_checkpoint last;
    int rc = journal_sync(j);

    if (rc == 0)
        rc = newest(j, &secret->key, &last);
    if (rc == 0 && last.size)
        rc = check_newest(j, &last, e);
    if (rc == ERR_CORRUPT)
        return rc;
    if (rc == 0)
        rc = replace_sweep(j->dir_fd);
    if (rc == 0)
        rc = journal_append(j, &rec, now_us, &j->key_seq);
    if (rc)
        return err_set(e, rc, JOURNAL_CHECKPOINT_FILE, "", "signing cannot begin: %s",
                       err_name(rc));
    j->secret = *secret;
    j->signing = true;
    j->signed_size = last.size;
    j->signed_us = now_us - j->opt.checkpoint_ms * US_PER_MS; /* what is not signed yet is now */
    return 0;
}
