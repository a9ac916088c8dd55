/* Exchanges against a server that plays what a real one does seldom: it hangs up on a connection
 * that is kept, answers before it has the body, trickles, talks out of turn. */
#include "base/clock.h"
#include "tests/unit/unit.h"
#include "uploaders/wire.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS  600
#define TURNS_MS    10000
#define REQUEST_MAX (1024 * 1024)
#define OK_ANSWER   "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* What the server does with a request. */
enum manner {
    MANNER_USUAL,
    MANNER_TRICKLE,   /* the answer byte by byte */
    MANNER_HANG_UP,   /* answers, then closes without a word */
    MANNER_NO_ANSWER, /* closes instead of answering */
    MANNER_EARLY,     /* answers on the head, does not read the body, resets */
    MANNER_CLOSE,     /* closes on the head, without an answer */
    MANNER_SILENT,    /* no answer, no end */
};

struct step {
    enum manner manner;
    const char *answer;
};

/* Connections are served one after the other, each request by the next step. */
struct server {
    char *request; /* the latest one, head and body; to be looked at when it was answered */
    int fd;
    unsigned port;
    const struct step *steps;
    size_t count;
    atomic_size_t next;
    atomic_uint connections;
    pthread_t thread;
};

/* Bytes of the request's body that its head says. */
static size_t body_of(const char *head)
{
    const char *at = strcasestr(head, "content-length: ");
    return at ? (size_t)strtoul(at + 16, NULL, 10) : 0;
}

/* Read a request; of an early one no more than its head. False at the end. */
static bool read_request(int fd, char *text, bool early)
{
    size_t n = 0;
    for (;;) {
        text[n] = '\0';
        const char *end = strstr(text, "\r\n\r\n");
        if (end && (early || n >= (size_t)(end + 4 - text) + body_of(text)))
            return true;
        ssize_t got = read(fd, text + n, early && n == 0 ? 512 : REQUEST_MAX - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
}

static void say(int fd, const char *text, size_t piece)
{
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at += piece) {
        size_t left = n - at;
        if (send(fd, text + at, left < piece ? left : piece, MSG_NOSIGNAL) < 0)
            return;
        if (piece == 1)
            usleep(500);
    }
}

/* The end, by a reset where the other side still sends. */
static void hang_up(int fd, bool reset)
{
    struct linger l = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
    close(fd);
}

/* One connection. */
static void serve(struct server *s, int fd, char *text)
{
    for (;;) {
        size_t i = atomic_load(&s->next);
        struct step step = i < s->count ? s->steps[i] : (struct step){MANNER_USUAL, OK_ANSWER};
        if (!read_request(fd, text, step.manner == MANNER_EARLY || step.manner == MANNER_CLOSE)) {
            close(fd);
            return;
        }
        memcpy(s->request, text, REQUEST_MAX);
        atomic_fetch_add(&s->next, 1);
        if (step.answer)
            say(fd, step.answer, step.manner == MANNER_TRICKLE ? 1 : SIZE_MAX / 2);
        if (step.manner == MANNER_EARLY)
            usleep(100 * 1000); /* the answer is there before the reset */
        if (step.manner == MANNER_SILENT) {
            while (read(fd, text, REQUEST_MAX) > 0)
                ;
        }
        if (step.manner != MANNER_USUAL && step.manner != MANNER_TRICKLE) {
            hang_up(fd, step.manner == MANNER_EARLY);
            return;
        }
    }
}

static void *run(void *arg)
{
    struct server *s = arg;
    char *text = malloc(REQUEST_MAX);
    for (;;) {
        int fd = accept(s->fd, NULL, NULL);
        if (fd < 0)
            break;
        atomic_fetch_add(&s->connections, 1);
        serve(s, fd, text);
    }
    free(text);
    return NULL;
}

/* A server with its steps, and a wire. */
struct bed {
    struct server server;
    struct wire *wire;
};

static void set_up_paced(struct bed *b, const struct step *steps, size_t count,
                         int64_t (*pace)(void *arg, size_t *n))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    struct err e;
    memset(b, 0, sizeof(*b));
    b->server.request = calloc(1, REQUEST_MAX);
    b->server.steps = steps;
    b->server.count = count;
    b->server.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(b->server.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(b->server.fd, 8), 0);
    assert_int_equal(getsockname(b->server.fd, (struct sockaddr *)&at, &n), 0);
    b->server.port = ntohs(at.sin_port);
    assert_int_equal(pthread_create(&b->server.thread, NULL, run, &b->server), 0);
    struct wire_options opt = {
        .exchanges = 4, .timeout_ms = TIMEOUT_MS, .connect_ms = 2000, .direct = true, .pace = pace};
    assert_int_equal(wire_new(&opt, &b->wire, &e), 0);
}

