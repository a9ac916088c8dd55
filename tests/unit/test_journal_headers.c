/* Segments whose sums and seals are right, and that do not go together: each is named, and gets no
 * index. */
#include "base/err.h"
#include "journal/batch.h"
#include "journal/frame.h"
#include "journal/pack.h"
#include "tests/unit/journal_dir.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define UUID "11111111-2222-4333-8444-555555555555"

/* Append a record under this number. */
static void put_record(struct buf *out, uint64_t seq)
{
    const struct journal_record rec = {
        .seq = seq, .time_us = TEST_NOW_US, .op = JOURNAL_IDLE, .state = JOURNAL_NOTE};

    assert_int_equal(journal_record_encode(&rec, out), 0);
}

/* A header that goes on from `head`, and from a segment of so many bytes. */
static struct journal_header header_of(const struct journal_head *head, const char *previous,
                                       uint64_t previous_size)
{
    struct journal_header h = {.uuid = UUID,
                               .first = head->next_seq,
                               .time_us = TEST_NOW_US,
                               .previous = previous,
                               .previous_size = previous_size,
                               .tree = head->tree,
                               .host = "host",
                               .boot = "boot",
                               .version = "1"};

    memcpy(h.chain, head->chain, sizeof h.chain);
    return h;
}

/* A segment of this header and two records, which go on from what the header says. Where `body` is
 * set, of a batch of these lines and so many records in place of the two. Its bytes. */
static uint64_t put_segment(const struct test_dir *d, const struct journal_header *h, uint64_t name,
                            struct journal_head *head, const struct buf *body, uint64_t records)
{
    char path[TEST_PATH_SIZE];
    struct buf out;
    size_t from, size;

    buf_init(&out, 1u << 16);
    assert_int_equal(journal_header_encode(h, &out), 0);
    head->next_seq = h->first;
    head->tree = h->tree;
    memcpy(head->chain, h->chain, sizeof head->chain);
    assert_int_equal(journal_batch_close(head, &out, 0, 0), 0);
    from = out.len;
    if (body) {
        assert_int_equal(buf_append(&out, body->data, body->len), 0);
        head->next_seq += records;
    } else {
        for (records = 0; records < 2; records++)
            put_record(&out, head->next_seq++);
    }
    assert_int_equal(journal_batch_close(head, &out, from, records), 0);
    snprintf(path, sizeof path, "%s/%020llu.jsonl", d->path, (unsigned long long)name);
    size = out.len;
    test_file_write(path, out.data, size);
    buf_release(&out);
    return size;
}

static const char *file_of(uint64_t name)
{
    static char file[64];

    snprintf(file, sizeof file, "%020llu.jsonl", (unsigned long long)name);
    return file;
}

/* A fault of this kind was found in a file, and it says this. */
static void assert_fault(const struct test_dir *d, const char *file, const char *kind,
                         const char *detail)
{
    const struct test_faults f = test_verify(d);

    for (size_t i = 0; i < f.count && i < TEST_FAULTS_MAX; i++)
        if (strcmp(f.fault[i].file, file) == 0 && strcmp(f.fault[i].kind, kind) == 0 &&
            strstr(f.fault[i].detail, detail))
            return;
    fail_msg("no %s (%s) in %s: %zu faults, first %s: %s", kind, detail, file, f.count,
             f.fault[0].kind, f.fault[0].detail);
}

/* --- the first one ---------------------------------------------------------------------------- */

static void begins_late(struct journal_header *h)
{
    h->first = 5;
}

static void has_leaves(struct journal_header *h)
{
    journal_tree_push(&h->tree, SPAN("a line"));
}

static void follows_bytes(struct journal_header *h)
{
    h->previous_size = 1;
}

static void has_a_chain(struct journal_header *h)
{
    h->chain[SHA256_BYTES - 1] = 1;
}

static void test_a_first_segment_begins_a_journal(void **state)
{
    static void (*const forge[])(struct journal_header * h) = {begins_late, has_leaves,
                                                               follows_bytes, has_a_chain};

    (void)state;
    for (size_t i = 0; i < sizeof forge / sizeof *forge; i++) {
        struct journal_head head = {.next_seq = 1};
        struct journal_header h = header_of(&head, "", 0);
        struct test_dir d;

        test_dir_make(&d);
        (void)put_segment(&d, &h, 1, &head, NULL, 0);
        assert_int_equal(test_verify(&d).verdict.faults, 0);
        test_dir_remove(&d);
        test_dir_make(&d);
        forge[i](&h);
        (void)put_segment(&d, &h, h.first, &head, NULL, 0);
        assert_fault(&d, file_of(h.first), "header", "does not begin a journal");
        test_dir_remove(&d);
    }
}

/* --- the second one --------------------------------------------------------------------------- */

static void of_another_journal(struct journal_header *h)
{
    h->uuid = "99999999-2222-4333-8444-555555555555";
}

