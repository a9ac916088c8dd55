/* Which proxy requests go through. Shell: it looks at the environment. */
#include "uploaders/proxies.h"
#include "uploaders/wire.h"

#include <stdlib.h>
#include <string.h>

const char *wire_proxy(const char *proxy)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    if (proxy)
        return strcmp(proxy, "none") == 0 ? "" : proxy;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = getenv(names[i]);
        if (value && *value)
            return NULL;
    }
    return "";
}

const char *wire_plain_proxy(const char *proxy, struct span authority)
{
    static const char *const names[] = {"http_proxy", "all_proxy", "ALL_PROXY"};
    if (proxy && *proxy == '\0')
        return "";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !proxy; i++)
        proxy = getenv(names[i]);
    const char *list = getenv("no_proxy");
    list = list ? list : getenv("NO_PROXY");
    return !proxy || (list && proxies_except(list, authority)) ? "" : proxy;
}
