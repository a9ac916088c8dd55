/* clang-format off */
/*
 * The table of paths that are not in step: what is known of each, and when to look next. Pure.
 *
 * An item lives from the first hint until S3 has what the disk has (or until the guard takes it).
 * Nothing is kept of a path that is in step.
 *
 *   from        event                        to
 *   -           hint                         SETTLING (deadline: quiet for the settle time)
 *   SETTLING    deadline                     OBSERVING
 *   OBSERVING   resting, and changed since   SETTLING
 *   OBSERVING   stat: a file                 OBSERVED
 *   OBSERVING   stat: nothing there          GONE (deadline: a rename may claim it until then)
 *   OBSERVED    same size, other mtime       HASHING -> OBSERVED
 *   OBSERVED    image: add, edit, meta       READY
 *   OBSERVED    list: add, edit              CHECKING (are all its images in S3?)
 *   CHECKING    all there / some missing     READY / WAITING (deadline) -> OBSERVING
 *   READY       slot free, intent durable    FLYING
 *   FLYING      done / failed                forgotten / RETRY (deadline) -> OBSERVING
 *   FLYING      a list, done                 CHECKING (its manifests are made) -> READY, one by one
 *   GONE        a new path is this file      CLAIMED (until copied and the lists are rewritten)
 *   GONE        deadline                     LISTING (guarded; its rows leave the lists) | held
 *   CLAIMED, LISTING  lists rewritten        BARRIER (until the rewritten lists are live in S3)
 *   BARRIER     lists live                   DELETING
 *   DELETING    done / failed                forgotten / RETRY
 *   any         the name cannot be a key     REFUSED
 *
 * A hint in SETTLING, OBSERVED, GONE, WAITING, READY, RETRY or REFUSED starts over at SETTLING; in
 * the other states it is noted (`again`) and honoured when the state is left.
 */
/* clang-format on */
#ifndef LOCKSTEP_AGENT_CORE_PENDING_H
#define LOCKSTEP_AGENT_CORE_PENDING_H

#include "base/tree.h"
#include "journal/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum item_state {
    ITEM_SETTLING,
    ITEM_OBSERVING,
    ITEM_OBSERVED,
    ITEM_HASHING,
    ITEM_CHECKING,
    ITEM_WAITING,
    ITEM_READY,
    ITEM_FLYING,
    ITEM_GONE,
    ITEM_CLAIMED,
    ITEM_LISTING,
    ITEM_BARRIER,
    ITEM_DELETING,
    ITEM_RETRY,
    ITEM_REFUSED,
    ITEM_STATE_COUNT
};

/* The manifest of a list that its item is at. */
enum item_manifest { ITEM_NO_MANIFEST, ITEM_PLAIN_MANIFEST, ITEM_AUGMENTED_MANIFEST };

const char *item_state_name(enum item_state state);

/* What is to be done for an item, once that is known. */
enum change_kind {
    CHANGE_NONE,
    CHANGE_ADD,
    CHANGE_EDIT,
    CHANGE_META,
    CHANGE_RENAME,
    CHANGE_REMOVE
};

/* What a GONE item waits for: the first that could still explain that the path is gone. */
enum gone_wait {
    GONE_NOT,      /* nothing could */
    GONE_SETTLING, /* it was not gone for the settle time yet */
    GONE_SCAN,     /* a scan is under way, and may find the file elsewhere */
    GONE_SIGHT,    /* not all could be looked at */
    GONE_NAMES,    /* a look at all names that began later, where not all renames are told */
    GONE_MARKER,   /* a look at the marker of the tree */
    GONE_CLAIM,    /* a path that is still looked at has its inode */
    GONE_WAY,      /* an event told where it went; what is there is not decided */
    GONE_EVENTS,   /* events are on their way */
    GONE_PLACES,   /* places are looked at where events say that it went */
    GONE_WAIT_COUNT
};

/* Tens of thousands of them are there while a large tree is new: fields of a size stand together.
 */
struct item {
    enum item_state state;
    unsigned mapping;
    const char *key;     /* the object's key: prefix and path; the table's */
    const char *path;    /* inside key: below the mapping's root */
    int64_t deadline_ms; /* monotonic; INT64_MAX: none */
    size_t heap_at;      /* place in the heap of deadlines; SIZE_MAX: not in it */
    int64_t since_ms;    /* first hint that is not in S3 yet */
    int64_t hint_ms;     /* last hint */

    struct file_stat seen; /* the last observation */
    int64_t observed_ms;   /* when it was heard of */
    int64_t asked_ms;      /* when it was asked for, or came with a listing */
    int64_t waits_ms;      /* since when it waits for another path's fate, as patience counts */
    int64_t gone_ms;       /* since when nothing was seen here; 0: the last look saw something */
    uint64_t hash;         /* CRC-64/NVME of the content of `seen`, if `hashed` */

