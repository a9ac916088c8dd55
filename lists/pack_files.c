/* Shell. A .rec and its .idx as files. See pack_files.h. */
#include "lists/pack_files.h"

#include "base/path.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES (1 << 20) /* written, and read, at once */
#define NEW_MODE    0666      /* less the umask */

/* A record of magics only is framed in twice its bytes, and as much for the first. */
#define REC_TEXT_MAX (3 * (size_t)RECORD_PAYLOAD_MAX + PIECE_BYTES)

int pack_idx_name(const char *rec, char *out, size_t size)
{
    static const char ending[] = ".rec";
    size_t n = strlen(rec);
    size_t stem = n - (sizeof(ending) - 1);

    if (n < sizeof(ending) || strcmp(rec + stem, ending) != 0 || rec[stem - 1] == '/')
        return ERR_SYNTAX;
    if (n >= size)
        return -ENAMETOOLONG;
    memcpy(out, rec, stem);
    memcpy(out + stem, ".idx", sizeof(ending));
    return 0;
}

/* One of the two under its temporary name. */
static int begin_one(int dir_fd, const char *name, struct replace *r, struct file_stat *ret_was)
{
    mode_t mask = umask(0);
    int rc = tree_stat_at(dir_fd, name, ret_was);

    (void)umask(mask); /* it was this one */
    if (rc == 0 && ret_was->kind != FILE_ABSENT && ret_was->kind != FILE_REGULAR)
        rc = ERR_NOT_FILE;
    return rc == 0 ? replace_begin(r, dir_fd, name, NEW_MODE & ~(uint32_t)mask) : rc;
}

/* Both, in an open directory. */
static int begin_both(struct pack_out *o, const char *rec, const char *idx)
{
    int rc = begin_one(o->dir_fd, rec, &o->rec, &o->was_rec);

    if (rc < 0)
        return rc;
    rc = begin_one(o->dir_fd, idx, &o->idx, &o->was_idx);
    if (rc < 0)
        replace_abort(&o->rec);
    return rc;
}

int pack_out_begin(struct pack_out *o, const char *path, struct err *e)
{
    char idx[PATH_BYTES_MAX + 1];
    char dir[PATH_BYTES_MAX + 1] = ".";
    const char *name = path_name(path);
    struct pack_out new = {.dir_fd = -1};
    int rc = pack_idx_name(path, idx, sizeof(idx));

    if (rc == 0 && name > path) {
        memcpy(dir, path, (size_t)(name - path));
        dir[name - path] = '\0';
    }
    if (rc == 0) {
        new.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = new.dir_fd < 0 ? -errno : replace_sweep(new.dir_fd);
    }
    if (rc == 0)
        rc = begin_both(&new, name, path_name(idx));
    if (rc < 0) {
        if (new.dir_fd >= 0)
            (void)close(new.dir_fd); /* opened for reading: nothing to lose */
        return err_set(e, rc, path,
                       "a file in a directory that can be written, its name ends in .rec", "%s",
                       err_name(rc));
    }
    buf_init(&new.rec_text, REC_TEXT_MAX);
    buf_init(&new.idx_text, 2 * PIECE_BYTES);
    *o = new;
    return 0;
}

/* Write what stands in a buffer. */
static int flush(struct buf *text, int fd)
{
    int rc = text->len > 0 ? write_whole(fd, text->data, text->len) : 0;

    buf_reset(text);
    return rc;
}

int pack_out_add(struct pack_out *o, uint64_t id, struct span payload)
{
    size_t before = o->rec_text.len;
    int rc = record_frame(payload, &o->rec_text);

    if (rc == 0)
        rc = buf_appendf(&o->idx_text, "%" PRIu64 "\t%" PRIu64 "\n", id, o->at);
    if (rc < 0)
        return rc;
    o->at += o->rec_text.len - before;
    if (o->rec_text.len >= PIECE_BYTES)
        rc = flush(&o->rec_text, o->rec.fd);
    if (rc == 0 && o->idx_text.len >= PIECE_BYTES)
        rc = flush(&o->idx_text, o->idx.fd);
    return rc;
}

