/*
 * The shared files on any bytes: no crash, no leak; what is read can stand in a header; a fault
 * names the file. The first byte chooses the kind of file.
 */
#include "uploaders/profile.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A setting is absent, or printable and not empty. */
static void check_text(const char *s)
{
    if (s && !*s)
        abort();
    for (; s && *s; s++)
        if (*s <= ' ' || *s > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct profile p;
    struct err e = {0};
    if (size == 0)
        return 0;
    struct span text = {(const char *)data + 1, size - 1};
    enum profile_file kind = data[0] & 1 ? PROFILE_CONFIG : PROFILE_CREDENTIALS;
    if (profile_parse(text, "file", kind, data[0] & 2 ? "x" : "default", &p, &e) != 0) {
        if (strncmp(e.where, "file", 4) != 0)
            abort();
        return 0;
    }
    check_text(p.access_key);
    check_text(p.secret_key);
    check_text(p.session_token);
    check_text(p.region);
    check_text(p.endpoint_url);
    check_text(p.role_arn);
    check_text(p.external_id);
    check_text(p.session_name);
    check_text(p.metadata_endpoint);
    if (!p.found && (p.access_key || p.role_arn || p.process || p.login))
        abort();
    profile_release(&p);
    struct services s;
    if (profile_parse_services(text, "file", "x", &s, &e) == 0) {
        check_text(s.s3_url);
        check_text(s.sts_url);
        services_release(&s);
    }
    return 0;
}
