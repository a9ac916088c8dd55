/* Log lines: what arrives on stderr. */
#include "base/err.h"
#include "base/log.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD_N 28 /* "2026-01-02T03:04:05.123456Z " */

static int stderr_saved;
static char *captured;

/* Let stderr go into the file "log". */
static void begin_capture(void)
{
    int fd = openat(scratch_fd(), "log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    stderr_saved = dup(STDERR_FILENO);
    assert_true(stderr_saved >= 0);
    assert_int_equal(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(fd), 0);
}

/* Give stderr back; what was written to it, valid until the next call. */
static const char *end_capture(void)
{
    off_t size = lseek(STDERR_FILENO, 0, SEEK_END);
    ssize_t n;

    free(captured);
    captured = calloc(1, (size_t)size + 1);
    assert_non_null(captured);
    n = pread(STDERR_FILENO, captured, (size_t)size, 0);
    assert_int_equal(dup2(stderr_saved, STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(close(stderr_saved), 0);
    assert_int_equal(n, size);
    return captured;
}

/* Log a text at the info level; what follows the head. */
static const char *logged(const char *text)
{
    const char *line;

    begin_capture();
    log_init(LOG_LEVEL_INFO);
    log_info("%s", text);
    line = end_capture();
    assert_true(strlen(line) >= HEAD_N + 6);
    assert_memory_equal(line + HEAD_N, "info: ", 6);
    return line + HEAD_N + 6;
}

static void test_head(void **state)
{
    const char *line;

    (void)state;
    begin_capture();
    log_init(LOG_LEVEL_DEBUG);
    log_error("e%d", 1);
    log_warning("w");
    log_info("i");
    log_debug("d");
    line = end_capture();
    for (int i = 0; i < 4; i++) {
        static const char *const want[] = {"error: e1\n", "warning: w\n", "info: i\n",
                                           "debug: d\n"};

        assert_int_equal(line[4], '-');
        assert_int_equal(line[10], 'T');
        assert_int_equal(line[26], 'Z');
        assert_int_equal(line[27], ' ');
        assert_memory_equal(line + HEAD_N, want[i], strlen(want[i]));
        line += HEAD_N + strlen(want[i]);
    }
    assert_int_equal(*line, 0);
}

static void test_levels_drop(void **state)
{
    const char *line;

    (void)state;
    begin_capture();
    log_init(LOG_LEVEL_WARNING);
    log_info("no");
    log_debug("no");
    log_warning("yes");
    line = end_capture();
    assert_string_equal(line + HEAD_N, "warning: yes\n");
    begin_capture();
    log_init(LOG_LEVEL_ERROR);
    log_warning("no");
    assert_string_equal(end_capture(), "");
}

static void test_escapes(void **state)
{
    (void)state;
    assert_string_equal(logged("plain"), "plain\n");
    assert_string_equal(logged(""), "\n");
    assert_string_equal(logged("a\nb\r\t\x1b[31m\x7f"), "a\\x0ab\\x0d\\x09\\x1b[31m\\x7f\n");
    assert_string_equal(logged("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
                        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n");
    assert_string_equal(logged("\xff\xc3(\xed\xa0\x80"), "\\xff\\xc3(\\xed\\xa0\\x80\n");
    assert_string_equal(logged("\xc2\x9b"
                               "1m"),
                        "\\xc2\\x9b"
                        "1m\n");
    assert_string_equal(logged("\"quoted\" and \\"), "\"quoted\" and \\\n");
    assert_string_equal(logged("%s %n"), "%s %n\n");
}

static void test_a_long_line_is_cut(void **state)
{
    char *text = malloc(20001);
    const char *line;
    size_t n;

    (void)state;
    assert_non_null(text);
    for (int pass = 0; pass < 3; pass++) {
        memset(text, pass == 0 ? 'x' : '\n', 20000);
        text[pass == 2 ? 3000 : 20000] = '\0';
        line = logged(text);
        n = strlen(line);
        assert_true(n > 8000 && n <= 8192 - HEAD_N - 6);
        assert_string_equal(line + n - 4, "...\n");
        assert_ptr_equal(strchr(line, '\n'), line + n - 1);
    }
    free(text);
}

static void test_errno_survives(void **state)
{
    int after;

    (void)state;
    begin_capture();
    log_init(LOG_LEVEL_INFO);
    errno = EXDEV;
    log_info("%m");
    after = errno;
    assert_string_equal(end_capture() + HEAD_N, "info: Invalid cross-device link\n");
    assert_int_equal(after, EXDEV);
}

static void test_under_the_journal(void **state)
{
    char stream[64];
    struct stat st;
    const char *lines;

    (void)state;
    begin_capture();
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    log_init(LOG_LEVEL_DEBUG);
    log_error("e");
    log_warning("w");
    log_info("i\n");
    log_debug("d");
    lines = end_capture();
    assert_string_equal(lines, "<3>e\n<4>w\n<6>i\\x0a\n<7>d\n");
    assert_int_equal(setenv("JOURNAL_STREAM", "1:2", 1), 0); /* some other file */
    assert_string_equal(logged("x"), "x\n");
    assert_int_equal(setenv("JOURNAL_STREAM", "junk", 1), 0);
    assert_string_equal(logged("x"), "x\n");
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void test_level_names(void **state)
{
    enum log_level level = LOG_LEVEL_WARNING;

    (void)state;
    assert_int_equal(log_level_parse("", &level), ERR_SYNTAX);
    assert_int_equal(log_level_parse("Error", &level), ERR_SYNTAX);
    assert_int_equal(log_level_parse("errors", &level), ERR_SYNTAX);
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_LEVEL_ERROR);
    assert_int_equal(log_level_parse("warning", &level), 0);
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_int_equal(log_level_parse("info", &level), 0);
    assert_int_equal(level, LOG_LEVEL_INFO);
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
}

/* Thread: log 300 lines. */
static void *log_many(void *arg)
{
    for (int i = 0; i < 300; i++)
        log_info("%s.", (const char *)arg);
    return NULL;
}

static void test_threads_do_not_mix_lines(void **state)
{
    static char texts[3][2000];
    pthread_t threads[3];
    const char *line;
    int count = 0;

    (void)state;
    begin_capture();
    log_init(LOG_LEVEL_INFO);
    for (int i = 0; i < 3; i++) {
        memset(texts[i], 'a' + i, sizeof(texts[i]) - 1);
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, texts[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    line = end_capture();
    for (; *line; count++) {
        const char *text = line + HEAD_N + 6;

        assert_memory_equal(line + HEAD_N, "info: ", 6);
        assert_in_range(*text, 'a', 'c');
        assert_memory_equal(text, texts[*text - 'a'], sizeof(texts[0]) - 1);
        assert_memory_equal(text + sizeof(texts[0]) - 1, ".\n", 2);
        line = text + sizeof(texts[0]) + 1;
    }
    assert_int_equal(count, 900);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(test_head),
        IN_SCRATCH(test_levels_drop),
        IN_SCRATCH(test_escapes),
        IN_SCRATCH(test_a_long_line_is_cut),
        IN_SCRATCH(test_errno_survives),
        IN_SCRATCH(test_under_the_journal),
        cmocka_unit_test(test_level_names),
        IN_SCRATCH(test_threads_do_not_mix_lines),
    };
    int failed;

    (void)unsetenv("JOURNAL_STREAM");
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(captured);
    return failed;
}
