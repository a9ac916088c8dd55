/* RecordIO files: what cannot be packed or relabelled is refused and leaves nothing; what is wrong
 * with a file is told. */
#include "lists/pack.h"
#include "tests/unit/lst_bed.h"

#include <math.h>

#define JPEG  "\xff\xd8\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00\xff\xd9"
#define LARGE (5u << 20) /* more than is kept for the next image */

static int set_up(void **state)
{
    int fd;

    (void)state;
    bed_make();
    put_file("a.jpg", "first");
    put_file("b.jpg", "second");
    put_file("empty.jpg", "");
    assert_int_equal(mkdir("dir.jpg", 0755), 0);
    assert_int_equal(mkdir("dir.rec", 0755), 0);
    assert_int_equal(mkdir("sub", 0755), 0);
    fd = open("large.jpg", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, LARGE), 0);
    close(fd);
    fd = open("huge.jpg", O_WRONLY | O_CREAT, 0644);
    assert_int_equal(ftruncate(fd, RECORD_PAYLOAD_MAX), 0); /* with its head a record cannot be */
    close(fd);
    return 0;
}

static int pack(const char *rows, const char *out, struct pack_stats *stats, struct err *e)
{
    const struct lst_list list = {"a.lst", span_of(rows)};
    const struct pack_options opt = {.root_fd = bed_fd, .threads = 2};

    return pack_list(&list, &opt, out, stats, e);
}

/* --- packing ---------------------------------------------------------------------------------- */

static const struct {
    const char *rows;
    const char *out;
    int rc;
    const char *says;
} refusals[] = {
    {"0\t0\ta.jpg\n1\t0\tempty.jpg\n", "l.rec", ERR_SYNTAX, "is empty"},
    {"0\t0\thuge.jpg\n", "l.rec", ERR_LIMIT, "is longer than a record can be"},
    {"0\t0\tdir.jpg\n", "l.rec", ERR_NOT_FILE, "dir.jpg"},
    {"0\t0\tnone.jpg\n", "l.rec", -ENOENT, "none.jpg"},
    {"0\t0\t../a.jpg\n", "l.rec", ERR_SYNTAX, "below the repository"},
    {"99999999999999999999\t0\ta.jpg\n", "l.rec", ERR_SYNTAX, "no whole number"},
    {"0\t0\ta.jpg\nabc\n", "l.rec", ERR_SYNTAX, "is no row"},
    {"0\t0\ta.jpg\n0\t0\tb.jpg\n", "l.rec", ERR_SYNTAX, "two rows have the index 0"},
    {"\n\n", "l.rec", ERR_SYNTAX, "names no image"},
    {"", "l.rec", ERR_SYNTAX, "names no image"},
    {"0\t0\ta.jpg\n", "l.idx", ERR_SYNTAX, "l.idx"},
    {"0\t0\ta.jpg\n", ".rec", ERR_SYNTAX, ".rec"},
    {"0\t0\ta.jpg\n", "sub/.rec", ERR_SYNTAX, "sub/.rec"},
    {"0\t0\ta.jpg\n", "dir.rec", ERR_NOT_FILE, "dir.rec"},
    {"0\t0\ta.jpg\n", "none/l.rec", -ENOENT, "none/l.rec"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct pack_stats stats = {.records = 77};
        struct err e = {0};
        const int rc = pack(refusals[i].rows, refusals[i].out, &stats, &e);
        char text[ERR_TEXT_MAX * 4];

        (void)err_text(&e, text, sizeof text);
        if (rc != refusals[i].rc || !strstr(text, refusals[i].says))
            fail_msg("list %zu: %s: %s", i, err_name(rc), text);
        assert_int_equal(stats.records, 77);
        assert_int_equal(access("l.rec", F_OK), -1);
        assert_int_equal(access("l.idx", F_OK), -1);
        assert_int_equal(bed_count(".lockstep"), 0);
    }
}

static void count_record(void *arg, uint64_t records)
{
    assert_int_equal(++*(uint64_t *)arg, records);
}

/* What pack_check says. */
struct told {
    unsigned n;
    char file[64];
    uint64_t at;
    char what[128];
};

static void tell(void *arg, const char *file, uint64_t at, const char *what)
{
    struct told *t = arg;

    t->n++;
    (void)snprintf(t->file, sizeof t->file, "%s", file);
    (void)snprintf(t->what, sizeof t->what, "%s", what);
    t->at = at;
}

/* Blank rows are passed over; large images, more rows than are read ahead, and a directory are
 * fine. */
