/*
 * Time. The two clocks are read here (shell); the rest is pure arithmetic in the proleptic
 * Gregorian calendar, without the C library's time zone.
 */
#include "base/clock.h"

#include "base/err.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#define S_PER_MIN  INT64_C(60)
#define S_PER_HOUR INT64_C(3600)
#define S_PER_DAY  INT64_C(86400)
#define LAST_US    (INT64_C(253402300800) * US_PER_S - 1) /* the end of the year 9999 */

/* A moment in UTC as people write it. */
struct civil {
    int year;
    int month; /* 1-12 */
    int day;   /* 1-31 */
    int hour;
    int minute;
    int second; /* 0-60: a leap second counts as the next minute's first */
    int64_t fraction_us;
};

/* Text still to be read. */
struct cursor {
    const char *p;
};

int64_t clock_real_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with this clock and pointer */
    return now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* as above */
    return now.tv_sec * MS_PER_S + now.tv_nsec / (NS_PER_S / MS_PER_S);
}

int64_t clock_mono_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* as above */
    return now.tv_sec * US_PER_S + now.tv_nsec / (NS_PER_S / US_PER_S);
}

/* Days from 1970-01-01 to a date. The year is counted from March, so that the leap day is its last;
 * then months have 153 days in fives. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
}

/* The date of a day since 1970; the reverse of days_of. */
static void date_of(int64_t days, struct civil *ret)
{
    int64_t z = days + 719468;
    int64_t era = z / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * of_year + 2) / 153;

    ret->day = (int)(of_year - (153 * march_month + 2) / 5 + 1);
    ret->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    ret->year = (int)(era * 400 + year + (ret->month <= 2));
}

/* A moment as people write it; outside 1970-9999 the nearest inside. */
static struct civil civil_of(int64_t us)
{
    struct civil c;
    int64_t s;

    us = us < 0 ? 0 : us;
    us = us > LAST_US ? LAST_US : us;
    s = us / US_PER_S;
    date_of(s / S_PER_DAY, &c);
    s %= S_PER_DAY;
    c.hour = (int)(s / S_PER_HOUR);
    c.minute = (int)(s % S_PER_HOUR / S_PER_MIN);
    c.second = (int)(s % S_PER_MIN);
    c.fraction_us = us % US_PER_S;
    return c;
}

/* Write `digits` decimal digits; returns what follows them. */
static char *put_digits(char *out, int64_t value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

char *clock_iso(int64_t us, char out[CLOCK_ISO_SIZE])
{
    struct civil c = civil_of(us);
    char *o = put_digits(out, c.year, 4);

    *o++ = '-';
    o = put_digits(o, c.month, 2);
    *o++ = '-';
    o = put_digits(o, c.day, 2);
    *o++ = 'T';
    o = put_digits(o, c.hour, 2);
    *o++ = ':';
    o = put_digits(o, c.minute, 2);
    *o++ = ':';
    o = put_digits(o, c.second, 2);
    *o++ = '.';
    o = put_digits(o, c.fraction_us, 6);
    *o++ = 'Z';
    *o = '\0';
    return out;
}

char *clock_amz(int64_t us, char out[CLOCK_AMZ_SIZE])
{
    struct civil c = civil_of(us);
    char *o = put_digits(out, c.year, 4);

    o = put_digits(o, c.month, 2);
    o = put_digits(o, c.day, 2);
    *o++ = 'T';
    o = put_digits(o, c.hour, 2);
    o = put_digits(o, c.minute, 2);
    o = put_digits(o, c.second, 2);
    *o++ = 'Z';
    *o = '\0';
    return out;
}

/* A decimal digit, whatever the locale. */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Read exactly `digits` digits. */
static bool take_digits(struct cursor *in, int digits, int *ret)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if (!is_digit(in->p[i]))
            return false;
        value = value * 10 + (in->p[i] - '0');
    }
    in->p += digits;
    *ret = value;
    return true;
}

/* Read one byte that must be there. */
static bool take_byte(struct cursor *in, char c)
{
    if (*in->p != c)
        return false;
    in->p++;
    return true;
}

/* Read a text that must be there. */
static bool take_text(struct cursor *in, const char *text)
{
    size_t n = strlen(text);

    if (strncmp(in->p, text, n) != 0)
        return false;
    in->p += n;
    return true;
}

