/*
 * HTTP answers, any bytes at all, in pieces whose size the first byte says: no crash, no leak,
 * within their ceilings, and the same as from one piece.
 */
#include "uploaders/http.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 1024
#define BODY_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What became of one reading. */
struct outcome {
    struct http_answer a;
    struct buf head;
    struct buf body;
    enum http_said said;
    size_t used;
};

/* Read all of it in such pieces. */
static void run(struct outcome *o, bool to_head, const char *p, size_t n, size_t piece)
{
    memset(o, 0, sizeof *o);
    buf_init(&o->head, HEAD_MAX);
    buf_init(&o->body, SIZE_MAX / 2);
    http_begin(&o->a, to_head, &o->head, &o->body, BODY_MAX);
    while (o->said == HTTP_GOES_ON && o->used < n) {
        size_t left = n - o->used, used = 0;
        o->said = http_read(&o->a, p + o->used, left < piece ? left : piece, &used);
        if (used > left || (used == 0 && o->said == HTTP_GOES_ON))
            abort();
        o->used += used;
    }
    if (o->said == HTTP_GOES_ON)
        o->said = http_close(&o->a);
    if (o->said == HTTP_GOES_ON || (o->said == HTTP_BROKEN) != (o->a.fault != NULL))
        abort();
    if (o->said == HTTP_ENDED && (o->a.status < 200 || o->a.status > 999))
        abort();
    if (o->body.len > BODY_MAX || o->head.len > HEAD_MAX)
        abort();
}

static void release(struct outcome *o)
{
    http_release(&o->a);
    buf_release(&o->head);
    buf_release(&o->body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome one, many;
    if (size < 1)
        return 0;
    const char *text = (const char *)data + 1;
    bool to_head = data[0] & 1;
    run(&one, to_head, text, size - 1, SIZE_MAX);
    run(&many, to_head, text, size - 1, 1 + (data[0] >> 1));
    if (one.said != many.said || one.a.status != many.a.status || one.a.keeps != many.a.keeps)
        abort();
    /* What is too large is found out after as much as came of it at once. */
    if (one.said == HTTP_ENDED && (one.used != many.used ||
                                   !span_equal((struct span){one.head.data, one.head.len},
                                               (struct span){many.head.data, many.head.len}) ||
                                   !span_equal((struct span){one.body.data, one.body.len},
                                               (struct span){many.body.data, many.body.len})))
        abort();
    release(&one);
    release(&many);
    return 0;
}
