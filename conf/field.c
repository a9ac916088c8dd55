/* What a setting takes, and its field in the struct. Pure. */
#include "conf/field.h"
#include "base/err.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

void *setting_field(const struct setting *s, void *into)
{
    return (char *)into + s->offset;
}

void setting_store_number(const struct setting *s, void *into, int64_t v)
{
    void *field = setting_field(s, into);
    switch (s->kind) {
    case SETTING_COUNT:
    case SETTING_SIZE:
        *(uint64_t *)field = (uint64_t)v;
        break;
    case SETTING_COUNT_32:
    case SETTING_CHOICE:
        *(unsigned *)field = (unsigned)v;
        break;
    case SETTING_MS:
    case SETTING_RESCAN:
    case SETTING_PRICE:
        *(int64_t *)field = v;
        break;
    case SETTING_FLAG:
        *(bool *)field = v != 0;
        break;
    case SETTING_TEXT:
    case SETTING_PATTERNS:
    case SETTING_PAIRS:
    case SETTING_REFERENCE:
    case SETTING_GROUP:
    case SETTING_LIST:
        break;
    }
}

/* Where `text` stands among the words; -1 if nowhere. */
static int64_t word_index(const char *const *words, const char *text)
{
    for (int64_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0)
            return i;
    }
    return -1;
}

int setting_number(const struct setting *s, const char *text, int64_t *ret)
{
    int64_t ms;
    uint64_t bytes;
    int64_t word;
    int r;
    switch (s->kind) {
    case SETTING_RESCAN:
        if (strcmp(text, "off") == 0 ||
            (strcmp(text, "auto") == 0 && strcmp(s->fallback, "auto") == 0)) {
            *ret = text[0] == 'a' ? -1 : 0;
            return 0;
        }
        r = value_duration(text, &ms);
        if (r == 0 && (ms < s->min || ms > s->max))
            r = ERR_LIMIT;
        if (r == 0)
            *ret = ms;
        return r;
    case SETTING_SIZE:
        r = value_size(text, &bytes);
        if (r == 0 && ((int64_t)bytes < s->min || (int64_t)bytes > s->max))
            r = ERR_LIMIT;
        if (r == 0)
            *ret = (int64_t)bytes;
        return r;
    case SETTING_PRICE:
        r = value_price(text, ret);
        return r == 0 && *ret > s->max ? ERR_LIMIT : r;
    case SETTING_CHOICE:
        word = word_index(s->words, text);
        if (word < 0)
            return ERR_SYNTAX;
        *ret = word;
        return 0;
    case SETTING_FLAG:
        *ret = strcmp(text, "true") == 0;
        return 0;
    case SETTING_COUNT:
    case SETTING_COUNT_32:
    case SETTING_MS:
        *ret = strtoll(text, NULL, 10); /* our own table's text */
        return 0;
    case SETTING_TEXT:
    case SETTING_PATTERNS:
    case SETTING_PAIRS:
    case SETTING_REFERENCE:
    case SETTING_GROUP:
    case SETTING_LIST:
        return ERR_SYNTAX;
    }
    return ERR_SYNTAX;
}

bool setting_takes(const struct setting *s, enum node_kind kind)
{
    switch (s->kind) {
    case SETTING_TEXT:
    case SETTING_RESCAN:
    case SETTING_CHOICE:
    case SETTING_REFERENCE:
        return kind == NODE_STRING;
    case SETTING_COUNT:
    case SETTING_COUNT_32:
    case SETTING_MS:
        return kind == NODE_INTEGER;
    case SETTING_SIZE:
        return kind == NODE_INTEGER || kind == NODE_STRING;
    case SETTING_PRICE:
        return kind == NODE_INTEGER || kind == NODE_FLOAT || kind == NODE_STRING;
    case SETTING_FLAG:
        return kind == NODE_BOOL;
    case SETTING_PATTERNS:
        return kind == NODE_LIST || kind == NODE_ARRAY;
    case SETTING_PAIRS:
        return kind == NODE_GROUP || kind == NODE_LIST || kind == NODE_ARRAY;
    case SETTING_GROUP:
        return kind == NODE_GROUP;
    case SETTING_LIST:
        return kind == NODE_LIST;
    }
    return false;
}
