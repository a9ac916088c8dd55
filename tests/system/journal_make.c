/*
 * Write a journal of many small segments for tests of what reads journals.
 *
 *   journal_make DIRECTORY RECORDS SEGMENT_BYTES [KEY_FILE [BEGUN_S]]
 *
 * Records of every kind, with names that are not UTF-8 among them, in batches of different sizes,
 * a millisecond after the other; with a key, signed every few of them. The same arguments give the
 * same records. Exit status 0 or 1.
 */
#include "base/clock.h"
#include "base/err.h"
#include "journal/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BEGUN_US (INT64_C(1795000000) * US_PER_S)

static const char *const names[] = {"a.jpg", "dir/b \"quoted\" \\.jpg", "gr\303\274n/\t.jpg",
                                    "not\377utf8/c", "d/e/f/g/h/i/j.jpg"};

/* The nth record. */
static struct journal_record record(uint64_t n)
{
    const size_t name_count = sizeof names / sizeof *names;
    struct journal_record r = {.op = (enum journal_op)(n % JOURNAL_OP_COUNT),
                               .state = (enum journal_state)(n / 3 % JOURNAL_STATE_COUNT),
                               .source = (enum journal_source)(n % JOURNAL_SRC_COUNT),
                               .mapping = "images",
                               .path = names[n % name_count],
                               .tx = n % 4 ? n : 0};

    if (n % 2) {
        r.has = JOURNAL_HAS_FILE | (n % 3 ? JOURNAL_HAS_CRC : 0);
        r.ino = n * 1000003;
        r.size = n * n;
        r.mtime_ns = (int64_t)n * 999999937 - 5000000000;
        r.mode = 0100644;
        r.crc64 = n * UINT64_C(0x9e3779b97f4a7c15);
        r.etag = "d41d8cd98f00b204e9800998ecf8427e";
        r.http_status = 200;
    }
    if (n % 5 == 0) {
        r.path2 = names[(n + 1) % name_count];
        r.count = n;
    }
    if (n % 7 == 0)
        r.why = "a reason\nof two lines, with \"quotes\"";
    return r;
}

int main(int argc, char **argv)
{
    struct journal_options opt = {.ballast_bytes = JOURNAL_NO_BALLAST, .host = "host"};
    struct journal_recovery recovery;
    struct journal *j = NULL;
    struct journal_secret secret;
    struct err e = {0};
    int64_t begun_us = BEGUN_US;
    uint64_t count;
    int code;

    if (argc < 4 || argc > 6)
        return 1;
    if (argc == 6)
        begun_us = strtoll(argv[5], NULL, 10) * US_PER_S;
    count = strtoull(argv[2], NULL, 10);
    opt.segment_bytes = strtoull(argv[3], NULL, 10);
    opt.checkpoint_ms = 7;
    code = journal_open(argv[1], &opt, begun_us, &j, &recovery, &e);
    if (code == 0 && argc >= 5)
        code = journal_key_load(argv[4], &secret, &e);
    if (code == 0 && argc >= 5)
        code = journal_sign(j, &secret, begun_us, &e);
    for (uint64_t n = 1; n <= count && code == 0; n++) {
        const struct journal_record r = record(n);
        const int64_t now_us = begun_us + (int64_t)n * US_PER_MS;

        code = journal_append(j, &r, now_us, NULL);
        if (code == 0 && n % (n % 11 + 1) == 0)
            code = journal_sync(j);
        if (code == 0)
            code = journal_tick(j, now_us); /* closes a segment that is full */
    }
    if (code)
        fprintf(stderr, "journal_make: %s\n", err_name(code));
    return journal_close(j) || code ? 1 : 0;
}
