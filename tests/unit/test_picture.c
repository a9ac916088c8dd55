/* Headers of JPEG and PNG: the size, or what is wrong, at every length of the file. */
#include "lists/picture.h"
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define FRAME "\xff\xc0\x00\x0b\x08\x01\x02\x03\x04\x01\x01\x11\x00" /* 772 wide, 258 high */
#define PNG                                                                                        \
    "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x01\x00\x00\x00\x02\x00\x08\x02\x00\x00\x00"    \
    "\x00\x00\x00\x00"

/* Read a file that lies in memory. */
static enum picture_next look(const char *bytes, size_t n, struct picture *p)
{
    enum picture_next next = PICTURE_MORE;

    picture_begin(p);
    while (next == PICTURE_MORE) {
        size_t at = p->at < n ? (size_t)p->at : n;
        size_t left = n - at;

        next = picture_step(
            p, (struct span){bytes + at, left < PICTURE_WINDOW ? left : PICTURE_WINDOW});
    }
    return next;
}

static void test_sizes(void **state)
{
    static const char jpeg[] = "\xff\xd8\xff\xe0\x00\x04"
                               "ab\xff\xff" FRAME;
    struct picture p;

    (void)state;
    assert_int_equal(look(jpeg, sizeof(jpeg) - 1, &p), PICTURE_DONE);
    assert_int_equal(p.kind, PICTURE_JPEG);
    assert_int_equal(p.width, 772);
    assert_int_equal(p.height, 258);
    assert_int_equal(look(PNG, sizeof(PNG) - 1, &p), PICTURE_DONE);
    assert_int_equal(p.kind, PICTURE_PNG);
    assert_int_equal(p.width, 256);
    assert_int_equal(p.height, 512);
}

/* Of the markers from FFC0 to FFCF three are no frames; some stand without a segment. */
static void test_markers(void **state)
{
    char file[] = "\xff\xd8\xff\x00\x00\x0b\x08\x00\x01\x00\x01\x01\x11\x00" FRAME;
    struct picture p;

    (void)state;
    for (unsigned marker = 0xc0; marker <= 0xcf; marker++) {
        const bool frame = marker != 0xc4 && marker != 0xc8 && marker != 0xcc;

        file[3] = (char)marker;
        memcpy(file + 4, "\x00\x0a", 2); /* up to the frame that follows */
        assert_int_equal(look(file, sizeof(file) - 1, &p), PICTURE_DONE);
        assert_int_equal(p.width, frame ? 1 : 772);
    }
    for (unsigned marker = 0; marker <= 0xff; marker++) {
        char alone[] = "\xff\xd8\xff\x00" FRAME;

        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
            alone[3] = (char)marker;
            assert_int_equal(look(alone, sizeof(alone) - 1, &p), PICTURE_DONE);
            assert_int_equal(p.width, 772);
        }
    }
}

/* The frame behind segments of every length around the window's, twice. */
static void test_far_frames(void **state)
{
    static char file[200000];
    struct picture p;

    (void)state;
    for (unsigned length = 2; length <= 0xffff; length += length > 900 && length < 1200 ? 1 : 499) {
        size_t at = 2;

        memset(file, 0, sizeof(file));
        memcpy(file, "\xff\xd8", 2);
        for (int i = 0; i < 2; i++) {
            file[at] = (char)0xff;
            file[at + 1] = (char)0xe1;
            file[at + 2] = (char)(length >> 8);
            file[at + 3] = (char)length;
            at += 2 + length;
        }
        memcpy(file + at, FRAME, sizeof(FRAME) - 1);
        if (look(file, at + sizeof(FRAME) - 1, &p) != PICTURE_DONE || p.width != 772)
            fail_msg("behind segments of %u bytes: %s", length, p.why ? p.why : "another size");
        assert_int_equal(look(file, at + 5, &p), PICTURE_BAD);
    }
}

static void test_every_cut(void **state)
{
    static const char jpeg[] = "\xff\xd8\xff\xe0\x00\x04"
                               "ab" FRAME;
    struct picture p;

    (void)state;
    for (size_t n = 0; n < sizeof(PNG) - 1; n++) {
        assert_int_equal(look(PNG, n, &p), PICTURE_BAD);
        assert_non_null(p.why);
    }
    for (size_t n = 0; n < 18; n++)
        assert_int_equal(look(jpeg, n, &p), n < 18 ? PICTURE_BAD : PICTURE_DONE);
}

static void test_bad(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *why;
    } cases[] = {
        {"", 0, "empty"},
        {"GIF89a", 6, "neither"},
        {"\xff\xd8\x00\x00\x00\x00", 6, "no marker"},
        {"\xff\xd8\xff\xda\x00\x04zz", 8, "no frame header"},
        {"\xff\xd8\xff\xd9\x00\x04zz", 8, "no frame header"},
        {"\xff\xd8\xff\xe0\x00\x01zz", 8, "shorter than its own length"},
        {"\xff\xd8\xff\xc2\x00\x0b\x08\x00\x00\x00\x01\x01", 12, "no size"},
        {"\xff\xd8\xff\xc2\x00\x0b\x08\x00\x01\x00\x00\x01", 12, "no size"},
        {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0eIHDR.....................", 37, "image header"},
        {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x80\x00\x00\x00.................", 37,
         "no PNG can"},
        {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x80................", 37,
         "no PNG can"},
        {"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIDAT.....................", 37, "image header"},
    };
    struct picture p;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(look(cases[i].bytes, cases[i].n, &p), PICTURE_BAD);
        if (!strstr(p.why, cases[i].why))
            fail_msg("%zu: %s", i, p.why);
    }
}

/* Small segments without end: given up. */
static void test_too_many_segments(void **state)
{
    struct picture p;
    char window[PICTURE_WINDOW];
    enum picture_next next;
    unsigned steps = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(window); i += 4)
        memcpy(window + i, "\xff\xe0\x00\x02", 4);
    picture_begin(&p);
    memcpy(window, "\xff\xd8\xff\xff", 4); /* the start, fill bytes */
    while ((next = picture_step(&p, (struct span){window, sizeof(window)})) == PICTURE_MORE) {
        memcpy(window, "\xff\xe0\x00\x02", 4);
        assert_true(++steps <= PICTURE_STEPS_MAX);
    }
    assert_int_equal(next, PICTURE_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_markers),
        cmocka_unit_test(test_far_frames), cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_bad),        cmocka_unit_test(test_too_many_segments)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
