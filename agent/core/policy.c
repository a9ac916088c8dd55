/* Pure. What a list's policies did, in words. */
#include "agent/core/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool policy_words(const struct lst_rewrite_stats *s, char *out, size_t size)
{
    const struct {
        uint64_t rows;
        const char *did;
    } parts[] = {{s->unfollowed, "rows dropped by on_rename = \"drop\""},
                 {s->kept, "rows kept by on_remove = \"keep\""},
                 {s->reindexed, "rows numbered anew by reindex"},
                 {s->relabelled, "rows relabelled by label_from_directory"},
                 {s->strangers, "rows that label_from_directory has no class for"}};
    size_t n = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof *parts && n < size; i++)
        if (parts[i].rows)
            n += (size_t)snprintf(out + n, size - n, "%s%" PRIu64 " %s", n ? ", " : "",
                                  parts[i].rows, parts[i].did);
    return n > 0;
}
