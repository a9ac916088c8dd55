/*
 * A page of HTML: text, numbers, bars. Pure.
 *
 * Whatever comes from outside goes through html_text, which leaves nothing of it that could be a
 * mark of HTML or turn the line around. After the first failure the later calls do nothing.
 */
#ifndef LOCKSTEP_JOURNAL_HTML_H
#define LOCKSTEP_JOURNAL_HTML_H

#include "base/buf.h"

#include <stdint.h>

struct html {
    struct buf *out;
    int error; /* 0, -ENOMEM, ERR_LIMIT */
};

/* html_add(h, markup): append as it is. html_text(h, text): append text from anywhere, in an
 * element of its own. html_number(h, n): append digits, in groups that are no part of the text. */
void html_add(struct html *h, const char *markup);
void html_text(struct html *h, const char *text);
void html_number(struct html *h, uint64_t n);

/* html_addf(h, format, ...): append text of ours. */
void html_addf(struct html *h, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define HTML_SERIES  5   /* at most, in one bar */
#define HTML_COLUMNS 100 /* at most, in one chart */
#define HTML_LABEL   40  /* bytes, with the NUL */

/* Bars side by side, each of some parts. All names are ours. */
struct html_chart {
    const char *title;
    const char *series[HTML_SERIES]; /* names of the parts; series n has the class "c<n>" */
    unsigned series_count;
    unsigned columns;
    char labels[HTML_COLUMNS][HTML_LABEL];
    uint64_t values[HTML_COLUMNS][HTML_SERIES];
};

/* html_bars(h, chart): append an SVG figure; where nothing was counted, words. */
void html_bars(struct html *h, const struct html_chart *chart);

#endif
