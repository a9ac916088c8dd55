/* What can be wrong with a list, in words; findings. Pure. */
#include "lists/check.h"
#include "lists/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DETAIL_MAX     (1u << 17) /* a row's path fits */
#define FINDINGS_FIRST 64

static const struct lst_rule_info rules[LST_RULE_COUNT] = {
    [LST_BYTE_ORDER_MARK] = {"byte-order-mark", LST_ERROR,
                             "a byte order mark: im2rec loses this row; ImageIter raises "
                             "ValueError; the C++ reader takes the index for 0"},
    [LST_BLANK_ROW] = {"blank-row", LST_ERROR,
                       "a blank row: im2rec passes over it; ImageIter raises ValueError; the C++ "
                       "reader refuses the list where it is the first row"},
    [LST_SPACE_ROW] = {"space-row", LST_ERROR,
                       "a row of white space: im2rec passes over it; ImageIter raises ValueError; "
                       "the C++ reader throws"},
    [LST_COMMENT] = {"comment", LST_ERROR,
                     "lists have no comments: im2rec passes over it; ImageIter raises ValueError; "
                     "the C++ reader adds an image with index 0"},
    [LST_SPACES] = {"spaces", LST_ERROR,
                    "fields separated by spaces: im2rec loses this row; ImageIter raises "
                    "ValueError; the C++ reader takes it"},
    [LST_TWO_COLUMNS] = {"two-columns", LST_ERROR,
                         "two columns, no label: im2rec loses this row; ImageIter takes an empty "
                         "label; the C++ reader takes the path for a label, 0"},
    [LST_INDEX_TEXT] = {"index-text", LST_ERROR,
                        "the index is no number: im2rec loses this row; ImageIter raises "
                        "ValueError; the C++ reader takes another index"},
    [LST_INDEX_FRACTION] = {"index-fraction", LST_ERROR,
                            "the index is no whole number in plain digits: im2rec loses this row; "
                            "ImageIter raises ValueError; im2rec.cc reads another label and path"},
    [LST_INDEX_NEGATIVE] = {"index-negative", LST_ERROR,
                            "a negative index: im2rec and ImageIter take it; the C++ reader and "
                            "im2rec.cc make it 2^64 less that"},
    [LST_INDEX_LARGE] = {"index-large", LST_ERROR,
                         "the index is beyond 2^63-1: the readers come to different numbers"},
    [LST_LABEL_TEXT] = {"label-text", LST_ERROR,
                        "a label is no number, or there is a TAB in the path: im2rec loses this "
                        "row; ImageIter raises ValueError; the C++ reader takes it for 0"},
    [LST_PATH_BLANKS] = {"path-blanks", LST_ERROR,
                         "white space around the path: im2rec strips it; ImageIter keeps it"},
    [LST_PATH_OUTSIDE] = {"path-outside", LST_ERROR,
                          "the path names nothing inside the repository: it is empty, absolute, or "
                          "has \".\" or \"..\" in it"},
    [LST_PATH_LAST_BYTE] = {"path-last-byte", LST_WARNING,
                            "the path ends in a byte that is not ASCII: im2rec.cc cuts it off; the "
                            "others take it"},
    [LST_PATH_NOT_UTF8] = {"path-not-utf8", LST_ERROR,
                           "the path is not UTF-8: readers in Python raise UnicodeDecodeError, and "
                           "no key in S3 can have it"},
    [LST_CR_INSIDE] = {"cr-inside", LST_ERROR,
                       "a CR inside the row: readers in Python end the row there, the C++ readers "
                       "do not"},
    [LST_ROW_LONG] = {"row-long", LST_ERROR, "the row is longer than 64 KiB: it names no file"},
    [LST_CRLF] = {"crlf", LST_NOTE, "rows end with CR LF; every reader takes that"},
    [LST_NO_NEWLINE] = {"no-newline", LST_NOTE,
                        "the last row has no line ending; every reader takes that, but the next "
                        "row that is appended does not begin a line"},
    [LST_NO_ROWS] = {"no-rows", LST_ERROR,
                     "no image in the list: im2rec and ImageIter find 0 images; the C++ reader "
                     "throws"},
    [LST_FEW_ROWS] = {"few-rows", LST_ERROR, "fewer images than a mini-batch has: training fails"},
    [LST_LIST_NAME] = {"list-name", LST_WARNING,
                       "the list's name has ';', '#' or '?', which some readers take for the end "
                       "of a name"},
    [LST_INDEX_TWICE] = {"index-twice", LST_ERROR,
                         "the index stands in two rows: ImageIter yields the last of them twice; "
                         "the C++ reader keeps the last"},
    [LST_PATH_TWICE] = {"path-twice", LST_WARNING,
                        "the image stands in two rows: every reader takes it, and learns it twice"},
    [LST_PATH_TWO_LABELS] = {"path-two-labels", LST_ERROR,
                             "the image stands in two rows with different labels"},
    [LST_LABEL_COUNT] = {"label-count", LST_ERROR,
                         "not as many labels as the first row has: ImageIter and the C++ reader "
                         "want label_width of them in each row"},
    [LST_LABEL_NO_CLASS] = {"label-no-class", LST_WARNING,
                            "the label is no class: classes are the whole numbers from 0 on"},
    [LST_LABEL_RANGE] = {"label-range", LST_ERROR, "the label is not below the number of classes"},
    [LST_LABEL_GAP] = {"label-gap", LST_WARNING,
                       "classes without an image in any list: labels run from 0 without gaps, or "
                       "the number of classes is wrong"},
    [LST_IMBALANCE] = {"imbalance", LST_WARNING, "the classes are far from even"},
    [LST_IN_TWO_LISTS] = {"in-two-lists", LST_ERROR,
                          "the image is in another list, too: what is validated was learnt"},
    [LST_CONTENT_IN_TWO_LISTS] = {"content-in-two-lists", LST_ERROR,
                                  "the same bytes are in another list, too, under another name: "
                                  "what is validated was learnt"},
    [LST_CLASS_MAP] = {"class-map", LST_ERROR,
                       "a class directory has another label in another list: they were made apart"},
    [LST_IMAGE_MISSING] = {"image-missing", LST_ERROR,
                           "there is no such file: training ends where it comes to this row"},
    [LST_IMAGE_LINK] = {"image-link", LST_WARNING,
                        "the path leads over a symbolic link, or is no file: the readers follow "
                        "it, but nothing of it is stored in S3"},
    [LST_IMAGE_UNREADABLE] = {"image-unreadable", LST_ERROR, "the file cannot be read"},
    [LST_IMAGE_EMPTY] = {"image-empty", LST_ERROR,
                         "the file is empty: readers fail or give a blank image"},
    [LST_IMAGE_FORMAT] = {"image-format", LST_ERROR, "not a JPEG or PNG that can be decoded"},
    [LST_IMAGE_SMALL] = {"image-small", LST_ERROR,
                         "the image is smaller than --image-shape: training fails unless it is "
                         "resized"},
};

