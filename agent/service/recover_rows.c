/* Shell. After a crash: rewrites of lists that the index had not heard of. */
#include "agent/service/agent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rewritten {
    struct agent *agent;
    unsigned repository;
};

/* lst_undo_fn: rows went from one path to the other. An image that is in S3 under its new name is
 * listed by it now; one that is not has its rows there already. */
static int rewritten_row(void *arg, const char *from, const char *to)
{
    const struct rewritten *w = arg;
    char from_key[AGENT_KEY_SIZE], to_key[AGENT_KEY_SIZE];
    struct index_entry old, new;
    bool landed;

    if (!agent_key(w->agent, w->repository, from, from_key) ||
        !agent_key(w->agent, w->repository, to, to_key))
        return 0;
    landed = index_get(w->agent->index, to_key, &new) == 0;
    if (landed && (new.known.flags &KNOWN_LISTED) && new.known.moved_to &&
        strcmp(new.known.moved_to, from_key) == 0) {
        new.known.flags &= ~KNOWN_LISTED;
        new.known.moved_to = NULL;
        return index_put(w->agent->index, to_key, &new.known, NULL);
    }
    if (index_get(w->agent->index, from_key, &old) ||
        (old.known.flags & (KNOWN_MOVED | KNOWN_LISTED)) ||
        (landed && new.known.ino == old.known.ino))
        return 0;
    old.known.flags |= KNOWN_LISTED;
    old.known.moved_to = to_key;
    return index_put(w->agent->index, from_key, &old.known, NULL);
}

/* The undo text of this name. NULL: it cannot be read. The caller frees. */
static char *undo_read(const struct agent *a, const char *name, size_t *ret_size)
{
    char path[PATH_BYTES_MAX + 1];
    char *text = NULL;
    struct stat st;
    int fd;

    if (strchr(name, '/') || path_join(path, sizeof path, a->undo_dir, name))
        return NULL;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0)
        text = malloc((size_t)st.st_size + 1);
    if (text && read_whole(fd, text, (uint64_t)st.st_size)) {
        free(text);
        text = NULL;
    }
    (void)close(fd); /* read only */
    *ret_size = text ? (size_t)st.st_size : 0;
    return text;
}

int recover_rewritten(struct agent *a, unsigned lists, const char *undo)
{
    struct rewritten w = {.agent = a, .repository = (unsigned)a->mappings[lists].conf->repository};
    size_t size = 0;
    char *text;
    int rc;

    if (a->mappings[lists].conf->kind != CONF_LISTS || !undo)
        return 0;
    text = undo_read(a, undo, &size);
    if (!text)
        return 0; /* then rows are taken to be where the index has them */
    rc = lst_undo_each((struct span){text, size}, rewritten_row, &w);
    free(text);
    return rc == ERR_SYNTAX ? 0 : rc;
}
