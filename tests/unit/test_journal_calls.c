/* Whatever call fails under it, the journal says so, leaves nothing open, and is whole afterwards.
 */
#include "base/clock.h"
#include "base/err.h"
#include "journal/key.h"
#include "journal/life.h"
#include "journal/pack.h"
#include "journal/proof.h"
#include "journal/search.h"
#include "tests/unit/failing_calls.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENT 700
#define RECORDS 8

static struct test_dir model; /* what each run begins with */
static struct test_dir d;     /* a run's own copy of it */

/* `d` is as the model. */
static void copy_model(void)
{
    DIR *dir = opendir(d.path);
    struct dirent *entry;
    char from[400], to[400];

    assert_non_null(dir);
    while ((entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
    closedir(dir);
    dir = opendir(model.path);
    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        struct test_bytes all;

        if (entry->d_name[0] == '.')
            continue;
        snprintf(from, sizeof from, "%s/%s", model.path, entry->d_name);
        snprintf(to, sizeof to, "%s/%s", d.path, entry->d_name);
        all = test_file_read(from);
        test_file_write(to, all.data, all.n);
        free(all.data);
    }
    closedir(dir);
}

static struct journal_options small_segments(void)
{
    struct journal_options opt = test_options();

    opt.segment_bytes = SEGMENT;
    return opt;
}

/* Some signed segments, the last of them open. */
static void fill_model(void)
{
    struct journal_options opt = small_segments();
    struct journal_secret secret = test_secret("log", 1);
    struct journal *j = test_open(&model, &opt, NULL);
    struct err e = {0};

    assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    for (unsigned i = 0; i < RECORDS / 2; i++) {
        test_append(j, 2);
        assert_int_equal(journal_sync(j), 0);
    }
    assert_int_equal(journal_close(j), 0);
    assert_true(test_file_count(&model, ".jsonl") > 2);
}

static bool go_on(void *arg, const char *segment, int code, bool made)
{
    (void)arg, (void)segment, (void)code, (void)made;
    return true;
}

/* Its closed segments have indexes, or are compressed as well. */
static void finish_model(bool packed)
{
    struct err e = {0};

    assert_int_equal(journal_index_all(model.path, NULL, true, go_on, NULL, &e), 0);
    if (packed)
        assert_int_equal(journal_pack_all(model.path, go_on, NULL, &e), 0);
}

static int set_up(void **state)
{
    (void)state;
    test_dir_make(&model);
    test_dir_make(&d);
    fill_model();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_dir_remove(&model);
    test_dir_remove(&d);
    return 0;
}

/* The verdict on a journal. */
static struct journal_verdict verdict(const struct test_dir *dir)
{
    struct journal_verdict v = {0};
    struct err e = {0};

    assert_int_equal(journal_verify_with(dir->path, NULL, 1, NULL, NULL, &v, &e), 0);
    return v;
}

/* A writer can go on. What the verifier then finds. */
static uint64_t faults_behind(void)
{
    struct journal_options opt = small_segments();
    struct journal *j = test_open(&d, &opt, NULL);

    test_append(j, 1);
    assert_int_equal(journal_close(j), 0);
    return verdict(&d).faults;
}

/* The journal is whole, and a writer can go on. */
static void is_whole(int rc)
{
    (void)rc;
    assert_int_equal(faults_behind(), 0);
}

/* A writer's run, with all that it does besides appending. */
static int write_some(void)
{
    struct journal_options opt = small_segments();
    struct journal_secret secret;
    struct journal_recovery found;
    struct journal *j = NULL;
    struct journal_record rec = {.op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct err e = {0};
    const uint8_t seed[ED25519_SEED_BYTES] = {1};
    int rc;

    opt.ballast_bytes = 4096;
    opt.checkpoint_ms = 1000;
    rc = journal_open(d.path, &opt, TEST_NOW_US, &j, &found, &e);
    if (rc)
        return rc;
    rc = journal_secret_init(&secret, span_of("log"), seed);
    if (rc == 0)
        rc = journal_sign(j, &secret, TEST_NOW_US, &e);
    for (unsigned i = 0; i < 4; i++) {
        const int64_t now = TEST_NOW_US + i * US_PER_S;
        int code = journal_append(j, &rec, now, NULL);

        rc = rc ? rc : code;
        code = i % 2 ? journal_sync(j) : journal_tick(j, now);
        rc = rc ? rc : code;
        (void)journal_deadline_ms(j, now);
    }
    if (rc == 0)
        rc = journal_checkpoint(j, TEST_NOW_US + 100 * US_PER_S);
    int code = journal_close(j);

    return rc ? rc : code;
}

/* A writer whose fdatasync, and whose tree, have threads of their own. */
static int write_apart(void)
{
    struct journal_options opt = small_segments();
    char name[9000]; /* enough of them, and the tree's thread has something to do */
    struct journal_record rec = {
        .op = JOURNAL_PUT, .state = JOURNAL_INTENT, .mapping = "images", .path = name};
    struct journal_recovery found;
    struct journal *j = NULL;
    struct err e = {0};
    int fd, rc;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    opt.segment_bytes = 1u << 16;
    rc = journal_open(d.path, &opt, TEST_NOW_US, &j, &found, &e);
    if (rc)
        return rc;
    rc = journal_sync_apart(j, &fd);
    for (unsigned i = 0; i < 3 && rc == 0; i++) {
        rc = journal_append(j, &rec, TEST_NOW_US, NULL);
        if (rc == 0)
            rc = journal_sync_begin(j);
        if (rc == 0)
            rc = journal_append(j, &rec, TEST_NOW_US, NULL);
        if (rc == 0)
            rc = journal_sync_end(j);
        if (rc == 0)
            rc = journal_sync(j);
    }
    int code = journal_close(j);

    return rc ? rc : code;
}

static void test_a_writer_with_threads_goes_on(void **state)
{
    const struct deed deed = {copy_model, write_apart, is_whole, 20};

    (void)state;
    assert_int_equal(write_apart(), 0);
    each_call_fails(&deed);
}

static void test_a_writer_goes_on(void **state)
{
    const struct deed deed = {copy_model, write_some, is_whole, 40};

    (void)state;
    each_call_fails(&deed);
}

static void test_a_writer_goes_on_behind_a_torn_tail(void **state)
{
    const struct deed deed = {copy_model, write_some, is_whole, 40};
    char path[TEST_PATH_SIZE];
    struct test_bytes all;

    (void)state;
    test_file_name(&model, test_file_count(&model, ".jsonl") - 1, path);
    all = test_file_read(path);
    all.data[all.n] = '{'; /* there is room for a byte more */
    test_file_write(path, all.data, all.n + 1);
    free(all.data);
    each_call_fails(&deed);
}

/* Damage is kept, and told; a writer can go on. */
static void can_go_on(int rc)
{
    (void)rc;
    assert_true(faults_behind() > 0);
}

static void test_a_writer_goes_on_behind_damage(void **state)
{
    const struct deed deed = {copy_model, write_some, can_go_on, 40};
    char path[TEST_PATH_SIZE];
    struct test_bytes all;

    (void)state;
    test_file_name(&model, test_file_count(&model, ".jsonl") - 1, path);
    all = test_file_read(path);
    memset(strstr(all.data, "dir/"), 'x', 4);
    test_file_write(path, all.data, all.n);
    free(all.data);
    each_call_fails(&deed);
}

/* A segment that was begun, and has not even its header: it is taken away. */
static void test_a_writer_goes_on_behind_what_was_begun(void **state)
{
    static const char cut[] = "{\"k\":\"h\",\"v\":1,\"j\":\"";
    const struct deed deed = {copy_model, write_some, is_whole, 40};
    char path[TEST_PATH_SIZE];

    (void)state;
    snprintf(path, sizeof path, "%s/%020llu.jsonl", model.path,
             (unsigned long long)verdict(&model).last_seq + 1);
    test_file_write(path, cut, sizeof cut - 1);
    each_call_fails(&deed);
}

static void no_directory(void)
{
    test_dir_remove(&d);
}

/* In a directory that it makes itself, or that is not there. */
static void is_whole_or_not_begun(int rc)
{
    if (mkdir(d.path, 0700) == 0)
        assert_int_not_equal(rc, 0);
    else
        is_whole(rc);
}

static void test_a_writer_makes_the_directory(void **state)
{
    const struct deed deed = {no_directory, write_some, is_whole_or_not_begun, 40};

    (void)state;
    each_call_fails(&deed);
}

static void test_a_writer_begins(void **state)
{
    const struct deed deed = {copy_model, write_some, is_whole, 40};

    (void)state;
    test_dir_remove(&model);
    test_dir_make(&model);
    each_call_fails(&deed);
}

static void test_a_writer_goes_on_behind_what_is_compressed(void **state)
{
    const struct deed deed = {copy_model, write_some, can_go_on, 40};
    char path[TEST_PATH_SIZE];

    (void)state;
    finish_model(true);
    assert_int_equal(unlink(test_file_name(&model, 0, path)), 0); /* the open one: that is told */
    each_call_fails(&deed);
}

/* Compressed is what has an index. */
static int pack_all(void)
{
    struct err e = {0};
    int rc = journal_index_all(d.path, NULL, false, go_on, NULL, &e);

    return rc ? rc : journal_pack_all(d.path, go_on, NULL, &e);
}

/* Every record is there, compressed or not. */
static void has_all(int rc)
{
    (void)rc;
    assert_int_equal(verdict(&d).faults, 0);
    assert_int_equal(verdict(&d).records, verdict(&model).records);
}

static void test_compressing(void **state)
{
    const struct deed deed = {copy_model, pack_all, has_all, 60};

    (void)state;
    each_call_fails(&deed);
}

/* Without a key: those that the journal names itself are looked for. */
static int verify_untrusting(void)
{
    struct journal_verdict v = {0};
    struct err e = {0};
    const int rc = journal_verify_with(d.path, NULL, 3, NULL, NULL, &v, &e);

    assert_true(rc || v.faults == 0);
    return rc;
}

static int verify_by(unsigned threads)
{
    struct journal_secret secret;
    const uint8_t seed[ED25519_SEED_BYTES] = {1};
    struct test_bytes note = {NULL, 0};
    struct journal_verdict v = {0};
    struct err e = {0};
    int rc = journal_secret_init(&secret, span_of("log"), seed);

    if (rc)
        return rc;
    note.data = malloc(1);
    if (!note.data)
        return -ENOMEM;
    const struct journal_anchor anchor = {"kept", {note.data, 0}};
    const struct journal_trust trust = {&secret.key, 1, &anchor, 0};

    rc = journal_verify_with(d.path, &trust, threads, NULL, NULL, &v, &e);
    free(note.data);
    assert_true(rc || v.faults == 0);
    return rc;
}

static int verify_alone(void)
{
    return verify_by(1);
}

static int verify_in_threads(void)
{
    return verify_by(3);
}

static void test_verifying(void **state)
{
    const struct deed alone = {NULL, verify_alone, NULL, 40};
    const struct deed threads = {NULL, verify_in_threads, NULL, 40};
    const struct deed untrusting = {NULL, verify_untrusting, NULL, 40};

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            finish_model(true);
        copy_model();
        each_call_fails(&alone);
        each_call_fails(&threads);
        each_call_fails(&untrusting);
    }
}

static int count_one(void *arg, const struct journal_record *rec)
{
    unsigned *n = arg;

    (void)rec;
    ++*n;
    return 0;
}

static unsigned records;

static int read_all(void)
{
    struct journal_reader *r;
    struct err e = {0};
    int rc;

    records = 0;
    rc = journal_reader_open(d.path, 3, &r, &e);
    if (rc)
        return rc;
    rc = test_drain(r, count_one, &records);
    journal_reader_close(r);
    return rc;
}

/* No record is passed over in silence. */
static void read_whole_or_told(int rc)
{
    assert_true(rc || records == verdict(&d).last_seq - 2);
}

static void test_reading(void **state)
{
    const struct deed deed = {NULL, read_all, read_whole_or_told, 10};

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            finish_model(true);
        copy_model();
        each_call_fails(&deed);
    }
}

