/* Which of the uploads that S3 lists are strays. Pure. See stray.h. */
#include "uploaders/stray.h"

#include <string.h>

bool stray_is(const struct s3_upload *u, const char *key, int64_t since_us, int64_t until_us,
              int64_t offset_us)
{
    int64_t begun_us = u->initiated_us - offset_us;
    bool ours = !*u->algorithm || strcmp(u->algorithm, "CRC64NVME") == 0;
    return ours && u->initiated_us && strcmp(u->key, key) == 0 &&
           begun_us >= since_us - STRAY_SLACK_US && begun_us <= until_us - STRAY_SLACK_US;
}
