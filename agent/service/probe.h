/*
 * Looks that take their time, on threads of their own: what HEAD says of an object, whether a file
 * is what the object is, whether a list names what is not there. Shell.
 *
 *   probes_new -> { probes_put, probes_take } ... -> probes_free
 */
#ifndef LOCKSTEP_AGENT_SERVICE_PROBE_H
#define LOCKSTEP_AGENT_SERVICE_PROBE_H

#include "agent/core/proof.h"
#include "agent/service/merge.h"
#include "base/mailbox.h"

#define PROBE_HEAD 1u /* ask S3 */
#define PROBE_READ 2u /* compare the contents; with PROBE_HEAD: by what it says */
#define PROBE_LIST 4u /* a list: are the images there that it names? */
#define PROBE_STAT 8u /* look at the file anew */

struct probe {
    struct letter letter;
    void *owner; /* the caller's */
    unsigned wants;
    unsigned mapping;
    unsigned looks; /* how often it was looked at before */
    char *key;
    size_t path_at; /* the path's place in the key */
    int root_fd;
    int images_fd;                          /* PROBE_LIST: root of the list's repository, */
    const char *images_prefix;              /* its prefix, borrowed, */
    struct index *index;                    /* and what is known of its objects; borrowed */
    bool with_links;                        /* symbolic links are files */
    const struct s3_attributes *attributes; /* what the rules say of the key; borrowed, or NULL */

    /* As they were seen. */
    bool on_disk;
    struct file_stat st;
    bool in_index;
    struct index_entry entry;
    bool in_s3;
    uint64_t size;
    char etag[S3_ETAG_MAX];
    int64_t modified_us;

    /* What was found. */
    int code;           /* the file could not be read: a negative code; ERR_CHANGED: it moved */
    enum verdict asked; /* PROBE_HEAD: VERDICT_DONE, VERDICT_ABSENT, or why there is no answer */
    char words[128];    /* where there is none: S3's */
    struct s3_head head;
    char version[S3_VERSION_MAX];
    bool read; /* `proof` says something */
    enum proof_verdict proof;
    uint64_t crc64;
    char means[64], why[96];
    uint64_t absent, rows; /* PROBE_LIST: those whose objects are kept are not absent */
    char first_absent[256];
};

struct probes;

/* probes_new(u, threads, ret): 0 or -errno. u is borrowed. */
int probes_new(struct uploaders *u, unsigned threads, struct probes **ret)
    __attribute__((warn_unused_result));
/* probes_put(p, probe): the probe is theirs until it is taken. Never blocks. */
void probes_put(struct probes *p, struct probe *probe);
/* probes_take(p, wait): one that was looked at, or NULL: none is (or with `wait`: none will be). */
struct probe *probes_take(struct probes *p, bool wait);
/* probes_inside(p): put and not taken. */
size_t probes_inside(const struct probes *p);
void probes_free(struct probes *p);

/* probe_new(m, mapping, root_fd): of what was merged; NULL without memory. probe_free: NULL is
 * allowed. */
struct probe *probe_new(const struct merged *m, unsigned mapping, int root_fd);
void probe_free(struct probe *p);

#endif
