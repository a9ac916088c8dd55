/* Shell. How the report looks: one file that loads nothing and runs nothing. */
#include "agent/commands/journal_report.h"

#include "base/clock.h"
#include "journal/html.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DAY_US       (86400 * US_PER_S)
#define DAY_CHARS    10 /* of an ISO time */
#define SECOND_CHARS 19 /* the same */
#define KINDS        5  /* of changes */

/* The policy: whatever might be smuggled into the page could neither run nor call home. */
static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
    "<meta name=\"color-scheme\" content=\"light dark\"><title>lockstep: the journal</title>\n"
    "<style>\n"
    ":root{color-scheme:light dark;--paper:#fff;--card:#f5f6f8;--ink:#1c2330;--dim:#5b6577;"
    "--line:#d8dce3;--good:#1a7f4b;--bad:#c0262d;--c0:#2f6fde;--c1:#12a594;--c2:#9aa3b2;"
    "--c3:#d97706;--c4:#a14fc4}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#12161d;--card:#1b212b;--ink:#e6e9ef;"
    "--dim:#9aa5b8;--line:#323a48;--good:#4cc38a;--bad:#ff6b6b;--c0:#6ea0ff;--c1:#2dd4bf;"
    "--c2:#7b8699;--c3:#f5a524;--c4:#c58af0}}\n"
    "@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--dim:#444;"
    "--line:#999;--good:#0a5c32;--bad:#a00;--c0:#2f6fde;--c1:#12a594;--c2:#9aa3b2;--c3:#d97706;"
    "--c4:#a14fc4}main{padding:0!important;max-width:none!important}"
    "rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "figure,tr,.tiles>div{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}"
    ".scroll{overflow:visible!important}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:15px/1.5 system-ui,sans-serif}main{max-width:1000px;margin:auto;padding:2rem 1.5rem}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.4rem 0 "
    ".8rem;"
    "padding-bottom:.3rem;border-bottom:1px solid var(--line)}p{margin:.4rem 0}"
    ".dim,.none,figcaption,th{color:var(--dim)}bdi{overflow-wrap:anywhere;white-space:pre-wrap}"
    "i{font-style:normal;margin-left:.18em}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(112px,1fr));gap:.8rem;"
    "margin-top:1.4rem}.tiles>div{background:var(--card);border:1px solid var(--line);"
    "border-radius:8px;padding:.7rem .9rem}.tiles "
    "b{display:block;font-size:1.45rem;line-height:1.3;"
    "font-weight:600}.tiles span{color:var(--dim);font-size:.85rem}.tiles .bad "
    "b{color:var(--bad)}\n"
    ".state{display:inline-block;font-weight:600;border-radius:6px;padding:.1rem .6rem;"
    "border:1px "
    "solid;margin-right:.6rem}.state.good{color:var(--good)}.state.bad{color:var(--bad)}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:"
    "tabular-nums;font-size:.92rem}th{font-weight:500;text-align:left}th,td{padding:.32rem .7rem;"
    "border-bottom:1px solid var(--line);vertical-align:top}td:first-child,th:first-child"
    "{padding-left:0}td:last-child,th:last-child{padding-right:0}.n{text-align:right;"
    "white-space:nowrap}.t{white-space:nowrap}tfoot td{font-weight:600}\n"
    "figure{margin:1rem 0}figcaption{font-size:.88rem;margin-bottom:.4rem}.key{margin-left:1rem;"
    "white-space:nowrap}.key svg{width:.7em;height:.7em;margin-right:.35em}"
    ".chart{width:100%;height:auto;display:block}.chart text{fill:var(--dim);font-size:12px}"
    ".grid{stroke:var(--line)}.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}"
    ".c3{fill:var(--c3)}.c4{fill:var(--c4)}.wrong .c0{fill:var(--bad)}\n"
    "</style></head>\n<body><main>\n";

/* The changes that the charts and tables speak of. */
static const struct {
    enum journal_op op;
    const char *name;
} kinds[KINDS] = {{JOURNAL_ADD, "adds"},
                  {JOURNAL_EDIT, "edits"},
                  {JOURNAL_META, "metadata"},
                  {JOURNAL_RENAME, "renames"},
                  {JOURNAL_REMOVE, "removals"}};

/* The first characters of a time: a day, or down to the second. */
static const char *iso(int64_t us, size_t chars, char out[CLOCK_ISO_SIZE])
{
    clock_iso(us, out)[chars] = '\0';
    if (chars > DAY_CHARS)
        out[DAY_CHARS] = ' ';
    return out;
}

