/* The settings of what becomes of rows. */
#include "tests/unit/conf_bed.h"

static void test_the_first_rule_that_matches_decides(void **state)
{
    struct conf_faults faults = {0};
    struct conf *c = NULL;

    (void)state;
    assert_int_equal(
        conf_parse(FULL "policies = ( { match = ( \"val.lst\", \"golden/**\" ); on_remove = "
                        "\"hold\"; }, { mapping = \"lists\"; on_rename = \"drop\"; reindex = "
                        "true; } );",
                   "f.conf", &c, &faults),
        0);
    assert_int_equal(c->policy_count, 2);
    assert_ptr_equal(conf_policy_of(c, 1, "val.lst"), &c->policies[0]);
    assert_ptr_equal(conf_policy_of(c, 1, "golden/a/b.lst"), &c->policies[0]);
    assert_ptr_equal(conf_policy_of(c, 1, "train.lst"), &c->policies[1]);
    assert_int_equal(c->policies[0].on_remove, CONF_REMOVE_HOLD);
    assert_int_equal(c->policies[0].on_rename, CONF_RENAME_FOLLOW);
    assert_false(c->policies[0].reindex);
    assert_null(c->policies[0].label_from_directory);
    assert_int_equal(c->policies[1].on_rename, CONF_RENAME_DROP);
    assert_true(c->policies[1].reindex);
    assert_int_equal(c->policies[1].applies, 1);
    conf_free(c);
    assert_int_equal(conf_parse(FULL, "f.conf", &c, &faults), 0);
    assert_null(conf_policy_of(c, 1, "train.lst"));
    conf_free(c);
}

static void test_nonsense_is_named(void **state)
{
    (void)state;
#define RULE(rule) FULL "policies = ( { " rule " } );"
    expect_faults(RULE("match = ( \"a\" );"),
                  "f.conf:4: policies[0].on_remove: is missing, and so is all else that the rule "
                  "could set; expected on_remove, on_rename, reindex or label_from_directory in "
                  "the rule\n");
    expect_faults(RULE("mapping = \"images\"; on_remove = \"keep\";"),
                  "f.conf:4: policies[0].mapping: \"images\" is a repository, and holds no lists; "
                  "expected the name of one of the lists mappings\n");
    expect_faults(RULE("mapping = \"x\"; on_remove = \"keep\";"),
                  "f.conf:4: policies[0].mapping: \"x\" is no mapping of this file; expected the "
                  "name of one of the lists mappings\n");
    expect_faults(RULE("on_remove = \"keep\"; reindex = true;"),
                  "f.conf:4: policies[0].reindex: is for lists that lose rows, and this rule keeps "
                  "them all; leave it out, or let rows go\n");
    expect_faults(RULE("on_rename = \"drop\"; label_from_directory = \"/m\";"),
                  "f.conf:4: policies[0].label_from_directory: has no row to label: on_rename = "
                  "\"drop\" takes them out; leave one of them out\n");
    expect_faults(RULE("on_remove = \"keep\"; }, { mapping = \"lists\"; reindex = true;"),
                  "f.conf:4: policies[1].match: is never asked: the rule in line 4 decides before; "
                  "put it before the rule that takes every list\n");
    expect_faults(RULE("on_remove = 1;"), "f.conf:4: policies[0].on_remove: 1 is a number, not in "
                                          "quotes; expected \"drop\", \"keep\" or "
                                          "\"hold\"\n");
    expect_faults(FULL "on_remove = \"keep\";",
                  "f.conf:4: on_remove: unknown setting; it belongs in policies\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_rule_that_matches_decides),
        cmocka_unit_test(test_nonsense_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
