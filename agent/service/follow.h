/*
 * What rows do where images end, or what was theirs does; the rest of follow.c is in agent.h. For
 * agent/service/ alone.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_FOLLOW_H
#define LOCKSTEP_AGENT_SERVICE_FOLLOW_H

#include "agent/core/rows.h"
#include "agent/service/agent.h"
#include "agent/service/departed.h"

/* follow_rows(a, it): the table of the item's mapping; NULL where lists name none of its files:
 * they name the images of repositories only. */
struct rows *follow_rows(struct agent *a, const struct item *it);

/* follow_listed_at(m, known, path): by which path lists name the image that the index knows under
 * `path`. */
const char *follow_listed_at(const struct mapping *m, const struct known *known, const char *path);

/* follow_find(a, key, ret): where the index has the image now that it has, or had, under the key.
 * 0: `key` and `ret`; -ENOENT: nowhere, or it is on its way out; -errno. follow_also_as(a, rows,
 * it, key, known): lists may name that image by the item's path, too. 0 or a negative code. */
int follow_find(struct agent *a, char key[AGENT_KEY_SIZE], struct index_entry *ret);
int follow_also_as(struct agent *a, struct rows *rows, const struct item *it, const char *key,
                   const struct known *known);

/* follow_rows_left(a, it, key, where): have rows left the place under this key since the item
 * began? */
bool follow_rows_left(const struct agent *a, const struct item *it, const char *key,
                      enum departed_where where);

/* follow_is_leaving(a, key): the rows of what is under this key have left the lists, or leave them
 * with the next pass. follow_displaced(a, rows, it): the image under the item's key, should the
 * index have one there, is not there any more. Where its rows have left, those that name it so were
 * written since. 0 or a negative code. follow_has_file(a, it): what the index has at the item's
 * path is its file. */
bool follow_is_leaving(const struct agent *a, const char *key);
int follow_displaced(struct agent *a, struct rows *rows, const struct item *it);
bool follow_has_file(struct agent *a, const struct item *it);

/* follow_has_birth(st): does its birth say which image the file is? follow_is_known_by_birth(a,
 * it): that of the item's does, and its path is the last one at which it was seen. */
bool follow_has_birth(const struct file_stat *st);
bool follow_is_known_by_birth(const struct agent *a, const struct item *it);

/* follow_also(a, rows, it, path): lists may name by this path what was found at the item's, too. 0
 * or a negative code. */
int follow_also(struct agent *a, struct rows *rows, const struct item *it, const char *path);

/* follow_leaves(a, it): the object under the item's key goes after this pass, since S3 got its
 * image elsewhere. */
void follow_leaves(struct agent *a, const struct item *it);

/* follow_lives_at(a, m, name, path): S3 has the image that lists may name so under this other path.
 * False: nowhere else, as far as is known. */
bool follow_lives_at(struct agent *a, const struct mapping *m, const char *name,
                     char path[AGENT_KEY_SIZE]);

/* follow_lead_on(a, key): the index is about to forget the key. What was renamed to it is where its
 * image went from there. 0 or a negative code. */
int follow_lead_on(struct agent *a, const char *key) __attribute__((warn_unused_result));

/* follow_new(a, it): the item is a new file, at a path which the index does not have. */
void follow_new(struct agent *a, const struct item *it);

/* follow_named(a, m, key, name): the image that is under this key was at the path `name` when a
 * list was written that has it. */
void follow_named(struct agent *a, const struct mapping *m, const char *key, const char *name);

/* follow_also_of(a, rows, it, of): lists may name the image that the index has, or had, under the
 * key `of` by the item's path, too. True: there is one. */
bool follow_also_of(struct agent *a, struct rows *rows, const struct item *it, const char *of);

/* follow_is_over(a, it, known, b): what the index has of the item's path (`known`) was renamed over
 * another image, in S3, and is not known to be gone from there, too: b->key. */
struct birth;
bool follow_is_over(struct agent *a, const struct item *it, const struct known *known,
                    struct birth *b);

