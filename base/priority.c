/* Which of our threads give way to which. Shell. See priority.h. */
#include "base/priority.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICE_BULK 5
#define NICE_MOST 19

void priority_batch(void)
{
    const struct sched_param none = {.sched_priority = 0};

    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

void priority_bulk(void)
{
    const id_t self = (id_t)gettid();

    (void)setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + NICE_BULK);
}

void priority_background(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE_MOST);
}
