/* Compressed files whose frames and table do not agree, byte by byte as they may come from a disk:
 * what is told of them, and that no byte that is there is lost. */
#include "base/err.h"
#include "journal/packed_file.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAMES   70 /* more than room is made for at first */
#define LINE     16 /* plain bytes of each */
#define PLAIN    ((size_t)FRAMES * LINE)
#define ENTRY(i) (PACKED_TABLE_HEAD + (size_t)(i)*PACKED_ENTRY)

/* A file before it is written. */
struct made {
    struct buf bytes;
    size_t frame_at[FRAMES]; /* where they begin */
    size_t table_at;
    char plain[PLAIN + 1];
};

/* Change a number of four bytes by so much. */
static void change(struct made *m, size_t at, int by)
{
    unsigned char *p = (unsigned char *)m->bytes.data + at;
    uint32_t n = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

    n += (uint32_t)by;
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(n >> 8 * i);
}

static void flip(struct made *m, size_t at)
{
    m->bytes.data[at] ^= 0x10;
}

/* A whole one. */
static void make(struct made *m)
{
    struct packed_coder *coder = packed_coder_new();
    struct packed_frame frames[FRAMES];

    assert_non_null(coder);
    buf_init(&m->bytes, 1u << 20);
    for (unsigned i = 0; i < FRAMES; i++) {
        char *line = m->plain + (size_t)i * LINE;

        snprintf(line, LINE + 1, "this is line %02u\n", i);
        m->frame_at[i] = m->bytes.len;
        assert_int_equal(
            packed_frame_encode(coder, (struct span){line, LINE}, &m->bytes, &frames[i]), 0);
    }
    m->table_at = m->bytes.len;
    assert_int_equal(packed_table_encode(frames, FRAMES, &m->bytes), 0);
    packed_coder_free(coder);
}

/* What was told of a file. */
struct told {
    unsigned count;
    struct journal_damage last;
};

static void on_damage(void *arg, const struct journal_damage *d)
{
    struct told *t = arg;

    t->count++;
    t->last = *d;
}

/* Read the first n bytes of the made file as a segment, from `from` on, in small pieces. How many
 * there are, into `to`. */
