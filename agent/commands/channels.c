/* Shell. lockstep channels: what a training job is told of lists and images. */
#include "agent/commands/lst.h"
#include "agent/commands/options.h"

#include "agent/commands/channels_wait.h"
#include "agent/commands/commands.h"
#include "agent/commands/place.h"
#include "agent/commands/wait.h"
#include "base/clock.h"
#include "base/path.h"
#include "lists/channels.h"
#include "lists/manifest.h"
#include "watchers/watchers.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS           2 /* of images: one to train with, one for validation */
#define SET_TRAIN      0
#define SET_VALIDATION 1
#define PLACE_SIZE     (PATH_MAX + 64)

static const char usage[] =
    "usage: lockstep channels [OPTIONS] --list train=FILE --list validation=FILE\n"
    "Print InputDataConfig, VpcConfig and HyperParameters of a SageMaker training job that learns\n"
    "image classification from lists, as JSON for aws sagemaker create-training-job\n"
    "--cli-input-json. Where lists and images are, the configuration says.\n"
    "  --type s3|efs|fsx      where the job reads them (s3)\n"
    "  --manifest SET=S3URI   images of this set (train or validation) by this manifest file, not\n"
    "                         by the prefix of the repository\n"
    "  --augmented SET=S3URI  images and labels by this augmented manifest, streamed\n"
    "  --record SET=S3URI     images and labels of this RecordIO file\n"
    "  --attribute NAME       what labels are called in augmented manifests (class)\n"
    "  --pipe                 RecordIO files are streamed\n"
    "  --mini-batch-size N    (32)\n"
    "  --file-system ID       efs, fsx: fs-...\n"
    "  --mount DIR            efs, fsx: where it is mounted on this host\n"
    "  --mount-name NAME      fsx: what begins its paths\n"
    "  --subnets ID,...       needed for efs and fsx; --security-groups ID,... the same\n"
    "  --wait                 print it when all that it names is in S3: lists as they are now, "
    "their\n"
    "                         images and manifests, and what was given\n"
    "  --timeout SECONDS      --wait: for so long at most\n"
    "  -c FILE                the configuration\n"
    "Exit status: 0 done, 1 not all of it is in S3 within the time, 2 wrong use, or lists that no "
    "job\n"
    "can train with, 4 a list cannot be read, or S3 not be reached.\n";

static const char *const set_names[SETS] = {"train", "validation"};
static const char *const list_channels[SETS] = {"train_lst", "validation_lst"};

/* One set of images. */
struct set {
    char *list;
    const char *uri;
    enum channel_source source;
    bool records;
    char images_place[PLACE_SIZE];
    char list_place[PLACE_SIZE];
};

struct wish {
    struct set sets[SETS];
    enum channel_source type; /* PREFIX, EFS, FSX */
    const char *attribute;
    const char *conf_file;
    const char *file_system;
    const char *mount;
    const char *mount_name;
    uint64_t mini_batch;
    bool pipe;
    bool waits;
    int64_t timeout_s; /* -1: not told */
    struct channel_network network;
    struct channel channels[2 * SETS];
    size_t channel_n;
};

#define NO_SET "a set is train=... or validation=..."

/* "train=..." : the set, and what stands behind; NULL where it is neither. */
static struct set *set_of(struct wish *w, char *value, char **ret_rest)
{
    for (size_t i = 0; i < SETS; i++) {
        size_t n = strlen(set_names[i]);

        if (strncmp(value, set_names[i], n) == 0 && value[n] == '=' && value[n + 1]) {
            *ret_rest = value + n + 1;
            return &w->sets[i];
        }
    }
    return NULL;
}

/* Whether another file beside a list would come into its channel: in S3 whose name begins with
 * that of the list, in a file system any other list. */
static bool comes_along(const struct wish *w, const char *list, const char *other)
{
    if (strcmp(list, other) == 0)
        return false;
    return w->type == CHANNEL_PREFIX
               ? strncmp(other, list, strlen(list)) == 0
               : strlen(other) > 4 && strcmp(other + strlen(other) - 4, ".lst") == 0;
}

