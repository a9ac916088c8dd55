/*
 * The table of rows.h as its parts see it: rows.c has what becomes of images, rows_ask.c what the
 * table says of them, rows_pass.c what passes over the lists make of that, rows_replaced.c what may
 * be found yet, rows_adrift.c what a crash may not take. Pure.
 */
#ifndef LOCKSTEP_AGENT_CORE_ROWS_TABLE_H
#define LOCKSTEP_AGENT_CORE_ROWS_TABLE_H

#include "agent/core/rows.h"

/* A path by which lists may name the image. */
struct name {
    struct name *next;
    uint64_t sought; /* see rows_seek */
    char *next_path; /* what rewritten rows have instead; see rows_rewriting */
    bool made;       /* by the pass that is under way */
    bool lent;       /* see rows_lent */
    bool guess; /* nobody saw it: people may have written it, since the index has the image so */
    char path[];
};

struct entry {
    struct entry *prev, *next;
    char *image;
    char *was; /* its last name, where it has none any more */
    struct file_id file;
    struct name *names; /* the oldest first */
    char *before;       /* the oldest before the pass that is under way; NULL: there is none */
    bool before_guess;  /* and people may have written it; a certain one goes before that */
    char *to;           /* NULL: gone */
    char *over_at;      /* gone: where another one came over it, if that is known */
    bool over;          /* it came over another one at `to`, whose rows stay */
    bool lost;          /* not at `to`; nobody knows where */
    bool unseen;        /* nobody looked there in this run yet */
    bool overwritten;   /* by another one, at `to`, which has its rows unless it is found */
    bool unlanded;      /* the index never knew it: it has overwritten what that has at `to` */
    bool moved;         /* by a pass that rows_settled did not tell of yet */
};

/* A file that something else came to the place of, by what the index says. */
struct replaced {
    struct file_id file;
    char *at;  /* by which path lists name it; NULL: nothing is noted here */
    bool rows; /* the other one has its rows */
};

#define ROWS_REPLACED_MAX 1024 /* the oldest is forgotten for the next one */

struct rows {
    struct entry *first;
    struct map *by_image; /* at most one entry each */
    struct map *by_name;  /* at most one entry each */
    struct map *by_to;    /* the last that came there */
    struct map *by_file;  /* where it is known when the file was made; at most one entry each */
    struct map *taken;    /* unlanded names of the pass that is under way -> not NULL */
    size_t nameless;      /* entries without an image's name */
    struct replaced *replaced; /* ROWS_REPLACED_MAX of them; NULL: none yet */
    size_t next_replaced;
    uint64_t changes;
    bool pending;
};

/* rows_name_add(r, e, path): rows by this path are the entry's too, unless they are another's. 0 or
 * -ENOMEM. rows_name_remove(r, e, at): take the name at *at out. */
int rows_name_add(struct rows *r, struct entry *e, const char *path)
    __attribute__((warn_unused_result));
void rows_name_remove(struct rows *r, struct entry *e, struct name **at);
/* rows_name_find(e, path): the entry's name that is this path; NULL. */
struct name *rows_name_find(const struct entry *e, const char *path);

/* rows_name_yield(r, path, when): whose name the path is gives it up. */
enum rows_yields {
    ROWS_YIELD_GUESS, /* if that is because people may have written it, while lists have another */
    ROWS_YIELD_LENT,  /* if it is another's; see rows_lent */
    ROWS_YIELD_ANY,
};
void rows_name_yield(struct rows *r, const char *path, enum rows_yields when);

/* rows_entry_of_file(r, file): the entry of what certainly is this file; NULL. rows_entry_file(r,
 * e, file): the entry's image is this file. 0 or -ENOMEM. rows_entry_unlanded(r, e, was, file, to):
 * an image without a name, which was known by this one last, is at `to`. 0 or -ENOMEM. */
struct entry *rows_entry_of_file(const struct rows *r, struct file_id file);
int rows_entry_file(struct rows *r, struct entry *e, struct file_id file)
    __attribute__((warn_unused_result));
int rows_entry_unlanded(struct rows *r, struct entry *e, const char *was, struct file_id file,
                        const char *to) __attribute__((warn_unused_result));

/* rows_entry_nameless(r, file, at): a new entry of an image without a name: lists name it by `at`.
 * NULL without memory. rows_entry_place(r, e, to): its image is at this path; what was there is
 * not. 0 or -ENOMEM. rows_entry_end(r, e): the entry is of no more use, and freed. */
struct entry *rows_entry_nameless(struct rows *r, struct file_id file, const char *at);
int rows_entry_place(struct rows *r, struct entry *e, const char *to)
    __attribute__((warn_unused_result));
void rows_entry_end(struct rows *r, struct entry *e);
/* rows_entry_unname(r, e): what it was known by stands for something else now. */
void rows_entry_unname(struct rows *r, struct entry *e);

/* rows_replaced_find(r, file): what is remembered of it; NULL. rows_replaced_done(r, file): it was
 * found, and has its rows: that is remembered no more. */
const struct replaced *rows_replaced_find(const struct rows *r, struct file_id file);
void rows_replaced_done(struct rows *r, struct file_id file);

/* rows_entry_is_at(e, path): the image is at this path, by the table's word.
 * rows_entry_is_placed(e): its rows are where it is, or it has none. */
bool rows_entry_is_at(const struct entry *e, const char *path);
bool rows_entry_is_placed(const struct entry *e);

#endif
