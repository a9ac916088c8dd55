/* Pure. The configuration that `lockstep init` proposes. See proposal.h. */
#include "agent/core/proposal.h"

#include "agent/core/amount.h"
#include "base/visible.h"

#include <inttypes.h>
#include <string.h>

/* name = "text"; in libconfig's words. */
static int setting(struct buf *out, const char *indent, const char *name, const char *text)
{
    int rc = buf_appendf(out, "%s%s = \"", indent, name);

    for (const char *p = text; *p && rc == 0; p++) {
        unsigned char c = (unsigned char)*p;

        if (c == '"' || c == '\\')
            rc = buf_appendf(out, "\\%c", c);
        else if (c < ' ' || c == 0x7f)
            rc = buf_appendf(out, "\\x%02x", c);
        else
            rc = buf_append_byte(out, *p);
    }
    return rc ? rc : buf_append_str(out, "\";\n");
}

/* One that was said, or the same as a comment with what holds then. */
static int setting_or(struct buf *out, const char *indent, const char *name, const char *text,
                      const char *unsaid)
{
    if (text)
        return setting(out, indent, name, text);
    return buf_appendf(out, "%s# %s = \"%s\";\n", indent, name, unsaid);
}

int proposal_see(const struct proposal_tree *t, struct buf *out)
{
    char text[AMOUNT_SIZE];
    int rc = visible_append(out, t->path);

    if (rc == 0)
        rc = buf_append_str(out, ": ");
    if (rc == 0)
        rc = visible_append(out, t->fs_name);
    if (rc == 0)
        rc = buf_append_str(out, " on ");
    if (rc == 0)
        rc = visible_append(out, t->source);
    if (rc == 0)
        rc = buf_append_str(out, t->network ? " (other hosts may write there: their changes are "
                                              "found by scans, every 15 minutes)"
                                            : " (local: events tell of every change)");
    if (rc || !t->capacity)
        return rc ? rc : buf_append_byte(out, '\n');
    rc = buf_append_str(out, ", ");
    if (rc == 0)
        rc = buf_append_str(out, amount_bytes(t->used, text));
    if (rc == 0)
        rc = buf_append_str(out, " of ");
    if (rc == 0)
        rc = buf_append_str(out, amount_bytes(t->capacity, text));
    return rc ? rc : buf_append_str(out, " used\n");
}

/* What was seen, as a comment; a line break in a name cannot end it. */
static int seen(const struct proposal_tree *t, struct buf *out)
{
    int rc = buf_append_str(out, "        # ");

    return rc ? rc : proposal_see(t, out);
}

/* A group of one tree. */
static int tree(const char *group, const char *name, const struct proposal_tree *t,
                const char *repository, struct buf *out)
{
    int rc = buf_appendf(out, "%s = (\n    {\n", group);

    if (rc == 0)
        rc = seen(t, out);
    if (rc == 0)
        rc = setting(out, "        ", "name", name);
    if (rc == 0)
        rc = setting(out, "        ", "path", t->path);
    if (rc == 0)
        rc = setting(out, "        ", "prefix", t->prefix);
    if (rc == 0 && repository)
        rc = setting(out, "        ", "repository", repository);
    if (rc == 0)
        rc = buf_append_str(
            out, t->network
                     ? "\n        # How long another host's change may stay unnoticed; costs a "
                       "listing of the tree.\n"
                       "        # rescan = \"15m\";\n"
                     : "");
    if (rc == 0)
        rc = buf_append_str(
            out, "\n        # Removals are held beyond the larger of these; and without this file "
                 "of yours, if you make\n"
                 "        # one in the tree and name it here.\n"
                 "        # max_removals = 200;\n"
                 "        # max_removal_percent = 5;\n"
                 "        # max_removals_hourly = 1000;\n"
                 "        # marker = \".lockstep-marker\";\n"
                 "\n        # Objects of files that are gone: \"remove\", \"trash\" or \"keep\".\n"
                 "        # deletes = \"remove\";\n    }\n);\n");
    return rc;
}

int proposal_render(const struct proposal *p, struct buf *out)
{
    int rc = buf_append_str(
        out, "# lockstep.conf, proposed by `lockstep init`. lockstep.conf(5) has every setting;\n"
             "# `lockstep config check` names every fault and what is in force.\n\n"
             "# Index, journal and control socket: on a local disk, outside the trees.\n");

    if (rc == 0)
        rc = setting_or(out, "", "state_dir", p->state_dir, "/var/lib/lockstep");
    if (rc == 0)
        rc = buf_append_str(out, "\ns3:\n{\n    # Turn versioning on in it: then a removal can be "
                                 "undone.\n");
    if (rc == 0)
        rc = setting(out, "    ", "bucket", p->bucket);
    if (rc == 0)
        rc = setting_or(out, "    ", "region", p->region, "us-east-1");
    if (rc == 0 && p->endpoint)
        rc = setting(out, "    ", "endpoint", p->endpoint);
    if (rc == 0)
        rc = buf_append_str(out, "    # Keys never stand here: they are found as the AWS tools "
                                 "find them.\n");
    if (rc == 0)
        rc = setting_or(out, "    ", "profile", p->profile, "default");
    if (rc == 0)
        rc = buf_append_str(out, "};\n\n# The images.\n");
    if (rc == 0)
        rc = tree("repositories", "images", &p->images, NULL, out);
    if (rc == 0 && p->lists.path)
        rc = buf_append_str(out, "\n# The .lst files that name them.\n");
    return rc || !p->lists.path ? rc : tree("lists", "lists", &p->lists, "images", out);
}
