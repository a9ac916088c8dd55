/* Shell. People's deeds on a real tree in memory. */
#include "tests/simulation/tree.h"

#include "tests/simulation/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct tree tree;

void tree_file_text(unsigned p, char out[SIM_CONTENT_SIZE])
{
    snprintf(out, SIM_CONTENT_SIZE, "image %04u content %04u\n", tree.disk[p].image,
             tree.disk[p].content);
}

int tree_place_of(unsigned image)
{
    for (int p = 0; p < SIM_PATHS; p++)
        if (image && tree.disk[p].image == image)
            return p;
    return -1;
}

unsigned tree_image_in_bucket(unsigned p)
{
    char key[SIM_PATH_SIZE];

    list_key_of(p, key);
    return list_image_of(bucket_text(key));
}

/* The list is what we made of it. */
static void list_made(void)
{
    char path[2 * SIM_PATH_SIZE];

    files_place(path, "lists", FILES_LIST);
    files_must(stat(path, &tree.list_stat) == 0);
}

/* What is on disk at the place came to where another one was, which is gone, there or elsewhere.
 * Who did not notice takes it for its next version: the rows of the place stay, and its own go, or
 * stay if there is another file by then. Who did notice has its own rows follow, and the other's
 * go: so one is left, unless it was written before S3 had its image, and may stay where it is. */
static void inherit_from(unsigned image, unsigned other)
{
    bool own = false, rich = false;

    for (unsigned n = 0; n < tree.rows; n++) {
        bool was_others = tree.row_image[n] == other;

        own |= tree.row_image[n] == image && tree.row_first[n] == image && tree.row_early[n] < 0;
        rich |= was_others && !tree.row_loose[n]; /* else it may be gone already */
        if (was_others)
            tree.row_image[n] = image;
    }
    for (unsigned n = 0; n < tree.rows; n++)
        tree.row_loose[n] |= tree.row_image[n] == image;
    tree.late[image] |= tree.removed[other];
    for (unsigned i = 1; i < tree.images; i++)
        if (i == other || tree.heirs[i] & UINT64_C(1) << other)
            tree.heirs[i] |= UINT64_C(1) << image;
    tree.landed[other] = true; /* it was replaced: what becomes of its object is no removal */
    tree.needs_row[image] = own && rich;
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
    for (unsigned n = 0; n < tree.rows; n++)
        if (tree.row_saved[n] && tree.row_image[n] != tree.disk[p].image && list[n].there &&
            strcmp(list[n].path, list_paths[p]) == 0)
            tree.row_image[n] = 0;
}

static void inherit(unsigned p)
{
    unsigned image = tree.disk[p].image;

    tree.was_at[image] |= 1u << p;
    tree.since_rows[p] |= UINT64_C(1) << image;
    doubt_saved(p);
    for (unsigned other = 1; other < tree.images; other++)
        if (other != image && tree.died_at[other] >= 0 && tree.was_at[other] & 1u << p)
            inherit_from(image, other);
    tree.overwrote[image] |= tree_image_in_bucket(p) && tree_image_in_bucket(p) != image;
}

/* The image is gone from the place. */
static void die(unsigned image, unsigned p)
{
    tree.died_at[image] = (int)p;
    for (unsigned q = 0; q < SIM_PATHS; q++)
        if (tree.disk[q].image && tree.disk[q].image != image && tree.was_at[image] & 1u << q)
            inherit_from(tree.disk[q].image, image);
}

/* Some row of the image on disk names the place, and may not go (row_loose). */
static bool has_row_at(unsigned image, unsigned p)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];

    files_read_list(text);
    if (!list_parse(text, list))
        return false;
    for (unsigned n = 0; n < tree.rows; n++)
        if (tree.row_image[n] == image && !tree.row_loose[n] && list[n].there &&
            strcmp(list[n].path, list_paths[p]) == 0)
            return true;
    return false;
}

