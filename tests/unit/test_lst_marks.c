/*
 * Where bytes stand in a short text, by both ways against a loop over the bytes; and what is read
 * by them, rows and paths, against the same row or path grown too long for them. Each text lies at
 * the very end of the memory that may be read, then at its very begin: a look past it ends the
 * test.
 */
#include "base/path.h"
#include "lists/internal.h"
#include "lists/marks.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS     500   /* for each length of a text */
#define ROW_ROUNDS 20000 /* rows and paths */
#define LONG       100   /* more than MARKS_MAX */

/* The only memory around that may be read. */
static struct {
    char *p;
    size_t n;
} room;

static int room_open(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    if (p == MAP_FAILED || mprotect(p + page, page, PROT_READ | PROT_WRITE) < 0)
        return -1;
    room.p = p + page;
    room.n = page;
    return 0;
}

static int room_close(void **state)
{
    (void)state;
    return munmap(room.p - room.n, 3 * room.n);
}

/* These bytes in the room, so many bytes away from its end, or from its begin. */
static struct span placed(struct span text, bool at_end, size_t away)
{
    char *to = room.p + (at_end ? room.n - away - text.n : away);

    if (text.n > 0)
        memcpy(to, text.p, text.n);
    return (struct span){to, text.n};
}

static unsigned pick(uint64_t *seed, unsigned n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(*seed >> 33) % n;
}

/* n bytes: any, or some of these. */
static void fill(uint64_t *seed, char *out, size_t n, struct span pool)
{
    for (size_t i = 0; i < n; i++)
        out[i] = pool.n ? pool.p[pick(seed, (unsigned)pool.n)] : (char)pick(seed, 256);
}

/* Both ways say of this text what a loop says. */
static void check_marks(struct span text)
{
    static const char sought[] = "\0\t\r\n/.09:\x7f\x80\xaf\xff";
    struct marks m;
    struct marks_plain plain;
    uint64_t want = 0;

    marks_load(&m, text.p, text.n);
    marks_plain_load(&plain, text.p, text.n);
    for (size_t k = 0; k < sizeof(sought); k++) {
        want = 0;
        for (size_t i = 0; i < text.n; i++)
            want |= (uint64_t)(text.p[i] == sought[k]) << i;
        assert_int_equal(marks_find(&m, sought[k]), want);
        assert_int_equal(marks_plain_find(&plain, sought[k]), want);
        if (want == 0)
            continue;
        assert_int_equal(text.p[marks_lowest(want)], sought[k]);
        assert_int_equal(text.p[marks_highest(want)], sought[k]);
    }
    want = 0;
    for (size_t i = 0; i < text.n; i++)
        want |= (uint64_t)(text.p[i] >= '0' && text.p[i] <= '9') << i;
    assert_int_equal(marks_digits(&m), want);
    assert_int_equal(marks_plain_digits(&plain), want);
}

static void test_marks(void **state)
{
    static const struct span pools[] = {
        {NULL, 0},
        {"/.\t\0", 4},
        {"0123456789", 10},
        {"/9:\xb9\xb0\x2f\x00", 7}, /* beside digits, and with the high bit */
    };
    uint64_t seed = 5;

    (void)state;
    for (size_t n = 0; n <= MARKS_MAX; n++)
        for (unsigned round = 0; round < ROUNDS; round++) {
            char text[MARKS_MAX];
            struct span bytes = {text, n};

            fill(&seed, text, n, pools[round % 4]);
            check_marks(placed(bytes, true, 0));
            check_marks(placed(bytes, false, 0));
            check_marks(placed(bytes, true, pick(&seed, MARKS_MAX)));
        }
}

static void test_bits(void **state)
{
    (void)state;
    assert_int_equal(marks_below(0), 0);
    assert_int_equal(marks_below(1), 1);
    assert_int_equal(marks_below(63), UINT64_MAX >> 1);
    assert_int_equal(marks_below(64), UINT64_MAX);
    assert_int_equal(marks_lowest(UINT64_C(1) << 63), 63);
    assert_int_equal(marks_highest(UINT64_C(1) << 63 | 1), 63);
    assert_int_equal(marks_highest(1), 0);
}

static void assert_span_equal(struct span a, struct span b)
{
    if (!span_equal(a, b))
        fail_msg("\"%.*s\" is not \"%.*s\"", (int)a.n, a.p, (int)b.n, b.p);
}

/* The row with that many labels more before its path; false where it has no two TABs. */
static bool grown(struct span row, char *out, size_t size, struct span *ret)
{
    const char *tab = row.n > 0 ? memrchr(row.p, '\t', row.n) : NULL;
    size_t n = tab ? (size_t)(tab - row.p) : 0;
    int more;

    if (!tab || !memchr(row.p, '\t', n))
        return false;
    memcpy(out, row.p, n);
    more = snprintf(out + n, size - n, "\t%0*d", LONG, 1);
    memcpy(out + n + more, row.p + n, row.n - n);
    *ret = (struct span){out, row.n + (size_t)more};
    return true;
}

