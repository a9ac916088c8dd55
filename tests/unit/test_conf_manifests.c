/* The settings of manifests beside lists. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Parse a file with these settings of lists, in this bucket. */
static int parse(const char *bucket, const char *list, struct conf **ret,
                 struct conf_faults *faults)
{
    char text[1024];

    snprintf(text, sizeof text,
             "s3: { bucket = \"%s\"; };\nrepositories = ( { name = \"images\"; path = \"/i\"; "
             "prefix = \"images/\"; } );\nlists = ( { name = \"lists\"; path = \"/l\"; prefix = "
             "\"lists/\"; repository = \"images\"; %s } );\n",
             bucket, list);
    return conf_parse(text, "f.conf", ret, faults);
}

/* Their names are taken, and kept free in the tree. */
static void test_names(void **state)
{
    (void)state;
    struct conf_faults faults = {0};
    struct conf *c = NULL;

    assert_int_equal(parse("b-1", "", &c, &faults), 0);
    assert_null(c->mappings[1].manifest);
    assert_null(c->mappings[1].exclude[0]);
    conf_free(c);
    assert_int_equal(parse("b-1",
                           "exclude = ( \"a\", \"*.manifest\" ); manifest = \".manifest\"; "
                           "augmented_manifest = \".labels.jsonl\";",
                           &c, &faults),
                     0);
    assert_string_equal(c->mappings[1].manifest, ".manifest");
    assert_string_equal(c->mappings[1].augmented_manifest, ".labels.jsonl");
    assert_string_equal(c->mappings[1].exclude[1], "*.manifest");
    assert_string_equal(c->mappings[1].exclude[2], "*.labels.jsonl");
    assert_null(c->mappings[1].exclude[3]);
    assert_null(c->mappings[0].exclude[0]);
    conf_free(c);
}

/* What is printed reads as the same. */
static void test_printed(void **state)
{
    (void)state;
    struct conf_faults faults = {0};
    struct conf *c = NULL;
    char *text[2] = {NULL, NULL};
    size_t n;

    assert_int_equal(parse("b-1", "manifest = \".m\";", &c, &faults), 0);
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&text[i], &n);

        assert_non_null(out);
        conf_print(c, out);
        assert_int_equal(fclose(out), 0);
        conf_free(c);
        assert_int_equal(conf_parse(text[i], "f.conf", &c, &faults), 0);
    }
    conf_free(c);
    assert_string_equal(text[0], text[1]);
    free(text[0]);
    free(text[1]);
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *bucket, *list, *what;
    } cases[] = {
        {"b-1", "manifest = \"\";", "is empty"},
        {"b-1", "manifest = \"/x\";", "holds a byte"},
        {"b-1", "manifest = \"*\";", "holds a byte"},
        {"b-1", "manifest = \".lst\";", "makes the manifest a list"},
        {"b-1", "augmented_manifest = \"-all.lst\";", "makes the manifest a list"},
        {"b-1", "manifest = \".lst.manifest\";", "in the channel of its list"},
        {"b-1", "manifest = \".m\"; augmented_manifest = \".m\";", "one and the same manifest"},
        {"b-1", "manifest = \".m\"; augmented_manifest = \".a.m\";", "one and the same manifest"},
        {"b-1", "manifest = \".a.m\"; augmented_manifest = \"m\";", "one and the same manifest"},
        {"arn:aws:s3:eu-west-1:123456789012:accesspoint/images", "manifest = \".m\";", "is none"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conf_faults faults = {0};
        struct conf *c = NULL;

        assert_int_equal(parse(cases[i].bucket, cases[i].list, &c, &faults), ERR_SYNTAX);
        assert_int_equal(faults.count, 1);
        if (!strstr(faults.items[0].what, cases[i].what))
            fail_msg("%s", faults.items[0].what);
        conf_faults_release(&faults);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_faults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
