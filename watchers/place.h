/*
 * Looking at places below a root without being led astray. Shell.
 */
#ifndef LOCKSTEP_WATCHERS_PLACE_H
#define LOCKSTEP_WATCHERS_PLACE_H

#include "watchers/fan.h"
#include "watchers/tracker.h"

#include <stdatomic.h>

/* A root as the pool's threads see it. dev and mount_id change when the root is mounted anew. */
struct place_root {
    int fd; /* O_PATH; the number stays, what it stands for may be exchanged */
    _Atomic uint64_t dev;
    _Atomic uint64_t mount_id; /* 0: the kernel does not tell */
    const struct filter *filter;
    bool links;              /* symbolic links are listed, as files */
    bool ask_files;          /* the server for every file of a listing */
    bool watch;              /* place watches */
    enum watch_with with;    /* of which kind: not WATCH_SCAN if `watch` */
    struct fan *fan;         /* NULL: cannot be had */
    _Atomic uint64_t fsid;   /* of the root's file system, which has fan's mark; 0: not yet */
    bool remote;             /* other hosts write here */
    bool nlink_tells;        /* a removed directory has no links */
    bool list_absent;        /* the kernel may remember names as absent, and only listing tells */
    const atomic_bool *stop; /* true: give up (-ECANCELED) */
};

/* A directory that is kept open while places in it are looked at one after the other. Begin with
 * PLACE_ABOVE_NONE; place_above_release closes it. */
struct place_above {
    int fd;                 /* O_PATH; -1: none */
    const struct check *of; /* the check for which it was opened */
};
#define PLACE_ABOVE_NONE ((struct place_above){.fd = -1})

/* place_look(root, check, next, above, scratch, ret): open the directory, watch it, list it. next:
 * the check after this one, NULL if there is none; if it lies in the same directory, that is opened
 * into `above` for both, and both checks must outlive it. scratch has POOL_SCRATCH_BYTES.
 * ret->check is left to the caller. */
void place_look(struct place_root *root, const struct check *check, const struct check *next,
                struct place_above *above, void *scratch, struct check_result *ret);
void place_above_release(struct place_above *above);

/* place_is_absent(code): is there nothing at the end of the path, going by this code?
 * place_statx(fd, name, mask, ret): of a name in an open directory, or ("") of what is open, the
 * server's word where there is one. With what place_same_mount needs. 0 or -errno.
 * place_same_mount(root, stx): 0 if that is on the root's device and mount, else -EXDEV. */
bool place_is_absent(int code);
int place_statx(int fd, const char *name, unsigned mask, struct statx *ret);
int place_same_mount(const struct place_root *root, const struct statx *stx)
    __attribute__((warn_unused_result));

/* Who an open directory is. */
struct place_identity {
    uint64_t dev;
    uint64_t ino;
    uint64_t mount_id; /* 0: the kernel does not tell */
    bool removed;
};
/* place_identify(fd, ret): 0 or -errno. */
int place_identify(int fd, struct place_identity *ret) __attribute__((warn_unused_result));

#endif