static void make_file(unsigned p)
{
    char path[2 * SIM_PATH_SIZE], text[SIM_CONTENT_SIZE];

    if (!tree.disk[p].image) {
        tree.disk[p].image = tree.images++;
        inherit(p);
    }
    tree.disk[p].content = tree.contents++;
    files_place(path, "images", list_paths[p]);
    tree_file_text(p, text);
    files_write(path, text, O_TRUNC);
    hints_event(HINT_TOUCHED, 0, list_paths[p], NULL);
    hints_event(HINT_WRITTEN, 0, list_paths[p], NULL);
}

/* Images that were at the place, and that S3 never had there, by bits. */
static uint64_t unstored_at(unsigned p)
{
    uint64_t all = 0;

    for (unsigned image = 1; image < tree.images; image++)
        if (tree.was_at[image] & ~tree.stored_at[image] & 1u << p)
            all |= UINT64_C(1) << image;
    return all;
}

/* What S3 has at the place; if that is its image, what it had there when the agent heard last. */
static unsigned image_before(unsigned p)
{
    char key[SIM_PATH_SIZE];

    list_key_of(p, key);
    return tree_image_in_bucket(p) != tree.disk[p].image ? tree_image_in_bucket(p)
                                                         : list_image_of(bucket_heard(key));
}

static void make_row(unsigned p)
{
    char path[2 * SIM_PATH_SIZE], line[SIM_CONTENT_SIZE];

    snprintf(line, sizeof line, "%u\t%u\t%s\n", tree.rows, tree.rows % 3, list_paths[p]);
    if (tree.rows >= 2 && tree_image_in_bucket(p) != tree.disk[p].image)
        tree.row_early[tree.rows] = (int)p;
    if (tree.rows >= 2 && image_before(p) != tree.disk[p].image) {
        tree.row_unheard[tree.rows] = (int)p;
        tree.row_before[tree.rows] = image_before(p);
        tree.row_others[tree.rows] = unstored_at(p) & ~(UINT64_C(1) << tree.disk[p].image);
    }
    if (tree.rows >= 2)
        tree.row_due[tree.rows] = tree.since_rows[p] & ~(UINT64_C(1) << tree.disk[p].image);
    tree.row_first[tree.rows] = tree.disk[p].image;
    tree.row_image[tree.rows++] = tree.disk[p].image;
    files_place(path, "lists", FILES_LIST);
    files_write(path, line, O_APPEND);
    hints_event(HINT_TOUCHED, 1, FILES_LIST, NULL);
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
    list_made();
}

void tree_begin(const char *where, unsigned limit)
{
    files_begin(where);
    memset(&tree, 0, sizeof tree);
    memset(tree.row_early, -1, sizeof tree.row_early);
    memset(tree.row_unheard, -1, sizeof tree.row_unheard);
    memset(tree.died_at, -1, sizeof tree.died_at);
    memset(tree.heir_at, -1, sizeof tree.heir_at);
    tree.images = tree.contents = 1;
    tree.max_removals = limit;
    for (unsigned p = 0; p < 2; p++) {
        make_file(p);
        make_row(p);
    }
    files_read_list(tree.old_list);
}

static bool rename_over(unsigned from, unsigned to)
{
    unsigned dead = 0;
    char path[2 * SIM_PATH_SIZE], path2[2 * SIM_PATH_SIZE];

    if (!tree.disk[from].image)
        return false;
    files_place(path, "images", list_paths[from]);
    files_place(path2, "images", list_paths[to]);
    files_must(rename(path, path2) == 0);
    tree.heir_at[tree.disk[from].image] = -1;
    if (tree.disk[to].image) {
        dead = tree.disk[to].image;
        tree.overwrote[tree.disk[from].image] = true;
        if (has_row_at(tree.disk[to].image, to))
            tree.heir_at[tree.disk[from].image] = (int)to;
    }
    tree.disk[to] = tree.disk[from];
    tree.disk[from].image = 0;
    if (dead)
        tree.died_at[dead] = (int)to;
    inherit(to);
    hints_event(HINT_MOVED, 0, list_paths[from], list_paths[to]);
    return true;
}

