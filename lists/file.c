/* Shell. Lists as files, read and written whole. See file.h. */
#include "lists/file.h"

#include "base/path.h"
#include "base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_MODE   0666 /* less the umask */
#define LARGE_PAGE (2u << 20)

/* Rows are looked up all over a list: with large pages the processor finds them faster. Where there
 * are none, it is slower. */
static void ask_large_pages(char *bytes, size_t n)
{
    size_t lead = LARGE_PAGE - (uintptr_t)bytes % LARGE_PAGE;

    if (n > lead + LARGE_PAGE)
        (void)madvise(bytes + lead, n - lead, MADV_HUGEPAGE); /* no more than a wish */
}

/* Read an open file. */
static int read_open(int fd, struct lst_file *f)
{
    struct file_stat after;
    int rc = tree_stat_fd(fd, &f->st);

    if (rc == 0 && f->st.kind != FILE_REGULAR)
        rc = ERR_NOT_FILE;
    if (rc == 0 && f->st.size > LST_FILE_MAX)
        rc = ERR_LIMIT;
    if (rc < 0)
        return rc;
    f->n = (size_t)f->st.size;
    f->bytes = malloc(f->n + 1);
    if (!f->bytes)
        return -ENOMEM;
    ask_large_pages(f->bytes, f->n);
    rc = read_whole(fd, f->bytes, f->n);
    if (rc == 0)
        rc = tree_stat_fd(fd, &after);
    if (rc == 0 && !file_same_content(&f->st, &after))
        rc = ERR_CHANGED;
    return rc;
}

int lst_file_read(const char *path, struct lst_file *ret, struct err *e)
{
    struct lst_file f = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc = fd < 0 ? -errno : read_open(fd, &f);

    if (fd >= 0)
        (void)close(fd); /* opened for reading: nothing to lose */
    if (rc < 0) {
        lst_file_release(&f);
        return err_set(e, rc, path, "a list that can be read, and that nobody writes just now",
                       "%s", err_name(rc));
    }
    *ret = f;
    return 0;
}

void lst_file_release(struct lst_file *f)
{
    free(f->bytes);
    *f = (struct lst_file){0};
}

struct span lst_file_text(const struct lst_file *f)
{
    return (struct span){f->bytes ? f->bytes : "", f->n};
}

/* What a new file may have of the modes. */
static uint32_t new_mode(void)
{
    mode_t mask = umask(0);

    (void)umask(mask); /* it was this one */
    return NEW_MODE & ~(uint32_t)mask;
}

/* How the text comes into place. */
struct placing {
    const struct lst_file *was; /* that must be there still, or NULL */
    bool fresh;                 /* nothing may be there */
};

/* The name may be given to the text. */
static int may_place(const struct placing *how, int dir_fd, const char *name, struct file_stat *ret)
{
    int rc = tree_stat_at(dir_fd, name, ret);

    if (rc == 0 && how->was && !file_same_content(&how->was->st, ret))
        return ERR_CHANGED;
    if (rc == 0 && how->fresh && ret->kind != FILE_ABSENT)
        return -EEXIST;
    return rc == 0 && ret->kind != FILE_ABSENT && ret->kind != FILE_REGULAR ? ERR_NOT_FILE : rc;
}

/* Write and replace in an open directory. */
static int place_in(int dir_fd, const char *name, struct span text, const struct placing *how)
{
    struct file_stat now = {0};
    struct replace r;
    int rc = may_place(how, dir_fd, name, &now);

    if (rc < 0)
        return rc;
    rc = replace_begin(&r, dir_fd, name, now.kind == FILE_REGULAR ? now.mode & 07777 : new_mode());
    if (rc < 0)
        return rc;
    rc = write_whole(r.fd, text.p, text.n);
    if (rc == 0 && now.kind == FILE_REGULAR)
        rc = replace_like(&r, &now);
    if (rc == 0)
        rc = replace_sync(&r);
    if (rc == 0)
        rc = may_place(how, dir_fd, name, &now);
    if (rc == 0)
        return how->fresh ? replace_commit_new(&r) : replace_commit(&r);
    replace_abort(&r);
    return rc;
}

/* The same, by the path of a file. */
static int place(const char *path, struct span text, const struct placing *how, struct err *e)
{
    char *real = realpath(path, NULL);
    char *target = real ? real : strdup(path);
    char *slash = target ? strrchr(target, '/') : NULL;
    int dir_fd = -1;
    int rc = target ? 0 : -ENOMEM;

    if (rc == 0) {
        const char *dir = slash == target ? "/" : slash ? target : ".";

        if (slash)
            *slash = '\0';
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = dir_fd < 0 ? -errno : place_in(dir_fd, slash ? slash + 1 : target, text, how);
    }
    if (dir_fd >= 0)
        (void)close(dir_fd); /* opened for reading: nothing to lose */
    free(target);
    if (rc == ERR_CHANGED)
        return err_set(e, rc, path, "try again", "somebody changed it meanwhile");
    if (rc == -EEXIST)
        return err_set(e, rc, path, "another name, or --force", "is there already");
    return rc < 0 ? err_set(e, rc, path, "a file that can be written", "%s", err_name(rc)) : 0;
}

int lst_file_write(const char *path, struct span text, const struct lst_file *was, struct err *e)
{
    const struct placing how = {.was = was};

    return place(path, text, &how, e);
}

int lst_file_create(const char *path, struct span text, bool force, struct err *e)
{
    const struct placing how = {.fresh = !force};

    return place(path, text, &how, e);
}
