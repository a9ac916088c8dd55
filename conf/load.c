/* The file and the directories that it names. Shell. */
#include "base/buf.h"
#include "conf/reading.h"
#include "conf/value.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char file_right[] =
    "give the path of a configuration file; lockstep.conf.sample is one to begin with";

/* All of an open file into out, up to its ceiling. */
static int read_all(int fd, struct buf *out)
{
    for (;;) {
        char chunk[16384];
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            return 0;
        int r = buf_append(out, chunk, (size_t)n);
        if (r != 0)
            return r;
    }
}

/* The file's text; a fault where it cannot be had. */
static int read_text_file(const char *file, struct buf *out, struct fault_list *faults)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int r = fd < 0 ? -errno : read_all(fd, out);
    if (fd >= 0)
        (void)close(fd); /* only read from */
    if (r == ERR_LIMIT)
        fault_add(faults, 0, "", "at most 1 MiB of text", "is too large for a configuration file");
    else if (r != 0)
        fault_add(faults, 0, "", file_right, "cannot be read: %s", err_name(r));
    else if (out->len > 0 && memchr(out->data, '\0', out->len) != NULL)
        fault_add(faults, 0, "", file_right, "holds a NUL byte, so it is not text");
    else
        return 0;
    return r == 0 ? ERR_SYNTAX : r;
}

/* A field takes another text. */
static void replace_text(struct reading *r, char **field, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        r->faults.no_memory = true;
        return;
    }
    free(*field);
    *field = copy;
}

/* Why a path is no directory that can be listed; NULL if it is one. */
static const char *directory_fault(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_name(-errno);
    if (!S_ISDIR(st.st_mode))
        return "is not a directory";
    if (faccessat(AT_FDCWD, path, R_OK | X_OK, AT_EACCESS) != 0)
        return "cannot be listed by this user";
    return NULL;
}

/* The tree of a mapping: there, listable, and under its canonical name. */
static void resolve_tree(struct reading *r, size_t i)
{
    struct conf_mapping *m = &r->conf->mappings[i];
    if (m->path == NULL)
        return;
    char canonical[PATH_MAX];
    const char *why =
        realpath(m->path, canonical) == NULL ? err_name(-errno) : directory_fault(canonical);
    if (why != NULL) {
        char label[READING_LABEL_MAX];
        fault_add(&r->faults, reading_line(r, i, "path"), reading_label(r, i, "path", label),
                  "expected a directory that exists and can be read", "%s: %s", m->path, why);
        return;
    }
    if (strcmp(m->path, canonical) != 0)
        replace_text(r, &m->given, m->path);
    replace_text(r, &m->path, canonical);
}

/* A path that need not be there yet: what there is of it becomes canonical. */
static void resolve_future(struct reading *r, char **field)
{
    if (*field == NULL)
        return;
    char head[VALUE_TEXT_MAX];
    char canonical[PATH_MAX];
    size_t len = strlen(*field);
    memcpy(head, *field, len + 1);
    while (realpath(head, canonical) == NULL) {
        char *slash = strrchr(head, '/');
        if (slash == NULL || slash == head)
            return; /* nothing of it is there: it stays as it is */
        *slash = '\0';
    }
    char whole[PATH_MAX + VALUE_TEXT_MAX];
    const char *rest = *field + strlen(head);
    (void)snprintf(whole, sizeof(whole), "%s%s", strcmp(canonical, "/") == 0 ? "" : canonical,
                   rest); /* fits */
    replace_text(r, field, whole);
}

/* The file of certificates can be read. */
static void check_ca_file(struct reading *r)
{
    const char *path = r->conf->s3.ca_file;
    const struct node *group = node_member(source_root(r->source), "s3");
    if (path == NULL || group == NULL)
        return;
    struct stat st;
    const char *why = NULL;
    if (stat(path, &st) != 0)
        why = err_name(-errno);
    else if (!S_ISREG(st.st_mode))
        why = "is not a file";
    else if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        why = err_name(-errno);
    if (why != NULL)
        fault_add(&r->faults, reading_node_line(group, "ca_file"), "s3.ca_file",
                  "expected a PEM file that can be read", "%s: %s", path, why);
}

#define KEY_FILE_MIN 32 /* bytes: the key as it is */
#define KEY_FILE_MAX 46 /* its base64, and an end of line */

