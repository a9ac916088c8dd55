/*
 * The rules of watching: scans, and roots that come and go. Pure. See tracker.h.
 *
 * A scan is wanted -> the root's identity is asked for -> it runs: checks with NODE_SCAN go down
 * the tree -> none is left: HINT_SCAN_DONE. One scan of a root runs at a time.
 */
#include "watchers/tracker_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tracker_scan(struct tracker *t, unsigned root_index, const char *path)
{
    struct tracker_root *root = &t->roots[root_index];
    const size_t size = strlen(path) + 1;
    struct scan_request **at = &root->requests;

    if (root->lost) {
        tracker_say(t, HINT_SCAN_DONE, root_index, path, true, -ESTALE);
        return 0;
    }
    for (; *at != NULL; at = &(*at)->next) {
        if (strcmp((*at)->path, path) == 0) {
            return 0; /* not begun yet: one answer for both */
        }
    }
    *at = calloc(1, sizeof(**at) + size);
    if (*at == NULL) {
        return -ENOMEM;
    }
    memcpy((*at)->path, path, size);
    root->counts.scanning = true;
    if (!root->begun) {
        root->wants_identity = true;
    }
    return 0;
}

void tracker_scan_whole(struct tracker *t, unsigned root_index)
{
    struct tracker_root *root = &t->roots[root_index];

    if (root->begun && root->running == NULL) {
        root->again = true;
        return;
    }
    root->whole_wanted = true;
    root->counts.scanning = true;
    if (!root->begun) {
        root->wants_identity = true;
    }
}

/* Have the place that a scan was asked for checked, or the nearest known one above it. */
static void scan_place(struct tracker *t, unsigned root_index, const char *path)
{
    struct node *n = model_root(t->model, root_index);
    char name[PATH_COMPONENT_MAX + 1];

    while (path[0] != '\0') {
        const size_t part = strcspn(path, "/");
        struct node *child;

        if (part > PATH_COMPONENT_MAX || model_path(n, t->path, sizeof(t->path)) != 0) {
            return;
        }
        memcpy(name, path, part);
        name[part] = '\0';
        path += path[part] == '/' ? part + 1 : part;
        if (filter_excludes_name(t->roots[root_index].filter, t->path, name)) {
            return;
        }
        child = model_child(t->model, n, name);
        if (child == NULL) {
            child = model_add(t->model, n, name);
            t->short_of_memory = t->short_of_memory || child == NULL;
            n = child;
            break;
        }
        n = child;
    }
    if (n != NULL) {
        tracker_check(t, n, NODE_RECURSE | NODE_SCAN);
    }
}

/* Take out the requests for the whole root: the scan that begins answers them. */
static void absorb_whole_requests(struct tracker_root *root)
{
    struct scan_request **at = &root->requests;

    while (*at != NULL) {
        struct scan_request *r = *at;

        if (r->path[0] == '\0') {
            *at = r->next;
            free(r);
        } else {
            at = &r->next;
        }
    }
}

/* The root is what it should be: begin the next scan that is wanted, if any. */
static void scan_begin(struct tracker *t, unsigned root_index, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];

    if (root->begun || root->mend.fast.runs || (!root->whole_wanted && root->requests == NULL)) {
        return;
    }
    root->begun = true;
    root->begun_ms = now_ms;
    root->again = false;
    root->scan_code = 0;
    if (root->whole_wanted || root->requests->path[0] == '\0') {
        root->whole_wanted = false;
        root->counts.whole_begun++;
        root->running = NULL;
        root->mend.fast_wanted = false; /* all names are listed now */
        absorb_whole_requests(root);
        scan_place(t, root_index, "");
    } else {
        root->running = root->requests;
        root->requests = root->running->next;
        scan_place(t, root_index, root->running->path);
    }
}