/* A list that the configuration passes over is not in S3. */
static bool is_excluded(const struct place *p)
{
    struct watch_filter filter = {.patterns = (const char *const *)p->lists->exclude,
                                  .without_defaults = !p->lists->default_exclude};

    return watch_filter_excludes(&filter, p->below);
}

/* A channel of a list has exactly one list. */
static int check_alone(const struct wish *w, const struct place *p, struct err *e)
{
    char dir[PATH_MAX];
    const char *name = path_name(p->file);
    const struct dirent *entry;
    DIR *d;
    int rc = 0;

    memcpy(dir, p->file, (size_t)(name - p->file));
    dir[name - p->file] = '\0';
    d = opendir(dir);
    if (!d)
        return err_set(e, -errno, dir, NULL, "%s", err_name(-errno));
    while (rc == 0 && (entry = readdir(d)) != NULL)
        if (comes_along(w, name, entry->d_name))
            rc = err_set(e, ERR_SYNTAX, p->file,
                         w->type == CHANNEL_PREFIX
                             ? "a name with which no other file's name begins"
                             : "a directory of its own: a channel has one list",
                         "%s would be in its channel, too", entry->d_name);
    (void)closedir(d); /* read only */
    return rc;
}

/* A path as the job's file system has it. */
static int directory_in(const struct wish *w, const char *path, char out[PLACE_SIZE], struct err *e)
{
    char mount[PATH_MAX];
    const char *below;

    if (!w->file_system || !w->mount)
        return err_set(e, ERR_SYNTAX, "--type", "--file-system ID and --mount DIR",
                       "which file system, and where is it mounted here?");
    if (!realpath(w->mount, mount))
        return err_set(e, -errno, w->mount, NULL, "%s", err_name(-errno));
    if (strcmp(mount, "/") == 0)
        mount[0] = '\0';
    if (!path_is_within(path, mount))
        return err_set(e, ERR_SYNTAX, path, "the mount point that it is below", "is not below %s",
                       w->mount);
    below = path + strlen(mount);
    return channel_directory(w->type == CHANNEL_FSX, w->mount_name, below + (*below == '/'), out,
                             PLACE_SIZE, e);
}

/* Where a set's images and list are, as far as they were not given. */
static int find_places(const struct wish *w, struct set *s, const struct place *p, struct err *e)
{
    char dir[PATH_MAX];
    size_t n = (size_t)(path_name(p->file) - p->file) - 1;
    int rc;

    memcpy(dir, p->file, n);
    dir[n] = '\0';
    if (w->type == CHANNEL_PREFIX && is_excluded(p))
        return err_set(e, ERR_SYNTAX, p->file, "a list that is kept in step",
                       "the configuration excludes it, so it is not in S3");
    rc = check_alone(w, p, e);
    if (rc < 0)
        return rc;
    if (w->type != CHANNEL_PREFIX) {
        rc = directory_in(w, p->images->path, s->images_place, e);
        return rc == 0 ? directory_in(w, dir, s->list_place, e) : rc;
    }
    if (!s->uri)
        rc = place_uri(p->conf, p->images, "", s->images_place, sizeof(s->images_place), e);
    return rc == 0 ? place_uri(p->conf, p->lists, p->below, s->list_place, sizeof(s->list_place), e)
                   : rc;
}

/* The channels of one set. */
static void add_channels(struct wish *w, size_t i)
{
    struct set *s = &w->sets[i];
    bool labelled = s->records || s->source == CHANNEL_AUGMENTED;
    struct channel images = {.name = set_names[i],
                             .source = s->uri ? s->source : w->type,
                             .records = s->records,
                             .pipe = s->source == CHANNEL_AUGMENTED || (s->records && w->pipe),
                             .uri = s->uri ? s->uri : s->images_place,
                             .attribute = w->attribute,
                             .file_system = w->file_system,
                             .directory = s->images_place};

    w->channels[w->channel_n++] = images;
    if (labelled)
        return;
    images.name = list_channels[i];
    images.source = w->type;
    images.uri = images.directory = s->list_place;
    w->channels[w->channel_n++] = images;
}

