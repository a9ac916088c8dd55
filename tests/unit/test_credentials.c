/*
 * The plan for keys, region and endpoint from environment and files. The shell is tried with real
 * files in a directory of its own.
 */
#include "uploaders/credentials_plan.h"

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
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_DEFAULT_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_METADATA_SERVICE_TIMEOUT",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
        "CREDENTIALS_DIRECTORY",
    };
    for (size_t i = 0; i < COUNT(names); i++)
        unsetenv(names[i]);
    put_file("credentials", NULL);
    put_file("config", NULL);
    put_file("elsewhere", NULL);
    put_file("aws", NULL);
    return setenv("HOME", home, 1) || setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
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

/* Plan from one source, or by the whole chain; returns the code. */
static int plan_from(enum keys_from from, const char *profile, struct credentials_plan *p,
                     struct err *e)
{
    struct sources s;
    int rc = sources_read(profile, &s, e);
    if (rc)
        return rc;
    rc = credentials_plan(&s, from, "r-1", p, e);
    sources_release(&s);
    return rc;
}

/* Plan; it must work. */
static struct credentials_plan plan(const char *profile)
{
    struct credentials_plan p;
    struct err e = {0};
    if (plan_from(KEYS_AUTO, profile, &p, &e) != 0)
        fail_msg("%s: %s; %s", e.where, e.what, e.right);
    return p;
}

/* Plan; these keys must come out, from there. */
static void expect(const char *profile, const char *access, const char *secret, const char *token,
                   const char *words)
{
    struct credentials_plan p = plan(profile);
    assert_string_equal(p.keys.access_key, access);
    assert_string_equal(p.keys.secret_key, secret);
    if (token)
        assert_string_equal(p.keys.session_token, token);
    else
        assert_null(p.keys.session_token);
    if (strncmp(p.words, words, strlen(words)) != 0)
        fail_msg("\"%s\" in the place of \"%s\"", p.words, words);
    assert_true(p.keys.expires_us == CREDENTIALS_FOREVER);
    assert_string_equal(p.region, "r-1");
    credentials_plan_release(&p);
    assert_null(p.keys.secret_key);
}

