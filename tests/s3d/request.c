/* A request of S3: the address taken apart, and which operation it is. Pure. */
#include "tests/s3d/request.h"

#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum level { LEVEL_SERVICE, LEVEL_BUCKET, LEVEL_OBJECT };

/* How an operation is told from the others: the first row that fits. */
struct route {
    const char *method;
    enum level level;
    const char *query;  /* a parameter that must be there, or NULL */
    const char *header; /* a header that must be there, or NULL */
    enum operation op;
    const char *allowed; /* further parameters, each between blanks */
};

#define LIST_PARAMETERS " prefix delimiter encoding-type max-keys "
#define V2_PARAMETERS   LIST_PARAMETERS "start-after continuation-token fetch-owner "
#define PART_PARAMETERS " partNumber "

static const struct route routes[] = {
    {"GET", LEVEL_SERVICE, NULL, NULL, OP_LIST_BUCKETS, " max-buckets "},
    {"PUT", LEVEL_BUCKET, NULL, NULL, OP_CREATE_BUCKET, ""},
    {"HEAD", LEVEL_BUCKET, NULL, NULL, OP_HEAD_BUCKET, ""},
    {"DELETE", LEVEL_BUCKET, NULL, NULL, OP_DELETE_BUCKET, ""},
    {"GET", LEVEL_BUCKET, "location", NULL, OP_GET_BUCKET_LOCATION, ""},
    {"GET", LEVEL_BUCKET, "versioning", NULL, OP_GET_BUCKET_VERSIONING, ""},
    {"GET", LEVEL_BUCKET, "versions", NULL, OP_LIST_OBJECT_VERSIONS,
     LIST_PARAMETERS "key-marker version-id-marker "},
    {"GET", LEVEL_BUCKET, "uploads", NULL, OP_LIST_MULTIPART_UPLOADS,
     LIST_PARAMETERS "key-marker upload-id-marker max-uploads "},
    {"GET", LEVEL_BUCKET, "list-type", NULL, OP_LIST_OBJECTS_V2, V2_PARAMETERS},
    {"GET", LEVEL_BUCKET, NULL, NULL, OP_LIST_OBJECTS, LIST_PARAMETERS "marker "},
    {"POST", LEVEL_BUCKET, "delete", NULL, OP_DELETE_OBJECTS, ""},
    {"PUT", LEVEL_OBJECT, "uploadId", "x-amz-copy-source", OP_UPLOAD_PART_COPY, PART_PARAMETERS},
    {"PUT", LEVEL_OBJECT, "uploadId", NULL, OP_UPLOAD_PART, PART_PARAMETERS},
    {"PUT", LEVEL_OBJECT, NULL, "x-amz-copy-source", OP_COPY_OBJECT, ""},
    {"PUT", LEVEL_OBJECT, NULL, NULL, OP_PUT_OBJECT, ""},
    {"POST", LEVEL_OBJECT, "uploads", NULL, OP_CREATE_MULTIPART_UPLOAD, ""},
    {"POST", LEVEL_OBJECT, "uploadId", NULL, OP_COMPLETE_MULTIPART_UPLOAD, ""},
    {"DELETE", LEVEL_OBJECT, "uploadId", NULL, OP_ABORT_MULTIPART_UPLOAD, ""},
    {"DELETE", LEVEL_OBJECT, NULL, NULL, OP_DELETE_OBJECT, " versionId "},
    {"GET", LEVEL_OBJECT, "uploadId", NULL, OP_LIST_PARTS, " max-parts part-number-marker "},
    {"GET", LEVEL_OBJECT, "attributes", NULL, OP_GET_OBJECT_ATTRIBUTES, " versionId "},
    {"GET", LEVEL_OBJECT, "acl", NULL, OP_GET_OBJECT_ACL, " versionId "},
    {"GET", LEVEL_OBJECT, "tagging", NULL, OP_GET_OBJECT_TAGGING, " versionId "},
    {"GET", LEVEL_OBJECT, NULL, NULL, OP_GET_OBJECT, " versionId "},
    {"HEAD", LEVEL_OBJECT, NULL, NULL, OP_HEAD_OBJECT, " versionId "},
};

