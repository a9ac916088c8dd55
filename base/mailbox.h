/*
 * A queue between threads with an eventfd to wait on. Shell.
 *
 * Letters are intrusive: the first member of what is sent is a struct letter. Ownership moves with
 * the letter. Many senders, one receiver. The lock is never held over I/O.
 */
#ifndef LOCKSTEP_BASE_MAILBOX_H
#define LOCKSTEP_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct letter {
    struct letter *next;
};

/* Letters in a row that are in no mailbox. Zeroed to begin. */
struct bundle {
    struct letter *head;
    struct letter *tail;
    size_t count;
};

/* bundle_add(b, l): put a letter at the end. bundle_take(b): the oldest one, or NULL. */
void bundle_add(struct bundle *b, struct letter *l);
struct letter *bundle_take(struct bundle *b);

struct mailbox;

/* mailbox_new(ceiling, ret): at most `ceiling` letters (0: no ceiling). 0 or -errno. */
int mailbox_new(size_t ceiling, struct mailbox **ret) __attribute__((warn_unused_result));

/* mailbox_free(m): must be empty (the receiver drains it first) and without waiting senders. */
void mailbox_free(struct mailbox *m);

/* mailbox_fd(m): readable while letters wait. Owned by the mailbox. */
int mailbox_fd(const struct mailbox *m);

/* mailbox_send(m, l): put a letter in; waits while the ceiling is reached. true, or false once the
 * mailbox is closed (the letter stays the caller's). */
bool mailbox_send(struct mailbox *m, struct letter *l) __attribute__((warn_unused_result));

/* mailbox_send_all(m, b): put all letters of a bundle in under one lock, which then is empty. For
 * mailboxes without a ceiling. true, or false once the mailbox is closed (the bundle is as it was).
 */
bool mailbox_send_all(struct mailbox *m, struct bundle *b) __attribute__((warn_unused_result));

/* mailbox_take(m): the oldest letter, or NULL at once if there is none (then the fd is quiet). */
struct letter *mailbox_take(struct mailbox *m);

/* mailbox_take_all(m, b): all letters that are there go to the end of the bundle; never waits. The
 * fd is quiet then. */
void mailbox_take_all(struct mailbox *m, struct bundle *b);

/* mailbox_wait(m): the oldest letter; waits for one; NULL once closed and empty. For worker
 * threads whose only source it is; such mailboxes may have several receivers. */
struct letter *mailbox_wait(struct mailbox *m);

/* mailbox_close(m): senders and waiters return; letters inside can still be taken. */
void mailbox_close(struct mailbox *m);

size_t mailbox_count(const struct mailbox *m);

#endif