static uint64_t changes_of(const struct tally_counts *c)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < KINDS; i++)
        sum += c->of[kinds[i].op][JOURNAL_INTENT];
    return sum;
}

/* Cells of a table. The number's name is for programs. */
static void cell(struct html *h, const char *name, uint64_t n)
{
    html_addf(h, "<td class=\"n\" data-n=\"%s\">", name);
    html_number(h, n);
    html_add(h, "</td>");
}

static void cell_time(struct html *h, int64_t us)
{
    char out[CLOCK_ISO_SIZE];

    html_addf(h, "<td class=\"t\">%s</td>", iso(us, SECOND_CHARS, out));
}

static void cell_text(struct html *h, const char *text)
{
    html_add(h, "<td>");
    if (text && text[0])
        html_text(h, text);
    html_add(h, "</td>");
}

/* Whose it is, where several journals are reported: the head of the column, and a cell of it. */
static void head_host(struct html *h, const struct report *r)
{
    if (r->sources->told)
        html_add(h, "<th>Host</th>");
}

static void cell_host(struct html *h, const struct report *r, size_t which)
{
    if (r->sources->told)
        cell_text(h, r->sources->list[which].name);
}

static void tile(struct html *h, const char *name, const char *words, uint64_t n, bool bad)
{
    html_addf(h, "<div%s><b data-n=\"%s\">", bad ? " class=\"bad\"" : "", name);
    html_number(h, n);
    html_addf(h, "</b><span>%s</span></div>", words);
}

/* What this is, and the numbers that matter most. */
static void summary(struct html *h, const struct report *r)
{
    const struct tally_counts *all = tally_all(r->tally);
    const struct tally_times times = tally_times(r->tally);
    char at[CLOCK_ISO_SIZE], since[CLOCK_ISO_SIZE] = "its beginning",
                             until[CLOCK_ISO_SIZE] = "its end";

    if (r->since_us != INT64_MIN)
        iso(r->since_us, SECOND_CHARS, since);
    if (r->until_us != INT64_MAX)
        iso(r->until_us, SECOND_CHARS, until);
    html_add(h, "<h1>The journal of lockstep</h1><p class=\"dim\">");
    if (r->sources->count > 1)
        html_addf(h, "Of %zu hosts", r->sources->count);
    else
        html_text(h, r->sources->list[0].dir);
    html_addf(h, ", from %s to %s; made %s by version %s. All times are UTC.</p>", since, until,
              iso(r->made_us, SECOND_CHARS, at), PACKAGE_VERSION);
    html_add(h, "<div class=\"tiles\">");
    tile(h, "records", "records", all->records, false);
    tile(h, "changes", "changes", changes_of(all), false);
    tile(h, "puts", "uploads", all->of[JOURNAL_PUT][JOURNAL_DONE], false);
    tile(h, "megabytes", "MB uploaded", all->bytes / 1000000, false);
    tile(h, "half", "ms until in S3, half within", times.half_ms, false);
    tile(h, "failed", "failures", tally_failures(all), tally_failures(all) > 0);
    tile(h, "open", "open at the end", tally_open(r->tally), false);
    html_add(h, "</div>\n");
}

/* The faults that the verifier has found. */
static void faults(struct html *h, const struct report *r)
{
    html_add(h, "<div class=\"scroll\"><table id=\"faults\"><thead><tr>");
    head_host(h, r);
    html_add(h, "<th>Segment</th><th class=\"n\">Byte</th><th class=\"n\">After record</th>"
                "<th>Fault</th></tr></thead><tbody>");
    for (uint64_t i = 0; i < r->fault_count && i < REPORT_FAULTS; i++) {
        html_add(h, "<tr>");
        cell_host(h, r, r->faults[i].which);
        cell_text(h, r->faults[i].file);
        cell(h, "byte", r->faults[i].offset);
        cell(h, "after", r->faults[i].seq);
        html_add(h, "<td>");
        html_text(h, r->faults[i].kind ? r->faults[i].kind : "");
        html_add(h, " ");
        html_text(h, r->faults[i].detail ? r->faults[i].detail : "");
        html_add(h, "</td></tr>");
    }
    html_add(h, "</tbody></table></div>\n");
    if (r->fault_count > REPORT_FAULTS)
        html_addf(h, "<p class=\"dim\">The first %d are shown.</p>", REPORT_FAULTS);
}

