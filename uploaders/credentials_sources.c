/*
 * Environment and shared files into memory. Shell.
 */
#include "uploaders/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 65536 /* one step for most files, so that no copy of a key is left behind */

/* A copy of an environment variable; NULL where unset or empty, or without memory (then *rc). */
static char *copy_env(const char *name, int *rc)
{
    const char *value = getenv(name);
    if (!value || !*value)
        return NULL;
    char *copy = strdup(value);
    if (!copy)
        *rc = -ENOMEM;
    return copy;
}

/* The same for the first of two that is set. */
static char *copy_env2(const char *name, const char *other, int *rc)
{
    char *value = copy_env(name, rc);
    return value ? value : copy_env(other, rc);
}

/* The file's path: by the variable ("~/" is the home), else under the home; NULL without a home. */
static char *find_file(const char *variable, const char *under_home, bool *ret_named, int *rc)
{
    const char *value = getenv(variable);
    const char *home = getenv("HOME");
    *ret_named = value && *value;
    if (*ret_named && strncmp(value, "~/", 2) != 0)
        return copy_env(variable, rc);
    if (!home || !*home)
        return NULL;
    struct buf path;
    buf_init(&path, 4096);
    if (buf_appendf(&path, "%s/%s", home, *ret_named ? value + 2 : under_home) != 0)
        *rc = -ENOMEM;
    return buf_take(&path);
}

/* All that an open file holds. 0, -errno, ERR_LIMIT past the buffer's ceiling. */
static int read_all(int fd, struct buf *out)
{
    for (;;) {
        int rc = buf_reserve(out, READ_STEP);
        if (rc)
            return rc;
        ssize_t n = read(fd, out->data + out->len, READ_STEP);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        out->len += (size_t)n;
    }
    out->data[out->len] = '\0';
    return 0;
}

/* The file's bytes; none where it does not exist. O_NONBLOCK: a FIFO must not hold us up. */
static int read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    int rc = read_all(fd, out);
    close(fd); /* nothing was written: its result says nothing */
    return rc;
}

/* Read and parse one file. One at its default place that we may not read is noted, not a failure:
 * the keys may come from elsewhere. */
static int load_profile(struct sources *s, const char *path, bool named, enum profile_file kind,
                        struct profile *ret, struct err *e)
{
    struct buf text;
    buf_init(&text, PROFILE_FILE_MAX + READ_STEP);
    int rc = path ? read_file(path, &text) : 0;
    if (rc) {
        bool tolerated = !named && (rc == -EACCES || rc == -EPERM);
        err_set(tolerated ? &s->unread : e, rc, path, "a file that this user can read",
                "cannot read the file: %s", err_name(rc));
        rc = tolerated ? 0 : rc;
    } else {
        rc = profile_parse((struct span){text.data ? text.data : "", text.len}, path ? path : "",
                           kind, s->profile_name, ret, e);
    }
    buf_wipe(&text);
    return rc;
}

/* The name of the profile and who named it. */
static int choose_profile(struct sources *s, const char *profile)
{
    int rc = 0;
    s->profile_explicit = profile && *profile;
    s->profile_name = s->profile_explicit ? strdup(profile)
                                          : copy_env2("AWS_PROFILE", "AWS_DEFAULT_PROFILE", &rc);
    s->profile_named = s->profile_name != NULL;
    if (!s->profile_named && !s->profile_explicit && !rc)
        s->profile_name = strdup("default");
    return s->profile_name ? 0 : -ENOMEM;
}

/* What the environment says. */
static int read_environment(struct sources *s)
{
    int rc = 0;
    s->env_access_key = copy_env("AWS_ACCESS_KEY_ID", &rc);
    s->env_secret_key = copy_env("AWS_SECRET_ACCESS_KEY", &rc);
    s->env_session_token = copy_env("AWS_SESSION_TOKEN", &rc);
    s->env_expiration = copy_env("AWS_CREDENTIAL_EXPIRATION", &rc);
    s->env_region = copy_env2("AWS_REGION", "AWS_DEFAULT_REGION", &rc);
    s->env_endpoint_url = copy_env2("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", &rc);
    return rc;
}

/* What the two files say; a profile that somebody named must be in one of them. */
static int read_profiles(struct sources *s, struct err *e)
{
    bool credentials_named = false;
    bool config_named = false;
    int rc = 0;
    s->credentials_file =
        find_file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", &credentials_named, &rc);
    s->config_file = find_file("AWS_CONFIG_FILE", ".aws/config", &config_named, &rc);
    if (rc)
        return err_set(e, rc, "", "", "out of memory");
    rc = load_profile(s, s->credentials_file, credentials_named, PROFILE_CREDENTIALS,
                      &s->credentials, e);
    if (rc)
        return rc;
    rc = load_profile(s, s->config_file, config_named, PROFILE_CONFIG, &s->config, e);
    if (rc)
        return rc;
    if (s->profile_named && !s->credentials.found && !s->config.found) {
        if (s->unread.code && e)
            *e = s->unread;
        else
            err_set(e, -ENOENT, s->credentials_file ? s->credentials_file : "",
                    "a profile that is in it or in the config file", "there is no profile \"%s\"",
                    s->profile_name);
        return s->unread.code ? s->unread.code : -ENOENT;
    }
    return 0;
}

int sources_read(const char *profile, struct sources *ret, struct err *e)
{
    struct sources s = {0};
    int rc = choose_profile(&s, profile);
    rc = rc ? rc : read_environment(&s);
    if (rc)
        err_set(e, rc, "", "", "out of memory");
    else
        rc = read_profiles(&s, e);
    if (rc)
        sources_release(&s);
    else
        *ret = s;
    return rc;
}

void sources_release(struct sources *s)
{
    secret_free(s->env_secret_key);
    secret_free(s->env_session_token);
    free(s->env_access_key);
    free(s->env_expiration);
    free(s->env_region);
    free(s->env_endpoint_url);
    free(s->profile_name);
    free(s->credentials_file);
    free(s->config_file);
    profile_release(&s->credentials);
    profile_release(&s->config);
    *s = (struct sources){0};
}
