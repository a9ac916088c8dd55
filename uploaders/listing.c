/*
 * Listing: ListObjectsV2, many pages at once, handed out in key order. Shell.
 *
 *   window:  [cur] -> page(after a) -> page(after b) -> page(after c)     a < b < c
 *
 * S3 gives a page only to who knows where it begins. So whoever lists may tell keys that lie about
 * a page apart (`split`); pages behind them are asked for ahead of time. Nothing depends on what
 * is told: a page covers the keys from where it was asked for to its last one, and where the next
 * one begins further on, one more is asked for in between.
 */
#include "uploaders/listing_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define AHEAD_DEFAULT 16
#define AHEAD_MAX     256
#define PAGE_TRIES    4 /* of a page that does not come, besides the attempts of each request */
#define PAGE_PAUSE_MS 250
#define NS_PER_MS     1000000

struct s3_listing {
    struct uploaders *uploaders;
    struct s3_listing_options opt;
    struct mailbox *reply;
    struct listing_page *cur; /* is being handed out; NULL: none */
    size_t at;                /* its next object */
    struct listing_page *window;
    unsigned count;           /* of the window */
    unsigned flying;          /* of these on their way */
    bool split_ended;         /* nothing more is told */
    bool ended;               /* all was handed out */
    char pos[S3_KEY_MAX + 1]; /* all up to here was handed out */
};

/* Send a page's request. */
static int ask(struct s3_listing *l, struct listing_page *p)
{
    int rc = listing_page_ask(l->uploaders, p, l->reply);
    l->flying += rc == 0;
    return rc;
}

/* One more page of the window, behind `before` (NULL: the first). */
static int add_page(struct s3_listing *l, struct listing_page *before, const char *after)
{
    struct listing_page *p = listing_page_new(l->opt.prefix, after);
    struct listing_page **at = before && before != l->cur ? &before->next : &l->window;
    int rc = p ? ask(l, p) : -ENOMEM;
    if (rc) {
        listing_page_free(p);
        return rc;
    }
    p->next = *at;
    *at = p;
    l->count++;
    return 0;
}

/* What follows a ready page is known to be missing in the window: ask for it. */
static int fill_gap(struct s3_listing *l, struct listing_page *p)
{
    const struct listing_page *next = p == l->cur ? l->window : p->next;
    const char *last;
    if (!p->ready || p->transfer->verdict != VERDICT_DONE)
        return 0;
    last = listing_page_last(p);
    if (!last || strcmp(last, l->pos) < 0 || (next && strcmp(next->after, last) <= 0) ||
        (!next && !l->split_ended))
        return 0;
    return add_page(l, p, last);
}

/* The window's last page covers the key already. */
static bool is_covered(const struct listing_page *tail, const char *key)
{
    const char *last;
    if (strcmp(key, tail->after) <= 0)
        return true;
    if (!tail->ready || tail->transfer->verdict != VERDICT_DONE)
        return false;
    last = listing_page_last(tail);
    return !last || strcmp(key, last) < 0;
}

/* The last page that is known. */
static struct listing_page *tail_of(const struct s3_listing *l)
{
    struct listing_page *tail = l->window;
    while (tail && tail->next)
        tail = tail->next;
    return tail ? tail : l->cur;
}

/* Ask for the pages behind the keys that are told. */
static int fill_splits(struct s3_listing *l)
{
    int rc = 0;
    while (rc == 0 && !l->split_ended && l->count < l->opt.ahead) {
        struct listing_page *tail = tail_of(l);
        const char *key = l->opt.split ? l->opt.split(l->opt.split_arg) : NULL;
        if (!key)
            l->split_ended = true;
        else if (strcmp(key, l->pos) > 0 && !(tail && is_covered(tail, key)) &&
                 strlen(key) <= S3_KEY_MAX)
            rc = add_page(l, tail, key);
    }
    return rc;
}

/* Have as many pages on their way as may be. */
static int fill(struct s3_listing *l)
{
    int rc = fill_splits(l);
    if (l->cur && rc == 0)
        rc = fill_gap(l, l->cur);
    for (struct listing_page *p = l->window; p && rc == 0 && l->count < 2 * l->opt.ahead;
         p = p->next)
        rc = fill_gap(l, p);
    return rc;
}

/* Take the first page out of the window. */
static struct listing_page *take_first(struct s3_listing *l)
{
    struct listing_page *p = l->window;
    l->window = p->next;
    p->next = NULL;
    l->count--;
    return p;
}

/* Before another try. */
static void pause_before(unsigned tries)
{
    int64_t ms = (int64_t)PAGE_PAUSE_MS << tries;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * NS_PER_MS};
    (void)nanosleep(&t, NULL); /* a signal shortens it, which does no harm */
}

/* No keys, but more to come: S3 passed over what is no object. Asked for with the token that it
 * had the last time, it would be the same for ever. */
static bool goes_on(struct listing_page *p)
{
    struct transfer *t = p->transfer;
    if (t->verdict != VERDICT_DONE || !p->got.next_token || p->got.count > 0)
        return false;
    if (!p->token || strcmp(p->token, p->got.next_token) != 0)
        return true;
    t->verdict = VERDICT_REFUSED;
    snprintf(t->message, sizeof(t->message), "S3's listing goes round in circles");
    return false;
}

