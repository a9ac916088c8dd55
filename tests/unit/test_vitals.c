/* What kernel and disk tell of the agent. */
#include "agent/service/vitals.h"
#include "base/clock.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A file of so many bytes. */
static void make(const char *name, size_t n)
{
    char bytes[64] = "";
    int fd = openat(scratch_fd(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && n <= sizeof bytes);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(close(fd), 0);
}

static void test_process(void **state)
{
    struct metrics_process before, after;
    int fd;

    (void)state;
    vitals_process(&before);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    vitals_process(&after);
    assert_int_equal(close(fd), 0);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_int_equal(after.threads, 1);
    assert_true(after.own_bytes > 0 && after.own_bytes <= after.resident_bytes);
    assert_true(after.resident_bytes < after.virtual_bytes);
    assert_true(after.open_fds < after.max_fds && after.cpu_ms >= before.cpu_ms);
    assert_int_equal(after.started_ms, before.started_ms);
    assert_true(after.started_ms <= clock_real_us() / US_PER_MS + 1000);
    assert_true(after.started_ms > clock_real_us() / US_PER_MS - 600000);
}

static void test_disk(void **state)
{
    static const char second[] = "00000000000000000020.jsonl.zst";
    char dir[64];
    struct metrics_disk disk;

    (void)state;
    snprintf(dir, sizeof dir, "/proc/self/fd/%d", scratch_fd());
    make("00000000000000000001.jsonl.zst", 10);
    make("00000000000000000001.idx", 5);
    make(second, 20);
    make("00000000000000000030.jsonl", 7);
    make("00000000000000000040.jsonl", 3); /* the open one */
    make("000.jsonl", 1);
    vitals_disk(dir, dir, NULL, &disk);
    assert_int_equal(disk.journal_segments, 4);
    assert_int_equal(disk.journal_bytes, 46);
    assert_int_equal(disk.segments_behind, 0); /* none go anywhere */
    assert_true(disk.free_bytes > 0);
    vitals_disk(dir, dir, "", &disk);
    assert_int_equal(disk.segments_behind, 3);
    vitals_disk(dir, dir, second, &disk);
    assert_int_equal(disk.segments_behind, 1);
    vitals_disk(dir, dir, "00000000000000000030.jsonl", &disk);
    assert_int_equal(disk.segments_behind, 0);
    vitals_disk("/nowhere", "/nowhere", "", &disk);
    assert_int_equal(disk.journal_bytes + disk.journal_segments + disk.segments_behind, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_process),
        cmocka_unit_test_setup_teardown(test_disk, scratch_setup, scratch_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
