/*
 * The shared files of the AWS tools. Pure.
 *
 * A line is blank, a comment, a header, "name = value", or belongs to the setting above it: that is
 * so where it is indented more than that setting.
 */
#include "uploaders/profile.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *file;
    enum profile_file kind;
    struct span name; /* of the section wanted */
    unsigned line;
    bool in_section;
    bool in_wanted;  /* the section is the one wanted */
    bool in_setting; /* a setting came before in this section, indented by: */
    size_t indent;
    struct profile *profile;   /* a profile is wanted; NULL: a services section is: */
    struct services *services; /* what it says */
    char **service_url;        /* where the nested endpoint_url goes; NULL: not wanted */
    struct err *e;
};

/* Which bytes a value may have. */
enum alphabet {
    PLAIN, /* it may stand in a header: printable ASCII, no blanks */
    WORDS  /* anything but control bytes */
};

/* The settings that are kept. */
static const struct {
    const char *name;
    size_t offset;
    enum alphabet alphabet;
} fields[] = {
    {"aws_access_key_id", offsetof(struct profile, access_key), PLAIN},
    {"aws_secret_access_key", offsetof(struct profile, secret_key), PLAIN},
    {"aws_session_token", offsetof(struct profile, session_token), PLAIN},
    {"region", offsetof(struct profile, region), PLAIN},
    {"endpoint_url", offsetof(struct profile, endpoint_url), PLAIN},
    {"ignore_configured_endpoint_urls", offsetof(struct profile, ignore_endpoints), PLAIN},
    {"use_fips_endpoint", offsetof(struct profile, use_fips), PLAIN},
    {"use_dualstack_endpoint", offsetof(struct profile, use_dualstack), PLAIN},
    {"services", offsetof(struct profile, services), WORDS},
    {"role_arn", offsetof(struct profile, role_arn), PLAIN},
    {"source_profile", offsetof(struct profile, source_profile), WORDS},
    {"credential_source", offsetof(struct profile, credential_source), WORDS},
    {"external_id", offsetof(struct profile, external_id), PLAIN},
    {"role_session_name", offsetof(struct profile, session_name), PLAIN},
    {"duration_seconds", offsetof(struct profile, duration), PLAIN},
    {"mfa_serial", offsetof(struct profile, mfa_serial), PLAIN},
    {"web_identity_token_file", offsetof(struct profile, token_file), WORDS},
    {"credential_process", offsetof(struct profile, process), WORDS},
    {"ec2_metadata_service_endpoint", offsetof(struct profile, metadata_endpoint), PLAIN},
    {"ec2_metadata_service_endpoint_mode", offsetof(struct profile, metadata_mode), PLAIN},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

/* Tell a fault at the reader's line. Returns code. */
static int fault(const struct reader *r, int code, const char *right, const char *what)
{
    char where[ERR_TEXT_MAX];
    snprintf(where, sizeof(where), "%.480s:%u", r->file, r->line);
    return err_set(r->e, code, where, right, "%s", what);
}

/* Space or tab, or the CR of a line from Windows. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Without blanks at both ends. */
static struct span trim(struct span s)
{
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* Up to a comment: '#' or ';' after a blank. */
static struct span cut_comment(struct span s)
{
    for (size_t i = 1; i < s.n; i++)
        if ((s.p[i] == '#' || s.p[i] == ';') && is_blank(s.p[i - 1]))
            s.n = i;
    return trim(s);
}

/* The same letters in any case. */
static bool is_word(struct span s, const char *word)
{
    return s.n == strlen(word) && strncasecmp(s.p, word, s.n) == 0;
}

/* "profile x" -> x. false where the section is another kind of section. */
static bool cut_word(struct span *s, const char *word)
{
    size_t n = strlen(word);
    if (s->n <= n || memcmp(s->p, word, n) != 0 || !is_blank(s->p[n]))
        return false;
    *s = trim((struct span){s->p + n, s->n - n});
    bool quoted = s->n >= 2 && (s->p[0] == '"' || s->p[0] == '\'') && s->p[s->n - 1] == s->p[0];
    if (quoted)
        *s = (struct span){s->p + 1, s->n - 2};
    return true;
}

/* The section is the one wanted. */
static bool is_wanted(const struct reader *r, struct span section)
{
    if (!r->profile)
        return cut_word(&section, "services") && span_equal(section, r->name);
    if (r->kind == PROFILE_CONFIG && !cut_word(&section, "profile") && !is_word(section, "default"))
        return false;
    return span_equal(section, r->name);
}

/* "[name]". */
static int read_header(struct reader *r, struct span line)
{
    const char *close = memchr(line.p, ']', line.n);
    if (!close)
        return fault(r, ERR_SYNTAX, "[name]", "the section's ']' is missing");
    struct span name = trim((struct span){line.p + 1, (size_t)(close - line.p) - 1});
    struct span rest = {close + 1, line.n - (size_t)(close - line.p) - 1};
    rest = trim(rest);
    if (rest.n && rest.p[0] != '#' && rest.p[0] != ';')
        return fault(r, ERR_SYNTAX, "[name] alone on its line", "text after the section's ']'");
    if (!name.n)
        return fault(r, ERR_SYNTAX, "[name]", "the section has no name");
    r->in_section = true;
    r->in_setting = false;
    r->service_url = NULL;
    r->in_wanted = is_wanted(r, name);
    if (r->profile && r->in_wanted)
        r->profile->found = true;
    return 0;
}

/* Note a setting by which the keys come from a login of a person. */
static void note_login(struct profile *p, struct span name)
{
    static const char *const logins[] = {"sso_session", "sso_start_url", "login_session"};
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
        if (is_word(name, logins[i]))
            p->login = logins[i];
}

/* Keep the value of a setting that we know. */
static int keep_value(struct reader *r, char **field, enum alphabet alphabet, struct span value)
{
    if (value.n > PROFILE_VALUE_MAX)
        return fault(r, ERR_LIMIT, "at most 8192 bytes", "the value is too long");
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if (alphabet == PLAIN && (c <= ' ' || c > '~'))
            return fault(r, ERR_SYNTAX, "printable ASCII without blanks",
                         "the value has a byte that does not belong there");
        if (c < ' ' || c == 0x7f)
            return fault(r, ERR_SYNTAX, "text without control bytes",
                         "the value has a byte that does not belong there");
    }
    secret_free(*field);
    *field = NULL;
    if (!value.n)
        return 0;
    *field = strndup(value.p, value.n);
    return *field ? 0 : fault(r, -ENOMEM, "", "out of memory");
}

/* A setting of the profile wanted. */
static int keep_setting(struct reader *r, struct span name, struct span value)
{
    note_login(r->profile, name);
    for (size_t i = 0; i < FIELDS; i++)
        if (is_word(name, fields[i].name))
            return keep_value(r, (char **)(void *)((char *)r->profile + fields[i].offset),
                              fields[i].alphabet, value);
    return 0;
}

/* A setting of the services section wanted: the name of a service, whose settings are nested. */
static void choose_service(struct reader *r, struct span name)
{
    r->service_url = is_word(name, "s3")    ? &r->services->s3_url
                     : is_word(name, "sts") ? &r->services->sts_url
                                            : NULL;
}

/* "name = value" ('=' or ':', as the tools accept) into its two parts; false where it is not. */
static bool split_setting(struct span line, struct span *ret_name, struct span *ret_value)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != '=' && line.p[n] != ':')
        n++;
    *ret_name = trim((struct span){line.p, n});
    if (n == line.n || !ret_name->n)
        return false;
    *ret_value = cut_comment((struct span){line.p + n + 1, line.n - n - 1});
    return true;
}

