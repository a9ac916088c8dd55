/*
 * Watching: which paths are worth a look.
 *
 * inotify (through libinotifytools, one directory at a time) or fanotify, and a scanner turn what
 * happens below the watched roots into hints. A hint is never a fact: the disk is. What they cannot
 * see (a queue that overflowed, another host's writes, the time while the agent was down) the
 * scanner finds by listing.
 *
 * There is one `struct watchers` a process (libinotifytools has one instance). Hints are taken by
 * one thread. Every other function may be called from that thread only.
 */
#ifndef LOCKSTEP_WATCHERS_WATCHERS_H
#define LOCKSTEP_WATCHERS_WATCHERS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/mailbox.h"
#include "base/tree.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names that are passed over by default: temporary names of editors and tools, `.nfs*`, what
 * version control keeps. */
extern const char *const watchers_default_exclude[]; /* ends with NULL */

/*
 * A filter of names. Pure. A path is excluded if it, or a directory that it lies in, matches one of
 * the patterns (path_glob), or is one of our own (`.lockstep-*`).
 */
struct watch_filter {
    const char *const *patterns; /* ends with NULL; borrowed */
    bool without_defaults;       /* leave watchers_default_exclude out */
    bool
        with_links; /* symbolic links count as regular files (base/tree.h); they are not followed */
};
bool watch_filter_excludes(const struct watch_filter *f, const char *path);

/* Is the server asked for the attributes of the files in a listing, whatever the kernel remembers
 * of them? For directories, and in watchers_observe, it always is. */
enum watch_sync {
    WATCH_SYNC_AUTO, /* where other hosts write */
    WATCH_SYNC_ON,
    WATCH_SYNC_OFF /* what the kernel remembers will do */
};

/* How a root's changes are noticed. */
enum watch_with {
    WATCH_AUTO,     /* inotify; where it has no watches left fanotify, if that can be had */
    WATCH_INOTIFY,  /* a watch on each directory */
    WATCH_FANOTIFY, /* a mark on the whole file system; needs CAP_SYS_ADMIN */
    WATCH_SCAN      /* not at all: the tree is listed again and again */
};

struct watch_root {
    const char *path; /* absolute; borrowed during watchers_new */
    struct watch_filter filter;
    enum watch_with with;
    int64_t
        rescan_ms; /* list the whole tree again this often; 0: never; -1: by kind of file system */
    uint32_t scan_rate; /* files and directories that scans look at a second; 0: any number */
    enum watch_sync sync;
};

struct watchers_options {
    const struct watch_root *roots;
    size_t root_count;
    bool scan_only;        /* no watches: scan once on demand */
    unsigned scan_threads; /* that list and stat; 0: 8 */
    size_t listings_ahead; /* listings that may wait to be taken before scanning pauses; 0: 1024 */
    bool gathers;          /* looks that watchers_observe asks for wait for watchers_look */
};

enum hint_kind {
    HINT_TOUCHED,  /* created, being written, or attributes changed */
    HINT_WRITTEN,  /* closed after writing, or moved into place: complete, as far as one can tell */
    HINT_GONE,     /* deleted, or moved to where no watch saw it come (code: -EXDEV) */
    HINT_MOVED,    /* path became path2, both below roots of ours (root, root2); a file is complete
                      as with HINT_WRITTEN, of a directory and all beneath HINT_LISTING follows */
    HINT_LISTING,  /* what a directory holds now; a parent comes before what lies beneath */
    HINT_OBSERVED, /* the answer to watchers_observe */
    HINT_SCAN_DONE, /* a scan of a root came to its end; code: 0 or the first error on the way */
    HINT_OVERFLOW,  /* events were lost: HINT_SCAN_DONE comes when all names are known again,
                       HINT_WHOLE when every file was looked at */
    HINT_WHOLE,     /* nothing that was lost is unseen any more; code as above */
    HINT_PASS_DONE, /* removals that waited for a scan need not wait any more; not the end of a scan
                     */
    HINT_ROOT_LOST, /* the root cannot be reached or is not the directory it was; conclude nothing
                     */
    HINT_ROOT_BACK, /* and is again; a rescan has begun */
    HINT_ROOT_STUCK,   /* its file system does not answer: what is asked of it waits */
    HINT_ROOT_ANSWERS, /* and does again */
    HINT_WATCH_LIMIT,  /* there are more directories than watches (code: -ENOSPC...): those without
                          one are only scanned. Once, until there is room */
    HINT_WATCH_ROOM,   /* every directory has a watch again */
    HINT_MARK          /* the answer to watchers_mark */
};

