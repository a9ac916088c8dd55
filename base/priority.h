/*
 * Which of our threads give way to which. Shell.
 *
 * All concern the calling thread and ask for less than a thread has, so they need no privilege.
 * Where a sandbox refuses, it goes on as without, which is no error: under our unit of
 * systemd, which is why that says SCHED_BATCH for the whole service.
 */
#ifndef LOCKSTEP_BASE_PRIORITY_H
#define LOCKSTEP_BASE_PRIORITY_H

/* priority_batch(): the thread has its share of the processors as before, but does not interrupt
 * another one in the moment in which it is woken (SCHED_BATCH, sched(7)). For who is woken
 * thousands of times a second to do little, and does several such at once when it is woken later.
 */
void priority_batch(void);

/* priority_bulk(): the thread has a third of the share of one that did not ask (5 nicer). For who
 * computes for long at a time while others of the service are woken to do little: these are not
 * kept waiting, and on a host that is busy with something else it gets on still. */
void priority_bulk(void);

/* priority_background(): the thread runs while others of the service leave it a processor (nice 19;
 * a thread's own on Linux, setpriority(2)). For work that nobody waits for. */
void priority_background(void);

#endif
