/*
 * A directory of its own for tests that rewrite lists on disk.
 */
#ifndef LOCKSTEP_TESTS_LST_BED_H
#define LOCKSTEP_TESTS_LST_BED_H

#include "base/tree.h"
#include "lists/lists.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The bed: one directory, the working directory of the test. */
static int bed_fd = -1;
static char bed_path[256];

static inline void bed_make(void)
{
    const char *tmp = getenv("TMPDIR"); /* to try another file system */

    snprintf(bed_path, sizeof(bed_path), "%s/lst-test-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(bed_path));
    assert_int_equal(tree_open_root(bed_path, &bed_fd), 0);
    assert_int_equal(chdir(bed_path), 0);
}

/* Remove everything in the bed. */
static inline void bed_empty(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.' || strncmp(entry->d_name, ".lockstep", 9) == 0)
            (void)remove(entry->d_name);
    }
    closedir(dir);
}

static inline void bed_remove(void)
{
    bed_empty();
    close(bed_fd);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(bed_path), 0);
}

/* cmocka's tear-down where nothing else is to go. */
static inline int bed_tear_down(void **state)
{
    (void)state;
    bed_remove();
    return 0;
}

/* How many names in the bed begin so. */
static inline int bed_count(const char *head)
{
    DIR *dir = opendir(".");
    struct dirent *entry;
    int n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        n += strncmp(entry->d_name, head, strlen(head)) == 0;
    closedir(dir);
    return n;
}

static inline void put_fd_bytes(int fd, const char *bytes, size_t n)
{
    assert_true(fd >= 0);
    assert_int_equal(write_whole(fd, bytes, n), 0);
    close(fd);
}

static inline void put_fd(int fd, const char *text)
{
    put_fd_bytes(fd, text, strlen(text));
}

static inline void put_bytes(const char *name, const char *bytes, size_t n)
{
    put_fd_bytes(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644), bytes, n);
}

static inline void put_file(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static inline void append_file(const char *name, const char *text)
{
    put_fd(open(name, O_WRONLY | O_APPEND), text);
}

/* The content of a file, the caller's to free; NULL if there is none. */
static inline char *get_file(const char *name)
{
    int fd = open(name, O_RDONLY);
    struct stat st;
    char *text;

    if (fd < 0)
        return NULL;
    assert_int_equal(fstat(fd, &st), 0);
    text = malloc((size_t)st.st_size + 1);
    assert_non_null(text);
    assert_int_equal(read_whole(fd, text, (uint64_t)st.st_size), 0);
    text[st.st_size] = '\0';
    close(fd);
    return text;
}

static inline void assert_file(const char *name, const char *want)
{
    char *text = get_file(name);

    assert_non_null(text);
    assert_string_equal(text, want);
    free(text);
}

/* The file system can exchange two names. */
static inline bool bed_has_exchange(void)
{
    bool has;

    put_file("a", "");
    put_file("b", "");
    has = renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE) == 0;
    unlink("a");
    unlink("b");
    return has;
}

static inline ino_t inode_of(const char *name)
{
    struct stat st;

    assert_int_equal(stat(name, &st), 0);
    return st.st_ino;
}

#endif
