/* Shell. Options of a command line. See options.h. */
#include "agent/commands/options.h"

#include "agent/commands/lst.h"

#include <getopt.h>
#include <stddef.h>

#define LONG_FIRST 256 /* what getopt says of the table's first entry; letters are below */

/* The table as getopt wants it. */
struct spelled {
    struct option longs[OPTIONS_MAX + 2];
    char letters[2 * OPTIONS_MAX + 2];
};

static void spell(const struct command_option *table, struct spelled *ret)
{
    size_t longs = 0, letters = 0;

    *ret = (struct spelled){.letters = ""};
    ret->letters[letters++] = 'h';
    ret->longs[longs++] = (struct option){"help", no_argument, NULL, 'h'};
    for (int i = 0; i < OPTIONS_MAX && (table[i].name || table[i].letter); i++) {
        const struct command_option *o = &table[i];

        if (o->name)
            ret->longs[longs++] = (struct option){
                o->name, o->flag ? no_argument : required_argument, NULL, LONG_FIRST + i};
        if (o->letter)
            ret->letters[letters++] = o->letter;
        if (o->letter && !o->flag)
            ret->letters[letters++] = ':';
    }
}

/* The entry that getopt means. */
static const struct command_option *meant(const struct command_option *table, int c)
{
    if (c >= LONG_FIRST)
        return &table[c - LONG_FIRST];
    while (table->letter != c)
        table++;
    return table;
}

/* NULL, or what is wrong. */
static const char *take(const struct command_option *o, char *value)
{
    if (o->take)
        return o->take(o->arg, value);
    if (o->number)
        return lst_number(value, o->least, o->most, o->number) ? NULL : o->wrong;
    if (o->text)
        *o->text = value;
    else
        *o->flag = true;
    return NULL;
}

const char *command_options(int argc, char **argv, const struct command_option *table)
{
    const char *wrong = NULL;
    struct spelled s;
    int c;

    spell(table, &s);
    while (!wrong && (c = getopt_long(argc, argv, s.letters, s.longs, NULL)) != -1)
        wrong = c == 'h' ? "" : c == '?' ? "unknown option" : take(meant(table, c), optarg);
    return wrong;
}
