/* What an exchange holds, and the headers of its answer. Pure. See wire.h. */
#include "uploaders/wire.h"

#include <string.h>

void wire_exchange_init(struct exchange *x)
{
    buf_init(&x->head, WIRE_HEAD_MAX);
    buf_init(&x->answer, SIZE_MAX / 2);
}

void wire_exchange_release(struct exchange *x)
{
    buf_release(&x->head);
    buf_release(&x->answer);
}

bool wire_head_next(const struct exchange *x, size_t *at, const char **ret_name,
                    const char **ret_value)
{
    if (*at >= x->head.len)
        return false;
    const char *name = x->head.data + *at;
    const char *value = name + strlen(name) + 1;
    *at += strlen(name) + strlen(value) + 2;
    *ret_name = name;
    *ret_value = value;
    return true;
}

const char *wire_head(const struct exchange *x, const char *name)
{
    const char *found, *value;
    for (size_t at = 0; wire_head_next(x, &at, &found, &value);)
        if (strcmp(found, name) == 0)
            return value;
    return NULL;
}
