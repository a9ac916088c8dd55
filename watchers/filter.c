/*
 * Which names are passed over. Pure.
 *
 * Most names match no pattern, and a scan asks for every file: two bytes (the first and the last of
 * the name) rule out nearly every pattern before path_glob is asked.
 */
#include "watchers/filter.h"

#include "base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEX     "[0-9a-f]"
#define HEX_8   HEX HEX HEX HEX HEX HEX HEX HEX
#define ALNUM   "[A-Za-z0-9]"
#define ALNUM_6 ALNUM ALNUM ALNUM ALNUM ALNUM ALNUM

/* Ours, whatever else is passed over: temporary files (base/replace.h), locks. */
static const char *const own_exclude[] = {".lockstep-*", NULL};

const char *const watchers_default_exclude[] = {
    ".nfs" HEX_8 HEX_8 HEX_8, /* NFS: a file unlinked while open */
    ".*.sw?",                 /* vim */
    ".*.sw?x",                /* vim */
    "*~",                     /* vim, emacs: the backup */
    "#*#",                    /* emacs: autosave */
    ".#*",                    /* emacs: the lock, a dangling link */
    "*.tmp",                  /* many */
    "*.part",                 /* downloads */
    "*.partial",              /* downloads */
    "*.crdownload",           /* downloads */
    "*.filepart",             /* WinSCP */
    ".~lock.*",               /* LibreOffice */
    ".goutputstream-*",       /* GLib */
    ".?*." ALNUM_6,           /* rsync: ".name.XXXXXX" */
    ".git",                   /* what git keeps: no images, and packing it removes by thousands */
    ".hg",                    /* Mercurial, likewise */
    ".svn",                   /* Subversion, likewise */
    NULL,
};

/* One pattern and the two bytes that a name must have to match it; 0: any byte. */
struct rule {
    char *pattern;
    char first;
    char last;
    bool whole; /* has a '/': held against the whole path */
};

struct filter {
    size_t count;
    bool any_whole;
    struct rule rules[];
};

/* Does the byte stand for itself at either end of a pattern? */
static bool is_literal(char c)
{
    return c != '*' && c != '?' && c != '[' && c != ']' && c != '\\' && c != '\0';
}

/* The byte that every match begins with, or 0. */
static char first_literal(const char *pattern)
{
    return is_literal(pattern[0]) ? pattern[0] : 0;
}

/* The byte that every match ends with, or 0. A quoted or bracketed end counts as unknown. */
static char last_literal(const char *pattern)
{
    const size_t n = strlen(pattern);

    if (n == 0 || !is_literal(pattern[n - 1])) {
        return 0;
    }
    return n > 1 && pattern[n - 2] == '\\' ? 0 : pattern[n - 1];
}

/* A match is ruled out by the first or last byte of the text alone. */
static bool ruled_out(char first, char last, const char *text, size_t n)
{
    return n == 0 || (first != 0 && first != text[0]) || (last != 0 && last != text[n - 1]);
}

/* A path, or the beginning of one, and its name. */
struct part {
    const char *path;
    const char *name;
    size_t name_n;
};

/* Does any pattern of the list match the path itself (not a directory above it)? Whether a pattern
 * is held against the whole path or the name, the last byte is the same. */
static bool any_matches(const char *const *patterns, const struct part *p)
{
    for (; patterns != NULL && *patterns != NULL; patterns++) {
        const char first = first_literal(*patterns);

        if ((first == 0 || first == p->name[0] || first == p->path[0]) &&
            !ruled_out(0, last_literal(*patterns), p->name, p->name_n) &&
            path_glob(*patterns, p->path)) {
            return true;
        }
    }
    return false;
}

bool watch_filter_excludes(const struct watch_filter *f, const char *path)
{
    char text[PATH_BYTES_MAX + 1];
    const size_t n = strlen(path);
    struct part part = {.path = text, .name = text};

    if (n > PATH_BYTES_MAX) {
        return false;
    }
    memcpy(text, path, n + 1);
    for (size_t end = 1; end <= n; end++) {
        if (end < n && path[end] != '/') {
            continue;
        }
        text[end] = '\0';
        part.name_n = (size_t)(text + end - part.name);
        if (any_matches(own_exclude, &part) || any_matches(f->patterns, &part) ||
            (!f->without_defaults && any_matches(watchers_default_exclude, &part))) {
            return true;
        }
        text[end] = path[end];
        part.name = text + end + 1;
    }
    return false;
}

/* The number of patterns in a list that ends with NULL. */
static size_t pattern_count(const char *const *patterns)
{
    size_t n = 0;

    while (patterns != NULL && patterns[n] != NULL) {
        n++;
    }
    return n;
}

/* Copy one pattern to the filter's end. 0 or -ENOMEM. */
static int rule_add(struct filter *f, const char *pattern)
{
    struct rule *r = &f->rules[f->count];

    r->pattern = strdup(pattern);
    if (r->pattern == NULL) {
        return -ENOMEM;
    }
    r->first = first_literal(pattern);
    r->last = last_literal(pattern);
    r->whole = strchr(pattern, '/') != NULL;
    f->any_whole = f->any_whole || r->whole;
    f->count++;
    return 0;
}

/* Copy patterns to the filter's end. 0 or -ENOMEM. */
static int rules_add(struct filter *f, const char *const *patterns)
{
    int code = 0;

    for (size_t i = 0; code == 0 && patterns != NULL && patterns[i] != NULL; i++) {
        code = rule_add(f, patterns[i]);
    }
    return code;
}

int filter_new(const struct watch_filter *f, struct filter **ret)
{
    const char *const *defaults = f->without_defaults ? NULL : watchers_default_exclude;
    const size_t count =
        pattern_count(own_exclude) + pattern_count(f->patterns) + pattern_count(defaults);
    struct filter *copy = calloc(1, sizeof(*copy) + count * sizeof(copy->rules[0]));

    if (copy == NULL) {
        return -ENOMEM;
    }
    if (rules_add(copy, own_exclude) != 0 || rules_add(copy, f->patterns) != 0 ||
        rules_add(copy, defaults) != 0) {
        filter_free(copy);
        return -ENOMEM;
    }
    *ret = copy;
    return 0;
}

void filter_free(struct filter *f)
{
    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < f->count; i++) {
        free(f->rules[i].pattern);
    }
    free(f);
}

bool filter_excludes_name(const struct filter *f, const char *dir, const char *name)
{
    char path[PATH_BYTES_MAX + 1];
    const size_t n = strlen(name);

    if (f->any_whole && path_join(path, sizeof(path), dir, name) != 0) {
        return false;
    }
    for (size_t i = 0; i < f->count; i++) {
        const struct rule *r = &f->rules[i];

        if (r->whole) {
            if (path_glob(r->pattern, path)) {
                return true;
            }
        } else if (!ruled_out(r->first, r->last, name, n) && path_glob(r->pattern, name)) {
            return true;
        }
    }
    return false;
}
