/* An HTTP server that reads bodies, keeps nothing and answers 200. Shell. */
#include "tests/bench/sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD_MAX   16384
#define EVENTS_MAX 64
#define BACKLOG    1024

#define CHECKSUM_SIZE 32  /* of a CRC-64 in base64 and more */
#define TAIL_SIZE     192 /* bytes at the end of a body that has a trailer: text, a checksum in it */
#define ANSWER_SIZE   640

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
static uint64_t requests; /* answered, without those that asked for their number */

/* What a request is answered as. */
enum asked {
    ASKED_PUT,      /* an object, a part, and whatever else */
    ASKED_NUMBER,   /* SINK_NUMBER_PATH */
    ASKED_CREATE,   /* an upload in parts */
    ASKED_COMPLETE, /* the same */
};

/* One connection: a head that is being read, then a body that is thrown away. */
struct peer {
    int fd;
    enum asked asked;
    size_t head_n;
    uint64_t body_left;
    char checksum[CHECKSUM_SIZE]; /* as the request has it, "" if it has none */
    bool has_trailer;             /* it is behind the body */
    size_t tail_n;
    char tail[TAIL_SIZE + 1]; /* the end of what came of the body, so far */
    char head[HEAD_MAX + 1];
};

/* Stop with the words. */
static void die(const char *what)
{
    perror(what);
    exit(2);
}

/* Content-Length of a head, 0 where there is none. */
static uint64_t content_length(const char *head)
{
    const char *line = strcasestr(head, "\r\ncontent-length:");
    return line ? strtoull(line + 17, NULL, 10) : 0;
}

/* Keep the checksum that the request gives its body, in its head or in its trailer. */
static void note_checksum(struct peer *p, const char *text)
{
    static const char name[] = "\r\nx-amz-checksum-crc64nvme:";
    const char *line = strcasestr(text, name);
    p->checksum[0] = '\0';
    if (line)
        (void)sscanf(line + sizeof(name) - 1, " %31[A-Za-z0-9+/=]", p->checksum); /* "" if none */
}

/* The next n bytes of the body: its end so far is kept. */
static void note_tail(struct peer *p, const char *bytes, size_t n)
{
    size_t of_old = n < TAIL_SIZE ? TAIL_SIZE - n : 0, of_new = n < TAIL_SIZE ? n : TAIL_SIZE;
    if (of_old > p->tail_n)
        of_old = p->tail_n;
    memmove(p->tail, p->tail + p->tail_n - of_old, of_old);
    memcpy(p->tail + of_old, bytes + n - of_new, of_new);
    p->tail_n = of_old + of_new;
    p->tail[p->tail_n] = '\0';
}

/* The answer of an S3 that has the object. The ETag is the request's number: of the right length,
 * and another for each. */
static size_t put_answer(const struct peer *p, char out[ANSWER_SIZE])
{
    return (size_t)snprintf(out, ANSWER_SIZE,
                            "HTTP/1.1 200 OK\r\nETag: \"%032" PRIx64 "\"\r\n%s%s%s"
                            "Content-Length: 0\r\n\r\n",
                            requests, p->checksum[0] ? "x-amz-checksum-crc64nvme: " : "",
                            p->checksum, p->checksum[0] ? "\r\n" : "");
}

