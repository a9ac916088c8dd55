/* Shell. lockstep journal verify: is it whole, and whose is it. */
#include "agent/commands/journal_verify.h"

#include "agent/commands/commands.h"
#include "agent/commands/journal_fetch.h"
#include "agent/commands/journal_older.h"
#include "agent/commands/journal_undo.h"
#include "base/path.h"
#include "journal/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define READ_STEP 4096

bool journal_given_add(const char *list[JOURNAL_TRUST_MAX], size_t *count, const char *text)
{
    if (*count == JOURNAL_TRUST_MAX)
        return false;
    list[(*count)++] = text;
    return true;
}

/* All that comes. 0, ERR_LIMIT, -ENOMEM, -errno. */
static int read_all(int fd, struct buf *out)
{
    char bytes[READ_STEP];

    for (;;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        int rc;

        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? -errno : buf_append(out, bytes, (size_t)n);
        if (rc)
            return rc;
    }
}

int journal_given_file(const char *path, size_t max, struct buf *out, struct err *e)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int rc = fd < 0 ? -errno : 0;

    buf_init(out, max);
    if (rc == 0)
        rc = read_all(fd, out);
    if (fd >= 0 && !standard)
        close(fd);
    if (rc == 0)
        return 0;
    buf_release(out);
    return err_set(e, rc, path, "", "cannot be read: %s", err_name(rc));
}

int journal_given_key(const char *text, struct journal_key *ret, struct err *e)
{
    static const char right[] = "what \"lockstep journal key new\" printed, or a file with it";
    struct buf file;
    int rc;

    if (journal_key_parse(span_of(text), ret) == 0)
        return 0;
    if (access(text, F_OK))
        return err_set(e, ERR_SYNTAX, text, right, "this is neither a public key nor a file");
    rc = journal_given_file(text, JOURNAL_KEY_TEXT_MAX, &file, e);
    if (rc && rc != ERR_LIMIT)
        return rc;
    if (rc == 0)
        rc = journal_key_parse((struct span){file.data, file.len}, ret);
    buf_release(&file);
    return rc ? err_set(e, ERR_SYNTAX, text, right, "no public key is in this file") : 0;
}

/* What is given, read: everything that a journal_trust points to. */
struct trusted {
    struct journal_key keys[JOURNAL_TRUST_MAX];
    struct journal_anchor anchors[JOURNAL_TRUST_MAX];
    struct buf files[JOURNAL_TRUST_MAX];
    char names[JOURNAL_TRUST_MAX][JOURNAL_FETCH_NAME_SIZE]; /* of those in S3 */
    struct journal_trust trust;
};

/* The log of a checkpoint. */
static bool log_of(const struct journal_anchor *anchor, char ret[JOURNAL_KEY_NAME_MAX + 1])
{
    struct journal_checkpoint c;
    struct journal_note note;

    if (journal_note_parse(anchor->note, &note) || journal_checkpoint_parse(note.text, &c) ||
        c.origin.n > JOURNAL_KEY_NAME_MAX)
        return false;
    memcpy(ret, c.origin.p, c.origin.n);
    ret[c.origin.n] = '\0';
    return true;
}

/* One checkpoint that was kept. 0 or a negative code. */
static int read_anchor(struct trusted *t, const char *path, struct err *e)
{
    struct buf *file = &t->files[t->trust.anchor_count];
    struct journal_checkpoint c;
    struct journal_note note;
    int rc = journal_given_file(path, JOURNAL_NOTE_MAX, file, e);

    if (rc)
        return rc;
    t->anchors[t->trust.anchor_count++] = (struct journal_anchor){path, {file->data, file->len}};
    if (journal_note_parse((struct span){file->data, file->len}, &note) ||
        journal_checkpoint_parse(note.text, &c))
        return err_set(e, ERR_SYNTAX, path, "a copy of a journal's file \"checkpoint\"",
                       "this is no checkpoint");
    return 0;
}

/* Of which log the journal says to be, and over how many lines its newest checkpoint is. */
static int read_own(const char *dir, char log[JOURNAL_KEY_NAME_MAX + 1], uint64_t *ret_lines,
                    struct err *e)
{
    char path[PATH_BYTES_MAX + 1];
    struct journal_checkpoint c;
    struct journal_note note;
    struct buf file;
    int rc = path_join(path, sizeof path, dir, JOURNAL_CHECKPOINT_FILE);

