/* The records that the journal's bench is made of. Pure. See journal_records.h. */
#include "tests/bench/journal_records.h"

#include <string.h>

#define ODD 9 /* records in a row that are not of a new image and nothing more */

/* The last n digits of a number. */
static void put_digits(char *at, size_t n, uint64_t i)
{
    for (; n > 0; i /= 10)
        at[--n] = (char)('0' + i % 10);
}

/* (Not by snprintf, which takes as long as half of a record.) */
char *bench_path(uint64_t i, char path[BENCH_PATH_SIZE])
{
    static const char model[] = "train/class_000/image_00000000.jpg";

    memcpy(path, model, sizeof model);
    put_digits(path + sizeof "train/class_" - 1, 3, i);
    put_digits(path + sizeof "train/class_000/image_" - 1, 8, i);
    return path;
}

/* The ETag of the i-th image: its number, spread over 128 bits. */
static const char *image_etag(uint64_t i, char etag[BENCH_ETAG_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t halves[2] = {i * UINT64_C(0x9e3779b97f4a7c15), i * UINT64_C(0xd1b54a32d192ed03)};

    for (unsigned k = BENCH_ETAG_SIZE - 1; k-- > 0; halves[k / 16] >>= 4)
        etag[k] = digits[halves[k / 16] & 15];
    etag[BENCH_ETAG_SIZE - 1] = '\0';
    return etag;
}

/* What stat says of the i-th image. */
static void give_file(struct journal_record *rec, uint64_t i)
{
    rec->has |= JOURNAL_HAS_FILE;
    rec->ino = 12345678 + i;
    rec->size = 123456 + i % 100000;
    rec->mtime_ns = BENCH_BASE_US * 1000 + (int64_t)i;
    rec->mode = 0100644;
    rec->uid = rec->gid = 1000;
}

/* What S3 answers when the i-th image arrives. */
static void give_answer(struct journal_record *rec, struct bench_texts *t, uint64_t i)
{
    rec->etag = image_etag(i, t->etag);
    rec->has |= JOURNAL_HAS_CRC;
    rec->crc64 = i * UINT64_C(0x9e3779b97f4a7c15);
    rec->http_status = 200;
    rec->attempts = 1;
    rec->duration_ms = 12;
}

/* The i-th record, which has the number seq: of an image that is new, what is about to be done,
 * what S3 answered, and that it is done. (The agent's own outcome of an upload says in addition
 * what stat said; the end of an addition it does not write.) */
static void make_record(struct journal_record *rec, struct bench_texts *t, uint64_t i, uint64_t seq)
{
    *rec = (struct journal_record){.op = i % 3 == 1 ? JOURNAL_PUT : JOURNAL_ADD,
                                   .state = i % 3 ? JOURNAL_DONE : JOURNAL_INTENT,
                                   .mapping = "images",
                                   .path = bench_path(i / 3, t->path),
                                   .tx = seq - i % 3};
    if (i % 3 == 0) {
        rec->source = JOURNAL_SRC_EVENT;
        give_file(rec, i / 3);
    }
    if (i % 3 == 1)
        give_answer(rec, t, i / 3);
}

/* Of n records, ODD in a row are of other kinds: the image in the middle is renamed, one more is
 * refused at first, and all is in S3. Is the i-th one of them? */
static bool is_odd(uint64_t i, uint64_t n)
{
    const uint64_t first = n / 4 * 3;

    return i >= first && i - first < ODD;
}

static void make_odd(struct journal_record *rec, struct bench_texts *t, uint64_t i, uint64_t n,
                     uint64_t seq)
{
    static const struct {
        enum journal_op op;
        enum journal_state state;
        unsigned begun; /* so many records before */
    } kinds[ODD] = {
        {JOURNAL_RENAME, JOURNAL_INTENT, 0}, {JOURNAL_COPY, JOURNAL_DONE, 1},
        {JOURNAL_DELETE, JOURNAL_DONE, 2},   {JOURNAL_RENAME, JOURNAL_DONE, 3},
        {JOURNAL_ADD, JOURNAL_INTENT, 0},    {JOURNAL_PUT, JOURNAL_FAILED, 1},
        {JOURNAL_PUT, JOURNAL_DONE, 2},      {JOURNAL_ADD, JOURNAL_DONE, 3},
        {JOURNAL_IDLE, JOURNAL_NOTE, 0},
    };
    const unsigned k = (unsigned)(i - n / 4 * 3);
    const uint64_t image = k < 4 ? n / 6 : n / 4;

    *rec = (struct journal_record){.op = kinds[k].op, .state = kinds[k].state};
    if (rec->op == JOURNAL_IDLE)
        return;
    rec->mapping = "images";
    rec->path = bench_path(image, t->path);
    rec->path2 = rec->op == JOURNAL_RENAME ? BENCH_SHOWN : NULL;
    rec->tx = seq - kinds[k].begun;
    if (rec->op == JOURNAL_COPY) {
        rec->path2 = rec->path;
        rec->path = BENCH_SHOWN;
    }
    if (rec->state == JOURNAL_INTENT || rec->op == JOURNAL_COPY)
        give_file(rec, image);
    if (rec->state == JOURNAL_DONE && (rec->op == JOURNAL_PUT || rec->op == JOURNAL_COPY))
        give_answer(rec, t, image);
    if (rec->op == JOURNAL_DELETE)
        rec->http_status = 200;
    if (rec->state == JOURNAL_FAILED) {
        rec->http_status = 503;
        rec->attempts = 5;
        rec->why = "SlowDown: Please reduce your request rate.";
    }
}

void bench_record(struct journal_record *rec, struct bench_texts *t, uint64_t i, uint64_t n,
                  uint64_t seq)
{
    if (is_odd(i, n))
        make_odd(rec, t, i, n, seq);
    else
        make_record(rec, t, i, seq);
}

void bench_tell_file(struct journal_record *rec, uint64_t i, uint64_t n)
{
    give_file(rec, is_odd(i, n) ? n / 4 : i / 3);
}
