/* Bytes that were made on purpose: their sums are right, and what they say cannot be. */
#include "tests/unit/unit.h"

#include "base/crc.h"
#include "base/err.h"
#include "journal/glance.h"
#include "journal/index.h"
#include "journal/packed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put32(char *to, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        to[i] = (char)(n >> 8 * i);
}

static uint32_t get32(const char *from)
{
    uint32_t n = 0;

    for (int i = 0; i < 4; i++)
        n |= (uint32_t)(unsigned char)from[i] << 8 * i;
    return n;
}

/* --- indexes ---------------------------------------------------------------------------------- */

#define BLOCKS        3
#define HEAD_BYTES    12
#define BOND_SIZE     16
#define BOND_NEXT     40
#define BLOCK_COUNT   80
#define BLOCK(i)      (JOURNAL_INDEX_FIXED + 16 * (i))
#define BLOCK_FIRST   8
#define PAGE_COUNT_AT (JOURNAL_INDEX_PAGE - 8)
#define PAGE_SUM_AT   (JOURNAL_INDEX_PAGE - 4)

/* The index of a segment of three blocks with 30 records. */
static struct buf make_index(void)
{
    struct journal_index_draft draft = {0};
    const struct journal_index_bond bond = {.size = 300, .first = 1, .next = 31};
    struct buf out;
    char path[] = "dir/0.jpg";

    buf_init(&out, 1u << 20);
    for (unsigned i = 0; i < 30; i++) {
        const struct journal_record rec = {.seq = i + 1, .op = JOURNAL_PUT, .path = path};

        path[4] = (char)('0' + i % 10);
        if (i % 10 == 0)
            assert_int_equal(journal_index_block(&draft, 10 * i, rec.seq), 0);
        assert_int_equal(journal_index_record(&draft, &rec), 0);
    }
    assert_int_equal(journal_index_encode(&draft, &bond, &out), 0);
    journal_index_release(&draft);
    return out;
}

/* A change of 32 bits in the head. */
static const struct {
    size_t at;
    uint32_t value;
} heads[] = {
    {BOND_SIZE, 200},            /* the segment ends where its last block begins */
    {BOND_NEXT, 20},             /* or before the first record of that */
    {BLOCK(0), 1},               /* bytes that are of no block */
    {BLOCK(0) + BLOCK_FIRST, 0}, /* a record before the segment's first */
    {BLOCK(1), 0},               /* two blocks in one place */
    {BLOCK(2), 50},              /* backwards */
    {BLOCK(2) + BLOCK_FIRST, 5}, /* the same for records */
    {BLOCK_COUNT, 0},            /* none, and the lists are shorter */
};

static void test_index_heads(void **state)
{
    struct buf index = make_index();
    struct journal_index_head head;
    char *forged = malloc(index.len);

    (void)state;
    assert_non_null(forged);
    assert_int_equal(journal_index_head_decode((struct span){index.data, index.len}, &head), 0);
    assert_int_equal(head.block_count, BLOCKS);
    for (size_t n = 0; n < head.size; n++)
        assert_int_equal(journal_index_head_decode((struct span){index.data, n}, &head),
                         ERR_CORRUPT);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        size_t size;

        memcpy(forged, index.data, index.len);
        put32(forged + heads[i].at, heads[i].value);
        put32(forged + HEAD_BYTES,
              BLOCK(get32(forged + BLOCK_COUNT)) + 4 * get32(forged + BLOCK_COUNT + 4) + 4);
        assert_int_equal(journal_index_head_size((unsigned char *)forged, &size), 0);
        put32(forged + size - 4, crc32c(0, forged, size - 4));
        if (journal_index_head_decode((struct span){forged, index.len}, &head) != ERR_CORRUPT)
            fail_msg("head %zu", i);
    }
    free(forged);
    buf_release(&index);
}

static void count_block(void *arg, size_t block)
{
    (void)block;
    ++*(unsigned *)arg;
}

