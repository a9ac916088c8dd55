/* Shell. lockstep lst check: what will fail in training, found before. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define THREADS_DEFAULT   8
#define THREADS_MOST      64
#define SIDE_MOST         1000000
#define IMBALANCE_DEFAULT 20

static const char usage[] =
    "usage: lockstep lst check [OPTIONS] FILE...\n"
    "Find in lists, and in the images that they name, what fails in training. Several lists (of\n"
    "training and of validation) are held against each other, too.\n"
    "  --root DIR           the repository that the paths are relative to; else it is that of the\n"
    "                       configuration's mapping that has the list\n"
    "  --no-images          look at the lists alone\n"
    "  --image-shape SHAPE  images are at least this large: 3,224,224 (channels, height, width),\n"
    "                       or 224x224 (height, width)\n"
    "  --mini-batch-size N  a list has at least so many images\n"
    "  --classes N          labels are below N\n"
    "  --imbalance N        a class may have N times the images of another (20; 0: any)\n"
    "  --content            read the images whole: the same one in two lists under two names\n"
    "  --jobs N             look at so many images at once (8)\n"
    "  --fix                set right what needs no question: byte order mark, blank rows, line\n"
    "                       endings\n"
    "  --json | --sarif     a line of JSON a finding; one document as of SARIF 2.1.0\n"
    "  -c FILE              the configuration\n"
    "Exit status: 0 nothing but notes, 1 errors or warnings, 2 wrong use, 4 a list cannot be "
    "read.\n";

struct wish {
    struct lst_check_options check;
    struct lst_images_options images;
    enum lst_format format;
    const char *root;
    const char *conf_file;
    bool lists_alone;
    bool fix;
};

/* "3,224,224", "224,224", "224x224": command_option takes it so. */
static const char *shape(void *arg, char *text)
{
    static const char wrong[] = "--image-shape is 3,HEIGHT,WIDTH or HEIGHTxWIDTH";
    struct lst_images_options *ret = arg;
    char copy[64];
    uint64_t sides[3];
    size_t n = 0;
    char *next = copy;

    if (strlen(text) >= sizeof(copy))
        return wrong;
    memcpy(copy, text, strlen(text) + 1);
    while (next && n < 3) {
        char *side = next;

        next = strpbrk(side, ",x");
        if (next)
            *next++ = '\0';
        if (!lst_number(side, 1, SIDE_MOST, &sides[n++]))
            return wrong;
    }
    if (next || n < 2)
        return wrong;
    ret->height = (uint32_t)sides[n - 2];
    ret->width = (uint32_t)sides[n - 1];
    return NULL;
}

/* The options. -1, or an exit status. */
static int options(int argc, char **argv, struct wish *w)
{
    bool json = false, sarif = false;
    uint64_t threads = w->images.threads;
    const struct command_option table[] = {{"root", .text = &w->root},
                                           {"no-images", .flag = &w->lists_alone},
                                           {"image-shape", .take = shape, .arg = &w->images},
                                           {"mini-batch-size", .number = &w->check.mini_batch,
                                            .least = 1, .most = UINT64_MAX,
                                            .wrong = "--mini-batch-size is 1..."},
                                           {"classes", .number = &w->check.classes, .least = 1,
                                            .most = UINT64_MAX, .wrong = "--classes is 1..."},
                                           {"imbalance", .number = &w->check.imbalance,
                                            .most = UINT64_MAX, .wrong = "--imbalance is 0..."},
                                           {"content", .flag = &w->images.content},
                                           {"jobs", .number = &threads, .least = 1,
                                            .most = THREADS_MOST, .wrong = "--jobs is 1 to 64"},
                                           {"fix", .flag = &w->fix},
                                           {"json", .flag = &json},
                                           {"sarif", .flag = &sarif},
                                           {"config", 'c', .text = &w->conf_file},
                                           {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return command_usage(usage, wrong);
    w->images.threads = (unsigned)threads;
    w->format = sarif ? LST_SARIF : json ? LST_JSON : LST_TEXT;
    if (optind == argc)
        return command_usage(usage, "which list?");
    if (w->lists_alone && w->images.content)
        return command_usage(usage, "--content looks at images, --no-images does not");
    return -1;
}

/* Set one list right, on disk and in memory. */
static int fix_one(struct lst_inputs *in, size_t i, bool quiet)
{
    struct lst_file *file = &in->files[i];
    const char *name = in->lists[i].name;
    struct err e = {0};
    uint64_t changes = 0;
    struct lst_file fixed = {0};
    struct buf out;
    int rc;

    buf_init(&out, SIZE_MAX);
    rc = lst_fix(in->lists[i].text, &out, &changes);
    if (rc < 0)
        (void)err_set(&e, rc, name, NULL, "%s", err_name(rc));
    if (rc == 0 && changes > 0)
        rc = lst_file_write(name, (struct span){out.data ? out.data : "", out.len}, file, &e);
    if (rc == 0 && changes > 0)
        rc = lst_file_read(name, &fixed, &e);
    buf_release(&out);
    if (rc < 0)
        return lst_failed(&e);
    if (changes == 0)
        return EXIT_IN_STEP;
    lst_file_release(file);
    *file = fixed;
    in->lists[i].text = lst_file_text(file);
    if (!quiet) {
        command_print_name(name);
        printf(": %" PRIu64 " rows set right\n", changes);
    }
    return EXIT_IN_STEP;
}

/* Everything about lists that were read. */
static int check(struct wish *w, struct lst_inputs *in)
{
    struct lst_findings f = {0};
    uint64_t images = 0;
    int status = EXIT_IN_STEP;
    int rc;

    for (size_t i = 0; status == EXIT_IN_STEP && w->fix && i < in->n; i++)
        status = fix_one(in, i, w->format != LST_TEXT);
    if (status != EXIT_IN_STEP)
        return status;
    rc = lst_check(in->lists, in->n, &w->check, &f);
    if (rc == 0 && !w->lists_alone)
        rc = lst_check_images(in->lists, in->n, &w->images, &f, &images);
    if (rc < 0) {
        struct err e = {0};

        (void)err_set(&e, rc, NULL, NULL, "the check did not come to its end: %s", err_name(rc));
        status = command_fault(EXIT_UNREACHED, &e);
    } else {
        lst_findings_sort(&f, in->lists, in->n);
        status = lst_show(w->format, &f, in, images);
    }
    lst_findings_release(&f);
    return status;
}

int lst_command_check(int argc, char **argv)
{
    struct wish w = {.check = {.imbalance = IMBALANCE_DEFAULT},
                     .images = {.root_fd = -1, .threads = THREADS_DEFAULT}};
    struct lst_inputs in = {0};
    int status = options(argc, argv, &w);

    if (status >= 0)
        return status;
    status = lst_inputs_read(argv + optind, (size_t)(argc - optind), &in);
    if (status == EXIT_IN_STEP && !w.lists_alone)
        status = lst_root_open(w.root, w.conf_file, argv[optind], &w.images.root_fd);
    if (status == EXIT_IN_STEP)
        status = check(&w, &in);
    lst_inputs_release(&in);
    if (w.images.root_fd >= 0)
        close(w.images.root_fd);
    return status;
}
