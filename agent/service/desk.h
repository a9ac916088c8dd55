/*
 * Where monitoring asks and the loop answers, by letter: the loop never waits for who asks, nor
 * for the disk or a slow reader. Shell.
 *
 *   asker (any thread): desk_read  --question-->  loop: desk_asked, desk_answer
 *                                  <--figures---
 *
 * One question is out at a time. The askers take turns; who comes within DESK_FRESH_MS of an answer
 * gets that one, so however often it is asked, the loop is asked rarely.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_DESK_H
#define LOCKSTEP_AGENT_SERVICE_DESK_H

#include "agent/core/metrics.h"

#define DESK_FRESH_MS 200
#define DESK_TEXT_MAX (16 << 20) /* bytes of an answer's text */

struct desk;

/* desk_new(journal_dir, state_dir, ret): the folders are borrowed. 0 or a negative code. */
int desk_new(const char *journal_dir, const char *state_dir, struct desk **ret)
    __attribute__((warn_unused_result));

/* desk_close(d): who asks is sent away from now on. desk_free(d): nobody asks any more. NULL is
 * allowed. */
void desk_close(struct desk *d);
void desk_free(struct desk *d);

/* desk_fd(d): readable where a question waits. desk_asked(d): takes it; true where there was one.
 * desk_answer(d, m): the figures, the desk's from now on; NULL: there are none now. The loop's. */
int desk_fd(const struct desk *d);
bool desk_asked(struct desk *d);
void desk_answer(struct desk *d, struct metrics *m);

/* desk_read(d, wait_ms, text, why): the figures as text (may be NULL), and what is not well (may be
 * NULL; nothing is added where all is). 1: all is well; 0: it is not; -ETIMEDOUT: the loop does not
 * answer; -ESHUTDOWN after desk_close; -ENOMEM. */
int desk_read(struct desk *d, int64_t wait_ms, struct buf *text, struct buf *why)
    __attribute__((warn_unused_result));

#endif