    if (rc)
        return err_set(e, rc, dir, "", "its path is too long");
    rc = journal_given_file(path, JOURNAL_NOTE_MAX, &file, e);
    if (rc)
        return rc;
    if (journal_note_parse((struct span){file.data, file.len}, &note) ||
        journal_checkpoint_parse(note.text, &c) ||
        !log_of(&(struct journal_anchor){path, {file.data, file.len}}, log))
        rc = err_set(e, ERR_CORRUPT, path, "", "this is no checkpoint");
    if (rc == 0)
        *ret_lines = c.size;
    buf_release(&file);
    return rc;
}

/* The newest checkpoint of this log in S3. 0 or a negative code. */
static int fetch_anchor(struct trusted *t, const struct conf *conf, const char *address,
                        const char *log, uint64_t near, struct err *e)
{
    size_t i = t->trust.anchor_count;
    int rc;

    if (i == JOURNAL_TRUST_MAX)
        return err_set(e, ERR_LIMIT, address, "", "too many anchors");
    buf_init(&t->files[i], JOURNAL_NOTE_MAX);
    rc = journal_fetch(conf, address, log, near, &t->files[i], t->names[i], e);
    if (rc)
        return rc;
    t->anchors[t->trust.anchor_count++] =
        (struct journal_anchor){t->names[i], {t->files[i].data, t->files[i].len}};
    return 0;
}

/* Was a log of that name looked for already? */
static bool is_repeated(const struct trusted *t, size_t key)
{
    for (size_t i = 0; i < key; i++)
        if (strcmp(t->keys[i].name, t->keys[key].name) == 0)
            return true;
    return false;
}

/* What S3 has at that place: of the logs that the keys which were given sign (one at least must be
 * there), else of the one that the journal says to be. 0 or a negative code. */
static int fetch_anchors(struct trusted *t, const char *dir, const struct conf *conf,
                         const char *address, struct err *e)
{
    char log[JOURNAL_KEY_NAME_MAX + 1] = "";
    size_t before = t->trust.anchor_count;
    uint64_t near = 0;
    int rc = read_own(dir, log, &near, e);

    if (t->trust.key_count == 0)
        return rc ? rc : fetch_anchor(t, conf, address, log, near, e);
    for (size_t i = 0, n = t->trust.key_count; i < n; i++) {
        if (is_repeated(t, i))
            continue;
        rc = fetch_anchor(t, conf, address, t->keys[i].name, near, e);
        if (rc && rc != -ENOENT)
            return rc;
    }
    return t->trust.anchor_count > before ? 0 : rc;
}

static int read_given(struct trusted *t, const char *dir, const struct journal_given *given,
                      const struct conf *conf, struct err *e)
{
    int rc = 0;

    t->trust.keys = t->keys;
    t->trust.anchors = t->anchors;
    for (size_t i = 0; rc == 0 && i < given->key_count; i++) {
        rc = journal_given_key(given->keys[i], &t->keys[i], e);
        t->trust.key_count += rc == 0;
    }
    for (size_t i = 0; rc == 0 && i < given->anchor_count; i++)
        rc = journal_fetch_is_address(given->anchors[i])
                 ? fetch_anchors(t, dir, conf, given->anchors[i], e)
                 : read_anchor(t, given->anchors[i], e);
    return rc;
}

void journal_print_fault(void *where, const struct journal_fault *f)
{
    printf("%s: %s%s at byte %" PRIu64 ", after record %" PRIu64 ": %s\n",
           f->harmless ? "harmless" : "FAULT", where ? (const char *)where : "", f->file, f->offset,
           f->seq, f->kind);
    if (f->detail && f->detail[0]) {
        fputs("  ", stdout);
        command_print_name(f->detail);
        putchar('\n');
    }
}

/* What is vouched for, and by whom. */
static void print_signed(const struct journal_verdict *v, const struct journal_trust *trust)
{
    if (v->checkpoints + v->anchors == 0) {
        printf("signed: no\n");
        return;
    }
    printf("signed: %" PRIu64 " of %" PRIu64 " lines, by %" PRIu64 " checkpoints", v->signed_leaves,
           v->leaves, v->checkpoints);
    if (v->anchors)
        printf(" and %" PRIu64 " that were kept", v->anchors);
    puts(trust->key_count ? ", by the keys that were given"
                          : ", by keys that the journal itself names: give --key to know whose");
}

/* What there is to take rewrites of lists back with. */
static void print_undo(const struct journal_undo_sum *u)
{
    if (!u->named)
        return;
    if (!u->here)
        printf("undo texts: none of %" PRIu64 " is beside this journal\n", u->named);
    else
        printf("undo texts: %" PRIu64 ", %" PRIu64 " missing, %" PRIu64 " altered\n", u->named,
               u->missing, u->altered);
}

