/*
 * The shared files of the AWS tools: what is read, what is refused, and that a refusal names its
 * line and never a value.
 */
#include "tests/unit/unit.h"
#include "uploaders/profile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is expected of a profile; NULL: absent. */
static const struct {
    const char *label;
    enum profile_file kind;
    const char *name;
    const char *text;
    bool found;
    const char *access_key;
    const char *secret_key;
    const char *session_token;
    const char *region;
    const char *endpoint_url;
} cases[] = {
    {"empty", PROFILE_CREDENTIALS, "default", "", false, NULL, NULL, NULL, NULL, NULL},
    {"usual", PROFILE_CREDENTIALS, "default",
     "[default]\naws_access_key_id = AKIA1\naws_secret_access_key = abc/+=\n", true, "AKIA1",
     "abc/+=", NULL, NULL, NULL},
    {"no blanks, CRLF, no LF at the end", PROFILE_CREDENTIALS, "x",
     "[x]\r\naws_access_key_id=A\r\naws_secret_access_key=S\r\naws_session_token=T", true, "A", "S",
     "T", NULL, NULL},
    {"byte order mark", PROFILE_CREDENTIALS, "x", "\xef\xbb\xbf[x]\nregion=r\n", true, NULL, NULL,
     NULL, "r", NULL},
    {"comments", PROFILE_CREDENTIALS, "x",
     "# a\n; b\n  # c\n[x] # d\nregion = r # e\naws_access_key_id = A#1 ;f\n", true, "A#1", NULL,
     NULL, "r", NULL},
    {"others are passed over", PROFILE_CREDENTIALS, "x",
     "[a]\nregion=no\n[x]\nregion=yes\n[b]\nregion=no\n", true, NULL, NULL, NULL, "yes", NULL},
    {"the last counts, sections join", PROFILE_CREDENTIALS, "x",
     "[x]\nregion=one\n[y]\n[x]\nregion=two\naws_access_key_id=A\n", true, "A", NULL, NULL, "two",
     NULL},
    {"no value is absent", PROFILE_CREDENTIALS, "x", "[x]\nregion =\naws_access_key_id =  # c\n",
     true, NULL, NULL, NULL, NULL, NULL},
    {"names in any case", PROFILE_CREDENTIALS, "x", "[x]\nREGION = r\n", true, NULL, NULL, NULL,
     "r", NULL},
    {"profile names by case", PROFILE_CREDENTIALS, "x", "[X]\nregion = r\n", false, NULL, NULL,
     NULL, NULL, NULL},
    {"colon", PROFILE_CREDENTIALS, "x", "[x]\nendpoint_url: http://h:9000\n", true, NULL, NULL,
     NULL, NULL, "http://h:9000"},
    {"equals sign in a value", PROFILE_CREDENTIALS, "x", "[x]\naws_session_token = a==\n", true,
     NULL, NULL, "a==", NULL, NULL},
    {"nested settings are passed over", PROFILE_CONFIG, "default",
     "[default]\ns3 =\n  addressing_style = path\n  region = no\nregion = yes\n", true, NULL, NULL,
     NULL, "yes", NULL},
    {"a section indented as a whole", PROFILE_CONFIG, "default",
     "[default]\n  region = r\n  endpoint_url = http://h\n", true, NULL, NULL, NULL, "r",
     "http://h"},
    {"config: profile", PROFILE_CONFIG, "x", "[profile x]\nregion = r\n", true, NULL, NULL, NULL,
     "r", NULL},
    {"config: quoted", PROFILE_CONFIG, "a b", "[profile \"a b\"]\nregion = r\n", true, NULL, NULL,
     NULL, "r", NULL},
    {"config: not without the word", PROFILE_CONFIG, "x", "[x]\nregion = r\n", false, NULL, NULL,
     NULL, NULL, NULL},
    {"config: profile default", PROFILE_CONFIG, "default", "[profile default]\nregion = r\n", true,
     NULL, NULL, NULL, "r", NULL},
    {"config: other kinds", PROFILE_CONFIG, "x", "[sso-session x]\nregion = r\n[services x]\n",
     false, NULL, NULL, NULL, NULL, NULL},
    {"credentials: the word is a name", PROFILE_CREDENTIALS, "profile x",
     "[profile x]\nregion = r\n", true, NULL, NULL, NULL, "r", NULL},
};

