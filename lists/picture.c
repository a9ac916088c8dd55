/* The headers of JPEG (ITU-T T.81, annex B) and PNG (ISO/IEC 15948, clause 5). Pure. */
#include "lists/picture.h"

#include <stdbool.h>
#include <string.h>

#define PNG_SIGNATURE  "\x89PNG\r\n\x1a\n"
#define PNG_HEADER     33 /* signature, length, "IHDR", 13 bytes, CRC */
#define PNG_SIZE_AT    16
#define PNG_SIDE_MAX   0x7fffffffu
#define JPEG_MARKER    0xffu
#define JPEG_START     "\xff\xd8"
#define JPEG_SCAN      0xdau
#define JPEG_END       0xd9u
#define JPEG_LENGTH    2  /* bytes of a segment's length, which counts them */
#define JPEG_FRAME     10 /* FF, marker, length, precision, height, width, components */
#define JPEG_HEIGHT_AT 5
#define JPEG_WIDTH_AT  7

void picture_begin(struct picture *p)
{
    *p = (struct picture){0};
}

static unsigned byte_at(struct span s, size_t at)
{
    return (unsigned char)s.p[at];
}

static unsigned two_bytes(struct span s, size_t at)
{
    return byte_at(s, at) << 8 | byte_at(s, at + 1);
}

static uint32_t four_bytes(struct span s, size_t at)
{
    return (uint32_t)two_bytes(s, at) << 16 | two_bytes(s, at + 2);
}

static enum picture_next bad(struct picture *p, const char *why)
{
    p->why = why;
    return PICTURE_BAD;
}

static enum picture_next sized(struct picture *p, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0)
        return bad(p, "its header says that it has no size");
    p->width = width;
    p->height = height;
    return PICTURE_DONE;
}

static bool begins(struct span s, const char *bytes, size_t n)
{
    return s.n >= n && memcmp(s.p, bytes, n) == 0;
}

static enum picture_next png_header(struct picture *p, struct span s)
{
    uint32_t width;
    uint32_t height;

    if (s.n < PNG_HEADER)
        return bad(p, "the PNG ends within its header");
    if (four_bytes(s, 8) != 13 || memcmp(s.p + 12, "IHDR", 4) != 0)
        return bad(p, "the PNG does not begin with an image header");
    width = four_bytes(s, PNG_SIZE_AT);
    height = four_bytes(s, PNG_SIZE_AT + 4);
    if (width > PNG_SIDE_MAX || height > PNG_SIDE_MAX)
        return bad(p, "the PNG's header has a size that no PNG can have");
    return sized(p, width, height);
}

/* SOF0 to SOF15; DHT, JPG and DAC lie between them. */
static bool is_frame(unsigned marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* TEM and RSTn: markers without a segment. */
static bool stands_alone(unsigned marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7);
}

/* The segments that begin in this window; `ends`: the file ends with it. */
static enum picture_next jpeg_segments(struct picture *p, struct span s, bool ends)
{
    size_t at = 0;

    while (at + 2 + JPEG_LENGTH <= s.n) {
        unsigned marker = byte_at(s, at + 1);
        size_t length;

        if (byte_at(s, at) != JPEG_MARKER)
            return bad(p, "the JPEG has no marker where a segment must begin");
        if (marker == JPEG_MARKER || stands_alone(marker)) {
            at += marker == JPEG_MARKER ? 1 : 2; /* a fill byte, or no segment */
            continue;
        }
        if (marker == JPEG_SCAN || marker == JPEG_END)
            return bad(p, "the JPEG has no frame header before its data");
        length = two_bytes(s, at + 2);
        if (length < JPEG_LENGTH)
            return bad(p, "the JPEG has a segment that is shorter than its own length");
        if (is_frame(marker)) {
            if (at + JPEG_FRAME > s.n)
                break;
            return sized(p, two_bytes(s, at + JPEG_WIDTH_AT), two_bytes(s, at + JPEG_HEIGHT_AT));
        }
        at += 2 + length;
    }
    if (ends && at <= s.n)
        return bad(p, "the JPEG ends within its header");
    p->at += at;
    return PICTURE_MORE;
}

enum picture_next picture_step(struct picture *p, struct span window)
{
    bool ends = window.n < PICTURE_WINDOW;

    if (++p->steps > PICTURE_STEPS_MAX)
        return bad(p, "the JPEG's header has too many segments");
    if (p->kind == PICTURE_JPEG)
        return jpeg_segments(p, window, ends);
    if (begins(window, PNG_SIGNATURE, sizeof(PNG_SIGNATURE) - 1)) {
        p->kind = PICTURE_PNG;
        return png_header(p, window);
    }
    if (!begins(window, JPEG_START, sizeof(JPEG_START) - 1))
        return bad(p, window.n == 0 ? "is empty" : "is neither a JPEG nor a PNG");
    p->kind = PICTURE_JPEG;
    p->at = 2;
    return jpeg_segments(p, (struct span){window.p + 2, window.n - 2}, ends);
}
