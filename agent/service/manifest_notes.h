/*
 * What is known of the manifests that lists have in S3. Shell: the index keeps it.
 *
 * One note a list, by its key. A manifest is noted before it can be in S3 (MAYBE, by the journal's
 * intent), so none is ever there without a note, or without an intent that recovery reads.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_MANIFEST_NOTES_H
#define LOCKSTEP_AGENT_SERVICE_MANIFEST_NOTES_H

#include "agent/service/index.h"
#include "base/digest.h"
#include "conf/conf.h"

enum manifest_kind { MANIFEST_PLAIN, MANIFEST_AUGMENTED, MANIFEST_KINDS };

enum manifest_standing {
    MANIFEST_NONE,
    MANIFEST_THERE,
    MANIFEST_MAYBE,   /* a request had no answer, or the index does not know it */
    MANIFEST_REFUSED, /* none is there: the list has a row that cannot be in one */
};

struct manifest_noted {
    enum manifest_standing standing;
    char suffix[CONF_SUFFIX_MAX + 1]; /* of its name */
    char etag[KNOWN_ETAG_SIZE];       /* THERE */
    uint64_t size;                    /* THERE */
    uint8_t of[SHA256_BYTES];         /* THERE, REFUSED: what it is made of (manifests.c) */
};

struct manifest_note {
    char list[1025]; /* the list's key */
    struct manifest_noted kinds[MANIFEST_KINDS];
};

/* manifest_suffix(m, kind): what the names of a mapping's manifests end with; NULL: it has none. */
const char *manifest_suffix(const struct conf_mapping *m, enum manifest_kind kind);

/* manifest_name(list, suffix, out, size): key or path of a list's manifest. False where it does not
 * fit. */
bool manifest_name(const char *list, const char *suffix, char *out, size_t size);

/* manifest_list(m, path, out, size, ret_kind): the list whose manifest has this path; false: it is
 * none of this mapping's manifests. */
bool manifest_list(const struct conf_mapping *m, const char *path, char *out, size_t size,
                   enum manifest_kind *ret_kind);

/* manifest_note_get(ix, list, ret): of a list's key; zeroed but for it where there is no note.
 * manifest_note_put(ix, note): one without any manifest is taken out. 0 or as the index fails. */
int manifest_note_get(struct index *ix, const char *list, struct manifest_note *ret)
    __attribute__((warn_unused_result));
int manifest_note_put(struct index *ix, const struct manifest_note *note)
    __attribute__((warn_unused_result));

/* manifest_base(conf, lists, ret): what all manifests of a mapping's lists depend on besides these:
 * where its images are in S3, and which are not. manifest_made_of(base, list, ret): what those of a
 * list are made of, by its entry. 0 or -ENOMEM. */
int manifest_base(const struct conf *conf, const struct conf_mapping *lists,
                  uint8_t ret[SHA256_BYTES]) __attribute__((warn_unused_result));
void manifest_made_of(const uint8_t base[SHA256_BYTES], const struct known *list,
                      uint8_t ret[SHA256_BYTES]);

/* manifest_is_current(n, suffix, of): made, or known to be impossible, for just that. */
bool manifest_is_current(const struct manifest_noted *n, const char *suffix,
                         const uint8_t of[SHA256_BYTES]);

/* manifest_list_stands(known): S3 has the list for certain, and it is where its file is. */
bool manifest_list_stands(const struct known *known);

/* manifest_is_there(n): S3 has it, or may have it. */
bool manifest_is_there(const struct manifest_noted *n);

/* What is to be done about one of a list's manifests. */
struct manifest_work {
    enum manifest_kind kind;
    bool put; /* else it is to go */
};

/* manifest_work(m, note, of, ret): the first thing to be done, what is to go before what is to
 * come; `of`: what its manifests are to be made of; NULL: there is no such list. False: nothing is.
 */
bool manifest_work(const struct conf_mapping *m, const struct manifest_note *note,
                   const uint8_t *of, struct manifest_work *ret);

/* manifest_note_doubt(ix, list, kind): it may be there or not, so that it is put anew. 0 or as the
 * index fails. */
int manifest_note_doubt(struct index *ix, const char *list, enum manifest_kind kind)
    __attribute__((warn_unused_result));

/* manifest_notes_each(ix, fn, arg): all of them; fn may not write to the index; a non-zero return
 * stops and is handed back. */
int manifest_notes_each(struct index *ix, int (*fn)(void *arg, const struct manifest_note *note),
                        void *arg) __attribute__((warn_unused_result));

#endif
