/* conf/: limits and their timetable. */
#include "tests/unit/conf_bed.h"

#include "conf/value.h"

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
    char *once = print_twice(c);
    free(once);
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
