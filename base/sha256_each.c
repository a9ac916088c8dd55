/* Many SHA-256 hashes, in the fastest way that the processor has. Pure. */
#include "base/sha256_ways.h"

#include <pthread.h>

static void (*best_both)(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                         size_t blocks); /* NULL: there is none */
static void (*best)(uint8_t first, const struct span *texts, size_t count,
                    uint8_t (*out)[SHA256_BYTES]);
static pthread_once_t choice_once = PTHREAD_ONCE_INIT;

/* Take the fastest way that this processor has. */
static void choose(void)
{
    const bool has_x86 = sha256_x86_works();

    best = has_x86 ? sha256_each_by_x86 : sha256_each_by_openssl;
    best_both = has_x86 ? sha256_both_by_x86 : NULL;
}

void digest_sha256_each(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES])
{
    (void)pthread_once(&choice_once, choose); /* cannot fail with these arguments */
    best(first, texts, count, out);
}

bool sha256_both(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                 size_t blocks)
{
    (void)pthread_once(&choice_once, choose);
    if (best_both)
        best_both(hx, px, hy, py, blocks);
    return best_both;
}

void sha256_each_by_openssl(uint8_t first, const struct span *texts, size_t count,
                            uint8_t (*out)[SHA256_BYTES])
{
    for (size_t i = 0; i < count; i++) {
        struct sha256 s;

        sha256_begin(&s);
        sha256_add(&s, &first, 1);
        sha256_add(&s, texts[i].p, texts[i].n);
        sha256_end(&s, out[i]);
    }
}
