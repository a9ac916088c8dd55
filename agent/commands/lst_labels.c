/* Shell. lockstep lst relabel, split, merge-classes: other labels for rows that are meant. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "base/map.h"
#include "lists/edit.h"
#include "lists/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char relabel_usage[] =
    "usage: lockstep lst relabel --to CLASS [--class N]... [--match PATTERN]... [--in LIST] "
    "FILE...\n"
    "Give the rows that are meant another label: those of a class, those whose path matches a\n"
    "pattern (*, ?, ** over directories), those that another list has too. The files are "
    "replaced.\n";
static const char split_usage[] =
    "usage: lockstep lst split --class N (--by-directory | --in LIST) FILE...\n"
    "Make several classes of one. By directory: the first of its directories, in the order of "
    "their\n"
    "names, keeps the class, each further one gets the next free one. By a list: the images that "
    "it\n"
    "has get the next free class. All files get the same classes. The files are replaced.\n";
static const char merge_usage[] =
    "usage: lockstep lst merge-classes --to CLASS --class N [--class N]... [--renumber] FILE...\n"
    "Make one class of several. --renumber closes the gaps: classes of all the files together run\n"
    "from 0 again, in their order. The files are replaced.\n";

/* What fn of lst_relabel goes by. */
struct edit {
    struct lst_choice choice;
    struct lst_paths *in;
    const char *in_name;
    uint64_t to;
    bool has_to;
    bool by_directory;
    bool renumber;
    struct map *directories; /* split: directory -> struct home */
    uint64_t *numbers;       /* merge-classes: old class -> new one */
    size_t number_n;
};

/* A directory of the class that is split. */
struct home {
    uint64_t label;
    const char *name; /* the map's */
};

/* lst_relabel_fn: rows that are meant. */
static bool to_one(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    const struct edit *edit = arg;

    (void)was;
    *ret = edit->to;
    return lst_selected(&edit->choice.select, row);
}

/* The directory of a row's path, as spelled. */
static struct span directory_of(const struct lst_row *row)
{
    const char *slash = memrchr(row->path.p, '/', row->path.n);

    return (struct span){row->path.p, slash ? (size_t)(slash - row->path.p) : 0};
}

/* lst_relabel_fn: by the directory that the row is in. */
static bool by_home(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    const struct edit *edit = arg;
    struct span directory = directory_of(row);
    const struct home *home = map_get(edit->directories, directory.p, directory.n);

    (void)was;
    if (!home || !lst_selected(&edit->choice.select, row))
        return false;
    *ret = home->label;
    return true;
}

/* lst_relabel_fn: by the table. */
static bool by_number(void *arg, const struct lst_row *row, uint64_t was, uint64_t *ret)
{
    const struct edit *edit = arg;

    (void)row;
    if (was >= edit->number_n)
        return false;
    *ret = edit->numbers[was];
    return true;
}

/* Every file: made in memory first, so that a failure leaves all as they were; then replaced. */
static int rewrite_all(struct lst_inputs *in, struct edit *edit, lst_relabel_fn *fn)
{
    struct buf *outs = calloc(in->n, sizeof(*outs));
    uint64_t *changed = calloc(in->n, sizeof(*changed));
    struct err e = {0};
    int rc = outs && changed ? 0 : err_set(&e, -ENOMEM, NULL, NULL, "out of memory");

    for (size_t i = 0; rc == 0 && i < in->n; i++) {
        buf_init(&outs[i], SIZE_MAX);
        rc = lst_relabel(in->lists[i].text, fn, edit, &outs[i], &changed[i]);
        if (rc < 0)
            (void)err_set(&e, rc, in->lists[i].name, NULL, "%s", err_name(rc));
    }
    for (size_t i = 0; rc == 0 && i < in->n; i++) {
        if (changed[i] > 0)
            rc = lst_file_write(in->lists[i].name, (struct span){outs[i].data, outs[i].len},
                                &in->files[i], &e);
        if (rc == 0) {
            command_print_name(in->lists[i].name);
            printf(": %" PRIu64 " rows relabelled\n", changed[i]);
        }
    }
    for (size_t i = 0; outs && i < in->n; i++)
        buf_release(&outs[i]);
    free(outs);
    free(changed);
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

/* The classes of all files together. */
static int tally_all(const struct lst_inputs *in, struct lst_tally *ret)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < in->n; i++)
        rc = lst_tally_all(ret, in->lists[i].text);
    return rc;
}

