/* Any text: faults or a configuration, and what is printed reads back as the same. */
#include "base/err.h"
#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses a string when a syntax error follows it: not ours to mend. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig\nleak:strbuf_append\n";
}

/* The configuration as text. */
static char *print(const struct conf *c)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    if (f == NULL)
        abort();
    conf_print(c, f);
    if (fclose(f) != 0)
        abort();
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct conf *c = NULL;
    struct conf_faults faults;
    int r = conf_parse(text, "fuzz", &c, &faults);
    free(text);
    if (r != 0) {
        if (r != ERR_SYNTAX || faults.count == 0 || c != NULL)
            abort();
        conf_faults_release(&faults);
        return 0;
    }
    char *once = print(c);
    conf_free(c);
    if (conf_parse(once, "fuzz", &c, &faults) != 0)
        abort();
    char *twice = print(c);
    if (strcmp(once, twice) != 0)
        abort();
    conf_free(c);
    free(once);
    free(twice);
    return 0;
}
