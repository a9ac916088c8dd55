/* Shell. How fast the transfers may go: the limits in force by the local hour, and what status
 * tells of them. */
#include "agent/service/agent.h"

#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#define BYTES_PER_MBIT UINT64_C(125000)
#define HOUR_S         3600

/* The limits of the hour; ret_s: seconds until the next one. */
static const struct conf_limits *limits_now(const struct agent *a, const char **ret_hours,
                                            int64_t *ret_s)
{
    const time_t now = (time_t)(a->real_us / US_PER_S);
    struct tm local = {0};

    *ret_hours = NULL;
    *ret_s = HOUR_S;
    if (!localtime_r(&now, &local))
        return &a->conf->limits;
    *ret_s = HOUR_S - local.tm_min * 60 - (local.tm_sec < 60 ? local.tm_sec : 59);
    for (size_t i = 0; i < a->conf->timetable_count; i++) {
        const struct conf_hours *row = &a->conf->timetable[i];

        if (!conf_hours_hold(row, (unsigned)local.tm_hour))
            continue;
        *ret_hours = row->hours;
        return &row->limits;
    }
    return &a->conf->limits;
}

/* Put them in force; a change is told. */
static void limits_set(struct agent *a, const struct conf_limits *l, const char *hours)
{
    struct uploaders_limits limits = {.bytes_s = l->mbit * BYTES_PER_MBIT,
                                      .requests_s = l->requests};

    uploaders_limit(a->uploaders, &limits);
    a->limits_hours = hours;
    log_info("limits%s%s: %" PRIu64 " Mbit/s, %" PRIu64 " requests/s (0: any number)",
             hours ? " from " : "", hours ? hours : "", l->mbit, l->requests);
}

void limits_tick(struct agent *a)
{
    const char *hours;
    int64_t left_s;
    const struct conf_limits *l;

    if (a->now_ms < a->limits_ms)
        return;
    a->limits_ms = INT64_MAX;
    if (!a->uploaders)
        return;
    l = limits_now(a, &hours, &left_s);
    if (a->limits != l && (a->limits || l->mbit || l->requests))
        limits_set(a, l, hours);
    a->limits = l;
    if (a->conf->timetable_count)
        a->limits_ms = a->now_ms + left_s * MS_PER_S;
}

void limits_again(struct agent *a)
{
    struct uploaders_flow flow;
    const char *hours;
    int64_t left_s;
    const struct conf_limits *l = limits_now(a, &hours, &left_s);

    uploaders_flow(a->uploaders, &flow);
    if (flow.limits.bytes_s != l->mbit * BYTES_PER_MBIT || flow.limits.requests_s != l->requests)
        limits_set(a, l, hours);
    a->limits = l;
    a->limits_hours = hours;
    a->limits_ms = a->conf->timetable_count ? a->now_ms + left_s * MS_PER_S : INT64_MAX;
}

void limits_json(struct json_writer *w, const struct agent *a)
{
    struct uploaders_flow flow;

    uploaders_flow(a->uploaders, &flow);
    json_object(w, "flow");
    json_put_int(w, "at_once", flow.at_once);
    json_put_int(w, "at_once_max", flow.at_once_max);
    json_put_int(w, "throttled", (int64_t)flow.throttled);
    if (flow.throttled_rate > 0)
        json_put_int(w, "throttled_requests_s", (int64_t)flow.throttled_rate);
    json_put_int(w, "retry_tokens", flow.retry_tokens);
    json_put_int(w, "limit_mbit", (int64_t)(flow.limits.bytes_s / BYTES_PER_MBIT));
    json_put_int(w, "limit_requests", (int64_t)flow.limits.requests_s);
    if (a->limits_hours)
        json_put_string(w, "limit_hours", a->limits_hours);
    json_object_end(w);
}

int limits_text(struct buf *out, const struct agent *a)
{
    struct uploaders_flow flow;
    int rc = 0;

    uploaders_flow(a->uploaders, &flow);
    if (flow.limits.bytes_s || flow.limits.requests_s)
        rc = buf_append_str(out, "limits");
    else if (a->limits_hours)
        rc = buf_append_str(out, "no limits");
    if (rc == 0 && a->limits_hours)
        rc = buf_appendf(out, " from %s", a->limits_hours);
    if (rc == 0 && flow.limits.bytes_s)
        rc = buf_appendf(out, ", %" PRIu64 " Mbit/s", flow.limits.bytes_s / BYTES_PER_MBIT);
    if (rc == 0 && flow.limits.requests_s)
        rc = buf_appendf(out, ", %" PRIu64 " requests/s", flow.limits.requests_s);
    if (rc == 0 && (flow.limits.bytes_s || flow.limits.requests_s || a->limits_hours))
        rc = buf_append_byte(out, '\n');
    if (rc == 0 && flow.throttled_rate > 0)
        rc = buf_appendf(out, "S3 says SlowDown: %.0f requests a second, %u at once for now\n",
                         flow.throttled_rate, flow.at_once);
    return rc;
}
