/* Retention: the oldest segment is removed, and the journal says so. Shell.
 *
 * What is removed is named by a record before it goes, with the chain value and the root of the
 * tree that the first segment left begins with. So who finds a journal without its beginning can
 * tell whether it was taken by whom it may be; a crash in between leaves more than was named, which
 * is named again. */
#include "base/err.h"
#include "journal/checkpoint.h"
#include "journal/index.h"
#include "journal/walk.h"
#include "journal/writer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The two oldest segments and the header of the second. Strings point into store. 0 or a negative
 * code. */
static int look(const struct journal *j, struct journal_name names[2], struct buf *store,
                struct journal_header *ret)
{
    struct journal_list list = {NULL, 0};
    char file[JOURNAL_FILE_SIZE];
    int rc = journal_list_read(j->dir_fd, &list);

    if (rc)
        return rc;
    rc = list.count < 2 ? -ENOENT : 0;
    for (size_t i = 0; rc == 0 && i < 2; i++)
        names[i] = list.names[i];
    journal_list_release(&list);
    if (rc == 0 && journal_name_compare(names[0], j->segment.name) >= 0)
        rc = -ENOENT;
    if (rc == 0)
        rc = journal_walk_header(j->dir_fd, names[1], store, ret);
    if (rc == 0 && strcmp(ret->previous, journal_name_format(names[0], file)) != 0)
        rc = ERR_CORRUPT;
    return rc == -ENODATA ? -ENOENT : rc;
}

int journal_oldest(const struct journal *j, struct journal_oldest *ret)
{
    struct journal_name names[2];
    struct journal_header h;
    struct buf store;
    int rc;

    buf_init(&store, JOURNAL_LINE_MAX);
    rc = look(j, names, &store, &h);
    if (rc == 0) {
        journal_content_file(j->dir_fd, names[0], ret->file);
        ret->last_seq = h.first - 1;
        ret->closed_us = h.time_us;
    }
    buf_release(&store);
    return rc;
}

/* Name the key that signs once more: the record that did may be in what goes. 0 or a negative code.
 */
static int name_key(struct journal *j, int64_t now_us)
{
    char text[JOURNAL_KEY_TEXT_MAX];
    const struct journal_record rec = {.op = JOURNAL_KEY,
                                       .state = JOURNAL_NOTE,
                                       .after = journal_key_format(&j->secret.key, text)};

    return j->signing ? journal_append(j, &rec, now_us, NULL) : 0;
}

/* The record of it, durable and signed. 0 or a negative code. */
static int state_it(struct journal *j, const struct journal_name names[2],
                    const struct journal_header *h, int64_t now_us)
{
    char gone[JOURNAL_FILE_SIZE], left[JOURNAL_FILE_SIZE];
    char chain[2 * SHA256_BYTES + 1], root_hex[2 * SHA256_BYTES + 1];
    uint8_t root[SHA256_BYTES];
    const struct journal_record rec = {.op = JOURNAL_RETIRE,
                                       .state = JOURNAL_NOTE,
                                       .path = journal_name_format(names[0], gone),
                                       .path2 = journal_name_format(names[1], left),
                                       .count = h->first - 1,
                                       .before = chain,
                                       .after = root_hex};
    int rc;

    journal_tree_root(&h->tree, root);
    hex_encode(root, SHA256_BYTES, root_hex);
    hex_encode(h->chain, SHA256_BYTES, chain);
    rc = name_key(j, now_us);
    if (rc == 0)
        rc = journal_append(j, &rec, now_us, NULL);
    if (rc == 0)
        rc = journal_checkpoint(j, now_us);
    return rc == 0 && j->signing && j->signed_size < j->durable_lines ? -EAGAIN : rc;
}

/* All files of a segment; its bytes last, so that nothing stays that speaks of a segment that is
 * not there. 0 or -errno. */
static int remove_files(int dir_fd, struct journal_name name)
{
    char files[4][JOURNAL_FILE_SIZE];

    journal_index_name(name, files[0]);
    journal_checkpoints_name(name, files[1]);
    journal_packed_name(name, files[2]);
    journal_name_format(name, files[3]);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (unlinkat(dir_fd, files[i], 0) && errno != ENOENT)
            return -errno;
    return fsync(dir_fd) ? -errno : 0;
}

int journal_retire(struct journal *j, const struct journal_oldest *oldest, int64_t now_us)
{
    struct journal_name names[2], wanted;
    struct journal_header h;
    struct buf store;
    int rc;

    buf_init(&store, JOURNAL_LINE_MAX);
    rc = look(j, names, &store, &h);
    if (rc == 0 && (!journal_any_name_parse(oldest->file, &wanted) ||
                    journal_name_compare(wanted, names[0]) != 0))
        rc = -ENOENT;
    if (rc == 0)
        rc = state_it(j, names, &h, now_us);
    if (rc == 0)
        rc = remove_files(j->dir_fd, names[0]);
    buf_release(&store);
    return rc;
}

int journal_first_seq(const char *dir, uint64_t *ret)
{
    struct journal_list list = {NULL, 0};
    struct err e = {0};
    int fd, rc = journal_dir_open(dir, &fd, &e);

    if (rc)
        return rc;
    rc = journal_list_read(fd, &list);
    if (rc == 0 && list.count == 0)
        rc = -ENOENT;
    if (rc == 0)
        *ret = list.names[0].first;
    journal_list_release(&list);
    close(fd);
    return rc;
}
