/* Shell. People's deeds on a real tree in memory, and the rules, which share no code with the
 * agent. */
#include "tests/simulation/files.h"
#include "tests/simulation/sim.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    unsigned image; /* the number of the file, in the order they were made; 0: none */
    unsigned content;
} disk[SIM_PATHS];
static unsigned images, contents, rows;
static unsigned row_image[SIM_ROWS];   /* of which image the row was written; 0: nobody can tell */
static unsigned row_first[SIM_ROWS];   /* the same, whatever it inherited since */
static bool row_saved[SIM_ROWS];       /* it came back with an old list, after its image had left */
static bool row_loose[SIM_ROWS];       /* it may go though its image is there; see inherit() */
static uint64_t row_due[SIM_ROWS];     /* images whose rows by that name were due to go elsewhere */
static uint64_t since_rows[SIM_PATHS]; /* images that were there since rows followed last */
static unsigned was_at[SIM_IMAGES];    /* places, by bits */
static bool removed[SIM_IMAGES];       /* by itself, not by another that came over it */
static bool late[SIM_IMAGES];          /* it came to a place from which one was removed */
static int died_at[SIM_IMAGES];        /* the path of an image that is gone; -1: it is there */
static bool needs_row[SIM_IMAGES];     /* of its loose rows one is to be left */
static int heir_at[SIM_IMAGES];   /* it overwrote one there that rows named: one is to be left */
static int row_early[SIM_ROWS];   /* where it was written before S3 had its image there; -1 */
static int row_unheard[SIM_ROWS]; /* the same, or before the agent heard that it did; -1 */
static unsigned row_before[SIM_ROWS];  /* another that S3 had there, as far as was heard; 0: none */
static uint64_t row_others[SIM_ROWS];  /* others that had been there, and were never in S3 so */
static bool overwrote[SIM_IMAGES];     /* it was renamed over another one */
static unsigned stored_at[SIM_IMAGES]; /* places under which S3 has had it */
static bool landed[SIM_IMAGES];        /* it came to S3 at a second path: its first may go */
static uint64_t heirs[SIM_IMAGES];     /* images that have its rows since, by bits */
static unsigned removals;              /* of images that are nowhere else */
static unsigned max_removals;          /* as the agent is configured */
static unsigned
    remains[SIM_PATHS]; /* S3 got it there, and the agent died before it wrote that down */
static bool crashed;
static char old_list[SIM_CONTENT_SIZE];
static struct stat list_stat;
static const char *wrong;

void tree_break(const char *rule)
{
    if (!wrong)
        wrong = rule;
}

const char *tree_wrong(void)
{
    return wrong;
}

static void file_text(unsigned p, char out[SIM_CONTENT_SIZE])
{
    snprintf(out, SIM_CONTENT_SIZE, "image %04u content %04u\n", disk[p].image, disk[p].content);
}

static unsigned image_of(const char *text)
{
    unsigned image = 0;

    return text && sscanf(text, "image %u", &image) == 1 ? image : 0;
}

static void key_of(unsigned p, char out[SIM_PATH_SIZE])
{
    snprintf(out, SIM_PATH_SIZE, "images/%s", list_paths[p]);
}

static unsigned image_in_bucket(unsigned p)
{
    char key[SIM_PATH_SIZE];

    key_of(p, key);
    return image_of(bucket_text(key));
}

/* --- deeds --- */

/* The list is what we made of it. */
static void list_made(void)
{
    char path[2 * SIM_PATH_SIZE];

    files_place(path, "lists", FILES_LIST);
    files_must(stat(path, &list_stat) == 0);
}

/* What is on disk at the place came to where another one was, which is gone, there or elsewhere.
 * Who did not notice takes it for its next version: the rows of the place stay, and its own go, or
 * stay if there is another file by then. Who did notice has its own rows follow, and the other's
 * go: so one is left, unless it was written before S3 had its image, and may stay where it is. */
