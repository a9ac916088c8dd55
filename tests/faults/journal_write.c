/*
 * Write a journal until the disk fails, and say what is safe.
 *
 *   journal_write DIRECTORY ACKNOWLEDGED [SEGMENT_BYTES [SECONDS]]
 *
 * Records follow from their number alone (name_of), so that a reader knows what each must be. The
 * number of the last one that journal_sync vouched for is in the file ACKNOWLEDGED, 8 bytes in the
 * machine's order, at every moment: that file is on a disk that does not fail. What recovery found
 * is printed before the first record. Exit status: 0 after SECONDS (10), 3 when the journal failed,
 * 1 where it could not be opened.
 */
#include "base/clock.h"
#include "base/err.h"
#include "journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_SIZE    160
#define BATCH_MOST   40 /* records a sync */
#define SECONDS_MOST 10
#define SPREAD       UINT64_C(0x9e3779b97f4a7c15) /* 2^64 / golden ratio: any number but itself */

/* The path of the nth record: lengths vary, so that batches end anywhere in a block. */
static void name_of(uint64_t n, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "d%" PRIu64 "/%0*" PRIx64 ".jpg", n % 7, (int)(16 + n % 100),
             n * SPREAD);
}

/* The acknowledged number's place. NULL where there is none. */
static volatile uint64_t *acknowledged_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *p = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(uint64_t)) == 0)
        p = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    return p == MAP_FAILED ? NULL : p;
}

/* One record. 0 or a negative code. */
static int append(struct journal *j, int64_t now_us)
{
    char name[NAME_SIZE];
    const struct journal_record r = {.op = JOURNAL_ADD,
                                     .state = JOURNAL_INTENT,
                                     .tx = JOURNAL_TX_SELF,
                                     .mapping = "images",
                                     .path = name};

    name_of(journal_next_seq(j), name);
    return journal_append(j, &r, now_us, NULL);
}

/* Batches of 1 to BATCH_MOST records, each synced; where the first number is even, by a thread,
 * while the next batch is made. The code of the failure, or 0 in the end. */
static int write_on(struct journal *j, volatile uint64_t *acknowledged, int64_t until_ms)
{
    const bool apart = journal_next_seq(j) % 2 == 0;
    int fd, rc = apart ? journal_sync_apart(j, &fd) : 0;

    while (rc == 0 && clock_mono_ms() < until_ms) {
        uint64_t count = 1 + journal_next_seq(j) * SPREAD % BATCH_MOST;

        for (uint64_t i = 0; i < count && rc == 0; i++)
            rc = append(j, clock_real_us());
        if (rc == 0)
            rc = apart ? journal_sync_begin(j) : journal_sync(j);
        if (rc == 0) {
            *acknowledged = journal_durable_seq(j);
            rc = journal_tick(j, clock_real_us());
        }
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct journal_options opt = {.ballast_bytes = JOURNAL_NO_BALLAST, .host = "host"};
    struct journal_recovery recovery;
    struct journal *j = NULL;
    struct err e = {0};
    volatile uint64_t *acknowledged;
    int64_t seconds = argc > 4 ? atoll(argv[4]) : SECONDS_MOST;
    int rc;

    if (argc < 3)
        return 1;
    acknowledged = acknowledged_open(argv[2]);
    opt.segment_bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    if (!acknowledged || journal_open(argv[1], &opt, clock_real_us(), &j, &recovery, &e)) {
        fprintf(stderr, "journal_write: %s: %s\n", e.where, e.what);
        return 1;
    }
    *acknowledged = recovery.next_seq - 1; /* before anybody may ask for it */
    printf("found %" PRIu64 " torn %" PRIu64 " corrupt %" PRIu64 "\n", recovery.next_seq - 1,
           recovery.torn_bytes, recovery.corrupt_segments);
    fflush(stdout);
    rc = write_on(j, acknowledged, clock_mono_ms() + seconds * MS_PER_S);
    if (journal_close(j) && rc == 0)
        rc = -EIO;
    return rc ? 3 : 0;
}
