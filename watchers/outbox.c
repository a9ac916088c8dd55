/*
 * The hints that wait to be taken. Shell. See outbox.h.
 */
#include "watchers/outbox.h"

#include "base/mix.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECENT_TOUCHED 256  /* a power of two: touched paths that are remembered while they wait */
#define TOLD_SLOTS     4096 /* a power of two */

/* A hint that waits, and its place in the order. */
struct lane {
    struct hint_list list;
    size_t count;
};

/* A HINT_TOUCHED that waits, so that a file being written is said once, not once a write. */
struct recent {
    struct hint *hint;
    uint64_t number;
};

struct outbox {
    pthread_mutex_t lock;
    int fd;
    void (*wake)(void *arg);
    void *arg;
    size_t listings_ahead;
    struct lane plain;
    struct lane listings;
    size_t listing_count; /* without the ends of scans */
    size_t entry_count;   /* files in them */
    size_t entries_each;  /* files that a listing is expected to hold, going by the last ones */
    uint64_t put_count;   /* plain hints ever put in; a hint's number */
    uint64_t taken_count; /* and taken out */
    bool want_listings;   /* of the last take */
    bool signalled;
    bool full;    /* no room for listings was found: somebody waits for some */
    bool dropped; /* hints were */
    struct recent recent[RECENT_TOUCHED];
    uint64_t told[TOLD_SLOTS]; /* the last hint of something in a directory, by its path's hash */
    uint64_t told_moved;       /* and the last of a directory that left its place */
};

int outbox_new(size_t listings_ahead, void (*wake)(void *arg), void *arg, struct outbox **ret)
{
    struct outbox *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        return -ENOMEM;
    }
    o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (o->fd < 0) {
        const int code = -errno;

        free(o);
        return code;
    }
    pthread_mutex_init(&o->lock, NULL);
    o->listings_ahead = listings_ahead;
    o->wake = wake;
    o->arg = arg;
    o->want_listings = true;
    *ret = o;
    return 0;
}

void outbox_free(struct outbox *o)
{
    if (o == NULL) {
        return;
    }
    hint_list_release(&o->plain.list);
    hint_list_release(&o->listings.list);
    (void)close(o->fd); /* an eventfd holds nothing */
    pthread_mutex_destroy(&o->lock);
    free(o);
}

/* The slot that remembers a path. */
static struct recent *recent_slot(struct outbox *o, unsigned root, const char *path)
{
    return &o->recent[mix_bytes(root, path, strlen(path)) & (RECENT_TOUCHED - 1)];
}

/* Is this HINT_TOUCHED said already, by one that still waits and after which nothing else was said
 * of the path? Remembers it if not. */
static bool said_already(struct outbox *o, struct hint *h)
{
    struct recent *r;

    if (h->kind != HINT_TOUCHED && h->is_directory) {
        memset(o->recent, 0, sizeof(o->recent)); /* whatever lies beneath */
        return false;
    }
    r = recent_slot(o, h->root, h->path);
    if (h->kind != HINT_TOUCHED) {
        r->hint = NULL;
        return false;
    }
    if (r->hint != NULL && r->number > o->taken_count && r->hint->root == h->root &&
        r->hint->is_directory == h->is_directory && strcmp(r->hint->path, h->path) == 0) {
        return true;
    }
    r->hint = h;
    r->number = o->put_count + 1;
    return false;
}

/* A hint that a scan makes up for if it is dropped. */
static bool is_of_event(const struct hint *h)
{
    return h->kind == HINT_TOUCHED || h->kind == HINT_WRITTEN || h->kind == HINT_GONE ||
           h->kind == HINT_MOVED;
}

/* Where the last hint of what is in this directory is kept. Others share the place: what is in them
 * is looked at anew without need then. */
static uint64_t *told_slot(struct outbox *o, unsigned root, const char *dir, size_t n)
{
    return &o->told[mix_bytes(root, dir, n) & (TOLD_SLOTS - 1)];
}

/* An event tells of something at the path. */
static void tell(struct outbox *o, unsigned root, const char *path, uint64_t number)
{
    const char *slash = strrchr(path, '/');

    *told_slot(o, root, path, slash == NULL ? 0 : (size_t)(slash - path)) = number;
}

/* Keep what the hint of an event says of listings that wait. */
static void note_told(struct outbox *o, const struct hint *h)
{
    tell(o, h->root, h->path, h->number);
    if (h->kind == HINT_MOVED) {
        tell(o, h->root2, h->path2, h->number);
    }
    if (h->is_directory && (h->kind == HINT_MOVED || h->kind == HINT_GONE)) {
        o->told_moved = h->number;
    }
}

/* Was something told of what the listing holds, or of where it is, since it was read? */
static bool is_overtaken(struct outbox *o, const struct hint *h)
{
    return o->told_moved > h->number ||
           *told_slot(o, h->root, h->path, strlen(h->path)) > h->number;
}

/* A listing came: count it. What is expected of others rises fast and falls slowly. */
static void count_listing(struct outbox *o, size_t entries)
{
    o->listing_count++;
    o->entry_count += entries;
    if (entries > o->entries_each) {
        o->entries_each = (entries + o->entries_each + 1) / 2;
    } else {
        o->entries_each -= (o->entries_each - entries) / 64;
    }
}