/* Plan; it must fail with this code, saying this. */
static void expect_fault(const char *profile, int code, const char *where, const char *what)
{
    struct credentials_plan p;
    memset(&p, 0x5a, sizeof(p));
    struct credentials_plan before = p;
    struct err e = {0};
    assert_int_equal(plan_from(KEYS_AUTO, profile, &p, &e), code);
    assert_int_equal(e.code, code);
    assert_memory_equal(&p, &before, sizeof(p));
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
    struct credentials copy, other;
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
    setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z", 1);
    struct credentials_plan p = plan(NULL);
    assert_true(p.keys.expires_us == INT64_C(1767323045) * US_PER_S);
    assert_int_equal(credentials_copy(&p.keys, &copy), 0);
    assert_true(copy.expires_us == p.keys.expires_us);
    assert_string_equal(copy.secret_key, "S");
    assert_ptr_not_equal(copy.secret_key, p.keys.secret_key);
    assert_true(credentials_same(&copy, &p.keys));
    assert_int_equal(credentials_make("A", "S", "T", 0, &other), 0);
    assert_false(credentials_same(&copy, &other));
    credentials_wipe(&other);
    credentials_plan_release(&p);
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

static void test_process(void **state)
{
    (void)state;
    put_file("credentials", "[p]\naws_access_key_id=F\naws_secret_access_key=FS\n");
    put_file("config", "[profile p]\ncredential_process = /x\n"
                       "[profile q]\ncredential_process = /x \"y z\"\n"
                       "aws_access_key_id=C\naws_secret_access_key=CS\n");
    expect("p", "F", "FS", NULL, "profile"); /* keys of the credentials file go first */
    struct credentials_plan p = plan("q");   /* those of the config file do not */
    assert_int_equal(p.source, PLAN_PROCESS);
    assert_string_equal(p.command, "/x \"y z\"");
    credentials_plan_release(&p);
}

/* Chains of roles: what is assumed with what, in which order. */
static void test_roles(void **state)
{
    (void)state;
    put_file("credentials", "[keys]\naws_access_key_id=K\naws_secret_access_key=hush\n"
                            "[both]\naws_access_key_id=B\naws_secret_access_key=BS\n");
    put_file("config", "[profile a]\nrole_arn=arn:a\nsource_profile=b\nrole_session_name=me\n"
                       "duration_seconds=3600\n"
                       "[profile b]\nrole_arn=arn:b\nsource_profile=keys\nexternal_id=e\n"
                       "[profile self]\nrole_arn=arn:s\nsource_profile=self\n"
                       "aws_access_key_id=S\naws_secret_access_key=SS\n"
                       "[profile over]\nrole_arn=arn:o\nsource_profile=both\n"
                       "[profile both]\nrole_arn=arn:no\nsource_profile=keys\n"
                       "[profile env]\nrole_arn=arn:e\ncredential_source=Environment\n"
                       "[profile web]\nrole_arn=arn:w\nsource_profile=token\n"
                       "[profile token]\nrole_arn=arn:t\nweb_identity_token_file=/t\n");
    struct credentials_plan p = plan("a");
    assert_int_equal(p.role_count, 2);
    assert_string_equal(p.roles[0].arn, "arn:b");
    assert_string_equal(p.roles[0].external_id, "e");
    assert_memory_equal(p.roles[0].session_name, "lockstep-", 9);
    assert_string_equal(p.roles[1].arn, "arn:a");
    assert_string_equal(p.roles[1].session_name, "me");
    assert_int_equal(p.roles[1].duration_s, 3600);
    assert_string_equal(p.keys.access_key, "K");
    assert_string_equal(p.words, "role arn:a by profile \"keys\"");
    credentials_plan_release(&p);
    expect("self", "S", "SS", NULL, "role arn:s by profile");
    expect("over", "B", "BS", NULL, "role arn:o by"); /* keys in a source go before its role */
    p = plan("web");
    assert_int_equal(p.source, PLAN_WEB_IDENTITY);
    assert_string_equal(p.web.arn, "arn:t");
    assert_string_equal(p.roles[0].arn, "arn:w");
    credentials_plan_release(&p);
    expect_fault("env", -ENOKEY, "config", "Environment, which has none");
    setenv("AWS_ACCESS_KEY_ID", "A", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "S", 1);
    expect("env", "A", "S", NULL, "role arn:e by environment");
    setenv("AWS_PROFILE", "a", 1); /* keys in the environment go first, the role is not assumed */
    expect(NULL, "A", "S", NULL, "environment");
}

static void test_broken_roles(void **state)
{
    (void)state;
    static const struct {
        const char *config;
        int code;
        const char *what;
    } cases[] = {
        {"[profile x]\nrole_arn=r\nsource_profile=y\n[profile y]\nrole_arn=s\nsource_profile=x\n",
         ERR_SYNTAX, "leads back"},
        {"[profile x]\nrole_arn=r\nsource_profile=x\n", ERR_SYNTAX, "leads back"},
        {"[profile x]\nrole_arn=r\n", ERR_SYNTAX, "nothing to assume"},
        {"[profile x]\nrole_arn=r\nsource_profile=z\n", -ENOENT, "no profile \"z\""},
        {"[profile x]\nrole_arn=r\nsource_profile=y\n[profile y]\nregion=q\n", -ENOKEY,
         "profile \"y\", which has none"},
        {"[profile x]\nrole_arn=r\nsource_profile=y\ncredential_source=Environment\n"
         "[profile y]\ncredential_process=/x\n",
         ERR_SYNTAX, "both source_profile"},
        {"[profile x]\nrole_arn=r\ncredential_source=Moon\n", ERR_SYNTAX, "Moon"},
        {"[profile x]\nrole_arn=r\nmfa_serial=m\ncredential_source=Environment\n", -ENOTSUP,
         "mfa_serial"},
        {"[profile x]\nrole_arn=r\nduration_seconds=899\ncredential_source=Environment\n",
         ERR_SYNTAX, "duration_seconds = 899"},
        {"[profile x]\nrole_arn=r\nduration_seconds=1h\ncredential_source=Environment\n",
         ERR_SYNTAX, "duration_seconds = 1h"},
        {"[profile x]\nrole_arn=r\nrole_session_name=a:b\ncredential_source=Environment\n",
         ERR_SYNTAX, "a:b"},
        {"[profile x]\nsso_start_url=u\naws_access_key_id=A\naws_secret_access_key=S\n", -ENOTSUP,
         "login of a person"},
        {"[profile x]\nweb_identity_token_file=/t\n", ERR_SYNTAX, "no role"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        put_file("config", cases[i].config);
        expect_fault("x", cases[i].code, "", cases[i].what);
    }
    /* Too long a chain. */
    char text[1024] = "";
    for (int i = 0; i < 12; i++) {
        size_t n = strlen(text);
        snprintf(text + n, sizeof(text) - n, "[profile p%d]\nrole_arn=r\nsource_profile=p%d\n", i,
                 i + 1);
    }
    put_file("config", text);
    expect_fault("p0", ERR_LIMIT, "config", "too long");
}

/* Whoever comes first in the chain hides what follows. */
static void test_order(void **state)
{
    (void)state;
    struct credentials_plan p;
    struct err e = {0};
    unsetenv("AWS_EC2_METADATA_DISABLED");
    p = plan(NULL);
    assert_int_equal(p.source, PLAN_INSTANCE);
    assert_string_equal(p.url, "http://169.254.169.254");
    assert_true(p.last_resort);
    assert_non_null(strstr(p.tried, "AWS_ACCESS_KEY_ID is not set"));
    assert_non_null(strstr(p.tried, "container: "));
    credentials_plan_release(&p);
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6", 1);
    setenv("AWS_METADATA_SERVICE_TIMEOUT", "7", 1);
    setenv("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "nonsense", 1);
    p = plan(NULL);
    assert_string_equal(p.url, "http://[fd00:ec2::254]");
    assert_int_equal(p.timeout_s, 7);
    assert_int_equal(p.attempts, 2);
    credentials_plan_release(&p);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://e.example/x?y=z", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic hush", 1);
    p = plan(NULL);
    assert_int_equal(p.source, PLAN_CONTAINER);
    assert_string_equal(p.url, "https://e.example/x?y=z");
    assert_string_equal(p.token, "Basic hush");
    assert_string_equal(p.words, "container endpoint https://e.example");
    credentials_plan_release(&p);
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token", 1);
    p = plan(NULL);
    assert_string_equal(p.url, "http://169.254.170.2/v2/x");
    assert_string_equal(p.token_file, "/token");
    assert_null(p.token);
    credentials_plan_release(&p);
    put_file("config", "[default]\ncredential_process = /x\n");
    p = plan(NULL);
    assert_int_equal(p.source, PLAN_PROCESS);
    credentials_plan_release(&p);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/t", 1);
    expect_fault(NULL, ERR_SYNTAX, "web identity", "no role");
    setenv("AWS_ROLE_ARN", "arn:w", 1);
    p = plan(NULL);
    assert_int_equal(p.source, PLAN_WEB_IDENTITY);
    assert_string_equal(p.web.arn, "arn:w");
    assert_string_equal(p.token_file, "/t");
    credentials_plan_release(&p);
    p = plan("default"); /* named by the option: the environment is passed over */
    assert_int_equal(p.source, PLAN_PROCESS);
    credentials_plan_release(&p);
    assert_int_equal(plan_from(KEYS_INSTANCE, NULL, &p, &e), 0); /* chosen: alone */
    assert_int_equal(p.source, PLAN_INSTANCE);
    assert_false(p.last_resort);
    credentials_plan_release(&p);
    assert_int_equal(plan_from(KEYS_ENVIRONMENT, NULL, &p, &e), -ENOKEY);
}

static void test_container_faults(void **state)
{
    (void)state;
    setenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@evil.example/", 1);
    expect_fault(NULL, ERR_SYNTAX, "RELATIVE_URI", "cannot be used");
    unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/", 1);
    expect_fault(NULL, ERR_SYNTAX, "container endpoint", "evil.example");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/", 1);
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hush\r\nx-evil: 1", 1);
    expect_fault(NULL, ERR_SYNTAX, "AUTHORIZATION_TOKEN", "does not belong");
}

/* systemd's LoadCredential= stands for ~/.aws/credentials. */
static void test_systemd(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof(path), "%s/.aws", home);
    put_file("credentials", "[default]\naws_access_key_id=F\naws_secret_access_key=FS\n");
    setenv("CREDENTIALS_DIRECTORY", path, 1);
    expect(NULL, "F", "FS", NULL, "profile"); /* no file "aws" in it */
    put_file("aws", "[default]\naws_access_key_id=D\naws_secret_access_key=DS\n");
    expect(NULL, "D", "DS", NULL, "profile");
    setenv("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", 1);
    expect(NULL, "F", "FS", NULL, "profile");
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
    struct credentials_plan p;
    struct err e = {0};
    struct sources s = {.profiles = {{.name = (char *)(uintptr_t) "default"}},
                        .profile_count = 1,
                        .metadata_disabled = (char *)(uintptr_t) "true"};
    err_set(&s.unread, -EACCES, "/root/.aws/credentials", "", "cannot read the file");
    assert_int_equal(credentials_plan(&s, KEYS_AUTO, "r", &p, &e), -ENOKEY);
    assert_non_null(strstr(e.what, "/root/.aws/credentials: Permission denied"));
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

    put_file("config", "[default]\nservices = x\nendpoint_url = http://conf\n"
                       "[services x]\nsts =\n  endpoint_url = http://sts\n");
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_string_equal(endpoint_url_resolve(&s, NULL), "http://conf");
    assert_string_equal(sts_url_resolve(&s), "http://sts");
    sources_release(&s);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", 1);
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_null(endpoint_url_resolve(&s, NULL));
    assert_null(sts_url_resolve(&s));
    assert_string_equal(endpoint_url_resolve(&s, "http://option"), "http://option");
    sources_release(&s);
    unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");

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

/* FIPS and dual-stack endpoints: option, environment, profile. */
static void test_endpoint_forms(void **state)
{
    (void)state;
    struct sources s;
    struct err e = {0};
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_false(fips_resolve(&s, false) || dualstack_resolve(&s, false));
    assert_true(fips_resolve(&s, true) && dualstack_resolve(&s, true));
    sources_release(&s);

    put_file("config", "[default]\nuse_fips_endpoint = True\nuse_dualstack_endpoint=true\n");
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_true(fips_resolve(&s, false) && dualstack_resolve(&s, false));
    sources_release(&s);

    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "no", 1);
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_false(fips_resolve(&s, false) || dualstack_resolve(&s, false));
    assert_true(fips_resolve(&s, true) && dualstack_resolve(&s, true));
    sources_release(&s);
    put_file("config", "[default]\n");
    setenv("AWS_USE_FIPS_ENDPOINT", "TRUE", 1);
    assert_int_equal(sources_read(NULL, &s, &e), 0);
    assert_true(fips_resolve(&s, false));
    assert_false(dualstack_resolve(&s, false));
    sources_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_environment, reset),
        cmocka_unit_test_setup(test_half_environment, reset),
        cmocka_unit_test_setup(test_expiration, reset),
        cmocka_unit_test_setup(test_profiles, reset),
        cmocka_unit_test_setup(test_process, reset),
        cmocka_unit_test_setup(test_roles, reset),
        cmocka_unit_test_setup(test_broken_roles, reset),
        cmocka_unit_test_setup(test_order, reset),
        cmocka_unit_test_setup(test_container_faults, reset),
        cmocka_unit_test_setup(test_systemd, reset),
        cmocka_unit_test_setup(test_files, reset),
        cmocka_unit_test_setup(test_unread, reset),
        cmocka_unit_test_setup(test_settings, reset),
        cmocka_unit_test_setup(test_endpoint_forms, reset),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
