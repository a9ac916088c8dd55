/* What the table of rows alone knows of an image, from one run to the next. */
#include "tests/unit/index_bed.h"

#include "agent/core/rows.h"
#include "agent/service/adrift.h"

#define IMAGES "p/"
#define SEQ    7 /* of the last record that the index reflects */

static char images_prefix[] = IMAGES;
static const struct conf_mapping images = {
    .kind = CONF_REPOSITORY, .prefix = images_prefix, .name = (char *)(uintptr_t) "images"};

/* "a" and "b" exchange their names, and what was "a" has landed at "b". */
struct bed {
    struct mapping mapping;
    struct agent agent;
};

static const struct file_id file_a = {.ino = 1, .born_ns = 11}, file_b = {.ino = 2, .born_ns = 12};

static void run_begin(struct bed *bed)
{
    *bed = (struct bed){.mapping = {.conf = &images, .prefix_len = sizeof IMAGES - 1}};
    bed->agent = (struct agent){
        .mappings = &bed->mapping, .mapping_count = 1, .index = opened(), .pending = pending_new()};
    bed->mapping.rows = rows_new();
    assert_true(bed->mapping.rows && bed->agent.pending);
}

static void run_end(struct bed *bed)
{
    rows_free(bed->mapping.rows);
    pending_free(bed->agent.pending);
    index_close(bed->agent.index);
}

static void exchanged(struct bed *bed)
{
    struct rows *rows = bed->mapping.rows;

    assert_int_equal(rows_follow(rows, "a", file_a, "a", "b"), 0);
    assert_int_equal(rows_follow(rows, "b", file_b, "b", "a"), 0);
    assert_int_equal(rows_landed(rows, "a", file_a, "b"), 0);
}

/* The next run, after a crash behind a commit. */
static void again(struct bed *bed)
{
    assert_int_equal(adrift_keep(&bed->agent, SEQ), 0);
    assert_int_equal(index_commit(bed->agent.index), 0);
    run_end(bed);
    run_begin(bed);
    assert_int_equal(adrift_load(&bed->agent, SEQ), 0);
}

/* rows_fn. */
static int gone_to(void *arg, const char *from, const char *to)
{
    char *text = arg;

    (void)snprintf(text + strlen(text), 64 - strlen(text), "%s>%s ", from, to ? to : "-");
    return 0;
}

static void expect_pass(struct bed *bed, const char *rows)
{
    char text[64] = "";

    assert_int_equal(rows_take(bed->mapping.rows, gone_to, text), 0);
    assert_string_equal(text, rows);
}

/* A crash while a pass rewrites the lists: they may be as before. */
static void test_what_a_pass_under_way_takes_is_not_taken(void **state)
{
    char ignored[64] = "";
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    assert_int_equal(rows_take(bed.mapping.rows, gone_to, ignored), 0);
    again(&bed);
    expect_pass(&bed, "b>a ");
    run_end(&bed);
}

static void test_an_image_without_a_key_has_its_rows_after_a_crash(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    assert_string_equal(rows_image_of(bed.mapping.rows, file_b), "b");
    assert_null(rows_image_of(bed.mapping.rows, file_a)); /* the index tells of that one */
    assert_non_null(pending_find(bed.agent.pending, IMAGES "a"));
    expect_pass(&bed, "b>a ");
    run_end(&bed);
}

static void test_it_is_followed_to_where_it_is_seen(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    assert_int_equal(rows_seen(bed.mapping.rows, file_b, "c"), 1);
    again(&bed); /* and once more */
    expect_pass(&bed, "b>c a>c ");
    run_end(&bed);
}

static void test_each_of_its_names_is_one_for_a_pass(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    assert_int_equal(rows_unlanded(bed.mapping.rows, "a", file_a, "b"), 0);
    assert_int_equal(rows_seen(bed.mapping.rows, file_a, "a"), 1);
    again(&bed);
    assert_true(rows_pending(bed.mapping.rows));
    expect_pass(&bed, "b>a ");
    run_end(&bed);
}