/* One set: where it is. */
static int prepare(struct wish *w, size_t i)
{
    struct set *s = &w->sets[i];
    struct err e = {0};
    struct place p;
    int status = EXIT_IN_STEP;

    if (!s->records && s->source != CHANNEL_AUGMENTED) {
        status = place_find(w->conf_file, s->list, &p);
        if (status != EXIT_IN_STEP)
            return status;
        if (find_places(w, s, &p, &e) < 0)
            status = command_fault(EXIT_USAGE, &e);
        place_release(&p);
    }
    if (status == EXIT_IN_STEP)
        add_channels(w, i);
    return status;
}

static void put_number(struct json_writer *json, const char *key, uint64_t value)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value); /* 20 digits fit */
    json_put_string(json, key, text);
}

/* The document. */
static int print(const struct wish *w, const struct training_numbers *numbers)
{
    struct json_writer json;
    struct buf out;
    int rc;

    buf_init(&out, 1 << 20);
    json_begin(&json, &out);
    json_object(&json, NULL);
    json_object(&json, "HyperParameters");
    put_number(&json, "num_classes", numbers->classes);
    put_number(&json, "num_training_samples", numbers->samples);
    put_number(&json, "mini_batch_size", w->mini_batch);
    if (numbers->multi_label)
        put_number(&json, "multi_label", 1);
    json_object_end(&json);
    channels_write(&json, w->channels, w->channel_n, &w->network);
    rc = command_print_json(&json, &out);
    return rc < 0 ? lst_failed(&(struct err){.code = rc, .what = "there is not enough memory"})
                  : EXIT_IN_STEP;
}

/* All that was wished; with `print` it is printed, too. */
static int make(struct wish *w, bool prints)
{
    char *names[SETS] = {w->sets[SET_TRAIN].list, w->sets[SET_VALIDATION].list};
    struct training_numbers numbers;
    struct lst_inputs in = {0};
    struct err e = {0};
    int status = lst_inputs_read(names, SETS, &in);

    w->channel_n = 0;
    if (status == EXIT_IN_STEP && training_numbers(&in.lists[SET_TRAIN], &in.lists[SET_VALIDATION],
                                                   w->mini_batch, &numbers, &e) < 0)
        status = lst_failed(&e);
    for (size_t i = 0; status == EXIT_IN_STEP && i < in.n; i++)
        status = prepare(w, i);
    if (status == EXIT_IN_STEP && channels_check(w->channels, w->channel_n, &w->network, &e) < 0)
        status = command_fault(EXIT_USAGE, &e);
    if (status == EXIT_IN_STEP && prints)
        status = print(w, &numbers);
    lst_inputs_release(&in);
    return status;
}

/* Wait until all of it is in S3. */
static int wait_for_all(const struct wish *w)
{
    struct channels_need needs[SETS] = {{0}};

    for (size_t i = 0; i < SETS; i++) {
        const struct set *s = &w->sets[i];

        needs[i].list = s->records ? NULL : s->list;
        needs[i].uri = s->uri;
    }
    return channels_wait(w->conf_file, needs, SETS,
                         w->timeout_s < 0 ? INT64_MAX : clock_mono_ms() + w->timeout_s * MS_PER_S);
}

/* What is wrong is said before it is waited for; lists may be rewritten meanwhile. */
static int make_and_wait(struct wish *w)
{
    int status = w->waits ? make(w, false) : EXIT_IN_STEP;

    if (w->waits && status == EXIT_IN_STEP)
        status = wait_for_all(w);
    return status == EXIT_IN_STEP ? make(w, true) : status;
}

/* "a,b" as words; false where there are more than most. */
static bool words(char *value, const char **ret, size_t *ret_n, size_t most)
{
    size_t n = 0;

    while (value && n < most) {
        ret[n++] = value;
        value = strchr(value, ',');
        if (value)
            *value++ = '\0';
    }
    *ret_n = n;
    return !value;
}

/* command_option's take, as all that follow. */
static const char *take_list(void *arg, char *value)
{
    char *rest = NULL;
    struct set *s = set_of(arg, value, &rest);

    if (!s)
        return NO_SET;
    if (s->list)
        return "one list a set";
    s->list = rest;
    return NULL;
}

/* Where the images of a set are. */
static const char *take_place(struct wish *w, char *value, enum channel_source source, bool records)
{
    char *rest = NULL;
    struct set *s = set_of(w, value, &rest);

    if (!s)
        return NO_SET;
    if (s->uri)
        return "one place a set";
    s->uri = rest;
    s->records = records;
    s->source = source;
    return NULL;
}

