/* Pure. What the text of the list says, and the names and texts of the images that it lists. */
#include "tests/simulation/sim.h"

#include <stdio.h>
#include <string.h>

const char *const list_paths[SIM_PATHS] = {"a/x.jpg", "a/y.jpg", "b/x.jpg", "b/y.jpg"};

bool list_parse(const char *text, struct list_row out[SIM_ROWS])
{
    int last = -1;

    memset(out, 0, SIM_ROWS * sizeof *out);
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        unsigned number, label;
        char path[SIM_PATH_SIZE];

        if (sscanf(line, "%u\t%u\t%255[^\n]", &number, &label, path) != 3 || !strchr(line, '\n') ||
            number >= SIM_ROWS || label != number % 3 || (int)number <= last)
            return false;
        last = (int)number;
        out[number].there = true;
        snprintf(out[number].path, sizeof out[number].path, "%s", path);
    }
    return true;
}

int list_path_of(const char *name)
{
    for (int p = 0; p < SIM_PATHS; p++)
        if (strcmp(list_paths[p], name) == 0)
            return p;
    return -1;
}

bool list_names(const char *text, const char *name)
{
    struct list_row list[SIM_ROWS];

    if (!text || !list_parse(text, list))
        return false;
    for (unsigned n = 0; n < SIM_ROWS; n++)
        if (list[n].there && strcmp(list[n].path, name) == 0)
            return true;
    return false;
}

unsigned list_image_of(const char *text)
{
    unsigned image = 0;

    return text && sscanf(text, "image %u", &image) == 1 ? image : 0;
}

void list_key_of(unsigned p, char out[SIM_PATH_SIZE])
{
    snprintf(out, SIM_PATH_SIZE, "images/%s", list_paths[p]);
}

int list_path_of_key(const char *key)
{
    return strncmp(key, "images/", 7) == 0 ? list_path_of(key + 7) : -1;
}