/* Is it whole? Of one journal. */
static void verification_of(struct html *h, const struct report *r, size_t which)
{
    const struct journal_verdict *v = &r->hosts[which].verdict;

    html_addf(h, "<p><span class=\"state %s\" id=\"verdict\">%s</span>", v->faults ? "bad" : "good",
              v->faults ? "NOT GOOD" : "good");
    if (r->sources->told) {
        html_text(h, r->sources->list[which].name);
        html_add(h, ": ");
    }
    html_addf(h,
              "<span data-n=\"verified\">%" PRIu64 "</span> records, %" PRIu64 " to %" PRIu64
              "; <span data-n=\"faults\">%" PRIu64 "</span> faults%s.</p>",
              v->records, v->first_seq, v->last_seq, v->faults,
              v->torn ? "; a torn end, which is harmless" : "");
    if (v->checkpoints)
        html_addf(h,
                  "<p>Signed: %" PRIu64 " of %" PRIu64 " lines, by %" PRIu64
                  " checkpoints, with keys that the journal itself names.</p>",
                  v->signed_leaves, v->leaves, v->checkpoints);
    else
        html_add(h, "<p>Not signed.</p>");
    html_addf(h, "<p class=\"dim\">Chain: <bdi>%s</bdi></p>", v->chain);
}

/* Is it whole? */
static void verification(struct html *h, const struct report *r)
{
    html_addf(h, "<h2>%s</h2>",
              r->sources->count > 1 ? "Are the journals whole?" : "Is the journal whole?");
    for (size_t i = 0; i < r->sources->count; i++)
        verification_of(h, r, i);
    if (r->fault_count)
        faults(h, r);
}

/* What each host did, where there are several. */
static void hosts(struct html *h, const struct report *r)
{
    if (r->sources->count < 2)
        return;
    html_add(h, "<h2>Host by host</h2><div class=\"scroll\"><table id=\"hosts\"><thead><tr>"
                "<th>Host</th><th>Journal</th><th class=\"n\">Records</th>"
                "<th class=\"n\">Changes</th><th class=\"n\">Uploads</th>"
                "<th class=\"n\">Bytes</th><th class=\"n\">Failures</th>"
                "<th class=\"n\">Half within</th><th class=\"n\">99 % within</th>"
                "<th class=\"n\">Open</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < r->sources->count; i++) {
        const struct tally_counts *all = tally_all(r->hosts[i].tally);
        const struct tally_times times = tally_times(r->hosts[i].tally);

        html_add(h, "<tr>");
        cell_text(h, r->sources->list[i].name);
        cell_text(h, r->sources->list[i].id.uuid);
        cell(h, "host_records", all->records);
        cell(h, "host_changes", changes_of(all));
        cell(h, "host_puts", all->of[JOURNAL_PUT][JOURNAL_DONE]);
        cell(h, "host_bytes_put", all->bytes);
        cell(h, "host_failures", tally_failures(all));
        cell(h, "host_p50", times.half_ms);
        cell(h, "host_p99", times.ninety_nine_ms);
        cell(h, "host_open", tally_open(r->hosts[i].tally));
        html_add(h, "</tr>\n");
    }
    html_add(h, "</tbody></table></div><p class=\"dim\">Times in milliseconds.</p>\n");
}

/* Days as columns, several in one where there are many. Days without records are columns, too. */
static void chart_days(struct html_chart *c, const struct tally_day *days, size_t n, bool failed)
{
    const int64_t first = n ? days[0].day : 0, last = n ? days[n - 1].day : 0;
    const int64_t each = (last - first) / HTML_COLUMNS + 1;
    char day[CLOCK_ISO_SIZE];

    c->columns = (unsigned)((last - first) / each + 1);
    for (unsigned i = 0; i < c->columns; i++)
        snprintf(c->labels[i], HTML_LABEL, "%s%s", iso((first + each * i) * DAY_US, DAY_CHARS, day),
                 each > 1 ? " on" : "");
    for (size_t i = 0; i < n; i++) {
        uint64_t *values = c->values[(days[i].day - first) / each];

        for (unsigned k = 0; k < KINDS && !failed; k++)
            values[k] += days[i].counts.of[kinds[k].op][JOURNAL_INTENT];
        if (failed)
            values[0] += tally_failures(&days[i].counts);
    }
}

