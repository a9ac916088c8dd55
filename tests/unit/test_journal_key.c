/* Keys: their text forms, the files they lie in, and the record that names them. */
#include "base/digest.h"
#include "journal/key.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The key pair of the package documentation of golang.org/x/mod/sumdb/note. */
#define GO_PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define GO_PUBLIC  "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static void test_text_of_others(void **state)
{
    struct journal_secret secret;
    struct journal_key key;
    char text[JOURNAL_KEY_TEXT_MAX];

    (void)state;
    assert_int_equal(journal_key_parse(SPAN(GO_PUBLIC), &key), 0);
    assert_string_equal(key.name, "PeterNeumann");
    assert_string_equal(journal_key_format(&key, text), GO_PUBLIC);
    assert_int_equal(journal_secret_parse(SPAN(GO_PRIVATE "\n"), &secret), 0);
    assert_true(journal_key_equal(&secret.key, &key));
    assert_string_equal(journal_secret_format(&secret, text), GO_PRIVATE);
    journal_secret_wipe(&secret);
}

/* No byte of a key's text can be another one. */
static void test_text_is_exact(void **state)
{
    static const char *const bad[] = {
        "", "+", "\n", "a", "a+c74f20a3", GO_PRIVATE,
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): one text */
        GO_PUBLIC " ", GO_PUBLIC "\n\n",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"};
    char text[] = GO_PUBLIC;
    struct journal_key key = {.name = "unchanged"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(journal_key_parse(span_of(bad[i]), &key), ERR_SYNTAX);
    for (size_t i = 0; i < strlen(text); i++) {
        for (int bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            assert_int_equal(journal_key_parse((struct span){text, sizeof text - 1}, &key),
                             ERR_SYNTAX);
            text[i] ^= (char)(1 << bit);
        }
    }
    assert_string_equal(key.name, "unchanged");
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } cases[] = {{"host.example/journal", true},
                 {"gr\xc3\xbcn", true},
                 {"", false},
                 {"a b", false},
                 {"a+b", false},
                 {"a\tb", false},
                 {"a\nb", false},
                 {"a\xc2\xa0"
                  "b",
                  false},
                 {"a\xe2\x80\x89"
                  "b",
                  false},
                 {"a\xe3\x80\x80"
                  "b",
                  false},
                 {"a\xe2\x80\x8b"
                  "b",
                  true}, /* zero width is no space */
                 {"a\xff", false}};
    char longest[JOURNAL_KEY_NAME_MAX + 2], text[JOURNAL_KEY_TEXT_MAX];
    uint8_t public[32] = {1};
    struct journal_key key, again;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(journal_key_init(&key, span_of(cases[i].name), public),
                         cases[i].good ? 0 : ERR_SYNTAX);
    memset(longest, 'n', sizeof longest);
    assert_int_equal(journal_key_init(&key, (struct span){longest, sizeof longest - 1}, public),
                     ERR_LIMIT);
    assert_int_equal(journal_key_init(&key, (struct span){longest, sizeof longest - 2}, public), 0);
    assert_int_equal(journal_key_parse(span_of(journal_key_format(&key, text)), &again), 0);
    assert_true(journal_key_equal(&key, &again));
}

/* A name that no path has room for. */
static const char *long_name(void)
{
    static char name[PATH_MAX + 1];

    memset(name, 'n', sizeof name - 1);
    return name;
}

/* A key in the working directory, as its name alone says. */
static void test_a_name_without_directory(void **state)
{
    struct journal_key key, again;
    struct journal_secret secret;
    struct test_dir d;
    struct err e = {0};

    (void)state;
    test_dir_make(&d);
    assert_int_equal(chdir(d.path), 0);
    assert_int_equal(journal_key_create("key", "a/b", &key, &e), 0);
    assert_int_equal(journal_key_load("key", &secret, &e), 0);
    assert_true(journal_key_equal(&secret.key, &key));
    again = key;
    again.public[0] ^= 1; /* of the same name and number */
    assert_false(journal_key_equal(&again, &key));
    again = key;
    again.id[0] ^= 1;
    assert_false(journal_key_equal(&again, &key));
    assert_int_equal(chdir("/"), 0);
    journal_secret_wipe(&secret);
    test_dir_remove(&d);
}

