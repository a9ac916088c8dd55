/* Shell. Questions on a terminal. See init_ask.h. */
#include "agent/commands/init_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SPACE " \t\r\n"

bool ask_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

/* A line without space around it; malloc. NULL: the input ended, or no memory. */
static char *read_line(void)
{
    char *line = NULL, *answer = NULL;
    size_t size = 0, n;

    fflush(stdout);
    if (getline(&line, &size, stdin) >= 0) {
        const char *begin = line + strspn(line, SPACE);

        n = strlen(begin);
        while (n && strchr(SPACE, begin[n - 1]))
            n--;
        answer = strndup(begin, n);
    } else {
        putchar('\n');
    }
    free(line);
    return answer;
}

char *ask_line(const char *question, const char *fallback)
{
    char *answer;

    printf("%s ", question);
    if (fallback[0])
        printf("[%s] ", fallback);
    answer = read_line();
    if (!answer || answer[0] || !fallback[0])
        return answer;
    free(answer);
    return strdup(fallback);
}

bool ask_yes(const char *question, bool fallback)
{
    for (;;) {
        bool known, yes;
        char *answer;

        printf("%s [%s] ", question, fallback ? "Y/n" : "y/N");
        answer = read_line();
        if (!answer)
            return false;
        yes = strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0 ||
              (fallback && !answer[0]);
        known = yes || !answer[0] || strcasecmp(answer, "n") == 0 || strcasecmp(answer, "no") == 0;
        free(answer);
        if (known)
            return yes;
    }
}
