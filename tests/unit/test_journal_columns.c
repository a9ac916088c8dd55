/* A record as a row of columns, and rows as CSV. */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "journal/columns.h"
#include "journal/journal.h"

#include <string.h>

/* A record that has every key; its names are not UTF-8 where `bytes`. */
static struct journal_record full(bool bytes)
{
    return (struct journal_record){.seq = 7,
                                   .time_us = -3,
                                   .op = JOURNAL_RENAME,
                                   .state = JOURNAL_FAILED,
                                   .source = JOURNAL_SRC_SCAN,
                                   .tx = 6,
                                   .mapping = "images",
                                   .path = bytes ? "a\377" : "a,b",
                                   .path2 = bytes ? "b\377" : "say \"cheese\"\r\n",
                                   .count = 3,
                                   .has = JOURNAL_HAS_FILE | JOURNAL_HAS_CRC,
                                   .ino = 255,
                                   .size = INT64_MAX,
                                   .mtime_ns = -1500000000,
                                   .mode = 0100644,
                                   .uid = 1,
                                   .gid = 2,
                                   .before = "b4",
                                   .after = "",
                                   .backup = "=1+1",
                                   .etag = "e1",
                                   .version = "v1",
                                   .http_status = -1,
                                   .attempts = 4,
                                   .duration_ms = 5,
                                   .why = "\"\"\n"};
}

/* Its line, without LF. */
static struct span line_of(const struct journal_record *r, struct buf *out)
{
    buf_init(out, JOURNAL_LINE_MAX + 1);
    assert_int_equal(journal_record_encode(r, out), 0);
    return (struct span){out->data, out->len - 1};
}

static unsigned column_of(const char *name)
{
    unsigned i = 0;

    while (strcmp(journal_column(i)->name, name) != 0)
        assert_true(++i < JOURNAL_COLUMNS);
    return i;
}

static void assert_text(const struct journal_row *row, const char *name, const char *text)
{
    const struct journal_cell *cell = &row->cells[column_of(name)];

    assert_int_equal(cell->kind, JOURNAL_CELL_TEXT);
    assert_true(span_equal(cell->text, span_of(text)));
}

static void assert_number(const struct journal_row *row, const char *name, int64_t number)
{
    const struct journal_cell *cell = &row->cells[column_of(name)];

    assert_int_equal(cell->kind, JOURNAL_CELL_NUMBER);
    assert_true(cell->number == number);
}

static void test_every_key_has_its_column(void **state)
{
    struct journal_row row;
    struct buf out;

    (void)state;
    journal_row_init(&row);
    for (int bytes = 0; bytes < 2; bytes++) {
        const struct journal_record r = full(bytes);
        unsigned present = 0;

        assert_int_equal(journal_row_read(&row, line_of(&r, &out)), 0);
        for (unsigned i = 0; i < JOURNAL_COLUMNS; i++)
            present += row.cells[i].kind != JOURNAL_CELL_ABSENT;
        assert_int_equal(present, JOURNAL_COLUMNS - 2); /* p or p64, d or d64 */
        assert_number(&row, "q", 7);
        assert_number(&row, "t", -3);
        assert_text(&row, "o", "rename");
        assert_text(&row, bytes ? "p64" : "p", bytes ? "Yf8=" : "a,b");
        assert_text(&row, bytes ? "d64" : "d", bytes ? "Yv8=" : "say \"cheese\"\r\n");
        assert_text(&row, "i", "0xff");
        assert_number(&row, "s", INT64_MAX);
        assert_text(&row, "m", "-1.500000000");
        assert_text(&row, "md", "100644");
        assert_text(&row, "a", "");
        assert_number(&row, "rc", -1);
        assert_text(&row, "why", "\"\"\n");
        buf_release(&out);
    }
    journal_row_release(&row);
}

/* Rows are read one after the other: nothing of the last one stays. */
static void test_absent_is_absent(void **state)
{
    const struct journal_record most = full(false);
    const struct journal_record least = {.seq = 1, .op = JOURNAL_IDLE, .state = JOURNAL_NOTE};
    struct journal_row row;
    struct buf out;

    (void)state;
    journal_row_init(&row);
    assert_int_equal(journal_row_read(&row, line_of(&most, &out)), 0);
    buf_release(&out);
    assert_int_equal(journal_row_read(&row, line_of(&least, &out)), 0);
    buf_release(&out);
    for (unsigned i = 0; i < JOURNAL_COLUMNS; i++)
        assert_int_equal(row.cells[i].kind != JOURNAL_CELL_ABSENT, i < 4);
    journal_row_release(&row);
}