/* A row is what it is with more labels. */
static void check_row(struct span line)
{
    char longer[MARKS_MAX * 2 + LONG];
    struct lst_row row;
    struct lst_row same;
    struct span more;

    row_classify(line, false, &row);
    assert_span_equal(row.line, line);
    if (!grown(line, longer, sizeof(longer), &more)) {
        assert_int_not_equal(row.kind, LST_ROW_IMAGE);
        return;
    }
    row_classify(more, false, &same);
    if (row.kind == LST_ROW_BLANK)
        return; /* which it is no more */
    assert_int_equal(row.kind, same.kind);
    assert_span_equal(row.index, same.index);
    assert_span_equal(row.path, same.path);
    if (row.kind == LST_ROW_IMAGE) {
        assert_ptr_equal(row.labels.p, row.index.p + row.index.n + 1);
        assert_ptr_equal(row.labels.p + row.labels.n + 1, row.path.p);
    }
}

static void test_rows(void **state)
{
    static const struct span pools[] = {SPAN("0123456789\t\t\ta/."), SPAN("12\tab/"),
                                        SPAN("1\t\r\n \x0b-+.eE"), SPAN("7\t\0a\xff")};
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < ROW_ROUNDS; round++) {
        char text[MARKS_MAX + 4];
        struct span line = {text, 1 + pick(&seed, sizeof(text))};

        fill(&seed, text, line.n, pools[round % 4]);
        for (size_t i = 0; i + 1 < line.n; i++)
            text[i] = text[i] == '\n' ? '\t' : text[i];
        if (pick(&seed, 2))
            text[line.n - 1] = '\n';
        check_row(placed(line, true, 0));
        check_row(placed(line, false, 0));
    }
}

/* A path may be taken as it is only where its normal form is the same, name by name. */
static void check_path(struct span path)
{
    char normal[PATH_BYTES_MAX + 1];
    char longer[MARKS_MAX * 2 + LONG];
    int n = snprintf(longer, sizeof(longer), "%0*d/", LONG, 1);
    int rc = lst_path_normal(path, normal, sizeof(normal));
    bool is = path_is_normal(path);

    memcpy(longer + n, path.p, path.n);
    if (is) {
        assert_int_equal(rc, 0);
        assert_span_equal(path, span_of(normal));
        assert_int_equal(path_check(normal), 0);
    }
    if (path.p[0] != '.' && path.p[0] != '/')
        assert_int_equal(is, path_is_normal((struct span){longer, (size_t)n + path.n}));
}

static void test_paths(void **state)
{
    static const struct span pools[] = {SPAN("abcdefghi/"), SPAN("a/."), SPAN("abcdefg.h/i.jk\0l"),
                                        SPAN("ab")};
    uint64_t seed = 11;

    (void)state;
    for (unsigned round = 0; round < ROW_ROUNDS; round++) {
        char text[MARKS_MAX + 4];
        struct span path = {text, 1 + pick(&seed, sizeof(text))};

        fill(&seed, text, path.n, pools[round % 4]);
        check_path(placed(path, true, 0));
        check_path(placed(path, false, 0));
    }
}

/* The row of a path of this directory may have a change of the batch. */
static void check_below(const struct lst_changes *c, const char *directory, int name_n)
{
    char text[2 * LONG + 4 * MARKS_MAX];
    struct span row = {text, 0};

    row.n = (size_t)snprintf(text, sizeof(text), "1\t2\t%s/%0*d\n", directory, name_n, 1);
    for (int at_end = 0; at_end < 2; at_end++) {
        struct span in = placed(row, at_end, 0);

        assert_true(changes_reach(c, in, in) & CHANGES_ABOVE);
    }
    row.n = (size_t)snprintf(text, sizeof(text), "1\t2\t.//%s//x/%0*d", directory, name_n, 1);
    row = placed(row, true, 0);
    assert_true(changes_reach(c, row, row) & CHANGES_ABOVE);
}

/* Of 1000 rows of other directories few may. */
static void check_beside(const struct lst_changes *c)
{
    unsigned passed = 0;

    for (int i = 0; i < 1000; i++) {
        char text[LONG];
        struct span row = {text, 0};

        row.n = (size_t)snprintf(text, sizeof(text), "1\t2\t%d/n%07d/%d.jpg\n", i, 7 * i, i);
        passed += (changes_reach(c, row, row) & CHANGES_ABOVE) != 0;
    }
    assert_true(passed < 100);
}

/* A batch finds the rows of its directories, however far from the end of the row they end. */
static void test_directories(void **state)
{
    static const char *const directories[] = {"d", "train/class",
                                              "a-directory-of-more-than-sixteen-bytes"};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct lst_changes *c;

        assert_int_equal(lst_changes_new(&c), 0);
        assert_int_equal(lst_changes_rename_directory(c, directories[k], "new"), 0);
        for (int n = 1; n < 3 * MARKS_MAX; n++)
            check_below(c, directories[k], n);
        check_beside(c);
        /* As many keys more as make the filters larger. */
        for (int i = 0; i < 1000; i++) {
            char name[LONG];

            snprintf(name, sizeof(name), "other/%d", i);
            assert_int_equal(lst_changes_rename(c, name, "x"), 0);
        }
        check_below(c, directories[k], 1);
        check_beside(c);
        lst_changes_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_marks),       cmocka_unit_test(test_bits),
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_directories),
    };

    return cmocka_run_group_tests(tests, room_open, room_close);
}
