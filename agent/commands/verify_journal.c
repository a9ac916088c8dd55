/* Shell. lockstep verify --against-journal: is the bucket what the journal says? */
#include "agent/commands/verify_journal.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_older.h"
#include "agent/commands/screen.h"
#include "agent/service/against.h"

#include <inttypes.h>

struct show {
    const struct journal_sources *sources;
    bool json;
    struct screen screen;
};

/* against_options.found, as JSON. */
static void found_json(const struct show *s, const char *key, const struct account_answer *a)
{
    const char *host = s->sources->told && a->seq ? s->sources->list[a->which].name : NULL;
    const struct screen_member members[] = {{"difference", account_kind_name(a->kind)},
                                            {"key", key},
                                            {"cause", a->cause},
                                            {host ? "host" : NULL, host},
                                            {NULL, NULL}};
    const struct screen_number numbers[] = {{a->seq ? "record" : NULL, a->seq}, {NULL, 0}};

    screen_json(members, numbers);
}

/* against_options.found */
static void found(void *arg, const char *key, const struct account_answer *a)
{
    struct show *s = arg;

    screen_clear(&s->screen);
    if (s->json) {
        found_json(s, key, a);
        return;
    }
    printf("%-12s ", account_kind_name(a->kind));
    command_print_name(key);
    fputs(": ", stdout);
    command_print_name(a->cause);
    putchar('\n');
}

/* against_options.damaged */
static void damaged(void *arg, size_t which, struct err *e)
{
    struct show *s = arg;

    screen_clear(&s->screen);
    journal_source_blame(s->sources, which, e);
    (void)command_fault(0, e);
}

/* against_options.progress */
static void progress(void *arg, const struct against_totals *t)
{
    struct show *s = arg;

    if (t->objects + t->keys)
        screen_progress(&s->screen,
                        "%" PRIu64 " objects, %" PRIu64 " keys of the journal, %" PRIu64
                        " differences so far",
                        t->objects, t->keys, t->differences);
    else
        screen_progress(&s->screen, "%" PRIu64 " records", t->records);
}

/* The end, as JSON. */
static void sum_json(const struct against_totals *t)
{
    struct screen_number numbers[9 + ACCOUNT_KINDS] = {
        {"records", t->records}, {"keys", t->keys},
        {"objects", t->objects}, {"asked", t->asked},
        {"changing", t->moving}, {"elsewhere", t->elsewhere},
        {"damaged", t->damaged}, {"differences", t->differences}};
    size_t n = 8;

    for (int k = ACCOUNT_MISSING; k < ACCOUNT_KINDS; k++)
        numbers[n++] = (struct screen_number){account_kind_name((enum account_kind)k), t->kinds[k]};
    screen_json(NULL, numbers);
}

/* The end, as text. */
static void sum_text(const struct against_totals *t)
{
    const char *before = " (";

    printf("%" PRIu64 " records of %" PRIu64 " keys, %" PRIu64 " objects, %" PRIu64 " differences",
           t->records, t->keys, t->objects, t->differences);
    for (int k = ACCOUNT_MISSING; k < ACCOUNT_KINDS; k++)
        if (t->kinds[k]) {
            printf("%s%" PRIu64 " %s", before, t->kinds[k],
                   account_kind_name((enum account_kind)k));
            before = ", ";
        }
    printf("%s\n", t->differences ? ")" : "");
    if (t->asked)
        printf("%" PRIu64 " objects were looked at one by one\n", t->asked);
    if (t->moving)
        printf("%" PRIu64 " keys changed meanwhile and were not compared\n", t->moving);
    if (t->elsewhere)
        printf("%" PRIu64 " records are of mappings that the configuration does not have\n",
               t->elsewhere);
    if (t->damaged)
        printf("the journal is damaged in %" PRIu64 " places: lockstep journal verify tells more\n",
               t->damaged);
}

/* The same, of the journals that were found. */
static int hold_against(const struct conf *conf, const struct journal_sources *sources, bool deep,
                        bool json)
{
    struct show show = {.sources = sources, .json = json};
    struct against_options opt = {.conf = conf,
                                  .deep = deep,
                                  .found = found,
                                  .damaged = damaged,
                                  .progress = progress,
                                  .arg = &show};
    const char *hosts[JOURNAL_SOURCES_MAX];
    struct journal_streams streams;
    struct against_totals totals;
    struct err e = {0};
    int status;

    if (journal_streams_open(sources, NULL, &streams, &e))
        return command_fault(EXIT_UNREACHED, &e);
    for (size_t i = 0; i < sources->count; i++) {
        hosts[i] = sources->list[i].name;
        journal_older_note(sources->list[i].dir, conf);
    }
    opt.hosts = sources->told ? hosts : NULL;
    opt.weave = streams.weave;
    status = service_against(&opt, &totals, &e);
    journal_streams_close(&streams);
    screen_clear(&show.screen);
    if (e.code)
        return command_fault(status, &e);
    if (json)
        sum_json(&totals);
    else
        sum_text(&totals);
    return status;
}

int verify_journal(const struct conf *conf, const struct sources_options *opt, bool deep, bool json)
{
    struct journal_sources sources;
    struct err e = {0};
    int rc = journal_sources_find(opt, conf, &sources, &e), status;

    if (rc)
        return command_fault(journal_sources_status(rc), &e);
    status = hold_against(conf, &sources, deep, json);
    journal_sources_release(&sources);
    return status;
}
