/* Words of bytes, and hashes made of them: byte by byte, and nothing past the bytes is looked at.
 */
#include "base/mix.h"
#include "tests/unit/edge_bed.h"
#include "tests/unit/unit.h"

#define LENGTH_MAX 40
#define ROUNDS     50 /* for each length */

/* The bytes of a word, one by one. */
static uint64_t word_by_bytes(const char *p, size_t n)
{
    uint64_t word = 0;

    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)(uint8_t)p[i] << 8 * i;
    return word;
}

static uint64_t mix_by_bytes(uint64_t seed, const char *p, size_t n)
{
    uint64_t h = mix(seed ^ n);

    for (size_t at = 0; at < n; at += WORD_BYTES)
        h = mix(h ^ word_by_bytes(p + at, n - at < WORD_BYTES ? n - at : WORD_BYTES));
    return h;
}

static void test_bytes(void **state)
{
    uint64_t seed = 3;

    (void)state;
    for (size_t n = 0; n <= LENGTH_MAX; n++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            char bytes[LENGTH_MAX];
            struct span text = {bytes, n};

            fill(&seed, bytes, n, (struct span){NULL, 0});
            for (int at_end = 0; at_end < 2; at_end++) {
                struct span s = placed(text, at_end, 0);

                assert_int_equal(mix_bytes(round, s.p, n), mix_by_bytes(round, bytes, n));
                if (n < WORD_BYTES)
                    assert_int_equal(word_load_short(s.p, n), word_by_bytes(bytes, n));
                if (n == WORD_BYTES)
                    assert_int_equal(word_load(s.p), word_by_bytes(bytes, n));
            }
        }
}

/* Numbers that stand in indices and decide which image is drawn: they may never change. */
static void test_kept(void **state)
{
    (void)state;
    assert_int_equal(mix_bytes(1, "", 0), UINT64_C(0xb456bcfc34c2cb2c));
    assert_int_equal(mix_bytes(1, "train/n01/7.jpg", 15), UINT64_C(0xd7f74e059dcc895a));
    assert_int_equal(mix_bytes(7, "abc", 3), UINT64_C(0x6aadceccf0c84065));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_kept),
    };

    return cmocka_run_group_tests(tests, room_open, room_close);
}
