/* The keys that a segment names, by a look at its raw bytes. Shell. See verify.h. */
#include "journal/verify.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

#define PIECE  (1u << 20)
#define WINDOW (PIECE + 2u * JOURNAL_LINE_MAX) /* a piece, and a line that the last one cut */

static const char mark[] = "\"o\":\"key\",";

/* The key of a line that has the mark, if it names one (a record that can be decoded and has it is
 * one of keys: inside of strings, quotes are escaped). 0, what on_key returned, -ENOMEM. */
static int take_line(struct span line, struct buf *store,
                     int (*on_key)(void *arg, const struct journal_key *key), void *arg)
{
    struct journal_record rec;
    struct journal_key key;
    int rc = journal_record_decode(line, store, &rec);

    if (rc == 0 && rec.after && journal_key_parse(span_of(rec.after), &key) == 0)
        return on_key(arg, &key);
    return rc == -ENOMEM ? rc : 0;
}

/* All whole lines that have the mark. The same. */
static int take_lines(struct span in, struct buf *store,
                      int (*on_key)(void *arg, const struct journal_key *key), void *arg)
{
    const char *end = in.p + in.n, *at = in.p;
    int rc = 0;

    while (rc == 0 && (at = memmem(at, (size_t)(end - at), mark, sizeof mark - 1))) {
        const char *from = memrchr(in.p, '\n', (size_t)(at - in.p));
        const char *to = memchr(at, '\n', (size_t)(end - at));

        if (!to)
            break;
        from = from ? from + 1 : in.p;
        rc = take_line((struct span){from, (size_t)(to - from)}, store, on_key, arg);
        at = to;
    }
    return rc;
}

/* Drop the lines that were looked at: the last one, which may be cut, stays. Something is there. */
static void keep_last_line(struct buf *window)
{
    const char *lf = memrchr(window->data, '\n', window->len);
    size_t keep = lf ? (size_t)(window->data + window->len - lf - 1) : window->len;

    if (keep > JOURNAL_LINE_MAX)
        keep = JOURNAL_LINE_MAX; /* no line is as long */
    if (keep)
        memmove(window->data, window->data + window->len - keep, keep);
    window->len = keep;
}

int verify_keys_named(int dir_fd, struct journal_name name,
                      int (*on_key)(void *arg, const struct journal_key *key), void *arg)
{
    struct journal_content content;
    struct buf window, store;
    uint64_t offset = 0;
    ssize_t n = 1;
    int rc = journal_content_open(&content, dir_fd, name);

    if (rc)
        return rc;
    buf_init(&window, WINDOW);
    buf_init(&store, JOURNAL_LINE_MAX);
    rc = buf_reserve(&window, WINDOW);
    while (rc == 0 && n) {
        n = journal_content_read(&content, window.data + window.len, PIECE, offset);
        if (n < 0) {
            rc = (int)n;
        } else if (n > 0) {
            offset += (uint64_t)n;
            window.len += (size_t)n;
            rc = take_lines((struct span){window.data, window.len}, &store, on_key, arg);
            keep_last_line(&window);
        }
    }
    buf_release(&window);
    buf_release(&store);
    journal_content_close(&content);
    return rc;
}
