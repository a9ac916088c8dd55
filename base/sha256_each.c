/* Many SHA-256 hashes, in the fastest way that the processor has. Pure but for the clock that says
 * which one that is. */
#include "base/sha256_ways.h"

#include "base/clock.h"

#include <pthread.h>

#define TRIALS      5    /* the first ones may be slowed by registers that wake up */
#define TRIAL_BYTES 2048 /* of each text: all trials together take a tenth of a millisecond */

/* FIPS 180-4, 4.2.2. */
const uint32_t sha256_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef void each_fn(uint8_t first, const struct span *texts, size_t count,
                     uint8_t (*out)[SHA256_BYTES]);
typedef void both_fn(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                     size_t blocks);
typedef size_t strided_fn(const uint8_t *p, size_t stride, size_t n, size_t count,
                          uint8_t (*out)[SHA256_BYTES]);

/* The fastest ways. */
static each_fn *best_each = sha256_each_by_openssl;
static both_fn *best_both;      /* NULL: there is none */
static strided_fn *best_wide;   /* of many texts, likewise */
static strided_fn *best_narrow; /* of two and more */
static pthread_once_t choice_once = PTHREAD_ONCE_INIT;

/* The least time that some texts take, in microseconds. */
static int64_t time_of(strided_fn *way)
{
    static const uint8_t text[TRIAL_BYTES];
    uint8_t out[SHA256_LANES][SHA256_BYTES];
    int64_t least = INT64_MAX;

    for (int i = 0; i < TRIALS; i++) {
        const int64_t began = clock_mono_us();
        (void)way(text, 0, sizeof(text), SHA256_LANES, out);
        const int64_t took = clock_mono_us() - began;

        least = took < least ? took : least;
    }
    return least;
}

/* Take the fastest ways that this processor has. Which of two it is for many texts depends on the
 * model, and the time of either says it. */
static void choose(void)
{
    if (sha256_x86_works()) {
        best_each = sha256_each_by_x86;
        best_both = sha256_both_by_x86;
        best_narrow = sha256_strided_by_x86;
    }
    if (sha256_avx512_works() &&
        (!best_narrow || time_of(sha256_strided_by_avx512) < time_of(best_narrow)))
        best_wide = sha256_strided_by_avx512;
}

void digest_sha256_each(uint8_t first, const struct span *texts, size_t count,
                        uint8_t (*out)[SHA256_BYTES])
{
    (void)pthread_once(&choice_once, choose); /* cannot fail with these arguments */
    best_each(first, texts, count, out);
}

bool sha256_both(uint32_t hx[8], const uint8_t *px, uint32_t hy[8], const uint8_t *py,
                 size_t blocks)
{
    (void)pthread_once(&choice_once, choose);
    if (best_both)
        best_both(hx, px, hy, py, blocks);
    return best_both;
}

void digest_sha256_strided(const char *p, size_t stride, size_t n, size_t count,
                           uint8_t (*out)[SHA256_BYTES])
{
    const uint8_t *bytes = (const uint8_t *)p;
    size_t done = 0;

    (void)pthread_once(&choice_once, choose);
    if (best_wide)
        done += best_wide(bytes, stride, n, count, out);
    if (best_narrow)
        done += best_narrow(bytes + done * stride, stride, n, count - done, out + done);
    for (; done < count; done++)
        digest_sha256(bytes + done * stride, n, out[done]);
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
