/*
 * Making hints, and lists of them; the order of listings. Pure.
 */
#include "watchers/hints.h"

#include <stdlib.h>
#include <string.h>

struct hint *hint_new(enum hint_kind kind, unsigned root, const char *path, const char *path2)
{
    struct hint *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    h->kind = kind;
    h->root = root;
    h->root2 = root;
    h->path = path == NULL ? NULL : strdup(path);
    h->path2 = path2 == NULL ? NULL : strdup(path2);
    if ((path != NULL && h->path == NULL) || (path2 != NULL && h->path2 == NULL)) {
        hint_free(h);
        return NULL;
    }
    return h;
}

void hint_free(struct hint *h)
{
    if (h == NULL) {
        return;
    }
    free(h->path);
    free(h->path2);
    listing_free(h->listing);
    free(h);
}

void hint_list_add_take(struct hint_list *list, struct hint *h)
{
    h->letter.next = NULL;
    if (list->last != NULL) {
        list->last->letter.next = &h->letter;
    } else {
        list->first = h;
    }
    list->last = h;
}

struct hint *hint_list_pop(struct hint_list *list)
{
    struct hint *h = list->first;

    if (h == NULL) {
        return NULL;
    }
    list->first = (struct hint *)h->letter.next;
    if (list->first == NULL) {
        list->last = NULL;
    }
    h->letter.next = NULL;
    return h;
}

void hint_list_release(struct hint_list *list)
{
    for (struct hint *h = hint_list_pop(list); h != NULL; h = hint_list_pop(list)) {
        hint_free(h);
    }
}

void listing_free(struct listing *l)
{
    if (l == NULL) {
        return;
    }
    free(l->names);
    free(l->entries);
    free(l);
}

/* The byte at i of a name, a directory's ending in '/', then 0. */
static unsigned char byte_at(const struct listing_entry *e, size_t i, size_t n)
{
    if (i < n) {
        return (unsigned char)e->name[i];
    }
    return i == n && e->st.kind == FILE_DIRECTORY ? '/' : 0;
}

/* qsort: as S3 sorts keys. */
static int compare_entries(const void *va, const void *vb)
{
    const struct listing_entry *a = va;
    const struct listing_entry *b = vb;
    const size_t an = strlen(a->name);
    const size_t bn = strlen(b->name);
    const size_t common = an < bn ? an : bn;
    const int head = memcmp(a->name, b->name, common);

    if (head != 0) {
        return head;
    }
    for (size_t i = common; i <= common + 1; i++) {
        const int diff = (int)byte_at(a, i, an) - (int)byte_at(b, i, bn);

        if (diff != 0) {
            return diff;
        }
    }
    return an < bn ? -1 : an > bn;
}

void listing_sort(struct listing *l)
{
    if (l->count > 1) {
        qsort(l->entries, l->count, sizeof(l->entries[0]), compare_entries);
    }
}