static void set_up(struct bed *b, const struct step *steps, size_t count)
{
    set_up_paced(b, steps, count, NULL);
}

static void tear_down(struct bed *b)
{
    wire_free(b->wire);
    shutdown(b->server.fd, SHUT_RDWR);
    pthread_join(b->server.thread, NULL);
    close(b->server.fd);
    free(b->server.request);
}

/* An exchange, and whether it is over; and how its body is made, where it is. */
struct ask {
    struct exchange x; /* first */
    char url[64];
    bool over;
    const char *bytes;
    size_t made;  /* pieces of it go up to there */
    size_t piece; /* how long they are */
    bool starved;
    size_t at;        /* of what */
    unsigned begun;   /* how often it was asked for from the beginning */
    unsigned pieces;  /* that are made, before it breaks; 0: all */
    unsigned started; /* made so far */
    unsigned late_ms; /* how long the first one takes */
};

static void on_done(struct exchange *x)
{
    ((struct ask *)x)->over = true;
}

/* Ask, and wait for the end. Then ask_release. */
static void ask(struct bed *b, struct ask *a, const char *method, const char *body, size_t body_n)
{
    int64_t until_ms = clock_mono_ms() + TURNS_MS;
    memset(a, 0, sizeof(*a));
    wire_exchange_init(&a->x);
    snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u/key", b->server.port);
    a->x.method = method;
    a->x.url = a->url;
    a->x.body = (struct span){body, body_n};
    a->x.answer_max = 1024;
    a->x.done = on_done;
    wire_send(b->wire, &a->x);
    assert_false(a->over);
    while (!a->over && clock_mono_ms() < until_ms)
        wire_turn(b->wire, clock_mono_ms() + 50);
    assert_true(a->over);
}

static void check_ok(struct bed *b, unsigned sent)
{
    struct ask a;
    ask(b, &a, "PUT", "body", 4);
    assert_int_equal(a.x.transport, TRANSPORT_ANSWERED);
    assert_int_equal(a.x.status, 200);
    assert_string_equal(a.x.answer.data, "ok");
    assert_int_equal(a.x.sent, sent);
    wire_exchange_release(&a.x);
}

static void check_lost(struct bed *b, const char *words, unsigned sent)
{
    struct ask a;
    ask(b, &a, "PUT", "body", 4);
    assert_int_equal(a.x.transport, TRANSPORT_LOST);
    assert_int_equal(a.x.status, 0);
    assert_string_equal(a.x.words, words);
    assert_int_equal(a.x.sent, sent);
    wire_exchange_release(&a.x);
}

static void test_a_connection_is_kept(void **state)
{
    struct bed b;
    (void)state;
    set_up(&b, NULL, 0);
    for (int i = 0; i < 5; i++)
        check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.connections), 1);
    tear_down(&b);
}

static void test_an_answer_in_single_bytes(void **state)
{
    static const struct step steps[] = {
        {MANNER_TRICKLE, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                         "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 1);
    check_ok(&b, 1);
    check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.connections), 1);
    tear_down(&b);
}

/* The server closed a kept connection: nothing is sent there any more. */
static void test_a_kept_connection_that_ended(void **state)
{
    static const struct step steps[] = {{MANNER_HANG_UP, OK_ANSWER}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 1);
    check_ok(&b, 1);
    wire_turn(b.wire, clock_mono_ms() + 200);
    check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.connections), 2);
    tear_down(&b);
}

/* It closes it as the next request comes: that goes once more, on a new one. */
static void test_a_kept_connection_that_is_dead(void **state)
{
    static const struct step steps[] = {{MANNER_USUAL, OK_ANSWER}, {MANNER_NO_ANSWER, NULL}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 2);
    check_ok(&b, 1);
    check_ok(&b, 2);
    assert_int_equal(atomic_load(&b.server.connections), 2);
    tear_down(&b);
}

