/* The reader of an object's tags. Pure. */
#include "uploaders/answer.h"
#include "uploaders/sigv4.h"
#include "uploaders/undo.h"

#include <string.h>

#define TAG_BYTES_MAX (4 * 256 + 1) /* a value: 256 characters of UTF-8 */

struct tags_reader {
    struct buf *out;
    size_t began; /* length of out before the first tag */
    char key[TAG_BYTES_MAX];
    char value[TAG_BYTES_MAX];
};

static int open_tags(void *arg, const char *path)
{
    struct tags_reader *t = arg;
    if (strcmp(path, "TagSet/Tag") == 0)
        t->key[0] = t->value[0] = '\0';
    return 0;
}

/* "&key=value" */
static int append_tag(struct tags_reader *t)
{
    int rc = t->out->len > t->began ? buf_append_byte(t->out, '&') : 0;
    if (!rc)
        rc = sigv4_encode(t->key, t->out);
    if (!rc)
        rc = buf_append_byte(t->out, '=');
    return rc ? rc : sigv4_encode(t->value, t->out);
}

static int close_tags(void *arg, const char *path, const char *text)
{
    struct tags_reader *t = arg;
    if (strcmp(path, "TagSet/Tag/Key") == 0)
        return answer_text(text, t->key, sizeof(t->key));
    if (strcmp(path, "TagSet/Tag/Value") == 0)
        return answer_text(text, t->value, sizeof(t->value));
    return strcmp(path, "TagSet/Tag") == 0 ? append_tag(t) : 0;
}

int answers_tagging(struct span body, struct buf *out, struct s3_error *ret_error)
{
    struct tags_reader t = {.out = out, .began = out->len};
    struct answer_reader r = {.root = "Tagging", .arg = &t, .open = open_tags, .close = close_tags};
    return undo_append(out, t.began, answer_read(body, &r, ret_error));
}
