/* Shell. A changed configuration, taken over while the agent runs. */
#include "agent/service/reload.h"

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
    int rc = buf_append_str(out, "the configuration is not taken over, the old one stays:\n");

    for (size_t i = 0; i < faults->count && rc == 0; i++)
        rc = buf_appendf(out, "%s\n", err_text(&faults->items[i], text, sizeof text));
    return rc;
}

int reload(struct agent *a, struct buf *out)
{
    struct conf_faults faults = {0};
    int rc, status = EXIT_IN_STEP;

    if (!a->options.reloads)
        return EXIT_USAGE;
    /* READY=1 follows in any case: the old configuration is one to work with. Nobody listens
     * outside of systemd. */
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_mono_us());
    rc = conf_reload(a->options.reloads, &faults);
    if (rc == 0) {
        spread(a);
        rc = buf_append_str(out, "the configuration is taken over; credentials are read again\n");
    } else {
        status = EXIT_USAGE;
        rc = faults_text(&faults, out);
    }
    conf_faults_release(&faults);
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
    status = reload(a, &text);
    for (line = text.len ? strtok_r(text.data, "\n", &at) : NULL; line;
         line = strtok_r(NULL, "\n", &at))
        if (status)
            log_error("reload: %s", line);
        else
            log_info("reload: %s", line);
    buf_release(&text);
}
