/*
 * Functions that shipping code must not name, made errors of the compiler.
 *
 * A room turns it on for all its files in its local.mk, after config.h:
 *
 *     room_libroom_a_CPPFLAGS = $(AM_CPPFLAGS) -include base/banned.h
 *
 * The headers that declare the banned names come first, since a poisoned name may not even be
 * declared; their own guards keep them from being read again.
 */
#ifndef LOCKSTEP_BASE_BANNED_H
#define LOCKSTEP_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Some are macros in some C libraries, which must go before. */
#undef alloca
#undef getwd
#undef sprintf
#undef strdupa
#undef strndupa
#undef vsprintf

/* They write without knowing how much room there is, or leave strings without an end: memcpy with a
 * checked length, snprintf, struct buf. */
#pragma GCC poison strcpy strcat stpcpy strncpy strncat stpncpy sprintf vsprintf gets getwd
/* They take from the stack what the input says: a buffer with a ceiling. */
#pragma GCC poison alloca strdupa strndupa
/* They keep state between calls, or return memory that all threads share: clock.h, strcspn. */
#pragma GCC poison strtok gmtime localtime ctime ctime_r asctime asctime_r
/* They do not tell a number from rubbish: strtoll with its end checked, a parser. */
#pragma GCC poison atoi atol atoll atof scanf fscanf sscanf vscanf vfscanf vsscanf
/* They race with others about a name, or run a shell: mkstemp, posix_spawn. */
#pragma GCC poison mktemp tmpnam tempnam popen

#endif
