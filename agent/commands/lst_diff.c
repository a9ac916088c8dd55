/* Shell. lockstep lst diff: what became of a list, by what its rows mean. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "agent/commands/screen.h"
#include "base/json.h"
#include "lists/diff.h"
#include "lists/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIT_ARGUMENTS        7 /* path old-file old-hex old-mode new-file new-hex new-mode */
#define GIT_ARGUMENTS_RENAME 9

static const char usage[] =
    "usage: lockstep lst diff [--summary] [--json] OLD NEW\n"
    "       lockstep lst diff --git ...   as git's external diff driver\n"
    "Tell which images came to a list, went, were moved (same index and labels, another path), "
    "have\n"
    "other labels or another index. Order, spelling of numbers and line endings mean nothing.\n"
    "  --summary   numbers alone, by class\n"
    "  --json      a line of JSON a row, and one with the sum\n"
    "  --git       take the arguments that git gives, and end with 0 as git wants it:\n"
    "              git config diff.lst.command 'lockstep lst diff --git'\n"
    "              echo '*.lst diff=lst' >>.gitattributes\n"
    "Exit status: 0 they mean the same, 1 they differ, 2 wrong use, 4 a list cannot be read.\n";

/* What is to be shown. */
struct view {
    const char *old_name;
    const char *new_name;
    bool json;
    bool summary;
    bool git;
};

/* Where one is in a list: lines are counted as places come, in order. */
struct ruler {
    struct lst_cursor cursor;
};

/* The line of a place that is not before the last one, and its row. */
static uint64_t row_line_at(struct ruler *r, uint64_t at, struct lst_row *row)
{
    while (lst_row_next(&r->cursor, row) && (uint64_t)(row->line.p - r->cursor.in.p) < at)
        ;
    return r->cursor.line_number;
}

/* Labels with blanks in the place of TABs. */
static void print_labels(struct span labels)
{
    for (;;) {
        const char *tab = memchr(labels.p, '\t', labels.n);
        size_t n = tab ? (size_t)(tab - labels.p) : labels.n;

        command_print_span((struct span){labels.p, n});
        if (!tab)
            return;
        putchar(' ');
        labels = (struct span){tab + 1, labels.n - n - 1};
    }
}

/* A line of JSON: what became of a row, as it is, and as it was (NULL: it is or was only here). */
static void row_json(const char *change, const char *file, uint64_t line, const struct lst_row *is,
                     const struct lst_row *was)
{
    struct json_writer w;
    struct buf out;

    buf_init(&out, SIZE_MAX);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "change", change);
    json_put_string(&w, "file", file);
    json_put_int(&w, "line", (int64_t)line);
    json_put_span(&w, "path", is->path);
    json_put_span(&w, "index", is->index);
    json_put_span(&w, "labels", is->labels);
    if (was) {
        json_put_span(&w, "old_path", was->path);
        json_put_span(&w, "old_index", was->index);
        json_put_span(&w, "old_labels", was->labels);
    }
    (void)command_print_json(&w, &out); /* without memory a line is missing */
}

/* A row that is in one list alone. */
static void show_alone(const struct view *v, bool added, uint64_t line, const struct lst_row *row)
{
    const char *file = added ? v->new_name : v->old_name;
    const char *change = added ? "added" : "removed";

    if (v->json) {
        row_json(change, file, line, row, NULL);
        return;
    }
    printf("%-11s", change);
    command_print_name(file);
    printf(":%" PRIu64 ": ", line);
    command_print_span(row->path);
    printf(" (");
    print_labels(row->labels);
    printf(")\n");
}

/* What a pair is called: the weightiest of its differences. */
static const char *pair_name(unsigned differ)
{
    if (differ & LST_DIFF_PATH)
        return "moved";
    return differ & LST_DIFF_LABELS ? "relabelled" : "reindexed";
}