static const char *take_manifest(void *arg, char *value)
{
    return take_place(arg, value, CHANNEL_MANIFEST, false);
}

static const char *take_augmented(void *arg, char *value)
{
    return take_place(arg, value, CHANNEL_AUGMENTED, false);
}

static const char *take_record(void *arg, char *value)
{
    return take_place(arg, value, CHANNEL_PREFIX, true);
}

static const char *take_type(void *arg, char *value)
{
    struct wish *w = arg;

    if (strcmp(value, "efs") == 0)
        w->type = CHANNEL_EFS;
    else if (strcmp(value, "fsx") == 0)
        w->type = CHANNEL_FSX;
    else if (strcmp(value, "s3") != 0)
        return "--type is s3, efs or fsx";
    return NULL;
}

static const char *take_subnets(void *arg, char *value)
{
    struct channel_network *n = arg;

    return words(value, n->subnets, &n->subnet_n, SUBNETS_MAX) ? NULL : "--subnets are 16 at most";
}

static const char *take_groups(void *arg, char *value)
{
    struct channel_network *n = arg;

    return words(value, n->groups, &n->group_n, GROUPS_MAX) ? NULL
                                                            : "--security-groups are 5 at most";
}

static const char *take_timeout(void *arg, char *value)
{
    return wait_seconds(value, arg) ? NULL : "--timeout wants seconds, at most a year's";
}

/* What does not go together. NULL, or what is wrong. */
static const char *judge(const struct wish *w)
{
    const struct set *train = &w->sets[SET_TRAIN];
    const struct set *validation = &w->sets[SET_VALIDATION];

    if (!train->list || !validation->list)
        return "--list train=FILE and --list validation=FILE are needed";
    if (train->records != validation->records ||
        (train->source == CHANNEL_AUGMENTED) != (validation->source == CHANNEL_AUGMENTED))
        return "both sets are RecordIO files, or augmented manifests, or images with lists";
    if ((train->uri || validation->uri) && w->type != CHANNEL_PREFIX)
        return "--manifest, --augmented and --record are of --type s3";
    if (w->type == CHANNEL_PREFIX && (w->file_system || w->mount || w->mount_name))
        return "--file-system, --mount and --mount-name are of --type efs and fsx";
    if (w->mount_name && w->type != CHANNEL_FSX)
        return "--mount-name is of --type fsx";
    if (w->pipe && !train->records)
        return "--pipe is of --record";
    if (w->waits && w->type != CHANNEL_PREFIX)
        return "--wait is of --type s3";
    if (w->timeout_s >= 0 && !w->waits)
        return "--timeout is of --wait";
    return NULL;
}

int command_channels(int argc, char **argv)
{
    struct wish w = {
        .attribute = ATTRIBUTE_DEFAULT, .mini_batch = MINI_BATCH_USUAL, .timeout_s = -1};
    const struct command_option table[] = {
        {"list", .take = take_list, .arg = &w},
        {"type", .take = take_type, .arg = &w},
        {"manifest", .take = take_manifest, .arg = &w},
        {"augmented", .take = take_augmented, .arg = &w},
        {"record", .take = take_record, .arg = &w},
        {"attribute", .text = &w.attribute},
        {"pipe", .flag = &w.pipe},
        {"mini-batch-size", .number = &w.mini_batch, .least = 1, .most = INT32_MAX,
         .wrong = "--mini-batch-size is 1..."},
        {"file-system", .text = &w.file_system},
        {"mount", .text = &w.mount},
        {"mount-name", .text = &w.mount_name},
        {"subnets", .take = take_subnets, .arg = &w.network},
        {"security-groups", .take = take_groups, .arg = &w.network},
        {"wait", .flag = &w.waits},
        {"timeout", .take = take_timeout, .arg = &w.timeout_s},
        {.letter = 'c', .text = &w.conf_file},
        {0}};
    const char *wrong = command_options(argc, argv, table);

    if (!wrong)
        wrong = optind < argc ? "too many arguments" : judge(&w);
    return wrong ? command_usage(usage, wrong) : make_and_wait(&w);
}
