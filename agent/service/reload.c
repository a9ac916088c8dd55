/* Shell. A changed configuration, taken over while the agent runs. */
#include "agent/service/reload.h"

#include "agent/service/policies.h"
#include "base/clock.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define RELOAD_TEXT_MAX (1 << 20)

/* Everything that keeps a copy of a setting gets the new one. */
static void spread(struct agent *a)
{
    log_init(a->conf->log_level);
    limits_again(a);
    uploaders_renew(a->uploaders);
}

/* The faults, one a line. */
static int faults_text(const struct conf_faults *faults, struct buf *out)
{
    char text[3 * ERR_TEXT_MAX];
    int rc = 0;

    for (size_t i = 0; i < faults->count && rc == 0; i++)
        rc = buf_appendf(out, "%s\n", err_text(&faults->items[i], text, sizeof text));
    return rc;
}

/* Does a tree not answer? The loop may not look at it then. */
static bool is_stuck(const struct agent *a)
{
    for (size_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].stuck)
            return true;
    return false;
}

/* Read it again. *ret_anew: with what the agent is to begin anew, or NULL; what is wrong goes to
 * out. False: it is refused. */
static bool read_again(struct agent *a, struct conf **ret_anew, struct buf *out)
{
    struct conf_faults faults = {0};
    struct err e = {0};
    char text[ERR_TEXT_MAX];
    int rc = conf_reload(a->options.reloads, is_stuck(a) ? NULL : ret_anew, &faults), failed;

    if (rc == 0 && *ret_anew)
        rc = policies_check(*ret_anew, &e);
    if (rc == 0)
        return true;
    failed = buf_append_str(out, "the configuration is not taken over, the old one stays:\n");
    if (failed == 0)
        failed = *ret_anew ? buf_appendf(out, "%s\n", err_text(&e, text, sizeof text))
                           : faults_text(&faults, out);
    if (failed)
        log_warning("what is wrong with the configuration could not be told whole");
    conf_free(*ret_anew);
    *ret_anew = NULL;
    conf_faults_release(&faults);
    return false;
}

int reload(struct agent *a, int client, struct buf *out)
{
    struct conf *anew = NULL;
    int rc = 0, status = EXIT_USAGE;

    if (!a->options.reloads)
        return EXIT_USAGE;
    /* READY=1 follows in any case: the old configuration is one to work with. Nobody listens
     * outside of systemd. */
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    if (read_again(a, &anew, out)) {
        takeover_want(a, anew, client);
        status = anew ? RELOAD_LATER : EXIT_IN_STEP;
    }
    if (status == EXIT_IN_STEP) {
        spread(a);
        rc = buf_append_str(out, "the configuration is taken over; credentials are read again\n");
    } else if (status == RELOAD_LATER)
        rc = buf_append_str(out, "what is open of mappings that are not in the configuration any "
                                 "more goes to S3 first; then the agent begins anew with it\n");
    (void)sd_notify(0, "READY=1");
    if (rc)
        log_warning("what came of the reload could not be told whole");
    return status;
}

void reload_logged(struct agent *a)
{
    struct buf text;
    char *line, *at = NULL;
    int status;

    buf_init(&text, RELOAD_TEXT_MAX);
    status = reload(a, -1, &text);
    for (line = text.len ? strtok_r(text.data, "\n", &at) : NULL; line;
         line = strtok_r(NULL, "\n", &at))
        if (status == EXIT_USAGE)
            log_error("reload: %s", line);
        else
            log_info("reload: %s", line);
    buf_release(&text);
}