/* What retention has removed, and what vouches for the rest. */
static void print_removed(const struct journal_verdict *v)
{
    if (!v->removed)
        return;
    printf("removed by retention: records 1 to %" PRIu64 ", as record %" PRIu64
           " says; the history from %" PRIu64 " on is whole",
           v->removed, v->removed_by, v->removed + 1);
    if (v->signed_leaves)
        printf(", anchored by the checkpoint over %" PRIu64 " lines", v->signed_leaves);
    putchar('\n');
    if (v->passed)
        printf("%" PRIu64
               " kept checkpoint%s over lines that were removed: nothing here can be held "
               "against %s\n",
               v->passed, v->passed == 1 ? " is" : "s are", v->passed == 1 ? "it" : "them");
}

static int verify(const char *dir, const struct journal_trust *trust, struct journal_verdict *ret)
{
    struct journal_undo_sum undo;
    struct journal_verdict v;
    struct err e = {0};

    if (journal_verify(dir, trust, journal_print_fault, NULL, &v, &e))
        return command_fault(EXIT_UNREACHED, &e);
    *ret = v;
    printf("%s: %" PRIu64 " segments, %" PRIu64 " batches, %" PRIu64 " records (%" PRIu64
           " to %" PRIu64 "), %" PRIu64 " bytes; %" PRIu64 " faults%s\nchain: %s\n",
           v.faults ? "NOT GOOD" : "good", v.segments, v.batches, v.records, v.first_seq,
           v.last_seq, v.bytes, v.faults, v.torn ? ", and a torn tail that recovery will cut" : "",
           v.chain);
    print_signed(&v, trust);
    print_removed(&v);
    if (journal_undo_verify(dir, &undo, &e))
        return command_fault(EXIT_UNREACHED, &e);
    print_undo(&undo);
    return v.faults || (undo.here && undo.missing) || undo.altered ? EXIT_DIFFERENCES
                                                                   : EXIT_IN_STEP;
}

bool journal_given_in_s3(const struct journal_given *given)
{
    for (size_t i = 0; i < given->anchor_count; i++)
        if (journal_fetch_is_address(given->anchors[i]))
            return true;
    return false;
}

/* The exit status where what is given cannot be read. */
static int status_of(int rc)
{
    if (rc == ERR_CORRUPT)
        return EXIT_DIFFERENCES;
    return rc == ERR_SYNTAX || rc == ERR_LIMIT ? EXIT_USAGE : EXIT_UNREACHED;
}

/* Look into S3 for what retention has removed. The exit status, no better than it was. */
static int check_removed(const struct trusted *t, const struct conf *conf,
                         const struct journal_given *given, const struct journal_verdict *v,
                         int status)
{
    char name[JOURNAL_KEY_NAME_MAX + 1];
    int found = EXIT_UNREACHED;

    for (size_t i = 0, at = 0; i < given->anchor_count && found != EXIT_IN_STEP; i++) {
        if (!journal_fetch_is_address(given->anchors[i]))
            continue;
        while (at < t->trust.anchor_count && !t->names[at][0])
            at++;
        if (at == t->trust.anchor_count || !log_of(&t->trust.anchors[at++], name))
            break;
        found = journal_older_check(conf, given->anchors[i], name, v);
    }
    return found > status ? found : status;
}

/* One journal. The exit status, everything having been said. */
static int verify_one(const char *dir, const struct journal_given *given, const struct conf *conf)
{
    struct trusted *t = calloc(1, sizeof *t);
    struct journal_verdict v = {0};
    struct err e = {0};
    int rc, status;

    if (!t) {
        (void)err_set(&e, -ENOMEM, NULL, NULL, "out of memory");
        return command_fault(EXIT_UNREACHED, &e);
    }
    rc = read_given(t, dir, given, conf, &e);
    if (rc)
        status = command_fault(status_of(rc), &e);
    else
        status = verify(dir, &t->trust, &v);
    if (rc == 0 && v.removed && journal_given_in_s3(given))
        status = check_removed(t, conf, given, &v, status);
    for (size_t i = 0; i < JOURNAL_TRUST_MAX; i++)
        buf_release(&t->files[i]);
    free(t);
    return status;
}

int journal_verify_command(const struct journal_sources *s, const struct journal_given *given,
                           const struct conf *conf)
{
    int worst = EXIT_IN_STEP;

    for (size_t i = 0; i < s->count; i++) {
        int status;

        if (s->told) {
            printf("%shost ", i ? "\n" : "");
            command_print_name(s->list[i].name);
            printf(", journal %s, in ", s->list[i].id.uuid);
            command_print_name(s->list[i].dir);
            putchar('\n');
            (void)fflush(stdout); /* before what is said of it; a failure shows at the end */
        }
        status = verify_one(s->list[i].dir, given, conf);
        worst = status > worst ? status : worst;
    }
    return worst;
}
