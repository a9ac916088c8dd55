/* Any bytes as a flat object: refused, or written again and read back as the same members. */
#include "base/json.h"

#include <stdlib.h>

#define MEMBERS_MAX 64
#define TEXT_MAX    ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read of a text. */
struct object {
    struct buf keys[MEMBERS_MAX];
    struct buf values[MEMBERS_MAX];
    struct json_value members[MEMBERS_MAX];
    int n;
    enum json_step end;
};

/* Keep one member, with copies of its bytes. */
static void keep(struct object *o, struct span key, const struct json_value *value)
{
    buf_init(&o->keys[o->n], TEXT_MAX);
    buf_init(&o->values[o->n], TEXT_MAX);
    if (buf_append_span(&o->keys[o->n], key) != 0 ||
        buf_append_span(&o->values[o->n], value->text) != 0)
        abort();
    o->members[o->n++] = *value;
}

/* Read all. */
static void read_object(struct span text, struct object *ret)
{
    struct json_reader r;
    struct json_value value;
    struct span key;
    struct buf scratch[2];

    buf_init(&scratch[0], TEXT_MAX);
    buf_init(&scratch[1], TEXT_MAX);
    ret->n = 0;
    json_read_begin(&r, text, &scratch[0], &scratch[1]);
    do {
        ret->end = json_read_next(&r, &key, &value);
        if (ret->end == JSON_MORE)
            keep(ret, key, &value);
    } while (ret->end == JSON_MORE && ret->n < MEMBERS_MAX);
    if (r.at > text.n)
        abort();
    buf_release(&scratch[0]);
    buf_release(&scratch[1]);
}

/* Give back the copies. */
static void release(struct object *o)
{
    for (int i = 0; i < o->n; i++) {
        buf_release(&o->keys[i]);
        buf_release(&o->values[i]);
    }
}

/* Write one member. The keys may hold NUL, which the writer's keys may not; so they go as values.
 */
static void write_member(struct json_writer *w, const struct buf *key, const struct buf *text,
                         const struct json_value *value)
{
    json_put_span(w, "k", (struct span){key->data, key->len});
    switch (value->kind) {
    case JSON_STRING:
        json_put_span(w, "v", (struct span){text->data, text->len});
        break;
    case JSON_INTEGER:
        json_put_int(w, "v", value->integer);
        break;
    case JSON_BOOL:
        json_put_bool(w, "v", value->integer != 0);
        break;
    case JSON_NULL:
        json_put_string(w, "v", NULL);
        break;
    }
}

/* What was read again is what was written. */
static void compare(const struct object *was, const struct object *is)
{
    if (is->end != JSON_END || is->n != 2 * was->n)
        abort();
    for (int i = 0; i < was->n; i++) {
        const struct buf *key = &was->keys[i];
        const struct buf *text = &was->values[i];
        const struct buf *again = &is->values[2 * i];

        if (!span_equal((struct span){key->data, key->len}, (struct span){again->data, again->len}))
            abort();
        again = &is->values[2 * i + 1];
        if (is->members[2 * i + 1].kind != was->members[i].kind ||
            is->members[2 * i + 1].integer != was->members[i].integer ||
            !span_equal((struct span){text->data, text->len},
                        (struct span){again->data, again->len}))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct object was;
    static struct object is;
    struct json_writer w;
    struct buf out;

    buf_init(&out, 100 * TEXT_MAX);
    read_object((struct span){(const char *)data, size}, &was);
    if (was.end == JSON_END && was.n < MEMBERS_MAX / 2) {
        json_begin(&w, &out);
        json_object(&w, NULL);
        for (int i = 0; i < was.n; i++)
            write_member(&w, &was.keys[i], &was.values[i], &was.members[i]);
        json_object_end(&w);
        if (json_end(&w) != 0)
            abort();
        read_object((struct span){out.data, out.len}, &is);
        compare(&was, &is);
        release(&is);
    }
    release(&was);
    /* Any bytes at all make a string that reads back. */
    buf_reset(&out);
    if (buf_append_str(&out, "{\"k\":") != 0 || json_string(&out, (const char *)data, size) != 0 ||
        buf_append_byte(&out, '}') != 0)
        abort();
    read_object((struct span){out.data, out.len}, &is);
    if (is.end != JSON_END || is.n != 1 || is.members[0].kind != JSON_STRING)
        abort();
    release(&is);
    buf_release(&out);
    return 0;
}