/* Take down the directories of one list's rows that are meant. */
static int note_homes(struct edit *edit, struct span text)
{
    struct lst_cursor c = {.in = text};
    struct lst_row row;

    while (lst_row_next(&c, &row)) {
        struct span directory = directory_of(&row);
        struct home *home;

        if (!lst_selected(&edit->choice.select, &row) ||
            map_get(edit->directories, directory.p, directory.n))
            continue;
        home = calloc(1, sizeof(*home));
        if (!home || map_put(edit->directories, directory.p, directory.n, home, NULL) < 0) {
            free(home);
            return -ENOMEM;
        }
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct home *const *)a)->name, (*(struct home *const *)b)->name);
}

/* Give each directory its class. */
static int number_homes(struct edit *edit, uint64_t next)
{
    size_t n = map_count(edit->directories);
    struct home **homes = n ? reallocarray(NULL, n, sizeof(struct home *)) : NULL;
    size_t at = 0;
    size_t i = 0;
    const void *key;
    void *value;

    if (n && !homes)
        return -ENOMEM;
    while (map_next(edit->directories, &at, &key, NULL, &value)) {
        homes[i] = value; /* NOLINT(clang-analyzer-core.NullDereference): there are n of them */
        homes[i++]->name = key;
    }
    if (n > 1)
        qsort(homes, n, sizeof(*homes), by_name);
    for (i = 0; i < n; i++) {
        homes[i]->label = i == 0 ? edit->choice.classes[0] : next++;
        printf("class %" PRIu64 ": ", homes[i]->label);
        command_print_name(*homes[i]->name ? homes[i]->name : ".");
        putchar('\n');
    }
    free(homes);
    return 0;
}

/* lst split. */
static int split(struct lst_inputs *in, struct edit *edit)
{
    struct lst_tally t = {0};
    size_t at = 0;
    void *value;
    int status;
    int rc = tally_all(in, &t);

    edit->to = t.class_n;
    lst_tally_release(&t);
    edit->directories = map_new();
    if (!edit->directories)
        rc = -ENOMEM;
    for (size_t i = 0; rc == 0 && edit->by_directory && i < in->n; i++)
        rc = note_homes(edit, in->lists[i].text);
    if (rc == 0 && edit->by_directory)
        rc = number_homes(edit, edit->to);
    else if (rc == 0)
        printf("class %" PRIu64 ": the images of %s\n", edit->to, edit->in_name);
    if (rc < 0)
        status = lst_failed(&(struct err){.code = rc, .what = "there is not enough memory"});
    else
        status = rewrite_all(in, edit, edit->by_directory ? by_home : to_one);
    while (edit->directories && map_next(edit->directories, &at, NULL, NULL, &value))
        free(value);
    map_free(edit->directories);
    return status;
}

/* Old class -> new one. */
static int make_numbers(struct edit *edit, const struct lst_tally *t)
{
    uint64_t next = 0;
    uint64_t *order;

    edit->number_n = t->class_n > edit->to + 1 ? t->class_n : (size_t)edit->to + 1;
    edit->numbers = reallocarray(NULL, edit->number_n, sizeof(*edit->numbers));
    order = calloc(edit->number_n, sizeof(*order));
    if (!edit->numbers || !order) {
        free(order);
        return -ENOMEM;
    }
    for (size_t i = 0; i < edit->number_n; i++)
        edit->numbers[i] = i;
    for (size_t i = 0; i < edit->choice.select.class_n; i++)
        if (edit->choice.classes[i] < edit->number_n)
            edit->numbers[edit->choice.classes[i]] = edit->to;
    for (size_t i = 0; i < t->class_n; i++)
        order[edit->numbers[i]] += t->classes[i]; /* rows of each class that is left */
    for (size_t i = 0; edit->renumber && i < edit->number_n; i++)
        order[i] = order[i] > 0 ? next++ : UINT64_MAX;
    for (size_t i = 0; edit->renumber && i < edit->number_n; i++)
        edit->numbers[i] = order[edit->numbers[i]];
    free(order);
    return 0;
}

