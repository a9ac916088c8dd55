/* Which uploads that S3 lists are ours without our knowing their ids. */
#include "tests/unit/unit.h"
#include "uploaders/stray.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S        INT64_C(1000000)

static void test_by_key_time_and_checksum(void **state)
{
    (void)state;
    /* The doubt's time is 100 s to 110 s by our clock; S3's is 60 s ahead. */
    static const struct {
        const char *key;
        int64_t initiated_us;
        const char *algorithm;
        bool is;
    } cases[] = {
        {"k", 160 * S, "", true},        {"k", 165 * S, "CRC64NVME", true},
        {"k", 158 * S, "", true},      /* within what is not known of the clocks */
        {"k", 158 * S - 1, "", false}, /* somebody's, from before */
        {"k", 100 * S, "", false},       {"k", 168 * S, "", true},
        {"k", 168 * S + 1, "", false}, /* it may be the next one of ours */
        {"k", 171 * S, "", false},       {"k2", 165 * S, "", false},
        {"", 165 * S, "", false},        {"k", 0, "", false}, /* not told */
        {"k", 165 * S, "SHA256", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct s3_upload u = {.key = cases[i].key,
                              .id = "i",
                              .initiated_us = cases[i].initiated_us,
                              .algorithm = cases[i].algorithm};
        assert_int_equal(stray_is(&u, "k", 100 * S, 110 * S, 60 * S), cases[i].is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_by_key_time_and_checksum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
