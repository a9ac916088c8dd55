/*
 * Bodies of one worker that are read, hashed, signed and sent by pieces of sixteen chunks. Shell.
 *
 *   stream_begin -> (call starved -> in line -> streams_turn: read, hash, sign, send ...) ->
 *   call->done -> stream_end
 *
 * A piece is sent while it is still in the processor's cache, and is all of a body that is in
 * memory. Its chunks are hashed side by side. Not thread-safe.
 */
#ifndef LOCKSTEP_UPLOADERS_STREAMS_H
#define LOCKSTEP_UPLOADERS_STREAMS_H

#include "uploaders/ahead.h"
#include "uploaders/caller.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_CHUNKS  ((size_t)16)
#define STREAM_BYTES   (STREAM_CHUNKS * CHUNKED_STRIDE + CHUNKED_BACK_MAX)
#define STREAMS_SPARES 4 /* pieces' memory that is kept */

/* Those of a worker. Zeroed to begin; streams_release. */
struct streams {
    struct ahead *ahead;  /* told how the reading goes; borrowed */
    struct stream *first; /* in line for their next piece */
    struct stream *last;
    unsigned count;
    uint64_t read_bytes; /* since `ahead` was told, and what that took */
    int64_t read_us;
    int64_t read_waits;
    char *spares[STREAMS_SPARES];
    unsigned spare_count;
};
void streams_release(struct streams *all);

/* One body. Zeroed to begin. */
struct stream {
    struct chunked chunked; /* first: the call has it */
    struct streams *all;
    struct stream *next; /* in line */
    struct call *call;
    bool in_line;
    int fd;
    uint64_t from; /* in the file */
    size_t n;
    size_t at;    /* bytes of the file that are in pieces by now */
    size_t made;  /* bytes of the body that are */
    uint64_t crc; /* CRC-64/NVME of them; of all, when the call is done */
    int code;     /* why the file could not be read, for source_judge; 0: it could */
    char *piece;  /* on its way; NULL: none */
    char length[24];
};

/* stream_begin(s, all, call, fd, from, n): the body of the call, not started yet, is to be n bytes
 * (1 and more) of an open file from `from` on. stream_end(s): the call is done. */
void stream_begin(struct stream *s, struct streams *all, struct call *call, int fd, uint64_t from,
                  size_t n);
void stream_end(struct stream *s);

/* streams_turn(all): the next pieces of those in line, a few; calls may be done in here. True: more
 * are in line. */
bool streams_turn(struct streams *all);

#endif
