/*
 * The shared files of the AWS tools. Pure.
 *
 * A line is blank, a comment, a header, "name = value", or belongs to the setting above it: that is
 * so where it is indented more than that setting.
 */
#include "uploaders/profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
    const char *file;
    enum profile_file kind;
    struct span name; /* of the profile wanted */
    unsigned line;
    bool in_section;
    bool in_profile; /* the section is the profile's */
    bool in_setting; /* a setting came before in this section, indented by: */
    size_t indent;
    struct profile *profile;
    struct err *e;
};

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
static bool cut_profile_word(struct span *s)
{
    static const char word[] = "profile";
    size_t n = sizeof(word) - 1;
    if (s->n <= n || memcmp(s->p, word, n) != 0 || !is_blank(s->p[n]))
        return false;
    *s = trim((struct span){s->p + n, s->n - n});
    bool quoted = s->n >= 2 && (s->p[0] == '"' || s->p[0] == '\'') && s->p[s->n - 1] == s->p[0];
    if (quoted)
        *s = (struct span){s->p + 1, s->n - 2};
    return true;
}

/* The section's name is that of the profile wanted. */
static bool is_profile(const struct reader *r, struct span section)
{
    if (r->kind == PROFILE_CONFIG && !cut_profile_word(&section) && !is_word(section, "default"))
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
    r->in_profile = is_profile(r, name);
    r->profile->found = r->profile->found || r->in_profile;
    return 0;
}

/* Where the value of a setting goes; NULL for those that carry no text for us. */
static char **find_field(struct profile *p, struct span name)
{
    const struct {
        const char *name;
        char **field;
    } fields[] = {
        {"aws_access_key_id", &p->access_key},    {"aws_secret_access_key", &p->secret_key},
        {"aws_session_token", &p->session_token}, {"region", &p->region},
        {"endpoint_url", &p->endpoint_url},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (is_word(name, fields[i].name))
            return fields[i].field;
    return NULL;
}

/* Note a setting by which the keys come from elsewhere. */
static void note_other(struct profile *p, struct span name)
{
    static const char *const roles[] = {"role_arn", "web_identity_token_file", "sso_session",
                                        "sso_start_url"};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if (is_word(name, roles[i])) {
            p->role = true;
            p->other = roles[i];
        }
    }
    if (is_word(name, "credential_process")) {
        p->process = true;
        p->other = p->role ? p->other : "credential_process";
    }
}

/* Keep the value of a setting that we know. */
static int keep_value(struct reader *r, char **field, struct span value)
{
    if (value.n > PROFILE_VALUE_MAX)
        return fault(r, ERR_LIMIT, "at most 8192 bytes", "the value is too long");
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] <= ' ' || value.p[i] > '~')
            return fault(r, ERR_SYNTAX, "printable ASCII without blanks",
                         "the value has a byte that does not belong there");
    secret_free(*field);
    *field = NULL;
    if (!value.n)
        return 0;
    *field = strndup(value.p, value.n);
    return *field ? 0 : fault(r, -ENOMEM, "", "out of memory");
}

/* "name = value" ('=' or ':', as the tools accept). */
static int read_setting(struct reader *r, struct span line, size_t indent)
{
    size_t n = 0;
    while (n < line.n && line.p[n] != '=' && line.p[n] != ':')
        n++;
    struct span name = trim((struct span){line.p, n});
    if (n == line.n || !name.n)
        return fault(r, ERR_SYNTAX, "name = value", "neither a section, a setting nor a comment");
    if (!r->in_section)
        return fault(r, ERR_SYNTAX, "a [section] first", "a setting before any section");
    r->in_setting = true;
    r->indent = indent;
    if (!r->in_profile)
        return 0;
    struct span value = cut_comment((struct span){line.p + n + 1, line.n - n - 1});
    note_other(r->profile, name);
    char **field = find_field(r->profile, name);
    return field ? keep_value(r, field, value) : 0;
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
        return 0;
    return line.p[0] == '[' ? read_header(r, line) : read_setting(r, line, indent);
}

/* All lines of the text. */
static int read_lines(struct reader *r, struct span text)
{
    int rc = 0;
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
    if (text.n > PROFILE_FILE_MAX)
        return err_set(e, ERR_LIMIT, file_name, "at most 1 MiB", "the file has %zu bytes", text.n);
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        text = (struct span){text.p + 3, text.n - 3};
    int rc = read_lines(&r, text);
    if (rc) {
        profile_release(&p);
        return rc;
    }
    *ret = p;
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
    secret_free(p->access_key);
    secret_free(p->secret_key);
    secret_free(p->session_token);
    secret_free(p->region);
    secret_free(p->endpoint_url);
    *p = (struct profile){0};
}
