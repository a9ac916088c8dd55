/* What each reader makes of one row. Pure. */
#include "lists/check.h"

#include "base/path.h"
#include "base/utf8.h"
#include "lists/internal.h"
#include "lists/make.h"

#include <string.h>

#define INDEX_LARGEST "9223372036854775807"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* White space at either end, Unicode's too: Python strips it. */
static bool blank_around(struct span path)
{
    static const char *const blanks[] = {" ",
                                         "\t",
                                         "\v",
                                         "\f",
                                         "\xc2\x85",
                                         "\xc2\xa0",
                                         "\xe1\x9a\x80",
                                         "\xe2\x80\x80",
                                         "\xe2\x80\x81",
                                         "\xe2\x80\x82",
                                         "\xe2\x80\x83",
                                         "\xe2\x80\x84",
                                         "\xe2\x80\x85",
                                         "\xe2\x80\x86",
                                         "\xe2\x80\x87",
                                         "\xe2\x80\x88",
                                         "\xe2\x80\x89",
                                         "\xe2\x80\x8a",
                                         "\xe2\x80\xa8",
                                         "\xe2\x80\xa9",
                                         "\xe2\x80\xaf",
                                         "\xe2\x81\x9f",
                                         "\xe3\x80\x80"};

    for (size_t i = 0; i < sizeof(blanks) / sizeof(*blanks); i++) {
        size_t n = strlen(blanks[i]);

        if (path.n >= n &&
            (memcmp(path.p, blanks[i], n) == 0 || memcmp(path.p + path.n - n, blanks[i], n) == 0))
            return true;
    }
    return false;
}

static bool is_utf8(struct span s)
{
    while (s.n > 0) {
        size_t k = utf8_length(s.p, s.n);

        if (k == 0)
            return false;
        s.p += k;
        s.n -= k;
    }
    return true;
}

/* Digits beyond 2^63-1. */
static bool is_large(struct span digits)
{
    while (digits.n > 1 && digits.p[0] == '0') {
        digits.p++;
        digits.n--;
    }
    if (digits.n != sizeof(INDEX_LARGEST) - 1)
        return digits.n >= sizeof(INDEX_LARGEST);
    return memcmp(digits.p, INDEX_LARGEST, digits.n) > 0;
}

/* Take rules down, as long as there is room. */
struct judgement {
    enum lst_rule *found;
    size_t n;
};

static void say(struct judgement *j, enum lst_rule rule, bool holds)
{
    if (holds && j->n < LST_JUDGED_MAX)
        j->found[j->n++] = rule;
}

/* An index that is a number to some reader. */
static void judge_index(struct judgement *j, struct span index)
{
    bool negative;
    size_t plain = 0;

    while (index.n > 0 && index.p[0] == ' ') {
        index.p++;
        index.n--;
    }
    while (index.n > 0 && index.p[index.n - 1] == ' ')
        index.n--;
    negative = index.n > 0 && index.p[0] == '-';
    if (index.n > 0 && (negative || index.p[0] == '+')) {
        index.p++;
        index.n--;
    }
    while (plain < index.n && is_digit(index.p[plain]))
        plain++;
    say(j, LST_INDEX_FRACTION, plain < index.n);
    say(j, LST_INDEX_NEGATIVE, negative);
    say(j, LST_INDEX_LARGE, plain == index.n && is_large(index));
}

static void judge_path(struct judgement *j, struct span path)
{
    char normal[PATH_BYTES_MAX + 1];

    say(j, LST_PATH_BLANKS, blank_around(path));
    say(j, LST_PATH_OUTSIDE, lst_path_normal(path, normal, sizeof(normal)) < 0);
    say(j, LST_PATH_LAST_BYTE, path.n > 0 && (unsigned char)path.p[path.n - 1] >= 0x80);
    say(j, LST_PATH_NOT_UTF8, !is_utf8(path));
}

/* Every label is a number. */
static bool labels_are_numbers(struct span labels)
{
    double value;

    for (;;) {
        const char *tab = memchr(labels.p, '\t', labels.n);
        size_t n = tab ? (size_t)(tab - labels.p) : labels.n;

        if (!label_number((struct span){labels.p, n}, &value))
            return false;
        if (!tab)
            return true;
        labels.p += n + 1;
        labels.n -= n + 1;
    }
}

/* A row that no reader, or not every one, takes for a row at all. */
static void judge_other(struct judgement *j, const struct lst_row *row)
{
    struct span text = row->line;
    const char *tab;
    size_t at = 0;

    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    while (at < text.n && text.p[at] == ' ')
        at++;
    tab = memchr(text.p, '\t', text.n);
    if (row->line.n > LST_ROW_BYTES_MAX)
        say(j, LST_ROW_LONG, true);
    else if (memchr(text.p, '\r', text.n))
        say(j, LST_CR_INSIDE, true);
    else if (text.p[at] == '#')
        say(j, LST_COMMENT, true);
    else if (!tab)
        say(j, LST_SPACES, true);
    else if (!memchr(tab + 1, '\t', text.n - (size_t)(tab + 1 - text.p)))
        say(j, LST_TWO_COLUMNS, true);
    else
        say(j, LST_INDEX_TEXT, true);
}

/* NOLINTNEXTLINE(readability-non-const-parameter): it is written to by say */
size_t lst_judge(const struct lst_row *row, bool first, enum lst_rule found[LST_JUDGED_MAX])
{
    struct judgement j = {.found = found};
    bool marked = first && row->line.n >= 3 && memcmp(row->line.p, "\xef\xbb\xbf", 3) == 0;

    say(&j, LST_BYTE_ORDER_MARK, marked);
    switch (row->kind) {
    case LST_ROW_BLANK:
        if (row->line.p[0] == '\n' || row->line.p[0] == '\r')
            say(&j, LST_BLANK_ROW, true);
        else
            say(&j, LST_SPACE_ROW, !marked);
        break;
    case LST_ROW_OTHER:
        judge_other(&j, row);
        break;
    case LST_ROW_IMAGE:
        judge_index(&j, row->index);
        say(&j, LST_LABEL_TEXT, !labels_are_numbers(row->labels));
        judge_path(&j, row->path);
        break;
    }
    return j.n;
}

bool lst_path_fits(const char *path)
{
    enum lst_rule found[LST_JUDGED_MAX];
    struct judgement j = {.found = found};

    judge_path(&j, span_of(path));
    return j.n == 0 && !strpbrk(path, "\t\r\n");
}
