/* Uploads in parts that are under way. Shell. */
#include "tests/s3d/uploads.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct uploads {
    pthread_mutex_t lock;
    struct upload *first; /* by bucket, key and age */
    unsigned long counter;
};

struct uploads *uploads_new(void)
{
    struct uploads *u = mem_new(sizeof(*u));
    (void)pthread_mutex_init(&u->lock, NULL); /* cannot fail with default attributes */
    return u;
}

void uploads_free(struct uploads *u)
{
    if (!u)
        return;
    while (u->first) {
        struct upload *next = u->first->next;
        upload_free(u->first);
        u->first = next;
    }
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

/* Does `a` stand after `b` in the table? */
static bool is_after(const struct upload *a, const struct upload *b)
{
    int order = strcmp(a->key, b->key);
    return order ? order > 0 : strcmp(a->id, b->id) > 0;
}

void uploads_put(struct uploads *u, struct upload *up)
{
    (void)pthread_mutex_lock(&u->lock);
    struct upload **at = &u->first;
    while (*at && !is_after(*at, up))
        at = &(*at)->next;
    up->next = *at;
    *at = up;
    (void)pthread_mutex_unlock(&u->lock);
}

void uploads_begin(struct uploads *u, struct upload *up, char ret_id[40])
{
    (void)pthread_mutex_lock(&u->lock);
    unsigned long number = ++u->counter;
    (void)pthread_mutex_unlock(&u->lock);
    (void)snprintf(ret_id, 40, "%016lx-%llx", number, (unsigned long long)up->mtime_s);
    up->id = mem_dup(ret_id);
    uploads_put(u, up);
}

/* The link that leads to an upload, or to NULL; with the lock. */
static struct upload **find(struct uploads *u, const char *id, const char *bucket, const char *key)
{
    struct upload **at = &u->first;
    while (*at && (strcmp((*at)->id, id) != 0 || strcmp((*at)->bucket, bucket) != 0 ||
                   strcmp((*at)->key, key) != 0))
        at = &(*at)->next;
    return at;
}

struct upload *uploads_lock(struct uploads *u, const char *id, const char *bucket, const char *key)
{
    (void)pthread_mutex_lock(&u->lock);
    struct upload *up = *find(u, id, bucket, key);
    if (!up)
        (void)pthread_mutex_unlock(&u->lock);
    return up;
}

void uploads_unlock(struct uploads *u)
{
    (void)pthread_mutex_unlock(&u->lock);
}

struct upload *uploads_take(struct uploads *u, const char *id, const char *bucket, const char *key)
{
    (void)pthread_mutex_lock(&u->lock);
    struct upload **at = find(u, id, bucket, key);
    struct upload *up = *at;
    if (up)
        *at = up->next;
    (void)pthread_mutex_unlock(&u->lock);
    return up;
}

struct upload *upload_new(const char *bucket, const char *key)
{
    struct upload *up = mem_new(sizeof(*up));
    up->bucket = mem_dup(bucket);
    up->key = mem_dup(key);
    return up;
}

/* Let go of a part and its file. */
static void part_release(struct part *p)
{
    (void)unlink(p->file); /* the spool is emptied at the next start in any case */
    free(p->file);
}

void upload_free(struct upload *up)
{
    if (!up)
        return;
    for (size_t i = 0; i < up->parts_n; i++)
        part_release(&up->parts[i]);
    free(up->parts);
    free(up->id);
    free(up->bucket);
    free(up->key);
    pairs_release(&up->headers);
    free(up);
}

struct part *upload_part(struct upload *up, unsigned number)
{
    for (size_t i = 0; i < up->parts_n; i++)
        if (up->parts[i].number == number)
            return &up->parts[i];
    return NULL;
}

void upload_set_part(struct upload *up, struct part p)
{
    struct part *before = upload_part(up, p.number);
    if (before) {
        part_release(before);
        *before = p;
        return;
    }
    up->parts = mem_grow(up->parts, (up->parts_n + 1) * sizeof(*up->parts));
    size_t at = up->parts_n++;
    for (; at > 0 && up->parts[at - 1].number > p.number; at--)
        up->parts[at] = up->parts[at - 1];
    up->parts[at] = p;
}

void uploads_visit(struct uploads *u, const char *bucket, upload_visit *visit, void *context)
{
    (void)pthread_mutex_lock(&u->lock);
    for (const struct upload *up = u->first; up; up = up->next)
        if (strcmp(up->bucket, bucket) == 0)
            visit(context, up);
    (void)pthread_mutex_unlock(&u->lock);
}