/* On a new one it is not sent again: who owns it may have reasons not to. */
static void test_a_new_connection_that_ends(void **state)
{
    static const struct step steps[] = {{MANNER_NO_ANSWER, NULL},
                                        {MANNER_USUAL, OK_ANSWER},
                                        {MANNER_NO_ANSWER, NULL},
                                        {MANNER_NO_ANSWER, NULL}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 4);
    check_lost(&b, "the connection ended without an answer", 1);
    check_ok(&b, 1);
    check_lost(&b, "the connection ended without an answer", 2);
    tear_down(&b);
}

/* What was begun to be answered took effect, perhaps: it is not sent again. */
static void test_an_answer_that_is_cut_off(void **state)
{
    static const struct step steps[] = {
        {MANNER_USUAL, OK_ANSWER},
        {MANNER_HANG_UP, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"},
        {MANNER_HANG_UP, "H"},
    };
    struct bed b;
    (void)state;
    set_up(&b, steps, 3);
    check_ok(&b, 1);
    check_lost(&b, "the connection ended within the answer", 1);
    check_lost(&b, "the connection ended within the answer", 1);
    tear_down(&b);
}

/* A refusal that comes before the body was sent is heard, though the connection is reset. */
static void test_an_early_refusal(void **state)
{
    static const struct step steps[] = {
        {MANNER_EARLY, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"}};
    size_t n = 64 << 20;
    char *body = calloc(n, 1);
    struct bed b;
    struct ask a;
    (void)state;
    assert_non_null(body);
    set_up(&b, steps, 1);
    ask(&b, &a, "PUT", body, n);
    assert_int_equal(a.x.transport, TRANSPORT_ANSWERED);
    assert_int_equal(a.x.status, 403);
    assert_string_equal(a.x.answer.data, "no");
    wire_exchange_release(&a.x);
    check_ok(&b, 1);
    tear_down(&b);
    free(body);
}

/* Bytes behind an answer are nobody's answer. */
static void test_a_server_that_talks_out_of_turn(void **state)
{
    static const struct step steps[] = {{MANNER_USUAL, OK_ANSWER "HTTP/1.1 500 Never\r\n\r\n"},
                                        {MANNER_USUAL, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
                                                       "Connection: close\r\n\r\nok"}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 2);
    check_ok(&b, 1);
    check_ok(&b, 1);
    check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.connections), 3);
    tear_down(&b);
}

static void test_what_is_not_http(void **state)
{
    static const struct step steps[] = {{MANNER_USUAL, "SSH-2.0-OpenSSH_9.2\r\n"}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 1);
    check_lost(&b, "the answer is not HTTP/1", 1);
    check_ok(&b, 1);
    tear_down(&b);
}

static void test_a_server_that_is_silent(void **state)
{
    static const struct step steps[] = {{MANNER_SILENT, NULL}};
    struct bed b;
    (void)state;
    set_up(&b, steps, 1);
    check_lost(&b, "no progress within the time-out", 1);
    check_ok(&b, 1);
    tear_down(&b);
}

/* Nobody listens: libcurl's words. A URL or a line that is none never begins. */
static void test_what_cannot_begin(void **state)
{
    static const char bad[] = "a: b\r\nc: d";
    struct bed b;
    struct ask a;
    (void)state;
    set_up(&b, NULL, 0);
    unsigned port = b.server.port;
    b.server.port = 1;
    check_lost(&b, "Couldn't connect to server", 0);
    b.server.port = port;
    memset(&a, 0, sizeof(a));
    wire_exchange_init(&a.x);
    a.x.method = "GET";
    a.x.url = "http://127.0.0.1/";
    a.x.lines = bad;
    a.x.lines_n = sizeof(bad);
    a.x.done = on_done;
    wire_send(b.wire, &a.x);
    wire_turn(b.wire, INT64_MAX); /* comes back, since its owner may want something else now */
    assert_true(a.over);
    assert_string_equal(a.x.words, "the request cannot begin");
    wire_exchange_release(&a.x);
    tear_down(&b);
}

/* What is in flight when the wire goes has no end. */
static void test_a_wire_that_goes(void **state)
{
    static const struct step steps[] = {{MANNER_SILENT, NULL}};
    struct bed b;
    struct ask a;
    (void)state;
    set_up(&b, steps, 1);
    memset(&a, 0, sizeof(a));
    wire_exchange_init(&a.x);
    snprintf(a.url, sizeof(a.url), "http://127.0.0.1:%u/key", b.server.port);
    a.x.method = "GET";
    a.x.url = a.url;
    a.x.done = on_done;
    wire_send(b.wire, &a.x);
    for (int i = 0; i < 200 && atomic_load(&b.server.next) == 0; i++)
        wire_turn(b.wire, clock_mono_ms() + 10);
    assert_int_equal(atomic_load(&b.server.next), 1);
    tear_down(&b);
    assert_false(a.over);
    wire_exchange_release(&a.x);
}

/* exchange.starved */
static void on_starved(struct exchange *x, size_t at)
{
    struct ask *a = (struct ask *)x;
    assert_false(a->over);
    assert_true(at == 0 || at == a->made);
    a->begun += at == 0;
    a->starved = true;
    a->at = at;
}

/* Its next piece, or no more. */
static void feed(struct bed *b, struct ask *a)
{
    size_t left = a->x.made_n - a->at, n = left < a->piece ? left : a->piece;
    a->starved = false;
    for (int64_t until_ms = clock_mono_ms() + a->late_ms; clock_mono_ms() < until_ms;)
        wire_turn(b->wire, until_ms);
    a->late_ms = 0;
    if (a->over || a->starved) /* meanwhile */
        return;
    if (a->pieces > 0 && a->started++ == a->pieces) {
        wire_break(&a->x);
        return;
    }
    a->made = a->at + n;
    wire_more(&a->x, a->at, (struct span){a->bytes + a->at, n});
}

/* Ask with a body of n bytes that is made in pieces. */
static void ask_made(struct bed *b, struct ask *a, const char *bytes, size_t n, size_t piece,
                     unsigned pieces, unsigned late_ms)
{
    int64_t until_ms = clock_mono_ms() + TURNS_MS;
    memset(a, 0, sizeof(*a));
    wire_exchange_init(&a->x);
    snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u/key", b->server.port);
    a->x.method = "PUT";
    a->x.url = a->url;
    a->x.made_n = n;
    a->x.starved = on_starved;
    a->x.answer_max = 1024;
    a->x.done = on_done;
    a->bytes = bytes;
    a->piece = piece;
    a->pieces = pieces;
    a->late_ms = late_ms;
    wire_send(b->wire, &a->x);
    while (!a->over && clock_mono_ms() < until_ms) {
        wire_turn(b->wire, clock_mono_ms() + 10000); /* it says at once what it wants */
        if (!a->over && a->starved)
            feed(b, a);
    }
    assert_true(a->over);
}

/* Noise, none of it a NUL. */
static char *noise(size_t n)
{
    char *p = malloc(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 31 % 255 + 1);
    return p;
}

/* What the server has is the body. */
static void check_body(const struct bed *b, const char *bytes, size_t n)
{
    const char *end = strstr(b->server.request, "\r\n\r\n");
    assert_non_null(end);
    assert_int_equal(body_of(b->server.request), n);
    assert_memory_equal(end + 4, bytes, n);
}

/* A body comes as it is made, of whatever size it and its pieces are. */
static void test_a_body_that_is_made(void **state)
{
    static const size_t sizes[][2] = {{1, 1},           {10, 3},          {70000, 70000},
                                      {70000, 69999},   {700000, 262144}, {700000, 525712},
                                      {700000, 400000}, {5, 900000}};
    char *bytes = noise(700000);
    struct bed b;
    (void)state;
    set_up(&b, NULL, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ask a;
        ask_made(&b, &a, bytes, sizes[i][0], sizes[i][1], 0, 0);
        assert_int_equal(a.x.status, 200);
        assert_int_equal(a.x.sent, 1);
        assert_int_equal(a.begun, 1);
        check_body(&b, bytes, sizes[i][0]);
        wire_exchange_release(&a.x);
    }
    assert_int_equal(atomic_load(&b.server.connections), 1);
    tear_down(&b);
    free(bytes);
}

/* After the first step a body in three pieces, the first of which is late, arrives; it was asked
 * for so often from its beginning. */
static void check_made(const struct step *steps, size_t count, unsigned late_ms, unsigned begun)
{
    char *bytes = noise(300000);
    struct bed b;
    struct ask a;
    set_up(&b, steps, count);
    check_ok(&b, 1);
    ask_made(&b, &a, bytes, 300000, 100000, 0, late_ms);
    assert_int_equal(a.x.status, 200);
    assert_int_equal(a.x.sent, begun);
    assert_int_equal(a.begun, begun);
    check_body(&b, bytes, 300000);
    wire_exchange_release(&a.x);
    tear_down(&b);
    free(bytes);
}

/* A connection that was kept is dead, at its end or while the body is made: that begins anew. */
static void test_a_made_body_on_a_dead_connection(void **state)
{
    static const struct step at_the_end[] = {{MANNER_USUAL, OK_ANSWER}, {MANNER_NO_ANSWER, NULL}};
    static const struct step meanwhile[] = {{MANNER_USUAL, OK_ANSWER}, {MANNER_CLOSE, NULL}};
    (void)state;
    check_made(at_the_end, 2, 0, 2);
    check_made(meanwhile, 2, 100, 2);
}

/* Who makes the body takes longer than the network is given. */
static void test_a_body_that_is_late(void **state)
{
    (void)state;
    check_made(NULL, 0, 3 * TIMEOUT_MS, 1);
}

/* 70,000 bytes at a time, and a rest before each. */
static int64_t pace(void *arg, size_t *n)
{
    static bool rested;
    (void)arg;
    rested = !rested;
    if (*n > 70000)
        *n = 70000;
    return rested ? 2000 : 0;
}

static void test_a_made_body_that_is_held_back(void **state)
{
    char *bytes = noise(700000);
    struct bed b;
    struct ask a;
    (void)state;
    set_up_paced(&b, NULL, 0, pace);
    ask_made(&b, &a, bytes, 700000, 200000, 0, 0);
    assert_int_equal(a.x.status, 200);
    check_body(&b, bytes, 700000);
    wire_exchange_release(&a.x);
    tear_down(&b);
    free(bytes);
}

/* It is refused before it is made: nobody asks for the rest. */
static void test_a_made_body_that_is_refused(void **state)
{
    static const struct step steps[] = {
        {MANNER_EARLY, "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"}};
    char *bytes = noise(700000);
    struct bed b;
    struct ask a;
    (void)state;
    set_up(&b, steps, 1);
    ask_made(&b, &a, bytes, 700000, 100, 0, 0);
    assert_int_equal(a.x.status, 403);
    assert_true(a.made < 700000);
    wire_more(&a.x, a.made, (struct span){bytes, 1}); /* too late: nothing comes of it */
    wire_break(&a.x);
    wire_exchange_release(&a.x);
    check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.connections), 2);
    tear_down(&b);
    free(bytes);
}

