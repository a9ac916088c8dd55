/* Channels of training jobs. Pure. See channels.h. */
#include "lists/channels.h"

#include "base/path.h"
#include "lists/manifest.h"

#include <stdio.h>
#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool is_file_system(enum channel_source source)
{
    return source == CHANNEL_EFS || source == CHANNEL_FSX;
}

/* A word of these characters alone, not longer than that. */
static bool is_word(const char *text, const char *characters, size_t most)
{
    size_t n = strlen(text);

    return n > 0 && n <= most && strspn(text, characters) == n;
}

/* A place in S3 of a channel. */
static int check_uri(const struct channel *c, struct err *e)
{
    const char *slash;
    int rc = s3_uri_check(c->uri, e);

    if (rc < 0)
        return rc;
    slash = strchr(c->uri + sizeof("s3://") - 1, '/');
    if (!slash || !slash[1])
        return err_set(e, ERR_SYNTAX, c->uri, "a prefix, or a manifest that names what is wanted",
                       "channel %s would be all that the bucket has", c->name);
    if (c->source != CHANNEL_PREFIX && slash[strlen(slash) - 1] == '/')
        return err_set(e, ERR_SYNTAX, c->uri, "the key of one object",
                       "channel %s: a prefix is no manifest", c->name);
    return 0;
}

/* A place in a file system. */
static int check_directory(const struct channel *c, struct err *e)
{
    const char *id = c->file_system;

    if (strlen(id) < FILE_SYSTEM_MIN || strlen(id) > FILE_SYSTEM_MAX ||
        strncmp(id, "fs-", 3) != 0 || strspn(id + 3, DIGITS "abcdef") != strlen(id + 3))
        return err_set(e, ERR_SYNTAX, id, "fs- and 8 to 18 of 0-9, a-f", "is no file system's id");
    if (c->directory[0] != '/' || strlen(c->directory) > DIRECTORY_MAX ||
        !path_is_utf8(c->directory) || strpbrk(c->directory, "\r\n"))
        return err_set(e, ERR_SYNTAX, c->directory,
                       "an absolute path of UTF-8 with 4096 bytes at most",
                       "is no directory of channel %s", c->name);
    return 0;
}

/* What goes with what. */
static int check_mode(const struct channel *c, struct err *e)
{
    if (c->pipe != (c->source == CHANNEL_AUGMENTED) && !(c->records && !is_file_system(c->source)))
        return err_set(e, ERR_SYNTAX, c->name,
                       "File; Pipe for RecordIO in S3, and always for augmented manifests",
                       "the channel cannot be read in this input mode");
    if (c->records && c->source == CHANNEL_AUGMENTED)
        return err_set(e, ERR_SYNTAX, c->name, "images",
                       "an augmented manifest names images, no RecordIO files");
    if (c->source == CHANNEL_AUGMENTED &&
        (!is_word(c->attribute, DIGITS LETTERS "-_", ATTRIBUTE_MAX) ||
         strcmp(c->attribute, "source-ref") == 0))
        return err_set(e, ERR_SYNTAX, c->attribute, "a word of letters, digits, '-' and '_'",
                       "is no name of a label");
    return 0;
}

static int check_channel(const struct channel *c, struct err *e)
{
    int rc;

    if (!is_word(c->name, DIGITS LETTERS "._-", CHANNEL_NAME_MAX))
        return err_set(e, ERR_SYNTAX, c->name, "1 to 64 letters, digits, '.', '_' and '-'",
                       "is no name of a channel");
    rc = is_file_system(c->source) ? check_directory(c, e) : check_uri(c, e);
    return rc == 0 ? check_mode(c, e) : rc;
}

/* Subnets and security groups: both or none. */
static int check_network(const struct channel_network *network, bool needed, struct err *e)
{
    bool any = network->subnet_n > 0 || network->group_n > 0;

    if ((needed || any) && (network->subnet_n == 0 || network->group_n == 0))
        return err_set(e, ERR_SYNTAX, "VpcConfig", "--subnets and --security-groups",
                       needed ? "a file system is reached from subnets and security groups only"
                              : "subnets need security groups, and these subnets");
    for (size_t i = 0; i < network->subnet_n; i++)
        if (!is_word(network->subnets[i], DIGITS LETTERS "-", NETWORK_ID_MAX))
            return err_set(e, ERR_SYNTAX, network->subnets[i], "as in subnet-0123456789abcdef0",
                           "is no subnet's id");
    for (size_t i = 0; i < network->group_n; i++)
        if (!is_word(network->groups[i], DIGITS LETTERS "-", NETWORK_ID_MAX))
            return err_set(e, ERR_SYNTAX, network->groups[i], "as in sg-0123456789abcdef0",
                           "is no security group's id");
    return 0;
}