static void test_index_pages(void **state)
{
    struct buf index = make_index();
    struct journal_index_head head;
    unsigned blocks = 0;
    char *page;
    bool more;

    (void)state;
    assert_int_equal(journal_index_head_decode((struct span){index.data, index.len}, &head), 0);
    page = index.data + head.size;
    const uint32_t key = get32(page + 4), entry = get32(page), count = get32(page + PAGE_COUNT_AT);
    const struct {
        size_t at;
        uint32_t value;
        int rc;
    } forged[] = {
        {0, entry, 0},
        {0, BLOCKS, ERR_CORRUPT},  /* a block that is not there */
        {4, key + 1, ERR_CORRUPT}, /* not the page that the head speaks of */
        {PAGE_COUNT_AT, 0, ERR_CORRUPT},
        {PAGE_COUNT_AT, JOURNAL_INDEX_ENTRIES + 1, ERR_CORRUPT},
        {PAGE_COUNT_AT, count, 0},
    };

    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        const uint32_t was = get32(page + forged[i].at);

        put32(page + forged[i].at, forged[i].value);
        put32(page + PAGE_SUM_AT, crc32c(0, page, PAGE_SUM_AT));
        if (journal_index_page(&head, 0, (unsigned char *)page, key, count_block, &blocks, &more) !=
            forged[i].rc)
            fail_msg("page %zu", i);
        put32(page + forged[i].at, was);
    }
    assert_true(blocks >= 2); /* of the first and the last */
    buf_release(&index);
}

/* --- compressed segments ---------------------------------------------------------------------- */

static const struct packed_frame frames[] = {{100, 1000, 7}, {200, 2000, 8}};

#define FRAMES       2
#define FOOTER_COUNT (PACKED_TABLE(FRAMES) - PACKED_FOOTER)
#define FRAME(i)     (PACKED_TABLE_HEAD + PACKED_ENTRY * (i))

static const struct {
    size_t at;
    uint32_t value;
} tables[] = {
    {0, 0},                                /* it does not begin so */
    {4, 1},                                /* nor has it this size */
    {FOOTER_COUNT, 1},                     /* nor so many frames */
    {FOOTER_COUNT, PACKED_FRAMES_MAX + 1}, /* which are too many */
    {FOOTER_COUNT + 5, 0},                 /* nor does it end so */
    {FRAME(0), 1},                         /* a frame that is too short for one */
    {FRAME(1), PACKED_FRAME_ROOM + 1},     /* too long */
    {FRAME(1) + 4, 0},                     /* empty */
    {FRAME(0) + 4, PACKED_FRAME_MAX + 1},  /* too much */
};

static void test_tables(void **state)
{
    struct packed_frame got[FRAMES];
    char bytes[PACKED_TABLE(FRAMES)];
    struct buf table;

    (void)state;
    buf_init(&table, sizeof bytes);
    assert_int_equal(packed_table_encode(frames, FRAMES, &table), 0);
    assert_int_equal(table.len, sizeof bytes);
    assert_int_equal(packed_table_decode((struct span){table.data, table.len}, got), 0);
    assert_memory_equal(got, frames, sizeof frames);
    for (size_t n = 0; n < table.len; n++)
        assert_int_equal(packed_table_decode((struct span){table.data, n}, got), ERR_CORRUPT);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        memcpy(bytes, table.data, sizeof bytes);
        put32(bytes + tables[i].at, tables[i].value);
        if (packed_table_decode((struct span){bytes, sizeof bytes}, got) != ERR_CORRUPT)
            fail_msg("table %zu", i);
    }
    buf_release(&table);
}

/* A table for which there is no room leaves what was there. */
static void test_tables_without_room(void **state)
{
    (void)state;
    for (size_t room = 1; room < 1 + PACKED_TABLE(FRAMES); room++) {
        struct buf out;

        buf_init(&out, room);
        assert_int_equal(buf_append_byte(&out, 'x'), 0);
        assert_int_equal(packed_table_encode(frames, FRAMES, &out), ERR_LIMIT);
        assert_string_equal(out.data, "x");
        buf_release(&out);
    }
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(packed_table_encode(frames, PACKED_FRAMES_MAX + (size_t)1, &out), ERR_LIMIT);
    assert_int_equal(packed_table_encode(frames, FRAMES, &out), ERR_LIMIT);
    buf_release(&out);
}

