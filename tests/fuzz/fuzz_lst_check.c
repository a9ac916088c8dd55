/*
 * Any bytes as two lists (a NUL stands between them): every finding is in a row that there is, and
 * what --fix makes names the same images, in their order.
 */
#include "lists/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the run: something that must hold does not. */
static void must(bool holds)
{
    if (!holds)
        abort();
}

/* Is there a row that begins here? */
static void check_place(struct span text, uint64_t at, uint64_t line)
{
    must(at < text.n && line > 0 && (at == 0 || text.p[at - 1] == '\n'));
}

static void check_lists(const struct lst_list *lists, size_t n)
{
    const struct lst_check_options opt = {.mini_batch = 2, .classes = 3, .imbalance = 2};
    struct lst_findings f = {0};

    must(lst_check(lists, n, &opt, &f) == 0);
    lst_findings_sort(&f, lists, n);
    for (size_t i = 0; i < f.n; i++) {
        const struct lst_finding *x = &f.items[i];

        must(x->list < n && x->rule < LST_RULE_COUNT);
        if (x->at != LST_NOWHERE)
            check_place(lists[x->list].text, x->at, x->line);
        if (x->other != LST_NOWHERE)
            check_place(lists[x->other_list].text, x->other, x->other_line);
    }
    lst_findings_release(&f);
}

/* The next image row, without its line ending. */
static bool next_image(struct lst_cursor *c, struct lst_row *row)
{
    while (lst_row_next(c, row))
        if (row->kind == LST_ROW_IMAGE)
            return true;
    return false;
}

static void check_fix(struct span text)
{
    struct lst_cursor was = {.in = text};
    struct lst_cursor is;
    struct lst_row a;
    struct lst_row b;
    struct buf once;
    uint64_t changes;

    buf_init(&once, SIZE_MAX);
    must(lst_fix(text, &once, &changes) == 0);
    is = (struct lst_cursor){.in = {once.data, once.len}};
    must((changes == 0) == span_equal(text, is.in));
    while (next_image(&was, &a)) {
        do /* a row behind a second byte order mark is found now, too */
            must(next_image(&is, &b));
        while (!span_equal(a.index, b.index) || !span_equal(a.path, b.path));
    }
    buf_release(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    const char *nul = size ? memchr(text.p, 0, size) : NULL;
    size_t first = nul ? (size_t)(nul - text.p) : size;
    struct lst_list lists[2] = {{"a.lst", {text.p, first}}, {"b.lst", {"", 0}}};

    if (nul)
        lists[1].text = (struct span){nul + 1, size - first - 1};
    check_lists(lists, 2);
    check_fix(text);
    return 0;
}
