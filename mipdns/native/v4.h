/* Finding an IPv4 address: what nearly every answer begins with, so it stands where the compiler can put it in place.
 *
 * In: an open index. Out: an entry. The one rule: a number of the body is bounded before anything is read by it. */
#ifndef MIP_V4_H
#define MIP_V4_H

#include <string.h>

#include "index.h"

static inline uint32_t mip_least(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static inline const struct mip_v4_line *mip_line4(const struct mip_index *index, uint32_t line)
{
    return (const struct mip_v4_line *)(const void *)index->v4.lines + line;
}

/* The directory's word: between which lines to look. Whoever has other things to do lets memory bring them meanwhile. */
static inline struct mip_span mip_span4(const struct mip_index *index, uint32_t address)
{
    uint32_t bucket = address >> index->directory_shift;
    struct mip_span span = {index->v4_directory[bucket], index->v4_directory[bucket + 1]};
    span.stop = mip_least(span.stop, index->v4_last_line);
    span.start = mip_least(span.start, span.stop);
    return span;
}

/* Four numbers at once, in whatever registers the machine has for that. */
typedef uint32_t mip_four __attribute__((vector_size(16)));
typedef int32_t mip_four_signed __attribute__((vector_size(16)));

/* How many of a line's keys are not above the address. */
static inline uint32_t mip_count_line4(const struct mip_v4_line *line, uint32_t address)
{
    mip_four low, high, wanted = {address, address, address, address};
    memcpy(&low, line->keys, sizeof low);
    memcpy(&high, line->keys + 4, sizeof high);
    mip_four_signed sum = (mip_four_signed)(low <= wanted) + (mip_four_signed)(high <= wanted);
    return (uint32_t)-(sum[0] + sum[1] + sum[2] + sum[3]);
}

/* How many IPv4 entries are at or before the address, which the span is of. */
static inline uint32_t mip_count4(const struct mip_index *index, struct mip_span span, uint32_t address)
{
    if (!index->v4.entries)
        return 0;
    while (span.start < span.stop) {
        uint32_t middle = span.stop - (span.stop - span.start) / 2;
        if (mip_line4(index, middle)->keys[0] <= address)
            span.start = middle;
        else
            span.stop = middle - 1;
    }
    uint32_t count = span.start * MIP_V4_LINE_ENTRIES + mip_count_line4(mip_line4(index, span.start), address);
    return mip_least(count, index->v4.entries); /* the last line is filled up with keys of all ones */
}

/* The entry that holds the address. */
static inline struct mip_entry mip_find4(const struct mip_index *index, struct mip_span span, uint32_t address)
{
    struct mip_entry found = {&index->v4, 0, 0};
    uint32_t count = mip_count4(index, span, address);
    if (count == 0)
        return found;
    found.at = count - 1;
    const struct mip_v4_line *line = mip_line4(index, found.at / MIP_V4_LINE_ENTRIES);
    uint32_t facts = line->facts[found.at % MIP_V4_LINE_ENTRIES];
    if (facts & MIP_RANGE || line->keys[found.at % MIP_V4_LINE_ENTRIES] == address)
        found.facts = facts;
    return found;
}

#endif
