/* Where figures are to be had: a loopback address with a port, or a file. Pure. */
#include "conf/value.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define HOST_MAX 64

/* An address of this machine alone, in its shortest form. */
static const char *normal_host(const char *host, bool bracketed, char out[INET6_ADDRSTRLEN])
{
    struct in_addr v4;
    struct in6_addr v6;
    if (bracketed) {
        if (inet_pton(AF_INET6, host, &v6) != 1)
            return "has no valid IPv6 address in its brackets";
        if (!IN6_IS_ADDR_LOOPBACK(&v6))
            return "is not a loopback address: others could read what the agent does";
        (void)inet_ntop(AF_INET6, &v6, out, INET6_ADDRSTRLEN); /* fits */
        return NULL;
    }
    if (inet_pton(AF_INET, host, &v4) != 1)
        return "does not begin with an IPv4 address, or an IPv6 one in brackets";
    if (ntohl(v4.s_addr) >> 24 != IN_LOOPBACKNET)
        return "is not a loopback address: others could read what the agent does";
    (void)inet_ntop(AF_INET, &v4, out, INET6_ADDRSTRLEN); /* fits */
    return NULL;
}

/* The port; 0 where there is none from 1 to 65535. */
static unsigned read_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    unsigned port = 0;
    if (n < 1 || n > 5 || text[n] != '\0')
        return 0;
    for (size_t i = 0; i < n; i++)
        port = port * 10 + (unsigned)(text[i] - '0');
    return port <= 65535 ? port : 0;
}

const char *value_listen(const char *text, char *out)
{
    char host[HOST_MAX], shortest[INET6_ADDRSTRLEN];
    bool bracketed = text[0] == '[';
    const char *begin = text + bracketed;
    size_t n = strcspn(begin, bracketed ? "]" : ":");
    const char *port = begin + n + (bracketed && begin[n] != '\0');
    const char *why;
    if (n >= sizeof(host))
        return "is too long";
    memcpy(host, begin, n);
    host[n] = '\0';
    why = normal_host(host, bracketed, shortest);
    if (why != NULL)
        return why;
    if (*port != ':' || read_port(port + 1) == 0)
        return "has no port from 1 to 65535 after ':'";
    (void)snprintf(out, VALUE_TEXT_MAX, bracketed ? "[%s]:%u" : "%s:%u", shortest,
                   read_port(port + 1)); /* fits */
    return NULL;
}

const char *value_prom(const char *text, char *out)
{
    const char *why = value_tree(text, out);
    const char *name = why == NULL ? strrchr(out, '/') + 1 : NULL;
    size_t n = name != NULL ? strlen(name) : 0;
    if (why != NULL)
        return why;
    if (n <= 5 || strcmp(name + n - 5, ".prom") != 0)
        return "does not end in \".prom\", as the collector wants";
    return NULL;
}
