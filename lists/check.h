/*
 * What will fail in training, found before: odd rows, by what each reader of lists makes of them;
 * indices, labels and classes; several lists beside each other; the images that they name.
 *
 * The readers: im2rec (tools/im2rec.py), im2rec.cc (the C++ tool), ImageIter (mx.image.ImageIter
 * and gluon), and the C++ reader (ImageRecordIter with path_imglist).
 */
#ifndef LOCKSTEP_LISTS_CHECK_H
#define LOCKSTEP_LISTS_CHECK_H

#include "lists/lists.h"

enum lst_severity {
    LST_NOTE,    /* every reader copes */
    LST_WARNING, /* some reader stumbles, or it is rarely meant */
    LST_ERROR    /* training fails, or learns something else */
};

enum lst_rule {
    /* One row. */
    LST_BYTE_ORDER_MARK,
    LST_BLANK_ROW,
    LST_SPACE_ROW,
    LST_COMMENT,
    LST_SPACES,
    LST_TWO_COLUMNS,
    LST_INDEX_TEXT,
    LST_INDEX_FRACTION,
    LST_INDEX_NEGATIVE,
    LST_INDEX_LARGE,
    LST_LABEL_TEXT,
    LST_PATH_BLANKS,
    LST_PATH_OUTSIDE,
    LST_PATH_LAST_BYTE,
    LST_PATH_NOT_UTF8,
    LST_CR_INSIDE,
    LST_ROW_LONG,
    LST_CRLF,
    LST_NO_NEWLINE,
    /* One list. */
    LST_NO_ROWS,
    LST_FEW_ROWS,
    LST_LIST_NAME,
    LST_INDEX_TWICE,
    LST_PATH_TWICE,
    LST_PATH_TWO_LABELS,
    LST_LABEL_COUNT,
    LST_LABEL_NO_CLASS,
    LST_LABEL_RANGE,
    LST_LABEL_GAP,
    LST_IMBALANCE,
    /* Several lists. */
    LST_IN_TWO_LISTS,
    LST_CONTENT_IN_TWO_LISTS,
    LST_CLASS_MAP,
    /* Images. */
    LST_IMAGE_MISSING,
    LST_IMAGE_LINK,
    LST_IMAGE_UNREADABLE,
    LST_IMAGE_EMPTY,
    LST_IMAGE_FORMAT,
    LST_IMAGE_SMALL,
    LST_RULE_COUNT
};

struct lst_rule_info {
    const char *id; /* "two-columns" */
    enum lst_severity severity;
    const char *text; /* what it is, and what each reader makes of it */
};

/* lst_rule_info(rule): never NULL. lst_severity_name: "note", "warning", "error". Pure. */
const struct lst_rule_info *lst_rule_info(enum lst_rule rule);
const char *lst_severity_name(enum lst_severity severity);

#define LST_NOWHERE UINT64_MAX

struct lst_finding {
    enum lst_rule rule;
    uint32_t list;       /* which of the lists */
    uint32_t other_list; /* where other is a place */
    uint64_t at;         /* where the row begins in the list; LST_NOWHERE: the list as a whole */
    uint64_t other;      /* the row that it collides with, or LST_NOWHERE */
    uint64_t line;       /* set by lst_findings_sort: from 1, 0 for the list as a whole */
    uint64_t other_line; /* the same of the other row */
    char *detail;        /* what was found, or NULL; owned */
};

struct lst_findings {
    struct lst_finding *items;
    size_t n;
    size_t room;
};

/* A list in memory. */
struct lst_list {
    const char *name; /* as the user gave it */
    struct span text;
};

struct lst_check_options {
    uint64_t mini_batch; /* rows that a list needs; 0: any */
    uint64_t classes;    /* labels are below it; 0: not told */
    uint64_t imbalance;  /* most rows of a class by fewest; 0: not looked at */
};

/* lst_findings_add(f, rule, list, at, format...): add one; detail "" is none. 0 or -ENOMEM.
 * lst_findings_release(f): frees. Pure. */
int lst_findings_add(struct lst_findings *f, enum lst_rule rule, uint32_t list, uint64_t at,
                     const char *format, ...)
    __attribute__((format(printf, 5, 6), warn_unused_result));
void lst_findings_release(struct lst_findings *f);

/* lst_findings_sort(f, lists, n): by list, row and rule; line numbers set. Pure. */
void lst_findings_sort(struct lst_findings *f, const struct lst_list *lists, size_t n);

/* lst_findings_novel(f, text, was): of the findings on a list (all of f) only those are left that
 * an edit brought: which speak of a row that the old list has not, or not as often. 0 or -ENOMEM.
 * Pure. */
int lst_findings_novel(struct lst_findings *f, struct span text, struct span was)
    __attribute__((warn_unused_result));

/* lst_check(lists, n, opt, f): everything that can be said without the images. 0, -ENOMEM,
 * ERR_LIMIT. Pure. */
int lst_check(const struct lst_list *lists, size_t n, const struct lst_check_options *opt,
              struct lst_findings *f) __attribute__((warn_unused_result));

/* lst_judge(row, first, found): what is wrong with one row: up to LST_JUDGED_MAX rules, in found.
 * Returns how many. `first`: it is the first of its list. Line endings are not judged. Pure. */
#define LST_JUDGED_MAX 12
size_t lst_judge(const struct lst_row *row, bool first, enum lst_rule found[LST_JUDGED_MAX]);

struct lst_images_options {
    int root_fd;     /* of the repository */
    uint32_t width;  /* that an image has at least; 0: any */
    uint32_t height; /* the same */
    bool content;    /* read all bytes, and tell which images are in two lists under two names */
    unsigned threads;
};

/* lst_check_images(lists, n, opt, f, ret_images): look at each image that the rows name, in
 * `threads` threads. *ret_images: how many. 0, -ENOMEM, -errno. Shell. */
int lst_check_images(const struct lst_list *lists, size_t n, const struct lst_images_options *opt,
                     struct lst_findings *f, uint64_t *ret_images)
    __attribute__((warn_unused_result));

/* lst_fix(text, out, ret_changes): append the list with what every reader takes the same way as
 * before, or as it was meant: no byte order mark, no blank rows, rows that end with LF alone, the
 * last one too. Nothing else changes. 0, -ENOMEM, ERR_LIMIT. Pure. */
int lst_fix(struct span text, struct buf *out, uint64_t *ret_changes)
    __attribute__((warn_unused_result));

#endif
