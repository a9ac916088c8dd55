/* Keys that a test hands out while the server runs. Shell. */
#include "tests/s3d/keyring.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct keyring {
    pthread_mutex_t lock;
    struct key *first; /* the latest; never taken out */
};

struct keyring *keyring_new(void)
{
    struct keyring *k = mem_new(sizeof(*k));
    (void)pthread_mutex_init(&k->lock, NULL); /* fails for strange attributes only */
    return k;
}

void keyring_free(struct keyring *k)
{
    while (k->first) {
        struct key *key = k->first;
        k->first = key->next;
        free(key->access_key);
        free(key->secret_key);
        free(key->session_token);
        free(key);
    }
    (void)pthread_mutex_destroy(&k->lock); /* nobody holds it */
    free(k);
}

const struct key *keyring_find(struct keyring *k, const char *id, size_t n)
{
    (void)pthread_mutex_lock(&k->lock);
    const struct key *key = k->first;
    (void)pthread_mutex_unlock(&k->lock);
    while (key && (strlen(key->access_key) != n || memcmp(key->access_key, id, n) != 0))
        key = key->next;
    return key;
}

/* A parameter that must be there; notes where one is not. */
static const char *must(const struct request *r, const char *name, bool *complete)
{
    const char *value = request_query(r, name);
    *complete = *complete && value && *value;
    return value;
}

void keyring_answer(struct keyring *k, const struct request *r, struct reply *reply)
{
    bool complete = true;
    uint64_t expires_s = 0;
    const char *access_key = must(r, "access_key", &complete);
    const char *secret_key = must(r, "secret_key", &complete);
    const char *expires = must(r, "expires", &complete);
    const char *token = request_query(r, "session_token");
    if (strcmp(r->method, "POST") != 0 || !complete || !text_number(expires, &expires_s)) {
        reply->status = 400;
        reply_header(reply, "Content-Type", "text/plain");
        text_add(&reply->body, "POST access_key, secret_key, expires (a number), session_token\n");
        return;
    }
    struct key *key = mem_new(sizeof(*key));
    key->access_key = mem_dup(access_key);
    key->secret_key = mem_dup(secret_key);
    key->session_token = token ? mem_dup(token) : NULL;
    key->expires_s = (int64_t)expires_s;
    (void)pthread_mutex_lock(&k->lock);
    key->next = k->first;
    k->first = key;
    (void)pthread_mutex_unlock(&k->lock);
    reply->status = 204;
}
