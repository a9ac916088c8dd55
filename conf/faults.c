/* Faults while they are collected, and as they are handed out. Pure. */
#include "conf/faults.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

void fault_list_init(struct fault_list *l, const char *file)
{
    *l = (struct fault_list){.file = file};
}

void fault_list_release(struct fault_list *l)
{
    free(l->items);
    fault_list_init(l, l->file);
}

/* Room for one more, or NULL. */
static struct fault *fault_list_grow(struct fault_list *l)
{
    if (l->count == l->cap) {
        size_t cap = l->cap == 0 ? 8 : l->cap * 2;
        struct fault *items = realloc(l->items, cap * sizeof(*items));
        if (items == NULL) {
            l->no_memory = true;
            return NULL;
        }
        l->items = items;
        l->cap = cap;
    }
    return &l->items[l->count++];
}

void fault_add(struct fault_list *l, int line, const char *setting, const char *right,
               const char *fmt, ...)
{
    l->found++;
    if (l->count >= FAULTS_MAX)
        return;
    struct fault *f = fault_list_grow(l);
    if (f == NULL)
        return;
    char what[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, ap); /* cut where too long, as all of struct err is */
    va_end(ap);
    char where[ERR_TEXT_MAX];
    const char *sep = setting[0] == '\0' ? "" : ": ";
    if (line > 0)
        (void)snprintf(where, sizeof(where), "%s:%d%s%s", l->file, line, sep, setting);
    else
        (void)snprintf(where, sizeof(where), "%s%s%s", l->file, sep, setting);
    f->line = line;
    f->order = l->count;
    (void)err_set(&f->err, ERR_SYNTAX, where, right, "%s", what); /* hands back ERR_SYNTAX */
}

/* By line, then as found. */
static int compare_faults(const void *a, const void *b)
{
    const struct fault *x = a;
    const struct fault *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

int fault_list_give(struct fault_list *l, struct conf_faults *ret)
{
    if (l->found > FAULTS_MAX && l->count == FAULTS_MAX) {
        size_t left = l->found - FAULTS_MAX;
        l->count--;
        l->found = 0;
        fault_add(l, INT32_MAX, "", "mend those above first", "%zu more faults", left + 1);
    }
    int r = l->no_memory ? -ENOMEM : l->count > 0 ? ERR_SYNTAX : 0;
    struct err *items = l->count > 0 ? malloc(l->count * sizeof(*items)) : NULL;
    if (items == NULL) {
        if (l->count > 0)
            r = -ENOMEM;
        fault_list_release(l);
        return r;
    }
    qsort(l->items, l->count, sizeof(*l->items), compare_faults);
    for (size_t i = 0; i < l->count; i++)
        items[i] = l->items[i].err;
    ret->items = items;
    ret->count = l->count;
    fault_list_release(l);
    return r;
}

void conf_faults_release(struct conf_faults *f)
{
    free(f->items);
    *f = (struct conf_faults){0};
}

void conf_faults_print(const struct conf_faults *f, FILE *out)
{
    char text[3 * ERR_TEXT_MAX + 8];
    for (size_t i = 0; i < f->count; i++)
        (void)fprintf(out, "%s\n", err_text(&f->items[i], text, sizeof(text))); /* to a person */
}
