/* Shell. The rules, which read files, objects and lists by themselves and share no code with the
 * agent. */
#include "tests/simulation/files.h"
#include "tests/simulation/tree.h"

#include <stdio.h>
#include <string.h>

void tree_break(const char *rule)
{
    if (!tree.wrong)
        tree.wrong = rule;
}

const char *tree_wrong(void)
{
    return tree.wrong;
}

static void judge_list(const char *text)
{
    struct list_row list[SIM_ROWS];

    if (!text || !list_parse(text, list)) {
        tree_break("5: a list has rows that nobody wrote so");
        return;
    }
    for (unsigned n = 0; n < SIM_ROWS; n++) {
        int p = list[n].there ? list_path_of(list[n].path) : -1;

        if (list[n].there && p < 0)
            tree_break("5: a row names a path that nobody wrote");
        if (p >= 0 && tree.begun_with[p] && tree.begun_with[p] == tree.disk[p].image &&
            !tree_image_in_bucket((unsigned)p) && hints_untold() == 0)
            tree_break("4: a list was put before an image that it names");
    }
}

static void judge_removal(unsigned p)
{
    unsigned image = tree_image_in_bucket(p);

    if (list_names(bucket_text(SIM_LIST_KEY), list_paths[p]))
        tree_break("4: an object was deleted that the list in S3 names");
    if (image && !tree.landed[image] && image != tree.remains[p] &&
        ++tree.removals > tree.max_removals)
        tree_break("6: more removals than the limit allows");
}

void tree_list_begins(void)
{
    for (unsigned p = 0; p < SIM_PATHS; p++)
        tree.begun_with[p] = hints_untold() ? 0 : tree.disk[p].image;
}

/* What came there while the request is on its way is put again. */
void tree_judge_decision(const char *key)
{
    int p = list_path_of_key(key);

    if (p >= 0 && tree.disk[p].image && hints_untold() == 0)
        tree_break("1: an object is to be deleted whose file is on disk, as all events said");
}

void tree_judge_object(const char *key, const char *text)
{
    int p = list_path_of_key(key);
    unsigned image = list_image_of(text);

    if (strcmp(key, SIM_LIST_KEY) == 0) {
        judge_list(text);
        return;
    }
    if (p < 0) {
        tree_break("1: an object that nobody wants");
        return;
    }
    if (!text) {
        judge_removal((unsigned)p);
        return;
    }
    for (unsigned other = 1; other < tree.images; other++)
        tree.slipped[other] |= other != image && tree.stored_at[other] & 1u << p && hints_untold();
    tree.stored_at[image] |= 1u << p;
    tree.remains[p] = 0;
    for (unsigned q = 0; q < SIM_PATHS; q++)
        if (q != (unsigned)p && tree_image_in_bucket(q) == image)
            tree.landed[image] = true;
}

/* A row of an image that took another's place may be another's by now, which is there; or of what
 * is held. While the removal of the image's old object is held, rows name it as S3 has it; they
 * follow when it is released. */
static bool stays(unsigned n, const char *path, bool held)
{
    int p = list_path_of(path);

    if (p >= 0 && held && !tree.disk[p].image &&
        tree_image_in_bucket((unsigned)p) == tree.row_image[n])
        return true;
    return p >= 0 && tree.row_loose[n] && (held || tree.disk[p].image);
}

/* Some row names the image's place, or is of the image and stays while removals are held. */
static bool has_row(const struct list_row list[SIM_ROWS], unsigned image, int at, bool held)
{
    for (unsigned n = 0; n < tree.rows; n++)
        if (list[n].there && (strcmp(list[n].path, list_paths[at]) == 0 ||
                              (held && tree.row_image[n] == image && stays(n, list[n].path, held))))
            return true;
    return false;
}

/* The row may be of this image, which had the place where it was written before the other: S3 never
 * had one of the two there ("where rows are written by a name that changes hands within the settle
 * time, nobody can tell whose they are", agent/DESIGN.md), or it had this one there by then, as far
 * as was heard, and whether the row is as old as that nobody can tell. Nor whether it is as old as
 * one that had the place since all was in step, and whose rows were due to follow it. */
static bool may_be_of(unsigned n, unsigned image)
{
    unsigned place = tree.row_early[n] >= 0 ? 1u << tree.row_early[n] : 0;

    return tree.row_due[n] & UINT64_C(1) << image || image == tree.row_before[n] ||
           (tree.was_at[image] & place &&
            !(tree.stored_at[tree.row_first[n]] & tree.stored_at[image] & place));
}

