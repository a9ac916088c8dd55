/*
 * What the differences between disk, index and S3 are, and where they probably come from. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_DIFFER_H
#define LOCKSTEP_AGENT_CORE_DIFFER_H

#include "agent/core/plan.h"
#include "agent/core/proof.h"
#include "base/err.h"

enum differ_kind {
    DIFFER_NONE,
    DIFFER_MISSING,  /* on disk, not in S3 */
    DIFFER_EXTRA,    /* in S3, not on disk */
    DIFFER_CONTENT,  /* in both, and not the same */
    DIFFER_METADATA, /* the same content; mode, owner or mtime differ */
    DIFFER_INDEX,    /* disk and S3 agree, the index does not know it */
    DIFFER_LIST,     /* a list names what is not there */
    DIFFER_UNPROVEN, /* in both; whether they are the same cannot be told */
    DIFFER_UNKNOWN,  /* the file cannot be looked at, or S3 does not answer for it */
    DIFFER_COUNT
};

/* What would bring S3 in step. */
enum differ_repair {
    REPAIR_NONE,
    REPAIR_TOUCH, /* the agent does it once it looks at the path */
    REPAIR_PUT,   /* the file is put, whatever the index says */
    REPAIR_META,  /* the object gets the file's metadata */
    REPAIR_EXTRA  /* the object is deleted: only where that was asked for */
};

struct differ_facts {
    bool on_disk;
    struct file_stat st; /* where on_disk and no code */
    int code;            /* the file could not be looked at or read */
    const struct known *known;
    bool in_s3;
    uint64_t size;
    const char *etag;
    int64_t modified_us;
    bool asked; /* by HEAD, which came to `verdict` */
    enum verdict verdict;
    const char *words; /* of an answer that says nothing */
    const struct s3_head *head;
    bool compared; /* the contents, and that came to `proof` */
    enum proof_verdict proof;
    uint64_t crc64; /* of the file, where compared */
    const char *means, *why;
    bool with_metadata; /* the object's metadata counts */
    bool excluded, held, agent_runs;
    const char *agent_says; /* "": nothing */
    const char *refused;    /* why the path cannot be a key; "" */
};

struct differ {
    enum differ_kind kind;
    enum differ_repair repair;
    char cause[ERR_TEXT_MAX];
};

/* differ_quick(st, known, size, etag): the listing's quick question: disk, index and S3 agree, as
 * far as stat and ETag tell. */
bool differ_quick(const struct file_stat *st, const struct known *known, uint64_t size,
                  const char *etag);

/* differ_judge(f, ret): kind, cause and remedy of what is known of one key. */
void differ_judge(const struct differ_facts *f, struct differ *ret);

const char *differ_name(enum differ_kind kind);

#endif
