/*
 * Any bytes as a class map: one that is accepted is rendered as a map with the same numbers, and
 * gives a new directory a number that none had.
 */
#include "lists/make.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lst_class_map *m;
    struct lst_class_map *back;
    struct buf once;
    struct buf twice;
    uint64_t line = 0;
    uint64_t id;
    uint64_t again;

    if (lst_class_map_parse((struct span){(const char *)data, size}, &m, &line) < 0) {
        must(line > 0);
        return 0;
    }
    buf_init(&once, SIZE_MAX);
    buf_init(&twice, SIZE_MAX);
    must(lst_class_map_grown(m) == 0 && lst_class_map_render(m, &once) == 0);
    must(lst_class_map_parse((struct span){once.data, once.len}, &back, &line) == 0);
    must(lst_class_map_render(back, &twice) == 0 && once.len == twice.len);
    must(once.len == 0 || memcmp(once.data, twice.data, once.len) == 0);
    if (lst_class_map_id(m, "a/new/one", &id) == 0)
        must(lst_class_map_id(m, "a/new/one", &again) == 0 && id == again);
    lst_class_map_free(m);
    lst_class_map_free(back);
    buf_release(&once);
    buf_release(&twice);
    return 0;
}
