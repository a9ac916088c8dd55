/* The access log: one JSON line a request. Shell. */
#include "tests/s3d/access_log.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct access_log {
    pthread_mutex_t lock;
    int fd;
    int64_t n;
    struct buf line;
};

/* The request headers that tests want to see, next to x-amz-meta-* and the checksums. */
static const char *const shown[] = {
    "content-type",
    "content-md5",
    "if-match",
    "if-none-match",
    "range",
    "user-agent",
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-source-expected-bucket-owner",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-tagging-directive",
    "x-amz-storage-class",
    "x-amz-content-sha256",
    "x-amz-copy-source-if-match",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-metadata-directive",
};

int64_t monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail on Linux */
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int access_log_open(const char *path, struct access_log **ret)
{
    *ret = NULL;
    if (!path)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    struct access_log *l = mem_new(sizeof(*l));
    (void)pthread_mutex_init(&l->lock, NULL); /* cannot fail with default attributes */
    l->fd = fd;
    text_begin(&l->line);
    *ret = l;
    return 0;
}

void access_log_close(struct access_log *l)
{
    if (!l)
        return;
    (void)close(l->fd); /* each line was written on its own */
    (void)pthread_mutex_destroy(&l->lock);
    buf_release(&l->line);
    free(l);
}

/* Is this header worth a place in the line? */
static bool is_shown(const char *name)
{
    if (text_has_prefix(name, "x-amz-meta-") || text_has_prefix(name, "x-amz-checksum-"))
        return true;
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        if (strcmp(shown[i], name) == 0)
            return true;
    return false;
}

/* The members of the line. */
static void put_members(struct json_writer *w, const struct access_entry *e, int64_t n)
{
    char now[CLOCK_ISO_SIZE];
    const struct request *r = e->request;
    json_put_int(w, "n", n);
    json_put_string(w, "time", clock_iso(clock_real_us(), now));
    json_put_string(w, "op", operation_name(r->op));
    json_put_string(w, "method", r->method ? r->method : "");
    json_put_string(w, "bucket", r->bucket ? r->bucket : "");
    json_put_string(w, "key", r->key ? r->key : "");
    json_put_int(w, "status", e->status);
    json_put_string(w, "error", code_name(e->code));
    json_put_int(w, "in", (int64_t)e->bytes_in);
    json_put_int(w, "out", (int64_t)e->bytes_out);
    json_put_int(w, "us", monotonic_us() - e->started_us);
    json_put_string(w, "fault", e->fault == FAULT_NONE ? "" : fault_name(e->fault));
    json_object(w, "query");
    for (size_t i = 0; i < r->query.n; i++)
        if (!text_has_prefix(r->query.at[i].name, "X-Amz-"))
            json_put_string(w, r->query.at[i].name, r->query.at[i].value);
    json_object_end(w);
    json_object(w, "headers");
    for (size_t i = 0; i < r->headers.n; i++)
        if (is_shown(r->headers.at[i].name))
            json_put_string(w, r->headers.at[i].name, r->headers.at[i].value);
    json_object_end(w);
}

void access_log_write(struct access_log *l, const struct access_entry *e)
{
    struct json_writer w;
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    buf_reset(&l->line);
    json_begin(&w, &l->line);
    json_object(&w, NULL);
    put_members(&w, e, ++l->n);
    json_object_end(&w);
    if (json_end(&w) != 0)
        abort();
    text_add(&l->line, "\n");
    if (write_whole(l->fd, l->line.data, l->line.len) != 0)
        fputs("s3d: the access log cannot be written\n", stderr);
    (void)pthread_mutex_unlock(&l->lock);
}