/* Another row that was the image's for certain is where this one is: it is judged by itself. */
static bool has_other_row(const struct list_row list[SIM_ROWS], unsigned image, unsigned n)
{
    for (unsigned other = 0; other < tree.rows; other++)
        if (other != n && (tree.row_image[other] == image || tree.row_first[other] == image) &&
            tree.row_unheard[other] < 0 && list[other].there &&
            strcmp(list[other].path, list[n].path) == 0)
            return true;
    return false;
}

/* A row was written by the name of a place for an image that S3 did not have there yet. It may stay
 * so. It may be taken for a row of another one that had been there, and be where that is, or its
 * held object, or what has its rows since, or with its rows. */
static bool is_theirs(const struct list_row list[SIM_ROWS], unsigned n, bool held)
{
    int p = list_path_of(list[n].path);
    unsigned there = p >= 0 ? tree.disk[p].image : 0;

    if (held && p >= 0 && !there)
        there = tree_image_in_bucket((unsigned)p);
    if (tree.row_early[n] >= 0 && p == tree.row_early[n])
        return true;
    for (unsigned other = 1; other < tree.images; other++)
        if (((there && (other == there || tree.heirs[other] & UINT64_C(1) << there ||
                        tree.heirs[there] & UINT64_C(1) << other)) ||
             (held && tree.died_at[other] == p) || has_other_row(list, other, n)) &&
            may_be_of(n, other))
            return true;
    return false;
}

/* Or, where the agent had not heard yet that S3 has its image there, it may go with such another
 * one that is gone, which S3 may have got there later, or that has the rows of yet another's place.
 * Or with what S3 had there as far as was heard, or whose rows were due to go from there, and is
 * gone: the row may be as old as that. */
static bool goes_as_theirs(unsigned n)
{
    unsigned place = tree.row_unheard[n] >= 0 ? 1u << tree.row_unheard[n] : 0;

    if (place && tree.row_before[n] && tree.died_at[tree.row_before[n]] >= 0)
        return true;
    for (unsigned other = 1; other < tree.images; other++)
        if (tree.row_due[n] & UINT64_C(1) << other &&
            (tree.overwrote[other] || tree.died_at[other] >= 0))
            return true;
    for (unsigned other = 1; place && other < tree.images; other++)
        if (other != tree.row_first[n] && tree.was_at[other] & place &&
            (tree.overwrote[other] ||
             (tree.died_at[other] >= 0 &&
              (tree.row_others[n] & UINT64_C(1) << other || !(tree.stored_at[other] & place)))))
            return true;
    return false;
}

/* After a crash nobody knows that the image, which is gone, was where it was overwritten or
 * removed, if S3 never had it there, or had it elsewhere since: "only the ends are seen"
 * (agent/DESIGN.md). */
static bool is_unheard_of(unsigned n)
{
    unsigned image = tree.row_first[n];

    return tree.crashed && tree.died_at[image] >= 0 &&
           (tree.landed[image] || !(tree.stored_at[image] & 1u << tree.died_at[image]));
}

/* Nor that an image had left the place where this one is by now, before it was gone elsewhere in
 * such a way, or S3 had this one there: it may be taken for overwritten there. Some row names the
 * place then. */
static bool is_taken_for_heir(const struct list_row list[SIM_ROWS], int at)
{
    for (unsigned other = 1; tree.crashed && other < tree.images; other++) {
        bool unseen = tree.died_at[other] >= 0 && tree.died_at[other] != at &&
                      !(tree.stored_at[other] & 1u << tree.died_at[other]);

        if ((unseen || tree.unkeyed[other]) && tree.was_at[other] & 1u << at)
            return has_row(list, 0, at, false);
    }
    return false;
}

/* Nor that the image had come over another one, for whose row it gave up its own, where S3 never
 * had it, as far as anybody heard, and went on from there. */
static bool has_given_up(unsigned image, int at)
{
    for (unsigned other = 1; tree.crashed && other < tree.images; other++)
        if (tree.died_at[other] >= 0 && tree.died_at[other] != at &&
            tree.was_at[image] & (~tree.stored_at[image] | tree.unheard_at[image]) &
                1u << tree.died_at[other])
            return true;
    return false;
}

/* Nor what left an image's place while nobody looked, if another file was there since and went on:
 * that is taken for its next version, and the image is gone, which was seen nowhere else. */
