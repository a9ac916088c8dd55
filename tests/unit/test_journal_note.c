/* Signed notes and checkpoints: the bytes of others, and what must not pass. */
#include "base/err.h"
#include "journal/checkpoint.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the package documentation of golang.org/x/mod/sumdb/note. */
#define GO_PRIVATE "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
#define GO_PUBLIC  "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define GO_TEXT                                                                                    \
    "If you think cryptography is the answer to your problem,\n"                                   \
    "then you don't know what your problem is.\n"
#define GO_SIGNATURE                                                                               \
    "\xe2\x80\x94 PeterNeumann "                                                                   \
    "x08go/ZJkuBS9UG/"                                                                             \
    "SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
#define OTHER_SIGNATURE "\xe2\x80\x94 example.com/other AAAAAAA=\n"

/* The example of C2SP's tlog-checkpoint. */
#define CHECKPOINT_TEXT                                                                            \
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define CHECKPOINT                                                                                 \
    CHECKPOINT_TEXT                                                                                \
    "\n\xe2\x80\x94 example.com/behind-the-sofa "                                                  \
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/"                                    \
    "Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"

static struct journal_key go_key(void)
{
    struct journal_key key;

    assert_int_equal(journal_key_parse(SPAN(GO_PUBLIC), &key), 0);
    return key;
}

/* What a note in these bytes comes to: parsed, then held against Go's key. */
static int verdict(struct span in)
{
    const struct journal_key key = go_key();
    struct journal_note note;
    int rc = journal_note_parse(in, &note);

    return rc ? rc : journal_note_verify(&note, &key, 1, NULL);
}

static void test_bytes_of_others(void **state)
{
    struct journal_secret secret;
    struct buf out;

    (void)state;
    assert_int_equal(verdict(SPAN(GO_TEXT "\n" GO_SIGNATURE)), 0);
    assert_int_equal(verdict(SPAN(GO_TEXT "\n" OTHER_SIGNATURE GO_SIGNATURE)), 0);
    assert_int_equal(verdict(SPAN(GO_TEXT "\n" OTHER_SIGNATURE)), ERR_REFUSED);
    assert_int_equal(verdict(SPAN(GO_TEXT "x\n\n" GO_SIGNATURE)), ERR_CORRUPT);
    assert_int_equal(journal_secret_parse(SPAN(GO_PRIVATE), &secret), 0);
    buf_init(&out, 4096);
    assert_int_equal(journal_note_sign(SPAN(GO_TEXT), &secret, &out), 0);
    assert_string_equal(out.data, GO_TEXT "\n" GO_SIGNATURE);
    buf_release(&out);
    journal_secret_wipe(&secret);
}

static void test_what_is_no_note(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        "\n\n" GO_SIGNATURE,
        GO_TEXT,
        GO_TEXT GO_SIGNATURE,
        GO_TEXT "\n",
        GO_TEXT "\n\n",
        GO_TEXT "\n" GO_SIGNATURE "\n",
        GO_TEXT "\n" GO_SIGNATURE "x\n",
        GO_TEXT "\n" GO_SIGNATURE "x",
        "tab\t\n\n" GO_SIGNATURE,
        "\xff\n\n" GO_SIGNATURE,
        GO_TEXT "\n- PeterNeumann x08gow==\n",
        GO_TEXT "\n\xe2\x80\x94 PeterNeumann\n",
        GO_TEXT "\n\xe2\x80\x94 PeterNeumann x08g\n",
        GO_TEXT "\n\xe2\x80\x94 PeterNeumann x08goA\n",
        GO_TEXT "\n\xe2\x80\x94  x08go/ZJkuA=\n",
        GO_TEXT "\n\xe2\x80\x94 Peter+Neumann x08go/ZJkuA=\n",
        GO_TEXT "\n\xe2\x80\x94 PeterNeumann  x08go/ZJkuA=\n",
    };
    static const char *const unsigned_by_us[] = {
        GO_TEXT "\n\xe2\x80\x94 PeterNeuman x08go/ZJkuA=\n",
        GO_TEXT "\n\xe2\x80\x94 PeterNeumann x08gpPZJkuA=\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(verdict(span_of(bad[i])), ERR_SYNTAX);
    for (size_t i = 0; i < sizeof unsigned_by_us / sizeof *unsigned_by_us; i++)
        assert_int_equal(verdict(span_of(unsigned_by_us[i])), ERR_REFUSED);
    /* Ours in name and id, but of another length. */
    assert_int_equal(verdict(SPAN(GO_TEXT "\n\xe2\x80\x94 PeterNeumann x08go/ZJkuA=\n")),
                     ERR_CORRUPT);
}

