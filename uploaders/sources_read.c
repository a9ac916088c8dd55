/*
 * Environment and shared files into memory. Shell.
 */
#include "uploaders/sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Files of systemd's LoadCredential= that stand for the shared files. */
#define SYSTEMD_CREDENTIALS "aws"
#define SYSTEMD_CONFIG      "aws-config"

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

/* The variables that are read. Of two for one field the earlier one counts. */
static const struct {
    const char *name;
    size_t offset;
} variables[] = {
    {"AWS_ACCESS_KEY_ID", offsetof(struct sources, access_key)},
    {"AWS_SECRET_ACCESS_KEY", offsetof(struct sources, secret_key)},
    {"AWS_SESSION_TOKEN", offsetof(struct sources, session_token)},
    {"AWS_CREDENTIAL_EXPIRATION", offsetof(struct sources, expiration)},
    {"AWS_REGION", offsetof(struct sources, region)},
    {"AWS_DEFAULT_REGION", offsetof(struct sources, region)},
    {"AWS_ENDPOINT_URL_S3", offsetof(struct sources, endpoint_url)},
    {"AWS_ENDPOINT_URL", offsetof(struct sources, endpoint_url)},
    {"AWS_ENDPOINT_URL_STS", offsetof(struct sources, sts_url)},
    {"AWS_ENDPOINT_URL", offsetof(struct sources, sts_url)},
    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", offsetof(struct sources, ignore_endpoints)},
    {"AWS_USE_FIPS_ENDPOINT", offsetof(struct sources, use_fips)},
    {"AWS_USE_DUALSTACK_ENDPOINT", offsetof(struct sources, use_dualstack)},
    {"AWS_ROLE_ARN", offsetof(struct sources, role_arn)},
    {"AWS_ROLE_SESSION_NAME", offsetof(struct sources, session_name)},
    {"AWS_WEB_IDENTITY_TOKEN_FILE", offsetof(struct sources, token_file)},
    {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", offsetof(struct sources, container_relative)},
    {"AWS_CONTAINER_CREDENTIALS_FULL_URI", offsetof(struct sources, container_full)},
    {"AWS_CONTAINER_AUTHORIZATION_TOKEN", offsetof(struct sources, container_token)},
    {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", offsetof(struct sources, container_token_file)},
    {"AWS_EC2_METADATA_DISABLED", offsetof(struct sources, metadata_disabled)},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT", offsetof(struct sources, metadata_endpoint)},
    {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", offsetof(struct sources, metadata_mode)},
    {"AWS_METADATA_SERVICE_TIMEOUT", offsetof(struct sources, metadata_timeout)},
    {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", offsetof(struct sources, metadata_attempts)},
};

/* A shared file, where it is, and who said so. */
struct place {
    const char *variable;
    const char *under_systemd; /* its name in $CREDENTIALS_DIRECTORY */
    const char *under_home;
    bool named; /* by the variable, or put there by systemd: then it must be readable */
    struct buf text;
};

/* dir/name as a string of its own; NULL without memory (then *rc). */
static char *join(const char *dir, const char *name, int *rc)
{
    struct buf path;
    buf_init(&path, 4096);
    if (buf_appendf(&path, "%s/%s", dir, name) != 0)
        *rc = -ENOMEM;
    return buf_take(&path);
}

/* The file that systemd has put there for us; NULL where there is none. */
static char *find_systemd(const char *name, int *rc)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char *path = dir && *dir ? join(dir, name, rc) : NULL;
    if (path && access(path, F_OK) != 0) {
        free(path);
        return NULL;
    }
    return path;
}

/* The file's path: by the variable ("~/" is the home), else systemd's, else under the home; NULL
 * without a home. */
static char *find_file(struct place *place, int *rc)
{
    const char *value = getenv(place->variable);
    const char *home = getenv("HOME");
    bool set = value && *value;
    place->named = true;
    if (set && strncmp(value, "~/", 2) != 0)
        return copy_env(place->variable, rc);
    char *path = set ? NULL : find_systemd(place->under_systemd, rc);
    if (path)
        return path;
    place->named = set;
    if (*rc || !home || !*home)
        return NULL;
    return join(home, set ? value + 2 : place->under_home, rc);
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
static int read_file(const char *path, struct buf *out, bool *ret_exposed)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
    int rc = read_all(fd, out);
    *ret_exposed = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH);
    close(fd); /* nothing was written: its result says nothing */
    return rc;
}

/* Read one file. One at its default place that we may not read is noted, not a failure: the keys
 * may come from elsewhere. */
static int load_file(struct sources *s, struct place *place, char **ret_path, bool *ret_exposed,
                     struct err *e)
{
    int rc = 0;
    *ret_path = find_file(place, &rc);
    if (rc)
        return err_set(e, rc, "", "", "out of memory");
    rc = *ret_path ? read_file(*ret_path, &place->text, ret_exposed) : 0;
    if (!rc)
        return 0;
    bool tolerated = !place->named && (rc == -EACCES || rc == -EPERM);
    err_set(tolerated ? &s->unread : e, rc, *ret_path, "a file that this user can read",
            "cannot read the file: %s", err_name(rc));
    return tolerated ? 0 : rc;
}

/* The bytes of a file. */
static struct span text_of(const struct place *place)
{
    return (struct span){place->text.data ? place->text.data : "", place->text.len};
}

/* One more profile out of both files. */
static int add_profile(struct sources *s, const char *name, const struct place *credentials,
                       const struct place *config, struct err *e)
{
    struct layer *l = &s->profiles[s->profile_count];
    l->name = strdup(name);
    if (!l->name)
        return err_set(e, -ENOMEM, "", "", "out of memory");
    s->profile_count++;
    int rc = profile_parse(text_of(credentials), s->credentials_file ? s->credentials_file : "",
                           PROFILE_CREDENTIALS, name, &l->credentials, e);
    if (rc)
        return rc;
    return profile_parse(text_of(config), s->config_file ? s->config_file : "", PROFILE_CONFIG,
                         name, &l->config, e);
}

/* A profile that somebody named is in one of the files. */
static int check_found(const struct sources *s, const struct layer *l, struct err *e)
{
    if (l->credentials.found || l->config.found)
        return 0;
    if (!s->unread.code)
        return err_set(e, -ENOENT, s->credentials_file ? s->credentials_file : "",
                       "a profile that is in it or in the config file",
                       "there is no profile \"%s\"", l->name);
    if (e)
        *e = s->unread;
    return s->unread.code;
}

/* The profiles from which the first takes its keys. A chain that breaks matters only where nothing
 * goes before it, so that is noted. */
static int add_sources(struct sources *s, const struct place *credentials,
                       const struct place *config, struct err *e)
{
    const char *name;
    while (!s->broken.code && (name = sources_next(s, &s->broken))) {
        int rc = add_profile(s, name, credentials, config, e);
        if (rc)
            return rc;
        (void)!check_found(s, &s->profiles[s->profile_count - 1], &s->broken); /* noted */
    }
    return 0;
}

/* What both files say of the profile. */
static int parse_files(struct sources *s, const char *name, const struct place *credentials,
                       const struct place *config, struct err *e)
{
    int rc = add_profile(s, name, credentials, config, e);
    if (!rc && s->profile_named)
        rc = check_found(s, &s->profiles[0], e);
    if (!rc)
        rc = add_sources(s, credentials, config, e);
    const char *services = rc ? NULL : layer_get(&s->profiles[0], services);
    if (services)
        rc = profile_parse_services(text_of(config), s->config_file ? s->config_file : "", services,
                                    &s->services, e);
    return rc;
}

/* What the two files say. */
static int read_profiles(struct sources *s, const char *name, struct err *e)
{
    bool exposed = false, config_exposed = false;
    struct place credentials = {.variable = "AWS_SHARED_CREDENTIALS_FILE",
                                .under_systemd = SYSTEMD_CREDENTIALS,
                                .under_home = ".aws/credentials"};
    struct place config = {.variable = "AWS_CONFIG_FILE",
                           .under_systemd = SYSTEMD_CONFIG,
                           .under_home = ".aws/config"};
    buf_init(&credentials.text, PROFILE_FILE_MAX + READ_STEP);
    buf_init(&config.text, PROFILE_FILE_MAX + READ_STEP);
    int rc = load_file(s, &credentials, &s->credentials_file, &exposed, e);
    if (!rc)
        rc = load_file(s, &config, &s->config_file, &config_exposed, e);
    if (!rc)
        rc = parse_files(s, name, &credentials, &config, e);
    buf_wipe(&credentials.text);
    buf_wipe(&config.text);
    if (!rc && exposed && s->profiles[0].credentials.secret_key)
        s->exposed_file = strdup(s->credentials_file); /* without memory nobody is warned */
    if (!rc && !s->exposed_file && config_exposed && s->profiles[0].config.secret_key)
        s->exposed_file = strdup(s->config_file);
    return rc;
}

/* What the environment says. */
static int read_environment(struct sources *s)
{
    struct utsname host;
    int rc = 0;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        char **field = (char **)(void *)((char *)s + variables[i].offset);
        if (!*field)
            *field = copy_env(variables[i].name, &rc);
    }
    if (uname(&host) == 0 && !(s->host = strdup(host.nodename)))
        rc = -ENOMEM;
    return rc;
}

/* The name of the profile: the option, else AWS_PROFILE, else AWS_DEFAULT_PROFILE, else "default";
 * and who named it. Borrowed. */
static const char *choose_profile(struct sources *s, const char *profile)
{
    const char *name = profile;
    s->profile_explicit = profile && *profile;
    if (!s->profile_explicit)
        name = getenv("AWS_PROFILE");
    if (!name || !*name)
        name = getenv("AWS_DEFAULT_PROFILE");
    s->profile_named = name && *name;
    return s->profile_named ? name : "default";
}

int sources_read(const char *profile, struct sources *ret, struct err *e)
{
    struct sources s = {0};
    const char *name = choose_profile(&s, profile);
    int rc = read_environment(&s);
    if (rc)
        err_set(e, rc, "", "", "out of memory");
    else
        rc = read_profiles(&s, name, e);
    if (rc)
        sources_release(&s);
    else
        *ret = s;
    return rc;
}