/* lst merge-classes. */
static int merge_classes(struct lst_inputs *in, struct edit *edit)
{
    struct lst_tally t = {0};
    int rc = tally_all(in, &t);
    int status;

    if (rc == 0)
        rc = make_numbers(edit, &t);
    for (size_t i = 0; rc == 0 && i < t.class_n; i++)
        if (t.classes[i] > 0 && edit->numbers[i] != i)
            printf("class %zu is %" PRIu64 "\n", i, edit->numbers[i]);
    lst_tally_release(&t);
    if (rc < 0)
        status = lst_failed(&(struct err){.code = rc, .what = "there is not enough memory"});
    else
        status = rewrite_all(in, edit, by_number);
    free(edit->numbers);
    return status;
}

/* Read the list of --in, where there is one, then the files; then do it. */
static int run(int n, char **names, struct edit *edit,
               int (*doing)(struct lst_inputs *in, struct edit *edit))
{
    struct lst_inputs in = {0};
    struct lst_file other = {0};
    struct err e = {0};
    int status = EXIT_IN_STEP;

    if (edit->in_name && lst_file_read(edit->in_name, &other, &e) < 0)
        return lst_failed(&e);
    if (edit->in_name && lst_paths_new(lst_file_text(&other), &edit->in) < 0)
        status = lst_failed(&(struct err){.code = -ENOMEM, .what = "there is not enough memory"});
    edit->choice.select.in = edit->in;
    if (status == EXIT_IN_STEP)
        status = lst_inputs_read(names, (size_t)n, &in);
    if (status == EXIT_IN_STEP)
        status = doing(&in, edit);
    lst_inputs_release(&in);
    lst_paths_free(edit->in);
    lst_file_release(&other);
    return status;
}

static int relabel(struct lst_inputs *in, struct edit *edit)
{
    return rewrite_all(in, edit, to_one);
}

/* The options of all three. NULL, or what is wrong; "" asks for help. */
static const char *options(int argc, char **argv, struct edit *edit)
{
    const struct command_option table[] = {{"to", .number = &edit->to, .most = LST_CLASS_MOST,
                                            .wrong = "a class is a number from 0 on"},
                                           lst_option_class(&edit->choice),
                                           lst_option_match(&edit->choice),
                                           {"in", .text = &edit->in_name},
                                           {"by-directory", .flag = &edit->by_directory},
                                           {"renumber", .flag = &edit->renumber},
                                           {0}};
    const char *wrong;

    edit->to = UINT64_MAX;
    wrong = command_options(argc, argv, table);
    edit->has_to = edit->to != UINT64_MAX;
    return wrong ? wrong : optind == argc ? "which list?" : NULL;
}

int lst_command_relabel(int argc, char **argv)
{
    struct edit edit = {0};
    const char *wrong = options(argc, argv, &edit);

    if (!wrong && !edit.has_to)
        wrong = "--to which class?";
    if (!wrong && (edit.by_directory || edit.renumber))
        wrong = "relabel takes --to, --class, --match and --in";
    if (!wrong && edit.choice.select.class_n + edit.choice.select.pattern_n == 0 && !edit.in_name)
        wrong = "which rows: --class, --match, --in";
    if (wrong)
        return command_usage(relabel_usage, wrong);
    return run(argc - optind, argv + optind, &edit, relabel);
}

int lst_command_split(int argc, char **argv)
{
    struct edit edit = {0};
    const char *wrong = options(argc, argv, &edit);

    if (!wrong && (edit.choice.select.class_n != 1 || edit.has_to || edit.renumber ||
                   edit.choice.select.pattern_n > 0))
        wrong = "split takes one --class";
    if (!wrong && edit.by_directory == (edit.in_name != NULL))
        wrong = "--by-directory or --in LIST";
    if (wrong)
        return command_usage(split_usage, wrong);
    return run(argc - optind, argv + optind, &edit, split);
}

int lst_command_merge_classes(int argc, char **argv)
{
    struct edit edit = {0};
    const char *wrong = options(argc, argv, &edit);

    if (!wrong && (!edit.has_to || edit.choice.select.class_n == 0))
        wrong = "--to which class, and which others: --class";
    if (!wrong && (edit.by_directory || edit.in_name || edit.choice.select.pattern_n > 0))
        wrong = "merge-classes takes --to, --class and --renumber";
    if (wrong)
        return command_usage(merge_usage, wrong);
    return run(argc - optind, argv + optind, &edit, merge_classes);
}
