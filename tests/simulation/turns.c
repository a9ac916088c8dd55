/* Shell. In place of the event loop, the clocks, and threads of which the simulation needs nothing.
 */
#include "tests/simulation/sim.h"

#include "agent/core/rows.h"
#include "agent/service/agent.h"
#include "agent/service/finder.h"
#include "base/clock.h"

#include <stdlib.h>
#include <systemd/sd-event.h>
#include <time.h>

#define SOURCES 16
#define AHEAD_S                                                                                    \
    10 /* of the kernel's clock, by which the files are dated: none is of the future               \
        */

struct sd_event_source {
    bool timed, on;
    int64_t due_us;
};
struct sd_event {
    bool ended;
    sd_event_handler_t turn;
    void *turn_arg;
    size_t count;
    struct sd_event_source sources[SOURCES];
};

static struct sd_event loop;
static int64_t mono_us, real_offset_us;
static bool commits_late;

void turns_reset(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_REALTIME, &now))
        abort();
    mono_us = 1000 * US_PER_S;
    real_offset_us = (now.tv_sec + AHEAD_S) * US_PER_S - mono_us;
}

void turns_begin(bool late)
{
    commits_late = late;
    loop = (struct sd_event){0};
}

void turns_next(void)
{
    if (loop.turn)
        (void)loop.turn(NULL, loop.turn_arg); /* it has nothing to say */
}

bool turns_ended(void)
{
    return loop.ended;
}

int64_t turns_due_ms(void)
{
    int64_t due = INT64_MAX;

    for (size_t i = 0; i < loop.count; i++)
        if (loop.sources[i].timed && loop.sources[i].on && loop.sources[i].due_us < due)
            due = loop.sources[i].due_us;
    if (due == INT64_MAX)
        return due;
    return due > mono_us ? (due - mono_us) / US_PER_MS + 1 : 0;
}

void turns_pass(int64_t ms)
{
    mono_us += ms * US_PER_MS;
}

/* --- the clocks --- */

int64_t __wrap_clock_mono_us(void);
int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_real_us(void);

int64_t __wrap_clock_mono_us(void)
{
    return mono_us;
}

int64_t __wrap_clock_mono_ms(void)
{
    return mono_us / US_PER_MS;
}

int64_t __wrap_clock_real_us(void)
{
    return mono_us + real_offset_us;
}

/* --- commits --- */

uint64_t __real_rows_changes(const struct rows *r);
uint64_t __wrap_rows_changes(const struct rows *r);
bool __real_rows_any(const struct rows *r);
bool __wrap_rows_any(const struct rows *r);

uint64_t __wrap_rows_changes(const struct rows *r)
{
    return commits_late ? 0 : __real_rows_changes(r);
}

bool __wrap_rows_any(const struct rows *r)
{
    return !commits_late && __real_rows_any(r);
}

/* --- sd-event --- */

static int add(sd_event_source **ret, bool timed)
{
    struct sd_event_source *s = &loop.sources[loop.count];

    if (loop.count == SOURCES)
        abort();
    loop.count++;
    *s = (struct sd_event_source){.timed = timed};
    if (ret)
        *ret = s;
    return 0;
}

int sd_event_default(sd_event **ret)
{
    *ret = &loop;
    return 0;
}

sd_event *sd_event_unref(sd_event *e)
{
    (void)e;
    return NULL;
}

sd_event_source *sd_event_source_unref(sd_event_source *s)
{
    if (s)
        s->on = false;
    return NULL;
}

int sd_event_exit(sd_event *e, int code)
{
    (void)code;
    e->ended = true;
    return 0;
}

int sd_event_add_io(sd_event *e, sd_event_source **ret, int fd, uint32_t events,
                    sd_event_io_handler_t fn, void *arg)
{
    (void)e, (void)fd, (void)events, (void)fn, (void)arg;
    return add(ret, false);
}

int sd_event_add_signal(sd_event *e, sd_event_source **ret, int sig, sd_event_signal_handler_t fn,
                        void *arg)
{
    (void)e, (void)sig, (void)fn, (void)arg;
    return add(ret, false);
}

int sd_event_add_post(sd_event *e, sd_event_source **ret, sd_event_handler_t fn, void *arg)
{
    e->turn = fn;
    e->turn_arg = arg;
    return add(ret, false);
}

int sd_event_add_time_relative(sd_event *e, sd_event_source **ret, clockid_t clock, uint64_t us,
                               uint64_t accuracy, sd_event_time_handler_t fn, void *arg)
{
    (void)e, (void)clock, (void)us, (void)accuracy, (void)fn, (void)arg;
    return add(ret, true);
}

int sd_event_source_set_time(sd_event_source *s, uint64_t us)
{
    s->due_us = (int64_t)us;
    return 0;
}

int sd_event_source_set_enabled(sd_event_source *s, int on)
{
    s->on = on != SD_EVENT_OFF;
    return 0;
}

/* --- what nobody asks for here --- */

struct finder {
    int nothing;
};
static struct finder no_finder;

int finder_new(const char *dir, struct finder **ret)
{
    (void)dir;
    *ret = &no_finder;
    return 0;
}

int finder_fd(const struct finder *f)
{
    (void)f;
    return -1;
}

void finder_step(struct finder *f, const struct journal *j, bool busy, int64_t now_ms)
{
    (void)f, (void)j, (void)busy, (void)now_ms;
}

bool finder_is_done(const struct finder *f, const char *file)
{
    (void)f, (void)file;
    return false;
}

void finder_free(struct finder *f)
{
    (void)f;
}

int __wrap_control_new(struct agent *a, const char *path, struct control **ret, struct err *e);
void __wrap_control_free(struct control *ctl);

int __wrap_control_new(struct agent *a, const char *path, struct control **ret, struct err *e)
{
    (void)a, (void)path, (void)e;
    *ret = NULL;
    return 0;
}

void __wrap_control_free(struct control *ctl)
{
    (void)ctl;
}