/* A row of what was counted. */
static void row_counts(struct html *h, const char *day, const struct tally_counts *c)
{
    html_addf(h, "<tr data-day=\"%s\"><td class=\"t\">%s</td>", day, day);
    for (unsigned i = 0; i < KINDS; i++)
        cell(h, kinds[i].name, c->of[kinds[i].op][JOURNAL_INTENT]);
    cell(h, "lists", c->of[JOURNAL_LST][JOURNAL_DONE]);
    cell(h, "puts", c->of[JOURNAL_PUT][JOURNAL_DONE]);
    cell(h, "bytes_put", c->bytes);
    cell(h, "failures", tally_failures(c));
    html_add(h, "</tr>");
}

static void activity(struct html *h, const struct report *r)
{
    struct html_chart changes = {.title = "Changes by day", .series_count = KINDS},
                      failed = {
                          .title = "Failures by day", .series = {"failures"}, .series_count = 1};
    size_t n;
    const struct tally_day *days = tally_days(r->tally, &n);

    for (unsigned i = 0; i < KINDS; i++)
        changes.series[i] = kinds[i].name;
    chart_days(&changes, days, n, false);
    chart_days(&failed, days, n, true);
    html_add(h, "<h2>Activity</h2>");
    html_bars(h, &changes);
    html_add(h, "<div class=\"wrong\">");
    html_bars(h, &failed);
    html_add(h, "</div>\n");
}

/* What the charts show, in numbers. */
static void table_days(struct html *h, const struct report *r)
{
    char day[CLOCK_ISO_SIZE];
    size_t n;
    const struct tally_day *days = tally_days(r->tally, &n);

    html_add(h,
             "<h2>Day by day</h2><div class=\"scroll\"><table id=\"days\"><thead><tr><th>Day</th>"
             "<th class=\"n\">Adds</th><th class=\"n\">Edits</th><th class=\"n\">Metadata</th>"
             "<th class=\"n\">Renames</th><th class=\"n\">Removals</th><th class=\"n\">Lists</th>"
             "<th class=\"n\">Uploads</th><th class=\"n\">Bytes</th><th class=\"n\">Failures</th>"
             "</tr></thead><tbody>\n");
    for (size_t i = 0; i < n; i++)
        row_counts(h, iso(days[i].day * DAY_US, DAY_CHARS, day), &days[i].counts);
    html_add(h, "</tbody><tfoot>");
    row_counts(h, "all", tally_all(r->tally));
    html_add(h, "</tfoot></table></div>\n");
}

static void latency(struct html *h, const struct report *r)
{
    const struct tally_times times = tally_times(r->tally);
    struct html_chart c = {
        .title = "Changes by the time they took", .series = {"changes"}, .series_count = 1};
    struct tally_band bands[TALLY_BANDS];

    c.columns = tally_bands(r->tally, bands);
    for (unsigned i = 0; i < c.columns; i++) {
        c.values[i][0] = bands[i].count;
        if (bands[i].below_ms < 10000)
            snprintf(c.labels[i], HTML_LABEL, "&lt; %" PRIu64 " ms", bands[i].below_ms);
        else
            snprintf(c.labels[i], HTML_LABEL, "&lt; %" PRIu64 " s", bands[i].below_ms / 1000 + 1);
    }
    html_add(h,
             "<h2>From a change to S3</h2><p class=\"dim\">From the intent, which is durable "
             "before anything is done, until S3 had it; at most 1/16 too large.</p>"
             "<div class=\"scroll\"><table id=\"latency\"><thead><tr><th class=\"n\">Changes</th>"
             "<th class=\"n\">Half within</th><th class=\"n\">90 % within</th>"
             "<th class=\"n\">99 % within</th><th class=\"n\">At most</th>"
             "<th class=\"n\">Open</th></tr></thead><tbody><tr>");
    cell(h, "count", times.count);
    cell(h, "p50", times.half_ms);
    cell(h, "p90", times.ninety_ms);
    cell(h, "p99", times.ninety_nine_ms);
    cell(h, "max", times.most_ms);
    cell(h, "open", tally_open(r->tally));
    html_add(h, "</tr></tbody></table></div><p class=\"dim\">Milliseconds.</p>");
    html_bars(h, &c);
}

