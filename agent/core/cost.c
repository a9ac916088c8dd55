/* Pure. What requests and storage cost. See cost.h. */
#include "agent/core/cost.h"

#include <stdio.h>

/* amount * price / unit, rounded up to a billionth. */
static int64_t share(uint64_t amount, int64_t price, uint64_t unit)
{
    __extension__ unsigned __int128 v = (unsigned __int128)amount * (uint64_t)price;

    v = (v + unit - 1) / unit;
    return v > INT64_MAX ? INT64_MAX : (int64_t)v;
}

int64_t cost_requests(const struct conf_prices *p, const struct s3_requests *r)
{
    int64_t a = share(r->put + r->copy + r->post, p->put_per_1000, 1000), sum;

    if (__builtin_add_overflow(a, share(r->head, p->get_per_1000, 1000), &sum))
        return INT64_MAX;
    return sum;
}

int64_t cost_storage(const struct conf_prices *p, uint64_t bytes)
{
    return share(bytes, p->storage_gib_month, UINT64_C(1) << 30);
}

char *cost_text(int64_t billionths, char out[COST_TEXT_SIZE])
{
    int n = snprintf(out, COST_TEXT_SIZE, "%lld.%09lld", (long long)(billionths / 1000000000),
                     (long long)(billionths % 1000000000)); /* fits */

    while (out[n - 1] == '0' && out[n - 3] != '.')
        out[--n] = '\0';
    return out;
}