/* A page came back: once more, where it has to be asked for again. */
static int came_back(struct s3_listing *l, struct listing_page *p)
{
    enum verdict v = p->transfer->verdict;
    bool again = (v == VERDICT_UNREACHED || v == VERDICT_BUSY) && p->tries + 1 < PAGE_TRIES;
    l->flying--;
    p->ready = true;
    if (again)
        pause_before(p->tries++);
    else
        again = goes_on(p);
    return again ? ask(l, p) : 0;
}

/* What a page that did not come means to the caller. */
static int explain(const struct listing_page *p, struct err *e)
{
    const struct transfer *t = p->transfer;
    bool final = t->verdict != VERDICT_UNREACHED && t->verdict != VERDICT_BUSY;
    return err_set(e, final ? ERR_REFUSED : -EIO, p->prefix, "", "listing%s%.80s: %s %.60s %.200s",
                   p->after[0] ? " behind " : "", p->after, verdict_name(t->verdict), t->s3_code,
                   t->message);
}

/* Wait until the window's first page is here. */
static int await_first(struct s3_listing *l, struct err *e)
{
    int rc = 0;
    while (rc == 0 && !l->window->ready) {
        struct transfer *t = (struct transfer *)mailbox_wait(l->reply);
        rc = came_back(l, t->owner);
        if (rc == 0)
            rc = fill(l);
    }
    if (rc)
        return err_set(e, rc, l->opt.prefix, "", "no memory for a listing");
    return l->window->transfer->verdict == VERDICT_DONE ? 0 : explain(l->window, e);
}

/* The page that goes on behind `pos` becomes the current one. 0, 1 at the end, or a code. */
static int turn_page(struct s3_listing *l, struct err *e)
{
    int rc = 0;
    if (l->cur && !listing_page_last(l->cur))
        return 1;
    if (!l->window || strcmp(l->window->after, l->pos) > 0)
        rc = add_page(l, NULL, l->pos);
    if (rc == 0)
        rc = fill(l);
    if (rc)
        return err_set(e, rc, l->opt.prefix, "", "no memory for a listing");
    rc = await_first(l, e);
    if (rc)
        return rc;
    listing_page_free(l->cur);
    l->cur = take_first(l);
    l->at = 0;
    return 0;
}

/* The next object of the current page that was not handed out yet, or NULL. */
static const struct s3_object *next_of_page(struct s3_listing *l)
{
    while (l->cur && l->at < l->cur->got.count) {
        const struct s3_object *o = &l->cur->got.objects[l->at++];
        if (strcmp(o->key, l->pos) > 0)
            return o;
    }
    return NULL;
}

/* Objects come in order, else nothing can be merged. */
static bool in_order(const struct listing_page *p)
{
    for (size_t i = 1; i < p->got.count; i++)
        if (strcmp(p->got.objects[i - 1].key, p->got.objects[i].key) >= 0)
            return false;
    return true;
}

int s3_listing_next(struct s3_listing *l, const struct s3_object **ret, struct err *e)
{
    const struct s3_object *o = next_of_page(l);
    while (!o && !l->ended) {
        int rc = turn_page(l, e);
        if (rc < 0)
            return rc;
        l->ended = rc == 1;
        if (l->ended)
            break;
        if (!in_order(l->cur))
            return err_set(e, ERR_REFUSED, l->opt.prefix, "a general purpose bucket",
                           "S3 does not list keys in order");
        if (!s3_page_advances(&l->cur->got, l->cur->after))
            return err_set(e, ERR_REFUSED, l->opt.prefix, "a server that heeds start-after",
                           "S3's listing goes round in circles");
        o = next_of_page(l);
    }
    if (!o)
        return 0;
    snprintf(l->pos, sizeof(l->pos), "%s", o->key);
    *ret = o;
    return 1;
}

int s3_listing_open(struct uploaders *u, const struct s3_listing_options *opt,
                    struct s3_listing **ret, struct err *e)
{
    struct s3_listing *l = calloc(1, sizeof(*l));
    int rc = l ? mailbox_new(0, &l->reply) : -ENOMEM;
    if (rc) {
        free(l);
        return err_set(e, rc, opt->prefix, "", "a listing: %s", err_name(rc));
    }
    l->uploaders = u;
    l->opt = *opt;
    if (!l->opt.ahead)
        l->opt.ahead = AHEAD_DEFAULT;
    if (l->opt.ahead > AHEAD_MAX)
        l->opt.ahead = AHEAD_MAX;
    *ret = l;
    return 0;
}

void s3_listing_close(struct s3_listing *l)
{
    if (!l)
        return;
    while (l->flying) {
        (void)mailbox_wait(l->reply); /* the page is in the window */
        l->flying--;
    }
    while (l->window)
        listing_page_free(take_first(l));
    listing_page_free(l->cur);
    mailbox_free(l->reply);
    free(l);
}

int uploaders_list(struct uploaders *u, const char *prefix,
                   int (*fn)(void *arg, const struct s3_object *o), void *arg, struct err *e)
{
    struct s3_listing_options opt = {.prefix = prefix};
    const struct s3_object *o;
    struct s3_listing *l = NULL;
    int code = s3_listing_open(u, &opt, &l, e);
    while (l && code == 0 && (code = s3_listing_next(l, &o, e)) > 0)
        code = fn(arg, o);
    s3_listing_close(l);
    return code;
}