/* Both absent, or equal. */
static void assert_text(const char *label, const char *got, const char *want)
{
    if (!got != !want || (got && strcmp(got, want) != 0))
        fail_msg("%s: \"%s\" where \"%s\" was expected", label, got ? got : "(none)",
                 want ? want : "(none)");
}

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct profile p;
        struct err e = {0};
        const char *label = cases[i].label;
        if (profile_parse(span_of(cases[i].text), "f", cases[i].kind, cases[i].name, &p, &e) != 0)
            fail_msg("%s: %s %s", label, e.where, e.what);
        if (p.found != cases[i].found)
            fail_msg("%s: found is %d", label, p.found);
        assert_text(label, p.access_key, cases[i].access_key);
        assert_text(label, p.secret_key, cases[i].secret_key);
        assert_text(label, p.session_token, cases[i].session_token);
        assert_text(label, p.region, cases[i].region);
        assert_text(label, p.endpoint_url, cases[i].endpoint_url);
        profile_release(&p);
    }
}

/* Every setting that is kept, and those that ask for a login. */
static void test_other_sources(void **state)
{
    (void)state;
    static const char text[] = "[profile x]\nrole_arn = arn:aws:iam::1:role/r\n"
                               "source_profile = the other one\n"
                               "credential_source = Environment\nexternal_id = e/1\n"
                               "role_session_name = me@x\nduration_seconds = 900\n"
                               "mfa_serial = arn:m\nweb_identity_token_file = /a b/t ; why\n"
                               "credential_process = \"/bin/keys\" --all #no\nservices = my own\n"
                               "ec2_metadata_service_endpoint = http://m\n"
                               "ec2_metadata_service_endpoint_mode = IPv6\n"
                               "ignore_configured_endpoint_urls = true\n"
                               "[profile y]\nrole_arn = z\nsso_session = s\n";
    static const char *const logins[] = {"sso_session", "sso_start_url", "login_session"};
    struct profile p;
    assert_int_equal(profile_parse(span_of(text), "f", PROFILE_CONFIG, "x", &p, NULL), 0);
    assert_text("role", p.role_arn, "arn:aws:iam::1:role/r");
    assert_text("source", p.source_profile, "the other one");
    assert_text("named", p.credential_source, "Environment");
    assert_text("external", p.external_id, "e/1");
    assert_text("session", p.session_name, "me@x");
    assert_text("duration", p.duration, "900");
    assert_text("mfa", p.mfa_serial, "arn:m");
    assert_text("token", p.token_file, "/a b/t");
    assert_text("process", p.process, "\"/bin/keys\" --all");
    assert_text("services", p.services, "my own");
    assert_text("metadata", p.metadata_endpoint, "http://m");
    assert_text("mode", p.metadata_mode, "IPv6");
    assert_text("ignore", p.ignore_endpoints, "true");
    assert_null(p.login);
    profile_release(&p);
    assert_null(p.role_arn);
    for (size_t i = 0; i < COUNT(logins); i++) {
        char line[64];
        snprintf(line, sizeof(line), "[x]\n%s = s\n", logins[i]);
        assert_int_equal(profile_parse(span_of(line), "f", PROFILE_CREDENTIALS, "x", &p, NULL), 0);
        assert_text(line, p.login, logins[i]);
        profile_release(&p);
    }
}

