/* Shell. What the commands share. */
#include "agent/commands/commands.h"

#include "base/log.h"

#include <stdio.h>

int command_load(const char *file, struct conf **ret)
{
    struct conf_faults faults = {0};
    int rc = conf_load(file, ret, &faults);

    if (rc) {
        conf_faults_print(&faults, stderr);
        conf_faults_release(&faults);
        return EXIT_USAGE;
    }
    conf_faults_release(&faults);
    log_init((*ret)->log_level);
    return 0;
}

int command_fault(int status, const struct err *e)
{
    char text[3 * ERR_TEXT_MAX];

    fprintf(stderr, "lockstep: %s\n", err_text(e, text, sizeof text));
    return status;
}

int command_usage(const char *text, const char *wrong)
{
    if (!wrong) {
        fputs(text, stdout);
        return EXIT_IN_STEP;
    }
    fprintf(stderr, "lockstep: %s\n%s", wrong, text);
    return EXIT_USAGE;
}
