/* Shell. A list that a thread is about to read. See noting.h. */
#include "agent/service/noting.h"

#include "agent/service/work.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_BYTES_MIN                                                                            \
    ((size_t)1 << 16) /* short lists may have that much, others their own size */

/* What is known of the list as it is now. */
static enum mentioned look(struct index *index, const char *key, const struct file_stat *st,
                           const struct sought *sought)
{
    struct index_view *view;
    enum mentioned known;

    if (index_view_open(index, &view))
        return MENTIONED_UNKNOWN;
    known = mentioned_look(view, key, st, sought);
    index_view_close(view);
    return known;
}

bool noting_begin(struct noting *n, struct index *index, const char *key, int root_fd,
                  const char *path, const struct sought *sought)
{
    enum mentioned known;

    *n = (struct noting){0};
    if (!key || lst_glance(root_fd, path, &n->before))
        return false;
    known = look(index, key, &n->before.st, sought);
    if (known == MENTIONED_UNKNOWN && n->before.at_rest)
        n->key = key;
    return known == MENTIONED_NONE;
}

/* What is gathered is of no use. */
static void give_up(struct noting *n)
{
    n->key = NULL;
    mentions_free(n->names);
    n->names = NULL;
}

/* Something is to be noted, and can be. */
static bool is_noted(struct noting *n)
{
    if (n->key && !n->names && mentions_new(n->before.st.size + NAMES_BYTES_MIN, &n->names))
        give_up(n);
    return n->key != NULL;
}

void noting_add(struct noting *n, const char *image)
{
    if (is_noted(n) && mentions_add(n->names, image))
        give_up(n);
}

void noting_add_all(struct noting *n, struct span content)
{
    if (is_noted(n) && mentions_add_all(n->names, content))
        give_up(n);
}

void noting_tell(struct noting *n, const struct file_stat *seen, struct mailbox *out)
{
    struct job *job;

    if (!is_noted(n) || !file_same_content(seen, &n->before.st) || mentions_end(n->names))
        return;
    job = job_new(JOB_TELL_NAMES);
    if (!job)
        return;
    job->seen = *seen;
    job->key = strdup(n->key);
    job->names = n->names;
    n->names = NULL;
    if (!job->key || !mailbox_send(out, &job->letter))
        job_free(job);
}

void noting_release(struct noting *n)
{
    give_up(n);
}
