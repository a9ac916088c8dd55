/* Shell. What people and programs look for in the log. */
#include "agent/service/events.h"

#include "base/log.h"

static const struct {
    const char *name;
    struct log_event log;
} events[EVENT_COUNT] = {
    [EVENT_STARTED] = {"started", {LOG_LEVEL_INFO, "f92ca6326d504720bc700fbe27f5c62a"}},
    [EVENT_STOPPED] = {"stopped", {LOG_LEVEL_ERROR, "1c5788f4e0da43f38125765c3a2ca75b"}},
    [EVENT_IN_STEP] = {"in-step", {LOG_LEVEL_INFO, "04d65117c40343eeae4efd82b9f41ffb"}},
    [EVENT_REMOVALS_HELD] = {"removals-held",
                             {LOG_LEVEL_ERROR, "304f57f706b745fb92ff76564e218b4c"}},
    [EVENT_ROOT_LOST] = {"root-lost", {LOG_LEVEL_ERROR, "bf76e1fae1f5423ca7d0a8f11b7569ea"}},
    [EVENT_ROOT_BACK] = {"root-back", {LOG_LEVEL_INFO, "e14703604c314a1cb0b2fe5fb0fbfafc"}},
    [EVENT_STUCK] = {"file-system-stuck", {LOG_LEVEL_ERROR, "8cc50ac696114cd9ab17cdd5bdb0e70c"}},
    [EVENT_ANSWERS] = {"file-system-answers", {LOG_LEVEL_INFO, "a05e9db9e6614a998d37ea3b7a69f458"}},
    [EVENT_EVENTS_LOST] = {"events-lost", {LOG_LEVEL_WARNING, "2f8ee05433ce48c39faccc2ed870ed30"}},
    [EVENT_ALL_SEEN] = {"all-seen-again", {LOG_LEVEL_INFO, "1539ac229d9246ccb7588f316416eaf3"}},
    [EVENT_OUT_OF_WATCHES] = {"out-of-watches",
                              {LOG_LEVEL_WARNING, "4cd8c12f45d8447ba59a835f31abe667"}},
    [EVENT_NO_ROOM] = {"no-room", {LOG_LEVEL_ERROR, "2e42ef633862417199fbdfba93fa77ee"}},
    [EVENT_ROOM] = {"room-again", {LOG_LEVEL_INFO, "b387af32e2be4b8ca06cbd7932e40d30"}},
    [EVENT_SEGMENT_GIVEN_UP] = {"segment-given-up",
                                {LOG_LEVEL_ERROR, "913c537ec79f46b08165b5b65eb79c4f"}},
    [EVENT_NOT_SIGNED] = {"not-signed", {LOG_LEVEL_ERROR, "da5fe0ea08e7428f8f73f3d916593f9b"}},
    [EVENT_CAUSE] = {"cause-began", {LOG_LEVEL_WARNING, "5b8b5ba775954a3cbd2a15ff8dd73145"}},
    [EVENT_CAUSE_OVER] = {"cause-over", {LOG_LEVEL_INFO, "ef01edb3df5c4cb7aaada6519a1bb87f"}},
    [EVENT_BLOCKED] = {"blocked", {LOG_LEVEL_WARNING, "4ad04debf15c49a88ccbeaf94a7db1e6"}},
    [EVENT_UNBLOCKED] = {"unblocked", {LOG_LEVEL_INFO, "cd634920fb7246e5b9678b03079c7fc2"}},
    [EVENT_LIST_UNWRITABLE] = {"list-unwritable",
                               {LOG_LEVEL_WARNING, "1008758dcbf541abb0e4d3b6d7d30a02"}},
    [EVENT_FOREIGN_OBJECT] = {"foreign-object",
                              {LOG_LEVEL_WARNING, "b2a0787d8ce34778b58c3fb3e6cd45eb"}},
    [EVENT_PAUSED] = {"paused", {LOG_LEVEL_WARNING, "27e37100957a40dead0e5983ef20abe9"}},
    [EVENT_RESUMED] = {"resumed", {LOG_LEVEL_INFO, "9baec0ad591e4294ad24452b436bfaa4"}},
    [EVENT_STANDING_BY] = {"standing-by", {LOG_LEVEL_WARNING, "85bc7c65713a4fb19ffeccbb120f1f7c"}},
    [EVENT_TAKING_OVER] = {"taking-over", {LOG_LEVEL_INFO, "5b1d06b6dc9d4524b51441338305fd63"}},
};

void event_tell(enum event event, const char *mapping, const char *key, const char *fmt, ...)
{
    struct log_field fields[3] = {{"LOCKSTEP_EVENT", events[event].name}};
    size_t n = 1;
    va_list ap;

    if (mapping)
        fields[n++] = (struct log_field){"LOCKSTEP_MAPPING", mapping};
    if (key)
        fields[n++] = (struct log_field){"LOCKSTEP_KEY", key};
    va_start(ap, fmt);
    log_event(&events[event].log, fields, n, fmt, ap);
    va_end(ap);
}
