/*
 * Single values: how they are written, what is allowed, their normal form. Pure.
 */
#ifndef LOCKSTEP_CONF_VALUE_H
#define LOCKSTEP_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_TEXT_MAX   4096 /* bytes of any text with its NUL */
#define VALUE_PREFIX_MAX 512  /* bytes: leaves half of an S3 key to the path */
#define VALUE_SUFFIX_MAX 64   /* bytes */
#define VALUE_SOCKET_MAX 107  /* bytes: sun_path of sockaddr_un less its NUL */

/*
 * Texts. Each takes the text as written and gives its normal form in out[VALUE_TEXT_MAX], and
 * returns NULL; or the reason why it is not allowed, as the end of "<value> ...", out untouched or
 * half filled.
 */
const char *value_name(const char *text, char *out);   /* of a mapping */
const char *value_path(const char *text, char *out);   /* absolute; no trailing or double '/' */
const char *value_tree(const char *text, char *out);   /* the same, and not "/" itself */
const char *value_socket(const char *text, char *out); /* the same, VALUE_SOCKET_MAX long */
const char *value_trash(const char *text, char *out);  /* the same, but never "" */
const char *value_prefix(const char *text, char *out); /* of keys; "" or ending in '/' */
/* value_secret: an absolute path, or the name of a credential, which is a file's. */
const char *value_secret(const char *text, char *out);
/* value_bucket: S3 User Guide, "Bucket naming rules"; or value_access_point: its ARN, with
 * "accesspoint/" where that was written with a colon. */
const char *value_bucket(const char *text, char *out);
const char *value_access_point(const char *text, char *out);
const char *value_region(const char *text, char *out);
const char *value_endpoint(const char *text, char *out); /* http[s]://host[:port], lower case */
const char *value_proxy(const char *text, char *out);    /* the same, or "none" */
/* value_listen: "127.0.0.1:9780" or "[::1]:9780", in its shortest form; loopback addresses only. */
const char *value_listen(const char *text, char *out);
/* value_prom: a path as of value_tree whose file name ends in ".prom". */
const char *value_prom(const char *text, char *out);
const char *value_profile(const char *text, char *out);
const char *value_hours(const char *text, char *out); /* "8-18" -> "08-18"; whole hours, 0 to 24 */
const char *value_pattern(const char *text, char *out); /* of path_glob, below a mapping */
const char *value_marker(const char *text, char *out);  /* a path below a mapping */
/* value_suffix: of a manifest's name. It makes no list of it, and does not begin as one: what
 * begins with a list's whole name would be in the channel of that list. */
const char *value_suffix(const char *text, char *out);

/* value_duration(text, ret_ms): "500ms", "30s", "15m", "2h", "1d". 0, ERR_SYNTAX, ERR_LIMIT. */
int value_duration(const char *text, int64_t *ret_ms) __attribute__((warn_unused_result));
/* value_size(text, ret_bytes): "5242880", "512K", "16M", "1G" (powers of 1024). Same errors. */
int value_size(const char *text, uint64_t *ret_bytes) __attribute__((warn_unused_result));

/* The way back: the shortest spelling that reads the same. out[VALUE_NUMBER_MAX]. */
#define VALUE_NUMBER_MAX 32
char *value_duration_text(int64_t ms, char *out);
char *value_size_text(uint64_t bytes, char *out);

/* value_price(text, ret): a decimal number, at most nine digits behind the point, in billionths. 0,
 * ERR_SYNTAX, ERR_LIMIT. value_price_text: the way back, without zeroes at the end. */
int value_price(const char *text, int64_t *ret) __attribute__((warn_unused_result));
char *value_price_text(int64_t billionths, char *out);

/* value_quote(text, out, size): in double quotes as libconfig reads it; cut with "..." where it
 * does not fit. Returns out. size at least 8. */
char *value_quote(const char *text, char *out, size_t size);

/* value_distance(a, b): edits (insert, delete, replace, swap of neighbours) from a to b; a large
 * number where one is past VALUE_WORD_MAX bytes. */
#define VALUE_WORD_MAX 40
size_t value_distance(const char *a, const char *b);

#endif
