/* What is known of the manifests of lists: names, and notes that outlive the process. */
#include "tests/unit/index_bed.h"

#include "agent/service/manifest_notes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char plain_suffix[] = ".manifest", labels_suffix[] = ".x.labels";
static const struct conf_mapping lists = {
    .kind = CONF_LISTS, .manifest = plain_suffix, .augmented_manifest = labels_suffix};

/* A list has the name of its manifest, and the other way round. */
static void test_names(void **state)
{
    (void)state;
    char out[64];
    enum manifest_kind kind = MANIFEST_PLAIN;

    assert_true(manifest_name("a/train.lst", ".manifest", out, sizeof out));
    assert_string_equal(out, "a/train.manifest");
    assert_true(manifest_name("l/.lst", ".m", out, sizeof out));
    assert_string_equal(out, "l/.m");
    assert_false(manifest_name("a/train.lst", ".manifest", out, strlen("a/train.manifest")));
    assert_true(manifest_list(&lists, "a/train.x.labels", out, sizeof out, &kind));
    assert_int_equal(kind, MANIFEST_AUGMENTED);
    assert_string_equal(out, "a/train.lst");
    assert_true(manifest_list(&lists, "train.manifest", out, sizeof out, &kind));
    assert_int_equal(kind, MANIFEST_PLAIN);
    assert_false(manifest_list(&lists, "a/train.lst", out, sizeof out, &kind));
    assert_false(manifest_list(&lists, "labels", out, sizeof out, &kind));
    assert_false(manifest_list(&lists, "a/train.manifest", out, strlen("a/train.lst"), &kind));
    assert_false(manifest_list(&(struct conf_mapping){0}, "a.manifest", out, sizeof out, &kind));
}

/* manifest_notes_each's callback: count. */
static int count_note(void *arg, const struct manifest_note *note)
{
    assert_int_equal(strncmp(note->list, "l/", 2), 0);
    return ++*(int *)arg == 3 ? 7 : 0;
}

static void test_notes(void **state)
{
    (void)state;
    struct index *ix = opened();
    struct manifest_note note, found;
    char list[16];
    int count = 0;

    assert_int_equal(manifest_note_get(ix, "l/0.lst", &note), 0);
    assert_int_equal(note.kinds[MANIFEST_PLAIN].standing, MANIFEST_NONE);
    note.kinds[MANIFEST_PLAIN] = (struct manifest_noted){
        .standing = MANIFEST_THERE, .suffix = ".manifest", .etag = "e-1", .size = 7, .of = {1, 2}};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(list, sizeof list, "l/%d.lst", i);
        memcpy(note.list, list, sizeof list);
        assert_int_equal(manifest_note_put(ix, &note), 0);
    }
    assert_int_equal(index_meta_put(ix, "manifesto", "x", 1), 0);
    assert_int_equal(index_commit(ix), 0);
    index_close(ix);
    ix = opened();
    assert_int_equal(manifest_notes_each(ix, count_note, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(manifest_notes_each(ix, count_note, &count), 7);
    assert_int_equal(manifest_note_get(ix, "l/1.lst", &found), 0);
    assert_memory_equal(found.kinds, note.kinds, sizeof note.kinds);
    assert_int_equal(manifest_note_doubt(ix, "l/1.lst", MANIFEST_AUGMENTED), 0);
    assert_int_equal(manifest_note_doubt(ix, "l/1.lst", MANIFEST_PLAIN), 0);
    assert_int_equal(manifest_note_get(ix, "l/1.lst", &found), 0);
    assert_int_equal(found.kinds[MANIFEST_PLAIN].standing, MANIFEST_MAYBE);
    assert_int_equal(found.kinds[MANIFEST_AUGMENTED].standing, MANIFEST_NONE);
    found.kinds[MANIFEST_PLAIN].standing = MANIFEST_NONE;
    assert_int_equal(manifest_note_put(ix, &found), 0);
    count = 0;
    assert_int_equal(manifest_notes_each(ix, count_note, &count), 0);
    assert_int_equal(count, 1);
    index_close(ix);
}

/* A note is of one content of the list, one place of its images, one name. */
static void test_what_they_are_made_of(void **state)
{
    (void)state;
    char images[] = "images/", bucket[] = "b-1", pattern[] = "*.bad", *none[] = {NULL},
         *one[] = {pattern, NULL};
    struct conf_mapping mappings[] = {{.prefix = images, .exclude = none}, lists};
    struct conf conf = {.s3 = {.bucket = bucket}, .mappings = mappings, .mapping_count = 2};
    struct known list = {.size = 5, .etag = "e-1"};
    struct manifest_noted n = {.standing = MANIFEST_THERE, .suffix = ".manifest"};
    uint8_t base[SHA256_BYTES], other[SHA256_BYTES], of[SHA256_BYTES];

    assert_int_equal(manifest_base(&conf, &mappings[1], base), 0);
    manifest_made_of(base, &list, n.of);
    assert_true(manifest_is_current(&n, ".manifest", n.of));
    assert_false(manifest_is_current(&n, ".m", n.of));
    list.etag[0] = 'f';
    manifest_made_of(base, &list, of);
    assert_false(manifest_is_current(&n, ".manifest", of));
    n.standing = MANIFEST_MAYBE;
    assert_false(manifest_is_current(&n, ".manifest", n.of));
    mappings[0].exclude = one;
    assert_int_equal(manifest_base(&conf, &mappings[1], other), 0);
    assert_memory_not_equal(base, other, sizeof base);
    assert_true(manifest_list_stands(&list));
    list.flags = KNOWN_UNCERTAIN;
    assert_false(manifest_list_stands(&list));
}

/* What is to go goes first: it names what will be deleted. */
static void test_work(void **state)
{
    (void)state;
    static const uint8_t of[SHA256_BYTES] = {9};
    struct conf_mapping m = lists;
    struct manifest_note note = {.list = "l/x.lst"};
    struct manifest_noted *n = &note.kinds[MANIFEST_PLAIN];
    struct manifest_work w;

    assert_false(manifest_work(&m, &note, NULL, &w));
    assert_true(manifest_work(&m, &note, of, &w));
    assert_true(w.put && w.kind == MANIFEST_PLAIN);
    *n = (struct manifest_noted){.standing = MANIFEST_THERE, .suffix = ".manifest", .of = {9}};
    assert_true(manifest_work(&m, &note, of, &w));
    assert_true(w.put && w.kind == MANIFEST_AUGMENTED);
    m.augmented_manifest = NULL;
    assert_false(manifest_work(&m, &note, of, &w));
    n->of[0] = 8;
    assert_true(manifest_work(&m, &note, of, &w) && w.put);
    assert_true(manifest_work(&m, &note, NULL, &w) && !w.put);
    memcpy(n->suffix, ".m", sizeof ".m");
    assert_true(manifest_work(&m, &note, of, &w) && !w.put && w.kind == MANIFEST_PLAIN);
    m.deletes = CONF_DELETES_KEEP;
    assert_false(manifest_work(&m, &note, NULL, &w));
    n->standing = MANIFEST_REFUSED;
    m.deletes = CONF_DELETES_REMOVE;
    assert_false(manifest_work(&m, &note, NULL, &w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        INDEX_TEST(test_notes),
        cmocka_unit_test(test_what_they_are_made_of),
        cmocka_unit_test(test_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