int channels_check(const struct channel *channels, size_t n, const struct channel_network *network,
                   struct err *e)
{
    bool needed = false;
    int rc = 0;

    if (n == 0 || n > CHANNELS_MAX)
        return err_set(e, ERR_SYNTAX, "InputDataConfig", "1 to 20", "has %zu channels", n);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = check_channel(&channels[i], e);
        needed = needed || is_file_system(channels[i].source);
        for (size_t j = 0; rc == 0 && j < i; j++)
            if (strcmp(channels[i].name, channels[j].name) == 0)
                rc = err_set(e, ERR_SYNTAX, channels[i].name, "each name once",
                             "two channels have this name");
    }
    return rc == 0 ? check_network(network, needed, e) : rc;
}

static void write_s3(struct json_writer *w, const struct channel *c)
{
    const char *type = c->source == CHANNEL_PREFIX     ? "S3Prefix"
                       : c->source == CHANNEL_MANIFEST ? "ManifestFile"
                                                       : "AugmentedManifestFile";

    json_object(w, "S3DataSource");
    json_put_string(w, "S3DataType", type);
    json_put_string(w, "S3Uri", c->uri);
    json_put_string(w, "S3DataDistributionType", "FullyReplicated");
    if (c->source == CHANNEL_AUGMENTED) {
        json_array(w, "AttributeNames");
        json_put_string(w, NULL, "source-ref");
        json_put_string(w, NULL, c->attribute);
        json_array_end(w);
    }
    json_object_end(w);
}

static void write_file_system(struct json_writer *w, const struct channel *c)
{
    json_object(w, "FileSystemDataSource");
    json_put_string(w, "FileSystemId", c->file_system);
    json_put_string(w, "FileSystemType", c->source == CHANNEL_EFS ? "EFS" : "FSxLustre");
    json_put_string(w, "FileSystemAccessMode", "ro");
    json_put_string(w, "DirectoryPath", c->directory);
    json_object_end(w);
}

static void write_channel(struct json_writer *w, const struct channel *c)
{
    bool augmented = c->source == CHANNEL_AUGMENTED;

    json_object(w, NULL);
    json_put_string(w, "ChannelName", c->name);
    json_put_string(w, "ContentType", c->records || augmented ? RECORDS_TYPE : IMAGES_TYPE);
    json_put_string(w, "CompressionType", "None");
    json_put_string(w, "RecordWrapperType", augmented ? "RecordIO" : "None");
    json_put_string(w, "InputMode", c->pipe ? "Pipe" : "File");
    json_object(w, "DataSource");
    if (is_file_system(c->source))
        write_file_system(w, c);
    else
        write_s3(w, c);
    json_object_end(w);
    json_object_end(w);
}

static void write_words(struct json_writer *w, const char *key, const char *const *words, size_t n)
{
    json_array(w, key);
    for (size_t i = 0; i < n; i++)
        json_put_string(w, NULL, words[i]);
    json_array_end(w);
}

void channels_write(struct json_writer *w, const struct channel *channels, size_t n,
                    const struct channel_network *network)
{
    json_array(w, "InputDataConfig");
    for (size_t i = 0; i < n; i++)
        write_channel(w, &channels[i]);
    json_array_end(w);
    if (network->subnet_n == 0)
        return;
    json_object(w, "VpcConfig");
    write_words(w, "SecurityGroupIds", network->groups, network->group_n);
    write_words(w, "Subnets", network->subnets, network->subnet_n);
    json_object_end(w);
}

int channel_directory(bool fsx, const char *mount_name, const char *below, char *out, size_t size,
                      struct err *e)
{
    int n;

    if (fsx && (!mount_name || !is_word(mount_name, DIGITS LETTERS "_-", MOUNT_NAME_MAX)))
        return err_set(e, ERR_SYNTAX, mount_name ? mount_name : "FSx for Lustre",
                       "--mount-name, 1 to 8 letters, digits, '_' and '-' (\"fsx\" for SCRATCH_1)",
                       "the file system's mount name begins its paths");
    n = snprintf(out, size, "%s%s%s%s", fsx ? "/" : "", fsx ? mount_name : "",
                 *below || !fsx ? "/" : "", below);
    if (n < 0 || (size_t)n >= size)
        return err_set(e, ERR_SYNTAX, below, "at most 4096 bytes", "is too long");
    return 0;
}
