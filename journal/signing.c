/* Signing: whose key, and which record says so. Shell. */
#include "journal/writer.h"

int journal_sign(struct journal *j, const struct journal_secret *secret, int64_t now_us)
{
    char text[JOURNAL_KEY_TEXT_MAX];
    const struct journal_record rec = {
        .op = JOURNAL_KEY, .state = JOURNAL_NOTE, .after = journal_key_format(&secret->key, text)};
    int rc = journal_append(j, &rec, now_us, NULL);

    if (rc)
        return rc;
    j->secret = *secret;
    j->signing = true;
    return 0;
}
