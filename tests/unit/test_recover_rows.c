/* Which names lists have for images after a crash, by what the journal tells of their rewrites. */
#include "tests/unit/index_bed.h"

#include "agent/core/rows.h"
#include "agent/service/recover_rows.h"
#include "agent/service/undo.h"

#define IMAGES "p/"
#define LISTS  "l/"

static char images_prefix[] = IMAGES, lists_prefix[] = LISTS;
static const struct conf_mapping images = {.kind = CONF_REPOSITORY, .prefix = images_prefix};
static const struct conf_mapping lists = {
    .kind = CONF_LISTS, .prefix = lists_prefix, .repository = 0};

/* An image went from "b/x" to "b/y", another one from "a/y" to "b/x", and S3 has both there. No
 * list has a row of the first, train.lst had one of the second. */
struct bed {
    struct mapping mappings[2];
    struct agent agent;
    struct recover_names names;
};

/* Lists may name the image of this key by that one. */
static void put_listed(struct bed *bed, const char *key, uint64_t number, const char *name)
{
    struct known k = entry(number);

    k.flags |= KNOWN_LISTED;
    k.moved_to = (char *)(uintptr_t)name;
    assert_int_equal(index_put(bed->agent.index, key, &k, NULL), 0);
}

/* The name that the index says, or NULL. */
static const char *listed(struct bed *bed, const char *key)
{
    static struct index_entry e;

    assert_int_equal(index_get(bed->agent.index, key, &e), 0);
    return e.known.flags & KNOWN_LISTED ? e.known.moved_to : NULL;
}

static void begin(struct bed *bed)
{
    *bed = (struct bed){
        .mappings = {{.conf = &images, .prefix_len = sizeof IMAGES - 1},
                     {.id = 1, .conf = &lists, .prefix_len = sizeof LISTS - 1}},
    };
    bed->mappings[0].root_fd = bed->mappings[1].root_fd = scratch_fd();
    bed->agent = (struct agent){.mappings = bed->mappings, .mapping_count = 2, .index = opened()};
    (void)snprintf(bed->agent.undo_dir, sizeof bed->agent.undo_dir, "%s/%s", scratch_path(),
                   UNDO_DIR);
    put_listed(bed, IMAGES "b/y", 1, IMAGES "b/x");
    put_listed(bed, IMAGES "b/x", 2, IMAGES "a/y");
}

/* A list that S3 has, and that was not rewritten. */
static void put_list(struct bed *bed, const char *name, const char *text)
{
    char key[KEY_MAX];

    (void)snprintf(key, sizeof key, LISTS "%s", name);
    put(bed->agent.index, key, 9);
    if (text)
        scratch_write(name, text);
}

/* The journal tells that the list was rewritten: what rows it had, and their paths now. */
static void rewritten(struct bed *bed, const char *path, const char *undo)
{
    char name[UNDO_NAME_SIZE];

    assert_int_equal(undo_keep(bed->agent.undo_dir, (struct span){undo, strlen(undo)}, name), 0);
    assert_int_equal(recover_rewritten(&bed->agent, &bed->names, 1, path, name), 0);
}

static void settled(struct bed *bed)
{
    rewritten(bed, "train.lst", "1\tb/x\t1\t1\ta/y\n");
    assert_int_equal(recover_names_settle(&bed->agent, &bed->names), 0);
    assert_null(listed(bed, IMAGES "b/x"));
}

static void end(struct bed *bed)
{
    recover_names_release(&bed->names);
    index_close(bed->agent.index);
}

static void test_a_name_that_rows_got_is_nobody_elses(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    put_list(&bed, "train.lst", "1\t1\tb/x\n");
    put_list(&bed, "gone.lst", NULL);
    put_list(&bed, "val.lst", "2\t1\tc/z\n");
    settled(&bed);
    assert_null(listed(&bed, IMAGES "b/y"));
    end(&bed);
}

static void test_a_list_that_was_not_rewritten_may_have_it_of_the_other(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    put_list(&bed, "gone.lst", NULL);
    put_list(&bed, "val.lst", "2\t1\tc/z\n3\t1\t./b/x\n");
    settled(&bed);
    assert_string_equal(listed(&bed, IMAGES "b/y"), IMAGES "b/x");
    end(&bed);
}

