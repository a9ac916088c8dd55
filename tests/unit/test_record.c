/* RecordIO: known bytes, every payload of a few words there and back, every bit and every length.
 */
#include "lists/record.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define M    "\x0a\x23\xd7\xce"
#define HEAD "\x00\x00\x00\x00"

/* Payloads, and the records that they are. */
static const struct {
    struct span payload;
    struct span record;
} known[] = {
    {SPAN(""), SPAN(M "\0\0\0\0")},
    {SPAN("abc"), SPAN(M "\3\0\0\0abc\0")},
    {SPAN(M), SPAN(M "\0\0\0\x20" M "\0\0\0\x60")},
    {SPAN("abcd" M "efg"), SPAN(M "\4\0\0\x20"
                                  "abcd" M "\3\0\0\x60"
                                  "efg\0")},
    {SPAN(M M), SPAN(M "\0\0\0\x20" M "\0\0\0\x40" M "\0\0\0\x60")},
    {SPAN("a" M "bcd"), SPAN(M "\x08\0\0\0"
                               "a" M "bcd")},
};

/* Rows, and what stands before their images. */
static const struct {
    const char *row;
    bool first_label;
    struct span head;
} rows[] = {
    {"7\t3\ta.jpg\n", false, SPAN("\0\0\0\0\x00\x00\x40\x40\7\0\0\0\0\0\0\0" HEAD HEAD)},
    {"7\t3.000000\ta.jpg", false, SPAN("\0\0\0\0\x00\x00\x40\x40\7\0\0\0\0\0\0\0" HEAD HEAD)},
    {"7\t1\t0\ta.jpg\n", false,
     SPAN("\2\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0" HEAD HEAD "\x00\x00\x80\x3f\0\0\0\0")},
    {"7\t1\t0\ta.jpg\n", true, SPAN("\0\0\0\0\x00\x00\x80\x3f\7\0\0\0\0\0\0\0" HEAD HEAD)},
    {"4294967296\t0.1\ta\n", false, SPAN("\0\0\0\0\xcd\xcc\xcc\x3d\0\0\0\0\1\0\0\0" HEAD HEAD)},
};

/* Read a file in memory up to its end, with the payloads one behind the other. The last answer. */
static enum record_next read_all(struct span file, struct buf *out, struct record_reader *r)
{
    enum record_next next = RECORD_MORE;

    record_begin(r);
    while (next == RECORD_MORE || next == RECORD_WHOLE) {
        size_t at = r->at < file.n ? (size_t)r->at : file.n;
        size_t n = file.n - at < r->want ? file.n - at : r->want;

        assert_int_equal(record_step(r, (struct span){file.p + at, n}, &next), 0);
        if (next == RECORD_WHOLE)
            assert_int_equal(buf_append(out, r->payload.data, r->payload.len), 0);
    }
    record_release(r);
    return next;
}

static void test_known_bytes(void **state)
{
    struct record_reader r;
    struct buf file;
    struct buf back;

    (void)state;
    buf_init(&file, 4096);
    buf_init(&back, 4096);
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        buf_reset(&file);
        buf_reset(&back);
        assert_int_equal(record_frame(known[i].payload, &file), 0);
        assert_int_equal(file.len, known[i].record.n);
        assert_memory_equal(file.data, known[i].record.p, file.len);
        assert_int_equal(read_all((struct span){file.data, file.len}, &back, &r), RECORD_END);
        assert_int_equal(back.len, known[i].payload.n);
        if (back.len > 0)
            assert_memory_equal(back.data, known[i].payload.p, back.len);
    }
    buf_release(&file);
    buf_release(&back);
}

static void test_known_heads(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct record_image image;
        const char *why = NULL;
        struct lst_row row;
        uint64_t id = 0;

        buf_reset(&out);
        lst_row_begin(span_of(rows[i].row), 0, &row);
        assert_int_equal(record_head(&row, rows[i].first_label, &out, &id, &why), 0);
        assert_int_equal(out.len, rows[i].head.n);
        assert_memory_equal(out.data, rows[i].head.p, out.len);
        assert_int_equal(buf_append_str(&out, "XY"), 0);
        assert_true(record_image((struct span){out.data, out.len}, &image));
        assert_int_equal(image.id, id);
        assert_int_equal(image.label_n, out.data[0] ? out.data[0] : 1);
        assert_memory_equal(image.bytes.p, "XY", image.bytes.n);
        assert_int_equal(image.bytes.n, 2);
    }
    buf_release(&out);
}