static bool remove_file(unsigned p)
{
    char path[2 * SIM_PATH_SIZE];
    unsigned dead;

    if (!tree.disk[p].image)
        return false;
    files_place(path, "images", list_paths[p]);
    files_must(unlink(path) == 0);
    dead = tree.disk[p].image;
    tree.removed[dead] = true;
    tree.disk[p].image = 0;
    die(dead, p);
    hints_event(HINT_GONE, 0, list_paths[p], NULL);
    return true;
}

/* A row for what is at the path now. One that the list has already could not be told from it. */
static bool write_row(unsigned p)
{
    char text[SIM_CONTENT_SIZE];

    files_read_list(text);
    if (!tree.disk[p].image || tree.rows == SIM_ROWS || list_names(text, list_paths[p]))
        return false;
    make_row(p);
    return true;
}

/* Another image is at the place, or was there since. */
static bool was_anothers(unsigned image, int p)
{
    for (unsigned other = 1; other < tree.images; other++)
        if (other != image && tree.was_at[other] & 1u << p)
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
    files_write(part, tree.old_list, O_TRUNC);
    files_must(rename(part, path) == 0 && list_parse(tree.old_list, list));
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
    list_made();
    for (unsigned n = 0; n < tree.rows; n++) {
        int p = list[n].there ? list_path_of(list[n].path) : -1;

        if (p < 0 || was_anothers(tree.row_image[n], p))
            tree.row_image[n] = 0;
        tree.row_saved[n] |= p >= 0 && tree.row_image[n] && tree.disk[p].image != tree.row_image[n];
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

/* The images of which some row names another place than theirs, by bits. */
static uint64_t not_followed(void)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];
    uint64_t all = 0;

    files_read_list(text);
    if (!list_parse(text, list))
        return 0;
    for (unsigned n = 0; n < tree.rows; n++)
        if (list[n].there && list_path_of(list[n].path) != tree_place_of(tree.row_first[n]))
            all |= UINT64_C(1) << tree.row_first[n];
    return all;
}

/* Rows have left where no image is any more, or another one; not those of these images. */
static void rows_followed(uint64_t others)
{
    for (unsigned p = 0; p < SIM_PATHS; p++) {
        uint64_t there = tree.disk[p].image ? UINT64_C(1) << tree.disk[p].image : 0;

        tree.since_rows[p] = there | (tree.since_rows[p] & others);
    }
}

void tree_rewritten(void)
{
    char path[2 * SIM_PATH_SIZE];
    struct stat st;

    files_place(path, "lists", FILES_LIST);
    files_must(stat(path, &st) == 0);
    if (st.st_ino == tree.list_stat.st_ino && st.st_mtim.tv_sec == tree.list_stat.st_mtim.tv_sec &&
        st.st_mtim.tv_nsec == tree.list_stat.st_mtim.tv_nsec)
        return;
    tree.list_stat = st;
    rows_followed(not_followed());
    hints_event(HINT_WRITTEN, 1, FILES_LIST, NULL);
}

void tree_crashed(void)
{
    char key[SIM_PATH_SIZE];

    tree.crashed = true;
    for (unsigned image = 1; image < tree.images; image++)
        tree.unkeyed[image] = tree.slipped[image];
    for (unsigned p = 0; p < SIM_PATHS; p++) {
        unsigned image = tree_image_in_bucket(p);

        tree.unkeyed[image] = false;

        list_key_of(p, key);
        if (!outcome_is_durable(key) || list_image_of(bucket_heard(key)) != image)
            tree.remains[p] = image;
        if (tree.remains[p] == image)
            tree.unheard_at[image] |= 1u << p;
    }
}

void tree_rested(void)
{
    char text[SIM_CONTENT_SIZE];
    struct list_row list[SIM_ROWS];

    rows_followed(0);
    files_read_list(text);
    if (!list_parse(text, list))
        return;
    for (unsigned n = 0; n < tree.rows; n++) {
        int at = tree_place_of(tree.row_image[n]);

        if (at >= 0 && list[n].there && strcmp(list[n].path, list_paths[at]) == 0)
            tree.row_loose[n] = false;
    }
}
