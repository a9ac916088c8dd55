/*
 * Rows and paths of lists, which are read in pieces: what they are, against what bytes one by one
 * and a regular expression say, and that a batch finds those of its directories. Nothing past them
 * is looked at.
 */
#include "base/path.h"
#include "lists/internal.h"
#include "lists/marks.h"
#include "tests/unit/edge_bed.h"
#include "tests/unit/unit.h"

#include <regex.h>
#include <stdio.h>

#define ROUNDS  20000 /* rows and paths */
#define LONG    100   /* more than MARKS_MAX */
#define ROW_MAX (4 * MARKS_MAX)

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
    for (unsigned round = 0; round < ROUNDS; round++) {
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
    assert_true(images > ROUNDS / 4 && long_images > ROUNDS / 16);
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
    for (unsigned round = 0; round < ROUNDS; round++) {
        char text[ROW_MAX];
        struct span path = {text, length_random(&seed)};

        fill(&seed, text, path.n, pools[round % 4]);
        if (round % 2 && path.n > MARKS_MAX) /* something about the end of a piece */
            text[pick(&seed, (unsigned)path.n)] = "/.\0/"[pick(&seed, 4)];
        check_path(placed(path, true, 0));
        check_path(placed(path, false, 0));
        normal += normal_by_bytes(path);
        long_normal += normal_by_bytes(path) && path.n > 2 * MARKS_MAX;
    }
    assert_true(normal > ROUNDS / 8 && long_normal > ROUNDS / 64);
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
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_directories),
    };

    return cmocka_run_group_tests(tests, room_open, room_close);
}
