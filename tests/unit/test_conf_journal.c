/* conf/: what of the journal goes to S3, and for how long it is locked there. */
#include "tests/unit/conf_bed.h"

#define KEY "journal: { key = \"/k\"; "

static void test_prefix_and_lock(void **state)
{
    (void)state;
    struct conf *c = parse(KEY "prefix = \"evidence\"; lock = { mode = \"compliance\"; days = 365; "
                               "}; };\n" FULL);
    assert_string_equal(c->journal.prefix, "evidence/");
    assert_int_equal(c->journal.lock.mode, CONF_LOCK_COMPLIANCE);
    assert_int_equal(c->journal.lock.days, 365);
    char *once = print_twice(c);
    assert_non_null(strstr(once, "    lock: {\n        mode = \"compliance\";\n"));
    free(once);
    c = parse(KEY "prefix = \"evidence/\"; };\n" FULL);
    assert_int_equal(c->journal.lock.days, 0);
    conf_free(c);
    c = parse(FULL);
    assert_null(c->journal.prefix);
    assert_int_equal(c->journal.lock.days, 0);
    conf_free(c);
}

static void test_prefix_faults(void **state)
{
    (void)state;
    expect_faults("journal: { prefix = \"evidence/\"; };\n" FULL,
                  "f.conf:1: journal.prefix: is for signed checkpoints, but nothing signs the "
                  "journal; expected a key beside it\n");
    expect_faults(KEY "prefix = \"images/log/\"; };\n" FULL,
                  "f.conf:1: journal.prefix: \"images/log/\" overlaps \"images/\" (line 3); "
                  "expected a prefix apart from those of the trees\n");
    expect_faults(KEY "prefix = \".trash\"; };\n" FULL,
                  "f.conf:1: journal.prefix: \".trash/\" overlaps \".trash/\"; expected a prefix "
                  "apart from the trash's\n");
    expect_faults(KEY "prefix = \"evidence/\"; };\ns3: { bucket = \"b-1\"; };\n"
                      "repositories = ( { name = \"images\"; path = \"/i\"; } );\n",
                  "f.conf:1: journal.prefix: \"evidence/\" overlaps \"\" (line 3); expected a "
                  "prefix apart from those of the trees\n");
    char *got = faults_of(KEY "prefix = \"\"; };\n" FULL);
    assert_non_null(got);
    free(got);
}

static void test_retention(void **state)
{
    static const char right[] = "expected \"off\" or a duration from \"1m\" to \"36500d\" such as "
                                "\"400d\"\n";
    static const struct {
        const char *text, *wrong;
    } bad[] = {{"\"soon\"", "\"soon\""}, {"\"1s\"", "\"1s\""}, {"\"-1d\"", "\"-1d\""}};
    struct conf *c = parse("journal: { retention = \"400d\"; };\n" FULL);

    (void)state;
    assert_int_equal(c->journal.retention_ms, INT64_C(400) * 86400000);
    free(print_twice(c));
    c = parse(FULL);
    assert_int_equal(c->journal.retention_ms, 0);
    conf_free(c);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[512];
        char *got;

        snprintf(text, sizeof text, "journal: { retention = %s; };\n" FULL, bad[i].text);
        got = faults_of(text);
        assert_non_null(got);
        assert_non_null(strstr(got, "f.conf:1: journal.retention: "));
        assert_non_null(strstr(got, bad[i].wrong));
        assert_non_null(strstr(got, right));
        free(got);
    }
}

static void test_lock_faults(void **state)
{
    (void)state;
    expect_faults(KEY "lock = { mode = \"governance\"; days = 1; }; };\n" FULL,
                  "f.conf:1: journal.lock: keeps what goes to S3, but nothing does; expected a "
                  "prefix beside it, or leave it out\n");
    expect_faults(KEY "prefix = \"e/\"; lock = { mode = \"governance\"; days = 0; }; };\n" FULL,
                  "f.conf:1: journal.lock.days: 0 is out of range; expected a whole number from 1 "
                  "to 36500\n");
    expect_faults(KEY "prefix = \"e/\"; lock = { days = 1; }; };\n" FULL,
                  "f.conf:1: journal.lock.mode: is missing; expected \"governance\" or "
                  "\"compliance\"\n");
    expect_faults(KEY "prefix = \"e/\"; lock = { mode = \"legal\"; days = 1; }; };\n" FULL,
                  "f.conf:1: journal.lock.mode: \"legal\" is not one of those; expected "
                  "\"governance\" or \"compliance\"\n");
    expect_faults(
        KEY "prefix = \"e/\"; lock = \"compliance\"; };\n" FULL,
        "f.conf:1: journal.lock: \"compliance\" is a string, in quotes; expected a group: lock: { "
        "mode = \"compliance\"; days = 365; };\n");
    expect_faults("days = 5;\n" FULL,
                  "f.conf:1: days: unknown setting; it belongs in journal.lock\n");
    expect_faults("s3: { bucket = \"b-1\"; prefix = \"x/\"; };\n"
                  "repositories = ( { name = \"images\"; path = \"/i\"; } );\n",
                  "f.conf:1: s3.prefix: unknown setting; it belongs in repositories\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_and_lock), cmocka_unit_test(test_prefix_faults),
        cmocka_unit_test(test_retention), cmocka_unit_test(test_lock_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
