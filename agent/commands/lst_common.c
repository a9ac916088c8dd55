/* Shell. What the commands of lockstep lst share. See lst.h. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool lst_number(const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
    uint64_t value = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || value > (UINT64_MAX - 9) / 10)
            return false;
        value = 10 * value + (uint64_t)(*text - '0');
    }
    if (value < least || value > most)
        return false;
    *ret = value;
    return true;
}

/* command_option's take: one more class. */
static const char *take_class(void *arg, char *value)
{
    struct lst_choice *c = arg;

    if (c->select.class_n == LST_CLASSES_MAX)
        return "--class is given too often";
    c->select.classes = c->classes;
    return lst_number(value, 0, LST_CLASS_MOST, &c->classes[c->select.class_n++])
               ? NULL
               : "a class is a number from 0 on";
}

/* The same for a pattern. */
/* NOLINTNEXTLINE(readability-non-const-parameter): other options cut what they are given */
static const char *take_pattern(void *arg, char *value)
{
    struct lst_choice *c = arg;

    if (c->select.pattern_n == LST_PATTERNS_MAX)
        return "--match is given too often";
    c->select.patterns = c->patterns;
    c->patterns[c->select.pattern_n++] = value;
    return NULL;
}

struct command_option lst_option_class(struct lst_choice *c)
{
    return (struct command_option){"class", .take = take_class, .arg = c};
}

struct command_option lst_option_match(struct lst_choice *c)
{
    return (struct command_option){"match", .take = take_pattern, .arg = c};
}

int lst_failed(const struct err *e)
{
    bool wrong = e->code == -ENOENT || e->code == -ENOTDIR || e->code == ERR_NOT_FILE ||
                 e->code == ERR_LIMIT || e->code == ERR_SYNTAX || e->code == -EEXIST;

    return command_fault(wrong ? EXIT_USAGE : EXIT_UNREACHED, e);
}

int lst_inputs_read(char **names, size_t n, struct lst_inputs *ret)
{
    struct lst_inputs in = {.files = calloc(n + 1, sizeof(*in.files)),
                            .lists = calloc(n + 1, sizeof(*in.lists))};
    struct err e = {0};
    int rc = 0;

    if (!in.files || !in.lists)
        rc = err_set(&e, -ENOMEM, NULL, NULL, "out of memory");
    while (rc == 0 && in.n < n) {
        rc = lst_file_read(names[in.n], &in.files[in.n], &e);
        if (rc < 0)
            break;
        in.lists[in.n] = (struct lst_list){names[in.n], lst_file_text(&in.files[in.n])};
        in.n++;
    }
    if (rc < 0) {
        lst_inputs_release(&in);
        return lst_failed(&e);
    }
    *ret = in;
    return EXIT_IN_STEP;
}

void lst_inputs_release(struct lst_inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        lst_file_release(&in->files[i]);
    free(in->files);
    free(in->lists);
    *in = (struct lst_inputs){0};
}

/* The path of the repository of the deepest lists mapping that has this file, or NULL. */
static const char *repository_of(const struct conf *conf, const char *real)
{
    const struct conf_mapping *best = NULL;

    for (size_t i = 0; i < conf->mapping_count; i++) {
        const struct conf_mapping *m = &conf->mappings[i];

        if (m->kind == CONF_LISTS && path_is_within(real, m->path) &&
            (!best || strlen(m->path) > strlen(best->path)))
            best = m;
    }
    return best ? conf->mappings[best->repository].path : NULL;
}

/* Open it, or say why not. */
static int open_root(const char *root, int *ret_fd)
{
    int rc = tree_open_root(root, ret_fd);
    struct err e = {0};

    if (rc == 0)
        return EXIT_IN_STEP;
    (void)err_set(&e, rc, root, "the directory that the paths in the list are relative to", "%s",
                  err_name(rc));
    return lst_failed(&e);
}

int lst_root_open(const char *root, const char *conf_file, const char *list, int *ret_fd)
{
    struct conf *conf = NULL;
    const char *found = NULL;
    char *real;
    struct err e = {0};
    int status;

    if (root)
        return open_root(root, ret_fd);
    if (conf_file || access(CONF_DEFAULT_FILE, F_OK) == 0) {
        status = command_load(conf_file ? conf_file : CONF_DEFAULT_FILE, true, &conf);
        if (status)
            return status;
    }
    real = realpath(list, NULL);
    if (conf && real)
        found = repository_of(conf, real);
    if (found) {
        status = open_root(found, ret_fd);
    } else {
        (void)err_set(&e, ERR_SYNTAX, list,
                      "--root DIR, or -c FILE with a mapping that has the list, or --no-images",
                      "where its images are is not known");
        status = command_fault(EXIT_USAGE, &e);
    }
    free(real);
    conf_free(conf);
    return status;
}
