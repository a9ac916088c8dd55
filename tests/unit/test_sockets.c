/* Which sockets stay in the epoll set of a worker. */
#include "tests/unit/unit.h"
#include "uploaders/sockets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* A set, and a connection of which the first end is in it or not. */
struct bed {
    struct sockets set;
    int ends[2];
};

static int set_up(void **state)
{
    struct bed *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    assert_int_equal(sockets_init(&b->set), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, b->ends), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bed *b = *state;
    sockets_release(&b->set);
    sockets_release(&b->set); /* once more is harmless */
    close(b->ends[0]);
    close(b->ends[1]);
    free(b);
    return 0;
}

/* What the set tells of the first end now; 0: nothing. */
static uint32_t told(const struct bed *b)
{
    struct epoll_event e;
    int n = epoll_wait(b->set.epoll_fd, &e, 1, 0);
    assert_true(n >= 0);
    if (n == 0)
        return 0;
    assert_int_equal(e.data.fd, b->ends[0]);
    return e.events;
}

/* The other end says something. */
static void say(const struct bed *b)
{
    assert_int_equal(send(b->ends[1], "x", 1, MSG_NOSIGNAL), 1);
}

static void hear(const struct bed *b)
{
    char c;
    assert_int_equal(recv(b->ends[0], &c, 1, MSG_DONTWAIT), 1);
}

/* Is the first end in the set? Putting it in says so. (It is out afterwards.) */
static bool is_inside(const struct bed *b)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = b->ends[0]};
    bool inside = epoll_ctl(b->set.epoll_fd, EPOLL_CTL_ADD, b->ends[0], &e) != 0;
    assert_int_equal(epoll_ctl(b->set.epoll_fd, EPOLL_CTL_DEL, b->ends[0], NULL), 0);
    return inside;
}

static void test_between_requests_it_stays(void **state)
{
    struct bed *b = *state;
    int fd = b->ends[0];
    sockets_born(&b->set, fd);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0);
        assert_int_equal(told(b), 0);
        say(b);
        assert_int_equal(told(b), EPOLLIN);
        assert_true(sockets_is_wanted(&b->set, fd));
        hear(b);
        assert_int_equal(sockets_want(&b->set, fd, 0), 0);
    }
    assert_true(is_inside(b));
}

static void test_what_nobody_waits_for_is_taken_out(void **state)
{
    struct bed *b = *state;
    int fd = b->ends[0];
    sockets_born(&b->set, fd);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0);
    assert_int_equal(sockets_want(&b->set, fd, 0), 0);
    say(b);
    assert_int_equal(told(b), EPOLLIN);
    assert_false(sockets_is_wanted(&b->set, fd));
    assert_int_equal(told(b), 0);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0); /* and comes in again */
    assert_int_equal(told(b), EPOLLIN);
    assert_true(sockets_is_wanted(&b->set, fd));
}

static void test_who_waits_to_write_does_not_stay(void **state)
{
    struct bed *b = *state;
    int fd = b->ends[0];
    sockets_born(&b->set, fd);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLOUT), 0);
    assert_int_equal(told(b), EPOLLOUT);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLIN | EPOLLOUT), 0);
    assert_int_equal(told(b), EPOLLOUT);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0);
    assert_int_equal(told(b), 0);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLOUT), 0);
    assert_int_equal(told(b), EPOLLOUT);
    assert_int_equal(sockets_want(&b->set, fd, 0), 0);
    assert_int_equal(told(b), 0);
    assert_false(is_inside(b));
}

static void test_a_number_is_anothers_next(void **state)
{
    struct bed *b = *state;
    int fd = b->ends[0], others[2];
    sockets_born(&b->set, fd);
    assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0);
    assert_int_equal(sockets_want(&b->set, fd, 0), 0);
    for (int told_of_end = 0; told_of_end < 2; told_of_end++) {
        if (told_of_end)
            sockets_gone(&b->set, fd);
        close(fd); /* the kernel takes it out */
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, others), 0);
        assert_int_equal(others[0], fd); /* the lowest that is free */
        close(b->ends[1]);
        b->ends[1] = others[1];
        if (!told_of_end)
            sockets_born(&b->set, fd);
        say(b);
        assert_int_equal(sockets_want(&b->set, fd, EPOLLIN), 0);
        assert_int_equal(told(b), EPOLLIN);
        assert_true(sockets_is_wanted(&b->set, fd));
        assert_int_equal(sockets_want(&b->set, fd, 0), 0);
    }
    assert_false(is_inside(b)); /* the last one's end would not be told */
}

static void test_of_unknown_ones_none_stays(void **state)
{
    struct bed *b = *state;
    assert_int_equal(sockets_want(&b->set, b->ends[0], EPOLLIN), 0);
    assert_int_equal(sockets_want(&b->set, b->ends[0], EPOLLOUT), 0);
    assert_int_equal(told(b), EPOLLOUT);
    assert_true(sockets_is_wanted(&b->set, b->ends[0]));
    assert_int_equal(sockets_want(&b->set, b->ends[0], EPOLLIN), 0);
    assert_int_equal(sockets_want(&b->set, b->ends[0], 0), 0);
    assert_int_equal(sockets_want(&b->set, b->ends[0], 0), 0);
    assert_false(is_inside(b));
    sockets_gone(&b->set, b->ends[0]);
    sockets_gone(&b->set, 100000);
    assert_true(sockets_is_wanted(&b->set, 100000));
    assert_true(sockets_want(&b->set, 100000, EPOLLIN) < 0);
}

static void test_many_numbers(void **state)
{
    struct bed *b = *state;
    int high = fcntl(b->ends[0], F_DUPFD_CLOEXEC, 700);
    assert_true(high >= 700);
    sockets_born(&b->set, b->ends[0]);
    sockets_born(&b->set, high);
    assert_int_equal(sockets_want(&b->set, b->ends[0], EPOLLIN), 0);
    assert_int_equal(sockets_want(&b->set, high, EPOLLOUT), 0);
    assert_int_equal(sockets_want(&b->set, high, 0), 0);
    assert_int_equal(sockets_want(&b->set, b->ends[0], 0), 0);
    sockets_gone(&b->set, high);
    close(high);
    say(b);
    assert_int_equal(told(b), EPOLLIN);
    assert_false(sockets_is_wanted(&b->set, b->ends[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_between_requests_it_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_nobody_waits_for_is_taken_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_waits_to_write_does_not_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_number_is_anothers_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_unknown_ones_none_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_numbers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