/* The last bytes, owner and mode of a file that was there, and all of it durable. */
static int finish(struct replace *r, struct buf *text, const struct file_stat *was)
{
    int rc = flush(text, r->fd);

    if (rc == 0 && was->kind == FILE_REGULAR)
        rc = replace_like(r, was);
    return rc == 0 ? replace_sync(r) : rc;
}

int pack_out_commit(struct pack_out *o)
{
    int rc = finish(&o->rec, &o->rec_text, &o->was_rec);

    if (rc == 0)
        rc = finish(&o->idx, &o->idx_text, &o->was_idx);
    if (rc == 0 && unlinkat(o->dir_fd, o->idx.name, 0) < 0 && errno != ENOENT)
        rc = -errno;
    if (rc == 0 && fsync(o->dir_fd) < 0 && errno != EINVAL)
        rc = -errno;
    if (rc == 0)
        rc = replace_commit(&o->rec);
    if (rc == 0)
        rc = replace_commit(&o->idx);
    pack_out_abort(o); /* what was put in place stays */
    return rc;
}

void pack_out_abort(struct pack_out *o)
{
    replace_abort(&o->rec);
    replace_abort(&o->idx);
    buf_release(&o->rec_text);
    buf_release(&o->idx_text);
    (void)close(o->dir_fd); /* opened for reading: nothing to lose */
}

int pack_in_open(struct pack_in *in, const char *path)
{
    struct pack_in new = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    int rc = new.fd < 0 ? -errno : tree_stat_fd(new.fd, &new.st);

    if (rc == 0 && new.st.kind != FILE_REGULAR)
        rc = ERR_NOT_FILE;
    if (rc < 0) {
        if (new.fd >= 0)
            (void)close(new.fd); /* opened for reading: nothing to lose */
        return rc;
    }
    buf_init(&new.window, RECORD_PAYLOAD_MAX + (size_t)PIECE_BYTES);
    record_begin(&new.reader);
    *in = new;
    return 0;
}

void pack_in_close(struct pack_in *in)
{
    record_release(&in->reader);
    buf_release(&in->window);
    (void)close(in->fd); /* opened for reading: nothing to lose */
}

/* Have n bytes, which the file has, in the window from `at` on. */
static int fill(struct pack_in *in, uint64_t at, size_t n)
{
    size_t used = (size_t)(at - in->window_at);
    size_t kept = in->window.len - used;
    uint64_t rest = in->st.size - at - kept;
    size_t more = n - kept > PIECE_BYTES ? n - kept : PIECE_BYTES;
    int rc;

    if (used > 0 && kept > 0)
        memmove(in->window.data, in->window.data + used, kept);
    in->window.len = kept;
    in->window_at = at;
    more = more < rest ? more : (size_t)rest;
    rc = buf_reserve(&in->window, more);
    if (rc == 0)
        rc = read_whole(in->fd, in->window.data + kept, more);
    if (rc == 0)
        in->window.len += more;
    return rc;
}

/* The bytes that the reader wants, or as many as the file has. */
static int wanted(struct pack_in *in, struct span *ret)
{
    uint64_t at = in->reader.at;
    uint64_t rest = in->st.size - at;
    size_t n = in->reader.want < rest ? in->reader.want : (size_t)rest;
    int rc = 0;

    if (in->window_at + in->window.len < at + n)
        rc = fill(in, at, n);
    *ret = n > 0 ? (struct span){in->window.data + (at - in->window_at), n} : (struct span){"", 0};
    return rc;
}

int pack_in_next(struct pack_in *in, enum record_next *ret)
{
    enum record_next next = RECORD_MORE;
    struct file_stat now;
    struct span bytes;
    int rc = 0;

    while (rc == 0 && next == RECORD_MORE) {
        rc = wanted(in, &bytes);
        if (rc == 0)
            rc = record_step(&in->reader, bytes, &next);
    }
    if (rc == 0 && next != RECORD_WHOLE)
        rc = tree_stat_fd(in->fd, &now);
    if (rc == 0 && next != RECORD_WHOLE && !file_same_content(&in->st, &now))
        rc = ERR_CHANGED;
    if (rc == 0)
        *ret = next;
    return rc;
}