/* Why things failed. 0 or -ENOMEM. */
static int causes(struct html *h, const struct report *r)
{
    size_t n;
    const struct tally_cause *list = tally_causes(r->tally, &n);

    html_add(h, "<h2>Failures by cause</h2>");
    if (n == 0)
        html_add(h, "<p class=\"none\">None.</p>");
    else
        html_add(h,
                 "<div class=\"scroll\"><table id=\"causes\"><thead><tr>"
                 "<th class=\"n\">Failures</th><th>The last</th><th>Why</th></tr></thead><tbody>");
    for (size_t i = 0; list && i < n; i++) {
        html_add(h, "<tr>");
        cell(h, "cause", list[i].count);
        cell_time(h, list[i].last_us);
        cell_text(h, list[i].why[0] ? list[i].why : "(no reason told)");
        html_add(h, "</tr>\n");
    }
    if (n)
        html_add(h, "</tbody></table></div>\n");
    return list ? 0 : -ENOMEM;
}

/* A record: its host, time, number, mapping. */
static void row_begin(struct html *h, const struct report *r, const struct report_event *v)
{
    html_add(h, "<tr>");
    cell_host(h, r, v->which);
    cell_time(h, v->time_us);
    cell(h, "q", v->seq);
    cell_text(h, v->mapping);
}

/* The last event but i; NULL where there are not so many, or no more are kept. */
static const struct report_event *event_of(const struct report_events *events, uint64_t i)
{
    return i < events->count && i < REPORT_EVENTS
               ? &events->list[(events->count - 1 - i) % REPORT_EVENTS]
               : NULL;
}

/* How many there were, of which how many are shown. */
static void count_of(struct html *h, const struct report_events *events, const char *name,
                     const char *words)
{
    html_addf(h, "<p><span data-n=\"%s\">%" PRIu64 "</span> %s, %" PRIu64 " %s", name,
              events->count, words, events->sum,
              strcmp(name, "rewrites") == 0 ? "rows changed" : "removals in all");
    html_addf(h, events->count > REPORT_EVENTS ? "; the last %d:</p>" : ".</p>", REPORT_EVENTS);
}

static void lists(struct html *h, const struct report *r)
{
    const struct report_event *v;

    html_add(h, "<h2>Lists that were rewritten</h2>");
    count_of(h, &r->lists, "rewrites", "rewrites");
    if (r->lists.count == 0)
        return;
    html_add(h, "<div class=\"scroll\"><table id=\"lists\"><thead><tr>");
    head_host(h, r);
    html_add(h, "<th>Time</th><th class=\"n\">Record</th><th>Mapping</th><th>List</th><th "
                "class=\"n\">Rows</th>"
                "<th>Undone by</th></tr></thead><tbody>\n");
    for (uint64_t i = 0; (v = event_of(&r->lists, i)); i++) {
        row_begin(h, r, v);
        cell_text(h, v->path);
        cell(h, "rows", v->count);
        cell_text(h, v->backup);
        html_add(h, "</tr>\n");
    }
    html_add(h, "</tbody></table></div>\n");
}

static void guard(struct html *h, const struct report *r)
{
    const struct report_event *v;

    html_add(h, "<h2>What the guard held</h2>");
    count_of(h, &r->guard, "holds", "holds and releases");
    if (r->guard.count == 0)
        return;
    html_add(h, "<div class=\"scroll\"><table id=\"guard\"><thead><tr>");
    head_host(h, r);
    html_add(h, "<th>Time</th><th class=\"n\">Record</th><th>Mapping</th><th>What</th><th "
                "class=\"n\">Removals</th>"
                "<th>Why</th></tr></thead><tbody>\n");
    for (uint64_t i = 0; (v = event_of(&r->guard, i)); i++) {
        row_begin(h, r, v);
        html_addf(h, "<td>%s</td>",
                  v->op == JOURNAL_HOLD       ? "held"
                  : v->state == JOURNAL_ABORT ? "discarded"
                                              : "released");
        cell(h, "removals", v->count);
        cell_text(h, v->why);
        html_add(h, "</tr>\n");
    }
    html_add(h, "</tbody></table></div>\n");
}

int report_page(const struct report *r, struct buf *out)
{
    struct html h = {.out = out};
    int rc;

    html_add(&h, head);
    summary(&h, r);
    verification(&h, r);
    hosts(&h, r);
    activity(&h, r);
    latency(&h, r);
    rc = causes(&h, r);
    lists(&h, r);
    guard(&h, r);
    table_days(&h, r);
    html_add(&h, "</main></body></html>\n");
    return rc ? rc : h.error;
}