struct listing_entry {
    const char *name;    /* points into the listing */
    struct file_stat st; /* regular files and directories only are listed; kind tells */
    int code;            /* 0, or why stat failed: then nothing is known but the name */
};

/* One directory, entries sorted by name as S3 sorts keys: bytewise, a directory as if it ended in
 * '/'. `complete` is false if reading it failed midway (code): then absence proves nothing. */
struct listing {
    struct listing_entry *entries;
    size_t count;
    bool complete;
    int code;
    char *names; /* the names' memory */
};

struct hint {
    struct letter letter;
    enum hint_kind kind;
    unsigned root;  /* index into the options' roots */
    unsigned root2; /* HINT_MOVED */
    bool is_directory;
    int code;
    uint64_t number;         /* HINT_MARK; of what tracker.c says: hints said before it was read */
    bool doubtful;           /* HINT_LISTING: events told of something there since it was read: what
                                it says is to be looked at anew */
    char *path;              /* below the root; "" is the root */
    char *path2;             /* HINT_MOVED: the new path */
    struct file_stat st;     /* HINT_OBSERVED: kind FILE_ABSENT if it is gone, valid if code is 0 */
    struct listing *listing; /* HINT_LISTING */
};

/* hint_free(h): frees all that the hint holds; NULL is allowed. */
void hint_free(struct hint *h);

struct watchers;

/* watchers_new(opt, ret, e): open the roots and start the threads; the first scan of each root has
 * begun (watches are placed before a directory is listed). A root that cannot be opened is an
 * error, and so is one that wants fanotify and cannot have it (ERR_REFUSED). */
int watchers_new(const struct watchers_options *opt, struct watchers **ret, struct err *e)
    __attribute__((warn_unused_result));

/* watchers_free(w): stop the threads, free all. NULL is allowed. */
void watchers_free(struct watchers *w);

/* watchers_fd(w): readable while hints wait of the kind that the last watchers_next wanted.
 * watchers_next(w, want_listings): the next hint, the caller's to free, or NULL. While
 * want_listings is false HINT_LISTING stays back (the scanner pauses when enough wait), and so does
 * HINT_SCAN_DONE, which comes after the last listing of its scan; everything else flows on. A
 * caller that wants listings again calls once without waiting for the descriptor. Listings that
 * were held back may be older than other hints of the same paths: before acting on an absence,
 * watchers_observe. */
int watchers_fd(const struct watchers *w);
struct hint *watchers_next(struct watchers *w, bool want_listings);

/* watchers_observe(w, root, path): stat the path on the pool and answer with HINT_OBSERVED. Nothing
 * is concluded across a mount (code -EXDEV), while the root is lost or removed (-ESTALE) or
 * stuck (-ETIMEDOUT), nor while
 * the kernel's memory of a name and its directory disagree (-EAGAIN: ask again later). 0 or
 * -ENOMEM. */
int watchers_observe(struct watchers *w, unsigned root, const char *path)
    __attribute__((warn_unused_result));

/* watchers_look(w): where looks are gathered (watchers_options), those that were asked for begin
 * now, if they did not as soon as they were many. Each look by itself costs two switches between
 * threads, and of many in one directory that is opened once only. The thread that observes. */
void watchers_look(struct watchers *w);

/* watchers_glance(w, root): look at all names again: HINT_PASS_DONE, or HINT_SCAN_DONE, follows. 0
 * or -ENOMEM. */
int watchers_glance(struct watchers *w, unsigned root) __attribute__((warn_unused_result));

/* watchers_rescan(w, root, path): list this directory and all beneath it again; HINT_SCAN_DONE when
 * through (path tells which; code -ESTALE: the root is lost). The same path asked for twice before
 * the scan began is answered once. 0 or -ENOMEM. */
