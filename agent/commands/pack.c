/* Shell. lockstep pack: a list and its images made a RecordIO file; relabelled; looked over. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "agent/commands/screen.h"
#include "lists/pack.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#define THREADS_DEFAULT 8
#define THREADS_MOST    64
#define FAULTS_TOLD     100
#define MAPPED_FROM     (128 << 10) /* bytes: malloc's own, which grows unless it is set */

static const char usage[] =
    "usage: lockstep pack [--root DIR] [--first-label] [--jobs N] [-q] [-c FILE] -o OUT.rec LIST\n"
    "       lockstep pack --relabel LIST [--first-label] [-q] [-o OUT.rec] FILE.rec\n"
    "       lockstep pack --check [--json] FILE.rec...\n"
    "Pack the images that a list names into one RecordIO file, for training, as they are; OUT.idx\n"
    "is made beside it. Or give the images of such a file the labels of a list, or look it over.\n"
    "  -o OUT.rec      what is made; it comes into place when it is complete. --relabel without "
    "it\n"
    "                  replaces FILE.rec\n"
    "  --root DIR      the repository that the paths are relative to; else it is that of the\n"
    "                  configuration's mapping that has the list\n"
    "  --first-label   only the first label of each row, as im2rec without --pack-label\n"
    "  --jobs N        read so many images at once (8)\n"
    "  --relabel LIST  rows and records belong together by the index\n"
    "  --check         tell what is wrong with records and their .idx, and where\n"
    "  -q              say nothing where all went well\n"
    "Exit status: 0 done, 1 faults found, 2 wrong use, or a row or image that cannot be packed,\n"
    "4 something cannot be read or written.\n";

struct wish {
    struct pack_options pack;
    const char *root;
    const char *conf_file;
    const char *out;
    const char *relabel;
    bool check;
    bool json;
    bool quiet;
    struct screen screen;
};

static void show_progress(void *arg, uint64_t records)
{
    struct wish *w = arg;

    if (!w->quiet)
        screen_progress(&w->screen, "%" PRIu64 " images", records);
}

/* The end of a file that was made. */
static int made(struct wish *w, const char *name, int rc, const struct pack_stats *s,
                const struct err *e)
{
    screen_clear(&w->screen);
    if (rc < 0)
        return lst_failed(e);
    if (w->quiet)
        return EXIT_IN_STEP;
    command_print_name(name);
    printf(": %" PRIu64 " images, %" PRIu64 " bytes, labels of an image: %" PRIu64 "\n", s->records,
           s->bytes, s->labels);
    return EXIT_IN_STEP;
}

static int pack(struct wish *w, char *list)
{
    struct lst_inputs in = {0};
    struct pack_stats stats = {0};
    struct err e = {0};
    int status;
    int rc;

    w->pack.root_fd = -1;
    status = lst_inputs_read(&list, 1, &in);
    if (status == EXIT_IN_STEP)
        status = lst_root_open(w->root, w->conf_file, list, &w->pack.root_fd);
    if (status == EXIT_IN_STEP) {
        rc = pack_list(&in.lists[0], &w->pack, w->out, &stats, &e);
        status = made(w, w->out, rc, &stats, &e);
    }
    if (w->pack.root_fd >= 0)
        (void)close(w->pack.root_fd); /* opened for reading: nothing to lose */
    lst_inputs_release(&in);
    return status;
}

static int relabel(struct wish *w, const char *rec)
{
    char *list = (char *)(uintptr_t)w->relabel; /* of argv; nobody writes to it */
    const char *out = w->out ? w->out : rec;
    struct lst_inputs in = {0};
    struct pack_stats stats = {0};
    struct err e = {0};
    int status = lst_inputs_read(&list, 1, &in);

    if (status == EXIT_IN_STEP) {
        int rc = pack_relabel(&in.lists[0], &w->pack, rec, out, &stats, &e);

        status = made(w, out, rc, &stats, &e);
    }
    lst_inputs_release(&in);
    return status;
}

/* What is found, as it is found. */
struct findings {
    bool json;
    uint64_t n;
};

static void show_fault(void *arg, const char *file, uint64_t at, const char *what)
{
    struct findings *f = arg;
    struct screen_member members[] = {{"file", file}, {"fault", what}, {NULL, NULL}};
    struct screen_number numbers[] = {{"at", at}, {NULL, 0}};

    if (f->n++ >= FAULTS_TOLD)
        return;
    if (f->json) {
        screen_json(members, numbers);
        return;
    }
    command_print_name(file);
    printf(":%" PRIu64 ": %s\n", at, what);
}

static int check_one(struct wish *w, const char *rec)
{
    struct findings f = {.json = w->json};
    struct pack_stats s = {0};
    struct err e = {0};

    if (pack_check(rec, show_fault, &f, &s, &e) < 0)
        return lst_failed(&e);
    if (w->json) {
        struct screen_member members[] = {{"file", rec}, {NULL, NULL}};
        struct screen_number numbers[] = {
            {"images", s.records}, {"bytes", s.bytes}, {"labels", s.labels}, {"faults", f.n}, {0}};

        screen_json(members, numbers);
    } else if (f.n > 0 || !w->quiet) {
        command_print_name(rec);
        printf(": %" PRIu64 " images, %" PRIu64 " bytes, labels of an image: %" PRIu64 "; %" PRIu64
               " faults%s\n",
               s.records, s.bytes, s.labels, f.n, f.n > FAULTS_TOLD ? ", the first 100 told" : "");
    }
    return f.n > 0 ? EXIT_DIFFERENCES : EXIT_IN_STEP;
}

/* All of them; the worst status. */
static int check(struct wish *w, char **files)
{
    int worst = EXIT_IN_STEP;

    for (; *files; files++) {
        int status = check_one(w, *files);

        worst = status > worst ? status : worst;
    }
    return worst;
}

/* Which of the three it is. */
static int run(struct wish *w, int n, char **words)
{
    if (w->check && (w->relabel || w->out || w->root || n == 0))
        return command_usage(usage, "--check, and FILE.rec");
    if (w->check)
        return check(w, words);
    if (w->json)
        return command_usage(usage, "--json goes with --check");
    if (n != 1)
        return command_usage(usage, w->relabel ? "one FILE.rec" : "one LIST");
    if (w->relabel)
        return w->root ? command_usage(usage, "--relabel takes no images from a repository")
                       : relabel(w, words[0]);
    return w->out ? pack(w, words[0]) : command_usage(usage, "-o OUT.rec is missing");
}

int command_pack(int argc, char **argv)
{
    struct wish w = {.pack = {.on_record = show_progress}};
    uint64_t threads = THREADS_DEFAULT;
    const struct command_option table[] = {{"root", .text = &w.root},
                                           {"first-label", .flag = &w.pack.first_label},
                                           {"jobs", .number = &threads, .least = 1,
                                            .most = THREADS_MOST, .wrong = "--jobs is 1 to 64"},
                                           {"relabel", .text = &w.relabel},
                                           {"check", .flag = &w.check},
                                           {"json", .flag = &w.json},
                                           {.letter = 'c', .text = &w.conf_file},
                                           {.letter = 'o', .text = &w.out},
                                           {.letter = 'q', .flag = &w.quiet},
                                           {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return command_usage(usage, wrong);
    /* What is let go goes back to the system at once: else each reader's heap keeps some of it,
     * and more is held than lists/pack.h allows. */
    (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM); /* without it there is only more memory */
    w.pack.arg = &w;
    w.pack.threads = (unsigned)threads;
    return run(&w, argc - optind, argv + optind);
}