static void test_packing(void **state)
{
    struct buf rows;
    struct pack_stats stats;
    uint64_t counted = 0;
    const struct pack_options opt = {
        .root_fd = bed_fd, .threads = 1, .on_record = count_record, .arg = &counted};
    struct told t = {0};

    (void)state;
    buf_init(&rows, 1u << 16);
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(buf_appendf(&rows, "%u\t1\t%s\n\n", i, i == 7 ? "large.jpg" : "a.jpg"), 0);
    for (int i = 0; i < 2; i++) { /* the second time in the place of the first */
        const struct lst_list list = {"a.lst", {rows.data, rows.len}};

        counted = 0;
        assert_int_equal(pack_list(&list, &opt, "sub/l.rec", &stats, NULL), 0);
        assert_int_equal(counted, 600);
        assert_int_equal(stats.records, 600);
        assert_int_equal(stats.labels, 1);
    }
    assert_int_equal(pack_check("sub/l.rec", tell, &t, &stats, NULL), 0);
    assert_int_equal(stats.records, 600);
    assert_int_equal(t.n, 600); /* none of these is a picture */
    assert_int_equal(unlink("sub/l.rec") | unlink("sub/l.idx"), 0);
    buf_release(&rows);
}

/* --- looking a file over ---------------------------------------------------------------------- */

#define HEAD_OF(id, labels)                                                                        \
    "\0\0\0\0" labels id "\0\0\0\0\0\0\0"                                                          \
    "\0\0\0\0\0\0\0\0"
#define ONE "\0\0\x80\x3f"

/* A record, and where it is put. */
static void frame(struct buf *rec, const char *payload, size_t n)
{
    assert_int_equal(record_frame((struct span){payload, n}, rec), 0);
}

/* l.rec with these bytes. */
static void put_rec(const struct buf *rec, size_t n)
{
    put_bytes("l.rec", n ? rec->data : "", n);
}

static void assert_told(const char *file, uint64_t at, const char *what)
{
    struct pack_stats stats;
    struct told t = {0};

    assert_int_equal(pack_check("l.rec", tell, &t, &stats, NULL), 0);
    assert_int_equal(t.n, what ? 1 : 0);
    if (what) {
        assert_string_equal(t.file, file);
        assert_int_equal(t.at, at);
        assert_non_null(strstr(t.what, what));
    }
}

static const struct {
    const char *idx;
    uint64_t line;
    const char *what;
} indexes[] = {
    {"1\t0\n2\t52\n", 0, NULL},
    {"1\t0\n2\t52", 0, NULL},
    {"1\t0\n", 2, "ends before the last record"},
    {"", 1, "ends before the last record"},
    {"1\t0\n2\t52\n3\t104\n", 3, "names more records"},
    {"1 0\n2\t52\n", 1, "is no line of an .idx"},
    {"x\t0\n2\t52\n", 1, "is no line of an .idx"},
    {"1\t0\n2\tx\n", 2, "is no line of an .idx"},
    {"1\t0\n2\t48\n", 2, "the offset is not"},
    {"1\t0\n2\t56\n", 2, "the offset is not"},
    {"1\t0\n3\t52\n", 2, "the id is not"},
};

static void test_looking_over(void **state)
{
    static const char short_head[] = "\0\0\0\0" ONE "\1\0\0\0\0\0\0";
    static const char no_image[] = HEAD_OF("\1", ONE);
    static const char no_number[] = HEAD_OF("\1", "\0\0\xc0\x7f") JPEG;
    static const char no_picture[] = HEAD_OF("\1", ONE) "text";
    static const char first[] = HEAD_OF("\1", ONE) JPEG, second[] = HEAD_OF("\2", ONE) JPEG;
    static const struct {
        const char *payload;
        size_t n;
        const char *what;
    } records[] = {
        {short_head, sizeof short_head - 1, "too short for the head"},
        {no_image, sizeof no_image - 1, "has no image"},
        {no_number, sizeof no_number - 1, "is no number"},
        {no_picture, sizeof no_picture - 1, ""},
    };
    struct buf rec;

    (void)state;
    buf_init(&rec, 1u << 16);
    frame(&rec, first, sizeof first - 1);
    frame(&rec, second, sizeof second - 1);
    assert_int_equal(rec.len, 2 * 52);
    put_rec(&rec, rec.len);
    (void)unlink("l.idx");
    assert_told("l.idx", 0, "there is no such file");
    for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
        put_file("l.idx", indexes[i].idx);
        assert_told("l.idx", indexes[i].line, indexes[i].what);
    }
    put_file("l.idx", "1\t0\n2\t52\n");
    put_rec(&rec, rec.len - 1);
    assert_told("l.rec", rec.len - 1, ""); /* there it ends */
    put_file("l.idx", "");
    put_rec(&rec, 0);
    assert_told("l.rec", 0, "there is no record");
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        buf_reset(&rec);
        frame(&rec, records[i].payload, records[i].n);
        put_rec(&rec, rec.len);
        put_file("l.idx", "1\t0\n");
        assert_told("l.rec", 0, records[i].what);
    }
    buf_release(&rec);
}