int watchers_rescan(struct watchers *w, unsigned root, const char *path)
    __attribute__((warn_unused_result));

/*
 * watchers_mark(w, number): HINT_MARK with this number follows once every change that was on disk
 * when this was called has been told: events went before it through the kernel's queue, and what
 * they started is through; where no event tells of every change (other hosts write there, nothing
 * is watched, watches are short) a whole scan that began later has ended. A root that is lost or
 * stuck delays it. What was lost on the way (HINT_OVERFLOW) is told before it; HINT_WHOLE may come
 * after it. 0 or -ENOMEM.
 */
int watchers_mark(struct watchers *w, uint64_t number) __attribute__((warn_unused_result));

/* Who a root is: held against what it was at enrolment by the guard. */
struct root_identity {
    uint64_t dev;
    uint64_t ino;
    uint64_t mount_id; /* of this mount, not stable over reboots */
    uint64_t fs_type;  /* statfs f_type */
    char fs_name[32];  /* "ext4", "nfs4", "lustre", "fuse", ... from mountinfo */
    char source[256];  /* what is mounted, from mountinfo */
    uint64_t fsid;     /* statfs f_fsid, where it is of use: of local kinds; 0: not known. Last:
                          identities that were kept before it was there are shorter */
};
/* watchers_root_identity(path, ret): as the path is now. 0 or -errno. Any thread. */
int watchers_root_identity(const char *path, struct root_identity *ret)
    __attribute__((warn_unused_result));

/* watchers_root_fd(w, root): the O_PATH descriptor of the root as it was opened; borrowed. Any
 * thread. */
int watchers_root_fd(const struct watchers *w, unsigned root);

struct watch_stats {
    uint64_t directories; /* known */
    uint64_t watches;     /* placed */
    uint64_t unwatched;   /* directories without one */
    uint64_t limited;     /* of them, those that the system had none for */
    uint64_t events;      /* read since the start */
    uint64_t overflows;
    uint64_t to_go; /* directories that were not listed since events were last lost, or since a scan
                       by passes began */
    uint64_t scans; /* whole scans ended */
    bool scanning;
    bool stuck;            /* its file system does not answer */
    int64_t rescan_ms;     /* the interval in force between scans; 0: none by itself */
    int64_t last_scan_ms;  /* clock_mono_ms when the last whole scan ended; 0 never */
    int64_t names_from_ms; /* when the last look at all names began (a whole scan, or a fast pass):
                              what was nowhere then is nowhere; 0 never */
    int64_t names_ms;      /* and when it ended */
    int64_t seen_from_ms; /* when the last whole scan that saw everything began: what changed before
                             was found; 0: there was none */
    int64_t seen_ms;      /* and when it ended */
    int64_t sliced_from_ms; /* when all directories without a watch were last begun to be listed */
};
/* The system's limit of watches. */
struct watch_budget {
    uint64_t unwatched;    /* directories of all roots that are only scanned for want of one */
    const char *setting;   /* the sysctl that limits us */
    uint64_t limit;        /* its value; 0: not known */
    uint64_t limit_wanted; /* the value that would do, with some to spare */
};
/* watchers_budget(w, ret): reads the limit anew. */
void watchers_budget(struct watchers *w, struct watch_budget *ret);

/* watchers_busy(w): events, checks or listings are on their way that may explain why a path is gone
 * (a directory that was moved and is not listed yet, half a rename). */
bool watchers_busy(struct watchers *w);

/* watchers_rounds(w): how often the thread that follows the rules has gone round; wakes it for one
 * more. It waits for no disk, so if the number stays the same it hangs. */
uint64_t watchers_rounds(struct watchers *w);

/* watchers_others_write(id): can other hosts (or what lies beneath) change files there without an
 * event on this host? Then only scans find it, and no event tells when a file is complete. Pure. */
bool watchers_others_write(const struct root_identity *id);

/* watchers_same_root(a, b): could the tree `b` be `a`, mounted anew? A network file system has
 * another device number at each mount, a local one has not. Pure. */
bool watchers_same_root(const struct root_identity *a, const struct root_identity *b);

void watchers_stats(struct watchers *w, unsigned root, struct watch_stats *ret);

#endif