/* The answer to who asks for the number. */
static size_t number_answer(char out[ANSWER_SIZE])
{
    return (size_t)snprintf(out, ANSWER_SIZE,
                            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n%020" PRIu64, requests);
}

/* The answer to who begins an upload in parts, or completes one. */
static size_t upload_answer(const struct peer *p, char out[ANSWER_SIZE])
{
    char body[ANSWER_SIZE / 2];
    int n = p->asked == ASKED_CREATE
                ? snprintf(body, sizeof(body),
                           "<InitiateMultipartUploadResult><UploadId>%032" PRIx64
                           "</UploadId></InitiateMultipartUploadResult>",
                           requests)
                : snprintf(body, sizeof(body),
                           "<CompleteMultipartUploadResult><ETag>\"%032" PRIx64
                           "-1\"</ETag></CompleteMultipartUploadResult>",
                           requests);
    return (size_t)snprintf(out, ANSWER_SIZE, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", n,
                            body);
}

/* What the request line asks for. */
static enum asked asked_by(const char *head)
{
    if (strncmp(head, "GET " SINK_NUMBER_PATH " ", sizeof("GET " SINK_NUMBER_PATH)) == 0)
        return ASKED_NUMBER;
    if (strncmp(head, "POST ", 5) != 0)
        return ASKED_PUT;
    const char *query = memchr(head, '?', strcspn(head, "\r"));
    if (query && strncmp(query, "?uploads", 8) == 0)
        return ASKED_CREATE;
    return query && strncmp(query, "?uploadId=", 10) == 0 ? ASKED_COMPLETE : ASKED_PUT;
}

/* False where it does not all fit at once: the peer does not read. */
static bool say(const struct peer *p, const char *text, size_t n)
{
    return send(p->fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* The request is whole: answer it. */
static bool reply(struct peer *p)
{
    char answer[ANSWER_SIZE];
    size_t n;
    if (p->has_trailer)
        note_checksum(p, p->tail);
    requests += p->asked != ASKED_NUMBER;
    if (p->asked == ASKED_NUMBER)
        n = number_answer(answer);
    else if (p->asked == ASKED_PUT)
        n = put_answer(p, answer);
    else
        n = upload_answer(p, answer);
    return say(p, answer, n);
}

/* n bytes more lie behind head_n. False where the peer is to be cut off. */
static bool take_head(struct peer *p, size_t n)
{
    p->head_n += n;
    p->head[p->head_n] = '\0';
    for (;;) {
        char *end = strstr(p->head, "\r\n\r\n");
        if (!end)
            return p->head_n < HEAD_MAX;
        end[2] = '\0'; /* headers are looked for in this head alone */
        uint64_t length = content_length(p->head);
        note_checksum(p, p->head);
        p->asked = asked_by(p->head);
        p->has_trailer = strcasestr(p->head, "\r\nx-amz-trailer:") != NULL;
        p->tail_n = 0;
        size_t rest = p->head_n - (size_t)(end + 4 - p->head);
        size_t of_body = rest < length ? rest : (size_t)length;
        bool waits = of_body < length && strcasestr(p->head, "\r\nexpect:") != NULL;
        p->body_left = length - of_body;
        p->head_n = rest - of_body;
        if (p->has_trailer)
            note_tail(p, end + 4, of_body);
        memmove(p->head, end + 4 + of_body, p->head_n + 1);
        if (p->body_left > 0)
            return !waits || say(p, go_on, sizeof(go_on) - 1);
        if (!reply(p))
            return false;
    }
}

/* Read what there is. False at the end. */
static bool serve(struct peer *p)
{
    static char waste[1 << 20];
    for (;;) {
        bool in_body = p->body_left > 0;
        size_t room = in_body ? (p->body_left < sizeof(waste) ? p->body_left : sizeof(waste))
                              : HEAD_MAX - p->head_n;
        ssize_t n = recv(p->fd, in_body ? waste : p->head + p->head_n, room, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0)
            return false;
        if (in_body) {
            p->body_left -= (uint64_t)n;
            if (p->has_trailer)
                note_tail(p, waste, (size_t)n);
            if (p->body_left == 0 && !reply(p))
                return false;
        } else if (!take_head(p, (size_t)n)) {
            return false;
        }
        if ((size_t)n < room)
            return true;
    }
}

int sink_listen(uint16_t *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        die("listen");
    *ret_port = ntohs(a.sin_port);
    return fd;
}

/* A new peer into the set. */
static void welcome(int epoll_fd, int listener)
{
    int on = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct peer *p = fd >= 0 ? calloc(1, sizeof(*p)) : NULL;
    if (!p)
        die("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    p->fd = fd;
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = p};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
        die("epoll");
}

_Noreturn void sink_serve(int listener)
{
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event on_listener = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &on_listener) != 0)
        die("epoll");
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            struct peer *p = events[i].data.ptr;
            if (!p) {
                welcome(epoll_fd, listener);
            } else if (!serve(p)) {
                close(p->fd);
                free(p);
            }
        }
    }
}