/* The scan that runs is through. */
static void scan_end(struct tracker *t, unsigned root_index, int code, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];

    tracker_say(t, HINT_SCAN_DONE, root_index, root->running == NULL ? "" : root->running->path,
                true, code);
    if (root->running == NULL && code != -ESTALE) {
        root->counts.scans++;
        root->counts.whole_ended = root->counts.whole_begun;
        root->counts.last_scan_ms = now_ms;
        root->counts.names_from_ms = root->begun_ms;
        root->counts.names_ms = now_ms;
    }
    if (root->running == NULL && code == 0 && root->begun_ms > root->counts.seen_from_ms) {
        root->counts.seen_from_ms = root->begun_ms;
        root->counts.seen_ms = now_ms;
    }
    free(root->running);
    root->running = NULL;
    root->begun = false;
    root->counts.scanning = tracker_names_in_doubt(root);
    root->wants_identity = root->wants_identity || root->counts.scanning;
}

void tracker_scans_step(struct tracker *t, int64_t now_ms)
{
    for (unsigned i = 0; i < t->root_count; i++) {
        struct tracker_root *root = &t->roots[i];

        if (root->begun && model_counts(t->model, i)->scanning == 0) {
            if (root->again) {
                root->again = false;
                root->scan_code = 0;
                scan_place(t, i, "");
            } else {
                scan_end(t, i, root->scan_code, now_ms);
            }
        }
        tracker_mend_step(t, i, now_ms);
    }
}

bool tracker_wants_identity(struct tracker *t, unsigned root_index)
{
    struct tracker_root *root = &t->roots[root_index];

    if (!root->wants_identity || root->asked_identity || root->stuck) {
        return false;
    }
    root->wants_identity = false;
    root->asked_identity = true;
    return true;
}

void tracker_suspect_root(struct tracker *t, unsigned root_index)
{
    t->roots[root_index].wants_identity = true;
}

void tracker_unasked(struct tracker *t, unsigned root_index)
{
    t->roots[root_index].asked_identity = false;
    t->roots[root_index].wants_identity = true;
}

/* Forget all that is known beneath the root; the scans asked for end without a conclusion. */
static void root_lose(struct tracker *t, unsigned root_index, int code, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];
    struct node *top = model_root(t->model, root_index);

    root->lost = true;
    root->lost_wait_ms = LOST_WAIT_MIN_MS;
    root->whole_wanted = false;
    tracker_mend_forget(t, root_index);
    model_kill_children(t->model, top, &t->released);
    model_release_wd(t->model, top, &t->released);
    model_set_ino(t->model, top, 0);
    model_lower(t->model, top, NODE_SCAN | NODE_RECURSE | NODE_AGAIN | NODE_LIMITED);
    top->moves++;
    tracker_say(t, HINT_ROOT_LOST, root_index, "", true, code);
    while (root->begun || root->requests != NULL) {
        if (!root->begun) {
            root->begun = true;
            root->running = root->requests;
            root->requests = root->running->next;
        }
        scan_end(t, root_index, -ESTALE, now_ms);
    }
    root->counts.scanning = false;
    root->wants_identity = false;
}

void tracker_identity(struct tracker *t, unsigned root_index, int code, int64_t now_ms)
{
    struct tracker_root *root = &t->roots[root_index];

    root->asked_identity = false;
    if (code != 0) {
        if (!root->lost) {
            root_lose(t, root_index, code, now_ms);
        }
        root->lost_at_ms = now_ms + root->lost_wait_ms;
        root->lost_wait_ms =
            root->lost_wait_ms * 2 > LOST_WAIT_MAX_MS ? LOST_WAIT_MAX_MS : root->lost_wait_ms * 2;
        return;
    }
    if (root->lost) {
        root->lost = false;
        tracker_say(t, HINT_ROOT_BACK, root_index, "", true, 0);
        root->whole_wanted = true;
        root->counts.scanning = true;
    }
    scan_begin(t, root_index, now_ms);
    tracker_mend_begin(t, root_index, now_ms);
    tracker_scans_step(t, now_ms);
}

void tracker_guard(struct tracker *t, unsigned root_index, int wd)
{
    t->roots[root_index].guard_wd = wd;
}

bool tracker_root_is_lost(const struct tracker *t, unsigned root_index)
{
    return t->roots[root_index].lost;
}
