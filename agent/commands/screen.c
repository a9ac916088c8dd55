/* Shell. Progress, and lines of JSON. See screen.h. */
#include "agent/commands/screen.h"

#include "agent/commands/commands.h"

#include "base/clock.h"
#include "base/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_MS 500
#define LINE_MAX    65536

void screen_progress(struct screen *s, const char *format, ...)
{
    int64_t now_ms = clock_mono_ms();
    va_list args;

    if ((s->last_ms && now_ms - s->last_ms < PROGRESS_MS) || !isatty(STDERR_FILENO))
        return;
    s->last_ms = now_ms;
    s->dirty = true;
    fprintf(stderr, "\r\033[K");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fflush(stderr);
}

void screen_clear(struct screen *s)
{
    if (!s->dirty)
        return;
    fprintf(stderr, "\r\033[K");
    fflush(stderr);
    s->dirty = false;
}

#define NAME_MAX_BYTES 64

/* A number, by a name that may be words. */
static void put_number(struct json_writer *w, const struct screen_number *number)
{
    char name[NAME_MAX_BYTES];

    snprintf(name, sizeof name, "%s", number->name);
    for (char *p = name; (p = strchr(p, ' '));)
        *p = '_';
    json_put_int(w, name, (int64_t)number->value);
}

void screen_json(const struct screen_member *members, const struct screen_number *numbers)
{
    struct json_writer w;
    struct buf line;

    buf_init(&line, LINE_MAX);
    json_begin(&w, &line);
    json_object(&w, NULL);
    for (size_t i = 0; members && members[i].name; i++)
        json_put_string(&w, members[i].name, members[i].value);
    for (size_t i = 0; numbers && numbers[i].name; i++)
        put_number(&w, &numbers[i]);
    (void)command_print_json(&w, &line); /* without memory a line is missing */
}
