/* Single texts: what is allowed, and their normal form. Pure. */
#include "conf/value.h"

#include "base/path.h"
#include "conf/conf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char too_long[] = "is too long";

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* A copy into out, as long as it fits. */
static const char *accept(const char *text, char *out)
{
    size_t n = strlen(text);
    if (n >= VALUE_TEXT_MAX)
        return too_long;
    memcpy(out, text, n + 1);
    return NULL;
}

/* Is there a byte that no name of ours may hold (controls, DEL)? */
static bool has_control(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return true;
    }
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

const char *value_name(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is empty";
    if (strlen(text) > CONF_NAME_MAX)
        return too_long;
    if (!is_alnum(text[0]))
        return "does not begin with a letter or digit";
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_alnum(*p) && strchr("._-", *p) == NULL)
            return "holds a byte that is not a letter, digit, '.', '_' or '-'";
    }
    return accept(text, out);
}

/* The component at *p, *p moved past it and the '/' after it. */
static size_t next_component(const char **p, const char **ret_begin)
{
    while (**p == '/')
        (*p)++;
    *ret_begin = *p;
    size_t n = strcspn(*p, "/");
    *p += n;
    return n;
}

const char *value_path(const char *text, char *out)
{
    if (text[0] != '/')
        return "is not absolute";
    if (strlen(text) >= VALUE_TEXT_MAX)
        return too_long;
    size_t len = 0;
    const char *p = text;
    const char *begin;
    for (size_t n = next_component(&p, &begin); n > 0; n = next_component(&p, &begin)) {
        if (n == 2 && memcmp(begin, "..", 2) == 0)
            return "goes upwards with '..'";
        if (n > PATH_COMPONENT_MAX)
            return "has a component of more than 255 bytes";
        if (n == 1 && *begin == '.')
            continue;
        out[len++] = '/';
        memcpy(out + len, begin, n);
        len += n;
    }
    if (len == 0)
        out[len++] = '/';
    out[len] = '\0';
    return NULL;
}

const char *value_tree(const char *text, char *out)
{
    const char *why = value_path(text, out);
    if (why != NULL)
        return why;
    return strcmp(out, "/") == 0 ? "is the root of everything" : NULL;
}

const char *value_socket(const char *text, char *out)
{
    const char *why = value_tree(text, out);
    if (why != NULL)
        return why;
    return strlen(out) > VALUE_SOCKET_MAX ? "is too long for a socket's address" : NULL;
}

const char *value_secret(const char *text, char *out)
{
    return text[0] == '/' ? value_tree(text, out) : value_name(text, out);
}

const char *value_trash(const char *text, char *out)
{
    return text[0] == '\0' ? "is empty" : value_prefix(text, out);
}

const char *value_prefix(const char *text, char *out)
{
    size_t len = strlen(text);
    if (len > VALUE_PREFIX_MAX)
        return too_long;
    if (text[0] == '/')
        return "begins with '/'";
    if (!path_is_utf8(text))
        return "is not UTF-8";
    if (has_control(text))
        return "holds a control byte";
    for (const char *p = text; *p != '\0';) {
        size_t n = strcspn(p, "/");
        if (n == 0)
            return "has an empty component";
        if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
            return "has '.' or '..' as a component";
        p += n;
        if (*p == '/')
            p++;
    }
    memcpy(out, text, len + 1);
    if (len > 0 && text[len - 1] != '/')
        memcpy(out + len, "/", 2);
    return NULL;
}

/* Four groups of digits with dots between. */
static bool looks_like_address(const char *text)
{
    if (strspn(text, "0123456789.") != strlen(text))
        return false;
    size_t dots = 0;
    for (const char *p = text; *p != '\0'; p++)
        dots += *p == '.';
    return dots == 3;
}

/* Beginnings and ends that S3 keeps for itself. Aliases of access points ("-s3alias") are names
 * that requests may use like a bucket's, so they are not among them. */
static const char *bucket_reserved(const char *text)
{
    static const char *const starts[] = {"xn--", "sthree-", "amzn-s3-demo-"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        if (starts_with(text, starts[i]))
            return "begins as S3 keeps for itself";
    }
    if (ends_with(text, "--x-s3"))
        return "is a directory bucket (S3 Express), which keeps no order of keys";
    if (ends_with(text, ".mrap") || ends_with(text, "--ol-s3") || ends_with(text, "--table-s3"))
        return "ends as S3 keeps for itself";
    return NULL;
}

const char *value_bucket(const char *text, char *out)
{
    size_t len = strlen(text);
    if (starts_with(text, "arn:"))
        return value_access_point(text, out);
    if (len < 3)
        return "is shorter than 3 bytes";
    if (len > 63)
        return "is longer than 63 bytes";
    for (const char *p = text; *p != '\0'; p++) {
        if (*p >= 'A' && *p <= 'Z')
            return "has an upper-case letter";
        if (!is_lower_or_digit(*p) && *p != '.' && *p != '-')
            return "holds a byte that is not a lower-case letter, digit, '.' or '-'";
    }
    if (!is_lower_or_digit(text[0]) || !is_lower_or_digit(text[len - 1]))
        return "does not begin and end with a letter or digit";
    if (strstr(text, "..") != NULL)
        return "has two dots in a row";
    if (looks_like_address(text))
        return "looks like an IP address";
    const char *why = bucket_reserved(text);
    return why != NULL ? why : accept(text, out);
}

