/*
 * fanotify without a kernel: directories by their handle, events taken apart and told in inotify's
 * words.
 */
#include "tests/unit/unit.h"
#include "watchers/fan_event.h"
#include "watchers/handles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#define FSID UINT64_C(0x1122334455667788)

/* A handle of 8 bytes. */
static struct handle handle_of(const uint64_t *number)
{
    return (struct handle){
        .fsid = FSID, .type = 1, .size = sizeof(*number), .bytes = (const unsigned char *)number};
}

static int put(struct handles *m, uint64_t number)
{
    const struct handle h = handle_of(&number);
    int wd = -1;

    assert_int_equal(handles_put(m, &h, &wd), 0);
    return wd;
}

static int find(const struct handles *m, uint64_t number)
{
    const struct handle h = handle_of(&number);

    return handles_find(m, &h);
}

static void test_handles(void **state)
{
    enum { MANY = 5000 };
    struct handles *m = NULL;

    (void)state;
    assert_int_equal(handles_new(HANDLES_WD_FIRST, HANDLES_WD_LAST, &m), 0);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(put(m, i), HANDLES_WD_FIRST + (int)i);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(find(m, i), HANDLES_WD_FIRST + (int)i);
        assert_int_equal(put(m, i), HANDLES_WD_FIRST + (int)i); /* again: the same */
    }
    assert_int_equal(find(m, MANY), -1);
    for (uint64_t i = 0; i < MANY; i += 2) {
        assert_true(handles_remove(m, HANDLES_WD_FIRST + (int)i));
        assert_false(handles_remove(m, HANDLES_WD_FIRST + (int)i));
    }
    assert_int_equal(handles_count(m), MANY / 2);
    for (uint64_t i = 0; i < MANY; i++) {
        assert_int_equal(find(m, i), i % 2 == 0 ? -1 : HANDLES_WD_FIRST + (int)i);
    }
    handles_free(m);
    handles_free(NULL);
}

/* Each part of a handle counts. */
static void test_handles_that_differ_a_little(void **state)
{
    static const unsigned char bytes[12] = {1, 2, 3};
    const struct handle all[] = {{FSID, 1, 8, bytes},
                                 {FSID + 1, 1, 8, bytes},
                                 {FSID, 2, 8, bytes},
                                 {FSID, 1, 12, bytes},
                                 {FSID, 1, 8, bytes + 1}};
    struct handles *m = NULL;

    (void)state;
    assert_int_equal(handles_new(10, 100, &m), 0);
    for (int i = 0; i < 5; i++) {
        int wd = -1;

        assert_int_equal(handles_find(m, &all[i]), -1);
        assert_int_equal(handles_put(m, &all[i], &wd), 0);
        assert_int_equal(wd, 10 + i);
    }
    handles_free(m);
}

/* Descriptors go round before one comes again. */
static void test_handles_go_round(void **state)
{
    struct handles *m = NULL;
    const uint64_t more = 99;
    const struct handle h = handle_of(&more);
    int wd = -7;

    (void)state;
    assert_int_equal(handles_new(10, 13, &m), 0);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(put(m, i), 10 + (int)i);
    }
    assert_int_equal(handles_put(m, &h, &wd), -ENOSPC);
    assert_int_equal(wd, -7);
    assert_true(handles_remove(m, 11));
    assert_true(handles_remove(m, 12));
    assert_int_equal(put(m, 20), 11);
    assert_true(handles_remove(m, 11));
    assert_int_equal(put(m, 21), 12); /* not 11, which was just now another's */
    handles_free(m);
}

static void test_handles_that_do_not_fit(void **state)
{
    static const unsigned char bytes[HANDLES_BYTES_MAX + 1];
    const struct handle large = {FSID, 1, HANDLES_BYTES_MAX + 1, bytes};
    const struct handle whole = {FSID, 1, HANDLES_BYTES_MAX, bytes};
    const struct handle odd = {FSID, 0x10000, 8, bytes};
    struct handles *m = NULL;
    int wd = -1;

    (void)state;
    assert_int_equal(handles_new(10, 13, &m), 0);
    assert_int_equal(handles_put(m, &large, &wd), -EOVERFLOW);
    assert_int_equal(handles_put(m, &odd, &wd), -EOVERFLOW);
    assert_int_equal(handles_put(m, &whole, &wd), 0);
    handles_free(m);
}

/* A buffer as read(2) fills it. */
static _Alignas(8) unsigned char buffer[4096];
static size_t filled;

static void append(const void *bytes, size_t n)
{
    assert_true(filled + n <= sizeof(buffer));
    memcpy(buffer + filled, bytes, n);
    filled += n;
}

