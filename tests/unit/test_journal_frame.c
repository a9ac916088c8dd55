/* Framing lines, names of segments, the Merkle tree, batches. */
#include "base/crc.h"
#include "base/err.h"
#include "journal/batch.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_names_of_segments(void **state)
{
    static const char *const bad[] = {"",
                                      "1.jsonl",
                                      "0000000000000000001.jsonl",
                                      "000000000000000000001.jsonl",
                                      "00000000000000000001.json",
                                      "00000000000000000001.jsonl.12.torn",
                                      "00000000000000000001.0.jsonl",
                                      "00000000000000000001.01.jsonl",
                                      "00000000000000000001.4294967296.jsonl",
                                      "99999999999999999999.jsonl",
                                      "0000000000000000000x.jsonl",
                                      "lock"};
    struct journal_name a = {0}, b = {0};
    char file[JOURNAL_FILE_SIZE];

    (void)state;
    assert_true(journal_name_parse("00000000000000000042.jsonl", &a));
    assert_int_equal(a.first, 42);
    assert_int_equal(a.part, 0);
    assert_string_equal(journal_name_format(a, file), "00000000000000000042.jsonl");
    assert_true(journal_name_parse("18446744073709551615.4294967295.jsonl", &b));
    assert_true(b.first == UINT64_MAX && b.part == UINT32_MAX);
    assert_string_equal(journal_name_format(b, file), "18446744073709551615.4294967295.jsonl");
    assert_true(journal_name_compare(a, b) < 0 && journal_name_compare(b, a) > 0);
    b = (struct journal_name){42, 1};
    assert_true(journal_name_compare(a, b) < 0 && journal_name_compare(b, a) > 0);
    assert_int_equal(journal_name_compare(b, b), 0);
    assert_true(journal_name_parse("00000000000000000000.jsonl", &b));
    assert_int_equal(b.first, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (journal_name_parse(bad[i], &a))
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(a.first, 42);
}

/* The leaves and roots that the Certificate Transparency reference code is tested with. */
/* A name that is longer than any is no segment's. */
static void test_names_that_are_too_long(void **state)
{
    char file[JOURNAL_FILE_SIZE + 8];
    struct journal_name name;

    (void)state;
    memset(file, '0', sizeof file);
    memcpy(file + sizeof file - 7, ".jsonl", 7);
    assert_false(journal_name_parse(file, &name));
    assert_false(journal_any_name_parse(file, &name));
}

static void test_tree_is_rfc6962(void **state)
{
    static const struct span leaves[] = {{"", 0},
                                         {"\x00", 1},
                                         {"\x10", 1},
                                         {"\x20\x21", 2},
                                         {"\x30\x31", 2},
                                         {"\x40\x41\x42\x43", 4},
                                         {"\x50\x51\x52\x53\x54\x55\x56\x57", 8},
                                         {"\x60\x61\x62\x63\x64\x65\x66\x67"
                                          "\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
                                          16}};
    static const char *const roots[] = {
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
    struct journal_tree tree = {0}, again;
    uint8_t root[SHA256_BYTES], bytes[JOURNAL_TREE_LEVELS * SHA256_BYTES];
    char hex[SHA256_HEX];
    size_t n;

    (void)state;
    for (size_t i = 0; i <= 8; i++) {
        journal_tree_root(&tree, root);
        assert_string_equal(hex_encode(root, SHA256_BYTES, hex), roots[i]);
        n = journal_tree_export(&tree, bytes);
        assert_int_equal(journal_tree_import(&again, i, bytes, n), 0);
        journal_tree_root(&again, root);
        assert_string_equal(hex_encode(root, SHA256_BYTES, hex), roots[i]);
        assert_int_equal(again.count, i);
        assert_int_equal(journal_tree_import(&again, i, bytes, n + 1), ERR_SYNTAX);
        if (i < 8)
            journal_tree_push(&tree, leaves[i]);
    }
    assert_int_equal(tree.count, 8);
}

/* Many leaves at once give the tree that they give one after the other, wherever it stands. */
static void test_tree_of_many(void **state)
{
    enum { BEFORE = 40, MANY = 200 };
    struct journal_tree one = {0}, many;
    struct span lines[MANY];
    char text[MANY][16] = {{0}};
    uint8_t bytes[2][JOURNAL_TREE_LEVELS * SHA256_BYTES];

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        lines[i] = (struct span){text[i], (size_t)snprintf(text[i], sizeof text[i], "leaf %zu", i)};
    for (size_t before = 0; before < BEFORE; before++) {
        struct journal_tree next = one;

        for (size_t n = 0; n <= MANY; n++) {
            size_t size;

            many = one;
            journal_tree_push_each(&many, lines, n);
            assert_int_equal(many.count, before + n);
            size = journal_tree_export(&many, bytes[0]);
            assert_int_equal(journal_tree_export(&next, bytes[1]), size);
            assert_memory_equal(bytes[0], bytes[1], size);
            if (n < MANY)
                journal_tree_push(&next, lines[n]);
        }
        journal_tree_push(&one, SPAN("before"));
    }
}

static struct journal_header sample_header(void)
{
    struct journal_header h = {.uuid = "01234567-89ab-4cde-8f01-23456789abcd",
                               .first = 7,
                               .time_us = 5,
                               .previous = "00000000000000000001.jsonl",
                               .previous_size = 99,
                               .host = "a\"b",
                               .boot = "",
                               .version = "0.1"};

    h.chain[0] = 0xab;
    journal_tree_push(&h.tree, SPAN("x"));
    journal_tree_push(&h.tree, SPAN("y"));
    journal_tree_push(&h.tree, SPAN("z"));
    return h;
}

static void test_header_round_trip(void **state)
{
    struct journal_header h = sample_header(), got;
    struct buf line, again, store;

    (void)state;
    buf_init(&line, JOURNAL_HEADER_MAX);
    buf_init(&again, JOURNAL_HEADER_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_header_encode(&h, &line), 0);
    assert_ptr_equal(strstr(line.data,
                            "{\"k\":\"h\",\"v\":1,\"j\":\"01234567-89ab-4cde-8f01-23456789abcd\","
                            "\"q\":7,\"t\":5,\"pf\":\"00000000000000000001.jsonl\",\"pb\":99,"
                            "\"ph\":\"ab00000000000000"),
                     line.data);
    assert_int_equal(journal_header_decode((struct span){line.data, line.len - 1}, &store, &got),
                     0);
    assert_string_equal(got.uuid, h.uuid);
    assert_string_equal(got.host, h.host);
    assert_int_equal(got.tree.count, 3);
    assert_int_equal(journal_header_encode(&got, &again), 0);
    assert_string_equal(line.data, again.data);
    buf_release(&line);
    buf_release(&again);
    buf_release(&store);
}

/* Decode the sample header with one piece of text replaced by another of the same length. */
static int decode_with(const char *from, const char *to)
{
    struct journal_header h = sample_header(), got;
    struct buf line, store;
    char *at;
    int rc;

    buf_init(&line, JOURNAL_HEADER_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_header_encode(&h, &line), 0);
    at = strstr(line.data, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    rc = journal_header_decode((struct span){line.data, line.len - 1}, &store, &got);
    buf_release(&line);
    buf_release(&store);
    return rc;
}

static void test_header_is_refused_for_a_reason(void **state)
{
    (void)state;
    assert_int_equal(decode_with("\"v\":1", "\"v\":1"), 0);
    assert_int_equal(decode_with("\"v\":1", "\"v\":2"), ERR_VERSION);
    assert_int_equal(decode_with("\"n\":3", "\"n\":4"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"root\":\"", "\"root\":\"AAAA"), ERR_CORRUPT);
    assert_int_equal(decode_with("\"pb\":99", "\"pb\":9x"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"boot\":\"\"", "\"Boot\":\"\""), ERR_SYNTAX);
    assert_int_equal(decode_with("\"v\":1", "\"v\":x"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"fr\":", "\"FR\":"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"fr\":\"", "\"fr\":\"!"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"root\":", "\"ROOT\":"), ERR_SYNTAX);
    assert_int_equal(decode_with("\"root\":\"", "\"root\":\"!"), ERR_SYNTAX);
    assert_int_equal(decode_with("=\",\"host\"", "A\",\"host\""), ERR_SYNTAX); /* 33 bytes */
    assert_int_equal(decode_with("\"ver\"", "\"VER\""), ERR_SYNTAX);
}

/* Cut anywhere a header is none, nor are the other lines of their kind. */
static void test_lines_that_are_cut(void **state)
{
    const struct journal_header h = sample_header();
    const struct journal_commit c = {.last = 9, .records = 3, .bytes = 400, .crc = 0x00c0ffee};
    const struct journal_repair r = {.at = 5, .cut = 6};
    struct journal_header got_header;
    struct journal_commit got_commit;
    struct journal_repair got_repair;
    struct buf line, store;

    (void)state;
    buf_init(&line, JOURNAL_HEADER_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_header_encode(&h, &line), 0);
    for (size_t n = 0; n < line.len - 1; n++)
        assert_int_equal(journal_header_decode((struct span){line.data, n}, &store, &got_header),
                         ERR_SYNTAX);
    buf_reset(&line);
    assert_int_equal(journal_commit_encode(&c, &line), 0);
    for (size_t n = 0; n < line.len - 1; n++)
        assert_int_equal(journal_commit_decode((struct span){line.data, n}, &got_commit),
                         ERR_SYNTAX);
    buf_reset(&line);
    assert_int_equal(journal_repair_encode(&r, &line), 0);
    for (size_t n = 0; n < line.len - 1; n++)
        assert_int_equal(journal_repair_decode((struct span){line.data, n}, &got_repair),
                         ERR_SYNTAX);
    buf_release(&line);
    buf_release(&store);
}

/* Decode the sample header with a tree of so many leaves, of which the hashes are zeroes. */
static int decode_count(uint64_t count, struct journal_tree *ret)
{
    struct journal_header h = sample_header(), got;
    struct buf line, store;
    int rc;

    h.tree.count = count;
    buf_init(&line, JOURNAL_LINE_MAX);
    buf_init(&store, JOURNAL_LINE_MAX);
    assert_int_equal(journal_header_encode(&h, &line), 0);
    rc = journal_header_decode((struct span){line.data, line.len - 1}, &store, &got);
    if (rc == 0)
        *ret = got.tree;
    buf_release(&line);
    buf_release(&store);
    return rc;
}

/* A number of leaves that has no room for one more line is nobody's. */
static void test_header_of_too_many_leaves(void **state)
{
    struct journal_tree tree;

    (void)state;
    assert_int_equal(decode_count(UINT64_MAX, &tree), ERR_SYNTAX);
    assert_int_equal(decode_count(JOURNAL_TREE_MOST, &tree), ERR_SYNTAX);
    assert_int_equal(decode_count(JOURNAL_TREE_MOST - 1, &tree), 0);
    journal_tree_push_each(&tree, (const struct span[]){SPAN("x"), SPAN("y")}, 2);
    assert_true(tree.count == JOURNAL_TREE_MOST + 1);
}

static void test_commit_and_repair_round_trip(void **state)
{
    struct journal_commit c = {.last = 9, .records = 3, .bytes = 400, .crc = 0x00c0ffee}, got;
    struct journal_repair r = {.at = 5, .cut = 6}, got_repair;
    struct buf line;

    (void)state;
    c.chain[31] = 0x0f;
    r.sha[0] = 0xf0;
    buf_init(&line, 1000);
    assert_int_equal(journal_commit_encode(&c, &line), 0);
    assert_string_equal(
        line.data, "{\"k\":\"c\",\"q\":9,\"n\":3,\"b\":400,\"x\":\"00c0ffee\",\"h\":\"0000000000"
                   "00000000000000000000000000000000000000000000000000000f\"}\n");
    assert_int_equal(journal_commit_decode((struct span){line.data, line.len - 1}, &got), 0);
    assert_true(got.last == 9 && got.records == 3 && got.bytes == 400 && got.crc == c.crc);
    assert_memory_equal(got.chain, c.chain, SHA256_BYTES);
    assert_int_equal(journal_commit_decode((struct span){line.data, line.len}, &got), ERR_SYNTAX);
    memcpy(strstr(line.data, "00c0"), "00C0", 4); /* hexadecimal in capitals is not ours */
    assert_int_equal(journal_commit_decode((struct span){line.data, line.len - 1}, &got),
                     ERR_SYNTAX);
    buf_reset(&line);
    assert_int_equal(journal_repair_encode(&r, &line), 0);
    assert_int_equal(journal_repair_decode((struct span){line.data, line.len - 1}, &got_repair), 0);
    assert_true(got_repair.at == 5 && got_repair.cut == 6);
    assert_memory_equal(got_repair.sha, r.sha, SHA256_BYTES);
    buf_release(&line);
}

/* Two batches of two and one records. */
static void make_batches(struct buf *out, size_t *ret_first)
{
    struct journal_head head = {.next_seq = 3};
    size_t from;

    buf_init(out, 100000);
    assert_int_equal(buf_append_str(out, "{\"q\":1,\"t\":0,\"o\":\"idle\",\"st\":\"note\"}\n"
                                         "{\"q\":2,\"t\":0,\"o\":\"idle\",\"st\":\"note\"}\n"),
                     0);
    assert_int_equal(journal_batch_close(&head, out, 0, 2), 0);
    *ret_first = from = out->len;
    head.next_seq = 4;
    assert_int_equal(buf_append_str(out, "{\"q\":3,\"t\":0,\"o\":\"idle\",\"st\":\"note\"}\n"), 0);
    assert_int_equal(journal_batch_close(&head, out, from, 1), 0);
    assert_int_equal(head.tree.count, 3);
}

static void test_finds_batches(void **state)
{
    struct journal_batch batch;
    struct buf all;
    size_t first;

    (void)state;
    make_batches(&all, &first);
    for (size_t n = 0; n < first; n++)
        assert_int_equal(journal_batch_next((struct span){all.data, n}, &batch), JOURNAL_STEP_MORE);
    assert_int_equal(journal_batch_next((struct span){all.data, first}, &batch), JOURNAL_STEP_GOOD);
    assert_int_equal(batch.size, first);
    assert_int_equal(batch.skipped, 0);
    assert_int_equal(batch.commit.last, 2);
    assert_int_equal(batch.body.n, batch.commit.bytes);
    buf_release(&all);
}

static void test_finds_the_next_batch_after_damage(void **state)
{
    struct journal_batch batch;
    struct buf all;
    char *commit;
    size_t first;

    (void)state;
    make_batches(&all, &first);
    commit = strstr(all.data, "{\"k\"");
    commit[2] = 'K';
    assert_int_equal(journal_batch_next((struct span){all.data, all.len}, &batch),
                     JOURNAL_STEP_GOOD);
    assert_int_equal(batch.skipped, first);
    assert_int_equal(batch.commit.last, 3);
    assert_int_equal(batch.size, all.len);
    commit[2] = 'k';
    all.data[10] ^= 1;
    assert_int_equal(journal_batch_next((struct span){all.data, all.len}, &batch),
                     JOURNAL_STEP_BROKEN);
    assert_string_equal(batch.kind, "crc");
    assert_int_equal(batch.size, first);
    buf_release(&all);
}

static void test_a_commit_line_must_describe_its_batch(void **state)
{
    static const char *const changes[][2] = {{"\"q\":2,\"n\"", "\"q\":5,\"n\""},
                                             {"\"n\":2", "\"n\":1"},
                                             {"\"b\":7", "\"b\":8"},
                                             {"\"b\":7", "\"b\":6"},
                                             {"\"x\":\"", "\"x\":\"0000"}};
    struct journal_batch batch;
    struct buf all;
    size_t first;

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *at;

        make_batches(&all, &first);
        at = strstr(strstr(all.data, "{\"k\""), changes[i][0]);
        assert_non_null(at);
        memcpy(at, changes[i][1], strlen(changes[i][1]));
        assert_int_equal(journal_batch_next((struct span){all.data, all.len}, &batch),
                         JOURNAL_STEP_BROKEN);
        buf_release(&all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_segments),
        cmocka_unit_test(test_names_that_are_too_long),
        cmocka_unit_test(test_tree_is_rfc6962),
        cmocka_unit_test(test_tree_of_many),
        cmocka_unit_test(test_header_round_trip),
        cmocka_unit_test(test_header_is_refused_for_a_reason),
        cmocka_unit_test(test_lines_that_are_cut),
        cmocka_unit_test(test_header_of_too_many_leaves),
        cmocka_unit_test(test_commit_and_repair_round_trip),
        cmocka_unit_test(test_finds_batches),
        cmocka_unit_test(test_finds_the_next_batch_after_damage),
        cmocka_unit_test(test_a_commit_line_must_describe_its_batch),
    };

    return cmocka_run_group_tests_name("journal_frame", tests, NULL, NULL);
}
