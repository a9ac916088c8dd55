/* What can be set right in a list without a question. Pure. See check.h. */
#include "lists/check.h"
#include "lists/internal.h"

#include <string.h>

int lst_fix(struct span text, struct buf *out, uint64_t *ret_changes)
{
    struct lst_cursor c = {.in = text};
    uint64_t changes = 0;
    size_t before = out->len;
    struct lst_row row;
    int rc = 0;

    while (rc == 0 && lst_row_next(&c, &row)) {
        struct span line = row.line;
        size_t n;

        if (c.line_number == 1 && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
            line = (struct span){line.p + 3, line.n - 3};
        n = line.n;
        while (n > 0 && (line.p[n - 1] == '\n' || line.p[n - 1] == '\r'))
            n--;
        if (row.kind == LST_ROW_BLANK)
            n = 0;
        else
            rc = buf_append(out, line.p, n);
        if (rc == 0 && row.kind != LST_ROW_BLANK)
            rc = buf_append_byte(out, '\n');
        changes +=
            row.kind == LST_ROW_BLANK || n + 1 != row.line.n || row.line.p[row.line.n - 1] != '\n';
    }
    if (rc < 0)
        out->len = before;
    else
        *ret_changes = changes;
    return rc;
}