static void follows_nothing(struct journal_header *h)
{
    h->previous = "";
}

static void follows_another(struct journal_header *h)
{
    h->previous = "00000000000000000002.jsonl";
}

static void is_not_its_name(struct journal_header *h)
{
    h->first = 4;
}

static void has_another_chain(struct journal_header *h)
{
    h->chain[0] ^= 1;
}

static void has_more_leaves(struct journal_header *h)
{
    journal_tree_push(&h->tree, SPAN("a line"));
}

/* As many leaves as there are, and others. */
static void has_other_leaves(struct journal_header *h)
{
    const uint64_t count = h->tree.count;

    h->tree = (struct journal_tree){.count = 0};
    while (h->tree.count < count)
        journal_tree_push(&h->tree, SPAN("a line"));
}

static const struct {
    void (*forge)(struct journal_header *h);
    uint64_t name;
    const char *kind, *detail;
} seconds[] = {
    {of_another_journal, 3, "header", "belongs to the journal"},
    {follows_nothing, 3, "header", "follows nothing"},
    {follows_another, 3, "header", "follows 00000000000000000002.jsonl, but"},
    {is_not_its_name, 3, "header", "is not its name"},
    {is_not_its_name, 4, "sequence", "3 is due"},
    {has_another_chain, 3, "chain", "chain value"},
    {has_more_leaves, 3, "root", "the Merkle root"},
    {has_other_leaves, 3, "root", "the Merkle root"},
};

static void test_a_second_segment_goes_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        struct journal_head head = {.next_seq = 1};
        struct journal_header h = header_of(&head, "", 0);
        struct test_dir d;

        test_dir_make(&d);
        const uint64_t size = put_segment(&d, &h, 1, &head, NULL, 0);

        h = header_of(&head, file_of(1), size);
        seconds[i].forge(&h);
        (void)put_segment(&d, &h, seconds[i].name, &head, NULL, 0);
        assert_fault(&d, file_of(seconds[i].name), seconds[i].kind, seconds[i].detail);
        test_dir_remove(&d);
    }
}

/* --- indexes ---------------------------------------------------------------------------------- */

struct made {
    unsigned calls, made;
    int code;
    bool go_on;
};

static bool on_segment(void *arg, const char *segment, int code, bool made)
{
    struct made *m = arg;

    (void)segment;
    m->calls++;
    m->made += made;
    m->code = code;
    return m->go_on;
}

/* What comes of making indexes where the first segment has this batch, and two follow it. */
static struct made index_with(const struct buf *body, uint64_t records, bool go_on)
{
    struct made m = {.go_on = go_on};
    struct journal_head head = {.next_seq = 1};
    struct journal_header h = header_of(&head, "", 0);
    struct err e = {0};
    char previous[64];
    struct test_dir d;
    uint64_t size;

    test_dir_make(&d);
    size = put_segment(&d, &h, 1, &head, body, records);
    for (int i = 0; i < 2; i++) {
        snprintf(previous, sizeof previous, "%s", file_of(h.first));
        h = header_of(&head, previous, size);
        size = put_segment(&d, &h, h.first, &head, NULL, 0);
    }
    assert_int_equal(journal_index_all(d.path, NULL, true, on_segment, &m, &e), 0);
    test_dir_remove(&d);
    return m;
}

static void test_no_index_of_what_cannot_be(void **state)
{
    const struct journal_head none = {.next_seq = 1};
    const struct journal_header header = header_of(&none, "", 0);
    struct made m = index_with(NULL, 0, true);
    struct buf body;

    (void)state;
    assert_int_equal(m.calls, 2);
    assert_int_equal(m.made, 2);
    m = index_with(NULL, 0, false); /* nothing more is wanted */
    assert_int_equal(m.calls, 1);

    buf_init(&body, 1u << 16);
    put_record(&body, 2);
    put_record(&body, 2);
    m = index_with(&body, 2, false); /* a number twice */
    assert_int_equal(m.code, ERR_CORRUPT);
    assert_int_equal(m.made, 0);

    buf_reset(&body);
    put_record(&body, 1);
    put_record(&body, 3);
    m = index_with(&body, 3, false); /* one is missing: the batch has two */
    assert_int_equal(m.code, ERR_CORRUPT);

    buf_reset(&body);
    assert_int_equal(journal_header_encode(&header, &body), 0);
    put_record(&body, 1);
    m = index_with(&body, 1, false); /* a header in the middle */
    assert_int_equal(m.code, ERR_CORRUPT);

    buf_reset(&body);
    assert_int_equal(buf_append_str(&body, "{\"q\":1,\"t\":no}\n"), 0);
    m = index_with(&body, 1, false); /* a line that is no record */
    assert_int_equal(m.code, ERR_CORRUPT);
    buf_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_first_segment_begins_a_journal),
        cmocka_unit_test(test_a_second_segment_goes_on),
        cmocka_unit_test(test_no_index_of_what_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
