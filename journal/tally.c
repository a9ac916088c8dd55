/* A journal in numbers. Pure. See tally.h. */
#include "journal/tally.h"

#include "base/clock.h"
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US       (86400 * (int64_t)US_PER_S)
#define FINE_BITS    4 /* 16 buckets for times between a power of two and the next */
#define FINE         (1u << FINE_BITS)
#define BUCKETS      ((64 - FINE_BITS + 1) * FINE)
#define CAUSES_MAX   1000 /* different reasons; further ones count as "others" */
#define CAUSE_OTHERS "(others)"

/* A transaction that has not ended. */
struct intent {
    enum journal_op op;
    int64_t time_us;
};

/* How often changes took how long. */
struct spread {
    uint64_t times[BUCKETS];
    uint64_t most_ms;
};

struct tally {
    struct tally_counts all;
    struct tally_day *days; /* by day */
    size_t day_count, day_room;
    struct map *open;   /* tx -> struct intent, owned */
    struct map *causes; /* why -> struct tally_cause, owned */
    struct tally_cause *sorted;
    struct spread all_times;
    struct spread *times[JOURNAL_OP_COUNT]; /* of changes by operation, owned; NULL: none ended */
    uint64_t open_elsewhere; /* intents that did not end in the journals that were added */
};

struct tally *tally_new(void)
{
    struct tally *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->open = map_new();
    t->causes = map_new();
    if (!t->open || !t->causes) {
        tally_free(t);
        return NULL;
    }
    return t;
}

/* Free a map and what is in it. */
static void map_free_all(struct map *m)
{
    void *value;

    if (!m)
        return;
    for (size_t at = 0; map_next(m, &at, NULL, NULL, &value);)
        free(value);
    map_free(m);
}

void tally_free(struct tally *t)
{
    if (!t)
        return;
    map_free_all(t->open);
    map_free_all(t->causes);
    free(t->days);
    free(t->sorted);
    for (int op = 0; op < JOURNAL_OP_COUNT; op++)
        free(t->times[op]);
    free(t);
}

/* The bucket of a time: exact below FINE, then FINE of them for each power of two. */
static unsigned bucket_of(uint64_t ms)
{
    unsigned power;

    if (ms < FINE)
        return (unsigned)ms;
    power = 63 - (unsigned)__builtin_clzll(ms);
    return (power - FINE_BITS + 1) * FINE + (unsigned)(ms >> (power - FINE_BITS) & (FINE - 1));
}

/* The largest time of a bucket. */
static uint64_t bucket_top(unsigned bucket)
{
    const unsigned shift = bucket / FINE - 1;

    return bucket < FINE ? bucket : ((uint64_t)(FINE + bucket % FINE + 1) << shift) - 1;
}

/* The row of a day; NULL without memory. Days come in order, but for a clock that was set back. */
static struct tally_day *day_of(struct tally *t, int64_t time_us)
{
    const int64_t day = time_us / DAY_US;
    size_t at = t->day_count;

    while (at > 0 && t->days[at - 1].day > day)
        at--;
    if (at > 0 && t->days[at - 1].day == day)
        return &t->days[at - 1];
    if (t->day_count == t->day_room) {
        const size_t room = t->day_room ? t->day_room * 2 : 32;
        struct tally_day *days = reallocarray(t->days, room, sizeof *days);

        if (!days)
            return NULL;
        t->days = days;
        t->day_room = room;
    }
    memmove(&t->days[at + 1], &t->days[at], (t->day_count - at) * sizeof *t->days);
    t->day_count++;
    t->days[at] = (struct tally_day){.day = day};
    return &t->days[at];
}

/* Count a record. */
static void count(struct tally_counts *c, const struct journal_record *r)
{
    c->records++;
    c->of[r->op][r->state]++;
    if (r->op == JOURNAL_PUT && r->state == JOURNAL_DONE && (r->has & JOURNAL_HAS_FILE))
        c->bytes += r->size;
}