static const char *const names[OP_COUNT] = {
    [OP_UNKNOWN] = "Unknown",
    [OP_ABORT_MULTIPART_UPLOAD] = "AbortMultipartUpload",
    [OP_COMPLETE_MULTIPART_UPLOAD] = "CompleteMultipartUpload",
    [OP_COPY_OBJECT] = "CopyObject",
    [OP_CREATE_BUCKET] = "CreateBucket",
    [OP_CREATE_MULTIPART_UPLOAD] = "CreateMultipartUpload",
    [OP_DELETE_BUCKET] = "DeleteBucket",
    [OP_DELETE_OBJECT] = "DeleteObject",
    [OP_DELETE_OBJECTS] = "DeleteObjects",
    [OP_GET_BUCKET_LOCATION] = "GetBucketLocation",
    [OP_GET_BUCKET_VERSIONING] = "GetBucketVersioning",
    [OP_GET_OBJECT] = "GetObject",
    [OP_GET_OBJECT_ACL] = "GetObjectAcl",
    [OP_GET_OBJECT_ATTRIBUTES] = "GetObjectAttributes",
    [OP_GET_OBJECT_TAGGING] = "GetObjectTagging",
    [OP_HEAD_BUCKET] = "HeadBucket",
    [OP_HEAD_OBJECT] = "HeadObject",
    [OP_LIST_BUCKETS] = "ListBuckets",
    [OP_LIST_MULTIPART_UPLOADS] = "ListMultipartUploads",
    [OP_LIST_OBJECTS] = "ListObjects",
    [OP_LIST_OBJECTS_V2] = "ListObjectsV2",
    [OP_LIST_OBJECT_VERSIONS] = "ListObjectVersions",
    [OP_LIST_PARTS] = "ListParts",
    [OP_PUT_OBJECT] = "PutObject",
    [OP_UPLOAD_PART] = "UploadPart",
    [OP_UPLOAD_PART_COPY] = "UploadPartCopy",
};

const char *operation_name(enum operation op)
{
    return names[op];
}

enum body_use operation_body(enum operation op)
{
    if (op == OP_PUT_OBJECT || op == OP_UPLOAD_PART)
        return BODY_OBJECT;
    if (op == OP_CREATE_BUCKET || op == OP_DELETE_OBJECTS || op == OP_COMPLETE_MULTIPART_UPLOAD)
        return BODY_XML;
    return BODY_NONE;
}

bool bucket_name_is_valid(const char *name)
{
    size_t n = strlen(name);
    if (n < 3 || n > 63 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != n)
        return false;
    return !strchr(".-", name[0]) && !strchr(".-", name[n - 1]) && !strstr(name, "..");
}

/* Parse "a=b&c" into decoded pairs. */
static enum code parse_query(struct pairs *query, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "&");
        size_t name_n = strcspn(text, "=&");
        char *name = text_decode(text, name_n, true);
        char *value =
            name_n < n ? text_decode(text + name_n + 1, n - name_n - 1, true) : mem_dup("");
        bool bad = !name || !value || pairs_get(query, name);
        if (!bad && n > 0)
            pairs_add(query, name, value);
        free(name);
        free(value);
        if (bad)
            return CODE_INVALID_URI;
        text += n + (text[n] == '&');
    }
    return CODE_OK;
}

/* The bytes that may stand in a request line (RFC 3986). */
static bool uri_is_clean(const char *uri)
{
    for (; *uri; uri++)
        if (*uri <= 0x20 || *uri == 0x7f || strchr("\"<>\\^`{|}#", *uri))
            return false;
    return true;
}

enum code request_parse_uri(struct request *r, const char *method, const char *uri)
{
    r->method = mem_dup(method);
    size_t path_n = strcspn(uri, "?");
    if (uri[0] != '/' || !uri_is_clean(uri))
        return CODE_INVALID_URI;
    r->path = text_decode(uri, path_n, false);
    if (!r->path || !path_is_utf8(r->path))
        return CODE_INVALID_URI;
    return uri[path_n] ? parse_query(&r->query, uri + path_n + 1) : CODE_OK;
}

void request_add_header(struct request *r, const char *name, const char *value)
{
    char *lower = mem_dup(name);
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    value += strspn(value, " \t");
    size_t n = strlen(value);
    while (n > 0 && strchr(" \t", value[n - 1]))
        n--;
    char *trimmed = mem_dupn(value, n);
    pairs_add(&r->headers, lower, trimmed);
    free(lower);
    free(trimmed);
}