static void inherit_from(unsigned image, unsigned other)
{
    bool own = false, rich = false;

    for (unsigned n = 0; n < rows; n++) {
        bool was_others = row_image[n] == other;

        own |= row_image[n] == image && row_first[n] == image && row_early[n] < 0;
        rich |= was_others && !row_loose[n]; /* else it may be gone already */
        if (was_others)
            row_image[n] = image;
    }
    for (unsigned n = 0; n < rows; n++)
        row_loose[n] |= row_image[n] == image;
    late[image] |= removed[other];
    for (unsigned i = 1; i < images; i++)
        if (i == other || heirs[i] & UINT64_C(1) << other)
            heirs[i] |= UINT64_C(1) << image;
    landed[other] = true; /* it was replaced: what becomes of its object is no removal */
    needs_row[image] = own && rich;
}

/* Another image came to a place that old rows name, which somebody saved after theirs had left it
 * and which are in the list still: nobody can tell any more which one is meant. Who reads the list
 * in time moves them on, "as long as no file is there" (departed.h); design.md promises no more. */
static void doubt_saved(unsigned p)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];

    files_read_list(text);
    if (!list_parse(text, list))
        return;
    for (unsigned n = 0; n < rows; n++)
        if (row_saved[n] && row_image[n] != disk[p].image && list[n].there &&
            strcmp(list[n].path, list_paths[p]) == 0)
            row_image[n] = 0;
}

static void inherit(unsigned p)
{
    unsigned image = disk[p].image;

    was_at[image] |= 1u << p;
    since_rows[p] |= UINT64_C(1) << image;
    doubt_saved(p);
    for (unsigned other = 1; other < images; other++)
        if (other != image && died_at[other] >= 0 && was_at[other] & 1u << p)
            inherit_from(image, other);
}

/* The image is gone from the place. */
static void die(unsigned image, unsigned p)
{
    died_at[image] = (int)p;
    for (unsigned q = 0; q < SIM_PATHS; q++)
        if (disk[q].image && disk[q].image != image && was_at[image] & 1u << q)
            inherit_from(disk[q].image, image);
}

/* Some row of the image on disk names the place, and may not go (row_loose). */
static bool has_row_at(unsigned image, unsigned p)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];

    files_read_list(text);
    if (!list_parse(text, list))
        return false;
    for (unsigned n = 0; n < rows; n++)
        if (row_image[n] == image && !row_loose[n] && list[n].there &&
            strcmp(list[n].path, list_paths[p]) == 0)
            return true;
    return false;
}

static void make_file(unsigned p)
{
    char path[2 * SIM_PATH_SIZE], text[SIM_CONTENT_SIZE];

    if (!disk[p].image) {
        disk[p].image = images++;
        inherit(p);
    }
    disk[p].content = contents++;
    files_place(path, "images", list_paths[p]);
    file_text(p, text);
    files_write(path, text, O_TRUNC);
    hints_event(HINT_TOUCHED, 0, list_paths[p], NULL);
    hints_event(HINT_WRITTEN, 0, list_paths[p], NULL);
}

/* Images that were at the place, and that S3 never had there, by bits. */
static uint64_t unstored_at(unsigned p)
{
    uint64_t all = 0;

    for (unsigned image = 1; image < images; image++)
        if (was_at[image] & ~stored_at[image] & 1u << p)
            all |= UINT64_C(1) << image;
    return all;
}

/* What S3 has at the place; if that is its image, what it had there when the agent heard last. */
static unsigned image_before(unsigned p)
{
    char key[SIM_PATH_SIZE];

    key_of(p, key);
    return image_in_bucket(p) != disk[p].image ? image_in_bucket(p) : image_of(bucket_heard(key));
}

