/*
 * What an observation means: each row of plan.h's table, each way for a path to be a moved image.
 */
#include "tests/unit/unit.h"

#include "agent/core/plan.h"

#include <string.h>
#include <sys/stat.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct file_stat file = {.kind = FILE_REGULAR,
                                      .mode = S_IFREG | 0644,
                                      .uid = 1000,
                                      .gid = 100,
                                      .ino = 77,
                                      .size = 4096,
                                      .mtime_ns = 1700000000123456789,
                                      .ctime_ns = 1700000001123456789};
static const uint64_t same_crc = 0xabcdef;
static const uint64_t other_crc = 0x123456;

/* One way in which the observation and the entry differ. */
enum twist {
    SAME,
    OTHER_SIZE,
    OTHER_MTIME,
    OTHER_CTIME,
    OTHER_INODE,
    OTHER_MODE,
    OTHER_UID,
    OTHER_GID,
    OTHER_MODE_AND_CTIME,
    OTHER_MTIME_AND_MODE,
    TWIST_COUNT
};

/* The observation, twisted. */
static struct file_stat twisted(enum twist twist)
{
    struct file_stat st = file;

    st.size += twist == OTHER_SIZE;
    st.mtime_ns += twist == OTHER_MTIME || twist == OTHER_MTIME_AND_MODE;
    st.ctime_ns += twist == OTHER_CTIME || twist == OTHER_MODE_AND_CTIME;
    st.ino += twist == OTHER_INODE;
    st.uid += twist == OTHER_UID;
    st.gid += twist == OTHER_GID;
    if (twist == OTHER_MODE || twist == OTHER_MODE_AND_CTIME || twist == OTHER_MTIME_AND_MODE)
        st.mode = S_IFREG | 0600;
    return st;
}

/* The entry of `file`, with these flags. */
static struct known entry(unsigned flags)
{
    struct known k;

    known_from(&file, same_crc, "\"e\"", "v", &k);
    k.flags = flags;
    return k;
}

