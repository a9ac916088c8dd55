/* What an exchange holds, and the headers of an answer as they are kept. Pure. See wire.h. */
#include "uploaders/wire.h"

#include <ctype.h>
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

int wire_head_keep(struct exchange *x, const char *line, size_t n)
{
    struct buf *head = &x->head;
    const char *colon = memchr(line, ':', n);
    if (!colon)
        return 0;
    struct span value = {colon + 1, n - (size_t)(colon + 1 - line)};
    while (value.n > 0 && isspace((unsigned char)value.p[0]))
        value = (struct span){value.p + 1, value.n - 1};
    while (value.n > 0 && isspace((unsigned char)value.p[value.n - 1]))
        value.n--;
    size_t name_at = head->len, name_n = (size_t)(colon - line);
    if (buf_reserve(head, name_n + value.n + 2) != 0 || buf_append(head, line, name_n) != 0 ||
        buf_append_byte(head, '\0') != 0 || buf_append_span(head, value) != 0 ||
        buf_append_byte(head, '\0') != 0)
        return -1;
    for (size_t i = name_at; i < name_at + name_n; i++)
        head->data[i] = (char)tolower((unsigned char)head->data[i]);
    return 0;
}
