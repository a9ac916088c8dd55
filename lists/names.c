/* Names beside a list: for the exchange, and for what is kept. Shell (random digits). */
#include "lists/round.h"

#include "base/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HALF_BYTES                                                                                 \
    4 /* of the list's name, and of chance: together the 16 digits of a temp name                  \
       */
#define HALF_DIGITS (2 * HALF_BYTES)
#define HEAD        ".lockstep-"
#define TAIL        ".tmp"
#define KEPT        ".kept-"
#define KEPT_STEM   (KEPT_NAME_SIZE - 1 - (int)(sizeof(KEPT) - 1) - HALF_DIGITS)

/* Digits of chance. 0 or -errno. */
static int random_digits(char out[HALF_DIGITS + 1])
{
    uint8_t bytes[HALF_BYTES];

    if (getentropy(bytes, sizeof(bytes)) < 0)
        return -errno;
    (void)hex_encode(bytes, sizeof(bytes), out); /* returns out */
    return 0;
}

/* Digits of a list's name. */
static void name_digits(const char *name, char out[HALF_DIGITS + 1])
{
    uint8_t hash[SHA256_BYTES];

    digest_sha256(name, strlen(name), hash);
    (void)hex_encode(hash, HALF_BYTES, out); /* returns out */
}

int swap_name(const char *name, char out[SWAP_NAME_SIZE])
{
    char of_name[HALF_DIGITS + 1];
    char of_chance[HALF_DIGITS + 1];
    int rc = random_digits(of_chance);

    if (rc < 0)
        return rc;
    name_digits(name, of_name);
    (void)snprintf(out, SWAP_NAME_SIZE, HEAD "%s%s" TAIL, of_name, of_chance); /* fits */
    return 0;
}

bool swap_is_of(const char *temp, const char *name)
{
    char of_name[HALF_DIGITS + 1];

    name_digits(name, of_name);
    return replace_is_temp(temp) && memcmp(temp + sizeof(HEAD) - 1, of_name, HALF_DIGITS) == 0;
}

int kept_name(const char *name, char out[KEPT_NAME_SIZE])
{
    char of_chance[HALF_DIGITS + 1];
    int rc = random_digits(of_chance);

    if (rc < 0)
        return rc;
    (void)snprintf(out, KEPT_NAME_SIZE, "%.*s" KEPT "%s", KEPT_STEM, name, of_chance); /* fits */
    return 0;
}

void nap_ms(int64_t ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}
