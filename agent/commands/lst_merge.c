/* Shell. lockstep lst merge: three lists made one, also for git. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "lists/merge.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define MARKER_MOST 64

static const char usage[] =
    "usage: lockstep lst merge [--renumber] [--marker-size N] [--path NAME] [-q] BASE OURS THEIRS\n"
    "Do to OURS, row by row, what THEIRS did to BASE. OURS is replaced. Rows that cannot be made\n"
    "one stand between markers, for a person to choose.\n"
    "  --renumber        an added row whose index is taken gets the next free one\n"
    "  --marker-size N   characters of a marker (7)\n"
    "  --path NAME       what the list is called in messages\n"
    "  -q                say nothing where all went well\n"
    "As git's merge driver:\n"
    "  git config merge.lst.driver 'lockstep lst merge -q --marker-size %L --path %P %O %A %B'\n"
    "  echo '*.lst merge=lst' >>.gitattributes\n"
    "Exit status: 0 merged, 1 merged with conflicts, 2 wrong use, 4 a list cannot be read or "
    "written.\n";

struct wish {
    struct lst_merge_options merge;
    const char *name;
    bool quiet;
};

static void say(const struct wish *w, const char *name, const struct lst_merge_stats *s)
{
    if (w->quiet && s->conflicts == 0)
        return;
    command_print_name(w->name ? w->name : name);
    printf(": %" PRIu64 " changed, %" PRIu64 " dropped, %" PRIu64 " added (%" PRIu64
           " renumbered), %" PRIu64 " conflicts\n",
           s->changed, s->dropped, s->added, s->renumbered, s->conflicts);
}

/* Merge lists that were read, and write the second. */
static int merge(const struct wish *w, struct lst_inputs *in)
{
    struct lst_merge_stats stats;
    struct err e = {0};
    struct buf out;
    int status;
    int rc;

    buf_init(&out, SIZE_MAX);
    rc =
        lst_merge(in->lists[0].text, in->lists[1].text, in->lists[2].text, &w->merge, &out, &stats);
    if (rc < 0)
        (void)err_set(&e, rc, in->lists[1].name, NULL, "%s", err_name(rc));
    else
        rc = lst_file_write(in->lists[1].name, (struct span){out.data ? out.data : "", out.len},
                            &in->files[1], &e);
    buf_release(&out);
    if (rc < 0)
        return lst_failed(&e);
    say(w, in->lists[1].name, &stats);
    status = stats.conflicts > 0 ? EXIT_DIFFERENCES : EXIT_IN_STEP;
    return status;
}

int lst_command_merge(int argc, char **argv)
{
    struct lst_inputs in = {0};
    struct wish w = {0};
    uint64_t marker = 0;
    const struct command_option table[] = {{"renumber", .flag = &w.merge.renumber},
                                           {.letter = 'q', .flag = &w.quiet},
                                           {"path", .text = &w.name},
                                           {"marker-size", .number = &marker, .least = 1,
                                            .most = MARKER_MOST,
                                            .wrong = "--marker-size is 1 to 64"},
                                           {0}};
    const char *wrong = command_options(argc, argv, table);
    int status;

    if (wrong)
        return command_usage(usage, wrong);
    w.merge.marker = (unsigned)marker;
    if (argc - optind != 3)
        return command_usage(usage, "BASE OURS THEIRS");
    status = lst_inputs_read(argv + optind, 3, &in);
    if (status == EXIT_IN_STEP)
        status = merge(&w, &in);
    lst_inputs_release(&in);
    return status;
}
