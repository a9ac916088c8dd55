/* Channels: limits one by one, on both sides; and the numbers of lists. */
#include "lists/channels.h"
#include "tests/unit/unit.h"

#include <string.h>

static const struct channel_network nowhere;
static const struct channel_network network = {
    .subnets = {"subnet-1"}, .subnet_n = 1, .groups = {"sg-1"}, .group_n = 1};

static const struct channel in_s3 = {.name = "train", .uri = "s3://bucket/images/"};
static const struct channel in_efs = {.name = "train",
                                      .source = CHANNEL_EFS,
                                      .file_system = "fs-0123456789abcdef0",
                                      .directory = "/images"};
static const struct channel augmented = {.name = "train",
                                         .source = CHANNEL_AUGMENTED,
                                         .pipe = true,
                                         .uri = "s3://bucket/x",
                                         .attribute = "class"};

/* One channel alone. */
static int check(struct channel c)
{
    bool on_network = c.source == CHANNEL_EFS || c.source == CHANNEL_FSX;

    return channels_check(&c, 1, on_network ? &network : &nowhere, NULL);
}

/* A text of n characters. */
static const char *text(char *out, const char *head, size_t n)
{
    memset(out, 'a', n);
    memcpy(out, head, strlen(head));
    out[n] = '\0';
    return out;
}

static void test_names_and_places(void **state)
{
    static const char *const bad_ids[] = {"fs-1234567", "fs-0123456789abcdef012", "fs-0123456g",
                                          "xs-01234567", ""};
    static const char *const bad_uris[] = {"s3://bucket", "s3://bucket/", "https://bucket/x/",
                                           "s3://B/x", ""};
    struct channel c = in_s3;
    char out[DIRECTORY_MAX + 2];

    (void)state;
    assert_int_equal(check(c), 0);
    c.name = text(out, "", CHANNEL_NAME_MAX);
    assert_int_equal(check(c), 0);
    c.name = text(out, "", CHANNEL_NAME_MAX + 1);
    assert_int_equal(check(c), ERR_SYNTAX);
    c.name = "train list";
    assert_int_equal(check(c), ERR_SYNTAX);
    c = in_s3;
    c.uri = text(out, "s3://bucket/", 1024);
    assert_int_equal(check(c), 0);
    c.uri = text(out, "s3://bucket/", 1025);
    assert_int_equal(check(c), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof(bad_uris) / sizeof(*bad_uris); i++) {
        c.uri = bad_uris[i];
        assert_int_equal(check(c), ERR_SYNTAX);
    }
    c = in_efs;
    assert_int_equal(check(c), 0);
    c.directory = text(out, "/", DIRECTORY_MAX);
    assert_int_equal(check(c), 0);
    c.directory = text(out, "/", DIRECTORY_MAX + 1);
    assert_int_equal(check(c), ERR_SYNTAX);
    c.directory = "images";
    assert_int_equal(check(c), ERR_SYNTAX);
    c.directory = "/a\xff";
    assert_int_equal(check(c), ERR_SYNTAX);
    c.directory = "/a\nb";
    assert_int_equal(check(c), ERR_SYNTAX);
    c = in_efs;
    for (size_t i = 0; i < sizeof(bad_ids) / sizeof(*bad_ids); i++) {
        c.file_system = bad_ids[i];
        assert_int_equal(check(c), ERR_SYNTAX);
    }
}

static void test_modes(void **state)
{
    struct channel c = augmented;

    (void)state;
    assert_int_equal(check(c), 0);
    c.pipe = false;
    assert_int_equal(check(c), ERR_SYNTAX);
    c = augmented;
    c.records = true;
    assert_int_equal(check(c), ERR_SYNTAX);
    c = augmented;
    c.attribute = "source-ref";
    assert_int_equal(check(c), ERR_SYNTAX);
    c.attribute = "a class";
    assert_int_equal(check(c), ERR_SYNTAX);
    c.attribute = "";
    assert_int_equal(check(c), ERR_SYNTAX);
    c = augmented;
    c.uri = "s3://bucket/x/";
    assert_int_equal(check(c), ERR_SYNTAX);
    c = in_s3;
    c.pipe = true;
    assert_int_equal(check(c), ERR_SYNTAX);
    c.records = true;
    assert_int_equal(check(c), 0);
    c = in_efs;
    c.pipe = c.records = true;
    assert_int_equal(check(c), ERR_SYNTAX);
}

