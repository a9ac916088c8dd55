/*
 * What the tests of settings share: a file that is whole, and what is said of one that is not.
 */
#ifndef LOCKSTEP_TESTS_UNIT_CONF_BED_H
#define LOCKSTEP_TESTS_UNIT_CONF_BED_H

#include "tests/unit/unit.h"

#include "base/err.h"
#include "conf/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfig 1.5 loses a string when a syntax error follows it: not ours to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\nleak:strbuf_append\n";
}

#define FULL                                                                                       \
    "s3: { bucket = \"b-1\"; };\n"                                                                 \
    "repositories = ( { name = \"images\"; path = \"/i\"; prefix = \"images/\"; } );\n"            \
    "lists = ( { name = \"lists\"; path = \"/l\"; prefix = \"lists/\"; repository = \"images\"; "  \
    "} );\n"

/* All faults as the lines that a person sees; NULL where there is none. */
static inline char *faults_of(const char *text)
{
    struct conf *c = NULL;
    struct conf_faults faults;
    int r = conf_parse(text, "f.conf", &c, &faults);
    if (r == 0) {
        assert_int_equal(faults.count, 0);
        conf_free(c);
        return NULL;
    }
    assert_int_equal(r, ERR_SYNTAX);
    assert_null(c);
    assert_true(faults.count > 0);
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    conf_faults_print(&faults, f);
    assert_int_equal(fclose(f), 0);
    conf_faults_release(&faults);
    return out;
}

static inline void expect_faults(const char *text, const char *expected)
{
    char *got = faults_of(text);
    if (got == NULL)
        fail_msg("no fault in: %s", text);
    assert_string_equal(got, expected);
    free(got);
}

static inline struct conf *parse(const char *text)
{
    struct conf *c = NULL;
    struct conf_faults faults;
    int r = conf_parse(text, "f.conf", &c, &faults);
    conf_faults_print(&faults, stderr);
    assert_int_equal(r, 0);
    conf_faults_release(&faults);
    return c;
}

static inline char *print(const struct conf *c)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    assert_non_null(f);
    conf_print(c, f);
    assert_int_equal(fclose(f), 0);
    return out;
}

/* What it is printed as is printed the same again once it is read. Frees c; the text is the
 * caller's. */
static inline char *print_twice(struct conf *c)
{
    char *once = print(c);
    conf_free(c);
    c = parse(once);
    char *twice = print(c);
    conf_free(c);
    assert_string_equal(once, twice);
    free(twice);
    return once;
}

#endif
