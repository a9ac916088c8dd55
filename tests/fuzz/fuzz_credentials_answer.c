/*
 * What sources of keys answer, and command lines, on any bytes: no crash, no leak; keys that come
 * out can stand in a header; a fault leaves no keys behind. The first byte chooses the reader.
 */
#include "uploaders/credentials_answer.h"
#include "uploaders/credentials_rules.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Keys are whole and clean; or there are none. */
static void check(int rc, struct credentials *c)
{
    if (rc) {
        if (c->access_key || c->secret_key || c->session_token)
            abort();
        return;
    }
    if (!*c->access_key || !*c->secret_key || !credentials_clean(c->access_key) ||
        !credentials_clean(c->secret_key) || !credentials_clean(c->session_token))
        abort();
    credentials_wipe(c);
}

/* The words of a line lie in the buffer, and there is at least one. */
static void split(struct span text)
{
    char *words[RULES_WORDS_MAX + 1];
    struct buf out;
    char *line = strndup(text.p, text.n);
    buf_init(&out, 4096);
    if (line && rules_split(line, &out, words) == 0) {
        if (!words[0])
            abort();
        for (size_t i = 0; words[i]; i++)
            if (words[i] < out.data || words[i] + strlen(words[i]) >= out.data + out.len)
                abort();
    }
    if (line)
        (void)!rules_container_url(line, NULL); /* either is right */
    buf_release(&out);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credentials c = {0};
    struct answer_error error;
    struct err e = {0};
    if (size == 0)
        return 0;
    struct span text = {(const char *)data + 1, size - 1};
    switch (data[0] % 6) {
    case 0:
        check(credentials_read_json(text, ANSWER_CONTAINER, &c, &e), &c);
        break;
    case 1:
        check(credentials_read_json(text, ANSWER_INSTANCE, &c, &e), &c);
        break;
    case 2:
        check(credentials_read_json(text, ANSWER_PROCESS, &c, &e), &c);
        break;
    case 3:
        check(credentials_read_sts(text, &c, &e), &c);
        break;
    case 4:
        credentials_read_error(text, &error);
        break;
    case 5:
        split(text);
        break;
    default:
        break;
    }
    return 0;
}
