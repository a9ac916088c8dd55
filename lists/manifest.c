/* Manifests, made of lists. Pure. See manifest.h. */
#include "lists/manifest.h"

#include "base/json.h"
#include "base/path.h"
#include "lists/channels.h"
#include "lists/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SCHEME "s3://"

/* Name of a bucket or an access point's alias: lower-case letters, digits, '.' and '-', of which
 * the last two are neither first nor last. */
static bool is_bucket(struct span name)
{
    if (name.n < S3_BUCKET_MIN || name.n > S3_BUCKET_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!plain && ((c != '-' && c != '.') || i == 0 || i + 1 == name.n))
            return false;
    }
    return true;
}

/* Characters that a line cannot have. */
static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return true;
    return false;
}

int s3_uri_check(const char *uri, struct err *e)
{
    static const char right[] = "s3://BUCKET/KEY";
    const char *bucket = uri + sizeof(SCHEME) - 1;
    const char *slash;

    if (strncmp(uri, SCHEME, sizeof(SCHEME) - 1) != 0)
        return err_set(e, ERR_SYNTAX, uri, right, "is no place in S3");
    slash = strchr(bucket, '/');
    if (!is_bucket((struct span){bucket, slash ? (size_t)(slash - bucket) : strlen(bucket)}))
        return err_set(e, ERR_SYNTAX, uri,
                       "the name of a bucket, or the alias of an access point: 3 to 63 lower-case "
                       "letters, digits, '.' and '-'",
                       "has no such bucket");
    if (strlen(uri) > S3_URI_BYTES_MAX)
        return err_set(e, ERR_SYNTAX, uri, "at most 1024 bytes", "has %zu bytes", strlen(uri));
    if (!path_is_utf8(uri) || has_control(uri))
        return err_set(e, ERR_SYNTAX, uri, "UTF-8 without control characters",
                       "has other characters");
    return 0;
}

/* What a manifest is written with. */
struct writing {
    const struct manifest_options *opt;
    struct buf *out;
    size_t key_at; /* bytes of the prefix before the key */
    uint64_t images;
    const char *why; /* a row cannot be in it */
};

/* Flags, as numbers without a fraction. */
static void put_flags(struct json_writer *json, const char *name, struct span labels)
{
    const char *end = labels.p + labels.n;

    json_array(json, name);
    for (const char *from = labels.p; from < end; from++) {
        const char *tab = memchr(from, '\t', (size_t)(end - from));
        size_t n = (size_t)((tab ? tab : end) - from);
        double flag = 0;

        (void)label_number((struct span){from, n}, &flag); /* it was seen that it is one */
        json_put_int(json, NULL, flag > 0);
        from += n;
    }
    json_array_end(json);
}

/* A line with its label, or one for each class. */
static int put_line(struct writing *w, const struct lst_row *row, const char *path)
{
    char uri[S3_URI_BYTES_MAX + PATH_BYTES_MAX + 1];
    bool flags = training_flags(row->labels);
    char label[32];
    struct json_writer json;
    uint64_t number = 0;
    int rc;

    if (!flags && !label_class(row->labels, &number)) {
        w->why = "the label is no class: one whole number from 0, or a 0 or 1 for each class";
        return ERR_SYNTAX;
    }
    (void)snprintf(label, sizeof(label), "%" PRIu64, number);       /* 20 digits fit */
    (void)snprintf(uri, sizeof(uri), "%s%s", w->opt->prefix, path); /* both have their limits */
    json_begin(&json, w->out);
    json_object(&json, NULL);
    json_put_string(&json, "source-ref", uri);
    if (flags)
        put_flags(&json, w->opt->attribute, row->labels);
    else
        json_put_string(&json, w->opt->attribute, label);
    json_object_end(&json);
    rc = json_end(&json);
    return rc == 0 ? buf_append_byte(w->out, '\n') : rc;
}

/* A name in the array. */
static int put_name(struct writing *w, const char *path)
{
    int rc = buf_append_str(w->out, ",\n");

    return rc == 0 ? json_string(w->out, path, strlen(path)) : rc;
}

/* What forbids that an image is named, or NULL. */
static const char *judge_path(const struct writing *w, const char *path)
{
    if (!path_is_utf8(path))
        return "the path is not UTF-8, so it is in no manifest";
    if (strlen(w->opt->prefix) - w->key_at + strlen(path) > S3_KEY_BYTES_MAX)
        return "its key in S3 would be longer than 1024 bytes";
    if (w->opt->excludes && w->opt->excludes(w->opt->arg, path))
        return "the configuration excludes it, so it is not in S3";
    return NULL;
}

static int put_row(struct writing *w, const struct lst_row *row)
{
    char path[PATH_BYTES_MAX + 1];

    if (row->kind == LST_ROW_BLANK)
        return 0;
    if (row->kind != LST_ROW_IMAGE)
        w->why = "is no row: an index, a label and a path, with a TAB between";
    else if (lst_path_normal(row->path, path, sizeof(path)) < 0)
        w->why = "the path does not lead to a file below the repository";
    else
        w->why = judge_path(w, path);
    if (w->why)
        return ERR_SYNTAX;
    w->images++;
    return w->opt->augmented ? put_line(w, row, path) : put_name(w, path);
}

/* All rows. */
static int put_rows(struct writing *w, const struct lst_list *list, struct err *e)
{
    struct lst_cursor c = {.in = list->text};
    char where[ERR_TEXT_MAX];
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row))
        rc = put_row(w, &row);
    (void)snprintf(where, sizeof(where), "%s:%" PRIu64, list->name, c.line_number); /* may be cut */
    if (rc < 0)
        return err_set(e, rc, where, NULL, "%s", w->why ? w->why : err_name(rc));
    if (w->images == 0)
        return err_set(e, ERR_SYNTAX, list->name, "at least one row", "the list names no image");
    return 0;
}

/* Everything, in a buffer that is cut back by the caller where it fails. */
static int put_all(struct writing *w, const struct lst_list *list, struct err *e)
{
    int rc = 0;

    if (!w->opt->augmented) {
        struct json_writer json;

        rc = buf_append_byte(w->out, '[');
        json_begin(&json, w->out);
        json_object(&json, NULL);
        json_put_string(&json, "prefix", w->opt->prefix);
        json_object_end(&json);
        rc = rc == 0 ? json_end(&json) : rc;
    }
    if (rc < 0)
        return err_set(e, rc, list->name, NULL, "%s", err_name(rc));
    rc = put_rows(w, list, e);
    if (rc < 0 || w->opt->augmented)
        return rc;
    rc = buf_append_str(w->out, "]\n");
    return rc < 0 ? err_set(e, rc, list->name, NULL, "%s", err_name(rc)) : 0;
}

int manifest_write(const struct lst_list *list, const struct manifest_options *opt, struct buf *out,
                   uint64_t *ret_images, struct err *e)
{
    struct writing w = {.opt = opt, .out = out};
    size_t before = out->len;
    const char *slash;
    int rc = s3_uri_check(opt->prefix, e);

    if (rc < 0)
        return rc;
    slash = strchr(opt->prefix + sizeof(SCHEME) - 1, '/');
    if (!slash || opt->prefix[strlen(opt->prefix) - 1] != '/')
        return err_set(e, ERR_SYNTAX, opt->prefix, "s3://BUCKET/PREFIX/", "does not end in '/'");
    w.key_at = (size_t)(slash + 1 - opt->prefix);
    rc = put_all(&w, list, e);
    if (rc < 0)
        out->len = before;
    else
        *ret_images = w.images;
    return rc;
}
