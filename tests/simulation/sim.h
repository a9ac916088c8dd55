/*
 * The whole agent in a simulated world. Its rooms' threads are replaced behind the linker: what
 * they would tell, whenever it comes, is told one thing at a time, as a schedule wants.
 *
 *   tree      people's deeds on a real tree in memory, and the rules that the world is held against
 *   files     the files of that tree
 *   list      what its text says
 *   hints     in place of watchers/: events, looks, listings
 *   bucket    in place of the engine of uploaders/: the objects, and transfers on their way
 *   letters   what the threads of work.c send, and the journal's syncs
 *   turns     in place of the event loop and the clocks
 *   trace     what the agent knows of rows, for people
 *   simulate  sequences of deeds, schedules, crashes
 */
#ifndef LOCKSTEP_TESTS_SIMULATION_SIM_H
#define LOCKSTEP_TESTS_SIMULATION_SIM_H

#include "base/tree.h"
#include "watchers/watchers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PATH_SIZE    256
#define SIM_CONTENT_SIZE 512 /* of a file, at most */
#define SIM_PATHS        4   /* two directories, two names */
#define SIM_IMAGES       64  /* so many files are made in one run at most */
#define SIM_ROWS         8
#define SIM_LIST_KEY     "lists/l.lst"

/*
 * tree. tree_deed: one of TREE_DEEDS; false where it is not possible now.
 */
#define TREE_DEEDS 26 /* 12 renames, 4 removals, 4 writes, 4 rows, an emptied tree, an old list */
void tree_begin(const char *folder, unsigned max_removals);
bool tree_deed(unsigned deed);
/* The agent may have rewritten the list: events tell. */
void tree_rewritten(void);
/* The agent lost its memory. */
void tree_crashed(void);
/* It has nothing left to do for now: rows that name their image are its own from here on, whoever
 * they may have come from. */
void tree_rested(void);

/* What the agent does, held against the rules. `text`: what the object has now; NULL: nothing. */
void tree_judge_decision(const char *key); /* that the object is to be deleted */
void tree_list_begins(void);               /* its transfer; what comes later it cannot wait for */
void tree_judge_object(const char *key, const char *text);
/* Nothing is left to do. */
void tree_judge_rest(bool held);
/* The first rule that was broken since tree_begin; NULL: none. */
const char *tree_wrong(void);
void tree_break(const char *rule);
/* tree_show: what is where, for people. */
void tree_show(void);

/*
 * list. list_parse: the rows of a text, by number; false: there is something else in it.
 * list_path_of: which of the paths that is; -1: none. list_names: some row names it; `text` may be
 * NULL. list_key_of: under which key S3 has a path's image; list_path_of_key: the reverse, -1:
 * none. list_image_of: the number in the text of an image; 0: there is none; `text` may be NULL.
 */
struct list_row {
    bool there;
    char path[SIM_PATH_SIZE];
};
extern const char *const list_paths[SIM_PATHS];
bool list_parse(const char *text, struct list_row out[SIM_ROWS]);
int list_path_of(const char *name);
bool list_names(const char *text, const char *name);
void list_key_of(unsigned p, char out[SIM_PATH_SIZE]);
int list_path_of_key(const char *key);
unsigned list_image_of(const char *text);

/*
 * hints. hints_event: the kernel has one more. hints_count: so many things can be told next;
 * hints_tell: the one of this number, to the next turn. hints_end: all is forgotten.
 */
void hints_event(enum hint_kind kind, unsigned root, const char *path, const char *path2);
size_t hints_count(void);
size_t hints_untold(void); /* events that were not told yet */
void hints_tell(size_t at);

/*
 * bucket. bucket_count: so many transfers are on their way; bucket_go: the one of this number
 * comes to S3 or, if it was there, its answer to the agent.
 */
void bucket_begin(void);
const char *bucket_text(const char *key);  /* NULL: there is no such object */
const char *bucket_heard(const char *key); /* the same, as the agent was told last */
size_t bucket_count(void);
void bucket_go(size_t at);
/* Transfers fail from now on, before S3 does anything or behind it; 0: they do not. */
enum bucket_fault { BUCKET_WORKS, BUCKET_DOWN, BUCKET_SILENT };
void bucket_break(enum bucket_fault fault);

/*
 * letters. letters_wait: until the threads have nothing to do. letters_count, letters_tell: as of
 * hints. letters_drop: before the threads are ended. sync_waits, sync_tell: of the journal.
 * intent_is_durable: of the last change of this key. outcome_is_durable: that one was made.
 * journal_records: so many were appended.
 */
void letters_wait(void);
size_t letters_count(void);
void letters_tell(void);
void letters_drop(void);
bool sync_waits(void);
void sync_tell(void);
void intents_begin(void);
void intents_crash(void); /* those that are not durable were never made */
bool intent_is_durable(const char *key);
bool outcome_is_durable(const char *key);
uint64_t journal_records(void);

/*
 * turns. turns_reset: of a run. turns_begin: of an agent; late: it commits as where commits take so
 * long that there is one a second. turns_next: its next one. turns_due_ms: until it wants to be
 * woken; INT64_MAX: never. turns_pass: time goes on.
 */
void turns_reset(void);
void turns_begin(bool late);
void turns_next(void);
bool turns_ended(void);
int64_t turns_due_ms(void);
void turns_pass(int64_t ms);

/*
 * trace_agent: what the agent knows of images and their rows, in the log, if that is new.
 */
struct agent;
void trace_agent(struct agent *a);

#endif