static void test_what_cannot_be_read_may_have_it(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    put_list(&bed, "gone.lst", NULL);
    put_list(&bed, "val.lst", NULL);
    scratch_mkdir("val.lst");
    settled(&bed);
    assert_string_equal(listed(&bed, IMAGES "b/y"), IMAGES "b/x");
    end(&bed);
}

static void test_a_list_that_was_rewritten_too_has_it_of_the_same(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    put_list(&bed, "val.lst", "7\t1\tb/x\n");
    rewritten(&bed, "val.lst", "1\tb/x\t7\t1\ta/y\n");
    settled(&bed);
    assert_null(listed(&bed, IMAGES "b/y"));
    end(&bed);
}

static void test_rows_of_the_other_that_went_say_so_themselves(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    put_list(&bed, "val.lst", "7\t1\tb/y\n");
    rewritten(&bed, "val.lst", "1\tb/y\t7\t1\tb/x\n");
    assert_null(listed(&bed, IMAGES "b/y"));
    settled(&bed);
    end(&bed);
}

static void test_several_rows_of_an_image_are_one_change(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    rewritten(&bed, "train.lst", "1\tb/y\t7\t1\tb/x\n2\tb/x\t1\t1\ta/y\n3\tb/y\t8\t1\tb/x\n");
    assert_null(listed(&bed, IMAGES "b/y"));
    assert_null(listed(&bed, IMAGES "b/x"));
    end(&bed);
}

/* A third image, of which only the table of rows knows, had that name by what the last commit says.
 */
static void adrift(struct bed *bed)
{
    const struct rows_adrift image = {
        .file = {.ino = 3, .born_ns = 13}, .was = "b/x", .name = "b/x", .to = "c/z"};

    begin(bed);
    bed->mappings[0].rows = rows_new();
    assert_non_null(bed->mappings[0].rows);
    assert_int_equal(rows_restore(bed->mappings[0].rows, &image), 0);
    assert_true(rows_is_adrift(bed->mappings[0].rows, "b/x"));
}

static void test_a_name_that_rows_got_is_none_of_what_is_adrift(void **state)
{
    struct bed bed;

    (void)state;
    adrift(&bed);
    put_list(&bed, "train.lst", "1\t1\tb/x\n");
    settled(&bed);
    assert_false(rows_is_adrift(bed.mappings[0].rows, "b/x"));
    rows_free(bed.mappings[0].rows);
    end(&bed);

    adrift(&bed);
    put_list(&bed, "val.lst", "3\t1\tb/x\n"); /* that was not rewritten */
    settled(&bed);
    assert_true(rows_is_adrift(bed.mappings[0].rows, "b/x"));
    rows_free(bed.mappings[0].rows);
    end(&bed);
}

static void test_a_name_is_of_who_had_it_first(void **state)
{
    struct bed bed;

    (void)state;
    begin(&bed);
    assert_int_equal(recover_name(&bed.agent, &bed.names, IMAGES "b/x", IMAGES "c/z", false), 0);
    assert_int_equal(recover_name(&bed.agent, &bed.names, IMAGES "b/x", IMAGES "b/y", false), 1);
    assert_int_equal(recover_name(&bed.agent, &bed.names, IMAGES "d", IMAGES "c/z", false), 1);
    /* it went on, and takes its rows along */
    assert_int_equal(recover_name(&bed.agent, &bed.names, IMAGES "b/x", IMAGES "c/y", true), 1);
    put_listed(&bed, IMAGES "c/y", 1, IMAGES "b/x");
    assert_int_equal(recover_name(&bed.agent, &bed.names, IMAGES "b/x", IMAGES "b/y", false), 0);
    end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_a_name_that_rows_got_is_nobody_elses),
        INDEX_TEST(test_a_list_that_was_not_rewritten_may_have_it_of_the_other),
        INDEX_TEST(test_what_cannot_be_read_may_have_it),
        INDEX_TEST(test_a_list_that_was_rewritten_too_has_it_of_the_same),
        INDEX_TEST(test_several_rows_of_an_image_are_one_change),
        INDEX_TEST(test_rows_of_the_other_that_went_say_so_themselves),
        INDEX_TEST(test_a_name_that_rows_got_is_none_of_what_is_adrift),
        INDEX_TEST(test_a_name_is_of_who_had_it_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
