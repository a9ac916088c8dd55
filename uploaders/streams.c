/* Bodies that are read, hashed, signed and sent by pieces of chunks. Shell. See streams.h. */
#include "uploaders/streams.h"

#include "base/clock.h"
#include "base/tree.h"
#include "uploaders/readers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define PIECES_A_TURN 2          /* then others have theirs */
#define TOLD_BYTES    (8u << 20) /* that are read between two reports of how that goes */

/* Into the line. */
static void line_up(struct stream *s)
{
    struct streams *all = s->all;
    if (s->in_line)
        return;
    s->in_line = true;
    s->next = NULL;
    if (all->last)
        all->last->next = s;
    else
        all->first = s;
    all->last = s;
}

/* Out of it: the first one; there is one. */
static struct stream *take_first(struct streams *all)
{
    struct stream *s = all->first;
    all->first = s->next;
    if (!all->first)
        all->last = NULL;
    s->in_line = false;
    return s;
}

/* Out of its middle. */
static void leave_line(struct stream *gone)
{
    struct streams *all = gone->all;
    struct stream *s = all->first;
    all->first = all->last = NULL;
    for (struct stream *next; s; s = next) {
        next = s->next;
        s->in_line = false;
        if (s != gone)
            line_up(s);
    }
}

/* Memory for a piece. The one that was used last is in the processor's cache. */
static char *take_piece(struct streams *all)
{
    return all->spare_count > 0 ? all->spares[--all->spare_count] : malloc(STREAM_BYTES);
}

/* It was sent, or is not needed. */
static void give_piece(struct stream *s)
{
    struct streams *all = s->all;
    if (!s->piece)
        return;
    if (all->spare_count < STREAMS_SPARES)
        all->spares[all->spare_count++] = s->piece;
    else
        free(s->piece);
    s->piece = NULL;
}

void streams_release(struct streams *all)
{
    while (all->spare_count > 0)
        free(all->spares[--all->spare_count]);
}

/* exchange.starved */
static void on_starved(struct exchange *x, size_t at)
{
    struct call *call = (struct call *)x;
    struct stream *s = (struct stream *)call->chunked;
    give_piece(s);
    if (at == 0) {
        s->at = s->made = 0;
        s->crc = 0;
        s->code = 0;
        chunked_again(&s->chunked);
    }
    line_up(s);
}

void stream_begin(struct stream *s, struct streams *all, struct call *call, int fd, uint64_t from,
                  size_t n)
{
    *s = (struct stream){
        .chunked = {.n = n}, .all = all, .call = call, .fd = fd, .from = from, .n = n};
    snprintf(s->length, sizeof(s->length), "%zu", n);
    call_header(call, "content-encoding", "aws-chunked");
    call_header(call, "x-amz-decoded-content-length", s->length);
    call_header(call, "x-amz-trailer", CHUNKED_TRAILER);
    snprintf(call->payload_hash, sizeof(call->payload_hash), "%s", CHUNKED_PAYLOAD);
    call->chunked = &s->chunked;
    call->x.made_n = (size_t)chunked_length(n);
    call->x.starved = on_starved;
    all->count++;
}

void stream_end(struct stream *s)
{
    struct streams *all = s->all;
    if (s->in_line)
        leave_line(s);
    give_piece(s);
    chunked_wipe(&s->chunked);
    if (--all->count == 0)
        streams_release(all);
}

/* Bytes of the i-th chunk of the next piece. */
static size_t chunk_n(const struct stream *s, size_t i)
{
    const size_t left = s->n - s->at - i * CHUNKED_BYTES;
    return left < CHUNKED_BYTES ? left : CHUNKED_BYTES;
}

/* Where they go, so that their frames have room: the chunks before it are whole ones. */
static char *chunk_bytes(const struct stream *s, size_t i)
{
    return s->piece + i * CHUNKED_STRIDE + chunked_front_length(chunk_n(s, i));
}

/* Chunks of the next piece. */
static size_t count_chunks(const struct stream *s)
{
    const size_t left = (s->n - s->at + CHUNKED_BYTES - 1) / CHUNKED_BYTES;
    return left < STREAM_CHUNKS ? left : STREAM_CHUNKS;
}

/* Read it. False where there is nothing to go on with. */
static bool read_piece(struct stream *s)
{
    struct iovec parts[STREAM_CHUNKS];
    const size_t count = count_chunks(s);
    s->piece = take_piece(s->all);
    if (!s->piece) {
        s->code = -ENOMEM;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct iovec){chunk_bytes(s, i), chunk_n(s, i)};
    s->code = read_parts_at(s->fd, s->from + s->at, parts, (int)count);
    for (size_t i = 0; i < count && s->code == 0; i++) {
        s->crc = crc64nvme(s->crc, chunk_bytes(s, i), chunk_n(s, i));
        s->all->read_bytes += chunk_n(s, i);
    }
    return s->code == 0;
}

/* The hashes of its chunks, those of the whole ones side by side. */
static void hash_piece(const struct stream *s, uint8_t (*digests)[SHA256_BYTES])
{
    const size_t count = count_chunks(s), n = chunk_n(s, count - 1);
    const size_t whole = n == CHUNKED_BYTES ? count : count - 1;
    digest_sha256_strided(chunk_bytes(s, 0), CHUNKED_STRIDE, CHUNKED_BYTES, whole, digests);
    if (whole < count)
        digest_sha256(chunk_bytes(s, whole), n, digests[whole]);
}

/* Sign it and send it. It may be done with that. */
static void send_piece(struct stream *s)
{
    uint8_t digests[STREAM_CHUNKS][SHA256_BYTES];
    const size_t count = count_chunks(s), at = s->made;
    char *end = s->piece;
    hash_piece(s, digests);
    for (size_t i = 0; i < count; i++) {
        const size_t n = chunk_n(s, 0);
        end += chunked_front(&s->chunked, digests[i], n, end) + n;
        s->at += n;
        end += s->at < s->n ? chunked_back(end) : chunked_last(&s->chunked, s->crc, end);
    }
    s->made += (size_t)(end - s->piece);
    wire_more(&s->call->x, at, (struct span){s->piece, (size_t)(end - s->piece)});
}

/* Say now and then how reading goes. */
static void tell(struct streams *all)
{
    if (all->read_bytes < TOLD_BYTES)
        return;
    ahead_timed_large(all->ahead, all->read_bytes, all->read_us, all->read_waits);
    all->read_bytes = 0;
    all->read_us = all->read_waits = 0;
}

/* A piece of one. */
static void go_on(struct stream *s)
{
    struct streams *all = s->all;
    const int64_t began_us = clock_mono_us(), waits = readers_waits();
    const bool is_read = read_piece(s);
    all->read_us += clock_mono_us() - began_us;
    all->read_waits += readers_waits() - waits;
    if (is_read)
        send_piece(s);
    else
        call_break(s->call);
    tell(all);
}

bool streams_turn(struct streams *all)
{
    const unsigned pieces = ahead_is_slow(all->ahead) ? 1 : PIECES_A_TURN;
    for (unsigned i = 0; i < pieces && all->first; i++)
        go_on(take_first(all));
    return all->first;
}