static size_t read_from(const struct made *m, size_t n, size_t from, char *to, struct told *told)
{
    struct packed_file *p;
    size_t at = from;
    ssize_t got;
    int fd;

    fd = openat(scratch_fd(), "file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, m->bytes.data, n), n);
    *told = (struct told){0};
    assert_int_equal(packed_file_open(fd, &p), 0);
    packed_file_watch(p, on_damage, told);
    while ((got = packed_file_read(p, to + at - from, 7, at)) > 0)
        at += (size_t)got;
    assert_int_equal(got, 0);
    assert_int_equal(packed_file_plain(p), at);
    packed_file_close(p);
    close(fd);
    return at - from;
}

/* All of it can be read, and this alone is told. */
static void all_there(const struct made *m, size_t n, const char *kind, size_t offset)
{
    char got[PLAIN + LINE];
    struct told told;

    assert_int_equal(read_from(m, n, 0, got, &told), PLAIN);
    assert_memory_equal(got, m->plain, PLAIN);
    assert_int_equal(told.count, kind ? 1 : 0);
    if (!kind)
        return;
    assert_string_equal(told.last.kind, kind);
    assert_int_equal(told.last.offset, offset);
    assert_int_equal(told.last.from, told.last.to); /* nothing is lost */
}

static void test_a_whole_one(void **state)
{
    struct made m;
    struct told told;
    char got[PLAIN];

    (void)state;
    make(&m);
    all_there(&m, m.bytes.len, NULL, 0);
    assert_int_equal(read_from(&m, m.bytes.len, 65 * LINE + 3, got, &told), PLAIN - 65 * LINE - 3);
    assert_memory_equal(got, m.plain + 65 * LINE + 3, PLAIN - 65 * LINE - 3);
    assert_int_equal(read_from(&m, m.bytes.len, PLAIN, got, &told), 0);
    buf_release(&m.bytes);
}

/* The table has another size than it says, or another begin, or its end is not there. */
static void test_the_table_s_size(void **state)
{
    struct made m;

    (void)state;
    make(&m);
    for (int by = -1; by <= 1; by += 2) {
        change(&m, m.table_at + 4, by);
        all_there(&m, m.bytes.len, "table", m.table_at);
        change(&m, m.table_at + 4, -by);
    }
    flip(&m, m.table_at);
    all_there(&m, m.bytes.len, "table", m.table_at);
    flip(&m, m.table_at);
    all_there(&m, m.bytes.len - 1, "truncated", m.table_at);
    all_there(&m, m.table_at + PACKED_TABLE_HEAD, "truncated", m.table_at);
    flip(&m, m.bytes.len - 1); /* as long as it has to be, and no end */
    all_there(&m, m.bytes.len, "table", m.table_at);
    buf_release(&m.bytes);
}

/* Two entries that are wrong by the same amount, so that their sum is right. */
static void test_the_table_s_entries(void **state)
{
    struct made m;

    (void)state;
    make(&m);
    for (size_t field = 0; field < PACKED_ENTRY; field += 4) {
        const size_t i = 67, at = m.table_at + ENTRY(i) + field;

        change(&m, at, 1);
        change(&m, at + PACKED_ENTRY, -1);
        all_there(&m, m.bytes.len, "table", m.table_at + ENTRY(i));
        change(&m, at, -1);
        change(&m, at + PACKED_ENTRY, 1);
    }
    buf_release(&m.bytes);
}

/* The table says that there is more than there is: who reads there is told of the end. */
static void test_more_than_there_is(void **state)
{
    struct made m;
    struct told told;
    char got[PLAIN];
    struct packed_file *p;
    int fd;

    (void)state;
    make(&m);
    change(&m, m.table_at + ENTRY(FRAMES - 1) + 4, 5);
    all_there(&m, m.bytes.len, "table", m.table_at + ENTRY(FRAMES - 1));
    fd = openat(scratch_fd(), "file", O_RDONLY);
    assert_true(fd >= 0);
    told = (struct told){0};
    assert_int_equal(packed_file_open(fd, &p), 0);
    packed_file_watch(p, on_damage, &told);
    assert_int_equal(packed_file_plain(p), PLAIN + 5);
    assert_int_equal(packed_file_read(p, got, 5, PLAIN + 2), 0);
    assert_int_equal(told.count, 1);
    assert_int_equal(packed_file_plain(p), PLAIN);
    packed_file_close(p);
    close(fd);
    buf_release(&m.bytes);
}

/* A frame and the table are damaged: of the frame the bytes alone are lost, and zeroes stand for
 * them. */
static void test_a_frame_and_the_table(void **state)
{
    char got[PLAIN], want[PLAIN];
    struct told told;
    struct made m;

    (void)state;
    make(&m);
    flip(&m, m.table_at + 4);
    flip(&m, m.frame_at[68] - 6); /* a literal of frame 67 */
    memcpy(want, m.plain, PLAIN);
    memset(want + 67 * LINE, 0, LINE);
    assert_int_equal(read_from(&m, m.bytes.len, 0, got, &told), PLAIN);
    assert_memory_equal(got, want, PLAIN);
    assert_int_equal(told.count, 2); /* the table at once, and the frame when it was read */
    assert_string_equal(told.last.kind, "frame");
    assert_int_equal(told.last.from, 67 * LINE);
    assert_int_equal(told.last.to, 68 * LINE);
    buf_release(&m.bytes);
}

/* Neither the table nor the begin of a frame can be found: what follows is lost, and that is told
 * once; what lies before can be read. */
static void test_no_way_on(void **state)
{
    char got[PLAIN];
    struct told told;
    struct made m;

    (void)state;
    make(&m);
    flip(&m, m.frame_at[66]);
    for (int kind = 0; kind < 3; kind++) {
        const size_t count_at = m.bytes.len - PACKED_FOOTER;

        if (kind == 0)
            flip(&m, m.bytes.len - 1); /* no footer */
        else if (kind == 1)
            change(&m, count_at, -1); /* of another number of frames */
        else
            flip(&m, m.table_at + 4); /* the footer is right */
        assert_int_equal(read_from(&m, m.bytes.len, 0, got, &told), 66 * LINE);
        assert_memory_equal(got, m.plain, 66 * LINE);
        assert_int_equal(told.count, 1);
        assert_string_equal(told.last.kind, "frame");
        assert_int_equal(told.last.offset, m.frame_at[66]);
        assert_int_equal(told.last.from, 66 * LINE);
        assert_true(told.last.to == UINT64_MAX);
        if (kind == 0)
            flip(&m, m.bytes.len - 1);
        else if (kind == 1)
            change(&m, count_at, 1);
    }
    buf_release(&m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_one),           cmocka_unit_test(test_the_table_s_size),
        cmocka_unit_test(test_the_table_s_entries),   cmocka_unit_test(test_more_than_there_is),
        cmocka_unit_test(test_a_frame_and_the_table), cmocka_unit_test(test_no_way_on),
    };

    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