/* A setting of a section. */
static int read_setting(struct reader *r, struct span line, size_t indent)
{
    struct span name, value;
    if (!split_setting(line, &name, &value))
        return fault(r, ERR_SYNTAX, "name = value", "neither a section, a setting nor a comment");
    if (!r->in_section)
        return fault(r, ERR_SYNTAX, "a [section] first", "a setting before any section");
    r->in_setting = true;
    r->indent = indent;
    r->service_url = NULL;
    if (!r->in_wanted)
        return 0;
    if (r->profile)
        return keep_setting(r, name, value);
    choose_service(r, name);
    return 0;
}

/* A line that belongs to the setting above it. */
static int read_nested(struct reader *r, struct span line)
{
    struct span name, value;
    if (!r->service_url || !split_setting(line, &name, &value) || !is_word(name, "endpoint_url"))
        return 0;
    return keep_value(r, r->service_url, PLAIN, value);
}

/* One line without its LF. */
static int read_line(struct reader *r, struct span line)
{
    if (memchr(line.p, '\0', line.n))
        return fault(r, ERR_SYNTAX, "a text file", "a NUL byte");
    size_t indent = 0;
    while (indent < line.n && is_blank(line.p[indent]))
        indent++;
    line = trim(line);
    if (!line.n || line.p[0] == '#' || line.p[0] == ';')
        return 0;
    if (r->in_setting && indent > r->indent)
        return read_nested(r, line);
    return line.p[0] == '[' ? read_header(r, line) : read_setting(r, line, indent);
}

/* All lines of the text. */
static int read_lines(struct reader *r, struct span text)
{
    int rc = 0;
    if (text.n > PROFILE_FILE_MAX)
        return err_set(r->e, ERR_LIMIT, r->file, "at most 1 MiB", "the file has %zu bytes", text.n);
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = (struct span){text.p + 3, text.n - 3};
    while (!rc && text.n) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end ? (size_t)(end - text.p) : text.n;
        r->line++;
        rc = read_line(r, (struct span){text.p, n});
        n += end ? 1 : 0;
        text = (struct span){text.p + n, text.n - n};
    }
    return rc;
}

int profile_parse(struct span text, const char *file_name, enum profile_file kind, const char *name,
                  struct profile *ret, struct err *e)
{
    struct profile p = {0};
    struct reader r = {
        .file = file_name, .kind = kind, .name = span_of(name), .profile = &p, .e = e};
    int rc = read_lines(&r, text);
    if (rc) {
        profile_release(&p);
        return rc;
    }
    *ret = p;
    return 0;
}

int profile_parse_services(struct span text, const char *file_name, const char *name,
                           struct services *ret, struct err *e)
{
    struct services s = {0};
    struct reader r = {
        .file = file_name, .kind = PROFILE_CONFIG, .name = span_of(name), .services = &s, .e = e};
    int rc = read_lines(&r, text);
    if (rc) {
        services_release(&s);
        return rc;
    }
    *ret = s;
    return 0;
}

void secret_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

void profile_release(struct profile *p)
{
    for (size_t i = 0; i < FIELDS; i++)
        secret_free(*(char **)(void *)((char *)p + fields[i].offset));
    *p = (struct profile){0};
}

void services_release(struct services *s)
{
    secret_free(s->s3_url);
    secret_free(s->sts_url);
    *s = (struct services){0};
}
