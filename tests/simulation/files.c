/* Shell. The real tree in memory: files that people write and read. */
#include "tests/simulation/files.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[SIM_PATH_SIZE];

void files_must(bool done)
{
    if (!done) {
        perror("simulation");
        abort();
    }
}

void files_place(char out[2 * SIM_PATH_SIZE], const char *root, const char *path)
{
    snprintf(out, (size_t)2 * SIM_PATH_SIZE, "%s/%s/%s", folder, root, path);
}

void files_write(const char *path, const char *text, int flags)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

    files_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
}

void files_read(const char *path, char out[SIM_CONTENT_SIZE])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, out, SIM_CONTENT_SIZE - 1) : 0;

    files_must(n >= 0);
    out[n] = '\0';
    if (fd >= 0)
        close(fd);
}

void files_read_list(char out[SIM_CONTENT_SIZE])
{
    char path[2 * SIM_PATH_SIZE];

    files_place(path, "lists", FILES_LIST);
    files_read(path, out);
}

void files_begin(const char *where)
{
    static const char *const parts[] = {"images", "images/a", "images/b", "lists"};
    char path[2 * SIM_PATH_SIZE];

    snprintf(folder, sizeof folder, "%s", where);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, parts[i]);
        files_must(mkdir(path, 0755) == 0);
    }
}