static void test_what_has_landed_by_the_journal_is_adrift_no_more(void **state)
{
    struct bed bed;
    struct known k = entry(2);

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    k.born_ns = 0; /* the journal does not tell it */
    assert_int_equal(index_put(bed.agent.index, IMAGES "a", &k, NULL), 0);
    assert_int_equal(adrift_landed(&bed.agent), 0);
    assert_false(rows_adrift(bed.mapping.rows));
    expect_pass(&bed, "b>a ");
    run_end(&bed);
}

static void test_rows_that_were_rewritten_have_their_new_name(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    assert_int_equal(rows_rewriting(bed.mapping.rows, "c", "a"), 0); /* another's */
    assert_int_equal(rows_rewriting(bed.mapping.rows, "b", "a"), 1);
    assert_int_equal(rows_rewriting(bed.mapping.rows, "a", "b"), 0); /* nor are those yet */
    assert_int_equal(rows_rewritten(bed.mapping.rows), 0);
    expect_pass(&bed, "");
    assert_int_equal(rows_rewriting(bed.mapping.rows, "b", "a"), 0);
    run_end(&bed);
}

/* It went on while they were. */
static void test_rows_that_were_rewritten_go_on_from_there(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    assert_int_equal(rows_rewriting(bed.mapping.rows, "b", "c"), 1);
    assert_int_equal(rows_rewritten(bed.mapping.rows), 0);
    expect_pass(&bed, "c>a ");
    run_end(&bed);
}

static void test_nothing_is_kept_of_what_the_index_knows(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    again(&bed);
    assert_int_equal(rows_landed(bed.mapping.rows, "b", file_b, "a"), 0);
    again(&bed);
    assert_false(rows_adrift(bed.mapping.rows));
    assert_int_equal(bed.mapping.adrift, 0);
    run_end(&bed);
}

static void test_what_another_version_has_passed_by_is_old(void **state)
{
    struct bed bed;

    (void)state;
    run_begin(&bed);
    exchanged(&bed);
    assert_int_equal(adrift_keep(&bed.agent, SEQ), 0);
    assert_int_equal(index_commit(bed.agent.index), 0);
    run_end(&bed);
    run_begin(&bed);
    assert_int_equal(adrift_load(&bed.agent, SEQ + 1), 0);
    assert_false(rows_adrift(bed.mapping.rows));
    again(&bed);
    assert_int_equal(bed.mapping.adrift, 0);
    run_end(&bed);
}

static void test_what_cannot_be_read_is_nothing(void **state)
{
    static const char *const values[] = {"", "short",
                                         "\7\0\0\0\0\0\0\0"
                                         "8901234567890123456789012",
                                         "\7\0\0\0\0\0\0\0"
                                         "890123456789012345678901was\0name\0no end"};
    static const size_t sizes[] = {0, 5, 33, 32 + 3 + 1 + 4 + 1 + 6};
    struct bed bed;

    (void)state;
    run_begin(&bed);
    for (size_t i = 0; i < COUNT(values); i++)
        assert_int_equal(
            index_meta_put(bed.agent.index,
                           (const char *[]){"adrift:images:00000", "adrift:images:00001",
                                            "adrift:images:00002", "adrift:images:00003"}[i],
                           values[i], sizes[i]),
            0);
    assert_int_equal(adrift_load(&bed.agent, SEQ), 0);
    assert_false(rows_adrift(bed.mapping.rows));
    again(&bed);
    assert_int_equal(bed.mapping.adrift, 0);
    run_end(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_an_image_without_a_key_has_its_rows_after_a_crash),
        INDEX_TEST(test_what_a_pass_under_way_takes_is_not_taken),
        INDEX_TEST(test_it_is_followed_to_where_it_is_seen),
        INDEX_TEST(test_each_of_its_names_is_one_for_a_pass),
        INDEX_TEST(test_what_has_landed_by_the_journal_is_adrift_no_more),
        INDEX_TEST(test_rows_that_were_rewritten_have_their_new_name),
        INDEX_TEST(test_rows_that_were_rewritten_go_on_from_there),
        INDEX_TEST(test_nothing_is_kept_of_what_the_index_knows),
        INDEX_TEST(test_what_another_version_has_passed_by_is_old),
        INDEX_TEST(test_what_cannot_be_read_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