/* Put one hint into its lane. */
static void put_one_take(struct outbox *o, struct hint *h)
{
    if (h->kind == HINT_LISTING || h->kind == HINT_SCAN_DONE || h->kind == HINT_PASS_DONE ||
        h->kind == HINT_WHOLE || h->kind == HINT_MARK) {
        if (h->kind == HINT_LISTING) {
            count_listing(o, h->listing->count);
        }
        o->listings.count++;
        hint_list_add_take(&o->listings.list, h);
        return;
    }
    if (is_of_event(h)) {
        note_told(o, h);
        if (o->plain.count >= OUTBOX_HINTS_MAX) {
            o->dropped = true;
            hint_free(h);
            return;
        }
        if (said_already(o, h)) {
            hint_free(h);
            return;
        }
    }
    o->put_count++;
    o->plain.count++;
    hint_list_add_take(&o->plain.list, h);
}

/* Is there something that the last take would have taken? */
static bool takeable(const struct outbox *o)
{
    return o->plain.count > 0 || (o->want_listings && o->listings.count > 0);
}

void outbox_put_take(struct outbox *o, struct hint_list *list)
{
    const uint64_t one = 1;

    if (list->first == NULL) {
        return;
    }
    pthread_mutex_lock(&o->lock);
    for (struct hint *h = hint_list_pop(list); h != NULL; h = hint_list_pop(list)) {
        put_one_take(o, h);
    }
    if (!o->signalled && takeable(o)) {
        o->signalled = true;
        (void)!write(o->fd, &one, sizeof(one)); /* from 0 to 1: cannot fail */
    }
    pthread_mutex_unlock(&o->lock);
}

/* The next hint of the listings' lane. */
static struct hint *take_listing(struct outbox *o)
{
    struct hint *h = hint_list_pop(&o->listings.list);

    if (h != NULL) {
        o->listings.count--;
    }
    if (h != NULL && h->kind == HINT_LISTING) {
        h->doubtful = is_overtaken(o, h);
        o->listing_count--;
        o->entry_count -= h->listing->count;
    }
    return h;
}

/* How many listings may wait or be on their way: as many as are expected to hold no more files than
 * may wait, at least one. */
static size_t listings_max(const struct outbox *o)
{
    const size_t fit = OUTBOX_ENTRIES_MAX / (o->entries_each + 1);

    return fit < 1 ? 1 : fit < o->listings_ahead ? fit : o->listings_ahead;
}

/* Room for listings. */
static bool has_room(const struct outbox *o, size_t in_flight)
{
    return o->listing_count + in_flight < listings_max(o) && o->entry_count < OUTBOX_ENTRIES_MAX;
}

/* So much room that it is worth to wake who waits for it. */
static bool has_much_room(const struct outbox *o)
{
    return has_room(o, (listings_max(o) - 1) / 2);
}

struct hint *outbox_take(struct outbox *o, bool want_listings)
{
    const uint64_t one = 1;
    uint64_t count;
    bool wake;
    struct hint *h;

    pthread_mutex_lock(&o->lock);
    o->want_listings = want_listings;
    h = hint_list_pop(&o->plain.list);
    if (h != NULL) {
        o->plain.count--;
        o->taken_count++;
    } else if (want_listings) {
        h = take_listing(o);
    }
    wake = (o->full && has_much_room(o)) || (o->dropped && o->plain.count == OUTBOX_HINTS_MAX / 2);
    o->full = o->full && !wake;
    if (h == NULL && o->signalled) {
        o->signalled = false;
        (void)!read(o->fd, &count, sizeof(count)); /* from 1 to 0 */
    } else if (h != NULL && !o->signalled && takeable(o)) {
        o->signalled = true;
        (void)!write(o->fd, &one, sizeof(one)); /* from 0 to 1 */
    }
    pthread_mutex_unlock(&o->lock);
    if (wake) {
        o->wake(o->arg);
    }
    return h;
}

bool outbox_is_short(struct outbox *o)
{
    bool dropped;

    pthread_mutex_lock(&o->lock);
    dropped = o->dropped;
    pthread_mutex_unlock(&o->lock);
    return dropped;
}

bool outbox_listings_wait(struct outbox *o)
{
    bool wait;

    pthread_mutex_lock(&o->lock);
    wait = o->listings.count > 0;
    pthread_mutex_unlock(&o->lock);
    return wait;
}

int outbox_fd(const struct outbox *o)
{
    return o->fd;
}

bool outbox_room(struct outbox *o, size_t in_flight)
{
    bool room;

    pthread_mutex_lock(&o->lock);
    room = has_room(o, in_flight);
    o->full = o->full || !room;
    pthread_mutex_unlock(&o->lock);
    return room;
}

bool outbox_dropped(struct outbox *o)
{
    bool dropped;

    pthread_mutex_lock(&o->lock);
    dropped = o->dropped && o->plain.count <= OUTBOX_HINTS_MAX / 2;
    if (dropped) {
        o->dropped = false;
    }
    pthread_mutex_unlock(&o->lock);
    return dropped;
}