/* Begin an event; end_event sets its length. */
static size_t begin_event(uint64_t mask)
{
    const struct fanotify_event_metadata head = {.vers = FANOTIFY_METADATA_VERSION,
                                                 .metadata_len = sizeof(head),
                                                 .mask = mask,
                                                 .fd = FAN_NOFD,
                                                 .pid = 1};
    const size_t at = filled;

    append(&head, sizeof(head));
    return at;
}

static void end_event(size_t at)
{
    const uint32_t length = (uint32_t)(filled - at);

    memcpy(buffer + at, &length, sizeof(length));
}

/* A record of a directory, known by a number, and a name; padded to 4 bytes as the kernel does. */
static void add_record(uint8_t type, uint64_t number, const char *name)
{
    const uint64_t fsid = FSID;
    const uint32_t handle[2] = {sizeof(number), 1};
    const size_t name_size = (strlen(name) + 1 + 3) & ~(size_t)3;
    char padded[256] = "";
    const struct fanotify_event_info_header head = {
        .info_type = type,
        .len =
            (uint16_t)(sizeof(head) + sizeof(fsid) + sizeof(handle) + sizeof(number) + name_size)};

    (void)snprintf(padded, sizeof(padded), "%s", name);
    append(&head, sizeof(head));
    append(&fsid, sizeof(fsid));
    append(handle, sizeof(handle));
    append(&number, sizeof(number));
    append(padded, name_size);
}

static int empty(void **state)
{
    (void)state;
    filled = 0;
    return 0;
}

static void test_events_are_taken_apart(void **state)
{
    struct fan_event ev;
    size_t event;
    size_t at = 0;
    uint64_t number;

    (void)state;
    event = begin_event(FAN_CREATE | FAN_CLOSE_WRITE);
    add_record(FAN_EVENT_INFO_TYPE_DFID_NAME, 7, "image.jpg");
    end_event(event);
    event = begin_event(FAN_RENAME | FAN_ONDIR);
    add_record(FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 8, "a");
    add_record(FAN_EVENT_INFO_TYPE_FID, 1, ""); /* of no interest */
    add_record(FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 9, "b");
    end_event(event);
    end_event(begin_event(FAN_Q_OVERFLOW));

    assert_true(fan_event_next(buffer, filled, &at, &ev));
    assert_int_equal(ev.mask, FAN_CREATE | FAN_CLOSE_WRITE);
    assert_string_equal(ev.at.name, "image.jpg");
    assert_int_equal(ev.at.dir.fsid, FSID);
    assert_int_equal(ev.at.dir.type, 1);
    assert_int_equal(ev.at.dir.size, sizeof(number));
    memcpy(&number, ev.at.dir.bytes, sizeof(number));
    assert_int_equal(number, 7);
    assert_int_equal(ev.from.dir.size, 0);
    assert_true(fan_event_next(buffer, filled, &at, &ev));
    assert_int_equal(ev.at.dir.size, 0);
    assert_string_equal(ev.from.name, "a");
    assert_string_equal(ev.to.name, "b");
    memcpy(&number, ev.to.dir.bytes, sizeof(number));
    assert_int_equal(number, 9);
    assert_true(fan_event_next(buffer, filled, &at, &ev));
    assert_int_equal(ev.mask, FAN_Q_OVERFLOW);
    assert_false(fan_event_next(buffer, filled, &at, &ev));
    assert_int_equal(at, filled);
}

/* Bytes that are no events are not read beyond their end (a sanitizer sees to that), nor taken. */
static void test_bytes_that_are_no_events(void **state)
{
    struct fan_event ev;
    const size_t event = begin_event(FAN_CREATE);
    size_t whole;

    (void)state;
    add_record(FAN_EVENT_INFO_TYPE_DFID_NAME, 7, "n");
    end_event(event);
    whole = filled;
    for (size_t size = 0; size < whole; size++) {
        unsigned char *copy = malloc(size + 1);
        size_t at = 0;

        assert_non_null(copy);
        memcpy(copy, buffer, size);
        assert_false(fan_event_next(copy, size, &at, &ev));
        free(copy);
    }
    for (size_t i = 0; i < whole; i++) {
        unsigned char *copy = malloc(whole);

        assert_non_null(copy);
        for (int value = 0; value < 256; value++) {
            size_t at = 0;

            memcpy(copy, buffer, whole);
            copy[i] = (unsigned char)value;
            if (fan_event_next(copy, whole, &at, &ev)) {
                assert_true(at <= whole);
                assert_true(ev.at.dir.size == 0 || strlen(ev.at.name) < whole);
            }
        }
        free(copy);
    }
}