/* Why a file cannot hold a customer's key; NULL if it can. */
static const char *key_file_fault(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_name(-errno);
    if (!S_ISREG(st.st_mode))
        return "is not a file";
    if (faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        return err_name(-errno);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than its owner may use it (chmod it to 0600)";
    return st.st_size < KEY_FILE_MIN || st.st_size > KEY_FILE_MAX ? "has not the size of a key"
                                                                  : NULL;
}

/* The files of keys can be read, and by nobody else. */
static void check_key_files(struct reading *r)
{
    for (size_t i = 0; r->object_nodes != NULL && i < r->conf->object_count; i++) {
        const char *path = r->conf->objects[i].encryption.key_file;
        const char *why = path == NULL ? NULL : key_file_fault(path);
        char label[READING_LABEL_MAX];
        if (why == NULL)
            continue;
        (void)snprintf(label, sizeof(label), "objects[%zu].encryption.key_file", i); /* fits */
        fault_add(&r->faults,
                  reading_node_line(node_member(r->object_nodes[i], "encryption"), "key_file"),
                  label, "expected a file with a key of 32 bytes, or its base64, of mode 0600",
                  "%s: %s", path, why);
    }
}

/* The class maps are files that can be read. */
static void check_class_maps(struct reading *r)
{
    for (size_t i = 0; r->policy_nodes != NULL && i < r->conf->policy_count; i++) {
        const char *path = r->conf->policies[i].label_from_directory;
        const char *why = NULL;
        struct stat st;
        char label[READING_LABEL_MAX];
        if (path == NULL)
            continue;
        if (stat(path, &st) != 0 || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
            why = err_name(-errno);
        else if (!S_ISREG(st.st_mode))
            why = "is not a file";
        if (why == NULL)
            continue;
        (void)snprintf(label, sizeof(label), "policies[%zu].label_from_directory", i); /* fits */
        fault_add(&r->faults, reading_node_line(r->policy_nodes[i], "label_from_directory"), label,
                  "expected a class map, as \"lockstep lst make --class-map\" writes it", "%s: %s",
                  path, why);
    }
}

/* The file of the key that signs the journal: what can be told without a look into it. A credential
 * of systemd's is there for the agent alone. */
static void check_journal_key(struct reading *r)
{
    const char *path = r->conf->journal.key;
    const struct node *group = node_member(source_root(r->source), "journal");
    struct stat st;
    const char *why = NULL;
    if (path == NULL || path[0] != '/' || group == NULL)
        return;
    resolve_future(r, &r->conf->journal.key);
    path = r->conf->journal.key;
    if (stat(path, &st) != 0 || faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0)
        why = err_name(-errno);
    else if (!S_ISREG(st.st_mode))
        why = "is not a file";
    else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        why = "others than its owner may use it (chmod it to 0600)";
    if (why != NULL)
        fault_add(&r->faults, reading_node_line(group, "key"), "journal.key",
                  "expected a file that \"lockstep journal key new\" has made", "%s: %s", path,
                  why);
}

void reading_resolve(struct reading *r)
{
    if (r->conf == NULL || r->origins == NULL)
        return;
    for (size_t i = 0; i < r->conf->mapping_count; i++)
        resolve_tree(r, i);
    resolve_future(r, &r->conf->state_dir);
    resolve_future(r, &r->conf->journal_dir);
    resolve_future(r, &r->conf->metrics.file);
    check_ca_file(r);
    check_key_files(r);
    check_class_maps(r);
    check_journal_key(r);
}

/* The state's folders under their canonical names; nothing else is looked at. */
static void resolve_state(struct reading *r)
{
    if (r->conf == NULL || r->origins == NULL)
        return;
    resolve_future(r, &r->conf->state_dir);
    resolve_future(r, &r->conf->journal_dir);
    resolve_future(r, &r->conf->metrics.file);
    if (r->conf->journal.key != NULL && r->conf->journal.key[0] == '/')
        resolve_future(r, &r->conf->journal.key);
}

/* Read and check, having resolved what is named in one way or the other. */
static int load(const char *file, void (*resolve)(struct reading *r), struct conf **ret,
                struct conf_faults *faults)
{
    struct reading r = {0};
    struct buf text;
    *faults = (struct conf_faults){0};
    buf_init(&text, READING_TEXT_MAX);
    fault_list_init(&r.faults, file);
    if (read_text_file(file, &text, &r.faults) == 0) {
        reading_begin(&r, text.len > 0 ? text.data : "", file);
        resolve(&r);
        reading_check(&r);
    }
    buf_release(&text);
    return reading_end(&r, ret, faults);
}

int conf_load(const char *file, struct conf **ret, struct conf_faults *faults)
{
    return load(file, reading_resolve, ret, faults);
}

int conf_load_apart(const char *file, struct conf **ret, struct conf_faults *faults)
{
    return load(file, resolve_state, ret, faults);
}