/* It cannot be made: the request ends, and its connection. */
static void test_a_body_that_breaks(void **state)
{
    char *bytes = noise(300000);
    struct bed b;
    (void)state;
    set_up(&b, NULL, 0);
    for (unsigned pieces = 1; pieces < 3; pieces++) {
        struct ask a;
        ask_made(&b, &a, bytes, 300000, 100000, pieces, 0);
        assert_int_equal(a.x.transport, TRANSPORT_LOST);
        assert_int_equal(a.x.status, 0);
        wire_exchange_release(&a.x);
    }
    check_ok(&b, 1);
    assert_int_equal(atomic_load(&b.server.next), 1);
    assert_int_equal(atomic_load(&b.server.connections), 3);
    tear_down(&b);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_kept),
        cmocka_unit_test(test_an_answer_in_single_bytes),
        cmocka_unit_test(test_a_kept_connection_that_ended),
        cmocka_unit_test(test_a_kept_connection_that_is_dead),
        cmocka_unit_test(test_a_new_connection_that_ends),
        cmocka_unit_test(test_an_answer_that_is_cut_off),
        cmocka_unit_test(test_an_early_refusal),
        cmocka_unit_test(test_a_server_that_talks_out_of_turn),
        cmocka_unit_test(test_what_is_not_http),
        cmocka_unit_test(test_a_server_that_is_silent),
        cmocka_unit_test(test_what_cannot_begin),
        cmocka_unit_test(test_a_wire_that_goes),
        cmocka_unit_test(test_a_body_that_is_made),
        cmocka_unit_test(test_a_made_body_on_a_dead_connection),
        cmocka_unit_test(test_a_body_that_is_late),
        cmocka_unit_test(test_a_made_body_that_is_held_back),
        cmocka_unit_test(test_a_made_body_that_is_refused),
        cmocka_unit_test(test_a_body_that_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