static void make_row(unsigned p)
{
    char path[2 * SIM_PATH_SIZE], line[SIM_CONTENT_SIZE];

    snprintf(line, sizeof line, "%u\t%u\t%s\n", rows, rows % 3, list_paths[p]);
    if (rows >= 2 && image_in_bucket(p) != disk[p].image)
        row_early[rows] = (int)p;
    if (rows >= 2 && image_before(p) != disk[p].image) {
        row_unheard[rows] = (int)p;
        row_before[rows] = image_before(p);
        row_others[rows] = unstored_at(p) & ~(UINT64_C(1) << disk[p].image);
    }
    if (rows >= 2)
        row_due[rows] = since_rows[p] & ~(UINT64_C(1) << disk[p].image);
    row_first[rows] = disk[p].image;
    row_image[rows++] = disk[p].image;
    files_place(path, "lists", FILES_LIST);
    files_write(path, line, O_APPEND);
    hints_event(HINT_TOUCHED, 1, FILES_LIST, NULL);
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
    list_made();
}

void tree_begin(const char *where, unsigned limit)
{
    files_begin(where);
    memset(disk, 0, sizeof disk);
    memset(row_image, 0, sizeof row_image);
    memset(row_saved, 0, sizeof row_saved);
    memset(row_first, 0, sizeof row_first);
    memset(row_loose, 0, sizeof row_loose);
    memset(row_early, -1, sizeof row_early);
    memset(row_unheard, -1, sizeof row_unheard);
    memset(row_before, 0, sizeof row_before);
    memset(row_others, 0, sizeof row_others);
    memset(row_due, 0, sizeof row_due);
    memset(since_rows, 0, sizeof since_rows);
    memset(was_at, 0, sizeof was_at);
    memset(removed, 0, sizeof removed);
    memset(late, 0, sizeof late);
    memset(died_at, -1, sizeof died_at);
    memset(needs_row, 0, sizeof needs_row);
    memset(heir_at, -1, sizeof heir_at);
    memset(overwrote, 0, sizeof overwrote);
    memset(stored_at, 0, sizeof stored_at);
    memset(heirs, 0, sizeof heirs);
    memset(landed, 0, sizeof landed);
    memset(remains, 0, sizeof remains);
    images = contents = 1;
    rows = removals = 0;
    max_removals = limit;
    crashed = false;
    wrong = NULL;
    for (unsigned p = 0; p < 2; p++) {
        make_file(p);
        make_row(p);
    }
    files_read_list(old_list);
}

static bool rename_over(unsigned from, unsigned to)
{
    unsigned dead = 0;
    char path[2 * SIM_PATH_SIZE], path2[2 * SIM_PATH_SIZE];

    if (!disk[from].image)
        return false;
    files_place(path, "images", list_paths[from]);
    files_place(path2, "images", list_paths[to]);
    files_must(rename(path, path2) == 0);
    heir_at[disk[from].image] = -1;
    if (disk[to].image) {
        dead = disk[to].image;
        overwrote[disk[from].image] = true;
        if (has_row_at(disk[to].image, to))
            heir_at[disk[from].image] = (int)to;
    }
    disk[to] = disk[from];
    disk[from].image = 0;
    if (dead)
        died_at[dead] = (int)to;
    inherit(to);
    hints_event(HINT_MOVED, 0, list_paths[from], list_paths[to]);
    return true;
}

static bool remove_file(unsigned p)
{
    char path[2 * SIM_PATH_SIZE];
    unsigned dead;

    if (!disk[p].image)
        return false;
    files_place(path, "images", list_paths[p]);
    files_must(unlink(path) == 0);
    dead = disk[p].image;
    removed[dead] = true;
    disk[p].image = 0;
    die(dead, p);
    hints_event(HINT_GONE, 0, list_paths[p], NULL);
    return true;
}

/* A row for what is at the path now. One that the list has already could not be told from it. */
static bool write_row(unsigned p)
{
    char text[SIM_CONTENT_SIZE];

    files_read_list(text);
    if (!disk[p].image || rows == SIM_ROWS || list_names(text, list_paths[p]))
        return false;
    make_row(p);
    return true;
}

