/*
 * Which journals a command reads: one, or those of several hosts as one stream. Shell.
 *
 *   sources_option ... -> journal_sources_find -> journal_streams_open | journal_sources_each
 *                                              -> journal_sources_release
 */
#ifndef LOCKSTEP_AGENT_COMMANDS_JOURNAL_SOURCES_H
#define LOCKSTEP_AGENT_COMMANDS_JOURNAL_SOURCES_H

#include "base/json.h"
#include "conf/conf.h"
#include "journal/identity.h"
#include "journal/weave.h"

#define JOURNAL_SOURCES_MAX 64

/* What stands on the command line. */
struct sources_options {
    const char *dirs[JOURNAL_SOURCES_MAX]; /* --dir; none: the configuration's */
    size_t dir_count;
    const char *hosts[JOURNAL_SOURCES_MAX]; /* --host; none: all */
    size_t host_count;
};

/* sources_add_dir(opt, text), sources_add_host(opt, text): one more. NULL or what is wrong. */
const char *sources_add_dir(struct sources_options *opt, const char *text);
const char *sources_add_host(struct sources_options *opt, const char *text);

/* A journal. */
struct journal_origin {
    const char *dir; /* borrowed */
    struct journal_identity id;
    char name[JOURNAL_IDENTITY_HOST +
              16]; /* the host's; with a piece of the journal's identity where
                      two have it, the directory's where none is known */
};

struct journal_sources {
    struct journal_origin *list; /* by name */
    size_t count;
    bool told; /* several were given: what is printed names the host */
};

/* journal_sources_find(opt, conf, ret, e): those that were given, or the configuration's, that are
 * of the hosts that are wanted. conf may be NULL where directories were given. 0; -EINVAL: two are
 * the same journal, or none is of such a host; -ENOMEM, -errno. */
int journal_sources_find(const struct sources_options *opt, const struct conf *conf,
                         struct journal_sources *ret, struct err *e)
    __attribute__((warn_unused_result));
void journal_sources_release(struct journal_sources *s);

/* journal_sources_status(rc): the exit status where they cannot be found. */
int journal_sources_status(int rc);

/* journal_source_blame(s, which, e): where several are read, e names the host, too. */
void journal_source_blame(const struct journal_sources *s, size_t which, struct err *e);

/* journal_source_json(s, which, out): append what a line of JSON begins with, so that it tells the
 * host where that is to be told: "{" or {"host":...,"j":..., and the record's line without its
 * first byte is to follow. 0, -ENOMEM, ERR_LIMIT. */
int journal_source_json(const struct journal_sources *s, size_t which, struct buf *out)
    __attribute__((warn_unused_result));

/* All of them, read at the same time. */
struct journal_streams {
    struct journal_reader *readers[JOURNAL_SOURCES_MAX]; /* its own, and how many of them */
    size_t count;
    struct journal_weave *weave;
};

/* journal_streams_open(s, last, ret, e): from the first record on, of each up to last[] (NULL:
 * all). journal_streams_weave(s, readers, last, ret, e): the same of readers that are the caller's,
 * who closes them after the streams. 0, -ENOMEM, -errno. */
int journal_streams_open(const struct journal_sources *s, const uint64_t *last,
                         struct journal_streams *ret, struct err *e)
    __attribute__((warn_unused_result));
int journal_streams_weave(const struct journal_sources *s, struct journal_reader *const *readers,
                          const uint64_t *last, struct journal_streams *ret, struct err *e)
    __attribute__((warn_unused_result));
void journal_streams_close(struct journal_streams *streams);

/* journal_sources_each(s, fn, arg, tell): call for each record that can be read, in the order of
 * time; `which` is the number of its journal. Damage is passed over, told of if `tell`. Anything
 * but 0 of fn is want of memory, and the end. Returns the exit status, everything having been said.
 */
typedef int journal_record_taken(void *arg, size_t which, const struct journal_record *r);
int journal_sources_each(const struct journal_sources *s, journal_record_taken *fn, void *arg,
                         bool tell);

#endif