/* A row that is another one in the new list. */
static void show_pair(const struct view *v, const struct lst_pair *p, uint64_t line,
                      const struct lst_row *was, const struct lst_row *is)
{
    if (v->json) {
        row_json(pair_name(p->differ), v->new_name, line, is, was);
        return;
    }
    printf("%-11s", pair_name(p->differ));
    command_print_name(v->new_name);
    printf(":%" PRIu64 ": ", line);
    command_print_span(was->path);
    if (p->differ & LST_DIFF_PATH) {
        printf(" -> ");
        command_print_span(is->path);
    }
    if (p->differ & LST_DIFF_LABELS) {
        printf(" (");
        print_labels(was->labels);
        printf(" -> ");
        print_labels(is->labels);
        printf(")");
    }
    if (p->differ & LST_DIFF_INDEX) {
        printf(" index ");
        command_print_span(was->index);
        printf(" -> ");
        command_print_span(is->index);
    }
    putchar('\n');
}

/* Every row that differs: first what is gone, then the new list from its begin to its end. */
static void show_rows(const struct view *v, const struct lst_diff *d)
{
    struct ruler a = {.cursor = {.in = d->a}};
    struct ruler b = {.cursor = {.in = d->b}};
    struct lst_row row;
    struct lst_row was;
    size_t i = 0;
    size_t j = 0;

    for (size_t k = 0; k < d->removed_n; k++) {
        uint64_t line = row_line_at(&a, d->removed[k], &row);

        show_alone(v, false, line, &row);
    }
    while (i < d->pair_n || j < d->added_n) {
        bool alone = i == d->pair_n || (j < d->added_n && d->added[j] < d->pairs[i].b);
        uint64_t line = row_line_at(&b, alone ? d->added[j] : d->pairs[i].b, &row);

        if (alone) {
            show_alone(v, true, line, &row);
            j++;
            continue;
        }
        lst_row_begin(d->a, d->pairs[i].a, &was);
        show_pair(v, &d->pairs[i], line, &was, &row);
        i++;
    }
}

/* Numbers by class: a tally each. */
struct sums {
    struct lst_tally added;
    struct lst_tally removed;
    struct lst_tally moved;
    struct lst_tally from; /* relabelled: the class that it was */
    struct lst_tally to;
    uint64_t reindexed;
};

static int sum_up(const struct lst_diff *d, struct sums *s)
{
    struct lst_row row;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < d->removed_n; i++) {
        lst_row_begin(d->a, d->removed[i], &row);
        rc = lst_tally_add(&s->removed, &row);
    }
    for (size_t i = 0; rc == 0 && i < d->added_n; i++) {
        lst_row_begin(d->b, d->added[i], &row);
        rc = lst_tally_add(&s->added, &row);
    }
    for (size_t i = 0; rc == 0 && i < d->pair_n; i++) {
        unsigned differ = d->pairs[i].differ;

        lst_row_begin(d->b, d->pairs[i].b, &row);
        s->reindexed += (differ & LST_DIFF_INDEX) != 0;
        if (differ & LST_DIFF_PATH)
            rc = lst_tally_add(&s->moved, &row);
        if (rc == 0 && (differ & LST_DIFF_LABELS)) {
            rc = lst_tally_add(&s->to, &row);
            lst_row_begin(d->a, d->pairs[i].a, &row);
            if (rc == 0)
                rc = lst_tally_add(&s->from, &row);
        }
    }
    return rc;
}

static uint64_t of_class(const struct lst_tally *t, size_t i)
{
    return i < t->class_n ? t->classes[i] : 0;
}

/* One class, where anything became of it. */
static void show_class(const struct sums *s, size_t i, bool json)
{
    uint64_t n[] = {of_class(&s->added, i), of_class(&s->removed, i), of_class(&s->moved, i),
                    of_class(&s->to, i), of_class(&s->from, i)};

    if (n[0] + n[1] + n[2] + n[3] + n[4] == 0)
        return;
    if (json) {
        struct screen_number numbers[] = {
            {"class", i},    {"added", n[0]},         {"removed", n[1]},
            {"moved", n[2]}, {"relabelled_to", n[3]}, {"relabelled_from", n[4]},
            {NULL, 0}};

        screen_json(NULL, numbers);
        return;
    }
    printf("class %zu: %" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " moved, %" PRIu64
           " relabelled to it, %" PRIu64 " from it\n",
           i, n[0], n[1], n[2], n[3], n[4]);
}