static void test_csv_is_rfc_4180(void **state)
{
    const struct journal_record r = full(false);
    struct journal_row row;
    struct buf line, out;

    (void)state;
    journal_row_init(&row);
    buf_init(&out, 4096);
    assert_int_equal(journal_row_read(&row, line_of(&r, &line)), 0);
    assert_int_equal(journal_csv_header(&out), 0);
    assert_string_equal(out.data, "q,t,o,st,w,p,p64,d,d64,n,src,tx,i,s,m,md,u,g,b,a,bk,e,v,c,rc,"
                                  "at,ms,why\r\n");
    buf_reset(&out);
    assert_int_equal(journal_csv_row(&row, &out), 0);
    assert_string_equal(out.data,
                        "7,-3,rename,failed,images,\"a,b\",,\"say \"\"cheese\"\"\r\n\",,3,scan,6,"
                        "0xff,9223372036854775807,-1.500000000,100644,1,2,b4,\"\",=1+1,e1,v1,"
                        "AAAAAAAAAAA=,-1,4,5,\"\"\"\"\"\n\"\r\n");
    buf_release(&line);
    buf_release(&out);
    journal_row_release(&row);
}

static void test_what_is_no_record_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "{",
        "{\"k\":\"s\",\"t\":1}",
        "{\"q\":1,\"t\":2,\"x\":3}",
        "{\"t\":2,\"q\":1}",
        "{\"q\":\"1\"}",
        "{\"q\":1,\"t\":2,\"o\":3}",
        "{\"q\":1,\"q\":2}",
        "{\"q\":9223372036854775808}",
    };
    struct journal_record r = full(false);
    struct journal_row row;
    struct buf out;

    (void)state;
    journal_row_init(&row);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_int_equal(journal_row_read(&row, span_of(lines[i])), ERR_SYNTAX);
    r.size = (uint64_t)INT64_MAX + 1;
    assert_int_equal(journal_row_read(&row, line_of(&r, &out)), ERR_SYNTAX);
    buf_release(&out);
    journal_row_release(&row);
}

/* A row for which there is no room is told, wherever that ends. */
static void test_rows_without_room(void **state)
{
    const struct journal_record r = full(false);
    struct journal_row row;
    struct buf line, out;
    size_t header, all;

    (void)state;
    journal_row_init(&row);
    assert_int_equal(journal_row_read(&row, line_of(&r, &line)), 0);
    buf_init(&out, 4096);
    assert_int_equal(journal_csv_header(&out), 0);
    header = out.len;
    assert_int_equal(journal_csv_row(&row, &out), 0);
    all = out.len;
    buf_release(&out);
    for (size_t room = 0; room <= all; room++) {
        buf_init(&out, room);
        assert_int_equal(journal_csv_header(&out), room < header ? ERR_LIMIT : 0);
        if (room >= header)
            assert_int_equal(journal_csv_row(&row, &out), room < all ? ERR_LIMIT : 0);
        buf_release(&out);
    }
    buf_release(&line);
    journal_row_release(&row);
}

/* Each character for which a field is put into quotes, and none for which it is not. */
static void test_quotes(void **state)
{
    static const char *const texts[][2] = {
        {"plain text", "plain text"}, {"a,b", "\"a,b\""}, {"a\rb", "\"a\rb\""},
        {"a\nb", "\"a\nb\""},         {"\"", "\"\"\"\""}, {"", "\"\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf out;

        buf_init(&out, 64);
        assert_int_equal(journal_csv_text(&out, span_of(texts[i][0])), 0);
        assert_string_equal(out.data, texts[i][1]);
        buf_release(&out);
    }
}

static void test_lines_that_are_too_long(void **state)
{
    static char line[JOURNAL_LINE_MAX + 1];
    struct journal_row row;

    (void)state;
    memset(line, ' ', sizeof line);
    line[0] = '{';
    line[sizeof line - 2] = '}';
    journal_row_init(&row);
    assert_int_equal(journal_row_read(&row, (struct span){line, sizeof line}), ERR_SYNTAX);
    assert_int_equal(journal_row_read(&row, (struct span){line, sizeof line - 1}), 0);
    journal_row_release(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_without_room),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_lines_that_are_too_long),
        cmocka_unit_test(test_every_key_has_its_column),
        cmocka_unit_test(test_absent_is_absent),
        cmocka_unit_test(test_csv_is_rfc_4180),
        cmocka_unit_test(test_what_is_no_record_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
