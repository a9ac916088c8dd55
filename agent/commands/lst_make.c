/* Shell. lockstep lst make: lists of a directory of images. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "base/path.h"
#include "base/visible.h"
#include "lists/make.h"

#include <errno.h>
#include <inttypes.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHARE_MOST 1000000

static const char usage[] =
    "usage: lockstep lst make (--root DIR | --from LIST) [OPTIONS] PREFIX\n"
    "Write PREFIX.lst with the images (.jpg, .jpeg, .png) below a directory, in the order of "
    "im2rec:\n"
    "each directory with images is a class. With --split PREFIX_train.lst, PREFIX_val.lst and\n"
    "PREFIX_test.lst: each class is divided alike. Hidden names and symbolic links are passed "
    "over.\n"
    "  --class-map FILE    lines \"NUMBER TAB DIRECTORY\": directories keep their numbers, new "
    "ones\n"
    "                      get the next; the file is made, or brought up to date\n"
    "  --from LIST         divide or shuffle the rows of a list\n"
    "  --split T,V[,E]     shares of training, validation and test: 80,20 or 8,1,1\n"
    "  --group REGEX       images whose paths agree in what matches (in its first parenthesis, if "
    "it\n"
    "                      has one) stay together: all images of one patient\n"
    "  --shuffle           rows in an order that the seed decides\n"
    "  --seed S            another division and order (0)\n"
    "  --force             replace lists that are there\n"
    "Exit status: 0 written, 1 written, but names that no row can hold were left out, 2 wrong "
    "use,\n"
    "4 the directory cannot be read, or the lists not written.\n";

static const char *const part_names[LST_PARTS_MAX] = {"_train", "_val", "_test"};

struct wish {
    const char *root;
    const char *from;
    const char *map_file;
    const char *prefix;
    struct lst_parts_options parts;
    regex_t group;
    bool has_group;
    bool shuffle;
    bool force;
};

/* The list as it grows. */
struct making {
    struct lst_class_map *map;
    struct buf rows;
    uint64_t images;
    uint64_t bad;
};

/* lst_gather_fn: one image. */
static int take_image(void *arg, const char *path)
{
    struct making *m = arg;
    char directory[PATH_BYTES_MAX + 1];
    uint64_t label;
    int rc = path_parent(directory, sizeof(directory), path);

    if (rc == 0)
        rc = lst_class_map_id(m->map, directory, &label);
    return rc < 0
               ? rc
               : buf_appendf(&m->rows, "%" PRIu64 "\t%" PRIu64 "\t%s\n", m->images++, label, path);
}

/* lst_gather_fn: one that no row can hold. */
static int take_bad(void *arg, const char *path)
{
    struct making *m = arg;
    struct buf text;

    m->bad++;
    fflush(stdout);
    buf_init(&text, SIZE_MAX);
    if (visible_append(&text, path) == 0)
        fprintf(stderr, "lockstep: left out: %s\n", text.data);
    buf_release(&text);
    return 0;
}

/* The class map, as it is on disk. */
static int read_map(const struct wish *w, struct lst_file *file, struct lst_class_map **ret)
{
    struct err e = {0};
    uint64_t line = 0;
    int rc = 0;

    if (w->map_file && access(w->map_file, F_OK) == 0)
        rc = lst_file_read(w->map_file, file, &e);
    if (rc < 0)
        return lst_failed(&e);
    rc = lst_class_map_parse(lst_file_text(file), ret, &line);
    if (rc < 0) {
        (void)err_set(&e, rc, w->map_file, "NUMBER TAB DIRECTORY, each once",
                      "line %" PRIu64 " is no class", line);
        return lst_failed(&e);
    }
    return EXIT_IN_STEP;
}

