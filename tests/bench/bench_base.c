/*
 * How fast base is: checksums, text forms, JSON, the map, patterns, and looks at files. The best of
 * several rounds, since what disturbs only ever makes slower.
 *
 *     bench_base
 */
#include "base/clock.h"
#include "base/crc.h"
#include "base/crc_ways.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/map.h"
#include "base/path.h"
#include "base/tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 15
#define BULK   ((size_t)1 << 20)
#define KEYS   200000
#define PATH   "train/n01440764/n01440764_10026_some_long_name.JPEG"
#define HASH   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static uint8_t bulk[BULK];
static char text[2 * BULK + 1];
static struct buf record;
static struct buf scratch[2];
static struct map *map;
static char keys[KEYS][32];
static int root_fd;
static volatile uint64_t sink; /* so that no result is left out */

/* A thing to be measured: runs once, and says on how many bytes it worked (0: count the runs). */
struct subject {
    const char *name;
    size_t (*run)(void);
    int runs; /* a round */
};

static size_t run_crc64_table(void)
{
    sink += crc64_by_table(0, bulk, BULK);
    return BULK;
}

static size_t run_crc64(void)
{
    sink += crc64nvme(0, bulk, BULK);
    return BULK;
}

static size_t run_crc32c_table(void)
{
    sink += crc32_by_table(0, bulk, BULK);
    return BULK;
}

static size_t run_crc32c(void)
{
    sink += crc32c(0, bulk, BULK);
    return BULK;
}

static size_t run_combine(void)
{
    sink += crc64nvme_combine(sink, 1, (uint64_t)16 << 20);
    return 0;
}

/* Texts of 32 KiB, side by side. */
static size_t run_sha256_strided(void)
{
    enum { TEXT = 32 * 1024, COUNT = BULK / TEXT };
    uint8_t out[COUNT][SHA256_BYTES];

    digest_sha256_strided((const char *)bulk, TEXT, TEXT, COUNT, out);
    sink += out[0][0];
    return BULK;
}

static size_t run_sha256(void)
{
    uint8_t out[SHA256_BYTES];

    digest_sha256(bulk, BULK, out);
    sink += out[0];
    return BULK;
}

static size_t run_hex(void)
{
    sink += (uint64_t)hex_encode(bulk, BULK, text)[7];
    return BULK;
}

static size_t run_base64(void)
{
    sink += (uint64_t)base64_encode(bulk, BULK, text)[7];
    return BULK;
}

/* A record as the journal has them. */
static size_t run_json_write(void)
{
    struct json_writer w;

    buf_reset(&record);
    json_begin(&w, &record);
    json_object(&w, NULL);
    json_put_int(&w, "seq", 123456);
    json_put_string(&w, "at", "2026-01-02T03:04:05.123456Z");
    json_put_string(&w, "kind", "intent");
    json_put_string(&w, "path", PATH);
    json_put_int(&w, "size", 123456);
    json_put_int(&w, "mtime_ns", INT64_C(1767323045123456000));
    json_put_string(&w, "sha256", HASH);
    json_put_string(&w, "crc64nvme", "rosUhgp5mIg=");
    json_object_end(&w);
    if (json_end(&w) != 0)
        abort();
    return record.len;
}

static size_t run_json_read(void)
{
    struct json_reader r;
    struct json_value value;
    struct span key;

    json_read_begin(&r, (struct span){record.data, record.len}, &scratch[0], &scratch[1]);
    while (json_read_next(&r, &key, &value) == JSON_MORE)
        sink += value.text.n;
    return record.len;
}

static size_t run_map_get(void)
{
    static size_t at;

    at = (at + 7919) % KEYS;
    sink += map_get_str(map, keys[at]) != NULL;
    return 0;
}

static size_t run_map_put_remove(void)
{
    static size_t at;

    at = (at + 7919) % KEYS;
    if (!map_remove_str(map, keys[at]) || map_put_str(map, keys[at], keys[at], NULL) != 0)
        abort();
    return 0;
}

static size_t run_glob_name(void)
{
    sink += path_glob("*.tmp", PATH);
    return 0;
}

