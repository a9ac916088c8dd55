/*
 * Any bytes as an image file: the header's reader asks only for what lies before it or behind,
 * comes to an end, and says no size that is none.
 */
#include "lists/picture.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum picture_next next = PICTURE_MORE;
    struct picture p;

    picture_begin(&p);
    while (next == PICTURE_MORE) {
        uint64_t before = p.at;
        size_t at = p.at < size ? (size_t)p.at : size;
        size_t n = size - at < PICTURE_WINDOW ? size - at : PICTURE_WINDOW;
        char *window = malloc(n + 1); /* of its own, so that reading past it is seen */

        must(window != NULL);
        for (size_t i = 0; i < n; i++)
            window[i] = (char)data[at + i];
        next = picture_step(&p, (struct span){window, n});
        free(window);
        must(next != PICTURE_MORE || p.at > before);
    }
    must(next != PICTURE_DONE || (p.width > 0 && p.height > 0));
    must(next != PICTURE_BAD || p.why != NULL);
    return 0;
}
