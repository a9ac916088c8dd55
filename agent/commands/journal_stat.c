/* Shell. lockstep journal stat: the numbers of a journal. See journal_stat.h. */
#include "agent/commands/journal_stat.h"

#include "agent/commands/commands.h"

#include "base/clock.h"
#include "base/json.h"
#include "journal/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define CAUSES_SHOWN 20
#define DAY_US       (86400 * US_PER_S)
#define DAY_CHARS    10 /* of an ISO time */
#define JSON_MAX     (64u << 20)

/* "2026-01-31" */
static const char *day_text(int64_t day, char iso[CLOCK_ISO_SIZE])
{
    clock_iso(day * DAY_US, iso)[DAY_CHARS] = '\0';
    return iso;
}

/* One line of the table. */
static void print_counts(const char *name, const struct tally_counts *c)
{
    printf("%-10s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64
           " %9" PRIu64 " %11.1f %9" PRIu64 "\n",
           name, c->of[JOURNAL_ADD][JOURNAL_INTENT], c->of[JOURNAL_EDIT][JOURNAL_INTENT],
           c->of[JOURNAL_META][JOURNAL_INTENT], c->of[JOURNAL_RENAME][JOURNAL_INTENT],
           c->of[JOURNAL_REMOVE][JOURNAL_INTENT], c->of[JOURNAL_LST][JOURNAL_DONE],
           c->of[JOURNAL_PUT][JOURNAL_DONE], (double)c->bytes / 1e6, tally_failures(c));
}

/* How long what took, where there is something of it. */
static void print_times(const struct tally *t)
{
    if (tally_times(t).count)
        printf("\n%-10s %9s %9s %9s %9s %9s\n", "ms until S3", "changes", "half", "90 %", "99 %",
               "most");
    for (int op = 0; op < JOURNAL_OP_COUNT; op++) {
        const struct tally_times times = tally_times_of(t, (enum journal_op)op);

        if (times.count)
            printf("%-10s %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 "\n",
                   journal_op_name((enum journal_op)op), times.count, times.half_ms,
                   times.ninety_ms, times.ninety_nine_ms, times.most_ms);
    }
}

/* The table, and what else there is to tell. 0 or -ENOMEM. */
static int print_text(struct tally *t)
{
    const struct tally_times times = tally_times(t);
    const struct tally_cause *causes;
    const struct tally_day *days;
    char iso[CLOCK_ISO_SIZE];
    size_t n;

    printf("%-10s %9s %9s %9s %9s %9s %9s %9s %11s %9s\n", "day", "adds", "edits", "metadata",
           "renames", "removals", "lists", "puts", "MB put", "failures");
    days = tally_days(t, &n);
    for (size_t i = 0; i < n; i++)
        print_counts(day_text(days[i].day, iso), &days[i].counts);
    print_counts("all", tally_all(t));
    printf("\n%" PRIu64 " records; from an intent until it was done: half within %" PRIu64
           " ms, 90 %% within %" PRIu64 " ms, 99 %% within %" PRIu64 " ms, at most %" PRIu64
           " ms (%" PRIu64 " of them); %" PRIu64 " open\n",
           tally_all(t)->records, times.half_ms, times.ninety_ms, times.ninety_nine_ms,
           times.most_ms, times.count, tally_open(t));
    print_times(t);
    causes = tally_causes(t, &n);
    if (!causes)
        return -ENOMEM;
    for (size_t i = 0; i < n && i < CAUSES_SHOWN; i++) {
        printf("%s%9" PRIu64 " failures, the last %s: ", i ? "" : "\n", causes[i].count,
               clock_iso(causes[i].last_us, iso));
        command_print_name(causes[i].why[0] ? causes[i].why : "(no reason told)");
        putchar('\n');
    }
    if (n > CAUSES_SHOWN)
        printf("and %zu reasons more (--json has all)\n", n - CAUSES_SHOWN);
    return 0;
}

/* Operation -> state -> how many, of what there was. */
static void put_counts(struct json_writer *w, const struct tally_counts *c)
{
    json_put_int(w, "records", (int64_t)c->records);
    json_put_int(w, "bytes_put", (int64_t)c->bytes);
    json_object(w, "counts");
    for (int op = 0; op < JOURNAL_OP_COUNT; op++) {
        bool any = false;

        for (int state = 0; state < JOURNAL_STATE_COUNT; state++) {
            if (!c->of[op][state])
                continue;
            if (!any)
                json_object(w, journal_op_name((enum journal_op)op));
            any = true;
            json_put_int(w, journal_state_name((enum journal_state)state),
                         (int64_t)c->of[op][state]);
        }
        if (any)
            json_object_end(w);
    }
    json_object_end(w);
}

