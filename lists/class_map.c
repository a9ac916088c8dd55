/* Which number each class directory has. Pure. See make.h. */
#include "lists/make.h"

#include "base/map.h"
#include "base/path.h"
#include "lists/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct lst_class_map {
    struct map *ids;    /* directory -> its number, of the heap */
    const char **names; /* by number; NULL: no directory has it. They are the map's keys */
    size_t n;           /* the highest number and one */
    size_t room;
    size_t grown;
};

void lst_class_map_free(struct lst_class_map *m)
{
    size_t at = 0;
    void *id;

    if (!m)
        return;
    while (m->ids && map_next(m->ids, &at, NULL, NULL, &id))
        free(id);
    map_free(m->ids);
    free(m->names);
    free(m);
}

/* Room for a number. */
static int reserve(struct lst_class_map *m, uint64_t id)
{
    size_t room = m->room ? m->room : 16;
    const char **names;

    if (id > LABEL_CLASS_MAX)
        return ERR_LIMIT;
    while (room <= id)
        room *= 2;
    if (room == m->room)
        return 0;
    names = reallocarray(m->names, room, sizeof(*names));
    if (!names)
        return -ENOMEM;
    memset(names + m->room, 0, (room - m->room) * sizeof(*names));
    m->names = names;
    m->room = room;
    return 0;
}

/* A directory and its number, neither of which is known. */
static int put(struct lst_class_map *m, const char *directory, uint64_t id)
{
    uint64_t *value = malloc(sizeof(*value));
    int rc = value ? reserve(m, id) : -ENOMEM;

    if (rc == 0) {
        *value = id;
        rc = map_put_str(m->ids, directory, value, NULL);
    }
    if (rc < 0) {
        free(value);
        return rc;
    }
    m->names[id] = map_key_str(m->ids, directory);
    m->n = id >= m->n ? (size_t)id + 1 : m->n;
    return 0;
}

/* One line. */
static int parse_line(struct lst_class_map *m, struct span line)
{
    const char *tab = memchr(line.p, '\t', line.n);
    char directory[PATH_BYTES_MAX + 1];
    struct span name;
    uint64_t id;

    if (!tab || !index_number((struct span){line.p, (size_t)(tab - line.p)}, &id))
        return ERR_SYNTAX;
    name = (struct span){tab + 1, (size_t)(line.p + line.n - tab - 1)};
    if (span_equal(name, SPAN(".")))
        directory[0] = '\0';
    else if (lst_path_normal(name, directory, sizeof(directory)) < 0 ||
             !span_equal(name, span_of(directory)))
        return ERR_SYNTAX;
    if (map_get_str(m->ids, directory) || (id < m->room && m->names[id]))
        return ERR_SYNTAX;
    return put(m, directory, id);
}

int lst_class_map_parse(struct span text, struct lst_class_map **ret, uint64_t *ret_line)
{
    struct lst_class_map *m = calloc(1, sizeof(*m));
    uint64_t number = 0;
    size_t at = 0;
    int rc = 0;

    if (!m)
        return -ENOMEM;
    m->ids = map_new();
    if (!m->ids)
        rc = -ENOMEM;
    while (rc == 0 && at < text.n) {
        struct span line = row_line(text, at);

        at += line.n;
        number++;
        while (line.n > 0 && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
            line.n--;
        rc = parse_line(m, line);
    }
    if (rc < 0) {
        *ret_line = number;
        lst_class_map_free(m);
        return rc;
    }
    *ret = m;
    return 0;
}

int lst_class_map_id(struct lst_class_map *m, const char *directory, uint64_t *ret)
{
    const uint64_t *known = map_get_str(m->ids, directory);
    int rc;

    if (known) {
        *ret = *known;
        return 0;
    }
    rc = put(m, directory, m->n);
    if (rc < 0)
        return rc;
    m->grown++;
    *ret = m->n - 1;
    return 0;
}

bool lst_class_map_find(const struct lst_class_map *m, struct span directory, uint64_t *ret)
{
    const uint64_t *known = map_get(m->ids, directory.p, directory.n);

    if (known)
        *ret = *known;
    return known != NULL;
}

int lst_class_map_render(const struct lst_class_map *m, struct buf *out)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < m->n; i++)
        if (m->names[i])
            rc = buf_appendf(out, "%zu\t%s\n", i, *m->names[i] ? m->names[i] : ".");
    return rc;
}

size_t lst_class_map_grown(const struct lst_class_map *m)
{
    return m->grown;
}
