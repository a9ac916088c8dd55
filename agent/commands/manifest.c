/* Shell. lockstep manifest: the objects of a list's images, as training jobs want them named. */
#include "agent/commands/lst.h"

#include "agent/commands/commands.h"
#include "agent/commands/options.h"
#include "agent/commands/place.h"
#include "lists/manifest.h"
#include "watchers/watchers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: lockstep manifest [--augmented] [--attribute NAME] [--prefix S3URI] [-o FILE] [-c "
    "FILE]\n"
    "                         LIST\n"
    "Name the objects in S3 of the images of a list, as a training job takes them: as a manifest\n"
    "file (ManifestFile), or as an augmented manifest (AugmentedManifestFile).\n"
    "  --augmented       with the label of each image; a line of JSON an image\n"
    "  --attribute NAME  what the label is called in it (class)\n"
    "  --prefix S3URI    s3://BUCKET/PREFIX/ of the images; else it is that of the repository of\n"
    "                    the configuration's mapping that has the list\n"
    "  -o FILE           write it there, whole or not at all; else it is printed\n"
    "  -c FILE           the configuration\n"
    "Exit status: 0 done, 2 wrong use, or a row that cannot be in a manifest, 4 something cannot "
    "be\n"
    "read or written.\n";

struct wish {
    struct manifest_options manifest;
    const char *conf_file;
    const char *out;
};

/* The filter of the repository's mapping. */
static bool excludes(void *arg, const char *path)
{
    return watch_filter_excludes(arg, path);
}

/* Print or write it. */
static int put(const struct wish *w, const struct buf *text, uint64_t images)
{
    struct err e = {0};

    if (!w->out) {
        (void)fwrite(text->data, 1, text->len, stdout); /* seen by the flush */
        if (fflush(stdout) == 0 && !ferror(stdout))
            return EXIT_IN_STEP;
        (void)err_set(&e, ERR_REFUSED, NULL, NULL, "the manifest could not be printed");
        return command_fault(EXIT_UNREACHED, &e);
    }
    if (lst_file_write(w->out, (struct span){text->data, text->len}, NULL, &e) < 0)
        return lst_failed(&e);
    command_print_name(w->out);
    printf(": %" PRIu64 " images\n", images);
    return EXIT_IN_STEP;
}

/* Of a list that was read. */
static int make(const struct wish *w, const struct lst_list *list)
{
    struct err e = {0};
    uint64_t images = 0;
    struct buf text;
    int status;

    buf_init(&text, SIZE_MAX);
    if (manifest_write(list, &w->manifest, &text, &images, &e) < 0)
        status = lst_failed(&e);
    else
        status = put(w, &text, images);
    buf_release(&text);
    return status;
}

/* By the configuration. */
static int make_mapped(struct wish *w, const struct lst_list *list)
{
    struct watch_filter filter = {0};
    char prefix[2 * S3_URI_BYTES_MAX];
    struct err e = {0};
    struct place p;
    int status = place_find(w->conf_file, list->name, &p);

    if (status != EXIT_IN_STEP)
        return status;
    filter.patterns = (const char *const *)p.images->exclude;
    filter.without_defaults = !p.images->default_exclude;
    w->manifest.prefix = prefix;
    w->manifest.excludes = excludes;
    w->manifest.arg = &filter;
    if (place_uri(p.conf, p.images, "", prefix, sizeof(prefix), &e) < 0)
        status = command_fault(EXIT_USAGE, &e);
    else
        status = make(w, list);
    w->manifest.prefix = NULL; /* what they pointed at ends here */
    w->manifest.arg = NULL;
    place_release(&p);
    return status;
}

/* command_option takes it so. */
static const char *take_attribute(void *arg, char *value)
{
    *(const char **)arg = value;
    return *value && strcmp(value, "source-ref") != 0 ? NULL : "--attribute is another name";
}

int command_manifest(int argc, char **argv)
{
    struct wish w = {.manifest = {.attribute = ATTRIBUTE_DEFAULT}};
    const struct command_option table[] = {
        {"augmented", .flag = &w.manifest.augmented},
        {"attribute", .take = take_attribute, .arg = &w.manifest.attribute},
        {"prefix", .text = &w.manifest.prefix},
        {.letter = 'o', .text = &w.out},
        {.letter = 'c', .text = &w.conf_file},
        {0}};
    const char *wrong = command_options(argc, argv, table);
    struct lst_inputs in = {0};
    int status;

    if (!wrong && argc - optind != 1)
        wrong = "one LIST";
    if (wrong)
        return command_usage(usage, wrong);
    status = lst_inputs_read(argv + optind, 1, &in);
    if (status == EXIT_IN_STEP)
        status = w.manifest.prefix ? make(&w, &in.lists[0]) : make_mapped(&w, &in.lists[0]);
    lst_inputs_release(&in);
    return status;
}
