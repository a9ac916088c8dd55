/* The sockets that a worker waits for, in its epoll set. Shell. */
#include "uploaders/sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define STATES_FIRST 64

enum {
    SOCKET_BORN = 1,   /* its end is told */
    SOCKET_INSIDE = 2, /* it is in the set */
    SOCKET_READS = 4,  /* for EPOLLIN and nothing else */
    SOCKET_IDLE = 8,   /* but nobody waits for it */
};

int sockets_init(struct sockets *s)
{
    *s = (struct sockets){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
    return s->epoll_fd < 0 ? -errno : 0;
}

void sockets_release(struct sockets *s)
{
    if (s->epoll_fd >= 0)
        (void)close(s->epoll_fd); /* nothing was written */
    free(s->states);
    *s = (struct sockets){.epoll_fd = -1};
}

/* Its state; 0 where its end is not told. */
static uint8_t state_of(const struct sockets *s, int fd)
{
    return fd >= 0 && (size_t)fd < s->room ? s->states[fd] : 0;
}

/* Room for the state of a descriptor. Without memory there is none: it is as others are then. */
static bool make_room(struct sockets *s, int fd)
{
    size_t room = s->room > 0 ? s->room : STATES_FIRST;
    if (fd < 0)
        return false;
    while (room <= (size_t)fd)
        room *= 2;
    if (room == s->room)
        return true;
    uint8_t *states = realloc(s->states, room);
    if (!states)
        return false;
    memset(states + s->room, 0, room - s->room);
    s->states = states;
    s->room = room;
    return true;
}

void sockets_born(struct sockets *s, int fd)
{
    if (make_room(s, fd))
        s->states[fd] = SOCKET_BORN;
}

void sockets_gone(struct sockets *s, int fd)
{
    if (state_of(s, fd))
        s->states[fd] = 0;
}

/* Out of the set. It may be closed already, then it is out. */
static void take_out(struct sockets *s, int fd)
{
    (void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    if (state_of(s, fd))
        s->states[fd] = SOCKET_BORN;
}

/* Into the set, or otherwise than before. */
static int put_in(struct sockets *s, int fd, uint32_t events, bool inside)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (epoll_ctl(s->epoll_fd, inside ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    return epoll_ctl(s->epoll_fd, inside ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == 0 ? 0
                                                                                           : -errno;
}

int sockets_want(struct sockets *s, int fd, uint32_t events)
{
    uint8_t state = state_of(s, fd);
    bool reads = events == EPOLLIN;
    if (events == 0 && (state & SOCKET_READS)) {
        s->states[fd] |= SOCKET_IDLE;
        return 0;
    }
    if (events == 0) {
        take_out(s, fd);
        return 0;
    }
    int code = reads && (state & SOCKET_READS) ? 0 : put_in(s, fd, events, state & SOCKET_INSIDE);
    if (code == 0 && state)
        s->states[fd] = SOCKET_BORN | SOCKET_INSIDE | (reads ? SOCKET_READS : 0);
    return code;
}

bool sockets_is_wanted(struct sockets *s, int fd)
{
    if (!(state_of(s, fd) & SOCKET_IDLE))
        return true;
    take_out(s, fd);
    return false;
}