static void test_a_file_of_another_name(void **state)
{
    struct pack_stats stats;
    struct told t = {0};

    (void)state;
    assert_int_equal(pack("0\t0\ta.jpg\n", "l.rec", &stats, NULL), 0);
    assert_int_equal(rename("l.rec", "l.bin"), 0);
    assert_int_equal(pack_check("l.bin", tell, &t, &stats, NULL), 0);
    assert_int_equal(t.n, 1); /* of the image alone: such a name has no .idx */
    assert_int_equal(pack_check("none.rec", tell, &t, &stats, NULL), -ENOENT);
    assert_int_equal(pack_check("dir.rec", tell, &t, &stats, NULL), ERR_NOT_FILE);
    assert_int_equal(unlink("l.bin") | unlink("l.idx"), 0);
}

/* --- other labels ----------------------------------------------------------------------------- */

static const struct {
    const char *rows;
    int rc;
    const char *says;
} labels[] = {
    {"0\t5\ta.jpg\n\n1\t6\tb.jpg\n", 0, ""},
    {"0\t5\ta.jpg\nabc\n", ERR_SYNTAX, "a.lst:2"},
    {"x\t5\ta.jpg\n", ERR_SYNTAX, "a.lst:1"},
    {"0\t5\ta.jpg\n0\t5\ta.jpg\n", ERR_SYNTAX, "two rows have the index 0"},
    {"0\t5\ta.jpg\n", ERR_SYNTAX, "no row for this record's id"},
    {"0\tcat\ta.jpg\n1\t6\tb.jpg\n", ERR_SYNTAX, "record at byte 0"},
    {"0\t5\ta.jpg\n1\t6\tb.jpg\n2\t7\tc.jpg\n", ERR_SYNTAX, "has 3 rows"},
    {"", ERR_SYNTAX, "no row for this record's id"},
};

/* l.rec given the labels of these rows; where it is refused it stays as it is. */
static void relabel(const char *rows, int want, const char *says)
{
    const struct lst_list list = {"a.lst", span_of(rows)};
    uint64_t counted = 0;
    const struct pack_options opt = {.on_record = count_record, .arg = &counted};
    struct pack_stats stats = {0};
    struct err e = {0};
    const ino_t was = inode_of("l.rec");
    const int rc = pack_relabel(&list, &opt, "l.rec", "l.rec", &stats, &e);
    char text[ERR_TEXT_MAX * 4];

    (void)err_text(&e, text, sizeof text);
    if (rc != want || (rc && !strstr(text, says)))
        fail_msg("%s: %s: %s", rows, err_name(rc), text);
    assert_int_equal(inode_of("l.rec") == was, rc != 0);
    assert_int_equal(stats.records, rc ? 0 : 2);
    assert_int_equal(bed_count(".lockstep"), 0);
}

static void test_other_labels(void **state)
{
    static const char once[] = HEAD_OF("\0", ONE) JPEG;
    struct pack_stats stats;
    struct buf rec, rows;

    (void)state;
    assert_int_equal(pack("0\t0\ta.jpg\n1\t1\tb.jpg\n", "l.rec", &stats, NULL), 0);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        relabel(labels[i].rows, labels[i].rc, labels[i].says);
    buf_init(&rows, 1u << 16);
    for (unsigned i = 0; i < 1500; i++)
        assert_int_equal(buf_appendf(&rows, "%u\t0\ta.jpg\n", i), 0);
    relabel(rows.data, ERR_SYNTAX, "has 1500 rows");
    buf_release(&rows);

    buf_init(&rec, 1u << 16);
    frame(&rec, once, sizeof once - 1);
    frame(&rec, once, sizeof once - 1);
    put_rec(&rec, rec.len);
    relabel(labels[0].rows, ERR_SYNTAX, "another record has the same id");
    put_rec(&rec, rec.len - 60); /* the first one is cut */
    relabel(labels[0].rows, ERR_CORRUPT, "l.rec");
    buf_reset(&rec);
    frame(&rec, "x", 1);
    put_rec(&rec, rec.len);
    relabel(labels[0].rows, ERR_SYNTAX, "too short for an image's head");
    assert_int_equal(unlink("l.rec") | unlink("l.idx"), 0);
    buf_release(&rec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),     cmocka_unit_test(test_packing),
        cmocka_unit_test(test_looking_over), cmocka_unit_test(test_a_file_of_another_name),
        cmocka_unit_test(test_other_labels),
    };

    return cmocka_run_group_tests(tests, set_up, bed_tear_down);
}