static bool is_taken_for_next(unsigned n, const char *path)
{
    int p = list_path_of(path);
    unsigned there = p >= 0 ? tree.disk[p].image : 0, image = tree.row_image[n];

    return is_unheard_of(n) && there > image &&
           tree.was_at[there] & tree.was_at[image] & ~tree.stored_at[there];
}

/* A row of the image's own went with another one, as such may: then it has none to be left. */
static bool own_went(const struct list_row list[SIM_ROWS], unsigned image)
{
    for (unsigned n = 0; n < tree.rows; n++)
        if (tree.row_first[n] == image && !list[n].there && goes_as_theirs(n))
            return true;
    return false;
}

static void judge_row(const struct list_row list[SIM_ROWS], unsigned n, bool held)
{
    unsigned image = tree.row_image[n];
    int at = tree_place_of(image);

    if (list[n].there && is_theirs(list, n, held))
        return;
    if (at < 0 && image && list[n].there && !held && !stays(n, list[n].path, held) &&
        !is_taken_for_next(n, list[n].path))
        tree_break("5: the row of an image that is gone stayed");
    if (at < 0 || tree.unkeyed[image] ||
        (tree.row_loose[n] && ((tree.crashed && tree.late[image]) || is_unheard_of(n))))
        return;
    if (list[n].there && strcmp(list[n].path, list_paths[at]) != 0 && !stays(n, list[n].path, held))
        tree_break("5: a row does not name its image");
    if (!list[n].there && !goes_as_theirs(n) && !is_taken_for_heir(list, at) &&
        (!tree.row_loose[n] ||
         ((tree.needs_row[image] || tree.heir_at[image] == at) && !has_given_up(image, at) &&
          !own_went(list, image) && !has_row(list, image, at, held))))
        tree_break("5: the row of an image that is there was dropped");
}

/* It names an image that is not on disk, nor in S3 maybe: it may wait while removals are held. */
static bool is_dangling(const struct list_row list[SIM_ROWS])
{
    for (unsigned n = 0; n < tree.rows; n++) {
        int p = list[n].there ? list_path_of(list[n].path) : -1;

        if (p >= 0 && !tree.disk[p].image)
            return true;
    }
    return false;
}

static void judge_rows(bool held)
{
    char text[SIM_CONTENT_SIZE];
    const char *in_s3 = bucket_text(SIM_LIST_KEY);
    struct list_row list[SIM_ROWS];

    files_read_list(text);
    if (!list_parse(text, list)) {
        tree_break("5: the list has rows that nobody wrote so");
        return;
    }
    if (!in_s3 || (strcmp(in_s3, text) != 0 && !(held && is_dangling(list))))
        tree_break("1: the list in S3 is not the one on disk");
    for (unsigned n = 0; n < tree.rows; n++)
        judge_row(list, n, held);
}

void tree_judge_rest(bool held)
{
    for (unsigned p = 0; p < SIM_PATHS; p++) {
        char key[SIM_PATH_SIZE], text[SIM_CONTENT_SIZE];
        const char *in_s3;

        list_key_of(p, key);
        in_s3 = bucket_text(key);
        tree_file_text(p, text);
        if (tree.disk[p].image && (!in_s3 || strcmp(in_s3, text) != 0))
            tree_break("1: a file is not in S3");
        if (!tree.disk[p].image && in_s3 && !held)
            tree_break("1: an object stayed whose file is gone, and nothing holds it");
    }
    judge_rows(held);
}

void tree_show(void)
{
    char text[SIM_CONTENT_SIZE], key[SIM_PATH_SIZE];
    const char *in_s3;

    for (unsigned p = 0; p < SIM_PATHS; p++) {
        list_key_of(p, key);
        in_s3 = bucket_text(key);
        printf("%s: image %u on disk, %u in S3\n", list_paths[p], tree.disk[p].image,
               list_image_of(in_s3));
    }
    files_read_list(text);
    in_s3 = bucket_text(SIM_LIST_KEY);
    printf("the list on disk:\n%sin S3%s", text,
           !in_s3                     ? ": not there\n"
           : strcmp(text, in_s3) == 0 ? " as well\n"
                                      : ":\n");
    if (in_s3 && strcmp(text, in_s3) != 0)
        fputs(in_s3, stdout);
    for (unsigned n = 0; n < tree.rows; n++)
        printf("row %u is of image %u%s\n", n, tree.row_image[n],
               tree.row_loose[n] ? ", or goes" : "");
}