/* The numbers. */
static void show_sums(const struct view *v, const struct sums *s)
{
    size_t n = 0;
    const struct lst_tally *all[] = {&s->added, &s->removed, &s->moved, &s->from, &s->to};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        n = all[i]->class_n > n ? all[i]->class_n : n;
    for (size_t i = 0; i < n; i++)
        show_class(s, i, v->json);
    if (v->json) {
        struct screen_number numbers[] = {
            {"added", s->added.images},  {"removed", s->removed.images},
            {"moved", s->moved.images},  {"relabelled", s->to.images},
            {"reindexed", s->reindexed}, {NULL, 0}};

        screen_json(NULL, numbers);
        return;
    }
    printf("%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " moved, %" PRIu64
           " relabelled, %" PRIu64 " reindexed\n",
           s->added.images, s->removed.images, s->moved.images, s->to.images, s->reindexed);
}

/* Everything. */
static int show(const struct view *v, const struct lst_diff *d)
{
    struct sums s = {0};
    int rc = sum_up(d, &s);

    if (rc == 0) {
        if (!v->summary)
            show_rows(v, d);
        show_sums(v, &s);
    }
    lst_tally_release(&s.added);
    lst_tally_release(&s.removed);
    lst_tally_release(&s.moved);
    lst_tally_release(&s.from);
    lst_tally_release(&s.to);
    return rc;
}

/* Read a list; in git's words no file is "/dev/null". */
static int read_side(const char *path, bool git, struct lst_file *ret)
{
    struct err e = {0};

    if (git && strcmp(path, "/dev/null") == 0)
        return EXIT_IN_STEP;
    return lst_file_read(path, ret, &e) < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

/* Compare two files. */
static int compare(const struct view *v, const char *old_path, const char *new_path)
{
    struct lst_file files[2] = {{0}, {0}};
    struct lst_diff d = {0};
    int status = read_side(old_path, v->git, &files[0]);
    int rc = 0;

    if (status == EXIT_IN_STEP)
        status = read_side(new_path, v->git, &files[1]);
    if (status == EXIT_IN_STEP) {
        rc = lst_diff(lst_file_text(&files[0]), lst_file_text(&files[1]), false, &d);
        if (rc == 0 && d.pair_n + d.added_n + d.removed_n > 0) {
            status = v->git ? EXIT_IN_STEP : EXIT_DIFFERENCES;
            rc = show(v, &d);
        }
    }
    if (rc < 0)
        status = lst_failed(&(struct err){.code = rc, .what = "there is not enough memory"});
    lst_diff_release(&d);
    lst_file_release(&files[0]);
    lst_file_release(&files[1]);
    return status;
}

/* As git calls: seven arguments, two more for a rename, one alone for a path with conflicts. */
static int compare_for_git(struct view *v, int n, char **words)
{
    if (n == 1) {
        printf("* unmerged: ");
        command_print_name(words[0]);
        putchar('\n');
        return EXIT_IN_STEP;
    }
    if (n != GIT_ARGUMENTS && n != GIT_ARGUMENTS_RENAME)
        return command_usage(usage, "git gives a diff driver 7 or 9 arguments");
    v->old_name = words[0];
    v->new_name = n == GIT_ARGUMENTS_RENAME ? words[7] : words[0];
    printf("lst diff ");
    command_print_name(words[0]);
    if (strcmp(v->old_name, v->new_name) != 0) {
        printf(" -> ");
        command_print_name(v->new_name);
    }
    putchar('\n');
    return compare(v, words[1], words[4]);
}

int lst_command_diff(int argc, char **argv)
{
    struct view v = {0};
    const struct command_option table[] = {
        {"summary", .flag = &v.summary}, {"json", .flag = &v.json}, {"git", .flag = &v.git}, {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return command_usage(usage, wrong);
    if (v.git)
        return compare_for_git(&v, argc - optind, argv + optind);
    if (argc - optind != 2)
        return command_usage(usage, "which two lists?");
    v.old_name = argv[optind];
    v.new_name = argv[optind + 1];
    return compare(&v, argv[optind], argv[optind + 1]);
}
