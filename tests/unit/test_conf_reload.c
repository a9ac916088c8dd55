/* A changed file is taken over where that can be done while an agent runs, or refused whole. */
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file[4096], link_path[4096];
static struct conf *now, *anew;

/* A file with these settings beside the least that there must be. */
static void put(const char *mapping, const char *top)
{
    char text[8192];

    (void)snprintf(text, sizeof(text),
                   "s3: { bucket = \"training\"; region = \"us-east-1\"; };\n"
                   "state_dir = \"%s/state\";\n"
                   "repositories = ( { name = \"images\"; path = \"%s\"; prefix = \"i/\"; %s } );\n"
                   "%s\n",
                   scratch_path(), link_path, mapping, top);
    scratch_write("lockstep.conf", text);
}

/* As the agent loads it: the tree is named by a link. */
static void load(const char *mapping, const char *top)
{
    struct conf_faults faults = {0};

    put(mapping, top);
    if (conf_load(file, &now, &faults) != 0) {
        conf_faults_print(&faults, stderr);
        fail();
    }
}

static int setup(void **state)
{
    if (scratch_setup(state) != 0)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/lockstep.conf", scratch_path());
    (void)snprintf(link_path, sizeof(link_path), "%s/link", scratch_path());
    scratch_mkdir("images");
    scratch_link("images", "link");
    now = anew = NULL;
    return 0;
}

static int teardown(void **state)
{
    conf_free(now);
    conf_free(anew);
    return scratch_teardown(state);
}

/* What is in force, as text. */
static char *in_force(void)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    conf_print(now, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void test_what_can_be_taken_over_is(void **state)
{
    struct conf_faults faults = {0};

    (void)state;
    load("max_removals = 7;", "log_level = \"info\";");
    put("max_removals = 9; max_removal_percent = 50; settle_ms = 40;",
        "log_level = \"debug\"; limits: { mbit = 80; requests = 5; };\n"
        "timetable = ( { hours = \"08-18\"; mbit = 3; } );");
    assert_int_equal(conf_reload(now, &anew, &faults), 0);
    assert_int_equal(faults.count, 0);
    assert_null(anew);
    assert_int_equal(now->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(now->limits.mbit, 80);
    assert_int_equal(now->timetable_count, 1);
    assert_string_equal(now->timetable[0].hours, "08-18");
    assert_int_equal(now->mappings[0].max_removals, 9);
    assert_int_equal(now->mappings[0].max_removal_percent, 50);
    assert_int_equal(now->mappings[0].settle_ms, 40);
    put("", ""); /* and to the defaults */
    assert_int_equal(conf_reload(now, &anew, &faults), 0);
    assert_int_equal(now->mappings[0].max_removals, 200);
    assert_int_equal(now->timetable_count, 0);
    assert_int_equal(now->limits.mbit, 0);
}

/* What an agent would have to begin anew with is given apart: nothing is taken over. */
static void test_other_changes_are_for_a_new_beginning(void **state)
{
    static const struct {
        const char *mapping;
        const char *top;
    } cases[] = {
        {"max_removals = 9; rescan = \"5m\";", ""},
        {"deletes = \"keep\";", ""},
        {"", "journal: { checkpoint_ms = 5000; };"},
        {"", "metrics: { listen = \"127.0.0.1:9780\"; };"},
        {"", "objects = ( { storage_class = \"STANDARD_IA\"; } );"},
    };

    (void)state;
    load("max_removals = 7;", "limits: { mbit = 8; };");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct conf_faults faults = {0};
        char *before = in_force(), *after, *other;

        put(cases[i].mapping, cases[i].top);
        assert_int_equal(conf_reload(now, &anew, &faults), 0);
        assert_int_equal(faults.count, 0);
        assert_non_null(anew);
        after = in_force();
        assert_string_equal(before, after);
        conf_exchange(now, anew);
        other = in_force();
        assert_string_not_equal(before, other);
        assert_string_equal(now->mappings[0].given, link_path);
        conf_exchange(now, anew);
        conf_free(anew);
        anew = NULL;
        free(before);
        free(after);
        free(other);
    }
}

/* Nor is it looked at where that may not be. */
static void test_a_new_beginning_can_be_refused(void **state)
{
    struct conf_faults faults = {0};

    (void)state;
    load("", "");
    put("deletes = \"keep\";", "log_level = \"debug\";");
    assert_int_not_equal(conf_reload(now, NULL, &faults), 0);
    assert_int_equal(faults.count, 1);
    assert_int_equal(now->log_level, LOG_LEVEL_INFO);
    conf_faults_release(&faults);
    put("settle_ms = 40;", "");
    assert_int_equal(conf_reload(now, NULL, &faults), 0);
    assert_int_equal(now->mappings[0].settle_ms, 40);
}

/* The trees of a new beginning are looked at. */
static void test_a_tree_that_is_not_there_is_refused(void **state)
{
    struct conf_faults faults = {0};

    (void)state;
    load("", "");
    put("", "lists = ( { name = \"lists\"; path = \"/nowhere/at/all\"; prefix = \"l/\"; "
            "repository = \"images\"; } );");
    assert_int_not_equal(conf_reload(now, &anew, &faults), 0);
    assert_null(anew);
    assert_int_equal(faults.count, 1);
    assert_non_null(strstr(faults.items[0].where, "lists[0].path"));
    conf_faults_release(&faults);
}

/* Where the commands find the agent and its state stays: all is refused, and the fault names it. */
static void test_what_needs_a_restart_is_refused_whole(void **state)
{
    static const char *const cases[][2] = {
        {"socket", "socket = \"/run/other.sock\";"},
        {"journal_dir", "journal_dir = \"/var/lib/other\";"},
    };

    (void)state;
    load("max_removals = 7;", "limits: { mbit = 8; };");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct conf_faults faults = {0};
        char *before = in_force(), *after;

        put("max_removals = 9;", cases[i][1]);
        assert_int_not_equal(conf_reload(now, &anew, &faults), 0);
        assert_null(anew);
        assert_true(faults.count > 0);
        if (!strstr(faults.items[0].what, cases[i][0]))
            fail_msg("%s: %s", cases[i][0], faults.items[0].what);
        after = in_force();
        assert_string_equal(before, after);
        free(before);
        free(after);
        conf_faults_release(&faults);
    }
}

static void test_a_faulty_file_is_refused_with_all_its_faults(void **state)
{
    struct conf_faults faults = {0};

    (void)state;
    load("", "");
    put("max_removals = -1; nonsense = 1;", "log_level = \"loud\";");
    assert_int_not_equal(conf_reload(now, &anew, &faults), 0);
    assert_int_equal(faults.count, 3);
    assert_int_equal(now->log_level, LOG_LEVEL_INFO);
    conf_faults_release(&faults);
    assert_int_equal(unlink(file), 0);
    assert_int_not_equal(conf_reload(now, &anew, &faults), 0);
    assert_int_equal(faults.count, 1);
    conf_faults_release(&faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_can_be_taken_over_is, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_changes_are_for_a_new_beginning, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_new_beginning_can_be_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_tree_that_is_not_there_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_needs_a_restart_is_refused_whole, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_faulty_file_is_refused_with_all_its_faults, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