/* What is planned with the content unread, read and the same, read and another. */
static const struct {
    enum twist twist;
    unsigned flags;
    enum plan unread, same, other;
} plans[] = {
    {SAME, KNOWN_CRC, PLAN_NOTHING, PLAN_REFRESH, PLAN_EDIT},
    {OTHER_SIZE, KNOWN_CRC, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
    {OTHER_MTIME, KNOWN_CRC, PLAN_HASH, PLAN_META, PLAN_EDIT},
    {OTHER_CTIME, KNOWN_CRC, PLAN_HASH, PLAN_REFRESH, PLAN_EDIT},
    {OTHER_INODE, KNOWN_CRC, PLAN_HASH, PLAN_REFRESH, PLAN_EDIT},
    {OTHER_MODE, KNOWN_CRC, PLAN_META, PLAN_META, PLAN_EDIT},
    {OTHER_UID, KNOWN_CRC, PLAN_META, PLAN_META, PLAN_EDIT},
    {OTHER_GID, KNOWN_CRC, PLAN_META, PLAN_META, PLAN_EDIT},
    {OTHER_MODE_AND_CTIME, KNOWN_CRC, PLAN_META, PLAN_META, PLAN_EDIT},
    {OTHER_MTIME_AND_MODE, KNOWN_CRC, PLAN_HASH, PLAN_META, PLAN_EDIT},
    /* S3 may have anything: only a put makes it certain. */
    {SAME, KNOWN_CRC | KNOWN_UNCERTAIN, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
    {OTHER_MODE, KNOWN_CRC | KNOWN_UNCERTAIN, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
    /* Nothing to compare a content with. */
    {SAME, 0, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
    {OTHER_INODE, 0, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
    /* The image went elsewhere and a file is here again. */
    {SAME, KNOWN_CRC | KNOWN_MOVED, PLAN_HASH, PLAN_REFRESH, PLAN_EDIT},
    {OTHER_MODE, KNOWN_CRC | KNOWN_MOVED, PLAN_HASH, PLAN_META, PLAN_EDIT},
    {OTHER_SIZE, KNOWN_CRC | KNOWN_MOVED, PLAN_EDIT, PLAN_EDIT, PLAN_EDIT},
};

static void test_each_difference_has_its_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct file_stat st = twisted(plans[i].twist);
        struct known k = entry(plans[i].flags);

        if (plan_path(&st, &k, NULL) != plans[i].unread ||
            plan_path(&st, &k, &same_crc) != plans[i].same ||
            plan_path(&st, &k, &other_crc) != plans[i].other)
            fail_msg("row %zu: %d, %d, %d", i, plan_path(&st, &k, NULL),
                     plan_path(&st, &k, &same_crc), plan_path(&st, &k, &other_crc));
    }
}

static void test_what_is_no_file_counts_as_absent(void **state)
{
    static const enum file_kind kinds[] = {FILE_ABSENT, FILE_DIRECTORY, FILE_SYMLINK, FILE_OTHER};
    struct known k = entry(KNOWN_CRC);

    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct file_stat st = file;

        st.kind = kinds[i];
        assert_int_equal(plan_path(&st, &k, NULL), PLAN_REMOVE);
        assert_int_equal(plan_path(&st, NULL, NULL), PLAN_NOTHING);
    }
}

static void test_what_the_index_lacks_is_added(void **state)
{
    (void)state;
    assert_int_equal(plan_path(&file, NULL, NULL), PLAN_ADD);
    assert_int_equal(plan_path(&file, NULL, &same_crc), PLAN_ADD);
}

/* Whatever is planned, carried out and noted with known_from, leaves nothing to plan. */
static void test_a_plan_carried_out_is_in_step(void **state)
{
    (void)state;
    for (int twist = 0; twist < TWIST_COUNT; twist++) {
        struct file_stat st = twisted((enum twist)twist);
        struct known k;

        known_from(&st, same_crc, "\"e\"", "v", &k);
        assert_int_equal(plan_path(&st, &k, NULL), PLAN_NOTHING);
        assert_true(plan_in_step(&st, &k));
    }
}

/* The listing's question says yes only where the full one says that there is nothing to do. */
static void test_in_step_agrees_with_the_plan(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct file_stat st = twisted(plans[i].twist);
        struct known k = entry(plans[i].flags | KNOWN_CRC);
        bool doubt = k.flags & (KNOWN_UNCERTAIN | KNOWN_MOVED);

        assert_int_equal(plan_in_step(&st, &k), plans[i].twist == SAME && !doubt);
        if (plan_in_step(&st, &k))
            assert_int_equal(plan_path(&st, &k, NULL), PLAN_NOTHING);
    }
}

/* A new path against the entry of a path that is gone; columns as above, told by an event or not.
 */
static const struct {
    enum twist twist;
    unsigned flags;
    enum plan_rename silent_unread, silent_same, silent_other;
    enum plan_rename told_unread, told_same, told_other;
} moves[] = {
    /* A directory above it was renamed: even the ctime is the same. */
    {SAME, KNOWN_CRC, RENAME_COPY, RENAME_COPY, RENAME_NO, RENAME_COPY, RENAME_COPY,
     RENAME_CONTENT},
    {SAME, 0, RENAME_COPY, RENAME_COPY, RENAME_COPY, RENAME_COPY, RENAME_COPY, RENAME_COPY},
    /* Renamed itself, or another file that got the inode: the content must tell. */
    {OTHER_CTIME, KNOWN_CRC, RENAME_HASH, RENAME_COPY, RENAME_NO, RENAME_COPY, RENAME_COPY,
     RENAME_CONTENT},
    {OTHER_MODE_AND_CTIME, KNOWN_CRC, RENAME_HASH, RENAME_COPY, RENAME_NO, RENAME_COPY, RENAME_COPY,
     RENAME_CONTENT},
    {OTHER_CTIME, 0, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_COPY, RENAME_COPY, RENAME_COPY},
    {OTHER_MTIME, KNOWN_CRC, RENAME_HASH, RENAME_COPY, RENAME_NO, RENAME_HASH, RENAME_COPY,
     RENAME_CONTENT},
    {OTHER_INODE, KNOWN_CRC, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_HASH, RENAME_COPY,
     RENAME_CONTENT},
    {OTHER_SIZE, KNOWN_CRC, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_CONTENT, RENAME_CONTENT,
     RENAME_CONTENT},
    {OTHER_MTIME, 0, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_CONTENT, RENAME_CONTENT,
     RENAME_CONTENT},
    {SAME, KNOWN_CRC | KNOWN_UNCERTAIN, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_CONTENT,
     RENAME_CONTENT, RENAME_CONTENT},
    {SAME, KNOWN_CRC | KNOWN_MOVED, RENAME_NO, RENAME_NO, RENAME_NO, RENAME_CONTENT, RENAME_CONTENT,
     RENAME_CONTENT},
};

static void test_a_rename_is_told_by_identity_and_content(void **state)
{
    const struct file_stat gone = {.kind = FILE_ABSENT};

    (void)state;
    for (size_t i = 0; i < COUNT(moves); i++) {
        struct file_stat st = twisted(moves[i].twist);
        struct known k = entry(moves[i].flags);

        if (plan_renamed(&st, &k, &gone, false, NULL) != moves[i].silent_unread ||
            plan_renamed(&st, &k, &gone, false, &same_crc) != moves[i].silent_same ||
            plan_renamed(&st, &k, &gone, false, &other_crc) != moves[i].silent_other)
            fail_msg("row %zu, silent", i);
        if (plan_renamed(&st, &k, &gone, true, NULL) != moves[i].told_unread ||
            plan_renamed(&st, &k, &gone, true, &same_crc) != moves[i].told_same ||
            plan_renamed(&st, &k, &gone, true, &other_crc) != moves[i].told_other)
            fail_msg("row %zu, told", i);
    }
}

static void test_who_was_born_then_needs_no_event(void **state)
{
    const struct file_stat gone = {0};
    struct known k = entry(KNOWN_CRC);
    struct file_stat st = twisted(OTHER_CTIME);

    (void)state;
    k.born_ns = 77;
    assert_false(plan_is_same(&st, &k));
    assert_int_equal(plan_renamed(&st, &k, &gone, false, NULL), RENAME_HASH);
    st.born_ns = 77;
    assert_true(plan_is_same(&st, &k));
    assert_int_equal(plan_renamed(&st, &k, &gone, false, NULL), RENAME_COPY);
    st.size++;
    assert_int_equal(plan_renamed(&st, &k, &gone, false, NULL), RENAME_CONTENT);
    st.born_ns = 78; /* its inode was used again */
    assert_int_equal(plan_renamed(&st, &k, &gone, false, NULL), RENAME_NO);
    /* What an earlier program put in the index is learnt when a file is looked at. */
    st = file;
    st.born_ns = 77;
    k = entry(KNOWN_CRC);
    assert_int_equal(plan_path(&st, &k, NULL), PLAN_REFRESH);
    k.born_ns = 77;
    assert_int_equal(plan_path(&st, &k, NULL), PLAN_NOTHING);
}

static void test_a_birth_is_believed_as_far_as_the_object_is_there(void **state)
{
    struct known k = entry(KNOWN_CRC);
    struct file_stat st = file;

    (void)state;
    st.born_ns = k.born_ns = 77;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_SURE);
    k.flags |= KNOWN_UNCERTAIN;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_DOUBTFUL);
    k.born_ns = 78;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_NOT);
    /* The journal did not tell. */
    k.born_ns = 0;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_NOT);
    k.flags &= ~KNOWN_UNCERTAIN;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_LIKELY);
    st.size++;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_NOT);
    st.size--;
    st.mtime_ns++;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_NOT);
    st.mtime_ns--;
    st.ino++;
    assert_int_equal(plan_born(&st, &k), PLAN_BORN_NOT);
}

