/*
 * Differences and their causes: each of what disk, index and S3 may have, a row.
 */
#include "tests/unit/unit.h"

#include "agent/core/differ.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const struct file_stat file = {.kind = FILE_REGULAR,
                                      .mode = S_IFREG | 0644,
                                      .uid = 1,
                                      .gid = 2,
                                      .ino = 3,
                                      .size = 100,
                                      .mtime_ns = 5,
                                      .ctime_ns = 6};
static struct known known, moved, uncertain;
static const struct s3_head ours = {
    .posix_has = S3_HAS_POSIX, .posix = {S_IFREG | 0644, 1, 2, 5}, .writer = "lockstep"};
static const struct s3_head theirs = {.modified_us = 1};

static int set_up(void **state)
{
    (void)state;
    known_from(&file, 42, "etag", "", &known);
    moved = uncertain = known;
    moved.flags |= KNOWN_MOVED;
    uncertain.flags |= KNOWN_UNCERTAIN;
    return 0;
}

/* Disk, index and S3 in step; the rows below change that. */
static struct differ_facts in_step(void)
{
    return (struct differ_facts){.on_disk = true,
                                 .st = file,
                                 .known = &known,
                                 .in_s3 = true,
                                 .size = 100,
                                 .etag = "etag",
                                 .verdict = VERDICT_DONE,
                                 .words = "",
                                 .means = "MD5",
                                 .why = "",
                                 .agent_says = "",
                                 .refused = ""};
}

static void expect(const struct differ_facts *f, enum differ_kind kind, enum differ_repair repair,
                   const char *words)
{
    struct differ d;

    differ_judge(f, &d);
    if (d.kind != kind || d.repair != repair || !strstr(d.cause, words))
        fail_msg("%s, repair %d, \"%s\"; not %s, %d, \"%s\"", differ_name(d.kind), (int)d.repair,
                 d.cause, differ_name(kind), (int)repair, words);
}

static void test_nothing(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    assert_true(differ_quick(&file, &known, 100, "etag"));
    assert_true(differ_quick(&file, &known, 100, "")); /* some servers list none */
    assert_false(differ_quick(&file, &known, 100, "other"));
    assert_false(differ_quick(&file, &known, 101, "etag"));
    assert_false(differ_quick(&file, &uncertain, 100, "etag"));
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
    f.compared = true;
    f.crc64 = 42;
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
    f.st.ino = f.st.ctime_ns = 99; /* another link of it went: the content is the same */
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
    f = in_step();
    f.on_disk = f.in_s3 = false;
    f.known = NULL;
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
}

static void test_missing(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    f.in_s3 = false;
    expect(&f, DIFFER_MISSING, REPAIR_PUT, "removed in S3 by others");
    f.st.mtime_ns++;
    expect(&f, DIFFER_MISSING, REPAIR_PUT, "; the file changed too");
    f.known = &uncertain;
    expect(&f, DIFFER_MISSING, REPAIR_TOUCH, "interrupted: the next run");
    f.known = NULL;
    expect(&f, DIFFER_MISSING, REPAIR_TOUCH, "while no agent ran");
    f.agent_runs = true;
    expect(&f, DIFFER_MISSING, REPAIR_TOUCH, "has not seen it");
    f.agent_says = "failing since noon";
    expect(&f, DIFFER_MISSING, REPAIR_TOUCH, "not uploaded yet: failing since noon");
    f.refused = "U+0001";
    expect(&f, DIFFER_MISSING, REPAIR_NONE, "cannot be a key: U+0001");
}

static void test_extra(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    f.on_disk = false;
    expect(&f, DIFFER_EXTRA, REPAIR_TOUCH, "the file was removed: while no agent ran");
    f.agent_runs = true;
    expect(&f, DIFFER_EXTRA, REPAIR_TOUCH, "the agent is at it");
    f.known = &moved;
    expect(&f, DIFFER_EXTRA, REPAIR_TOUCH, "renamed");
    f.held = true;
    expect(&f, DIFFER_EXTRA, REPAIR_NONE, "held by the guard");
    f.excluded = true;
    expect(&f, DIFFER_EXTRA, REPAIR_NONE, "excluded");
    f = in_step();
    f.on_disk = false;
    f.known = NULL;
    f.head = &theirs;
    f.modified_us = 1;
    expect(&f, DIFFER_EXTRA, REPAIR_EXTRA,
           "another tool (it has no FSx metadata), last written "
           "1970-01-01");
    f.head = &ours;
    expect(&f, DIFFER_EXTRA, REPAIR_EXTRA, "another state directory");
    f.in_s3 = false;
    f.known = &known;
    expect(&f, DIFFER_INDEX, REPAIR_TOUCH, "gone on disk and in S3");
}

