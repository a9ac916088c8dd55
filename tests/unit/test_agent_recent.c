/* The last changes: which records are kept, how they are told, how many fit on a page. */
#include "tests/unit/unit.h"

#include "agent/core/recent.h"

#include <stdio.h>
#include <string.h>

static struct recent recent;
static struct buf out;

static int set_up(void **state)
{
    (void)state;
    recent = (struct recent){0};
    buf_init(&out, 100000);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_release(&out);
    return 0;
}

static void note(enum journal_op op, enum journal_state state, const char *path, const char *to,
                 const char *why, int64_t now_ms)
{
    struct journal_record rec = {
        .op = op, .state = state, .mapping = "images", .path = path, .path2 = to, .why = why};

    recent_note(&recent, &rec, now_ms);
}

static const char *text(int64_t now_ms)
{
    buf_reset(&out);
    assert_int_equal(recent_text(&out, &recent, now_ms), 0);
    return out.len ? out.data : "";
}

static void test_what_ended_is_told_the_youngest_first(void **state)
{
    (void)state;
    assert_string_equal(text(0), "");
    note(JOURNAL_PUT, JOURNAL_DONE, "a/b.jpg", NULL, NULL, 1000);
    note(JOURNAL_ADD, JOURNAL_INTENT, "a/c.jpg", NULL, NULL, 2000);
    note(JOURNAL_LST, JOURNAL_NOTE, "l.lst", NULL, "rows kept", 2000);
    note(JOURNAL_HOLD, JOURNAL_DONE, "x", NULL, NULL, 2000);
    note(JOURNAL_EXPIRE, JOURNAL_DONE, "x", NULL, NULL, 2000);
    note(JOURNAL_IDLE, JOURNAL_NOTE, NULL, NULL, NULL, 2000);
    note(JOURNAL_RENAME, JOURNAL_DONE, "d", "e", NULL, 3000);
    note(JOURNAL_COPY, JOURNAL_DONE, "e/1", "d/1", NULL, 63000);
    note(JOURNAL_DELETE, JOURNAL_FAILED, "d/1", NULL, "AccessDenied", 63000);
    assert_string_equal(text(180000), "last changes:\n"
                                      "  117 s  delete failed images/d/1: AccessDenied\n"
                                      "  117 s  copy   done   images/e/1 from d/1\n"
                                      "  2 min  rename done   images/d to e\n"
                                      "  2 min  put    done   images/a/b.jpg\n");
    assert_non_null(strstr(text(4 * 3600000), "    3 h  put "));
    assert_non_null(strstr(text(INT64_C(3) * 86400000), "    2 d  put "));
}

static void test_names_cannot_draw(void **state)
{
    (void)state;
    note(JOURNAL_RENAME, JOURNAL_DONE, "a\033[2Jb\nc", "d\r\xff", "w\ay", 0);
    assert_string_equal(text(0), "last changes:\n"
                                 "    0 s  rename done   images/a\\x1b[2Jb\\x0ac to d\\x0d\\xff: "
                                 "w\\x07y\n");
}

static void test_the_oldest_make_room(void **state)
{
    char path[3 * RECENT_PATH_SIZE];

    (void)state;
    for (int i = 0; i < 3 * RECENT_MAX; i++) {
        snprintf(path, sizeof path, "%d", i);
        note(JOURNAL_PUT, JOURNAL_DONE, path, NULL, NULL, i);
    }
    text(0);
    assert_non_null(strstr(out.data, "images/29\n"));
    assert_non_null(strstr(out.data, "images/20\n"));
    assert_null(strstr(out.data, "images/19\n"));
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = '\0';
    note(JOURNAL_PUT, JOURNAL_DONE, path, path, path, 0);
    assert_int_equal(strlen(recent.changes[0].path), RECENT_PATH_SIZE - 1);
    assert_int_equal(strlen(recent.changes[0].to), RECENT_PATH_SIZE - 1);
    assert_int_equal(strlen(recent.changes[0].why), RECENT_WHY_SIZE - 1);
}

static void test_json(void **state)
{
    struct json_writer w;

    (void)state;
    note(JOURNAL_PUT, JOURNAL_DONE, "a", NULL, NULL, 0);
    note(JOURNAL_RENAME, JOURNAL_ABORT, "b", "c", "moved on", 5000);
    json_begin(&w, &out);
    json_object(&w, NULL);
    recent_json(&w, &recent, 7999);
    json_object_end(&w);
    assert_int_equal(json_end(&w), 0);
    assert_string_equal(
        out.data, "{\"last_changes\":[{\"operation\":\"rename\",\"outcome\":\"abort\","
                  "\"mapping\":\"images\",\"path\":\"b\",\"other_path\":\"c\","
                  "\"why\":\"moved on\",\"age_s\":2},{\"operation\":\"put\","
                  "\"outcome\":\"done\",\"mapping\":\"images\",\"path\":\"a\",\"age_s\":7}]}");
}

static void test_what_fits(void **state)
{
    static const char page[] = "one\ntwo\nlast changes:\nx\ny\nz\n";
    static const struct {
        unsigned rows;
        const char *shown;
    } cases[] = {
        {24, page},
        {6, page},
        {5, "one\ntwo\nlast changes:\nx\ny\n"},
        {4, "one\ntwo\nlast changes:\nx\n"},
        {3, "one\ntwo\n"},
        {2, "one\ntwo\n"},
        {1, "one\ntwo\n"}, /* the page says that there is more */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(recent_fit(span_of(page), cases[i].rows), strlen(cases[i].shown));
    assert_int_equal(recent_fit(span_of("one\ntwo\n"), 1), 8);
    assert_int_equal(recent_fit(span_of(""), 24), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_ended_is_told_the_youngest_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_names_cannot_draw, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_oldest_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_fits, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
