/* What transfers take, in requests. Pure. */
#include "uploaders/copy.h"
#include "uploaders/parts.h"

/* An upload in parts; `parts` counts their requests. */
static void add_upload(uint64_t size, uint64_t part_bytes, uint64_t *parts, struct s3_requests *n)
{
    struct parts_plan plan;
    n->post += 2; /* Create, Complete */
    *parts += parts_divide(size, part_bytes, &plan) ? plan.count : 0;
}

/* A copy in parts: its source is looked at before and after. */
static void add_copy_in_parts(const struct uploaders_options *opt, uint64_t size,
                              struct s3_requests *n)
{
    n->head += 2;
    add_upload(size, parts_copy_bytes(size, opt->part_bytes), &n->copy, n);
}

void s3_requests_add(const struct uploaders_options *opt, enum transfer_kind kind, uint64_t size,
                     struct s3_requests *n)
{
    switch (kind) {
    case TRANSFER_PUT:
        if (size > 0 && size >= opt->multipart_bytes)
            add_upload(size, opt->part_bytes, &n->put, n);
        else
            n->put++;
        break;
    case TRANSFER_META:
        n->head++;
        /* fall through */
    case TRANSFER_COPY:
        if (size > COPY_BYTES_MAX)
            add_copy_in_parts(opt, size, n);
        else
            n->copy++;
        break;
    case TRANSFER_DELETE:
        n->deletes++;
        break;
    case TRANSFER_DELETE_MANY:
        n->deletes += (size + S3_BATCH_MAX - 1) / S3_BATCH_MAX;
        n->deletes += size > 0; /* and once, whether the server holds conditions: see remove.c */
        n->head += size > 0;
        break;
    case TRANSFER_HEAD:
        n->head++;
        break;
    case TRANSFER_ABORT:
        break; /* free of charge */
    case TRANSFER_STRAYS:
    case TRANSFER_VERSIONING:
    case TRANSFER_LIST:
        break; /* no plan has any */
    }
}
