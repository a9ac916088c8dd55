/* Undo texts as files. */
#include "agent/service/undo.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char dir[512];

static void begin(void)
{
    snprintf(dir, sizeof dir, "%s/undo", scratch_path());
}

static void test_a_text_has_the_name_of_its_hash(void **state)
{
    char name[UNDO_NAME_SIZE], file[UNDO_NAME_SIZE + 8];
    struct buf out;

    (void)state;
    begin();
    buf_init(&out, SIZE_MAX);
    assert_int_equal(undo_keep(dir, SPAN("1\t-\t0\t0\ta\n"), name), 0);
    assert_int_equal(undo_keep(dir, SPAN("1\t-\t0\t0\ta\n"), name), 0); /* once more */
    assert_int_equal(buf_append_str(&out, ">"), 0);
    assert_int_equal(undo_read(dir, name, &out), 0);
    assert_string_equal(out.data, ">1\t-\t0\t0\ta\n");
    snprintf(file, sizeof file, "undo/%s", name);
    scratch_write(file, "1\t-\t0\t0\tb\n");
    assert_int_equal(undo_read(dir, name, &out), ERR_CORRUPT);
    name[0] = name[0] == '0' ? '1' : '0';
    assert_int_equal(undo_read(dir, name, &out), -ENOENT);
    assert_int_equal(undo_read(dir, "../undo", &out), ERR_SYNTAX);
    buf_release(&out);
}

static void test_old_ones_go_and_nothing_else(void **state)
{
    char name[UNDO_NAME_SIZE];

    (void)state;
    begin();
    assert_int_equal(undo_expire(dir, INT64_MAX), 0); /* there are none */
    assert_int_equal(undo_keep(dir, SPAN("x"), name), 0);
    scratch_write("undo/notes", "somebody's");
    assert_int_equal(undo_expire(dir, 0), 0);
    assert_int_equal(undo_expire(dir, INT64_MAX), 0);
    assert_string_equal(scratch_read("undo/notes"), "somebody's");
    assert_int_equal(undo_read(dir, name, &(struct buf){.max = 100}), -ENOENT);
}

static void test_they_move_once(void **state)
{
    char old[512];

    (void)state;
    begin();
    snprintf(old, sizeof old, "%s/old", scratch_path());
    assert_int_equal(undo_move(old, dir), 0);
    scratch_mkdir("old");
    scratch_write("old/a", "1");
    assert_int_equal(undo_move(old, dir), 0);
    assert_string_equal(scratch_read("undo/a"), "1");
    scratch_mkdir("old");
    assert_int_equal(undo_move(old, dir), 0); /* there are newer ones */
    assert_string_equal(scratch_read("undo/a"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_text_has_the_name_of_its_hash, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_old_ones_go_and_nothing_else, scratch_setup,
                                        scratch_teardown),
        cmocka_unit_test_setup_teardown(test_they_move_once, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