static void put_times(struct json_writer *w, const char *name, const struct tally_times *times)
{
    json_object(w, name);
    json_put_int(w, "count", (int64_t)times->count);
    json_put_int(w, "p50", (int64_t)times->half_ms);
    json_put_int(w, "p90", (int64_t)times->ninety_ms);
    json_put_int(w, "p99", (int64_t)times->ninety_nine_ms);
    json_put_int(w, "max", (int64_t)times->most_ms);
    json_object_end(w);
}

/* Days and reasons. */
static void put_rows(struct json_writer *w, struct tally *t)
{
    const struct tally_cause *causes;
    const struct tally_day *days;
    char iso[CLOCK_ISO_SIZE];
    size_t n;

    json_array(w, "days");
    days = tally_days(t, &n);
    for (size_t i = 0; i < n; i++) {
        json_object(w, NULL);
        json_put_string(w, "day", day_text(days[i].day, iso));
        put_counts(w, &days[i].counts);
        json_object_end(w);
    }
    json_array_end(w);
    json_array(w, "failures");
    causes = tally_causes(t, &n);
    for (size_t i = 0; i < n; i++) {
        json_object(w, NULL);
        json_put_string(w, "why", causes[i].why);
        json_put_int(w, "count", (int64_t)causes[i].count);
        json_put_string(w, "last", clock_iso(causes[i].last_us, iso));
        json_object_end(w);
    }
    json_array_end(w);
}

/* All of a tally, as members of an object. */
static void put_all(struct json_writer *w, struct tally *t)
{
    const struct tally_times times = tally_times(t);

    put_counts(w, tally_all(t));
    put_times(w, "intent_to_done_ms", &times);
    json_object(w, "intent_to_done_ms_of");
    for (int op = 0; op < JOURNAL_OP_COUNT; op++) {
        const struct tally_times of = tally_times_of(t, (enum journal_op)op);

        if (of.count)
            put_times(w, journal_op_name((enum journal_op)op), &of);
    }
    json_object_end(w);
    json_put_int(w, "open", (int64_t)tally_open(t));
    put_rows(w, t);
}

/* What was counted: in each journal, and in all. */
struct counting {
    const struct journal_sources *sources;
    const struct journal_wanted *wanted;
    struct tally *of[JOURNAL_SOURCES_MAX];
    struct tally *all; /* where there are several */
};

/* 0 or -ENOMEM. */
static int print_json(const struct counting *c)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, JSON_MAX);
    json_begin(&w, &out);
    json_object(&w, NULL);
    put_all(&w, c->all ? c->all : c->of[0]);
    if (c->sources->told) {
        json_array(&w, "hosts");
        for (size_t i = 0; i < c->sources->count; i++) {
            json_object(&w, NULL);
            json_put_string(&w, "host", c->sources->list[i].id.host);
            json_put_string(&w, "j", c->sources->list[i].id.uuid);
            put_all(&w, c->of[i]);
            json_object_end(&w);
        }
        json_array_end(&w);
    }
    return command_print_json(&w, &out);
}

/* 0 or -ENOMEM. */
static int print_tables(const struct counting *c)
{
    int code = 0;

    for (size_t i = 0; i < c->sources->count && code == 0; i++) {
        if (c->sources->told) {
            printf("%shost ", i ? "\n" : "");
            command_print_name(c->sources->list[i].name);
            putchar('\n');
        }
        code = print_text(c->of[i]);
    }
    if (!c->all || code)
        return code;
    printf("\nall %zu hosts\n", c->sources->count);
    return print_text(c->all);
}

/* journal_record_taken */
static int count_one(void *arg, size_t which, const struct journal_record *r)
{
    struct counting *c = arg;

    return journal_is_wanted(c->wanted, r) ? tally_add(c->of[which], r) : 0;
}

/* 0 or -ENOMEM. */
static int begin(struct counting *c)
{
    for (size_t i = 0; i < c->sources->count; i++)
        if (!(c->of[i] = tally_new()))
            return -ENOMEM;
    if (c->sources->count > 1 && !(c->all = tally_new()))
        return -ENOMEM;
    return 0;
}

/* The sum, and all of it printed. 0 or -ENOMEM. */
static int finish(struct counting *c, bool json)
{
    for (size_t i = 0; c->all && i < c->sources->count; i++)
        if (tally_sum(c->all, c->of[i]))
            return -ENOMEM;
    return json ? print_json(c) : print_tables(c);
}

int journal_stat(const struct journal_sources *s, const struct journal_wanted *w, bool json)
{
    struct counting c = {.sources = s, .wanted = w};
    const struct err no_memory = {.code = -ENOMEM, .what = "out of memory"};
    int status = EXIT_UNREACHED, code = begin(&c);

    if (code == 0)
        status = journal_sources_each(s, count_one, &c, true);
    if (code == 0 && status != EXIT_UNREACHED)
        code = finish(&c, json);
    if (code)
        status = command_fault(EXIT_UNREACHED, &no_memory);
    for (size_t i = 0; i < s->count; i++)
        tally_free(c.of[i]);
    tally_free(c.all);
    return status;
}
