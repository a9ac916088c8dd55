/*
 * Keys, region and endpoint from environment and files. The shell is tried with real files in a
 * directory of its own.
 */
#include "uploaders/credentials.h"

#include "base/clock.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char home[] = "/tmp/lockstep-test-XXXXXX";

/* Write home/.aws/<name>; NULL text removes it. */
static void put_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/.aws/%s", home, name);
    if (!text) {
        unlink(path);
        return;
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* No variable set, no file there. */
static int reset(void **state)
{
    (void)state;
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",       "AWS_SESSION_TOKEN",
        "AWS_PROFILE",       "AWS_CREDENTIAL_EXPIRATION",   "AWS_DEFAULT_PROFILE",
        "AWS_REGION",        "AWS_DEFAULT_REGION",          "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL",  "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    put_file("credentials", NULL);
    put_file("config", NULL);
    put_file("elsewhere", NULL);
    return setenv("HOME", home, 1);
}

static int begin(void **state)
{
    (void)state;
    char path[128];
    if (!mkdtemp(home))
        return -1;
    snprintf(path, sizeof(path), "%s/.aws", home);
    return mkdir(path, 0700);
}

static int end(void **state)
{
    char path[128];
    reset(state);
    snprintf(path, sizeof(path), "%s/.aws", home);
    return rmdir(path) || rmdir(home);
}

/* Resolve; returns the code. */
static int resolve(const char *profile, struct credentials *c, struct err *e)
{
    struct sources s;
    int rc = sources_read(profile, &s, e);
    if (rc)
        return rc;
    rc = credentials_resolve(&s, c, e);
    sources_release(&s);
    return rc;
}

/* Resolve; these keys must come out. */
static void expect(const char *profile, const char *access, const char *secret, const char *token,
                   const char *provider)
{
    struct credentials c;
    struct err e = {0};
    if (resolve(profile, &c, &e) != 0)
        fail_msg("%s: %s; %s", e.where, e.what, e.right);
    assert_string_equal(c.access_key, access);
    assert_string_equal(c.secret_key, secret);
    if (token)
        assert_string_equal(c.session_token, token);
    else
        assert_null(c.session_token);
    assert_string_equal(c.provider, provider);
    assert_true(c.expires_us == CREDENTIALS_FOREVER);
    credentials_wipe(&c);
    assert_null(c.secret_key);
}

/* Resolve; it must fail with this code, saying this. */
static void expect_fault(const char *profile, int code, const char *where, const char *what)
{
    struct credentials c;
    memset(&c, 0x5a, sizeof(c));
    struct credentials before = c;
    struct err e = {0};
    assert_int_equal(resolve(profile, &c, &e), code);
    assert_int_equal(e.code, code);
    assert_memory_equal(&c, &before, sizeof(c));
    if (!strstr(e.where, where) || !strstr(e.what, what))
        fail_msg("%s: %s", e.where, e.what);
    assert_null(strstr(e.what, "hush"));
}

static void test_environment(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
    expect(NULL, "A", "S", NULL, "environment");
    setenv("AWS_SESSION_TOKEN", "T", 1);
    expect(NULL, "A", "S", "T", "environment");
    put_file("credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n");
    expect(NULL, "A", "S", "T", "environment");
    setenv("AWS_PROFILE", "default", 1); /* named in the environment: the keys there go first */
    expect(NULL, "A", "S", "T", "environment");
    expect("default", "F", "FS", NULL, "profile"); /* named by the option: they do not */
}

static void test_half_environment(void **state)
{
    (void)state;
    put_file("credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n");
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    expect_fault(NULL, ERR_SYNTAX, "environment", "without AWS_SECRET_ACCESS_KEY");
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_SECRET_ACCESS_KEY", "hush", 1);
    expect_fault(NULL, ERR_SYNTAX, "environment", "without AWS_ACCESS_KEY_ID");
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "hush\n", 1);
    expect_fault(NULL, ERR_SYNTAX, "environment", "does not belong");
    setenv("AWS_SECRET_ACCESS_KEY", "", 1); /* empty is unset */
    setenv("AWS_ACCESS_KEY_ID", "", 1);
    expect(NULL, "F", "FS", NULL, "profile");
}

static void test_expiration(void **state)
{
    (void)state;
    struct credentials c, copy;
    struct err e = {0};
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
    setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z", 1);
    assert_int_equal(resolve(NULL, &c, &e), 0);
    assert_true(c.expires_us == INT64_C(1767323045) * US_PER_S);
    assert_int_equal(credentials_copy(&c, &copy), 0);
    assert_true(copy.expires_us == c.expires_us);
    assert_string_equal(copy.secret_key, "S");
    assert_ptr_not_equal(copy.secret_key, c.secret_key);
    credentials_wipe(&c);
    credentials_wipe(&copy);
    setenv("AWS_CREDENTIAL_EXPIRATION", "soon", 1);
    expect_fault(NULL, ERR_SYNTAX, "AWS_CREDENTIAL_EXPIRATION", "\"soon\"");
}

