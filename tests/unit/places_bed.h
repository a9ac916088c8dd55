/*
 * What the tests of places that images left share: an agent that knows what events told of them,
 * with an index and items, but no threads, no journal and no S3.
 */
#ifndef LOCKSTEP_TESTS_PLACES_BED_H
#define LOCKSTEP_TESTS_PLACES_BED_H

#include "tests/unit/index_bed.h"

#include "agent/core/rows.h"
#include "agent/core/ways.h"
#include "agent/service/agent.h"
#include "base/clock.h"
#include "base/map.h"

#define NOW_S  1700000000
#define NOW_MS 900000
#define PREFIX "p/" /* of the images' keys; lists have "l/" */

enum bed_mapping { BED_IMAGES, BED_LISTS };

static char bed_images_prefix[] = PREFIX, bed_lists_prefix[] = "l/";
static const struct conf_mapping bed_images_conf = {.kind = CONF_REPOSITORY,
                                                    .prefix = bed_images_prefix};
static const struct conf_mapping bed_lists_conf = {
    .kind = CONF_LISTS, .prefix = bed_lists_prefix, .repository = BED_IMAGES};
static const struct conf bed_conf;

struct bed {
    struct mapping mappings[2];
    struct agent agent;
};

static inline void bed_begin(struct bed *bed)
{
    *bed = (struct bed){
        .mappings = {{.conf = &bed_images_conf, .id = BED_IMAGES, .prefix_len = sizeof PREFIX - 1},
                     {.conf = &bed_lists_conf, .id = BED_LISTS, .prefix_len = 2}}};
    bed->agent = (struct agent){.conf = &bed_conf,
                                .mappings = bed->mappings,
                                .mapping_count = 2,
                                .now_ms = NOW_MS,
                                .real_us = NOW_S * US_PER_S,
                                .index = opened(),
                                .pending = pending_new(),
                                .sighted = map_new(),
                                .dirs_gone = map_new(),
                                .dirs_to = map_new(),
                                .ways = ways_new()};
    bed->mappings[BED_IMAGES].rows = rows_new();
    assert_true(bed->mappings[BED_IMAGES].rows && bed->agent.pending && bed->agent.sighted &&
                bed->agent.dirs_gone && bed->agent.dirs_to && bed->agent.ways);
}

static inline void bed_end(struct bed *bed)
{
    assert_int_equal(bed->agent.fatal, 0);
    rows_free(bed->mappings[BED_IMAGES].rows);
    pending_free(bed->agent.pending);
    map_free(bed->agent.sighted);
    map_free(bed->agent.dirs_gone);
    map_free(bed->agent.dirs_to);
    ways_free(bed->agent.ways);
    index_close(bed->agent.index);
}

/* An item of this key in that state. */
static inline struct item *bed_item(struct bed *bed, const char *key, enum item_state state)
{
    enum bed_mapping m = strncmp(key, PREFIX, sizeof PREFIX - 1) == 0 ? BED_IMAGES : BED_LISTS;
    struct item *it =
        pending_get(bed->agent.pending, m, key, bed->mappings[m].prefix_len, bed->agent.now_ms);

    assert_non_null(it);
    pending_set(bed->agent.pending, it, state, INT64_MAX);
    return it;
}

/* An event told that what was there is at `to` now. */
static inline void bed_left(struct bed *bed, const char *from, const char *to)
{
    assert_int_equal(ways_note(bed->agent.ways, from, to), 0);
}

/* Is the key's path about to be looked at? If so that happens, and nothing is there. */
static inline bool bed_looked(struct bed *bed, const char *key)
{
    struct item *it = pending_find(bed->agent.pending, key);

    if (!it || it->state != ITEM_SETTLING)
        return false;
    pending_forget(bed->agent.pending, it);
    return true;
}

#endif