/* Note a reason that was given so often. */
static int note_cause(struct tally *t, const char *why, uint64_t times, int64_t last_us)
{
    struct tally_cause *c;

    if (!map_get_str(t->causes, why) && map_count(t->causes) >= CAUSES_MAX)
        why = CAUSE_OTHERS;
    c = map_get_str(t->causes, why);
    if (!c) {
        c = calloc(1, sizeof *c);
        if (!c || map_put_str(t->causes, why, c, NULL)) {
            free(c);
            return -ENOMEM;
        }
        c->why = map_key_str(t->causes, why);
    }
    c->count += times;
    c->last_us = c->count > times && c->last_us > last_us ? c->last_us : last_us;
    return 0;
}

/* Does a record end the transaction? A rename may be many copies, a failure that S3 did not answer
 * may have done something: these go on. */
static bool ends(const struct intent *i, const struct journal_record *r)
{
    if (i->op == JOURNAL_RENAME || i->op == JOURNAL_LST ? r->op != i->op : r->op == JOURNAL_TRASH)
        return false;
    return r->state == JOURNAL_DONE || r->state == JOURNAL_ABORT || r->http_status > 0;
}

/* A transaction begins. */
static int begin(struct tally *t, const struct journal_record *r)
{
    struct intent *i = malloc(sizeof *i);
    void *old = NULL;

    if (!i || map_put(t->open, &r->tx, sizeof r->tx, i, &old)) {
        free(i);
        return -ENOMEM;
    }
    *i = (struct intent){r->op, r->time_us};
    free(old);
    return 0;
}

/* The times of an operation, which has some from now on. NULL without memory. */
static struct spread *spread_of(struct tally *t, enum journal_op op)
{
    if (!t->times[op])
        t->times[op] = calloc(1, sizeof *t->times[op]);
    return t->times[op];
}

/* So long it took. */
static void note_time(struct spread *s, uint64_t ms)
{
    s->times[bucket_of(ms)]++;
    s->most_ms = ms > s->most_ms ? ms : s->most_ms;
}

/* An outcome of a transaction. 0 or -ENOMEM. */
static int outcome(struct tally *t, const struct journal_record *r)
{
    const struct intent *i = map_get(t->open, &r->tx, sizeof r->tx);

    if (!i || !ends(i, r))
        return 0;
    if (r->state == JOURNAL_DONE) {
        const int64_t us = r->time_us - i->time_us;
        const uint64_t ms = us > 0 ? (uint64_t)us / 1000 : 0;
        struct spread *s = spread_of(t, i->op);

        if (!s)
            return -ENOMEM;
        note_time(&t->all_times, ms);
        note_time(s, ms);
    }
    free(map_remove(t->open, &r->tx, sizeof r->tx));
    return 0;
}

int tally_add(struct tally *t, const struct journal_record *r)
{
    struct tally_day *day = day_of(t, r->time_us);
    int code = day ? 0 : -ENOMEM;

    if (code == 0) {
        count(&t->all, r);
        count(&day->counts, r);
    }
    if (code == 0 && r->state == JOURNAL_FAILED)
        code = note_cause(t, r->why ? r->why : "", 1, r->time_us);
    if (code == 0 && r->tx && r->state == JOURNAL_INTENT)
        code = begin(t, r);
    else if (code == 0 && r->tx)
        code = outcome(t, r);
    return code;
}

/* Add counts to others. */
static void add_counts(struct tally_counts *to, const struct tally_counts *from)
{
    to->records += from->records;
    to->bytes += from->bytes;
    for (int op = 0; op < JOURNAL_OP_COUNT; op++)
        for (int state = 0; state < JOURNAL_STATE_COUNT; state++)
            to->of[op][state] += from->of[op][state];
}

static void add_spread(struct spread *to, const struct spread *from)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        to->times[i] += from->times[i];
    to->most_ms = from->most_ms > to->most_ms ? from->most_ms : to->most_ms;
}

