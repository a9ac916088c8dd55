/*
 * Requests to the running agent: what is one, and what is not.
 */
#include "tests/unit/unit.h"

#include "agent/core/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *line;
    const char *cmd;
    const char *mapping;
    bool json;
} good[] = {
    {"{\"cmd\":\"status\"}", "status", "", false},
    {"{\"cmd\":\"status\",\"json\":true}", "status", "", true},
    {"{\"json\":false,\"cmd\":\"status\"}", "status", "", false},
    {" { \"cmd\" : \"release\" , \"mapping\" : \"images\" } ", "release", "images", false},
    {"{\"cmd\":\"discard\",\"mapping\":\"images\",\"path\":\"a/b\"}", "discard", "images", false},
    {"{\"cmd\":\"\"}", "", "", false},
    {"{\"cmd\":\"st\\u0061tus\",\"mapping\":\"\"}", "status", "", false},
    {"{\"cmd\":\"no such command\"}", "no such command", "", false},
};

static const char *const bad[] = {
    "",
    "status",
    "{",
    "{}",
    "[]",
    "{\"json\":true}",
    "{\"cmd\":1}",
    "{\"cmd\":null}",
    "{\"cmd\":true}",
    "{\"cmd\":\"status\"",
    "{\"cmd\":\"status\"}{}",
    "{\"cmd\":\"status\",}",
    "{\"cmd\":\"status\",\"cmd\":\"release\"}",
    "{\"cmd\":\"status\",\"json\":true,\"json\":false}",
    "{\"cmd\":\"release\",\"mapping\":\"a\",\"mapping\":\"b\"}",
    "{\"cmd\":\"status\",\"json\":1}",
    "{\"cmd\":\"status\",\"json\":\"true\"}",
    "{\"cmd\":\"status\",\"mapping\":{}}",
    "{\"cmd\":\"status\",\"more\":1}",
    "{\"Cmd\":\"status\"}",
    "{\"cmd\":\"release\\u0000\"}",
    "{\"cmd\":\"release\",\"mapping\":\"a\\u0000b\"}",
    "{\"cmd\":\"a command whose name is too long\"}",
};

/* What waiting and rescanning say. */
static void test_wait_and_rescan(void **state)
{
    struct request r;

    (void)state;
    assert_true(request_parse(SPAN("{\"cmd\":\"wait\"}"), &r));
    assert_int_equal(r.timeout_s, -1);
    assert_true(request_parse(SPAN("{\"cmd\":\"wait\",\"what\":\"seen\",\"timeout_s\":0}"), &r));
    assert_int_equal(r.timeout_s, 0);
    assert_string_equal(r.what, "seen");
    assert_true(
        request_parse(SPAN("{\"cmd\":\"rescan\",\"path\":\"/a/b\",\"what\":\"file\"}"), &r));
    assert_string_equal(r.path, "/a/b");
    assert_false(request_parse(SPAN("{\"cmd\":\"wait\",\"timeout_s\":-1}"), &r));
    assert_false(request_parse(SPAN("{\"cmd\":\"wait\",\"timeout_s\":31622401}"), &r));
    assert_false(request_parse(SPAN("{\"cmd\":\"wait\",\"timeout_s\":1,\"timeout_s\":1}"), &r));
    assert_false(request_parse(SPAN("{\"cmd\":\"wait\",\"timeout_s\":\"1\"}"), &r));
    assert_false(request_parse(SPAN("{\"cmd\":\"rescan\",\"path\":1}"), &r));
    assert_false(request_parse(SPAN("{\"cmd\":\"rescan\",\"path\":\"/a\\u0000\"}"), &r));
}

static void test_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct request r;

        if (!request_parse(span_of(good[i].line), &r))
            fail_msg("refused: %s", good[i].line);
        assert_string_equal(r.cmd, good[i].cmd);
        assert_string_equal(r.mapping, good[i].mapping);
        assert_int_equal(r.json, good[i].json);
    }
}

/* What is refused leaves the output as it was. */
static void test_what_is_no_request(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct request r = {.cmd = "before"};

        if (request_parse(span_of(bad[i]), &r))
            fail_msg("taken: %s", bad[i]);
        assert_string_equal(r.cmd, "before");
    }
}

static void test_a_mapping_has_at_most_the_length_of_a_name(void **state)
{
    char name[CONF_NAME_MAX + 2], line[CONF_NAME_MAX + 64];
    struct request r;

    (void)state;
    for (size_t n = CONF_NAME_MAX; n <= CONF_NAME_MAX + 1; n++) {
        memset(name, 'm', n);
        name[n] = '\0';
        (void)snprintf(line, sizeof line, "{\"cmd\":\"release\",\"mapping\":\"%s\"}", name);
        assert_int_equal(request_parse(span_of(line), &r), n == CONF_NAME_MAX);
    }
}

/* No beginning of a request is one, and no byte changed makes the reader fall over. */
static void test_torn_and_spoilt_requests(void **state)
{
    const char *whole = "{\"cmd\":\"release\",\"mapping\":\"images\",\"json\":true}";
    size_t n = strlen(whole);
    struct request r;

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        char *exact = malloc(cut + 1);

        assert_non_null(exact);
        memcpy(exact, whole, cut);
        assert_false(request_parse((struct span){exact, cut}, &r));
        for (int bit = 0; bit < 8; bit++) {
            char spoilt[64];

            memcpy(spoilt, whole, n);
            spoilt[cut] = (char)(spoilt[cut] ^ 1 << bit);
            if (request_parse((struct span){spoilt, n}, &r))
                assert_true(strlen(r.cmd) < REQUEST_CMD_SIZE);
        }
        free(exact);
    }
    assert_true(request_parse(span_of(whole), &r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wait_and_rescan),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_what_is_no_request),
        cmocka_unit_test(test_a_mapping_has_at_most_the_length_of_a_name),
        cmocka_unit_test(test_torn_and_spoilt_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