/* follow_is_replaced(a, it, key): what is at the item's path is no image that came from elsewhere.
 * The one that the index has there, and that nobody found elsewhere, or that was found to be there
 * has another content now; key: the index's. */
bool follow_is_replaced(struct agent *a, const struct item *it, char key[AGENT_KEY_SIZE]);

/* follow_noted(a, rows, rc): rc is what the table said to a change. Something may be to be written:
 * passes wait until no more comes. */
void follow_noted(struct agent *a, const struct rows *rows, int rc);

/* follow_left(a, it): what was at the item's path is gone, and its rows have left: lists name it by
 * no other path either. Where S3 has the same file under another key (it was renamed over another
 * image), the object here is an old one of it from now on. */
void follow_left(struct agent *a, const struct item *it);

/* follow_overtaken(a, it): S3 has the item's file, and the index is to say so. What it has there
 * now may have been renamed over another image before, which only its two keys tell: its rows go
 * there, after a crash, too. */
void follow_overtaken(struct agent *a, const struct item *it);

/* follow_came_over(a, m, path, over): the image that the index has by this path (no file is there)
 * is under another key, or was seen where the index has another image, so it was renamed over what
 * was there: its path is in `over`. */
bool follow_came_over(struct agent *a, const struct mapping *m, const char *path,
                      char over[AGENT_KEY_SIZE]);

/* follow_went_over(a, it, known, over): the image that the index has under the item's key is gone;
 * events tell where it went, and S3 has another one there, which came over it: that path is in
 * `over`. follow_went_another(it, known): what they tell of is another file than this one, that was
 * at the item's path by then. */
bool follow_went_over(struct agent *a, const struct item *it, const struct known *known,
                      char over[AGENT_KEY_SIZE]);
bool follow_went_another(const struct item *it, const struct known *known);

/* follow_also_over(a, rows, it, key, known): the item's file is the image that the index has under
 * the key. It was renamed over another in between, and its rows have left for those of that place:
 * they are its own, if it has gone on from there before S3 followed. 0 or a negative code. */
int follow_also_over(struct agent *a, struct rows *rows, const struct item *it, const char *key,
                     const struct known *known);

/* follow_returned(a, it): the item's file is back, as events told, but its object went meanwhile,
 * and its rows for those of the place where it was renamed over another: they are its own. */
void follow_returned(struct agent *a, const struct item *it);

/* follow_emptied(a, it): what was at the item's path went on, and nothing is there any more: rows
 * of what it had overwritten there are to go with the next pass. True: there are such. */
bool follow_emptied(struct agent *a, const struct item *it);

/* follow_claimed(a, it): what the index has under the item's key was found elsewhere, and nothing
 * is at its path: another image that had come there is not there either. As no removal of the item
 * will say so, its rows go with its own, or to the name under which S3 has it. */
void follow_claimed(struct agent *a, const struct item *it);

/* follow_held(a, it): the item's removal is held, so its rows stay. They are to name it as S3 has
 * it: the name of a place where it never landed may be another's soon. */
void follow_held(struct agent *a, const struct item *it);

/* follow_seen(a, it, before): the item's file was last seen as that of `before`, where S3 never had
 * it, or where it came over an image: rows by that follow it. */
void follow_seen(struct agent *a, struct item *it, struct item *before);

/* follow_left_over(a, it, known): the item's file is no image that anybody knows of. Where what the
 * index has at its path (`known`) was renamed over another image, and is in S3 there, rows by this
 * name are that one's; where it came back to here, the new file came over it. */
void follow_left_over(struct agent *a, const struct item *it, const struct known *known);

/* follow_came_back(a, it, key): events told that the image came back to the item's path from that
 * of this key, and it is not there any more: what comes to the item's path came over it. */
bool follow_came_back(const struct agent *a, const struct item *it, const char *key);

/* follow_replaced(a, it): another file is there now than was seen last (it->was), which had come
 * over an image and has its rows: they follow it, should it be found elsewhere. */
void follow_replaced(struct agent *a, const struct item *it);

/* follow_is_adrift(a, it): its file is an image that had another path, as rows have it. */
bool follow_is_adrift(const struct agent *a, const struct item *it);

#endif
