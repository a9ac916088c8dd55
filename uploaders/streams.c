/* Bodies that are read, hashed, signed and sent chunk by chunk. Shell. See streams.h. */
#include "uploaders/streams.h"

#include "base/clock.h"
#include "base/tree.h"
#include "uploaders/readers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS_A_TURN 2          /* then others have theirs */
#define TOLD_BYTES   (8u << 20) /* that are read between two reports of how that goes */

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

/* Out of it: the first one, or NULL. */
static struct stream *take_first(struct streams *all)
{
    struct stream *s = all->first;
    if (!s)
        return NULL;
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

/* Memory for a chunk. The one that was used last is in the processor's cache. */
static char *take_chunk(struct streams *all)
{
    return all->spare_count > 0 ? all->spares[--all->spare_count] : malloc(STREAM_BYTES);
}

/* It was sent, or is not needed. */
static void give_chunk(struct stream *s)
{
    struct streams *all = s->all;
    if (!s->chunk)
        return;
    if (all->spare_count < STREAMS_SPARES)
        all->spares[all->spare_count++] = s->chunk;
    else
        free(s->chunk);
    s->chunk = NULL;
    all->sending--;
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
    give_chunk(s);
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
    give_chunk(s);
    chunked_wipe(&s->chunked);
    if (--all->count == 0)
        streams_release(all);
}

/* The bytes of a chunk: where they are, how many. */
static struct span bytes_of(const struct stream *s)
{
    const size_t left = s->n - s->at;
    return (struct span){s->chunk + CHUNKED_FRONT_MAX, left < CHUNKED_BYTES ? left : CHUNKED_BYTES};
}

/* Read the next ones. False where there is nothing to go on with. */
static bool read_bytes(struct stream *s)
{
    s->chunk = take_chunk(s->all);
    if (!s->chunk) {
        s->code = -ENOMEM;
        return false;
    }
    s->all->sending++;
    const struct span bytes = bytes_of(s);
    s->code = read_whole_at(s->fd, s->from + s->at, s->chunk + CHUNKED_FRONT_MAX, bytes.n);
    if (s->code != 0)
        return false;
    s->crc = crc64nvme(s->crc, bytes.p, bytes.n);
    return true;
}

/* Sign them and send them. It may be done with that. */
static void send_chunk(struct stream *s, struct sha256 *hash)
{
    char front[CHUNKED_FRONT_MAX];
    uint8_t digest[SHA256_BYTES];
    const struct span bytes = bytes_of(s);
    char *begin = s->chunk + CHUNKED_FRONT_MAX, *end = begin + bytes.n;
    const size_t at = s->made;
    sha256_end(hash, digest);
    const size_t front_n = chunked_front(&s->chunked, digest, bytes.n, front);
    begin -= front_n;
    memcpy(begin, front, front_n);
    s->at += bytes.n;
    end += s->at < s->n ? chunked_back(end) : chunked_last(&s->chunked, s->crc, end);
    s->made += (size_t)(end - begin);
    wire_more(&s->call->x, at, (struct span){begin, (size_t)(end - begin)});
}

/* Read one, or two, and say now and then how that goes. */
static void read_both(struct streams *all, struct stream *pair[2])
{
    const int64_t began_us = clock_mono_us(), waits = readers_waits();
    for (size_t i = 0; i < 2; i++)
        if (pair[i] && read_bytes(pair[i]))
            all->read_bytes += bytes_of(pair[i]).n;
    all->read_us += clock_mono_us() - began_us;
    all->read_waits += readers_waits() - waits;
    if (all->read_bytes < TOLD_BYTES)
        return;
    ahead_timed_large(all->ahead, all->read_bytes, all->read_us, all->read_waits);
    all->read_bytes = 0;
    all->read_us = all->read_waits = 0;
}

/* A chunk of one, or of two. */
static void go_on(struct streams *all, struct stream *pair[2])
{
    struct sha256 hashes[2];
    struct span bytes[2] = {SPAN(""), SPAN("")};
    read_both(all, pair);
    for (size_t i = 0; i < 2; i++) {
        sha256_begin(&hashes[i]);
        if (pair[i] && pair[i]->code == 0)
            bytes[i] = bytes_of(pair[i]);
    }
    sha256_add_both(&hashes[0], bytes[0], &hashes[1], bytes[1]);
    for (size_t i = 0; i < 2; i++) {
        if (pair[i] && pair[i]->code != 0)
            call_break(pair[i]->call);
        else if (pair[i])
            send_chunk(pair[i], &hashes[i]);
    }
}

int64_t streams_turn(struct streams *all)
{
    const unsigned pairs = ahead_is_slow(all->ahead) ? 1 : PAIRS_A_TURN;
    for (unsigned i = 0; i < pairs && all->first; i++) {
        bool single = all->first == all->last;
        if (single && all->sending > 0 && !all->waited) {
            all->waited = true;
            return clock_mono_ms() + STREAMS_WAIT_MS;
        }
        struct stream *first = take_first(all);
        struct stream *pair[2] = {first, take_first(all)};
        all->waited = false;
        go_on(all, pair);
    }
    return all->first ? 0 : INT64_MAX;
}
