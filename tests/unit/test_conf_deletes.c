/* The settings of what becomes of removed objects. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "conf/conf.h"

#include <stdio.h>
#include <string.h>

/* Parse a file with these settings in s3 and in the repository. */
static int parse(const char *s3, const char *image, struct conf **ret, struct conf_faults *faults)
{
    char text[1024];

    snprintf(text, sizeof text,
             "s3: { bucket = \"b-1\"; %s };\nrepositories = ( { name = \"images\"; path = \"/i\"; "
             "prefix = \"images/\"; %s } );\n",
             s3, image);
    return conf_parse(text, "f.conf", ret, faults);
}

static void test_defaults_and_others(void **state)
{
    (void)state;
    struct conf_faults faults = {0};
    struct conf *c = NULL;

    assert_int_equal(parse("", "", &c, &faults), 0);
    assert_int_equal(c->mappings[0].deletes, CONF_DELETES_REMOVE);
    assert_string_equal(c->s3.trash_prefix, ".trash/");
    assert_int_equal(c->s3.trash_retention_ms, INT64_C(30) * 86400000);
    conf_free(c);
    assert_int_equal(parse("trash_prefix = \"a/b\"; trash_retention = \"off\";",
                           "deletes = \"keep\";", &c, &faults),
                     0);
    assert_int_equal(c->mappings[0].deletes, CONF_DELETES_KEEP);
    assert_string_equal(c->s3.trash_prefix, "a/b/");
    assert_int_equal(c->s3.trash_retention_ms, 0);
    conf_free(c);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *s3, *image;
    } cases[] = {
        {"trash_retention = \"auto\";", ""}, {"trash_retention = \"1s\";", ""},
        {"trash_prefix = \"\";", ""},        {"trash_prefix = \"/a\";", ""},
        {"trash_prefix = \"images\";", ""},  {"trash_prefix = \"images/trash\";", ""},
        {"", "deletes = \"never\";"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_faults faults = {0};
        struct conf *c = NULL;

        assert_int_equal(parse(cases[i].s3, cases[i].image, &c, &faults), ERR_SYNTAX);
        assert_int_equal(faults.count, 1);
        conf_faults_release(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_and_others),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
