/*
 * fanotify's events. Pure. See fan_event.h; the bytes are those of fanotify(7).
 */
#include "watchers/fan_event.h"

#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

/* A record that names a directory begins with these; the handle's bytes and the name follow. */
struct record_head {
    struct fanotify_event_info_header info;
    __kernel_fsid_t fsid;
    uint32_t handle_bytes;
    int32_t handle_type;
};

#define THERE (FAN_CREATE | FAN_MODIFY | FAN_ATTRIB)

/* Take a record of a directory and a name apart. False if it does not hold what it should. */
static bool read_spot(const unsigned char *record, size_t size, struct fan_spot *ret)
{
    struct record_head head;
    const unsigned char *name;
    size_t name_size;

    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, record, sizeof(head));
    if (head.handle_bytes > size - sizeof(head)) {
        return false;
    }
    name = record + sizeof(head) + head.handle_bytes;
    name_size = size - sizeof(head) - head.handle_bytes;
    if (memchr(name, '\0', name_size) == NULL) {
        return false;
    }
    memcpy(&ret->dir.fsid, &head.fsid, sizeof(ret->dir.fsid));
    ret->dir.type = head.handle_type;
    ret->dir.size = head.handle_bytes;
    ret->dir.bytes = record + sizeof(head);
    ret->name = (const char *)name;
    return true;
}

/* Where the record of this type goes; NULL: a record that we do not need. */
static struct fan_spot *spot_of(struct fan_event *ev, unsigned type)
{
    return type == FAN_EVENT_INFO_TYPE_DFID_NAME       ? &ev->at
           : type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME ? &ev->from
           : type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME ? &ev->to
                                                       : NULL;
}

/* Read all records of one event. */
static bool read_records(const unsigned char *record, size_t size, struct fan_event *ret)
{
    while (size > 0) {
        struct fanotify_event_info_header info;
        struct fan_spot *spot;

        if (size < sizeof(info)) {
            return false;
        }
        memcpy(&info, record, sizeof(info));
        if (info.len < sizeof(info) || info.len > size) {
            return false;
        }
        spot = spot_of(ret, info.info_type);
        if (spot != NULL && !read_spot(record, info.len, spot)) {
            return false;
        }
        record += info.len;
        size -= info.len;
    }
    return true;
}

bool fan_event_next(const void *data, size_t size, size_t *at, struct fan_event *ret)
{
    const unsigned char *p = (const unsigned char *)data + *at;
    struct fanotify_event_metadata head;

    if (size - *at < sizeof(head)) {
        return false;
    }
    memcpy(&head, p, sizeof(head));
    if (head.vers != FANOTIFY_METADATA_VERSION || head.metadata_len < sizeof(head) ||
        head.event_len < head.metadata_len || head.event_len > size - *at) {
        return false;
    }
    *ret = (struct fan_event){.mask = head.mask};
    if (!read_records(p + head.metadata_len, head.event_len - head.metadata_len, ret)) {
        return false;
    }
    *at += head.event_len;
    return true;
}

/* A directory was made or removed, or both. */
static size_t tell_directory(const struct fan_event *ev, int wd, struct raw_event *ret)
{
    const char *name = ev->at.name;
    size_t n = 0;

    if ((ev->mask & FAN_DELETE) != 0) {
        ret[n++] = (struct raw_event){wd, IN_DELETE | IN_ISDIR, 0, name};
    }
    if ((ev->mask & FAN_CREATE) != 0) {
        ret[n++] = (struct raw_event){wd, IN_CREATE | IN_ISDIR, 0, name};
    }
    if ((ev->mask & FAN_DELETE) != 0) {
        ret[n++] = (struct raw_event){wd, EVENT_LOOK | IN_ISDIR, 0, name};
    }
    return n;
}

/* A file was made, written, changed or removed, or several of these. */
static size_t tell_file(const struct fan_event *ev, int wd, struct raw_event *ret)
{
    const char *name = ev->at.name;
    const bool removed = (ev->mask & FAN_DELETE) != 0;
    size_t n = 0;

    if (removed) {
        ret[n++] = (struct raw_event){wd, IN_DELETE, 0, name};
    }
    if (removed && (ev->mask & FAN_CREATE) == 0) {
        return n; /* it was written before it was removed */
    }
    if ((ev->mask & FAN_CLOSE_WRITE) != 0) {
        ret[n++] = (struct raw_event){wd, IN_CLOSE_WRITE, 0, name};
    } else if ((ev->mask & THERE) != 0) {
        ret[n++] = (struct raw_event){wd, IN_MODIFY, 0, name};
    }
    return n;
}

/* Something was renamed: from, to, or both are ours. */
static size_t tell_rename(const struct fan_event *ev, const struct fan_wds *wds, uint32_t cookie,
                          struct raw_event *ret)
{
    const uint32_t kind = (ev->mask & FAN_ONDIR) != 0 ? IN_ISDIR : 0;
    size_t n = 0;

    if (wds->from >= 0) {
        ret[n++] = (struct raw_event){wds->from, IN_MOVED_FROM | kind, cookie, ev->from.name};
    }
    if (wds->to >= 0) {
        ret[n++] = (struct raw_event){wds->to, IN_MOVED_TO | kind, cookie, ev->to.name};
    }
    if (wds->from >= 0 && kind != 0) {
        ret[n++] = (struct raw_event){wds->from, EVENT_LOOK | IN_ISDIR, 0, ev->from.name};
    }
    return n;
}

size_t fan_event_tell(const struct fan_event *ev, const struct fan_wds *wds, uint32_t cookie,
                      struct raw_event ret[FAN_EVENT_RAW_MAX])
{
    if ((ev->mask & FAN_Q_OVERFLOW) != 0) {
        ret[0] = (struct raw_event){-1, IN_Q_OVERFLOW, 0, ""};
        return 1;
    }
    if ((ev->mask & FAN_RENAME) != 0) {
        return tell_rename(ev, wds, cookie, ret);
    }
    if (wds->at < 0) {
        return 0;
    }
    if ((ev->mask & FAN_ONDIR) == 0) {
        return tell_file(ev, wds->at, ret);
    }
    if (strcmp(ev->at.name, ".") != 0) {
        return tell_directory(ev, wds->at, ret);
    }
    if ((ev->mask & FAN_ATTRIB) == 0) {
        return 0;
    }
    ret[0] = (struct raw_event){wds->at, IN_ATTRIB | EVENT_ALONE | IN_ISDIR, 0, ""};
    return 1;
}
