/*
 * Keys from their source, as planned. Shell.
 */
#include "uploaders/credentials_fetch.h"

#include "base/clock.h"

#include <errno.h>
#include <string.h>

/* The keys of the source itself. */
static int fetch_source(const struct credentials_plan *plan, struct fetcher *f,
                        struct credentials *ret, struct err *e)
{
    int rc;
    switch (plan->source) {
    case PLAN_ENVIRONMENT:
    case PLAN_FILE:
        rc = credentials_copy(&plan->keys, ret);
        return rc ? err_set(e, rc, "", "", "out of memory") : 0;
    case PLAN_PROCESS:
        return fetch_process(plan, f, ret, e);
    case PLAN_WEB_IDENTITY:
        return sts_web_identity(plan, f, ret, e);
    case PLAN_CONTAINER:
        return fetch_container(plan, f, ret, e);
    case PLAN_INSTANCE:
        return fetch_instance(plan, f, ret, e);
    }
    return err_set(e, -ENOTSUP, "", "", "no such source");
}

/* Every role of the chain, each with the keys of the one before. */
static int assume_roles(const struct credentials_plan *plan, struct fetcher *f,
                        struct credentials *keys, struct err *e)
{
    for (size_t i = 0; i < plan->role_count; i++) {
        struct credentials next = {0};
        int rc = sts_assume(plan, &plan->roles[i], keys, f, &next, e);
        if (rc)
            return rc;
        credentials_wipe(keys);
        *keys = next;
    }
    return 0;
}

/* The keys are from STS, so its clock says when they expire. */
static bool is_by_sts(const struct credentials_plan *plan)
{
    return plan->role_count > 0 || plan->source == PLAN_WEB_IDENTITY;
}

/* Keys that have expired before we have them are worth something only in an outage of the
 * instance's metadata: then S3 takes them longer. */
static int check_expiry(const struct credentials_plan *plan, const struct fetcher *f,
                        struct fetched *got, struct err *e)
{
    int64_t *expires_us = &got->keys.expires_us;
    if (*expires_us != CREDENTIALS_FOREVER && is_by_sts(plan))
        *expires_us -= f->offset_us;
    bool fixed = plan->source == PLAN_ENVIRONMENT && plan->role_count == 0; /* S3 will tell */
    if (*expires_us > clock_real_us() || fixed)
        return 0;
    if (plan->source == PLAN_INSTANCE && plan->role_count == 0) {
        got->extended = true;
        return 0;
    }
    return err_set(e, -EKEYEXPIRED, "", "keys that are good for a while, and a clock that is right",
                   "it gave keys that have expired already");
}

/* Say which source it was, and, at the end of the chain, what the others were. */
static int tell(const struct credentials_plan *plan, int rc, const struct err *why, struct err *e)
{
    if (!plan->last_resort || rc == -ECANCELED)
        return err_set(e, rc, plan->words, why->right, "%s", why->what);
    return err_set(e, -ENOKEY, "",
                   "keys in the environment or in a profile, a role, or the host's "
                   "own identity",
                   "no credentials for S3: %.280s; instance metadata: %.180s", plan->tried,
                   why->what);
}

int credentials_fetch(const struct credentials_plan *plan, struct fetcher *f, struct fetched *ret,
                      struct err *e)
{
    struct fetched got = {.extended = false};
    struct err why = {0};
    int rc = fetch_source(plan, f, &got.keys, &why);
    rc = rc ?: assume_roles(plan, f, &got.keys, &why);
    rc = rc ?: check_expiry(plan, f, &got, &why);
    if (rc) {
        credentials_wipe(&got.keys);
        return tell(plan, rc, &why, e);
    }
    *ret = got;
    return 0;
}