static size_t run_glob_deep(void)
{
    sink += path_glob("**/n*/*.JPEG", PATH);
    return 0;
}

static size_t run_iso(void)
{
    char out[CLOCK_ISO_SIZE];

    sink += (uint64_t)clock_iso(INT64_C(1767323045123456) + (int64_t)(sink & 0xffff), out)[25];
    return 0;
}

/* One look; the paths are those of any Linux. */
static size_t look(const char *path)
{
    struct file_stat st;

    if (tree_stat(root_fd, path, &st) != 0)
        abort();
    sink += st.ino;
    return 0;
}

static size_t run_stat_one_level(void)
{
    return look("passwd");
}

static size_t run_stat_three_levels(void)
{
    return look("ssl/certs/ca-certificates.crt");
}

static size_t run_open_two_levels(void)
{
    int fd;

    if (tree_open(root_fd, "ssl/certs", O_PATH | O_DIRECTORY, &fd) == 0)
        (void)close(fd); /* O_PATH: nothing to lose */
    return 0;
}

/* Seconds on a clock that is never set. */
static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with this clock and pointer */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Measure and print one. */
static void measure(const struct subject *s)
{
    double best = 1e9;
    size_t bytes = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_s();
        double each;

        for (int i = 0; i < s->runs; i++)
            bytes = s->run();
        each = (now_s() - start) / s->runs;
        best = each < best ? each : best;
    }
    if (bytes > 0)
        printf("%-36s %9.2f GB/s %11.0f ns\n", s->name, (double)bytes / best / 1e9, best * 1e9);
    else
        printf("%-36s %14s %11.1f ns\n", s->name, "", best * 1e9);
}

/* What the subjects work on. */
static void prepare(void)
{
    for (size_t i = 0; i < BULK; i++)
        bulk[i] = (uint8_t)(i * 31 ^ i >> 8);
    buf_init(&record, 4096);
    buf_init(&scratch[0], 4096);
    buf_init(&scratch[1], 4096);
    map = map_new();
    if (!map || tree_open_root("/etc", &root_fd) != 0)
        abort();
    for (int i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "train/dir%d/%d.png", i % 1000, i);
        if (map_put_str(map, keys[i], keys[i], NULL) != 0)
            abort();
    }
}

int main(void)
{
    static const struct subject subjects[] = {
        {"crc64nvme, tables, 1 MiB", run_crc64_table, 2},
        {"crc64nvme, 1 MiB", run_crc64, 20},
        {"crc64nvme_combine, 16 MiB", run_combine, 1000},
        {"crc32c, tables, 1 MiB", run_crc32c_table, 2},
        {"crc32c, 1 MiB", run_crc32c, 20},
        {"digest_sha256, 1 MiB", run_sha256, 4},
        {"digest_sha256_strided, 32 x 32 KiB", run_sha256_strided, 4},
        {"hex_encode, 1 MiB", run_hex, 4},
        {"base64_encode, 1 MiB", run_base64, 4},
        {"json: write a record", run_json_write, 10000},
        {"json: read a record", run_json_read, 10000},
        {"map_get, 200000 keys", run_map_get, 20000},
        {"map_remove + map_put", run_map_put_remove, 20000},
        {"path_glob \"*.tmp\"", run_glob_name, 20000},
        {"path_glob \"**/n*/*.JPEG\"", run_glob_deep, 20000},
        {"clock_iso", run_iso, 20000},
        {"tree_stat, one level", run_stat_one_level, 5000},
        {"tree_stat, three levels or absent", run_stat_three_levels, 5000},
        {"tree_open + close, two levels", run_open_two_levels, 5000},
    };

    prepare();
    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        measure(&subjects[i]);
    printf("%-36s %14s %11.1f bytes\n", "map_bytes an entry", "", (double)map_bytes(map) / KEYS);
    map_free(map);
    for (int i = 0; i < 2; i++)
        buf_release(&scratch[i]);
    buf_release(&record);
    return close(root_fd) == 0 ? 0 : 1;
}
