/*
 * JSON that we write, and flat JSON objects that we read: our own (journal lines, control requests)
 * and those that the sources of credentials answer. Pure.
 */
#ifndef LOCKSTEP_BASE_JSON_H
#define LOCKSTEP_BASE_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Writing. json_string appends a quoted string: '"', '\\' and control bytes escaped, the rest as it
 * is; the input must be UTF-8 (invalid bytes become U+FFFD: callers that must not lose bytes use
 * base64). The struct keeps track of commas; nesting up to JSON_DEPTH_MAX.
 */
#define JSON_DEPTH_MAX 16

struct json_writer {
    struct buf *out;
    int depth;
    bool comma[JSON_DEPTH_MAX];
    int error; /* the first failure; later calls do nothing */
};

int json_string(struct buf *out, const char *p, size_t n) __attribute__((warn_unused_result));

void json_begin(struct json_writer *w, struct buf *out);
void json_object(struct json_writer *w,
                 const char *key); /* key NULL inside arrays and at the top */
void json_object_end(struct json_writer *w);
void json_array(struct json_writer *w, const char *key);
void json_array_end(struct json_writer *w);
void json_put_string(struct json_writer *w, const char *key, const char *value);
void json_put_span(struct json_writer *w, const char *key, struct span value);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
/* json_end(w): 0 or the first failure (-ENOMEM, ERR_LIMIT, or -EINVAL for unbalanced nesting). */
int json_end(struct json_writer *w) __attribute__((warn_unused_result));

/*
 * Reading one flat object: {"key":value,...} where a value is a string, an integer of 64 bits,
 * true, false or null. Nothing nested, no white space needed but allowed between tokens, no
 * duplicate keys check (the caller's), nothing but white space after the closing brace.
 */
enum json_kind { JSON_STRING, JSON_INTEGER, JSON_BOOL, JSON_NULL };

struct json_value {
    enum json_kind kind;
    struct span text; /* JSON_STRING: decoded bytes, valid until the next call */
    int64_t integer;  /* JSON_INTEGER, JSON_BOOL (0, 1) */
};

struct json_reader {
    struct span in;
    size_t at;
    struct buf *scratch_key; /* decoded key and value: the caller's buffers, reused */
    struct buf *scratch_value;
    int state;
};

enum json_step { JSON_MORE, JSON_END, JSON_BAD };

void json_read_begin(struct json_reader *r, struct span in, struct buf *scratch_key,
                     struct buf *scratch_value);
/* json_read_next(r, &key, &value): JSON_MORE with the next member; JSON_END after the last;
 * JSON_BAD where the text is not such an object (r->at is the offset). */
enum json_step json_read_next(struct json_reader *r, struct span *ret_key,
                              struct json_value *ret_value);

#endif
