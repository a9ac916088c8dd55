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

#endif
