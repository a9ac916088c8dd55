/* Shell. lockstep lst stat: what lists hold, in numbers. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "agent/commands/screen.h"
#include "lists/tally.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: lockstep lst stat [--json] FILE...\n"
    "Tell what lists hold: rows, images, labels, and the images of each class.\n"
    "Exit status: 0, 2 wrong use, 4 a list cannot be read.\n";

static void stat_text(const char *name, const struct lst_tally *t)
{
    struct lst_extremes x = lst_tally_extremes(t);

    command_print_name(name);
    printf(": %" PRIu64 " rows, %" PRIu64 " images, %" PRIu64 " blank, %" PRIu64 " others\n",
           t->rows, t->images, t->blanks, t->others);
    if (t->label_fewest == t->label_most)
        printf("  labels of a row: %" PRIu64 "%s\n", t->label_most,
               lst_tally_is_detection(t) ? " (boxes)" : "");
    else
        printf("  labels of a row: %" PRIu64 " to %" PRIu64 "%s\n", t->label_fewest, t->label_most,
               lst_tally_is_detection(t) ? " (boxes)" : "");
    if (x.used > 0)
        printf("  classes: %zu of %zu, %" PRIu64 " (class %zu) to %" PRIu64 " (class %zu) images\n",
               x.used, t->class_n, x.fewest, x.fewest_class, x.most, x.most_class);
    if (t->no_class > 0 && t->label_most == 1)
        printf("  images whose label is no class: %" PRIu64 "\n", t->no_class);
    for (size_t i = 0; i < t->class_n; i++)
        if (t->classes[i] > 0)
            printf("  %8zu %10" PRIu64 "  %5.1f %%\n", i, t->classes[i],
                   100.0 * (double)t->classes[i] / (double)t->images);
}

static void stat_json(const char *name, const struct lst_tally *t)
{
    struct screen_member members[] = {{"file", name}, {NULL, NULL}};
    struct screen_number numbers[] = {{"rows", t->rows},
                                      {"images", t->images},
                                      {"blank", t->blanks},
                                      {"others", t->others},
                                      {"labels_fewest", t->label_fewest},
                                      {"labels_most", t->label_most},
                                      {"boxes", t->boxes},
                                      {"no_class", t->no_class},
                                      {"classes", lst_tally_extremes(t).used},
                                      {NULL, 0}};

    screen_json(members, numbers);
    for (size_t i = 0; i < t->class_n; i++) {
        struct screen_number one[] = {{"class", i}, {"images", t->classes[i]}, {NULL, 0}};

        if (t->classes[i] > 0)
            screen_json(members, one);
    }
}

/* One list. */
static int stat_one(const struct lst_list *list, bool json)
{
    struct lst_tally t = {0};
    int rc = lst_tally_all(&t, list->text);

    if (rc == 0 && json)
        stat_json(list->name, &t);
    else if (rc == 0)
        stat_text(list->name, &t);
    lst_tally_release(&t);
    return rc < 0 ? lst_failed(&(struct err){.code = rc, .what = "there is not enough memory"})
                  : EXIT_IN_STEP;
}

int lst_command_stat(int argc, char **argv)
{
    bool json = false;
    const struct command_option table[] = {{"json", .flag = &json}, {0}};
    const char *wrong = command_options(argc, argv, table);
    struct lst_inputs in = {0};
    int status;

    if (wrong)
        return command_usage(usage, wrong);
    if (optind == argc)
        return command_usage(usage, "which list?");
    status = lst_inputs_read(argv + optind, (size_t)(argc - optind), &in);
    for (size_t i = 0; status == EXIT_IN_STEP && i < in.n; i++)
        status = stat_one(&in.lists[i], json);
    lst_inputs_release(&in);
    return status;
}
