/*
 * What a SageMaker training job is told of its data: the channels of CreateTrainingJob's
 * InputDataConfig, the network that they are reached over, and the two numbers that image
 * classification must be given of its lists. Pure.
 *
 * Lengths and patterns are those of the service's model (sagemaker, 2017-07-24); which input mode
 * goes with which source is told in the guide of its image classification.
 */
#ifndef LOCKSTEP_LISTS_CHANNELS_H
#define LOCKSTEP_LISTS_CHANNELS_H

#include "base/json.h"
#include "lists/check.h"

#define CHANNELS_MAX     20
#define CHANNEL_NAME_MAX 64
#define DIRECTORY_MAX    4096
#define FILE_SYSTEM_MIN  11
#define FILE_SYSTEM_MAX  21
#define MOUNT_NAME_MAX   8
#define SUBNETS_MAX      16
#define GROUPS_MAX       5
#define NETWORK_ID_MAX   32
#define ATTRIBUTE_MAX    256
#define MINI_BATCH_USUAL 32 /* where the job is not told another */
#define IMAGES_TYPE      "application/x-image"
#define RECORDS_TYPE     "application/x-recordio"

enum channel_source {
    CHANNEL_PREFIX,    /* all objects whose keys begin so */
    CHANNEL_MANIFEST,  /* those that a manifest file names */
    CHANNEL_AUGMENTED, /* those that an augmented manifest names, with their labels */
    CHANNEL_EFS,
    CHANNEL_FSX
};

struct channel {
    const char *name;
    enum channel_source source;
    bool records;            /* RecordIO, not images or a list */
    bool pipe;               /* streamed, not copied before */
    const char *uri;         /* S3 */
    const char *attribute;   /* augmented: of the labels */
    const char *file_system; /* EFS, FSX: its id */
    const char *directory;   /* EFS, FSX: an absolute path in it */
};

/* Where the instances of a job are. */
struct channel_network {
    const char *subnets[SUBNETS_MAX];
    size_t subnet_n;
    const char *groups[GROUPS_MAX];
    size_t group_n;
};

/* channels_check(channels, n, network, e): all that the service would refuse, or that would fail in
 * training. 0 or ERR_SYNTAX. */
int channels_check(const struct channel *channels, size_t n, const struct channel_network *network,
                   struct err *e) __attribute__((warn_unused_result));

/* channels_write(w, channels, n, network): the members InputDataConfig and, where there is a
 * network, VpcConfig, into an object that is open. */
void channels_write(struct json_writer *w, const struct channel *channels, size_t n,
                    const struct channel_network *network);

/* channel_directory(fsx, mount_name, below, out, size, e): a path as FileSystemDataSource has it;
 * `below` the mount point, "" for itself; mount_name: of FSx for Lustre. 0 or ERR_SYNTAX. */
int channel_directory(bool fsx, const char *mount_name, const char *below, char *out, size_t size,
                      struct err *e) __attribute__((warn_unused_result));

struct training_numbers {
    uint64_t samples; /* rows of the training list */
    uint64_t classes;
    bool multi_label; /* a row has a 0 or a 1 for each class */
};

/* training_flags(labels): several, each a 0 or a 1. */
bool training_flags(struct span labels);

/* training_numbers(train, validation, mini_batch, ret, e): of the two lists of a job. 0, -ENOMEM,
 * or ERR_SYNTAX for lists that image classification cannot train with. */
int training_numbers(const struct lst_list *train, const struct lst_list *validation,
                     uint64_t mini_batch, struct training_numbers *ret, struct err *e)
    __attribute__((warn_unused_result));

#endif
