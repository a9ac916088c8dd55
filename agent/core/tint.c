/* Pure. Which colour a line of `lockstep status` has on a terminal. */
#include "agent/core/tint.h"

#include <stdbool.h>
#include <string.h>

#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define RED    "\033[1;31m"

/* Lines by how they begin. */
static const struct {
    const char *begin, *on;
} lines[] = {
    {"in step", GREEN},       {"not in step", YELLOW},
    {"next, for you: ", RED}, {"next, by itself: ", YELLOW},
    {"PAUSED", RED},
};

/* Mappings ("name: word, ...") by their word. */
static const struct {
    const char *word, *on;
} words[] = {
    {"in step", GREEN}, {"working", YELLOW}, {"scanning", YELLOW}, {"incomplete", YELLOW},
    {"held", RED},      {"lost", RED},       {"stuck", RED},
};

static bool begins_with(struct span s, const char *text)
{
    size_t n = strlen(text);

    return s.n >= n && memcmp(s.p, text, n) == 0;
}

const char *tint_of(struct span line)
{
    const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
    struct span rest = {"", 0};

    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (begins_with(line, lines[i].begin))
            return lines[i].on;
    if (colon && line.p + line.n - colon > 2 && line.p[0] != ' ')
        rest = (struct span){colon + 2, (size_t)(line.p + line.n - colon) - 2};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i].word);

        if (begins_with(rest, words[i].word) && rest.n > n && rest.p[n] == ',')
            return words[i].on;
    }
    return "";
}

/* One line. */
static int put_line(struct span line, struct buf *out)
{
    const char *on = tint_of(line);
    int rc = buf_append_str(out, on);

    if (rc == 0)
        rc = buf_append_span(out, line);
    return rc || !*on ? rc : buf_append_str(out, TINT_END);
}

int tint_text(struct span text, struct buf *out)
{
    int rc = 0;

    for (size_t at = 0; at < text.n && rc == 0;) {
        const char *end = memchr(text.p + at, '\n', text.n - at);
        size_t n = end ? (size_t)(end - text.p) - at : text.n - at;

        rc = put_line((struct span){text.p + at, n}, out);
        if (rc == 0 && end)
            rc = buf_append_byte(out, '\n');
        at += n + 1;
    }
    return rc;
}