const struct lst_rule_info *lst_rule_info(enum lst_rule rule)
{
    return &rules[rule];
}

const char *lst_severity_name(enum lst_severity severity)
{
    switch (severity) {
    case LST_NOTE:
        return "note";
    case LST_WARNING:
        return "warning";
    case LST_ERROR:
        return "error";
    }
    return "error";
}

/* Room for one more. */
static int grow(struct lst_findings *f)
{
    size_t room = f->room ? 2 * f->room : FINDINGS_FIRST;
    struct lst_finding *items = reallocarray(f->items, room, sizeof(*items));

    if (!items)
        return -ENOMEM;
    f->items = items;
    f->room = room;
    return 0;
}

int lst_findings_add(struct lst_findings *f, enum lst_rule rule, uint32_t list, uint64_t at,
                     const char *format, ...)
{
    struct buf detail;
    va_list args;
    char text[LST_ROW_BYTES_MAX];
    int n;

    if (f->n == f->room && grow(f) < 0)
        return -ENOMEM;
    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    buf_init(&detail, DETAIL_MAX);
    if (n > 0 && buf_append_str(&detail, text) < 0)
        return -ENOMEM;
    f->items[f->n++] = (struct lst_finding){
        .rule = rule, .list = list, .at = at, .other = LST_NOWHERE, .detail = buf_take(&detail)};
    return 0;
}

void lst_findings_release(struct lst_findings *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->items[i].detail);
    free(f->items);
    *f = (struct lst_findings){0};
}

/* By list, place (the list as a whole last), rule. */
static int compare_findings(const void *a, const void *b)
{
    const struct lst_finding *x = a;
    const struct lst_finding *y = b;

    if (x->list != y->list)
        return x->list < y->list ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->rule != y->rule)
        return x->rule < y->rule ? -1 : 1;
    return x->other < y->other ? -1 : x->other > y->other;
}

/* A place whose line number is wanted, and where it goes. */
struct wanted {
    uint64_t at;
    uint64_t *line;
};

static int compare_wanted(const void *a, const void *b)
{
    uint64_t x = ((const struct wanted *)a)->at;
    uint64_t y = ((const struct wanted *)b)->at;

    return x < y ? -1 : x > y;
}

/* Count lines up to each place of one list. */
static void number_lines(struct span text, struct wanted *w, size_t n)
{
    uint64_t line = 1;
    size_t at = 0;

    qsort(w, n, sizeof(*w), compare_wanted);
    for (size_t i = 0; i < n; i++) {
        for (; at < w[i].at; line++)
            at += row_line(text, at).n;
        *w[i].line = line;
    }
}

void lst_findings_sort(struct lst_findings *f, const struct lst_list *lists, size_t n)
{
    struct wanted *w = f->n ? reallocarray(NULL, f->n, 2 * sizeof(*w)) : NULL;

    if (f->n > 1)
        qsort(f->items, f->n, sizeof(*f->items), compare_findings);
    for (size_t list = 0; w && list < n; list++) {
        size_t count = 0;

        for (size_t i = 0; i < f->n; i++) {
            struct lst_finding *x = &f->items[i];

            if (x->list == list && x->at != LST_NOWHERE)
                w[count++] = (struct wanted){x->at, &x->line};
            if (x->other != LST_NOWHERE && x->other_list == list)
                w[count++] = (struct wanted){x->other, &x->other_line};
        }
        number_lines(lists[list].text, w, count);
    }
    free(w); /* without memory lines stay 0 */
}
