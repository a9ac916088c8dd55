/* Shell. What retention has removed of a journal and S3 has. See journal_older.h. */
#include "agent/commands/journal_older.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_fetch.h"
#include "agent/commands/journal_verify.h"
#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMPORARY "/tmp" /* where TMPDIR says nothing */

/* Verify what was fetched. The exit status. */
static int judge(const char *dir, const struct journal_verdict *v, uint64_t segments)
{
    struct journal_verdict older = {0};
    char where[] = "in S3: ";
    struct err e = {0};

    if (segments && journal_verify(dir, NULL, journal_print_fault, where, &older, &e))
        return command_fault(EXIT_UNREACHED, &e);
    if (segments == 0 || older.first_seq != 1 || older.last_seq != v->removed)
        printf("FAULT: in S3: the segments there have records %" PRIu64 " to %" PRIu64
               "; retention "
               "removed 1 to %" PRIu64 "\n",
               older.first_seq, older.last_seq, v->removed);
    else if (older.faults == 0 &&
             (strcmp(older.chain, v->removed_chain) != 0 || older.leaves != v->removed_leaves))
        printf("FAULT: in S3: the segments there are whole, but are not those that were removed\n");
    else if (older.faults == 0) {
        printf("in S3: records 1 to %" PRIu64 " in %" PRIu64 " segments: they are whole, and those "
               "that were removed\n",
               v->removed, segments);
        return EXIT_IN_STEP;
    }
    return EXIT_DIFFERENCES;
}

/* Remove the directory and what is in it. */
static void remove_all(const char *path, int dir_fd)
{
    DIR *dir = fdopendir(dir_fd);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), entry->d_name,
                           0); /* else the directory stays, and is told */
    if (dir)
        closedir(dir);
    else
        close(dir_fd);
    if (rmdir(path))
        fprintf(stderr, "lockstep: %s is left behind: %s\n", path, err_name(-errno));
}

int journal_older_check(const struct conf *conf, const char *address, const char *log,
                        const struct journal_verdict *v)
{
    const char *temporary = getenv("TMPDIR");
    char path[PATH_BYTES_MAX + 1];
    uint64_t segments = 0;
    struct err e = {0};
    int fd, status;

    temporary = temporary && temporary[0] == '/' ? temporary : TEMPORARY;
    if (path_join(path, sizeof path, temporary, "lockstep-journal-XXXXXX") || !mkdtemp(path)) {
        (void)err_set(&e, -errno, temporary, "room for what S3 has",
                      "no directory can be made there");
        return command_fault(EXIT_UNREACHED, &e);
    }
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        (void)err_set(&e, -errno, path, "", "cannot be opened: %s", err_name(-errno));
        return command_fault(EXIT_UNREACHED, &e);
    }
    if (journal_fetch_segments(conf, address, log, v->removed + 1, fd, &segments, &e))
        status = command_fault(EXIT_UNREACHED, &e);
    else
        status = judge(path, v, segments);
    remove_all(path, fd);
    return status;
}

void journal_older_note(const char *dir, const struct conf *conf)
{
    const char *prefix = conf ? conf->journal.prefix : NULL;
    uint64_t first;

    if (journal_first_seq(dir, &first) || first <= 1)
        return;
    fprintf(stderr, "lockstep: records 1 to %" PRIu64 " are not here any more", first - 1);
    if (prefix)
        fprintf(stderr, "; older history is in S3, below s3://%s/%s", conf->s3.bucket, prefix);
    else
        fputs("; older history is where the journal's prefix in the configuration says, if there "
              "is one",
              stderr);
    fputc('\n', stderr);
}