/* Frames of zstd's that are none of ours: the bytes of its format, RFC 8878. */
static const struct {
    const char *bytes;
    size_t n;
    int rc;
} foreign[] = {
#define FOREIGN(text, rc)                                                                          \
    {                                                                                              \
        text, sizeof(text) - 1, rc                                                                 \
    }
#define MAGIC "\x28\xb5\x2f\xfd"
    FOREIGN(MAGIC "\x24\x01\x09\x00\x00"
                  "abcde",
            0), /* as ours are */
    FOREIGN(MAGIC "\x24\x01\x09\x00\x00"
                  "abcd",
            -ENODATA),
    FOREIGN(MAGIC "\x24\x01\x0f\x00\x00"
                  "abcde",
            ERR_CORRUPT), /* no such block */
    FOREIGN(MAGIC "\x20\x01\x09\x00\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* without a checksum */
    FOREIGN(MAGIC "\x25\x01\x01\x09\x00\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* with a dictionary */
    FOREIGN(MAGIC "\x04\x00\x09\x00\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* of unknown size */
    FOREIGN(MAGIC "\x2c\x01\x09\x00\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* reserved */
    FOREIGN(MAGIC "\x24\x00\x01\x00\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* of nothing */
    FOREIGN(MAGIC "\xa4\x01\x00\x10\x00"
                  "abcdefgh",
            ERR_CORRUPT), /* of too much */
    FOREIGN("\x28\xb5\x2f\xfe\x24\x01\x09\x00\x00"
            "abcdefgh",
            ERR_CORRUPT),
};

static void test_foreign_frames(void **state)
{
    struct packed_coder *coder = packed_coder_new();
    static char plain[PACKED_FRAME_MAX + 1];
    struct packed_frame frame;
    struct buf out;

    (void)state;
    buf_init(&out, 2 * PACKED_FRAME_ROOM);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (packed_frame_look((struct span){foreign[i].bytes, foreign[i].n}, &frame) !=
            foreign[i].rc)
            fail_msg("frame %zu", i);
    assert_non_null(coder);
    assert_int_equal(packed_frame_encode(coder, SPAN(""), &out, &frame), ERR_LIMIT);
    assert_int_equal(packed_frame_encode(coder, (struct span){plain, sizeof plain}, &out, &frame),
                     ERR_LIMIT);
    assert_int_equal(out.len, 0);
    packed_coder_free(coder);
    buf_release(&out);
}

/* --- lines of records at a glance ------------------------------------------------------------- */

static const char *const lines[] = {
    "{\"q\":1,\"t\":2,\"o\":\"rename\",\"st\":\"intent\",\"w\":\"m\",\"p\":\"a\\\"\",\"d\":\"b\"",
    "{\"q\":1,\"t\":2,\"o\":\"rename\",\"st\":\"intent\",\"P\":\"YQ==\",\"D\":\"Yg==\"",
};

/* Cut anywhere it says no more than it has, and only where a member ends anything. */
static void test_lines_that_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        const char *state_ends = strstr(lines[i], "intent\"") + sizeof("intent\"") - 1;
        struct journal_glance g = {0};
        unsigned passed = 0;

        assert_true(journal_line_glance(span_of(lines[i]), &g));
        assert_true(span_equal(g.op, SPAN("rename")));
        assert_int_equal(g.coded, i == 1);
        if (i == 0) { /* as they are spelled */
            assert_true(span_equal(g.path, SPAN("a\\\"")));
            assert_true(span_equal(g.path2, SPAN("b")));
        }
        for (size_t n = 0; n < strlen(lines[i]); n++) {
            char *cut = malloc(n + 1); /* of its own: a byte behind it is not to be read */

            assert_non_null(cut);
            memcpy(cut, lines[i], n);
            if (journal_line_glance((struct span){cut, n}, &g)) {
                assert_true(n >= (size_t)(state_ends - lines[i]));
                assert_true(!g.path2.p);
                passed++;
            }
            free(cut);
        }
        assert_true(passed > 0);
    }
}

static void test_within(void **state)
{
    (void)state;
    assert_true(journal_spelling_is_within(SPAN("a/b"), SPAN("")));
    assert_true(journal_spelling_is_within(SPAN("a/b"), SPAN("a")));
    assert_true(journal_spelling_is_within(SPAN("a"), SPAN("a")));
    assert_false(journal_spelling_is_within(SPAN("ab"), SPAN("a")));
    assert_false(journal_spelling_is_within(SPAN("a"), SPAN("a/b")));
    assert_false(journal_spelling_is_within((struct span){NULL, 0}, SPAN("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_index_heads),    cmocka_unit_test(test_index_pages),
        cmocka_unit_test(test_tables),         cmocka_unit_test(test_tables_without_room),
        cmocka_unit_test(test_foreign_frames), cmocka_unit_test(test_lines_that_are_cut),
        cmocka_unit_test(test_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