/* Read a number without sign of at most 18 digits, which an int64_t holds. */
static bool take_number(struct cursor *in, int64_t *ret)
{
    int64_t value = 0;
    int n = 0;

    for (; is_digit(*in->p) && n < 18; in->p++, n++)
        value = value * 10 + (*in->p - '0');
    if (n == 0 || is_digit(*in->p))
        return false;
    *ret = value;
    return true;
}

/* Read ".digits" if it is there; what is finer than a microsecond is dropped. */
static bool take_fraction(struct cursor *in, int64_t *ret_us)
{
    int64_t unit = US_PER_S / 10;

    *ret_us = 0;
    if (*in->p != '.')
        return true;
    in->p++;
    if (!is_digit(*in->p))
        return false;
    for (; is_digit(*in->p); in->p++, unit /= 10)
        *ret_us += (*in->p - '0') * unit;
    return true;
}

/* Read "Z", "+hh:mm", "-hh:mm" or nothing, which is UTC. */
static bool take_zone(struct cursor *in, int64_t *ret_s)
{
    int sign = *in->p == '-' ? -1 : 1;
    int hours;
    int minutes;

    *ret_s = 0;
    if (*in->p == '\0' || take_byte(in, 'Z'))
        return true;
    if (!take_byte(in, '+') && !take_byte(in, '-'))
        return false;
    if (!take_digits(in, 2, &hours) || !take_byte(in, ':') || !take_digits(in, 2, &minutes))
        return false;
    *ret_s = sign * (hours * S_PER_HOUR + minutes * S_PER_MIN);
    return hours <= 23 && minutes <= 59;
}

/* Days of a month. */
static int month_days(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* The moment, if there is such a date and time in 1970-9999. */
static int moment_of(const struct civil *c, int64_t zone_s, int64_t *ret_us)
{
    int64_t us;

    if (c->year < 1970 || c->month < 1 || c->month > 12 || c->day < 1 ||
        c->day > month_days(c->year, c->month))
        return ERR_SYNTAX;
    if (c->hour > 23 || c->minute > 59 || c->second > 60)
        return ERR_SYNTAX;
    us = (days_of(c->year, c->month, c->day) * S_PER_DAY + c->hour * S_PER_HOUR +
          c->minute * S_PER_MIN + c->second - zone_s) *
             US_PER_S +
         c->fraction_us;
    if (us < 0 || us > LAST_US)
        return ERR_SYNTAX;
    *ret_us = us;
    return 0;
}

/* Read "hh:mm[:ss[.frac]]". */
static bool take_time(struct cursor *in, struct civil *ret)
{
    if (!take_digits(in, 2, &ret->hour) || !take_byte(in, ':') || !take_digits(in, 2, &ret->minute))
        return false;
    if (!take_byte(in, ':'))
        return true;
    return take_digits(in, 2, &ret->second) && take_fraction(in, &ret->fraction_us);
}

/* A date, with or without a time. */
static int parse_date(const char *text, int64_t *ret_us)
{
    struct cursor in = {text};
    struct civil c = {0};
    int64_t zone_s = 0;

    if (!take_digits(&in, 4, &c.year) || !take_byte(&in, '-') || !take_digits(&in, 2, &c.month) ||
        !take_byte(&in, '-') || !take_digits(&in, 2, &c.day))
        return ERR_SYNTAX;
    if (take_byte(&in, 'T') && (!take_time(&in, &c) || !take_zone(&in, &zone_s)))
        return ERR_SYNTAX;
    return *in.p == '\0' ? moment_of(&c, zone_s, ret_us) : ERR_SYNTAX;
}

/* Seconds since 1970, past the '@'. */
static int parse_seconds(const char *text, int64_t *ret_us)
{
    struct cursor in = {text};
    int64_t seconds;
    int64_t fraction_us;

    if (!take_number(&in, &seconds) || !take_fraction(&in, &fraction_us) || *in.p != '\0')
        return ERR_SYNTAX;
    if (seconds > LAST_US / US_PER_S)
        return ERR_SYNTAX;
    *ret_us = seconds * US_PER_S + fraction_us;
    return 0;
}

/* Seconds of the unit of an age; 0 if it is none. */
static int64_t unit_seconds(char unit)
{
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return S_PER_MIN;
    case 'h':
        return S_PER_HOUR;
    case 'd':
        return S_PER_DAY;
    }
    return 0;
}