static void test_content(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    f.etag = "other";
    f.head = &theirs;
    expect(&f, DIFFER_CONTENT, REPAIR_PUT, "by somebody else, by another tool");
    f.compared = true;
    f.proof = PROOF_EQUAL;
    expect(&f, DIFFER_INDEX, REPAIR_PUT, "with the same content");
    f = in_step();
    f.known = &uncertain;
    expect(&f, DIFFER_CONTENT, REPAIR_TOUCH, "interrupted");
    f = in_step();
    f.st.size = 99;
    expect(&f, DIFFER_CONTENT, REPAIR_TOUCH, "the file changed: while no agent ran");
    f = in_step();
    f.compared = true;
    f.crc64 = 43;
    expect(&f, DIFFER_CONTENT, REPAIR_NONE, "damaged on disk");
    f.crc64 = 42;
    f.proof = PROOF_DIFFERENT;
    expect(&f, DIFFER_CONTENT, REPAIR_PUT, "compared by MD5");
    f.proof = PROOF_IMPOSSIBLE;
    f.why = "encrypted";
    expect(&f, DIFFER_UNPROVEN, REPAIR_NONE, "cannot be compared: encrypted");
}

static void test_unknown_to_the_index(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    f.known = NULL;
    expect(&f, DIFFER_UNPROVEN, REPAIR_PUT, "lockstep adopt");
    f.compared = true;
    expect(&f, DIFFER_INDEX, REPAIR_TOUCH, "shown by MD5");
    f.proof = PROOF_DIFFERENT;
    expect(&f, DIFFER_CONTENT, REPAIR_PUT, "other content");
    f.size = 1;
    expect(&f, DIFFER_CONTENT, REPAIR_PUT, "S3 has 1 bytes, the file 100");
}

static void test_metadata(void **state)
{
    struct differ_facts f = in_step();
    struct s3_head other = ours;

    (void)state;
    f.st.mode ^= 1;
    expect(&f, DIFFER_CONTENT, REPAIR_TOUCH, "the file changed"); /* not read: stat alone tells */
    f.compared = true;
    f.crc64 = 42;
    expect(&f, DIFFER_METADATA, REPAIR_TOUCH, "mode, owner or mtime changed on disk");
    f = in_step();
    f.with_metadata = true;
    f.head = &ours;
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
    f.head = &theirs;
    expect(&f, DIFFER_METADATA, REPAIR_META, "no FSx metadata");
    other.posix.uid = other.posix.mtime_ns = 9;
    f.head = &other;
    expect(&f, DIFFER_METADATA, REPAIR_META, "not as on disk: owner mtime;");
    other.posix_has = S3_HAS_MODE;
    expect(&f, DIFFER_METADATA, REPAIR_META, "missing or makes no sense");
    f.with_metadata = false;
    expect(&f, DIFFER_NONE, REPAIR_NONE, "");
}

static void test_not_seen(void **state)
{
    struct differ_facts f = in_step();

    (void)state;
    f.asked = true;
    f.verdict = VERDICT_DENIED;
    f.words = "denied: AccessDenied";
    expect(&f, DIFFER_UNKNOWN, REPAIR_NONE, "does not tell of it: denied");
    f.code = -EIO;
    expect(&f, DIFFER_UNKNOWN, REPAIR_NONE, "cannot be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),  cmocka_unit_test(test_missing),
        cmocka_unit_test(test_extra),    cmocka_unit_test(test_content),
        cmocka_unit_test(test_metadata), cmocka_unit_test(test_unknown_to_the_index),
        cmocka_unit_test(test_not_seen),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
