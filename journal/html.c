/* A page of HTML. Pure. See html.h. */
#include "journal/html.h"

#include "base/visible.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FORMAT_MAX 1024 /* bytes of one html_addf */
/* A chart in its own units; the page gives it its size. */
#define WIDTH  920
#define HEIGHT 240
#define LEFT   70 /* beside the bars: numbers */
#define BOTTOM 26 /* below them: labels */
#define TOP    10
#define PLOT   (HEIGHT - TOP - BOTTOM)
#define LABELS 7 /* below one chart, at most */

void html_add(struct html *h, const char *markup)
{
    if (h->error == 0)
        h->error = buf_append_str(h->out, markup);
}

void html_addf(struct html *h, const char *format, ...)
{
    char text[FORMAT_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* all of ours are shorter */
    va_end(args);
    html_add(h, text);
}

/* What a character stands for in HTML; NULL: for itself. */
static const char *entity(char c)
{
    return c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '"' ? "&quot;" : NULL;
}

void html_text(struct html *h, const char *text)
{
    size_t n = strlen(text);

    html_add(h, "<bdi>");
    while (h->error == 0 && n > 0) {
        const char *word = entity(*text);
        size_t k = word ? 1 : visible_length(text, n);

        if (word)
            html_add(h, word);
        else if (k == 0)
            html_addf(h, "\\x%02x", (unsigned)(unsigned char)*text);
        for (size_t i = 0; !word && i < k; i++) /* a run of plain bytes may hold some of these */
            if (entity(text[i]))
                k = i;
        if (!word && k > 0 && h->error == 0)
            h->error = buf_append(h->out, text, k);
        k += k == 0;
        text += k;
        n -= k;
    }
    html_add(h, "</bdi>");
}

void html_number(struct html *h, uint64_t n)
{
    char digits[24];
    const int count = snprintf(digits, sizeof digits, "%" PRIu64, n);
    int at = count % 3 ? count % 3 : 3;

    html_addf(h, "%.*s", at, digits);
    for (; at < count; at += 3)
        html_addf(h, "<i>%.3s</i>", digits + at);
}

/* All of a bar. */
static uint64_t total(const struct html_chart *c, unsigned column)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < c->series_count; i++)
        sum += c->values[column][i];
    return sum;
}

/* 1, 2 or 5 with noughts, not below n; where there is none, n. */
static uint64_t round_up(uint64_t n)
{
    static const uint64_t steps[] = {1, 2, 5};

    for (uint64_t power = 1; power < UINT64_MAX / 10; power *= 10)
        for (unsigned i = 0; i < sizeof steps / sizeof *steps; i++)
            if (steps[i] * power >= n)
                return steps[i] * power;
    return n;
}

/* Lines across, and what they stand for. */
static void grid(struct html *h, uint64_t top)
{
    for (unsigned i = 0; i <= 2; i++) {
        const int y = TOP + PLOT - (int)(i * PLOT / 2);

        if (i == 1 && top % 2)
            continue;
        html_addf(h,
                  "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>"
                  "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%" PRIu64 "</text>",
                  LEFT, WIDTH, y, y, LEFT - 8, y + 4, top * i / 2);
    }
}

/* One bar, its parts on top of each other, and what a pointer is told. */
static void bar(struct html *h, const struct html_chart *c, unsigned column, uint64_t top)
{
    const double step = (double)(WIDTH - LEFT) / c->columns;
    const double width = step > 60 ? 48 : step * 0.8, x = LEFT + step * column + (step - width) / 2;
    double y = TOP + PLOT;

    html_addf(h, "<g><title>%s:", c->labels[column]);
    for (unsigned i = 0; i < c->series_count; i++)
        if (c->values[column][i])
            html_addf(h, " %" PRIu64 " %s", c->values[column][i], c->series[i]);
    html_add(h, "</title>");
    for (unsigned i = 0; i < c->series_count; i++) {
        const double height = (double)c->values[column][i] / (double)top * PLOT;

        if (c->values[column][i] == 0)
            continue;
        y -= height;
        html_addf(h, "<rect class=\"c%u\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
                  i, x, y, width, height);
    }
    html_add(h, "</g>");
}

/* The days or times below. */
static void labels(struct html *h, const struct html_chart *c)
{
    const double step = (double)(WIDTH - LEFT) / c->columns;
    const unsigned each = (c->columns + LABELS - 1) / LABELS;

    for (unsigned i = 0; i < c->columns; i += each)
        html_addf(h, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>",
                  LEFT + step * (i + 0.5), HEIGHT - 6, c->labels[i]);
}

/* Which colour is what, where there are several. */
static void legend(struct html *h, const struct html_chart *c)
{
    html_addf(h, "<figcaption>%s", c->title);
    for (unsigned i = 0; c->series_count > 1 && i < c->series_count; i++)
        html_addf(h,
                  " <span class=\"key\"><svg viewBox=\"0 0 10 10\"><rect class=\"c%u\" "
                  "width=\"10\" height=\"10\"/></svg>%s</span>",
                  i, c->series[i]);
    html_add(h, "</figcaption>");
}

void html_bars(struct html *h, const struct html_chart *c)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < c->columns; i++)
        most = total(c, i) > most ? total(c, i) : most;
    if (most == 0) {
        html_addf(h, "<p class=\"none\">%s: none.</p>", c->title);
        return;
    }
    most = round_up(most);
    html_add(h, "<figure>");
    legend(h, c);
    html_addf(h, "<svg class=\"chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
              WIDTH, HEIGHT, c->title);
    grid(h, most);
    for (unsigned i = 0; i < c->columns; i++)
        if (total(c, i))
            bar(h, c, i, most);
    labels(h, c);
    html_add(h, "</svg></figure>");
}