/* No bit of a note can be another one; cut anywhere it is none. */
static void test_flips_and_cuts(void **state)
{
    char text[] = GO_TEXT "\n" GO_SIGNATURE;

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text[i] ^= (char)(1 << bit);
            assert_int_not_equal(verdict((struct span){text, sizeof text - 1}), 0);
            text[i] ^= (char)(1 << bit);
        }
        assert_int_not_equal(verdict((struct span){text, i}), 0);
    }
}

static void test_checkpoints(void **state)
{
    static const char *const bad[] = {
        "",
        "o\n",
        "o\n1\n",
        "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n-1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1 \nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* stray bits */
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n",
    };
    struct journal_checkpoint c;
    struct journal_note note;
    char signer[JOURNAL_SIGNER_MAX];

    (void)state;
    assert_int_equal(journal_note_parse(SPAN(CHECKPOINT), &note), 0);
    assert_true(span_equal(note.text, SPAN(CHECKPOINT_TEXT)));
    assert_string_equal(journal_note_signer(&note, signer), "example.com/behind-the-sofa+033de0ae");
    assert_int_equal(journal_checkpoint_parse(note.text, &c), 0);
    assert_true(span_equal(c.origin, SPAN("example.com/behind-the-sofa")));
    assert_int_equal(c.size, 20852163);
    assert_int_equal(c.root[0], 0x0a);
    assert_int_equal(c.root[31], 0x62);
    assert_int_equal(journal_checkpoint_parse(SPAN(CHECKPOINT_TEXT "more\nlines\n"), &c), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(journal_checkpoint_parse(span_of(bad[i]), &c), ERR_SYNTAX);
}

/* The file beside a segment, note by note, whatever of it has been written. */
static void test_files_of_checkpoints(void **state)
{
    static const char file[] = CHECKPOINT "\n" GO_TEXT "\n" GO_SIGNATURE "\n" CHECKPOINT "\n";
    const size_t ends[] = {sizeof CHECKPOINT, sizeof CHECKPOINT + sizeof(GO_TEXT "\n" GO_SIGNATURE),
                           sizeof file - 1};

    (void)state;
    for (size_t cut = 0; cut < sizeof file; cut++) {
        struct span rest = {file, cut}, note;
        size_t n = 0;

        while (journal_checkpoints_next(&rest, &note)) {
            struct journal_note parsed;

            assert_int_equal(journal_note_parse(note, &parsed), 0);
            assert_int_equal(rest.p - file, ends[n++]);
        }
        assert_int_equal(n, (cut >= ends[0]) + (cut >= ends[1]) + (cut >= ends[2]));
        assert_int_equal(rest.p + rest.n - file, cut);
    }
}

/* Who has signed first, by name; nobody where there is no signature. */
static void test_signers(void **state)
{
    static const char twice[] = GO_TEXT "\n" GO_SIGNATURE GO_SIGNATURE;
    const struct journal_key keys[] = {go_key(), go_key()};
    const struct journal_key *key = NULL;
    char name[JOURNAL_SIGNER_MAX];
    static char large[JOURNAL_NOTE_MAX + 1];
    struct journal_note note;

    (void)state;
    assert_int_equal(journal_note_parse(SPAN(twice), &note), 0);
    assert_int_equal(journal_note_verify(&note, keys, 2, &key), 0);
    assert_ptr_equal(key, &keys[0]);
    assert_string_equal(journal_note_signer(&note, name), "PeterNeumann+c74f20a3");
    note.signatures = SPAN("");
    assert_string_equal(journal_note_signer(&note, name), "");
    note.signatures = SPAN("no signature\n");
    assert_string_equal(journal_note_signer(&note, name), "");
    assert_int_equal(journal_note_verify(&note, keys, 2, &key), ERR_REFUSED);
    assert_int_equal(journal_note_parse((struct span){large, sizeof large}, &note), ERR_LIMIT);
}

static void test_names_of_files(void **state)
{
    static const char *const bad[] = {"",
                                      ".checkpoints",
                                      "checkpoint",
                                      "1.checkpoints",
                                      "00000000000000000001.jsonl",
                                      "00000000000000000001.0.checkpoints",
                                      "00000000000000000001.checkpoints.torn"};
    char text[JOURNAL_FILE_SIZE];
    struct journal_name name = {UINT64_MAX, UINT32_MAX}, again;

    (void)state;
    assert_string_equal(journal_checkpoints_name((struct journal_name){7, 0}, text),
                        "00000000000000000007.checkpoints");
    assert_true(journal_checkpoints_name_parse(journal_checkpoints_name(name, text), &again));
    assert_int_equal(journal_name_compare(name, again), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(journal_checkpoints_name_parse(bad[i], &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_of_others),      cmocka_unit_test(test_what_is_no_note),
        cmocka_unit_test(test_flips_and_cuts),       cmocka_unit_test(test_checkpoints),
        cmocka_unit_test(test_files_of_checkpoints), cmocka_unit_test(test_signers),
        cmocka_unit_test(test_names_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