int tally_sum(struct tally *t, const struct tally *from)
{
    void *value;

    add_counts(&t->all, &from->all);
    for (size_t i = 0; i < from->day_count; i++) {
        struct tally_day *day = day_of(t, from->days[i].day * DAY_US);

        if (!day)
            return -ENOMEM;
        add_counts(&day->counts, &from->days[i].counts);
    }
    for (size_t at = 0; map_next(from->causes, &at, NULL, NULL, &value);) {
        const struct tally_cause *c = value;

        if (note_cause(t, c->why, c->count, c->last_us))
            return -ENOMEM;
    }
    add_spread(&t->all_times, &from->all_times);
    for (int op = 0; op < JOURNAL_OP_COUNT; op++) {
        struct spread *s = from->times[op] ? spread_of(t, (enum journal_op)op) : NULL;

        if (from->times[op] && !s)
            return -ENOMEM;
        if (s)
            add_spread(s, from->times[op]);
    }
    t->open_elsewhere += tally_open(from);
    return 0;
}

const struct tally_counts *tally_all(const struct tally *t)
{
    return &t->all;
}

const struct tally_day *tally_days(struct tally *t, size_t *ret_count)
{
    *ret_count = t->day_count;
    return t->days;
}

/* The most frequent first; the same order every time. */
static int compare_causes(const void *a, const void *b)
{
    const struct tally_cause *x = a, *y = b;

    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->why, y->why);
}

const struct tally_cause *tally_causes(struct tally *t, size_t *ret_count)
{
    size_t n = 0;
    void *value;

    free(t->sorted);
    t->sorted = calloc(map_count(t->causes) + 1, sizeof *t->sorted);
    for (size_t at = 0; t->sorted && map_next(t->causes, &at, NULL, NULL, &value);)
        t->sorted[n++] = *(const struct tally_cause *)value;
    if (n > 1)
        qsort(t->sorted, n, sizeof *t->sorted, compare_causes);
    *ret_count = n;
    return t->sorted;
}

/* The time within which so many of all ended. */
static uint64_t within(const struct spread *s, uint64_t of_all)
{
    uint64_t seen = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += s->times[i];
        if (seen >= of_all && seen > 0)
            return bucket_top(i) < s->most_ms ? bucket_top(i) : s->most_ms;
    }
    return s->most_ms;
}

static struct tally_times times_of(const struct spread *s)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < BUCKETS; i++)
        n += s->times[i];
    return (struct tally_times){.count = n,
                                .half_ms = within(s, (n + 1) / 2),
                                .ninety_ms = within(s, n - n / 10),
                                .ninety_nine_ms = within(s, n - n / 100),
                                .most_ms = s->most_ms};
}

struct tally_times tally_times(const struct tally *t)
{
    return times_of(&t->all_times);
}

struct tally_times tally_times_of(const struct tally *t, enum journal_op op)
{
    return t->times[op] ? times_of(t->times[op]) : (struct tally_times){0};
}

uint64_t tally_failures(const struct tally_counts *c)
{
    uint64_t sum = 0;

    for (int op = 0; op < JOURNAL_OP_COUNT; op++)
        sum += c->of[op][JOURNAL_FAILED];
    return sum;
}

unsigned tally_bands(const struct tally *t, struct tally_band out[TALLY_BANDS])
{
    unsigned used = 0, n = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        const unsigned band = n;

        if (i % FINE == 0)
            out[band] = (struct tally_band){0};
        out[band].count += t->all_times.times[i];
        if (i % FINE < FINE - 1)
            continue;
        out[band].below_ms = i + 1 < BUCKETS ? bucket_top(i) + 1 : UINT64_MAX;
        n += n > 0 || out[band].count > 0; /* those before the first are passed over */
        used = out[band].count ? n : used;
    }
    return used;
}

uint64_t tally_open(const struct tally *t)
{
    return map_count(t->open) + t->open_elsewhere;
}