/* An age before now. */
static int parse_age(const char *text, int64_t now_us, int64_t *ret_us)
{
    struct cursor in = {text};
    int64_t count;
    int64_t unit;

    if (!take_number(&in, &count))
        return ERR_SYNTAX;
    unit = unit_seconds(*in.p);
    if (unit == 0 || in.p[1] != '\0')
        return ERR_SYNTAX;
    if (count > now_us / US_PER_S / unit)
        *ret_us = 0;
    else
        *ret_us = now_us - count * unit * US_PER_S;
    return 0;
}

int clock_parse(const char *text, int64_t now_us, int64_t *ret_us)
{
    size_t digits = strspn(text, "0123456789");

    if (*text == '@')
        return parse_seconds(text + 1, ret_us);
    if (digits == 4 && text[4] == '-')
        return parse_date(text, ret_us);
    return parse_age(text, now_us, ret_us);
}

/* Read a month's English name. */
static bool take_month(struct cursor *in, int *ret)
{
    static const char names[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

    for (int i = 0; i < 12; i++) {
        if (take_text(in, names[i])) {
            *ret = i + 1;
            return true;
        }
    }
    return false;
}

/* Read a weekday's name, whole or its first three letters. */
static bool take_weekday(struct cursor *in, bool whole)
{
    static const char *const names[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday"};

    for (int i = 0; i < 7; i++) {
        size_t n = whole ? strlen(names[i]) : 3;

        if (strncmp(in->p, names[i], n) == 0) {
            in->p += n;
            return true;
        }
    }
    return false;
}

/* Read "hh:mm:ss". */
static bool take_clock(struct cursor *in, struct civil *ret)
{
    return take_digits(in, 2, &ret->hour) && take_byte(in, ':') &&
           take_digits(in, 2, &ret->minute) && take_byte(in, ':') &&
           take_digits(in, 2, &ret->second);
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool take_imf(struct cursor *in, struct civil *ret)
{
    return take_weekday(in, false) && take_text(in, ", ") && take_digits(in, 2, &ret->day) &&
           take_byte(in, ' ') && take_month(in, &ret->month) && take_byte(in, ' ') &&
           take_digits(in, 4, &ret->year) && take_byte(in, ' ') && take_clock(in, ret) &&
           take_text(in, " GMT");
}

/* "Sunday, 06-Nov-94 08:49:37 GMT"; of the two centuries the one after 1969. */
static bool take_rfc850(struct cursor *in, struct civil *ret)
{
    if (!take_weekday(in, true) || !take_text(in, ", ") || !take_digits(in, 2, &ret->day) ||
        !take_byte(in, '-') || !take_month(in, &ret->month) || !take_byte(in, '-') ||
        !take_digits(in, 2, &ret->year) || !take_byte(in, ' ') || !take_clock(in, ret))
        return false;
    ret->year += ret->year >= 70 ? 1900 : 2000;
    return take_text(in, " GMT");
}

/* "Sun Nov  6 08:49:37 1994" */
static bool take_asctime(struct cursor *in, struct civil *ret)
{
    int digits = 2;

    if (!take_weekday(in, false) || !take_byte(in, ' ') || !take_month(in, &ret->month) ||
        !take_byte(in, ' '))
        return false;
    if (take_byte(in, ' '))
        digits = 1;
    return take_digits(in, digits, &ret->day) && take_byte(in, ' ') && take_clock(in, ret) &&
           take_byte(in, ' ') && take_digits(in, 4, &ret->year);
}

int clock_parse_http(const char *text, int64_t *ret_us)
{
    static bool (*const forms[3])(struct cursor *, struct civil *) = {take_imf, take_rfc850,
                                                                      take_asctime};

    for (int i = 0; i < 3; i++) {
        struct cursor in = {text};
        struct civil c = {0};

        if (forms[i](&in, &c) && *in.p == '\0')
            return moment_of(&c, 0, ret_us);
    }
    return ERR_SYNTAX;
}