static void test_rows_that_cannot_be_packed(void **state)
{
    static const char *const bad[] = {
        "# a comment\n",    "7\ta.jpg\n",       "7.0\t1\ta.jpg\n", "-1\t1\ta.jpg\n",
        "7\tcat\ta.jpg\n",  "7\t1\t\ta.jpg\n",  "7\t1e39\ta\n",    "9223372036854775808\t1\ta\n",
        "7\t1\tnan\ta.jpg", "7\t0x10\ta.jpg\n",
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(buf_append_str(&out, "kept"), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        const char *why = NULL;
        struct lst_row row;
        uint64_t id = 77;

        lst_row_begin(span_of(bad[i]), 0, &row);
        if (record_head(&row, false, &out, &id, &why) != ERR_SYNTAX || !why)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(id, 77);
        assert_int_equal(out.len, 4);
    }
    buf_release(&out);
}

/* Every payload of up to 6 pieces, of a magic, four other bytes, and one byte. */
static void test_there_and_back(void **state)
{
    static const struct span pieces[] = {SPAN(M), SPAN("\xd7\xce\x0a\x23"), SPAN("x")};
    struct record_reader r;
    struct buf payload;
    struct buf file;
    struct buf back;

    (void)state;
    buf_init(&payload, 4096);
    buf_init(&file, 4096);
    buf_init(&back, 4096);
    for (unsigned code = 0; code < 4 * 4 * 4 * 4 * 4 * 4; code++) {
        buf_reset(&payload);
        buf_reset(&file);
        buf_reset(&back);
        for (unsigned rest = code; rest > 0; rest /= 4)
            if (rest % 4 > 0)
                assert_int_equal(buf_append_span(&payload, pieces[rest % 4 - 1]), 0);
        assert_int_equal(record_frame((struct span){payload.data, payload.len}, &file), 0);
        assert_int_equal(file.len % 4, 0);
        assert_int_equal(read_all((struct span){file.data, file.len}, &back, &r), RECORD_END);
        assert_int_equal(back.len, payload.len);
        if (back.len > 0)
            assert_memory_equal(back.data, payload.data, back.len);
    }
    buf_release(&payload);
    buf_release(&file);
    buf_release(&back);
}

/* A copy in memory of its own, so that reading past it is seen. The caller frees. (The compiler is
 * not to follow it back to the literal: it would count wrong.) */
__attribute__((noinline)) static char *copy_of(struct span s)
{
    char *copy = malloc(s.n + 1);

    assert_non_null(copy);
    memcpy(copy, s.p, s.n);
    return copy;
}

/* Two records, cut at each length: only between them there is nothing to be said. */
static void test_every_cut(void **state)
{
    static const struct span file = SPAN(M "\4\0\0\x20"
                                           "abcd" M "\3\0\0\x60"
                                           "efg\0" M "\2\0\0\0xy\0\0");
    struct record_reader r;
    struct buf back;

    (void)state;
    buf_init(&back, 4096);
    for (size_t n = 0; n <= file.n; n++) {
        char *copy = copy_of((struct span){file.p, n});
        bool whole = n == 0 || n == 24 || n == file.n;

        buf_reset(&back);
        assert_int_equal(read_all((struct span){copy, n}, &back, &r),
                         whole ? RECORD_END : RECORD_BAD);
        if (!whole)
            assert_true(r.why && r.at <= n);
        free(copy);
    }
    buf_release(&back);
}

/* Any bit of a frame turned is seen, unless it makes another right frame of the same length. */
static void test_every_bit_of_the_frames(void **state)
{
    static const char file[] = M "\4\0\0\x20"
                                 "abcd" M "\3\0\0\x60"
                                 "efg\0" M "\2\0\0\0xy\0\0";
    struct record_reader r;
    unsigned unseen = 0;
    struct buf back;

    (void)state;
    buf_init(&back, 4096);
    for (size_t bit = 0; bit < 8 * (sizeof(file) - 1); bit++) {
        size_t byte = bit / 8;
        bool data =
            (byte >= 8 && byte < 12) || (byte >= 20 && byte < 23) || (byte >= 32 && byte < 34);
        char copy[sizeof(file)];

        memcpy(copy, file, sizeof(file));
        copy[byte] = (char)(copy[byte] ^ 1 << bit % 8);
        buf_reset(&back);
        if (read_all((struct span){copy, sizeof(file) - 1}, &back, &r) == RECORD_END && !data)
            unseen++;
    }
    /* Lengths 3 and 2 that became 2 and 3: the byte that fills up is no zero then, or is taken for
     * data. */
    assert_int_equal(unseen, 1);
    buf_release(&back);
}

static void test_a_payload_has_an_end(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(record_frame((struct span){"", (size_t)RECORD_PAYLOAD_MAX + 1}, &out),
                     ERR_LIMIT);
    assert_int_equal(out.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_known_heads),
        cmocka_unit_test(test_rows_that_cannot_be_packed),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_every_bit_of_the_frames),
        cmocka_unit_test(test_a_payload_has_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
