/* Shell. What the commands share. */
#include "agent/commands/commands.h"

#include "base/log.h"
#include "base/visible.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

int command_load(const char *file, bool apart, struct conf **ret)
{
    struct conf_faults faults = {0};
    int rc = apart ? conf_load_apart(file, ret, &faults) : conf_load(file, ret, &faults);

    if (rc) {
        if (faults.count == 0)
            fprintf(stderr, "lockstep: %s: it cannot be read: %s\n", file, err_name(rc));
        conf_faults_print(&faults, stderr);
        conf_faults_release(&faults);
        return EXIT_USAGE;
    }
    conf_faults_release(&faults);
    log_init((*ret)->log_level);
    return 0;
}

/* The text without anything that moves the cursor. */
static void print_span(FILE *to, struct span text)
{
    while (text.n > 0) {
        size_t k = visible_length(text.p, text.n);

        if (k == 0)
            fprintf(to, "\\x%02x", (unsigned)(unsigned char)*text.p);
        else
            fwrite(text.p, 1, k, to);
        k += k == 0;
        text.p += k;
        text.n -= k;
    }
}

int command_fault(int status, const struct err *e)
{
    char text[3 * ERR_TEXT_MAX];

    fputs("lockstep: ", stderr);
    print_span(stderr, span_of(err_text(e, text, sizeof text)));
    fputc('\n', stderr);
    return status;
}

void command_print_span(struct span text)
{
    print_span(stdout, text);
}

void command_print_name(const char *name)
{
    command_print_span(span_of(name));
}

int command_usage(const char *text, const char *wrong)
{
    if (!wrong || !*wrong) {
        fputs(text, stdout);
        return EXIT_IN_STEP;
    }
    fprintf(stderr, "lockstep: %s\n%s", wrong, text);
    return EXIT_USAGE;
}

int command_begin(int argc, char **argv, const char *usage, unsigned takes, int arguments,
                  struct command_options *ret)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},  {"once", no_argument, NULL, 'o'},
        {"watch", no_argument, NULL, 'w'}, {"config", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},  {0}};
    const char *file = CONF_DEFAULT_FILE;
    int c;

    *ret = (struct command_options){0};
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        if (c == 'j' && (takes & TAKES_JSON))
            ret->json = true;
        else if (c == 'o' && (takes & TAKES_ONCE))
            ret->once = true;
        else if (c == 'w' && (takes & TAKES_WATCH))
            ret->watch = true;
        else if (c == 'c')
            file = optarg;
        else
            return command_usage(usage, c == 'h' ? NULL : "unknown option");
    }
    if (argc - optind > arguments)
        return command_usage(usage, "too many arguments");
    ret->argument = argv[optind];
    return command_load(file, (takes & STANDS_APART) != 0, &ret->conf) ? EXIT_USAGE : -1;
}

int command_print_json(struct json_writer *w, struct buf *out)
{
    int code;

    json_object_end(w);
    code = json_end(w);
    if (code == 0)
        printf("%.*s\n", (int)out->len, out->data);
    buf_release(out);
    return code;
}
