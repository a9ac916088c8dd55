/* Requests to the running agent: any bytes at all, and what is read reads again the same. */
#include "agent/core/request.h"
#include "base/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request was, is;
    struct json_writer w;
    struct buf out;

    memset(&was, 0xa5, sizeof was);
    is = was;
    if (!request_parse((struct span){(const char *)data, size}, &was)) {
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-*): no byte has changed */
        if (memcmp(&was, &is, sizeof was) != 0)
            abort();
        return 0;
    }
    if (strlen(was.cmd) >= sizeof was.cmd || strlen(was.mapping) >= sizeof was.mapping)
        abort();
    buf_init(&out, REQUEST_BYTES_MAX);
    json_begin(&w, &out);
    json_object(&w, NULL);
    json_put_string(&w, "cmd", was.cmd);
    json_put_string(&w, "mapping", was.mapping);
    json_put_bool(&w, "json", was.json);
    json_object_end(&w);
    if (json_end(&w) || !request_parse((struct span){out.data, out.len}, &is))
        abort();
    if (strcmp(was.cmd, is.cmd) != 0 || strcmp(was.mapping, is.mapping) != 0 || was.json != is.json)
        abort();
    buf_release(&out);
    return 0;
}
