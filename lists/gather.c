/* Shell. The images below a directory, in the order of im2rec. See make.h. */
#include "lists/make.h"

#include "base/path.h"
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Names on the heap. */
struct names {
    char **all;
    size_t n;
    size_t room;
};

static int add(struct names *names, const char *name)
{
    char *copy;

    if (names->n == names->room) {
        size_t room = names->room ? 2 * names->room : 64;
        char **all = reallocarray(names->all, room, sizeof(*all));

        if (!all)
            return -ENOMEM;
        names->all = all;
        names->room = room;
    }
    copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    names->all[names->n++] = copy;
    return 0;
}

static void release(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->all[i]);
    free(names->all);
    *names = (struct names){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct names *names)
{
    if (names->n > 1)
        qsort(names->all, names->n, sizeof(*names->all), compare);
}

/* Its ending is one of an image. */
static bool is_image(const char *name)
{
    const char *point = strrchr(name, '.');

    return point && point > name &&
           (strcasecmp(point, ".jpg") == 0 || strcasecmp(point, ".jpeg") == 0 ||
            strcasecmp(point, ".png") == 0);
}

/* One name of a directory: to the images or the directories. */
static int sort_in(int dir_fd, const char *name, struct names *images, struct names *dirs)
{
    struct file_stat st;
    int rc;

    if (name[0] == '.')
        return 0;
    rc = tree_stat_at(dir_fd, name, &st);
    if (rc < 0)
        return rc;
    if (st.kind == FILE_DIRECTORY)
        return add(dirs, name);
    return st.kind == FILE_REGULAR && is_image(name) ? add(images, name) : 0;
}

/* Read one directory. */
static int list(int root_fd, const char *path, struct names *images, struct names *dirs)
{
    DIR *dir = NULL;
    int fd = -1;
    int rc = tree_open(root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, &fd);

    if (rc == 0)
        dir = fdopendir(fd);
    if (rc == 0 && !dir)
        rc = -errno;
    while (rc == 0) {
        struct dirent *entry;

        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            rc = -errno;
            break;
        }
        rc = sort_in(fd, entry->d_name, images, dirs);
    }
    if (dir)
        (void)closedir(dir); /* opened for reading: nothing to lose */
    else if (fd >= 0)
        (void)close(fd); /* the same */
    sort(images);
    sort(dirs);
    return rc;
}

/* What a directory holds, told and put on the stack of directories that are to come. */
static int take(int root_fd, const char *path, struct names *stack, lst_gather_fn *image,
                lst_gather_fn *bad, void *arg)
{
    struct names images = {0};
    struct names dirs = {0};
    char full[PATH_BYTES_MAX + 1];
    int rc = list(root_fd, path, &images, &dirs);

    for (size_t i = 0; rc == 0 && i < images.n; i++) {
        rc = path_join(full, sizeof(full), path, images.all[i]);
        if (rc == 0)
            rc = lst_path_fits(full) ? image(arg, full) : bad(arg, full);
    }
    for (size_t i = dirs.n; rc == 0 && i > 0; i--) {
        rc = path_join(full, sizeof(full), path, dirs.all[i - 1]);
        if (rc == 0)
            rc = add(stack, full);
    }
    release(&images);
    release(&dirs);
    return rc;
}

int lst_gather(int root_fd, lst_gather_fn *image, lst_gather_fn *bad, void *arg)
{
    struct names stack = {0};
    int rc = add(&stack, "");

    while (rc == 0 && stack.n > 0) {
        char *path = stack.all[--stack.n];

        rc = take(root_fd, path, &stack, image, bad, arg);
        free(path);
    }
    release(&stack);
    return rc;
}