static void test_nothing_is_renamed_while_the_old_path_is_there(void **state)
{
    struct known k = entry(KNOWN_CRC);
    struct file_stat there = file, directory = {.kind = FILE_DIRECTORY};

    (void)state;
    assert_int_equal(plan_renamed(&file, &k, &there, true, &same_crc), RENAME_NO);
    assert_int_equal(plan_renamed(&file, &k, &there, false, NULL), RENAME_NO);
    assert_int_equal(plan_renamed(&directory, &k, &(struct file_stat){0}, true, NULL), RENAME_NO);
    /* A directory in the image's old place: the image is gone from there. */
    assert_int_equal(plan_renamed(&file, &k, &directory, false, NULL), RENAME_COPY);
}

static const struct {
    int64_t mtime_ago_ms, ctime_ago_ms, settle_ms;
    bool settled;
} ages[] = {
    {3000, 3000, 100, true},   {1999, 3000, 100, false},  {3000, 1999, 100, false},
    {2001, 2001, 0, true},     {2000, 2000, 0, false},    {4000, 4000, 5000, false},
    {5001, 5001, 5000, true},  {9000, 5000, 5000, false}, {5000, 9000, 5000, false},
    {-1000, 9000, 100, false}, {9000, -1000, 100, false},
};

static void test_what_was_written_long_ago_is_settled(void **state)
{
    const int64_t now_us = INT64_C(1700000000) * 1000000;

    (void)state;
    for (size_t i = 0; i < COUNT(ages); i++) {
        struct file_stat st = file;

        st.mtime_ns = now_us * 1000 - ages[i].mtime_ago_ms * 1000000;
        st.ctime_ns = now_us * 1000 - ages[i].ctime_ago_ms * 1000000;
        if (plan_settled(&st, now_us, ages[i].settle_ms, false) != ages[i].settled)
            fail_msg("row %zu", i);
        if (plan_settled(&st, now_us, ages[i].settle_ms, true))
            fail_msg("row %zu, where other hosts write", i);
        st.mtime_ns -= INT64_C(60000) * 1000000;
        st.ctime_ns -= INT64_C(60000) * 1000000;
        if (!plan_settled(&st, now_us, ages[i].settle_ms, true) && ages[i].settled)
            fail_msg("row %zu, a minute older", i);
    }
}

