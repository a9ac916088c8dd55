/*
 * What every unit test includes: cmocka, after the headers that it needs but does not include.
 */
#ifndef LOCKSTEP_TESTS_UNIT_H
#define LOCKSTEP_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* From one to the next of the changes that are made to each bit, byte or length of something: none
 * is left out, but under a sanitizer, where each takes ten times as long. There it is a number that
 * does not divide by two, so that each place in a byte has its turn. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_STRIDE 13
#else
#define TEST_STRIDE 1
#endif

#endif
