/*
 * What `lockstep init` proposes: it loads, it says what was said, and nothing that was seen or said
 * can end a comment or a text.
 */
#include "tests/unit/unit.h"

#include "agent/core/proposal.h"
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

static const struct proposal least = {
    .images = {.path = "/mnt/images", .prefix = "images/", .fs_name = "ext4", .source = "/dev/sda"},
    .bucket = "training"};

static const struct proposal most = {.images = {.path = "/mnt/efs/i \"q\" \\b",
                                                .prefix = "i \"q\"/",
                                                .fs_name = "nfs4",
                                                .source = "fs-1:/\nbucket = \"evil\";",
                                                .network = true,
                                                .used = UINT64_C(1536) << 30,
                                                .capacity = UINT64_C(8) << 60},
                                     .lists = {.path = "/mnt/lists",
                                               .prefix = "l/",
                                               .fs_name = "xfs",
                                               .source = "/dev/sdb",
                                               .used = 1023,
                                               .capacity = 1024},
                                     .bucket = "training",
                                     .region = "eu-central-1",
                                     .endpoint = "https://s3.example.net",
                                     .profile = "ml",
                                     .state_dir = "/srv/state"};

/* The proposal's text; to be freed. */
static char *text_of(const struct proposal *p)
{
    struct buf out;
    char *text;

    buf_init(&out, TEXT_MAX);
    assert_int_equal(proposal_render(p, &out), 0);
    text = strdup(out.data);
    assert_non_null(text);
    buf_release(&out);
    return text;
}

static struct conf *parsed(char *text)
{
    struct conf_faults faults = {0};
    struct conf *c = NULL;

    if (conf_parse(text, "proposed", &c, &faults)) {
        conf_faults_print(&faults, stderr);
        fail_msg("%s", text);
    }
    conf_faults_release(&faults);
    free(text);
    return c;
}

static void test_the_least(void **state)
{
    struct conf *c = parsed(text_of(&least));

    (void)state;
    assert_int_equal(c->mapping_count, 1);
    assert_string_equal(c->mappings[0].path, "/mnt/images");
    assert_string_equal(c->mappings[0].prefix, "images/");
    assert_string_equal(c->s3.bucket, "training");
    assert_null(c->s3.region);
    assert_null(c->s3.endpoint);
    conf_free(c);
}

static void test_all_that_may_be_said(void **state)
{
    struct conf *c = parsed(text_of(&most));

    (void)state;
    assert_int_equal(c->mapping_count, 2);
    assert_string_equal(c->mappings[0].path, "/mnt/efs/i \"q\" \\b");
    assert_string_equal(c->mappings[0].prefix, "i \"q\"/");
    assert_string_equal(c->mappings[1].path, "/mnt/lists");
    assert_int_equal(c->mappings[1].repository, 0);
    assert_string_equal(c->s3.bucket, "training"); /* a line break in a mount's name ends nothing */
    assert_string_equal(c->s3.region, "eu-central-1");
    assert_string_equal(c->s3.endpoint, "https://s3.example.net");
    assert_string_equal(c->s3.profile, "ml");
    assert_string_equal(c->state_dir, "/srv/state");
    conf_free(c);
}

/* Its comments show settings that there are, with their defaults: without the marks it is the same
 * configuration. */
static void test_comments_show_the_defaults(void **state)
{
    char *text = text_of(&least), *at = text;
    struct conf *plain = parsed(strdup(text)), *shown;

    (void)state;
    while ((at = strstr(at, "# "))) {
        if (strncmp(at, "# max_", 6) == 0 || strncmp(at, "# deletes", 9) == 0 ||
            strncmp(at, "# rescan", 8) == 0)
            at[0] = ' ';
        at += 2;
    }
    shown = parsed(text);
    assert_int_equal(shown->mappings[0].max_removals, plain->mappings[0].max_removals);
    assert_int_equal(shown->mappings[0].max_removal_percent,
                     plain->mappings[0].max_removal_percent);
    assert_int_equal(shown->mappings[0].max_removals_hourly,
                     plain->mappings[0].max_removals_hourly);
    assert_int_equal(shown->mappings[0].deletes, plain->mappings[0].deletes);
    conf_free(plain);
    conf_free(shown);
}

static void test_what_was_seen_is_one_line(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, TEXT_MAX);
    assert_int_equal(proposal_see(&most.images, &out), 0);
    assert_ptr_equal(strchr(out.data, '\n'), out.data + out.len - 1);
    assert_non_null(strstr(out.data, "1.5 TiB of 8.0 EiB used"));
    buf_reset(&out);
    assert_int_equal(proposal_see(&most.lists, &out), 0);
    assert_non_null(strstr(out.data, "local"));
    assert_non_null(strstr(out.data, "1023 bytes of 1.0 KiB used"));
    buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least),
        cmocka_unit_test(test_all_that_may_be_said),
        cmocka_unit_test(test_comments_show_the_defaults),
        cmocka_unit_test(test_what_was_seen_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