static void test_several_and_their_network(void **state)
{
    struct channel many[CHANNELS_MAX + 1];
    char names[CHANNELS_MAX + 1][4] = {{0}};
    struct channel_network half = network;

    (void)state;
    for (size_t i = 0; i <= CHANNELS_MAX; i++) {
        names[i][0] = (char)('a' + i);
        many[i] = in_s3;
        many[i].name = names[i];
    }
    assert_int_equal(channels_check(many, 0, &nowhere, NULL), ERR_SYNTAX);
    assert_int_equal(channels_check(many, CHANNELS_MAX, &nowhere, NULL), 0);
    assert_int_equal(channels_check(many, CHANNELS_MAX + 1, &nowhere, NULL), ERR_SYNTAX);
    many[1].name = "a";
    assert_int_equal(channels_check(many, 2, &nowhere, NULL), ERR_SYNTAX);
    assert_int_equal(channels_check(&in_efs, 1, &nowhere, NULL), ERR_SYNTAX);
    assert_int_equal(channels_check(&in_s3, 1, &network, NULL), 0);
    half.group_n = 0;
    assert_int_equal(channels_check(&in_s3, 1, &half, NULL), ERR_SYNTAX);
    half = network;
    half.subnet_n = 0;
    assert_int_equal(channels_check(&in_s3, 1, &half, NULL), ERR_SYNTAX);
    half = network;
    half.subnets[0] = "subnet 1";
    assert_int_equal(channels_check(&in_s3, 1, &half, NULL), ERR_SYNTAX);
    half = network;
    half.groups[0] = "sg_1";
    assert_int_equal(channels_check(&in_s3, 1, &half, NULL), ERR_SYNTAX);
}

static void test_directories(void **state)
{
    char out[64];

    (void)state;
    assert_int_equal(channel_directory(false, NULL, "", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/");
    assert_int_equal(channel_directory(false, NULL, "a/b", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/a/b");
    assert_int_equal(channel_directory(true, "fsx", "", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/fsx");
    assert_int_equal(channel_directory(true, "abc_-123", "a", out, sizeof(out), NULL), 0);
    assert_string_equal(out, "/abc_-123/a");
    assert_int_equal(channel_directory(true, NULL, "a", out, sizeof(out), NULL), ERR_SYNTAX);
    assert_int_equal(channel_directory(true, "123456789", "a", out, sizeof(out), NULL), ERR_SYNTAX);
    assert_int_equal(channel_directory(false, NULL, "a/b", out, 4, NULL), ERR_SYNTAX);
}

static const struct {
    const char *train;
    const char *validation;
    uint64_t mini_batch;
    int rc;
    uint64_t classes;
} pairs[] = {
    {"0\t0\ta\n1\t1\tb\n", "0\t1\tc\n", 1, 0, 2},
    {"0\t0.0\ta\n1\t1\tb\n", "0\t1\tc\n", 1, 0, 2},
    {"0\t1\t0\t0\ta\n1\t0\t0\t1\tb\n", "0\t1\t1\t1\tc\n", 1, 0, 3},
    {"0\t0\ta\n1\t1\tb\n", "0\t2\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t0\ta\n1\t2\tb\n", "0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t1\ta\n1\t1\tb\n", "0\t1\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t0\ta\n1\t1\tb\n", "0\t1\tc\n", 2, ERR_SYNTAX, 0},
    {"0\t0\ta\n", "0\t0\tc\n1\t0\td\n", 2, ERR_SYNTAX, 0},
    {"0\t0\ta\n\n", "0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t0\ta\n# x\n", "0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"", "0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\tcat\ta\n", "0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t1\t0\ta\n1\t0\t2\tb\n", "0\t1\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t1\t0\ta\n1\t0\tb\n", "0\t1\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t1\t0\ta\n", "0\t1\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t1\t0\ta\n", "0\t1\t0\t0\tc\n", 1, ERR_SYNTAX, 0},
    {"0\t2\t5\t1\t.1\t.1\t.2\t.2\ta\n", "0\t2\t5\t1\t.1\t.1\t.2\t.2\tb\n", 1, ERR_SYNTAX, 0},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        struct lst_list train = {"t", span_of(pairs[i].train)};
        struct lst_list validation = {"v", span_of(pairs[i].validation)};
        struct training_numbers numbers = {0};
        int rc = training_numbers(&train, &validation, pairs[i].mini_batch, &numbers, NULL);

        if (rc != pairs[i].rc || numbers.classes != pairs[i].classes)
            fail_msg("pair %zu: %d", i, rc);
        assert_int_equal(numbers.samples, rc == 0 ? 2 : 0);
        assert_int_equal(numbers.multi_label, pairs[i].classes == 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_places),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_several_and_their_network),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