/* The headers of which a second one is an error. */
static bool comes_once(const char *name)
{
    return (text_has_prefix(name, "x-amz-") && !text_has_prefix(name, "x-amz-meta-")) ||
           text_has_prefix(name, "content-") || text_has_prefix(name, "if-") ||
           strcmp(name, "authorization") == 0 || strcmp(name, "host") == 0;
}

/* No header that must be single came twice. */
static enum code check_headers(const struct request *r)
{
    for (size_t i = 0; i < r->headers.n; i++) {
        const char *name = r->headers.at[i].name;
        if (!comes_once(name))
            continue;
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, r->headers.at[k].name) == 0)
                return CODE_INVALID_REQUEST;
    }
    return request_header(r, "host") ? CODE_OK : CODE_INVALID_REQUEST;
}

/* The bucket that the Host header names before ".domain", or NULL. */
static char *bucket_of_host(const char *host, const char *domain)
{
    size_t host_n = strcspn(host, ":");
    size_t domain_n = strlen(domain);
    if (host_n <= domain_n + 1 || host[host_n - domain_n - 1] != '.')
        return NULL;
    if (strncasecmp(host + host_n - domain_n, domain, domain_n) != 0)
        return NULL;
    return mem_dupn(host, host_n - domain_n - 1);
}

/* Split path (and host) into bucket and key. */
static void split_address(struct request *r, const char *domain)
{
    const char *rest = r->path + 1;
    if (domain)
        r->bucket = bucket_of_host(request_header(r, "host"), domain);
    if (!r->bucket) {
        size_t n = strcspn(rest, "/");
        if (n == 0)
            return;
        r->bucket = mem_dupn(rest, n);
        rest += n + (rest[n] == '/');
    }
    if (*rest)
        r->key = mem_dup(rest);
}

/* A parameter that any operation, or this one, may carry. */
static bool parameter_is_allowed(const struct route *route, const char *name)
{
    if (strcmp(name, "x-id") == 0 || text_has_prefix(name, "X-Amz-"))
        return true;
    if (route->query && strcmp(name, route->query) == 0)
        return true;
    const char *found = strstr(route->allowed, name);
    size_t n = strlen(name);
    return n > 0 && found && found > route->allowed && found[-1] == ' ' && found[n] == ' ';
}

/* Does this row fit the request? */
static bool route_fits(const struct route *route, const struct request *r, enum level level)
{
    return route->level == level && strcmp(route->method, r->method) == 0 &&
           (!route->query || request_query(r, route->query)) &&
           (!route->header || request_header(r, route->header));
}

/* Find the operation and hold its parameters against what it knows. */
static enum code find_operation(struct request *r)
{
    enum level level = r->key ? LEVEL_OBJECT : r->bucket ? LEVEL_BUCKET : LEVEL_SERVICE;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (!route_fits(&routes[i], r, level))
            continue;
        for (size_t k = 0; k < r->query.n; k++)
            if (!parameter_is_allowed(&routes[i], r->query.at[k].name))
                return CODE_NOT_IMPLEMENTED;
        r->op = routes[i].op;
        return CODE_OK;
    }
    return CODE_METHOD_NOT_ALLOWED;
}

enum code request_resolve(struct request *r, const char *domain)
{
    enum code code = check_headers(r);
    if (code)
        return code;
    split_address(r, domain);
    if (r->bucket && !bucket_name_is_valid(r->bucket))
        return CODE_INVALID_BUCKET_NAME;
    if (r->key && strlen(r->key) > KEY_BYTES_MAX)
        return CODE_KEY_TOO_LONG;
    return find_operation(r);
}

void request_release(struct request *r)
{
    free(r->method);
    free(r->path);
    free(r->bucket);
    free(r->key);
    pairs_release(&r->query);
    pairs_release(&r->headers);
    *r = (struct request){0};
}

const char *request_header(const struct request *r, const char *lower_name)
{
    return pairs_get(&r->headers, lower_name);
}

const char *request_query(const struct request *r, const char *name)
{
    return pairs_get(&r->query, name);
}