/* Another image is at the place, or was there since. */
static bool was_anothers(unsigned image, int p)
{
    for (unsigned other = 1; other < images; other++)
        if (other != image && was_at[other] & 1u << p)
            return true;
    return false;
}

/* Somebody saves the list as it was in the beginning. Of a row that names a place where another
 * image came meanwhile nobody can tell which one is meant: the list may be as old as that. */
static bool save_old(void)
{
    char path[2 * SIM_PATH_SIZE], part[2 * SIM_PATH_SIZE];
    struct list_row list[SIM_ROWS];

    files_place(part, "lists", FILES_LIST ".tmp");
    files_place(path, "lists", FILES_LIST);
    files_write(part, old_list, O_TRUNC);
    files_must(rename(part, path) == 0 && list_parse(old_list, list));
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
    list_made();
    for (unsigned n = 0; n < rows; n++) {
        int p = list[n].there ? list_path_of(list[n].path) : -1;

        if (p < 0 || was_anothers(row_image[n], p))
            row_image[n] = 0;
        row_saved[n] |= p >= 0 && row_image[n] && disk[p].image != row_image[n];
    }
    return true;
}

bool tree_deed(unsigned deed)
{
    unsigned p = deed % SIM_PATHS;
    bool done = false;

    if (deed < 12)
        return rename_over(p, (p + 1 + deed / SIM_PATHS) % SIM_PATHS);
    if (deed < 16)
        return remove_file(p);
    if (deed < 20) {
        make_file(p);
        return true;
    }
    if (deed < 24)
        return write_row(p);
    if (deed == 25)
        return save_old();
    for (p = 0; p < SIM_PATHS; p++)
        done |= remove_file(p);
    return done;
}

/* Rows have left where no image is any more, or another one. */
static void rows_followed(void)
{
    for (unsigned p = 0; p < SIM_PATHS; p++)
        since_rows[p] = disk[p].image ? UINT64_C(1) << disk[p].image : 0;
}

void tree_rewritten(void)
{
    char path[2 * SIM_PATH_SIZE];
    struct stat st;

    files_place(path, "lists", FILES_LIST);
    files_must(stat(path, &st) == 0);
    if (st.st_ino == list_stat.st_ino && st.st_mtim.tv_sec == list_stat.st_mtim.tv_sec &&
        st.st_mtim.tv_nsec == list_stat.st_mtim.tv_nsec)
        return;
    list_stat = st;
    rows_followed();
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
}

void tree_crashed(void)
{
    char key[SIM_PATH_SIZE];

    crashed = true;
    for (unsigned p = 0; p < SIM_PATHS; p++) {
        key_of(p, key);
        if (!outcome_is_durable(key) || image_of(bucket_heard(key)) != image_in_bucket(p))
            remains[p] = image_in_bucket(p);
    }
}

/* --- rules --- */

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
        if (p >= 0 && disk[p].image && !image_in_bucket((unsigned)p) && hints_untold() == 0)
            tree_break("4: a list was put before an image that it names");
    }
}

static void judge_removal(unsigned p)
{
    unsigned image = image_in_bucket(p);

    if (list_names(bucket_text(SIM_LIST_KEY), list_paths[p]))
        tree_break("4: an object was deleted that the list in S3 names");
    if (image && !landed[image] && image != remains[p] && ++removals > max_removals)
        tree_break("6: more removals than the limit allows");
}

/* What came there while the request is on its way is put again. */
void tree_judge_decision(const char *key)
{
    int p = strncmp(key, "images/", 7) == 0 ? list_path_of(key + 7) : -1;

    if (p >= 0 && disk[p].image && hints_untold() == 0)
        tree_break("1: an object is to be deleted whose file is on disk, as all events said");
}

