/* Shell. lockstep journal key: make and show the keys that sign journals. */
#include "agent/commands/journal_key.h"

#include "agent/commands/commands.h"
#include "journal/key.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static const char usage[] =
    "usage: lockstep journal key new  FILE [--name NAME]\n"
    "       lockstep journal key show FILE\n"
    "new makes a key that signs journals, in a file that only its owner may read, and prints its\n"
    "public half: what auditors need. show prints that of a file that is there. NAME says whose\n"
    "journal it is, for everybody (default: HOST/lockstep); journal: { key = FILE } in the\n"
    "configuration has the agent sign with it.\n";

static int print_public(const struct journal_key *key)
{
    char text[JOURNAL_KEY_TEXT_MAX];

    printf("%s\n", journal_key_format(key, text));
    return EXIT_IN_STEP;
}

/* HOST/lockstep. */
static const char *default_name(char out[JOURNAL_KEY_NAME_MAX + 1])
{
    struct utsname host;

    snprintf(out, JOURNAL_KEY_NAME_MAX + 1, "%s/lockstep",
             uname(&host) == 0 && host.nodename[0] ? host.nodename : "unknown");
    return out;
}

static int key_new(const char *file, const char *name)
{
    char fallback[JOURNAL_KEY_NAME_MAX + 1];
    struct journal_key key;
    struct err e = {0};
    int rc = journal_key_create(file, name ? name : default_name(fallback), &key, &e);

    if (rc)
        return command_fault(
            rc == -EEXIST || rc == ERR_SYNTAX || rc == ERR_LIMIT ? EXIT_USAGE : EXIT_UNREACHED, &e);
    return print_public(&key);
}

static int key_show(const char *file)
{
    struct journal_secret secret;
    struct err e = {0};
    int rc = journal_key_load(file, &secret, &e), status;

    if (rc)
        return command_fault(rc == ERR_SYNTAX || rc == ERR_REFUSED || rc == ERR_NOT_FILE
                                 ? EXIT_USAGE
                                 : EXIT_UNREACHED,
                             &e);
    status = print_public(&secret.key);
    journal_secret_wipe(&secret);
    return status;
}

int journal_key_command(int argc, char **argv)
{
    static const struct option options[] = {
        {"name", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'}, {0}};
    const char *name = NULL;
    bool is_new;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c != 'n')
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
        name = optarg;
    }
    if (argc - optind != 2)
        return command_usage(usage, "\"new\" or \"show\", and a file, are needed");
    is_new = strcmp(argv[optind], "new") == 0;
    if (!is_new && strcmp(argv[optind], "show") != 0)
        return command_usage(usage, "journal key knows new and show");
    if (!is_new && name)
        return command_usage(usage, "--name goes with \"new\"");
    return is_new ? key_new(argv[optind + 1], name) : key_show(argv[optind + 1]);
}
