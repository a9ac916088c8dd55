/*
 * What directories hold, held against what the index has of them. Shell. The loop's thread.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_LISTED_H
#define LOCKSTEP_AGENT_SERVICE_LISTED_H

struct agent;
struct hint;

/* listed_compare(a, h): h is a HINT_LISTING. What is new or other is looked at, what is missing is
 * suspected gone. What waits for room is taken out of h. */
void listed_compare(struct agent *a, struct hint *h);

/* listed_step(a): what waited for room becomes items, as there is some. */
void listed_step(struct agent *a);

/* listed_forget(a, root): what waits of this mapping's (UINT_MAX: of any) is forgotten.
 * listed_doubt(a, root): events told of something there since, so that it is to be looked at anew.
 */
void listed_forget(struct agent *a, unsigned root);
void listed_doubt(struct agent *a, unsigned root);

/* listed_ahead(a, mapping, from, to): a directory was renamed (keys ending in '/'), and the listing
 * of its new place comes when all of it was read. The first images that it must hold, as the index
 * knows them by the old place, are looked at now, so that S3 has work meanwhile. */
void listed_ahead(struct agent *a, unsigned mapping, const char *from, const char *to);

#endif