static int search(void)
{
    struct life *l = life_new("dir/4.jpg");
    struct journal_search *s = NULL;
    struct err e = {0};
    int rc = l ? journal_search_life(d.path, l, &e) : -ENOMEM;

    records = 0;
    if (rc == 0)
        rc = journal_search_open(d.path, l, &s, &e);
    if (rc == 0) {
        rc = test_drain(journal_search_reader(s), count_one, &records);
        journal_search_close(s);
    }
    life_free(l);
    return rc;
}

static void found_or_told(int rc)
{
    assert_true(rc || records >= 1);
}

static void test_searching(void **state)
{
    const struct deed deed = {NULL, search, found_or_told, 10};

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        finish_model(packed);
        copy_model();
        each_call_fails(&deed);
    }
}

static int prove(void)
{
    struct journal_proof p;
    struct journal_secret secret;
    const uint8_t seed[ED25519_SEED_BYTES] = {1};
    struct buf text, store;
    struct err e = {0};
    int rc = journal_secret_init(&secret, span_of("log"), seed);

    buf_init(&text, JOURNAL_PROOF_MAX);
    buf_init(&store, JOURNAL_PROOF_MAX);
    if (rc == 0)
        rc = journal_prove(d.path, 5, &text, &e);
    if (rc == 0)
        rc = journal_proof_parse((struct span){text.data, text.len}, &store, &p);
    if (rc == 0)
        rc = journal_proof_check(&p, &secret.key, 1, &e);
    buf_release(&text);
    buf_release(&store);
    return rc;
}

