/*
 * What lists name an image by, after a crash. For agent/service/ alone; of the main loop.
 */
#ifndef LOCKSTEP_AGENT_SERVICE_RECOVER_ROWS_H
#define LOCKSTEP_AGENT_SERVICE_RECOVER_ROWS_H

#include "agent/service/agent.h"

/* Which key of the index has which name in lists, as far as these are not its own. Zeroed to begin.
 */
struct recover_names {
    struct map *owners; /* name -> char *, its key; read at the first question: NULL until then */
    struct map *taken;  /* names that rewritten rows got, and that others have by the index */
    struct map *rewritten; /* keys of lists that were */
    struct map *pass;      /* those of the last pass, as far as was told */
    struct map *changes; /* and what it changed, while tables have images that the index has not */
};

/* recover_name(a, n, name, key, inherited): what the index is to have under `key` has, or had, the
 * key `name`: may lists name it so? Not where they name another image so that had that place
 * before, and whose rows have not left; `inherited`: that one's rows are its own. 1 (and so it is
 * from now on), 0, or a negative code. */
int recover_name(struct agent *a, struct recover_names *n, const char *name, const char *key,
                 bool inherited) __attribute__((warn_unused_result));

/* recover_rewritten(a, n, lists, path, undo): the list was rewritten, as the undo text of this name
 * tells, and the index may not know. 0 or a negative code. */
int recover_rewritten(struct agent *a, struct recover_names *n, unsigned lists, const char *path,
                      const char *undo) __attribute__((warn_unused_result));

/* recover_names_settle(a, n): all rewrites were told. A pass gives rows no name that rows of
 * another image have: who has it by the index has no row by it any more, where no list that was not
 * rewritten has one. (No undo text tells of an image without rows.) 0 or a negative code. */
int recover_names_settle(struct agent *a, struct recover_names *n)
    __attribute__((warn_unused_result));
void recover_names_release(struct recover_names *n);

#endif