/* A secret key under the number of another one is none; so is what only begins like one. */
static void test_secrets_of_another_number(void **state)
{
    struct journal_secret secret, other;
    char text[JOURNAL_KEY_TEXT_MAX];

    (void)state;
    assert_int_equal(journal_secret_parse(SPAN(GO_PRIVATE), &secret), 0);
    secret.key.id[0] ^= 1;
    journal_secret_format(&secret, text);
    assert_int_equal(journal_secret_parse(span_of(text), &other), ERR_SYNTAX);
    assert_int_equal(journal_secret_parse(SPAN("PRIVATE+KEY+"), &other), ERR_SYNTAX);
    memcpy(text, "private+key", 11);
    assert_int_equal(journal_secret_parse(span_of(text), &other), ERR_SYNTAX);
    journal_secret_wipe(&secret);
    journal_secret_wipe(&other);
}

static void test_files(void **state)
{
    struct test_dir d;
    char path[TEST_PATH_SIZE], other[TEST_PATH_SIZE];
    struct journal_secret secret;
    struct journal_key key, second;
    struct err e = {0};
    struct stat st;

    (void)state;
    test_dir_make(&d);
    snprintf(path, sizeof path, "%s/key", d.path);
    snprintf(other, sizeof other, "%s/other", d.path);
    umask(0);
    assert_int_equal(journal_key_create(path, "a/b", &key, &e), 0);
    umask(022);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(journal_key_load(path, &secret, &e), 0);
    assert_true(journal_key_equal(&secret.key, &key));
    assert_int_equal(journal_key_create(path, "a/b", &second, &e), -EEXIST);
    assert_int_equal(journal_key_create(other, "a b", &second, &e), ERR_SYNTAX);
    assert_int_equal(access(other, F_OK), -1);
    assert_int_equal(journal_key_create(other, "a/b", &second, &e), 0);
    assert_false(journal_key_equal(&second, &key));
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(journal_key_load(path, &secret, &e), ERR_REFUSED);
    test_file_write(other, "PRIVATE+KEY+no", 14);
    assert_int_equal(journal_key_load(other, &secret, &e), ERR_SYNTAX);
    test_file_write(other, d.path, 0);
    assert_int_equal(journal_key_load(other, &secret, &e), ERR_SYNTAX);
    static char large[2 * JOURNAL_KEY_TEXT_MAX];

    test_file_write(other, large, sizeof large);
    assert_int_equal(journal_key_load(other, &secret, &e), ERR_SYNTAX);
    assert_int_equal(journal_key_load("/dev/null", &secret, &e), ERR_NOT_FILE);
    assert_int_equal(journal_key_load("/nowhere/key", &secret, &e), -ENOENT);
    /* A credential's rights are systemd's. */
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(journal_key_find("key", &secret, &e), -ENOENT);
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    assert_int_equal(journal_key_find("key", &secret, &e), -ENOENT);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", d.path, 1), 0);
    assert_int_equal(journal_key_find(long_name(), &secret, &e), -ENAMETOOLONG);
    assert_int_equal(journal_key_find("key", &secret, &e), 0);
    assert_true(journal_key_equal(&secret.key, &key));
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(journal_key_find("key", &secret, &e), ERR_REFUSED);
    unsetenv("CREDENTIALS_DIRECTORY");
    journal_secret_wipe(&secret);
    test_dir_remove(&d);
}

/* The journal names the key that signs it. */
static void test_record(void **state)
{
    struct journal_options opt = test_options();
    struct journal_reader *reader = NULL;
    struct journal_record rec;
    struct journal_secret secret;
    struct test_dir d;
    struct journal *j;
    struct err e = {0};

    (void)state;
    test_dir_make(&d);
    assert_int_equal(journal_secret_parse(SPAN(GO_PRIVATE), &secret), 0);
    j = test_open(&d, &opt, NULL);
    assert_int_equal(journal_sign(j, &secret, TEST_NOW_US, &e), 0);
    journal_secret_wipe(&secret);
    assert_int_equal(journal_close(j), 0);
    assert_int_equal(journal_reader_open(d.path, 1, &reader, &e), 0);
    assert_int_equal(journal_read(reader, &rec, NULL, &e), JOURNAL_READ_RECORD);
    assert_int_equal(rec.op, JOURNAL_KEY);
    assert_int_equal(rec.state, JOURNAL_NOTE);
    assert_string_equal(rec.after, GO_PUBLIC);
    journal_reader_close(reader);
    test_dir_remove(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_of_others),
        cmocka_unit_test(test_text_is_exact),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_secrets_of_another_number),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_record),
        cmocka_unit_test(test_a_name_without_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
