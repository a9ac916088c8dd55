/* A record's line without decoding it. Pure. See glance.h. */
#include "journal/glance.h"

#include "journal/text.h"

#include <string.h>

/* Past the next byte of this kind; false where there is none. */
static bool skip_past(struct journal_scan *s, char c)
{
    const char *at = s->p < s->end ? memchr(s->p, c, (size_t)(s->end - s->p)) : NULL;

    s->p = at ? at + 1 : s->end;
    return at != NULL;
}

/* Is the byte at `at` escaped? An odd number of backslashes stands before it. */
static bool is_escaped(const char *from, const char *at)
{
    const char *p = at;

    while (p > from && p[-1] == '\\')
        p--;
    return (at - p) % 2 == 1;
}

/* What stands from here up to the quote that ends the string. */
static bool take_string(struct journal_scan *s, struct span *ret)
{
    const char *from = s->p;

    do {
        if (!skip_past(s, '"'))
            return false;
    } while (is_escaped(from, s->p - 1));
    *ret = (struct span){from, (size_t)(s->p - 1 - from)};
    return true;
}

/* A path under either of its keys, if it stands here. */
static bool take_path(struct journal_scan *s, struct span key, struct span key64, struct span *path,
                      bool *coded)
{
    struct span code;

    if (journal_scan_try(s, key))
        return take_string(s, path);
    if (!journal_scan_try(s, key64))
        return true;
    *coded = true;
    return take_string(s, &code);
}

bool journal_line_glance(struct span line, struct journal_glance *ret)
{
    struct journal_glance g = {0};
    struct journal_scan s;
    struct span skipped;

    journal_scan_begin(&s, line);
    if (!journal_scan_try(&s, SPAN("{\"q\":")) || !skip_past(&s, ',') ||
        !journal_scan_try(&s, SPAN("\"t\":")) || !skip_past(&s, ',') ||
        !journal_scan_try(&s, SPAN("\"o\":\"")) || !take_string(&s, &g.op) ||
        !journal_scan_try(&s, SPAN(",\"st\":\"")) || !take_string(&s, &skipped))
        return false;
    if (journal_scan_try(&s, SPAN(",\"w\":\"")) && !take_string(&s, &skipped))
        return false;
    if (!take_path(&s, SPAN(",\"p\":\""), SPAN(",\"P\":\""), &g.path, &g.coded) ||
        !take_path(&s, SPAN(",\"d\":\""), SPAN(",\"D\":\""), &g.path2, &g.coded))
        return false;
    *ret = g;
    return true;
}

bool journal_spelling_is_within(struct span spelled, struct span dir)
{
    if (!spelled.p)
        return false;
    if (dir.n == 0)
        return true;
    return spelled.n >= dir.n && memcmp(spelled.p, dir.p, dir.n) == 0 &&
           (spelled.n == dir.n || spelled.p[dir.n] == '/');
}