/* What an event of these is told as: words, with the watch in front of each. */
static const char *tell(uint64_t mask, const char *name, int at, int from, int to)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {{IN_DELETE, "delete"},       {IN_CREATE, "create"},   {IN_MODIFY, "modify"},
                 {IN_CLOSE_WRITE, "written"}, {IN_MOVED_FROM, "from"}, {IN_MOVED_TO, "to"},
                 {IN_ATTRIB, "attrib"},       {EVENT_LOOK, "look"},    {EVENT_ALONE, "alone"},
                 {IN_Q_OVERFLOW, "overflow"}, {IN_ISDIR, "dir"}};
    static char out[256];
    const struct fan_event ev = {
        .mask = mask, .at = {.name = name}, .from = {.name = "old"}, .to = {.name = "new"}};
    const struct fan_wds wds = {at, from, to};
    struct raw_event raw[FAN_EVENT_RAW_MAX];
    const size_t count = fan_event_tell(&ev, &wds, 5, raw);
    size_t n = 0;

    assert_true(count <= FAN_EVENT_RAW_MAX);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%d", i > 0 ? "; " : "", raw[i].wd);
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            if ((raw[i].mask & words[j].bit) != 0) {
                n += (size_t)snprintf(out + n, sizeof(out) - n, " %s", words[j].word);
            }
        }
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", raw[i].name[0] == '\0' ? "" : " ",
                              raw[i].name);
        assert_int_equal(raw[i].cookie, (raw[i].mask & (IN_MOVED_FROM | IN_MOVED_TO)) != 0 ? 5 : 0);
    }
    return out;
}

static void test_what_events_are_told_as(void **state)
{
    static const struct {
        uint64_t mask;
        const char *name;
        int at, from, to;
        const char *told;
    } cases[] = {
        /* files */
        {FAN_CREATE, "f", 3, -1, -1, "3 modify f"},
        {FAN_ATTRIB, "f", 3, -1, -1, "3 modify f"},
        {FAN_CREATE | FAN_MODIFY | FAN_CLOSE_WRITE, "f", 3, -1, -1, "3 written f"},
        {FAN_DELETE, "f", 3, -1, -1, "3 delete f"},
        {FAN_DELETE | FAN_MODIFY | FAN_CLOSE_WRITE, "f", 3, -1, -1, "3 delete f"},
        {FAN_DELETE | FAN_CREATE | FAN_CLOSE_WRITE, "f", 3, -1, -1, "3 delete f; 3 written f"},
        {FAN_DELETE | FAN_CREATE, "f", 3, -1, -1, "3 delete f; 3 modify f"},
        {FAN_RENAME, "", -1, 3, 4, "3 from old; 4 to new"},
        {FAN_RENAME, "", -1, 3, -1, "3 from old"},
        {FAN_RENAME, "", -1, -1, 4, "4 to new"},
        /* directories */
        {FAN_CREATE | FAN_ONDIR, "d", 3, -1, -1, "3 create dir d"},
        {FAN_DELETE | FAN_ONDIR, "d", 3, -1, -1, "3 delete dir d; 3 look dir d"},
        {FAN_CREATE | FAN_DELETE | FAN_ONDIR, "d", 3, -1, -1,
         "3 delete dir d; 3 create dir d; 3 look dir d"},
        {FAN_RENAME | FAN_ONDIR, "", -1, 3, 4, "3 from dir old; 4 to dir new; 3 look dir old"},
        {FAN_RENAME | FAN_ONDIR, "", -1, 3, -1, "3 from dir old; 3 look dir old"},
        {FAN_RENAME | FAN_ONDIR, "", -1, -1, 4, "4 to dir new"},
        {FAN_ATTRIB | FAN_ONDIR, ".", 3, -1, -1, "3 attrib alone dir"},
        /* not ours */
        {FAN_CREATE, "f", -1, -1, -1, ""},
        {FAN_CREATE | FAN_ONDIR, "d", -1, -1, -1, ""},
        {FAN_ATTRIB | FAN_ONDIR, ".", -1, -1, -1, ""},
        {FAN_RENAME | FAN_ONDIR, "", -1, -1, -1, ""},
        {FAN_Q_OVERFLOW, "", -1, -1, -1, "-1 overflow"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(
            tell(cases[i].mask, cases[i].name, cases[i].at, cases[i].from, cases[i].to),
            cases[i].told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handles),
        cmocka_unit_test(test_handles_that_differ_a_little),
        cmocka_unit_test(test_handles_go_round),
        cmocka_unit_test(test_handles_that_do_not_fit),
        cmocka_unit_test_setup(test_events_are_taken_apart, empty),
        cmocka_unit_test_setup(test_bytes_that_are_no_events, empty),
        cmocka_unit_test(test_what_events_are_told_as),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
