/* Shell. What the agent has in its memory about images and their rows, told where it changed. */
#include "tests/simulation/sim.h"

#include "agent/core/rows_table.h"
#include "agent/service/agent.h"
#include "base/log.h"
#include "base/map.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TRACE_SIZE 16384

static char text[TRACE_SIZE];
static size_t length;

/* What finds no room is not told. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(text + length, sizeof text - length, format, args);
    va_end(args);
    if (n > 0)
        length += (size_t)n < sizeof text - length ? (size_t)n : sizeof text - length - 1;
}

static const char *or_none(const char *s)
{
    return s ? s : "-";
}

static void say_rows(const struct rows *rows)
{
    for (const struct entry *e = rows->first; e; e = e->next) {
        say("\n  rows: image %s was %s inode %" PRIu64 " at %s%s%s%s%s%s names", or_none(e->image),
            or_none(e->was), e->file.ino, or_none(e->to),
            map_get_str(rows->by_to, e->to ? e->to : "") == e ? "" : " (not the last)",
            e->lost ? " lost" : "", e->over ? " over" : "", e->unlanded ? " unlanded" : "",
            e->moved ? " moved" : "");
        for (const struct name *n = e->names; n; n = n->next)
            say(" %s", n->path);
    }
}

static void say_item(const struct item *it)
{
    say("\n  item: %s %s saw %" PRIu64 " origin %s via %s went %s heir %s image %s%s%s%s%s%s",
        it->key, item_state_name(it->state), it->seen.kind == FILE_REGULAR ? it->seen.ino : 0,
        or_none(it->origin), or_none(it->via), or_none(it->went), or_none(it->heir),
        or_none(it->image), it->vacated ? " vacated" : "", it->returned ? " returned" : "",
        it->was_there ? " was_there" : "", it->decided ? " decided" : "",
        it->again ? " again" : "");
}

/* index_fn. */
static int say_known(void *arg, const char *key, const struct known *known)
{
    (void)arg;
    say("\n  index: %s inode %" PRIu64 "%s%s%s%s %s", key, known->ino,
        known->flags & KNOWN_MOVED ? " moved" : "", known->flags & KNOWN_LISTED ? " listed" : "",
        known->flags & KNOWN_UNCERTAIN ? " uncertain" : "",
        known->flags & KNOWN_LEAVING ? " leaving" : "", known->moved_to ? known->moved_to : "");
    return 0;
}

void trace_agent(struct agent *a)
{
    static char last[TRACE_SIZE];
    const struct item *it;

    length = 0;
    for (size_t i = 0; i < a->mapping_count; i++)
        say_rows(a->mappings[i].rows);
    for (size_t at = 0; (it = pending_next(a->pending, &at));)
        say_item(it);
    if (index_each_under(a->index, "", NULL, say_known, NULL))
        say("\n  index: it cannot be read");
    if (strcmp(text, last) == 0)
        return;
    memcpy(last, text, sizeof last);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        log_debug("%s", line);
}