/* The class map, where it grew. It goes first: a list never has a class that it does not know. */
static int write_map(const struct wish *w, const struct lst_file *file,
                     const struct lst_class_map *map)
{
    struct err e = {0};
    struct buf text;
    int rc;

    if (!w->map_file || lst_class_map_grown(map) == 0)
        return EXIT_IN_STEP;
    buf_init(&text, SIZE_MAX);
    rc = lst_class_map_render(map, &text);
    if (rc < 0)
        (void)err_set(&e, rc, w->map_file, NULL, "%s", err_name(rc));
    else if (file->bytes)
        rc = lst_file_write(w->map_file, (struct span){text.data, text.len}, file, &e);
    else
        rc = lst_file_create(w->map_file, (struct span){text.data, text.len}, false, &e);
    buf_release(&text);
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

/* What of a path must stay together. */
static struct span group_of(void *arg, struct span path)
{
    const struct wish *w = arg;
    regmatch_t found[2];
    char text[PATH_BYTES_MAX + 1];
    const regmatch_t *match;

    if (path.n >= sizeof(text))
        return path;
    memcpy(text, path.p, path.n);
    text[path.n] = '\0';
    if (regexec(&w->group, text, 2, found, 0) != 0)
        return path;
    match = w->group.re_nsub > 0 && found[1].rm_so >= 0 ? &found[1] : &found[0];
    return (struct span){path.p + match->rm_so, (size_t)(match->rm_eo - match->rm_so)};
}

/* Write one list. */
static int write_list(const struct wish *w, const char *part, const struct buf *rows, uint64_t n)
{
    struct err e = {0};
    struct buf name;
    int rc;

    buf_init(&name, SIZE_MAX);
    rc = buf_appendf(&name, "%s%s.lst", w->prefix, part);
    if (rc < 0)
        (void)err_set(&e, rc, w->prefix, NULL, "%s", err_name(rc));
    else
        rc = lst_file_create(name.data, (struct span){rows->data ? rows->data : "", rows->len},
                             w->force, &e);
    if (rc == 0) {
        command_print_name(name.data);
        printf(": %" PRIu64 " images\n", n);
    }
    buf_release(&name);
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

/* Divide the rows, and write each part. */
static int write_parts(struct wish *w, const struct buf *rows)
{
    struct buf outs[LST_PARTS_MAX];
    uint64_t n[LST_PARTS_MAX];
    int status = EXIT_IN_STEP;
    int rc;

    for (size_t i = 0; i < w->parts.n; i++)
        buf_init(&outs[i], SIZE_MAX);
    rc = lst_parts((struct span){rows->data ? rows->data : "", rows->len}, &w->parts, outs, n);
    if (rc < 0)
        status = lst_failed(&(struct err){.code = rc, .what = "the rows could not be divided"});
    for (size_t i = 0; status == EXIT_IN_STEP && i < w->parts.n; i++)
        status = write_list(w, part_names[i], &outs[i], n[i]);
    for (size_t i = 0; i < w->parts.n; i++)
        buf_release(&outs[i]);
    return status;
}

/* Shuffle, divide, write. */
static int write_lists(struct wish *w, struct making *m)
{
    struct buf shuffled;
    int status;
    int rc = 0;

    buf_init(&shuffled, SIZE_MAX);
    if (w->shuffle)
        rc = lst_shuffle((struct span){m->rows.data ? m->rows.data : "", m->rows.len},
                         w->parts.seed, &shuffled);
    if (rc < 0)
        status = lst_failed(&(struct err){.code = rc, .what = "the rows could not be shuffled"});
    else if (w->parts.n > 0)
        status = write_parts(w, w->shuffle ? &shuffled : &m->rows);
    else
        status = write_list(w, "", w->shuffle ? &shuffled : &m->rows, m->images);
    buf_release(&shuffled);
    return status;
}

/* The images of the directory. */
static int gather(const struct wish *w, struct making *m)
{
    struct err e = {0};
    int root_fd = -1;
    int rc = tree_open_root(w->root, &root_fd);

    if (rc == 0)
        rc = lst_gather(root_fd, take_image, take_bad, m);
    if (root_fd >= 0)
        close(root_fd);
    if (rc == 0 && m->images == 0)
        rc = ERR_SYNTAX;
    if (rc < 0)
        (void)err_set(&e, rc, w->root, "a directory with images", "%s",
                      rc == ERR_SYNTAX ? "has no image" : err_name(rc));
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

/* The image rows of a list. */
static int copy_rows(const struct wish *w, struct making *m)
{
    struct lst_file file = {0};
    struct err e = {0};
    struct lst_cursor c;
    struct lst_row row;
    int rc = lst_file_read(w->from, &file, &e);

    c = (struct lst_cursor){.in = lst_file_text(&file)};
    while (rc == 0 && lst_row_next(&c, &row)) {
        if (row.kind != LST_ROW_IMAGE)
            continue;
        m->images++;
        rc = buf_append_span(&m->rows, row.line);
        if (rc == 0 && row.line.p[row.line.n - 1] != '\n')
            rc = buf_append_byte(&m->rows, '\n');
    }
    lst_file_release(&file);
    return rc < 0 ? lst_failed(&e) : EXIT_IN_STEP;
}

static int make(struct wish *w)
{
    struct making m = {0};
    struct lst_file map_file = {0};
    int status = read_map(w, &map_file, &m.map);

    buf_init(&m.rows, SIZE_MAX);
    if (status == EXIT_IN_STEP)
        status = w->root ? gather(w, &m) : copy_rows(w, &m);
    if (status == EXIT_IN_STEP)
        status = write_map(w, &map_file, m.map);
    if (status == EXIT_IN_STEP)
        status = write_lists(w, &m);
    if (status == EXIT_IN_STEP && m.bad > 0)
        status = EXIT_DIFFERENCES;
    lst_class_map_free(m.map);
    lst_file_release(&map_file);
    buf_release(&m.rows);
    return status;
}

/* "80,20", as command_option takes it. */
static const char *take_shares(void *arg, char *text)
{
    static const char wrong[] = "--split is two or three shares: 80,20";
    struct lst_parts_options *ret = arg;
    char copy[64];
    char *next = copy;

    ret->n = 0;
    if (strlen(text) >= sizeof(copy))
        return wrong;
    memcpy(copy, text, strlen(text) + 1);
    while (next && ret->n < LST_PARTS_MAX) {
        char *share = next;
        uint64_t value;

        next = strchr(share, ',');
        if (next)
            *next++ = '\0';
        if (!lst_number(share, 1, SHARE_MOST, &value))
            return wrong;
        ret->shares[ret->n++] = (unsigned)value;
    }
    return !next && ret->n > 1 ? NULL : wrong;
}

static const char *take_group(void *arg, char *value)
{
    struct wish *w = arg;

    if (w->has_group || regcomp(&w->group, value, REG_EXTENDED) != 0)
        return "--group is one extended regular expression";
    w->has_group = true;
    return NULL;
}

/* NULL, or what is wrong; "" asks for help. */
static const char *options(int argc, char **argv, struct wish *w)
{
    const struct command_option table[] = {
        {"root", .text = &w->root},
        {"from", .text = &w->from},
        {"class-map", .text = &w->map_file},
        {"split", .take = take_shares, .arg = &w->parts},
        {"group", .take = take_group, .arg = w},
        {"shuffle", .flag = &w->shuffle},
        {"seed", .number = &w->parts.seed, .most = UINT64_MAX, .wrong = "--seed is a number"},
        {"force", .flag = &w->force},
        {0}};
    const char *wrong = command_options(argc, argv, table);

    if (wrong)
        return wrong;
    if (!w->root == !w->from || (w->from && w->map_file))
        return "--root DIR, or --from LIST, which has its classes";
    if (w->has_group && w->parts.n == 0)
        return "--group is for --split";
    return argc - optind != 1 ? "one PREFIX is wanted" : NULL;
}

int lst_command_make(int argc, char **argv)
{
    struct wish w = {0};
    const char *wrong = options(argc, argv, &w);
    int status;

    if (wrong) {
        status = command_usage(usage, wrong);
    } else {
        w.prefix = argv[optind];
        w.parts.group = w.has_group ? group_of : NULL;
        w.parts.arg = &w;
        status = make(&w);
    }
    if (w.has_group)
        regfree(&w.group);
    return status;
}