static void test_services(void **state)
{
    (void)state;
    static const char text[] =
        "[profile x]\nservices = a\ns3 =\n  endpoint_url = http://no\n"
        "[services b]\nsts =\n  endpoint_url = http://no\n"
        "[services a]\ns3 =\n  endpoint_url = http://s3\n  max = 1\n"
        "dynamodb =\n  endpoint_url = http://no\nsts=\n\tendpoint_url: http://sts # here\n";
    struct services s;
    struct err e = {0};
    assert_int_equal(profile_parse_services(span_of(text), "f", "a", &s, &e), 0);
    assert_text("s3", s.s3_url, "http://s3");
    assert_text("sts", s.sts_url, "http://sts");
    services_release(&s);
    assert_null(s.s3_url);
    assert_int_equal(profile_parse_services(span_of(text), "f", "c", &s, &e), 0);
    assert_null(s.s3_url);
    assert_null(s.sts_url);
    s.s3_url = s.sts_url = (char *)(uintptr_t) "kept";
    assert_int_equal(profile_parse_services(span_of("[services a]\nsts=\n endpoint_url = a b\n"),
                                            "f", "a", &s, &e),
                     ERR_SYNTAX);
    assert_text("where", e.where, "f:3");
    assert_text("kept", s.sts_url, "kept");
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *where;
        const char *what;
    } faults[] = {
        {"[x\n", "f:1", "']'"},
        {"\n[]\n", "f:2", "no name"},
        {"[x] y\n", "f:1", "after"},
        {"region = r\n", "f:1", "before any section"},
        {"[x]\nSECRET\n", "f:2", "neither"},
        {"[x]\n= SECRET\n", "f:2", "neither"},
        {"[other]\n\n# c\nSECRET\n", "f:4", "neither"}, /* whichever profile is used */
        {"[x]\naws_secret_access_key = SECRET SECRET\n", "f:2", "byte"},
        {"[x]\nregion = a\tb\n", "f:2", "byte"},
        {"[x]\naws_access_key_id = SECRET\xc3\xa9\n", "f:2", "byte"},
    };
    for (size_t i = 0; i < COUNT(faults); i++) {
        struct profile p;
        memset(&p, 0x5a, sizeof(p));
        struct profile before = p;
        struct err e = {0};
        assert_int_equal(
            profile_parse(span_of(faults[i].text), "f", PROFILE_CREDENTIALS, "x", &p, &e),
            ERR_SYNTAX);
        assert_string_equal(e.where, faults[i].where);
        assert_true(*e.right);
        if (!strstr(e.what, faults[i].what))
            fail_msg("%s", e.what);
        assert_null(strstr(e.what, "SECRET"));
        assert_null(strstr(e.right, "SECRET"));
        assert_memory_equal(&p, &before, sizeof(p));
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct profile p;
    struct err e = {0};
    assert_int_equal(profile_parse(SPAN("[x]\n\0"), "f", PROFILE_CREDENTIALS, "x", &p, &e),
                     ERR_SYNTAX);
    assert_string_equal(e.where, "f:2");
    char *text = malloc(PROFILE_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, '\n', PROFILE_FILE_MAX + 1);
    struct span s = {text, PROFILE_FILE_MAX + 1};
    assert_int_equal(profile_parse(s, "f", PROFILE_CREDENTIALS, "x", &p, &e), ERR_LIMIT);
    s.n--;
    memcpy(text, "[x]\naws_session_token=", 22);
    memset(text + 22, 'a', PROFILE_VALUE_MAX);
    assert_int_equal(profile_parse(s, "f", PROFILE_CREDENTIALS, "x", &p, &e), 0);
    assert_int_equal(strlen(p.session_token), PROFILE_VALUE_MAX);
    profile_release(&p);
    text[22 + PROFILE_VALUE_MAX] = 'a';
    assert_int_equal(profile_parse(s, "f", PROFILE_CREDENTIALS, "x", &p, &e), ERR_LIMIT);
    assert_string_equal(e.where, "f:2");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),    cmocka_unit_test(test_other_sources),
        cmocka_unit_test(test_services), cmocka_unit_test(test_faults),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
