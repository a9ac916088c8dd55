/*
 * What all readers of S3's answers share. Pure; private to the answers files.
 *
 * A reader names the root elements that it takes and gets the elements below it, by their path from
 * there ("Contents/Key"; "" is the root itself). A root Error is read here.
 */
#ifndef LOCKSTEP_UPLOADERS_ANSWER_H
#define LOCKSTEP_UPLOADERS_ANSWER_H

#include "uploaders/answers.h"

struct answer_reader {
    const char *root;
    const char *other_root; /* NULL: none */
    void *arg;
    int (*open)(void *arg, const char *path); /* NULL: none */
    int (*close)(void *arg, const char *path, const char *text);
};

/* answer_read(body, r, ret_error): as the readers of answers.h. */
int answer_read(struct span body, const struct answer_reader *r, struct s3_error *ret_error)
    __attribute__((warn_unused_result));

/* answer_number(text, max, ret): decimal digits. 0 or ERR_SYNTAX. */
int answer_number(const char *text, uint64_t max, uint64_t *ret)
    __attribute__((warn_unused_result));

/* answer_text(text, out, size): a copy. 0, ERR_LIMIT. */
int answer_text(const char *text, char *out, size_t size) __attribute__((warn_unused_result));

/* answer_etag(text, out): a copy without quotes. 0, ERR_LIMIT. */
int answer_etag(const char *text, char out[S3_ETAG_MAX]) __attribute__((warn_unused_result));

/* answer_bool(text, ret): "true" or "false". 0 or ERR_SYNTAX. */
int answer_bool(const char *text, bool *ret) __attribute__((warn_unused_result));

/* answer_grow(items, count, cap, size): room for one more item of `size` bytes in an array of the
 * heap that has `cap`; it is zeroed. 0, ERR_LIMIT past ANSWERS_ITEMS_MAX, -ENOMEM. */
int answer_grow(void **items, size_t count, size_t *cap, size_t size)
    __attribute__((warn_unused_result));

/* answer_keep(kept, text, ret): keep a copy with its NUL; *ret is its offset. 0, ERR_LIMIT,
 * -ENOMEM.
 */
int answer_keep(struct buf *kept, const char *text, size_t *ret)
    __attribute__((warn_unused_result));

/* answer_decode_url(s): undo encoding-type=url in place: %XX, and '+' for a space. 0 or ERR_SYNTAX.
 */
int answer_decode_url(char *s) __attribute__((warn_unused_result));

#endif