    uint64_t tx;  /* of the journalled intent; 0: none */
    char *origin; /* key that this file was renamed from, as an event said; owned, or NULL */
    char *via;    /* key where it was decided to be, before it went on from there; or NULL */
    char *went;   /* key that the file which was seen here went to, as an event said; or NULL */
    char *heir;   /* key that the file which was here went to, as an event said; or NULL */
    char *image;  /* path under which the index knew the image that is here, when it was found;
                     owned, or NULL */
    struct file_id file;      /* of that image */
    struct file_id was;       /* the regular file that was seen here last, if `was_there` */
    char *target;             /* CLAIMED: key that the image has now; owned, or NULL */
    struct item *peer;        /* RENAME: the source's item (GONE -> CLAIMED); source: the new one */
    struct dir_rename *group; /* RENAME: the directory rename that it belongs to, or NULL */
    uint64_t barrier;         /* BARRIER: lists seen before this number must be live */
    uint64_t live;            /* lists: number at which the content last put was observed */
    uint64_t looked;          /* lists: number at which `seen` was observed */
    int64_t checked_ms;       /* lists: when the index was last asked about its images */
    char *awaits;             /* lists: key of an image that was not in S3 then; owned, or NULL */
    uint64_t unread;          /* lists: the moment (core/ways) of the first hint since the last
                                 reading; 0: none came */
    uint64_t sought;          /* GONE: where its file may have gone until that moment was looked at,
                                 or is being; 0: nowhere */

    struct trouble *trouble; /* the group of faults that holds it; or NULL */
    char *why;               /* reason of the last failure or wait; owned, or NULL */

    struct item *mate_prev, *mate_next; /* items of the same mapping */
    struct item *prev, *next;           /* the queue that it stands in */
    struct item_queue *queue;

    unsigned failures;
    enum change_kind change;
    enum journal_source source;
    enum item_manifest manifest : 2;
    enum gone_wait gone_wait;
    bool again : 1;       /* a hint came while the item was busy */
    bool resting : 1;     /* nobody tells when its writer is done: the next look must agree */
    bool glimpsed : 1;    /* a look saw another image here than `seen`, while the item was busy */
    bool was_there : 1;   /* a regular file was seen here since the item began */
    bool told_gone : 1;   /* by an event of its own: it was deleted on this host */
    bool leaving : 1;     /* it was told or found to be gone, and nothing was seen here since */
    bool departed : 1;    /* rows of what the index had here have left it */
    bool origin_sure : 1; /* nothing else had come to `origin` since that was in step */
    bool unseen : 1;      /* the last look failed: nobody knows what is there */
    bool heard : 1;       /* events told of all that became of the path since the last look */
    bool asked : 1;       /* the path that it may have been renamed from was looked at */
    bool hashed : 1;      /* `hash` is known */
    bool vacated : 1;   /* the image that S3 has under this key was found at another path, an event
                           told that it left, or it is gone with its rows */
    bool returned : 1;  /* events told that what S3 has under this key left and came back */
    bool decided : 1;   /* what is to become of `seen` is known, but its turn is not yet */
    bool copy : 1;      /* RENAME: by CopyObject (else the file is read and put) */
    bool passed_on : 1; /* RENAME: an event told that the image left here again */
    bool copied : 1;    /* CLAIMED: the new object is in S3 */
    bool relisted : 1;  /* CLAIMED: the lists are rewritten */
    bool released : 1;  /* an operator let this removal go: the guard is not asked */
    bool inquired : 1;  /* REMOVE: it was looked for lists that hold it */
    bool unreached : 1; /* the last failure was that S3 did not answer or let us in */
    bool traced : 1;    /* a list as it was seen: images that it names and that are nowhere were
                           looked for where events say that they went */
};

/* A queue of items, first in first out. An item stands in at most one. */
struct item_queue {
    struct item *first, *last;
    size_t count;
};
void item_queue_push(struct item_queue *q, struct item *it);
void item_queue_leave(struct item *it); /* harmless if it stands in none */

struct pending;

/* pending_new(): NULL without memory. pending_free frees all items. */
struct pending *pending_new(void);
void pending_free(struct pending *p);

/* pending_find(p, key): the item or NULL. */
struct item *pending_find(const struct pending *p, const char *key);

/* pending_get(p, mapping, key, prefix_len, now_ms): the item, made (SETTLING, no deadline) if it
 * was not there. NULL without memory. */
struct item *pending_get(struct pending *p, unsigned mapping, const char *key, size_t prefix_len,
                         int64_t now_ms);

/* pending_forget(p, it): in step; the item is freed. Its peer has none any more. */
void pending_forget(struct pending *p, struct item *it);

/* pending_set(p, it, state, deadline_ms): change state and deadline; leaves its queue. */
void pending_set(struct pending *p, struct item *it, enum item_state state, int64_t deadline_ms);

/* pending_due(p, now_ms): an item whose deadline is reached (its deadline is cleared), or NULL. */
struct item *pending_due(struct pending *p, int64_t now_ms);

/* pending_deadline(p): the earliest deadline; INT64_MAX: none. */
int64_t pending_deadline(const struct pending *p);

size_t pending_count(const struct pending *p);
size_t pending_count_state(const struct pending *p, enum item_state state);
/* pending_count_mapping(p, mapping, state). */
size_t pending_count_mapping(const struct pending *p, unsigned mapping, enum item_state state);
/* pending_any_mapping(p, mapping, states, n): the mapping has an item in one of these states. */
bool pending_any_mapping(const struct pending *p, unsigned mapping, const enum item_state *states,
                         size_t n);

/* pending_next(p, &at): walk all items in no order; NULL at the end. No items may come or go. */
struct item *pending_next(const struct pending *p, size_t *at);

/* pending_first(p, mapping): the items of one mapping, chained by mate_next. */
struct item *pending_first(const struct pending *p, unsigned mapping);

/* item_blame(it, why): keep a copy of the reason (NULL clears). Without memory the old one stays.
 */
void item_blame(struct item *it, const char *why);

#endif
