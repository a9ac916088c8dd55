/* A directory of a test's own. */
#include "tests/unit/scratch.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[4000];
static int directory_fd = -1;

int scratch_setup(void **state)
{
    const char *top = getenv("TMPDIR");

    (void)state;
    (void)snprintf(directory, sizeof(directory), "%s/lockstep-test-XXXXXX", top ? top : "/tmp");
    if (!mkdtemp(directory))
        return -1;
    directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory_fd < 0 ? -1 : 0;
}

/* For nftw: remove one thing. */
static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void)st;
    (void)type;
    (void)where;
    return remove(path);
}

int scratch_teardown(void **state)
{
    (void)state;
    (void)close(directory_fd); /* opened for reading */
    directory_fd = -1;
    return nftw(directory, remove_one, 10, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(void)
{
    return directory;
}

int scratch_fd(void)
{
    return directory_fd;
}

void scratch_write(const char *name, const char *text)
{
    int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

void scratch_mkdir(const char *name)
{
    assert_int_equal(mkdirat(directory_fd, name, 0755), 0);
}

void scratch_link(const char *target, const char *name)
{
    assert_int_equal(symlinkat(target, directory_fd, name), 0);
}

const char *scratch_read(const char *name)
{
    static char text[4096];
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return NULL;
    n = read(fd, text, sizeof(text) - 1);
    assert_true(n >= 0);
    text[n] = '\0';
    (void)close(fd); /* opened for reading */
    return text;
}

int scratch_count(void)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fdopendir(fd);
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    (void)closedir(dir); /* opened for reading */
    return count;
}
