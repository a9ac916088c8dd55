/* What a proxy's URL and a list of exceptions say. Pure. See proxies.h. */
#include "uploaders/proxies.h"

#include "base/digest.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDRESS_TEXT 64 /* room for an address, or a network with its prefix */

/* An address of either family. */
struct ip {
    uint8_t bytes[16];
    unsigned bits; /* 32, 128; 0: it is none */
};

/* Text of n bytes as an address. */
static struct ip ip_of(const char *text, size_t n)
{
    struct ip ip = {.bits = 0};
    char copy[ADDRESS_TEXT];
    if (n >= sizeof(copy))
        return ip;
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (inet_pton(AF_INET, copy, ip.bytes) == 1)
        ip.bits = 32;
    else if (inet_pton(AF_INET6, copy, ip.bytes) == 1)
        ip.bits = 128;
    return ip;
}

/* The bits of "/24", all of them where there is none; UINT_MAX where it is no number. */
static unsigned prefix_of(const char *slash, const char *end, unsigned all)
{
    unsigned bits = 0;
    if (!slash)
        return all;
    if (slash + 1 == end)
        return UINT_MAX;
    for (const char *p = slash + 1; p < end; p++) {
        if (!isdigit((unsigned char)*p) || bits > 128)
            return UINT_MAX;
        bits = bits * 10 + (unsigned)(*p - '0');
    }
    return bits;
}

/* Is the address in the network that the word names? */
static bool names_ip(struct span word, const struct ip *host)
{
    const char *slash = memchr(word.p, '/', word.n);
    struct ip net = ip_of(word.p, slash ? (size_t)(slash - word.p) : word.n);
    unsigned bits = prefix_of(slash, word.p + word.n, net.bits);
    if (net.bits != host->bits || bits > net.bits)
        return false;
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(net.bytes, host->bytes, whole) != 0)
        return false;
    return rest == 0 || ((net.bytes[whole] ^ host->bytes[whole]) & (0xff00 >> rest) & 0xff) == 0;
}

/* Is the host the word's, or below it? */
static bool names_host(struct span word, struct span host)
{
    if (word.n > 0 && word.p[word.n - 1] == '.')
        word.n--;
    if (word.n > 0 && word.p[0] == '.')
        word = (struct span){word.p + 1, word.n - 1};
    if (word.n == 0 || word.n > host.n)
        return false;
    size_t before = host.n - word.n;
    return strncasecmp(word.p, host.p + before, word.n) == 0 &&
           (before == 0 || host.p[before - 1] == '.');
}

/* The host without port, brackets and a last dot. */
static struct span host_of(struct span authority)
{
    struct span host = authority;
    if (host.n > 0 && host.p[0] == '[') {
        const char *end = memchr(host.p, ']', host.n);
        return (struct span){host.p + 1, end ? (size_t)(end - host.p) - 1 : host.n - 1};
    }
    const char *colon = memchr(host.p, ':', host.n);
    host.n = colon ? (size_t)(colon - host.p) : host.n;
    if (host.n > 1 && host.p[host.n - 1] == '.')
        host.n--;
    return host;
}

bool proxies_except(const char *list, struct span authority)
{
    static const char between[] = ", \t";
    struct span host = host_of(authority);
    struct ip ip = ip_of(host.p, host.n);
    if (strcmp(list, "*") == 0)
        return true;
    for (const char *p = list + strspn(list, between); *p; p += strspn(p, between)) {
        struct span word = {p, strcspn(p, between)};
        if (ip.bits > 0 ? names_ip(word, &ip) : names_host(word, host))
            return true;
        p += word.n;
    }
    return false;
}

/* Behind "scheme://". */
static const char *behind_scheme(const char *url)
{
    const char *at = strstr(url, "://");
    return at ? at + 3 : url;
}

bool proxies_reads(const char *url)
{
    size_t n = (size_t)(behind_scheme(url) - url);
    return n == 0 || (n == 7 && strncasecmp(url, "http", 4) == 0) ||
           (n == 8 && strncasecmp(url, "https", 5) == 0);
}

static int digit_of(char c)
{
    return c <= '9' ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* n characters in percent encoding as bytes; how many. */
static size_t decode(const char *p, size_t n, char *out)
{
    size_t made = 0;
    for (size_t i = 0; i < n; i++) {
        bool coded = p[i] == '%' && i + 2 < n && isxdigit((unsigned char)p[i + 1]) &&
                     isxdigit((unsigned char)p[i + 2]);
        out[made++] = coded ? (char)(digit_of(p[i + 1]) * 16 + digit_of(p[i + 2])) : p[i];
        i += coded ? 2 : 0;
    }
    return made;
}

int proxies_authorization(const char *url, struct buf *out)
{
    const char *user = behind_scheme(url);
    size_t n = strcspn(user, "/?#");
    while (n > 0 && user[n - 1] != '@')
        n--;
    if (n == 0)
        return 0;
    n--;
    bool colon = memchr(user, ':', n) != NULL;
    char *plain = malloc(n + 2), *coded = malloc(base64_size(n + 1) + 1);
    int rc = plain && coded ? buf_append_str(out, "Basic ") : -ENOMEM;
    if (rc == 0) {
        size_t plain_n = decode(user, n, plain);
        if (!colon)
            plain[plain_n++] = ':';
        rc = buf_append_str(out, base64_encode(plain, plain_n, coded));
    }
    free(plain);
    free(coded);
    return rc;
}
