/* Files of private keys: made once, read at each start. Shell. */
#include "journal/key.h"

#include "base/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0600
#define RIGHT     "a file that \"lockstep journal key new\" has made"

/* A random key of this name. 0, ERR_SYNTAX, ERR_LIMIT, -ENOMEM, -errno. */
static int make_secret(const char *name, struct journal_secret *ret)
{
    uint8_t seed[ED25519_SEED_BYTES];
    int rc;

    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return errno ? -errno : -EIO;
    rc = journal_secret_init(ret, span_of(name), seed);
    explicit_bzero(seed, sizeof(seed));
    return rc;
}

/* Write a whole text to a new file and make it durable. 0 or -errno. */
static int write_text(int fd, const char *text)
{
    int rc = fchmod(fd, FILE_MODE) ? -errno : write_whole(fd, text, strlen(text));

    if (rc == 0 && fsync(fd))
        rc = -errno;
    return rc;
}

/* Make the file's name durable. 0 or -errno. */
static int sync_parent(const char *path)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int fd, rc = 0;

    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (fsync(fd) && errno != EINVAL) /* file systems that cannot do it have nothing to do */
        rc = -errno;
    close(fd);
    return rc;
}

/* The file with the key in it. 0, -errno; then there is none but one that was there before. */
static int write_file(const char *path, const struct journal_secret *secret)
{
    char text[JOURNAL_KEY_TEXT_MAX + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
    int rc;

    if (fd < 0)
        return -errno;
    journal_secret_format(secret, text);
    memcpy(text + strlen(text), "\n", 2);
    rc = write_text(fd, text);
    explicit_bzero(text, sizeof(text));
    if (close(fd) && rc == 0)
        rc = -errno;
    if (rc == 0)
        rc = sync_parent(path);
    if (rc)
        (void)unlink(path); /* it is ours, and not to be trusted */
    return rc;
}

int journal_key_create(const char *path, const char *name, struct journal_key *ret, struct err *e)
{
    struct journal_secret secret;
    int rc = make_secret(name, &secret);

    if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
        return err_set(e, rc, name,
                       "a name such as \"host.example/journal\", without spaces and "
                       "'+', of at most 128 bytes",
                       "no key can have this name");
    if (rc == 0)
        rc = write_file(path, &secret);
    if (rc == 0)
        *ret = secret.key;
    journal_secret_wipe(&secret);
    if (rc == -EEXIST)
        return err_set(e, rc, path, "another name, or take the old key away first",
                       "the file is there already; keys are never overwritten");
    if (rc)
        return err_set(e, rc, path, "", "the key cannot be written: %s", err_name(rc));
    return 0;
}

/* The bytes of a file that holds a key, at most `size`. 0, ERR_NOT_FILE, ERR_REFUSED where one of
 * these permission bits is set, ERR_LIMIT, -errno. */
static int read_private(const char *path, mode_t forbidden, char *out, size_t size, size_t *ret_n)
{
    struct stat st;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int rc = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st))
        rc = -errno;
    else if (!S_ISREG(st.st_mode))
        rc = ERR_NOT_FILE;
    else if (st.st_mode & forbidden)
        rc = ERR_REFUSED;
    else if (st.st_size > (off_t)size)
        rc = ERR_SYNTAX;
    while (rc == 0 && (n = read(fd, out, size)) < 0)
        rc = errno == EINTR ? 0 : -errno;
    close(fd);
    if (rc == 0)
        *ret_n = (size_t)n;
    return rc;
}

/* The key in a file. See journal_key_load. */
static int load(const char *path, mode_t forbidden, struct journal_secret *ret, struct err *e)
{
    char text[JOURNAL_KEY_TEXT_MAX + 1];
    size_t n = 0;
    int rc = read_private(path, forbidden, text, sizeof(text), &n);

    if (rc == 0)
        rc = journal_secret_parse((struct span){text, n}, ret);
    explicit_bzero(text, sizeof(text));
    if (rc == ERR_SYNTAX || rc == ERR_LIMIT)
        return err_set(e, ERR_SYNTAX, path, RIGHT, "no private key of a journal is in it");
    if (rc == ERR_REFUSED)
        return err_set(e, rc, path, "chmod it to 0600",
                       "others than its owner may use this private key");
    if (rc)
        return err_set(e, rc, path, RIGHT, "the journal's key cannot be read: %s", err_name(rc));
    return 0;
}

int journal_key_load(const char *path, struct journal_secret *ret, struct err *e)
{
    return load(path, S_IRWXG | S_IRWXO, ret, e);
}

int journal_key_find(const char *where, struct journal_secret *ret, struct err *e)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (where[0] == '/')
        return journal_key_load(where, ret, e);
    if (!dir || !*dir)
        return err_set(e, -ENOENT, where, "LoadCredential= in the unit, or an absolute path",
                       "the journal's key is to be a credential of systemd, which has given none");
    if (snprintf(path, sizeof(path), "%s/%s", dir, where) >= (int)sizeof(path))
        return err_set(e, -ENAMETOOLONG, where, "", "the credential's path is too long");
    return load(path, S_IRWXO, ret, e);
}