const char *value_region(const char *text, char *out)
{
    size_t len = strlen(text);
    if (len == 0)
        return "is empty";
    if (len > 63)
        return too_long;
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_lower_or_digit(*p) && *p != '-')
            return "holds a byte that is not a lower-case letter, digit or '-'";
    }
    return accept(text, out);
}

const char *value_profile(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is empty";
    if (has_control(text) || strpbrk(text, "[]") != NULL)
        return "holds a byte that no profile's name has";
    return accept(text, out);
}

/* An hour of one or two digits, *p moved past it; -1 where there is none from 0 to 24. */
static int read_hour(const char **p)
{
    size_t n = strspn(*p, "0123456789");
    if (n < 1 || n > 2)
        return -1;
    int hour = (*p)[0] - '0';
    if (n == 2)
        hour = hour * 10 + (*p)[1] - '0';
    *p += n;
    return hour <= 24 ? hour : -1;
}

const char *value_hours(const char *text, char *out)
{
    const char *p = text;
    int from = read_hour(&p);
    if (from < 0 || *p != '-')
        return "is not two hours with '-' between them";
    p++;
    int to = read_hour(&p);
    if (to < 0 || *p != '\0')
        return "is not two hours with '-' between them";
    if (from == to || from == 24)
        return "is no time at all";
    (void)snprintf(out, VALUE_TEXT_MAX, "%02d-%02d", from, to); /* fits */
    return NULL;
}

const char *value_pattern(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is empty";
    if (text[0] == '/')
        return "begins with '/', but paths here are relative to the mapping's path";
    if (starts_with(text, "./"))
        return "begins with './', which no path does";
    if (ends_with(text, "/"))
        return "ends in '/', which no path does";
    return accept(text, out);
}

const char *value_suffix(const char *text, char *out)
{
    if (text[0] == '\0')
        return "is empty";
    if (strlen(text) > VALUE_SUFFIX_MAX)
        return "is longer than 64 bytes";
    for (const char *p = text; *p != '\0'; p++) {
        if (!is_alnum(*p) && strchr("._-", *p) == NULL)
            return "holds a byte that is not a letter, digit, '.', '_' or '-'";
    }
    if (ends_with(text, ".lst"))
        return "makes the manifest a list";
    if (starts_with(text, ".lst"))
        return "begins with .lst, so that the manifest would be in the channel of its list";
    return accept(text, out);
}

const char *value_marker(const char *text, char *out)
{
    if (path_check(text))
        return "is no path below the tree";
    return accept(text, out);
}

/* The host of an endpoint, n bytes: a name, an IPv4 address, or an IPv6 one in brackets. */
static const char *check_host(const char *p, size_t n)
{
    if (n == 0)
        return "names no host";
    if (p[0] == '[') {
        bool fits = n > 3 && p[n - 1] == ']' &&
                    strspn(p + 1, "0123456789abcdefABCDEF:.") == n - 2 && memchr(p, ':', n) != NULL;
        return fits ? NULL : "has no valid IPv6 address in its brackets";
    }
    if (n > 253)
        return "has a host name of more than 253 bytes";
    for (size_t i = 0; i < n; i++) {
        if (!is_alnum(p[i]) && p[i] != '-' && p[i] != '.' && p[i] != '_')
            return "has a host with a byte that no host name has";
        bool edge = i == 0 || i == n - 1 || p[i - 1] == '.';
        if (edge && !is_alnum(p[i]) && !(p[i] == '.' && i == n - 1 && n > 1))
            return "has a host with an empty or badly begun label";
    }
    return NULL;
}

/* ":port" or nothing. */
static const char *check_port(const char *p, size_t n)
{
    static const char why[] = "has no port from 1 to 65535 after ':'";
    if (n == 0)
        return NULL;
    unsigned port = 0;
    if (p[0] != ':' || n < 2 || n > 6)
        return why;
    for (size_t i = 1; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return why;
        port = port * 10 + (unsigned)(p[i] - '0');
    }
    return port >= 1 && port <= 65535 ? NULL : why;
}

const char *value_endpoint(const char *text, char *out)
{
    if (strlen(text) >= VALUE_TEXT_MAX)
        return too_long;
    const char *colon = strstr(text, "://");
    size_t scheme = colon == NULL ? 0 : (size_t)(colon - text);
    if (!(scheme == 4 && strncasecmp(text, "http", 4) == 0) &&
        !(scheme == 5 && strncasecmp(text, "https", 5) == 0))
        return "does not begin with http:// or https://";
    const char *host = colon + 3;
    size_t authority = strcspn(host, "/?#");
    const char *rest = host + authority;
    if (memchr(host, '@', authority) != NULL)
        return "carries a user or password";
    size_t n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/?#");
    if (n > authority)
        return "has no valid IPv6 address in its brackets";
    const char *why = check_host(host, n);
    if (why == NULL)
        why = check_port(host + n, authority - n);
    if (why != NULL)
        return why;
    if (rest[0] != '\0' && strcmp(rest, "/") != 0)
        return "goes on after the host";
    size_t len = (size_t)(rest - text);
    for (size_t i = 0; i < len; i++)
        out[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    out[len] = '\0';
    return NULL;
}

const char *value_proxy(const char *text, char *out)
{
    return strcmp(text, "none") == 0 ? accept(text, out) : value_endpoint(text, out);
}
