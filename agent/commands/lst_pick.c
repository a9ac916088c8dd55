/* Shell. lockstep lst append and subset: rows of other lists, some of the rows. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "lists/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const char append_usage[] =
    "usage: lockstep lst append FILE FROM...\n"
    "Add to FILE the images of other lists that it has not, under indices that follow its "
    "highest.\n"
    "An image that it has with other labels is named, and nothing is written. FILE is replaced.\n"
    "Exit status: 0 done, 1 labels clash, 2 wrong use, 4 a list cannot be read or written.\n";
static const char subset_usage[] =
    "usage: lockstep lst subset [--class N]... [--match PATTERN]... [--in LIST] [--not-in LIST]\n"
    "                           [--per-class N [--seed S]] [--force] -o FILE LIST\n"
    "Write the rows that are meant, byte for byte: those of a class, those whose path matches a\n"
    "pattern, those that another list has, or has not. --per-class: at most so many of each "
    "class,\n"
    "chosen by the seed. FILE must not be there, unless --force is given.\n";

/* FILE and the others. */
static int append(struct lst_inputs *in)
{
    struct lst_append_stats stats;
    struct err e = {0};
    struct buf now;
    struct buf next;
    int rc;

    buf_init(&now, SIZE_MAX);
    rc = buf_append_span(&now, in->lists[0].text);
    for (size_t i = 1; rc == 0 && i < in->n; i++) {
        buf_init(&next, SIZE_MAX);
        rc = lst_append((struct span){now.data ? now.data : "", now.len}, in->lists[i].text, &next,
                        &stats);
        buf_release(&now);
        now = next;
        if (rc == 0 && stats.clashes > 0) {
            fprintf(stderr, "lockstep: %s: %" PRIu64 " images have other labels in %s\n",
                    in->lists[i].name, stats.clashes, in->lists[0].name);
            buf_release(&now);
            return EXIT_DIFFERENCES;
        }
        if (rc == 0) {
            command_print_name(in->lists[i].name);
            printf(": %" PRIu64 " added, %" PRIu64 " known\n", stats.added, stats.known);
        }
    }
    if (rc < 0)
        (void)err_set(&e, rc, in->lists[0].name, NULL, "%s", err_name(rc));
    else
        rc = lst_file_write(in->lists[0].name, (struct span){now.data ? now.data : "", now.len},
                            &in->files[0], &e);
    buf_release(&now);
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

int lst_command_append(int argc, char **argv)
{
    static const struct command_option none[] = {{0}};
    const char *wrong = command_options(argc, argv, none);
    struct lst_inputs in = {0};
    int status;

    if (wrong)
        return command_usage(append_usage, wrong);
    if (argc - optind < 2)
        return command_usage(append_usage, "to which list, and from which?");
    status = lst_inputs_read(argv + optind, (size_t)(argc - optind), &in);
    if (status == EXIT_IN_STEP)
        status = append(&in);
    lst_inputs_release(&in);
    return status;
}

/* What subset is asked for. */
struct wish {
    struct lst_choice choice;
    const char *in;
    const char *not_in;
    const char *out;
    uint64_t per_class;
    uint64_t seed;
    bool force;
};

/* The paths of a list, where one is named. */
static int read_paths(const char *name, struct lst_file *file, struct lst_paths **ret)
{
    struct err e = {0};

    if (!name)
        return EXIT_IN_STEP;
    if (lst_file_read(name, file, &e) < 0)
        return lst_failed(&e);
    if (lst_paths_new(lst_file_text(file), ret) < 0)
        return lst_failed(&(struct err){.code = -ENOMEM, .what = "there is not enough memory"});
    return EXIT_IN_STEP;
}

/* Choose and write. */
static int choose(struct wish *w, const struct lst_list *list)
{
    struct err e = {0};
    uint64_t kept = 0;
    struct buf out;
    int rc;

    buf_init(&out, SIZE_MAX);
    rc = lst_subset(list->text, &w->choice.select, w->per_class, w->seed, &out, &kept);
    if (rc == 0)
        rc =
            lst_file_create(w->out, (struct span){out.data ? out.data : "", out.len}, w->force, &e);
    else
        (void)err_set(&e, rc, list->name, NULL, "%s", err_name(rc));
    buf_release(&out);
    if (rc < 0)
        return lst_failed(&e);
    command_print_name(w->out);
    printf(": %" PRIu64 " rows\n", kept);
    return EXIT_IN_STEP;
}

#define NO_NUMBER "a number is wanted"

/* The options. NULL, or what is wrong; "" asks for help. */
static const char *options(int argc, char **argv, struct wish *w)
{
    const struct command_option table[] = {
        lst_option_class(&w->choice),
        lst_option_match(&w->choice),
        {"in", .text = &w->in},
        {"not-in", .text = &w->not_in},
        {"per-class", .number = &w->per_class, .least = 1, .most = UINT64_MAX, .wrong = NO_NUMBER},
        {"seed", .number = &w->seed, .most = UINT64_MAX, .wrong = NO_NUMBER},
        {"force", .flag = &w->force},
        {.letter = 'o', .text = &w->out},
        {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return wrong;
    return !w->out ? "-o which file?" : argc - optind != 1 ? "of which list?" : NULL;
}

int lst_command_subset(int argc, char **argv)
{
    struct wish w = {0};
    const char *wrong = options(argc, argv, &w);
    struct lst_file files[2] = {{0}, {0}};
    struct lst_paths *in = NULL;
    struct lst_paths *not_in = NULL;
    struct lst_inputs list = {0};
    int status;

    if (wrong)
        return command_usage(subset_usage, wrong);
    status = lst_inputs_read(argv + optind, 1, &list);
    if (status == EXIT_IN_STEP)
        status = read_paths(w.in, &files[0], &in);
    if (status == EXIT_IN_STEP)
        status = read_paths(w.not_in, &files[1], &not_in);
    w.choice.select.in = in;
    w.choice.select.not_in = not_in;
    if (status == EXIT_IN_STEP)
        status = choose(&w, &list.lists[0]);
    lst_paths_free(in);
    lst_paths_free(not_in);
    lst_file_release(&files[0]);
    lst_file_release(&files[1]);
    lst_inputs_release(&list);
    return status;
}
