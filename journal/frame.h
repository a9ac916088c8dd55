/*
 * The lines that frame records: a segment's header, a batch's commit line, the note of a repair;
 * and the names of segments. Pure. Private to journal/.
 */
#ifndef LOCKSTEP_JOURNAL_FRAME_H
#define LOCKSTEP_JOURNAL_FRAME_H

#include "base/buf.h"
#include "base/digest.h"
#include "journal/journal.h"
#include "journal/merkle.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_FILE_SIZE  48         /* bytes for a segment's name and its NUL */
#define JOURNAL_UUID_SIZE  37         /* 36 characters and the NUL */
#define JOURNAL_BATCH_MAX  (4u << 20) /* bytes of a batch without its commit line */
#define JOURNAL_COMMIT_MAX 256        /* bytes that no commit line reaches */
#define JOURNAL_HEADER_MAX 8192       /* bytes that no header line reaches */

/* A segment's name: the first sequence number and, where several segments begin with the same one
 * (a segment that failed before it held a record), which of them. */
struct journal_name {
    uint64_t first;
    uint32_t part; /* 0: the plain name */
};

/* journal_name_format(name, out): "<20 digits>.jsonl" or "<20 digits>.<part>.jsonl"; returns out.
 * journal_name_parse(file, ret): true if file is such a name. compare: the order of segments. */
char *journal_name_format(struct journal_name name, char out[JOURNAL_FILE_SIZE]);
bool journal_name_parse(const char *file, struct journal_name *ret);
/* journal_packed_name(name, out): the name of its file once it is compressed, which has the ending
 * ".zst" besides; returns out. journal_any_name_parse(file, ret): true if it is either. */
char *journal_packed_name(struct journal_name name, char out[JOURNAL_FILE_SIZE]);
bool journal_any_name_parse(const char *file, struct journal_name *ret);
int journal_name_compare(struct journal_name a, struct journal_name b);

enum journal_kind {
    JOURNAL_KIND_RECORD,
    JOURNAL_KIND_HEADER,
    JOURNAL_KIND_COMMIT,
    JOURNAL_KIND_REPAIR,
    JOURNAL_KIND_SIGNATURE, /* a leaf like any other; what is in it is not looked at */
    JOURNAL_KIND_OTHER
};

/* journal_kind_of(line): what the line's first bytes say. */
enum journal_kind journal_kind_of(struct span line);

/* journal_line_next(rest, ret): the next line without its LF, taken off `rest`; false at the end.
 */
bool journal_line_next(struct span *rest, struct span *ret);

/* journal_line_seq(line, ret): the sequence number of a record's line. 0 or ERR_SYNTAX. */
int journal_line_seq(struct span line, uint64_t *ret) __attribute__((warn_unused_result));

struct journal_header {
    const char *uuid;            /* j: of the journal */
    uint64_t first;              /* q: of the first record */
    int64_t time_us;             /* t: when the segment was made */
    const char *previous;        /* pf: the segment before; "" none */
    uint64_t previous_size;      /* pb: bytes of it that count; what follows them does not */
    uint8_t chain[SHA256_BYTES]; /* ph: chain value there */
    struct journal_tree tree;    /* n, fr, root: over all leaves before this line */
    const char *host;
    const char *boot;
    const char *version;
};

/* journal_header_encode(h, out): append the line. 0, -ENOMEM, ERR_LIMIT.
 * journal_header_decode(line, store, ret): strings point into store. 0, ERR_SYNTAX, ERR_VERSION
 * for a format newer than ours, ERR_CORRUPT where root and frontier disagree, -ENOMEM. */
int journal_header_encode(const struct journal_header *h, struct buf *out)
    __attribute__((warn_unused_result));
int journal_header_decode(struct span line, struct buf *store, struct journal_header *ret)
    __attribute__((warn_unused_result));

struct journal_commit {
    uint64_t last;               /* q: the last record up to here */
    uint64_t records;            /* n: in this batch; other lines do not count */
    uint64_t bytes;              /* b: of this batch with LFs */
    uint32_t crc;                /* x: CRC-32C of these bytes */
    uint8_t chain[SHA256_BYTES]; /* h: SHA-256(previous h || these bytes) */
};

/* journal_commit_encode, journal_commit_decode: as above. */
int journal_commit_encode(const struct journal_commit *c, struct buf *out)
    __attribute__((warn_unused_result));
int journal_commit_decode(struct span line, struct journal_commit *ret)
    __attribute__((warn_unused_result));

struct journal_repair {
    uint64_t at;               /* offset of the cut in the segment that was cut */
    uint64_t cut;              /* bytes */
    uint8_t sha[SHA256_BYTES]; /* of what was cut */
};

int journal_repair_encode(const struct journal_repair *r, struct buf *out)
    __attribute__((warn_unused_result));
int journal_repair_decode(struct span line, struct journal_repair *ret)
    __attribute__((warn_unused_result));

/* journal_time_encode(time_us, out): append the line that says the time where nothing else did. 0,
 * -ENOMEM, ERR_LIMIT. */
int journal_time_encode(int64_t time_us, struct buf *out) __attribute__((warn_unused_result));

#endif
