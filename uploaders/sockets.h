/*
 * The sockets that a worker waits for, in its epoll set. Shell.
 *
 * libcurl says of each request when it begins to wait for its answer and when it does not any more;
 * in between two requests a connection is waited for by nobody. To take it out of the set and put
 * it in again would be two system calls a request, so a connection whose next use will be to wait
 * for an answer again stays in the set. Should something happen on it meanwhile (its server closes
 * it), it is taken out then.
 *
 * That holds for sockets whose end is told (sockets_born, sockets_gone): the kernel takes what is
 * closed out of the set by itself, and the number may be another socket's next. Others (those of
 * libcurl's resolver) are taken out at once. Not thread-safe.
 */
#ifndef LOCKSTEP_UPLOADERS_SOCKETS_H
#define LOCKSTEP_UPLOADERS_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockets {
    int epoll_fd;
    uint8_t *states; /* by descriptor: SOCKET_... of those whose end is told */
    size_t room;
};

/* sockets_init(s): an empty set; 0 or -errno. sockets_release(s): after init, or of {-1}. */
int sockets_init(struct sockets *s) __attribute__((warn_unused_result));
void sockets_release(struct sockets *s);

/* sockets_born(s, fd): a socket was opened, and sockets_gone(s, fd) will be told before the number
 * is another's. */
void sockets_born(struct sockets *s, int fd);
void sockets_gone(struct sockets *s, int fd);

/* sockets_want(s, fd, events): wait for these (EPOLLIN, EPOLLOUT); 0: for nothing any more. 0 or
 * -errno. */
int sockets_want(struct sockets *s, int fd, uint32_t events) __attribute__((warn_unused_result));

/* sockets_is_wanted(s, fd): something happened there; is it waited for? If not, it is out of the
 * set now. */
bool sockets_is_wanted(struct sockets *s, int fd);

#endif
