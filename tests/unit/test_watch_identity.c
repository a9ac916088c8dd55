/* Who a root is: what mountinfo's lines say, which kinds are which, and what cannot be read. */
#include "tests/unit/unit.h"
#include "watchers/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int refusal; /* fopen fails with this; 0: it does not */

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    errno = refusal;
    return refusal ? NULL : __real_fopen(path, mode);
}

static void test_mount_lines(void **state)
{
    static const char *const nfs = "98 29 0:52 / /mnt/efs rw,relatime shared:5 - nfs4 "
                                   "fs-1.efs.eu-west-1.amazonaws.com:/ rw,vers=4.1";
    static const char *const plain = "29 1 254:0 / / rw,relatime - ext4 /dev/vda\\040x rw";
    static const char *const broken[] = {"",
                                         "98",
                                         "98 29 0:52 / /mnt rw",
                                         "98 1 2 3 4 5 - ",
                                         "98 1 2 3 4 5 - ext4",
                                         "x98 1 2 3 4 5 - ext4 y"};
    struct root_identity id = {0};

    (void)state;
    assert_true(identity_parse_mount(nfs, strlen(nfs), 98, &id));
    assert_string_equal(id.fs_name, "nfs4");
    assert_string_equal(id.source, "fs-1.efs.eu-west-1.amazonaws.com:/");
    assert_false(identity_parse_mount(nfs, strlen(nfs), 9, &id));
    assert_true(identity_parse_mount(plain, strlen(plain), 29, &id));
    assert_string_equal(id.fs_name, "ext4");
    assert_string_equal(id.source, "/dev/vda x");
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        assert_false(identity_parse_mount(broken[i], strlen(broken[i]), 98, &id));
    }
}

static void test_kinds(void **state)
{
    struct root_identity a = {.dev = 1, .ino = 2, .fs_type = 0x6969, .source = "s:/"};
    struct root_identity b = a;

    (void)state;
    assert_true(identity_is_remote(&a));
    b.dev = 9; /* a network mount gets another number each time */
    b.fsid = 7;
    assert_true(identity_same_tree(&a, &b));
    b.ino = 3;
    assert_false(identity_same_tree(&a, &b));
    a.fs_type = 0x01021994; /* tmpfs */
    b = a;
    assert_false(identity_is_remote(&a));
    assert_true(identity_same_tree(&a, &b));
    a.fsid = 5;
    assert_true(identity_same_tree(&a, &b)); /* enrolled when it was not kept yet */
    b.fsid = 6;
    assert_false(identity_same_tree(&a, &b)); /* another disk under the same number */
    b.fsid = 5;
    b.dev = 9;
    assert_false(identity_same_tree(&a, &b)); /* another, empty one */
    a.fs_type = 0x12345;                      /* unknown: better scanned too often */
    assert_true(identity_is_remote(&a));
    assert_int_equal(watchers_root_identity("/", &a), 0);
    assert_true(a.fs_name[0] != '\0');
    assert_true(a.ino != 0);
    assert_int_not_equal(watchers_root_identity("/none/such", &a), 0);
}

/* A mount whose name could not be read for want of memory is not a mount without a name: the guard
 * would take it for another device. */
static void test_what_cannot_be_read(void **state)
{
    struct root_identity id = {.ino = 7};

    (void)state;
    refusal = ENOMEM;
    assert_int_equal(watchers_root_identity("/", &id), -ENOMEM);
    assert_int_equal(id.ino, 7);
    refusal = ENOENT; /* no /proc */
    assert_int_equal(watchers_root_identity("/", &id), 0);
    assert_string_equal(id.source, "");
    refusal = 0;
    assert_int_equal(watchers_root_identity("/", &id), 0);
    assert_true(id.source[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mount_lines),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_what_cannot_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
