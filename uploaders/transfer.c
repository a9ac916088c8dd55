/* Transfers: made and freed. Pure. */
#include "uploaders/uploaders.h"

#include <stdlib.h>
#include <string.h>

struct transfer *transfer_new(enum transfer_kind kind, const char *key)
{
    struct transfer *t = calloc(1, sizeof(*t));
    if (!t)
        return NULL;
    t->kind = kind;
    t->root_fd = -1;
    if (key && !(t->key = strdup(key))) {
        free(t);
        return NULL;
    }
    return t;
}

void transfer_free(struct transfer *t)
{
    if (!t)
        return;
    for (size_t i = 0; t->items && i < t->item_count; i++) {
        free(t->items[i].key);
        free(t->items[i].etag);
    }
    free(t->items);
    free(t->key);
    free(t->path);
    free(t->source_key);
    free(t->source_etag);
    free(t->upload_id);
    free(t);
}
