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

#include <regex.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define ROUNDS     500   /* for each length of a text */
#define ROW_ROUNDS 20000 /* rows and paths */
#define LONG       100   /* more than MARKS_MAX */
#define ROW_MAX    (4 * MARKS_MAX)

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

static regex_t number;

/* A decimal number. */
static bool is_number(struct span s)
{
    char text[ROW_MAX + 1];

    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return strlen(text) == s.n && regexec(&number, text, 0, NULL, 0) == 0;
}

/* Nothing but white space. */
static bool is_blank(struct span s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] && strchr(" \t\n\v\f\r", s.p[n]))
        n++;
    return n == s.n;
}

/* What a row is, byte by byte. */
static struct lst_row row_by_bytes(struct span line)
{
    struct lst_row row = {.kind = LST_ROW_OTHER, .line = line};
    size_t first = SIZE_MAX;
    size_t last = 0;
    size_t n = line.n;
    bool inside = false; /* a CR */

    n -= line.p[n - 1] == '\n';
    while (n > 0 && line.p[n - 1] == '\r')
        n--;
    for (size_t i = 0; i < n; i++) {
        inside |= line.p[i] == '\r';
        if (line.p[i] == '\t') {
            first = first == SIZE_MAX ? i : first;
            last = i;
        }
    }
    if (is_blank((struct span){line.p, n}))
        row.kind = LST_ROW_BLANK;
    else if (first < last && !inside && is_number((struct span){line.p, first}))
        row = (struct lst_row){LST_ROW_IMAGE, line, (struct span){line.p, first},
                               (struct span){line.p + first + 1, last - first - 1},
                               (struct span){line.p + last + 1, n - last - 1}};
    return row;
}

static void check_row(struct span line)
{
    struct lst_row want = row_by_bytes(line);
    struct lst_row row;

    row_classify(line, false, &row);
    if (row.kind != want.kind)
        fail_msg("\"%.*s\" is %d, not %d", (int)line.n, line.p, row.kind, want.kind);
    assert_ptr_equal(row.line.p, line.p);
    assert_int_equal(row.line.n, line.n);
    assert_ptr_equal(row.index.p, want.index.p);
    assert_int_equal(row.index.n, want.index.n);
    assert_ptr_equal(row.labels.p, want.labels.p);
    assert_int_equal(row.labels.n, want.labels.n);
    assert_ptr_equal(row.path.p, want.path.p);
    assert_int_equal(row.path.n, want.path.n);
}

/* Some length: many are short, some need several pieces. */
static size_t length_random(uint64_t *seed)
{
    return 1 + pick(seed, pick(seed, 2) ? MARKS_MAX + 4 : ROW_MAX);
}

static void test_rows(void **state)
{
    static const struct span pools[] = {SPAN("0123456789\t\t\ta/."),
                                        SPAN("aaaaaaaaaaaaaaaaaaaaaa\t/"), SPAN("1\t\r \x0b-+.eE"),
                                        SPAN("7\t\0a\xff"), SPAN("\r\t  ")};
    unsigned images = 0;
    unsigned long_images = 0;
    uint64_t seed = 7;

    (void)state;
    assert_int_equal(regcomp(&number, "^ *[+-]?[0-9]+(\\.[0-9]*)?([eE][+-]?[0-9]+)? *$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    for (unsigned round = 0; round < ROW_ROUNDS; round++) {
        char text[ROW_MAX + 4];
        struct span line = {text, length_random(&seed)};

        fill(&seed, text, line.n, pools[round % 5]);
        if (line.n > 4 && pick(&seed, 4))
            memcpy(text, pick(&seed, 2) ? "12\t" : "1.\t", 3);
        if (pick(&seed, 2))
            text[line.n - 1] = '\n';
        check_row(placed(line, true, 0));
        check_row(placed(line, false, 0));
        if (row_by_bytes(line).kind == LST_ROW_IMAGE) {
            images++;
            long_images += line.n > 2 * MARKS_MAX;
        }
    }
    assert_true(images > ROW_ROUNDS / 4 && long_images > ROW_ROUNDS / 16);
    regfree(&number);
}

/* A path is its own normal form, byte by byte. */
static bool normal_by_bytes(struct span path)
{
    char before = '/';

    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];

        if (c == '\0' || (before == '/' && (c == '/' || c == '.')))
            return false;
        before = c;
    }
    return before != '/';
}

static void check_path(struct span path)
{
    char normal[PATH_BYTES_MAX + 1];

    assert_int_equal(path_is_normal(path), normal_by_bytes(path));
    if (!normal_by_bytes(path))
        return;
    assert_int_equal(lst_path_normal(path, normal, sizeof(normal)), 0);
    assert_int_equal(strlen(normal), path.n);
    assert_memory_equal(normal, path.p, path.n);
}

static void test_paths(void **state)
{
    static const struct span pools[] = {SPAN("abcdefghijklmnopqrstu/"), SPAN("aaaaaaaaa/."),
                                        SPAN("abcdefg.hijklm"), SPAN("abababababababababab\0")};
    unsigned normal = 0;
    unsigned long_normal = 0;
    uint64_t seed = 11;

    (void)state;
    for (unsigned round = 0; round < ROW_ROUNDS; round++) {
        char text[ROW_MAX];
        struct span path = {text, length_random(&seed)};

        fill(&seed, text, path.n, pools[round % 4]);
        if (round % 2 && path.n > MARKS_MAX) /* something about the end of a piece */
            memcpy(text + pick(&seed, (unsigned)path.n - 1), "/.\0/" + pick(&seed, 4), 1);
        check_path(placed(path, true, 0));
        check_path(placed(path, false, 0));
        normal += normal_by_bytes(path);
        long_normal += normal_by_bytes(path) && path.n > 2 * MARKS_MAX;
    }
    assert_true(normal > ROW_ROUNDS / 8 && long_normal > ROW_ROUNDS / 64);
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