void tree_judge_object(const char *key, const char *text)
{
    int p = strncmp(key, "images/", 7) == 0 ? list_path_of(key + 7) : -1;
    unsigned image = image_of(text);

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
    stored_at[image] |= 1u << p;
    remains[p] = 0;
    for (unsigned q = 0; q < SIM_PATHS; q++)
        if (q != (unsigned)p && image_in_bucket(q) == image)
            landed[image] = true;
}

/* Where an image is on disk; -1: nowhere. */
static int place_of(unsigned image)
{
    for (int p = 0; p < SIM_PATHS; p++)
        if (image && disk[p].image == image)
            return p;
    return -1;
}

/* A row of an image that took another's place may be another's by now, which is there; or of what
 * is held. While the removal of the image's old object is held, rows name it as S3 has it; they
 * follow when it is released. */
static bool stays(unsigned n, const char *path, bool held)
{
    int p = list_path_of(path);

    if (p >= 0 && held && !disk[p].image && image_in_bucket((unsigned)p) == row_image[n])
        return true;
    return p >= 0 && row_loose[n] && (held || disk[p].image);
}

/* Some row names the image's place, or is of the image and stays while removals are held. */
static bool has_row(const struct list_row list[SIM_ROWS], unsigned image, int at, bool held)
{
    for (unsigned n = 0; n < rows; n++)
        if (list[n].there && (strcmp(list[n].path, list_paths[at]) == 0 ||
                              (held && row_image[n] == image && stays(n, list[n].path, held))))
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
    unsigned place = row_early[n] >= 0 ? 1u << row_early[n] : 0;

    return row_due[n] & UINT64_C(1) << image || image == row_before[n] ||
           (was_at[image] & place && !(stored_at[row_first[n]] & stored_at[image] & place));
}

/* Another row that is the image's for certain is where this one is: it is judged by itself. */
static bool has_other_row(const struct list_row list[SIM_ROWS], unsigned image, unsigned n)
{
    for (unsigned other = 0; other < rows; other++)
        if (other != n && row_image[other] == image && row_unheard[other] < 0 &&
            list[other].there && strcmp(list[other].path, list[n].path) == 0)
            return true;
    return false;
}

/* A row was written by the name of a place for an image that S3 did not have there yet. It may stay
 * so. It may be taken for a row of another one that had been there, and be where that is, or its
 * held object, or what has its rows since, or with its rows. */
