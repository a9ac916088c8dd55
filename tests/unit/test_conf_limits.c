/* conf/: limits and their timetable. */
#include "base/err.h"
#include "conf/conf.h"
#include "conf/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* libconfig 1.5 loses a string when a syntax error follows it: not ours to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\nleak:strbuf_append\n";
}

#define FULL                                                                                       \
    "s3: { bucket = \"b-1\"; };\n"                                                                 \
    "repositories = ( { name = \"images\"; path = \"/i\"; prefix = \"images/\"; } );\n"            \
    "lists = ( { name = \"lists\"; path = \"/l\"; prefix = \"lists/\"; repository = \"images\"; "  \
    "} );\n"

/* All faults as the lines that a person sees; NULL where there is none. */
static char *faults_of(const char *text)
{
    struct conf *c = NULL;
    struct conf_faults faults;
    int r = conf_parse(text, "f.conf", &c, &faults);
    if (r == 0) {
        assert_int_equal(faults.count, 0);
        conf_free(c);
        return NULL;
    }
    assert_int_equal(r, ERR_SYNTAX);
    assert_null(c);
    assert_true(faults.count > 0);
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    conf_faults_print(&faults, f);
    assert_int_equal(fclose(f), 0);
    conf_faults_release(&faults);
    return out;
}

static void expect_faults(const char *text, const char *expected)
{
    char *got = faults_of(text);
    if (got == NULL)
        fail_msg("no fault in: %s", text);
    assert_string_equal(got, expected);
    free(got);
}

static struct conf *parse(const char *text)
{
    struct conf *c = NULL;
    struct conf_faults faults;
    int r = conf_parse(text, "f.conf", &c, &faults);
    conf_faults_print(&faults, stderr);
    assert_int_equal(r, 0);
    conf_faults_release(&faults);
    return c;
}

static char *print(const struct conf *c)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    conf_print(c, f);
    assert_int_equal(fclose(f), 0);
    return out;
}

static void test_limits(void **state)
{
    (void)state;
    struct conf *c = parse("limits: { mbit = 200; };\n"
                           "timetable = ( { hours = \"8-18\"; requests = 7; },\n"
                           "              { hours = \"22-6\"; mbit = 1000; } );\n" FULL);
    assert_int_equal(c->limits.mbit, 200);
    assert_int_equal(c->limits.requests, 0);
    assert_int_equal(c->timetable_count, 2);
    assert_string_equal(c->timetable[0].hours, "08-18");
    assert_int_equal(c->timetable[0].limits.requests, 7);
    assert_int_equal(c->timetable[1].limits.mbit, 1000);
    for (unsigned hour = 0; hour < 24; hour++) {
        assert_int_equal(conf_hours_hold(&c->timetable[0], hour), hour >= 8 && hour < 18);
        assert_int_equal(conf_hours_hold(&c->timetable[1], hour), hour >= 22 || hour < 6);
    }
    char *once = print(c);
    conf_free(c);
    c = parse(once);
    char *twice = print(c);
    conf_free(c);
    assert_string_equal(once, twice);
    free(once);
    free(twice);
    expect_faults("limits: { mbit = -1; };\n" FULL,
                  "f.conf:1: limits.mbit: -1 is out of range; expected a whole number from 0 to "
                  "1000000; 0: any number\n");
    expect_faults("timetable = ( { mbit = 5; } );\n" FULL,
                  "f.conf:1: timetable[0].hours: is missing; expected two whole hours of the day "
                  "such as \"08-18\" or \"22-06\"\n");
    expect_faults("timetable = ( { hours = \"8-25\"; } );\n" FULL,
                  "f.conf:1: timetable[0].hours: \"8-25\" is not two hours with '-' between them; "
                  "expected two whole hours of the day such as \"08-18\" or \"22-06\"\n");
    expect_faults("timetable = ( { hours = \"7-07\"; } );\n" FULL,
                  "f.conf:1: timetable[0].hours: \"7-07\" is no time at all; "
                  "expected two whole hours of the day such as \"08-18\" or \"22-06\"\n");
    expect_faults("timetable = ( { hours = \"08-18\"; }, { hours = \"17-02\"; } );\n" FULL,
                  "f.conf:1: timetable: \"08-18\" and \"17-02\" share the hour from 17:00; each "
                  "hour belongs to one row at most\n");
    expect_faults("mbit = 5;\n" FULL, "f.conf:1: mbit: unknown setting; it belongs in limits\n");
    expect_faults("timetable = ( 5 );\nlimits = 3;\n" FULL,
                  "f.conf:1: timetable[0]: 5 is a number, not in quotes; expected a list of "
                  "groups: timetable = ( "
                  "{ hours = \"08-18\"; mbit = 50; } );\n"
                  "f.conf:2: limits: 3 is a number, not in quotes; expected a group: limits: { "
                  "mbit = 200; };\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
