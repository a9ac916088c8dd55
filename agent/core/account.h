/*
 * What the journal says of one key in S3, entry after entry, and whether S3 has that. Pure.
 *
 *   account_said (of each record) -> account_encode ... sorted ... account_decode
 *   account_begin -> account_add ... -> account_wants, account_judge
 *
 * Encoded entries sort by key and then by ordinal, as bytes.
 */
#ifndef LOCKSTEP_AGENT_CORE_ACCOUNT_H
#define LOCKSTEP_AGENT_CORE_ACCOUNT_H

#include "base/err.h"
#include "journal/journal.h"
#include "uploaders/uploaders.h"

enum account_what {
    ACCOUNT_INTENT, /* something is going to be done with it */
    ACCOUNT_END,    /* that is over, and nothing came of it */
    ACCOUNT_UNSURE, /* nobody knows what came of it */
    ACCOUNT_PUT,    /* it is there, as told */
    ACCOUNT_DELETE  /* it is not */
};

#define ACCOUNT_HAS_SIZE  1u
#define ACCOUNT_HAS_CRC   2u
#define ACCOUNT_HAS_POSIX 4u /* the object's metadata is that of the file */

struct account_entry {
    const char *key;  /* of account_said: the path, which a prefix belongs before, unless is_key */
    uint64_t ordinal; /* in the order of all journals */
    enum account_what what;
    unsigned which; /* journal */
    uint64_t seq, tx;
    int64_t time_us;
    unsigned has;
    uint64_t size, crc64;
    struct s3_posix posix;
    const char *etag, *version; /* "" where it is not told */
    bool is_key;
};

/* account_unsure(r): a transfer failed, and S3 may have done all the same what it was to do: an
 * attempt had no answer, or one that does not tell. Then a record has no status, or such a one. */
#define ACCOUNT_SERVER_FAILED 500 /* from this status on it may have been done all the same */
bool account_unsure(const struct journal_record *r);

/* account_said(r, out): what a record says of keys; returns of how many. Strings are the record's.
 * ordinal and which are the caller's to set. What is expired from the trash it does not tell. */
size_t account_said(const struct journal_record *r, struct account_entry out[2]);

/* account_encode(e, prefix, out): append the entry, with the prefix before its key. 0, -ENOMEM,
 * ERR_LIMIT. account_decode(bytes, ret): strings point into the bytes. 0 or ERR_CORRUPT. */
int account_encode(const struct account_entry *e, const char *prefix, struct buf *out)
    __attribute__((warn_unused_result));
int account_decode(struct span bytes, struct account_entry *ret)
    __attribute__((warn_unused_result));

#define ACCOUNT_KEY_SIZE (4096 + 1025)
#define ACCOUNT_HISTORY  16 /* objects of the key before the last one that are remembered */

struct account_object {
    unsigned which;
    uint64_t seq;
    char etag[S3_ETAG_MAX], version[S3_VERSION_MAX];
};

struct account {
    char key[ACCOUNT_KEY_SIZE];
    enum account_what what;    /* ACCOUNT_PUT, ACCOUNT_DELETE; ACCOUNT_END: it tells of no object */
    struct account_entry last; /* of what it is; without strings */
    struct account_object object; /* the last that was put */
    struct account_object history[ACCOUNT_HISTORY];
    size_t history_count; /* all; the last ones are kept */
    bool open;            /* something has not ended */
    bool unsure;          /* or has, and S3 may have it: open until the next object or deletion */
    struct account_object open_by;
    uint64_t open_tx;
};

/* account_begin(a, key): nothing is known. account_add(a, e): the next entry of this key. */
void account_begin(struct account *a, const char *key);
void account_add(struct account *a, const struct account_entry *e);

enum account_kind {
    ACCOUNT_SAME,
    ACCOUNT_MISSING,  /* not in S3 */
    ACCOUNT_EXTRA,    /* in S3, and the journal does not say so */
    ACCOUNT_CONTENT,  /* S3 has another object */
    ACCOUNT_METADATA, /* the same content, written by somebody else */
    ACCOUNT_OPEN,     /* the journal does not know how it ended */
    ACCOUNT_UNKNOWN,  /* S3 does not answer for it */
    ACCOUNT_KINDS
};
const char *account_kind_name(enum account_kind kind);

/* What S3 has. */
struct account_facts {
    bool in_s3;
    uint64_t size;
    const char *etag;
    int64_t modified_us;
    bool asked; /* by HEAD, which came to `verdict` */
    enum verdict verdict;
    const char *words;          /* of an answer that says nothing */
    const char *version;        /* where asked; "" */
    const struct s3_head *head; /* where asked, and it is there */
    int64_t journal_until_us;   /* time of the journal's last record */
    const char *const *hosts;   /* names of the journals' hosts; NULL: there is one */
};

struct account_answer {
    enum account_kind kind;
    uint64_t seq; /* of the record that it is about; 0: none */
    unsigned which;
    char cause[ERR_TEXT_MAX];
};

/* account_wants(a, f, deep): is a closer look (HEAD) needed to answer? deep: at all that is there.
 */
bool account_wants(const struct account *a, const struct account_facts *f, bool deep);

/* account_judge(a, f, ret): is it what the journal says, and if not, why probably. */
void account_judge(const struct account *a, const struct account_facts *f,
                   struct account_answer *ret);

#endif