static bool is_theirs(const struct list_row list[SIM_ROWS], unsigned n, bool held)
{
    int p = list_path_of(list[n].path);
    unsigned there = p >= 0 ? disk[p].image : 0;

    if (held && p >= 0 && !there)
        there = image_in_bucket((unsigned)p);
    if (row_early[n] >= 0 && p == row_early[n])
        return true;
    for (unsigned other = 1; there && other < images; other++)
        if ((other == there || heirs[other] & UINT64_C(1) << there ||
             (held && died_at[other] == p) || has_other_row(list, other, n)) &&
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
    unsigned place = row_unheard[n] >= 0 ? 1u << row_unheard[n] : 0;

    if (place && row_before[n] && died_at[row_before[n]] >= 0)
        return true;
    for (unsigned other = 1; other < images; other++)
        if (row_due[n] & UINT64_C(1) << other && (overwrote[other] || died_at[other] >= 0))
            return true;
    for (unsigned other = 1; place && other < images; other++)
        if (other != row_first[n] && was_at[other] & place &&
            (overwrote[other] || (died_at[other] >= 0 && (row_others[n] & UINT64_C(1) << other ||
                                                          !(stored_at[other] & place)))))
            return true;
    return false;
}

/* After a crash nobody knows that the image, which is gone, was where it was overwritten or
 * removed, if S3 never had it there: "only the ends are seen" (agent/DESIGN.md). */
static bool is_unheard_of(unsigned n)
{
    unsigned image = row_first[n];

    return crashed && died_at[image] >= 0 && !(stored_at[image] & 1u << died_at[image]);
}

/* Nor that an image had left the place where this one is by now, before it was gone elsewhere in
 * such a way: it may be taken for overwritten there. Some row names the place then. */
static bool is_taken_for_heir(const struct list_row list[SIM_ROWS], int at)
{
    for (unsigned other = 1; crashed && other < images; other++)
        if (died_at[other] >= 0 && died_at[other] != at && was_at[other] & 1u << at &&
            !(stored_at[other] & 1u << died_at[other]))
            return has_row(list, 0, at, false);
    return false;
}

static void judge_row(const struct list_row list[SIM_ROWS], unsigned n, bool held)
{
    unsigned image = row_image[n];
    int at = place_of(image);

    if (list[n].there && is_theirs(list, n, held))
        return;
    if (at < 0 && image && list[n].there && !held && !stays(n, list[n].path, held))
        tree_break("5: the row of an image that is gone stayed");
    if (at < 0 || (row_loose[n] && ((crashed && late[image]) || is_unheard_of(n))))
        return;
    if (list[n].there && strcmp(list[n].path, list_paths[at]) != 0 && !stays(n, list[n].path, held))
        tree_break("5: a row does not name its image");
    if (!list[n].there && !goes_as_theirs(n) && !is_taken_for_heir(list, at) &&
        (!row_loose[n] ||
         ((needs_row[image] || heir_at[image] == at) && !has_row(list, image, at, held))))
        tree_break("5: the row of an image that is there was dropped");
}

/* It names an image that is not on disk, nor in S3 maybe: it may wait while removals are held. */
static bool is_dangling(const struct list_row list[SIM_ROWS])
{
    for (unsigned n = 0; n < rows; n++) {
        int p = list[n].there ? list_path_of(list[n].path) : -1;

        if (p >= 0 && !disk[p].image)
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
    for (unsigned n = 0; n < rows; n++)
        judge_row(list, n, held);
}

void tree_rested(void)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];

    rows_followed();
    files_read_list(text);
    if (!list_parse(text, list))
        return;
    for (unsigned n = 0; n < rows; n++) {
        int at = place_of(row_image[n]);

        if (at >= 0 && list[n].there && strcmp(list[n].path, list_paths[at]) == 0)
            row_loose[n] = false;
    }
}

void tree_judge_rest(bool held)
{
    for (unsigned p = 0; p < SIM_PATHS; p++) {
        char key[SIM_PATH_SIZE], text[SIM_CONTENT_SIZE];
        const char *in_s3;

        key_of(p, key);
        in_s3 = bucket_text(key);
        file_text(p, text);
        if (disk[p].image && (!in_s3 || strcmp(in_s3, text) != 0))
            tree_break("1: a file is not in S3");
        if (!disk[p].image && in_s3 && !held)
            tree_break("1: an object stayed whose file is gone, and nothing holds it");
    }
    judge_rows(held);
}

void tree_show(void)
{
    char text[SIM_CONTENT_SIZE], key[SIM_PATH_SIZE];
    const char *in_s3;

    for (unsigned p = 0; p < SIM_PATHS; p++) {
        key_of(p, key);
        in_s3 = bucket_text(key);
        printf("%s: image %u on disk, %u in S3\n", list_paths[p], disk[p].image, image_of(in_s3));
    }
    files_read_list(text);
    in_s3 = bucket_text(SIM_LIST_KEY);
    printf("the list on disk:\n%sin S3%s", text,
           !in_s3                     ? ": not there\n"
           : strcmp(text, in_s3) == 0 ? " as well\n"
                                      : ":\n");
    if (in_s3 && strcmp(text, in_s3) != 0)
        fputs(in_s3, stdout);
    for (unsigned n = 0; n < rows; n++)
        printf("row %u is of image %u%s\n", n, row_image[n], row_loose[n] ? ", or goes" : "");
}