static void test_proving(void **state)
{
    const struct deed deed = {NULL, prove, NULL, 20};

    (void)state;
    copy_model();
    assert_int_equal(prove(), 0);
    each_call_fails(&deed);
    finish_model(true);
    copy_model();
    each_call_fails(&deed);
}

static int retire(void)
{
    struct journal_options opt = small_segments();
    struct journal_recovery found;
    struct journal_oldest oldest;
    char name[JOURNAL_NAME_MAX];
    struct journal *j = NULL;
    struct err e = {0};
    uint64_t first_seq;
    int rc = journal_open(d.path, &opt, TEST_NOW_US, &j, &found, &e);

    if (rc)
        return rc;
    rc = journal_closed_next(j, NULL, name);
    if (rc == 0)
        rc = journal_oldest(j, &oldest);
    if (rc == 0)
        rc = journal_retire(j, &oldest, TEST_NOW_US);
    if (rc == 0)
        rc = journal_first_seq(d.path, &first_seq);
    const int code = journal_close(j);

    return rc ? rc : code;
}

static void test_retiring(void **state)
{
    const struct deed deed = {copy_model, retire, is_whole, 20};

    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        if (packed)
            finish_model(true);
        each_call_fails(&deed);
    }
}

static char key_path[TEST_PATH_SIZE];

static void no_key(void)
{
    (void)unlink(key_path);
}

static int make_key(void)
{
    struct journal_key made;
    struct journal_secret read;
    struct err e = {0};
    int rc = journal_key_create(key_path, "log", &made, &e);

    if (rc == 0)
        rc = journal_key_load(key_path, &read, &e);
    if (rc == 0)
        rc = journal_key_find(key_path, &read, &e);
    if (rc == 0)
        assert_true(journal_key_equal(&made, &read.key));
    return rc;
}

static void test_keys(void **state)
{
    const struct deed deed = {no_key, make_key, NULL, 10};

    (void)state;
    snprintf(key_path, sizeof key_path, "%s/key", d.path);
    each_call_fails(&deed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_writer_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_with_threads_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_goes_on_behind_a_torn_tail, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_goes_on_behind_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_goes_on_behind_what_was_begun, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_makes_the_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_begins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_writer_goes_on_behind_what_is_compressed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_compressing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_verifying, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_searching, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_proving, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_retiring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