static void test_profiles(void **state)
{
    (void)state;
    put_file("credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n"
                            "[p]\naws_access_key_id=P\naws_secret_access_key=PS\n"
                            "aws_session_token=PT\n[half]\naws_access_key_id=H\n"
                            "[other]\naws_secret_access_key=hush\n");
    put_file("config", "[profile p]\naws_access_key_id=C\naws_secret_access_key=CS\n"
                       "[profile c]\naws_access_key_id=C\naws_secret_access_key=CS\n");
    expect(NULL, "F", "FS", NULL, "profile");
    expect("p", "P", "PS", "PT", "profile"); /* the credentials file goes first */
    expect("c", "C", "CS", NULL, "profile");
    setenv("AWS_DEFAULT_PROFILE", "c", 1);
    expect(NULL, "C", "CS", NULL, "profile");
    setenv("AWS_PROFILE", "p", 1);
    expect(NULL, "P", "PS", "PT", "profile");
    expect_fault("half", ERR_SYNTAX, "credentials", "without aws_secret_access_key");
    expect_fault("other", ERR_SYNTAX, "credentials", "without aws_access_key_id");
    expect_fault("none", -ENOENT, "credentials", "no profile \"none\"");
    setenv("AWS_PROFILE", "none", 1);
    expect_fault(NULL, -ENOENT, "credentials", "no profile \"none\"");
}

static void test_other_sources(void **state)
{
    (void)state;
    put_file("credentials", "[r]\naws_access_key_id=F\naws_secret_access_key=FS\n"
                            "[p]\naws_access_key_id=F\naws_secret_access_key=FS\n");
    put_file("config", "[profile r]\nrole_arn = arn:aws:iam::1:role/x\n"
                       "[profile p]\ncredential_process = /x\n"
                       "[profile q]\ncredential_process = /x\n"
                       "aws_access_key_id=C\naws_secret_access_key=CS\n");
    expect_fault("r", -ENOTSUP, "config", "role_arn");
    expect("p", "F", "FS", NULL, "profile");
    expect_fault("q", -ENOTSUP, "config", "credential_process");
}

static void test_files(void **state)
{
    (void)state;
    char path[128];
    expect_fault(NULL, -ENOKEY, "credentials", "no credentials");
    put_file("elsewhere", "[default]\naws_access_key_id=E\naws_secret_access_key=ES\n");
    snprintf(path, sizeof(path), "%s/.aws/elsewhere", home);
    setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
    expect(NULL, "E", "ES", NULL, "profile");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/elsewhere", 1);
    expect(NULL, "E", "ES", NULL, "profile");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    expect_fault(NULL, -ENOKEY, "/dev/null", "no credentials");
    setenv("AWS_SHARED_CREDENTIALS_FILE", home, 1);
    expect_fault(NULL, -EISDIR, home, "cannot read");
    unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    unsetenv("HOME");
    expect_fault(NULL, -ENOKEY, "", "no credentials");
    setenv("HOME", home, 1);
    put_file("config", "[default\n");
    expect_fault(NULL, ERR_SYNTAX, ".aws/config:1", "']'");
}

/* Root may read everything, so the tolerance is tried on the rules alone. */
static void test_unread(void **state)
{
    (void)state;
    struct credentials c;
    struct err e = {0};
    struct sources s = {.profile_name = (char *)(uintptr_t) "default"};
    err_set(&s.unread, -EACCES, "/root/.aws/credentials", "", "cannot read the file");
    assert_int_equal(credentials_resolve(&s, &c, &e), -EACCES);
    assert_string_equal(e.where, "/root/.aws/credentials");
}

static void test_settings(void **state)
{
    (void)state;
    struct sources s;
    struct err e = {0};
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_string_equal(region_resolve(&s, NULL), "us-east-1");
    assert_null(endpoint_url_resolve(&s, NULL));
    sources_release(&s);

    put_file("config", "[default]\nregion = conf\nendpoint_url = http://conf\n");
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_string_equal(region_resolve(&s, NULL), "conf");
    assert_string_equal(endpoint_url_resolve(&s, NULL), "http://conf");
    sources_release(&s);

    setenv("AWS_DEFAULT_REGION", "env2", 1);
    setenv("AWS_ENDPOINT_URL", "http://env2", 1);
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_string_equal(region_resolve(&s, NULL), "env2");
    assert_string_equal(endpoint_url_resolve(&s, NULL), "http://env2");
    sources_release(&s);

    setenv("AWS_REGION", "env1", 1);
    setenv("AWS_ENDPOINT_URL_S3", "http://env1", 1);
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_string_equal(region_resolve(&s, NULL), "env1");
    assert_string_equal(endpoint_url_resolve(&s, NULL), "http://env1");
    assert_string_equal(region_resolve(&s, "option"), "option");
    assert_string_equal(endpoint_url_resolve(&s, "http://option"), "http://option");
    sources_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_environment, reset),
        cmocka_unit_test_setup(test_half_environment, reset),
        cmocka_unit_test_setup(test_expiration, reset),
        cmocka_unit_test_setup(test_profiles, reset),
        cmocka_unit_test_setup(test_other_sources, reset),
        cmocka_unit_test_setup(test_files, reset),
        cmocka_unit_test_setup(test_unread, reset),
        cmocka_unit_test_setup(test_settings, reset),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