static void test_a_file_rests_when_two_looks_agree(void **state)
{
    struct file_stat later = file;

    (void)state;
    assert_int_equal(plan_rest_ms(100, true), 2000);
    assert_int_equal(plan_rest_ms(5000, true), 5000);
    assert_int_equal(plan_rest_ms(100, false), 100);
    assert_true(plan_rested(&file, &later));
    later.size++;
    assert_false(plan_rested(&file, &later));
    later = file;
    later.mtime_ns++;
    assert_false(plan_rested(&file, &later));
    later = file;
    later.ctime_ns++;
    assert_false(plan_rested(&file, &later));
    later = file;
    later.ino++;
    assert_false(plan_rested(&file, &later));
    later = file;
    later.kind = FILE_ABSENT;
    assert_false(plan_rested(&file, &later));
}

static void test_an_entry_has_what_the_put_was_made_from(void **state)
{
    char version[2 * KNOWN_VERSION_SIZE];
    struct known k;

    (void)state;
    known_from(&file, same_crc, "\"abc\"", "v1", &k);
    assert_int_equal(k.flags, KNOWN_CRC);
    assert_int_equal(k.mode, file.mode);
    assert_int_equal(k.uid, file.uid);
    assert_int_equal(k.gid, file.gid);
    assert_int_equal(k.ino, file.ino);
    assert_int_equal(k.size, file.size);
    assert_int_equal(k.mtime_ns, file.mtime_ns);
    assert_int_equal(k.ctime_ns, file.ctime_ns);
    assert_int_equal(k.crc64, same_crc);
    assert_string_equal(k.etag, "\"abc\"");
    assert_string_equal(k.version, "v1");
    assert_null(k.moved_to);
    memset(version, 'v', sizeof version);
    version[sizeof version - 1] = '\0';
    known_from(&file, same_crc, "", version, &k);
    assert_int_equal(strlen(k.version), KNOWN_VERSION_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_difference_has_its_plan),
        cmocka_unit_test(test_what_is_no_file_counts_as_absent),
        cmocka_unit_test(test_what_the_index_lacks_is_added),
        cmocka_unit_test(test_a_plan_carried_out_is_in_step),
        cmocka_unit_test(test_in_step_agrees_with_the_plan),
        cmocka_unit_test(test_a_rename_is_told_by_identity_and_content),
        cmocka_unit_test(test_who_was_born_then_needs_no_event),
        cmocka_unit_test(test_a_birth_is_believed_as_far_as_the_object_is_there),
        cmocka_unit_test(test_nothing_is_renamed_while_the_old_path_is_there),
        cmocka_unit_test(test_what_was_written_long_ago_is_settled),
        cmocka_unit_test(test_a_file_rests_when_two_looks_agree),
        cmocka_unit_test(test_an_entry_has_what_the_put_was_made_from),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
