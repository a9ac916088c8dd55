/*
 * Which of a host's addresses the next connection goes to. Pure.
 */
#include "uploaders/spread.h"

#include <string.h>

static struct spread_address *find(const struct spread *s, const char *text)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->addresses[i].text, text) == 0)
            return (struct spread_address *)(uintptr_t)&s->addresses[i];
    return NULL;
}

void spread_set(struct spread *s, const char (*texts)[SPREAD_TEXT_MAX], size_t count)
{
    struct spread fresh = {.next = s->next};
    for (size_t i = 0; i < count && fresh.count < SPREAD_ADDRESSES_MAX; i++) {
        bool same_family = (texts[i][0] == '[') == (texts[0][0] == '[');
        if (!same_family || find(&fresh, texts[i]))
            continue;
        const struct spread_address *known = find(s, texts[i]);
        struct spread_address *a = &fresh.addresses[fresh.count++];
        if (known)
            *a = *known;
        else
            memcpy(a->text, texts[i], SPREAD_TEXT_MAX);
    }
    *s = fresh;
}

bool spread_pick(struct spread *s, int64_t now_ms, char out[SPREAD_TEXT_MAX])
{
    if (s->count < 2)
        return false;
    for (size_t i = 0; i < s->count; i++) {
        const struct spread_address *a = &s->addresses[(s->next + i) % s->count];
        if (a->avoided_ms > now_ms)
            continue;
        memcpy(out, a->text, SPREAD_TEXT_MAX);
        s->next = (s->next + i + 1) % s->count;
        return true;
    }
    return false;
}

bool spread_is_good(const struct spread *s, const char *text, int64_t now_ms)
{
    const struct spread_address *a = find(s, text);
    return a && a->avoided_ms <= now_ms;
}

void spread_failed(struct spread *s, const char *text, int64_t now_ms)
{
    struct spread_address *a = find(s, text);
    if (!a || a->avoided_ms > now_ms) /* one of many that began before it was known */
        return;
    a->avoided_ms = now_ms + ((int64_t)SPREAD_AVOID_MS << a->failures);
    a->failures += a->failures < SPREAD_AVOID_TIMES ? 1 : 0;
}

void spread_worked(struct spread *s, const char *text)
{
    struct spread_address *a = find(s, text);
    if (a)
        a->failures = 0;
}
