#include "index.h"

#include <string.h>

static struct mip_section section(const uint8_t *map, enum mip_section_number number)
{
    struct mip_section found;
    memcpy(&found, map + MIP_SECTIONS_AT + (size_t)number * sizeof found, sizeof found);
    return found;
}

/* A section of at least `needed` bytes, aligned, between the header and the end of the file; else NULL. */
static const uint8_t *place(const uint8_t *map, size_t size, enum mip_section_number number, uint64_t needed)
{
    struct mip_section found = section(map, number);
    if (found.offset < MIP_HEADER_SIZE || found.offset % MIP_ALIGNMENT || found.offset > size)
        return NULL;
    if (found.size > size - found.offset || found.size != needed)
        return NULL;
    return map + found.offset;
}

static inline uint64_t ceiling(uint64_t count, uint64_t unit)
{
    return (count + unit - 1) / unit;
}

/* mipdns.index.layout.sample_levels; returns the section's size. */
static uint64_t sample_levels(struct mip_index *index)
{
    uint64_t size = 0;
    for (uint64_t count = index->v6.rows; count > MIP_FANOUT;) {
        count = ceiling(count, MIP_FANOUT);
        uint64_t stride = ceiling(count, MIP_FANOUT) * MIP_FANOUT * sizeof(uint64_t);
        index->sample[index->sample_count++] = (struct mip_level){NULL, (uint32_t)count, stride};
        size += stride;
    }
    return size;
}

/* mipdns.index.layout.summary_levels; returns the section's size. */
static uint64_t summary_levels(struct mip_table *table)
{
    uint64_t size = 0;
    for (uint64_t count = table->rows; count && (!table->level_count || count > 1);) {
        count = ceiling(count, MIP_BLOCK);
        uint64_t stride = ceiling(count, MIP_ALIGNMENT) * MIP_ALIGNMENT;
        table->levels[table->level_count++] = (struct mip_level){NULL, (uint32_t)count, stride};
        size += stride * MIP_PLANES;
    }
    return size;
}

static void place_levels(struct mip_level *levels, uint32_t count, const uint8_t *at, uint64_t planes)
{
    for (uint32_t i = 0; i < count; i++) {
        levels[i].at = at;
        at += levels[i].stride * planes;
    }
}

static bool place_table(
    struct mip_table *table,
    const uint8_t *map,
    size_t size,
    uint32_t width,
    enum mip_section_number payload,
    enum mip_section_number summary)
{
    table->payload = place(map, size, payload, (uint64_t)table->rows * width);
    const uint8_t *levels = place(map, size, summary, summary_levels(table));
    if (!table->payload || !levels)
        return false;
    place_levels(table->levels, table->level_count, levels, MIP_PLANES);
    return true;
}

enum mip_fault mip_index_open(struct mip_index *index, const uint8_t *map, size_t size)
{
    struct mip_header header;
    memset(index, 0, sizeof *index);
    if (size < MIP_HEADER_SIZE)
        return MIP_TOO_SMALL;
    memcpy(&header, map, sizeof header);
    if (memcmp(header.magic, MIP_MAGIC, sizeof header.magic) != 0)
        return MIP_NOT_AN_INDEX;
    if (header.format != MIP_FORMAT)
        return MIP_OTHER_FORMAT;
    if (header.file_size != size)
        return MIP_OTHER_SIZE;
    if (header.directory_bits < MIP_DIRECTORY_BITS_MIN || header.directory_bits > MIP_DIRECTORY_BITS_MAX)
        return MIP_BAD_COUNTS;
    uint32_t width = header.payload_width;
    if (width != sizeof(uint16_t) && width != sizeof(uint32_t))
        return MIP_BAD_COUNTS;

    struct mip_section text = section(map, MIP_TEXT);
    uint64_t v4 = header.v4_rows, v6 = header.v6_rows, n6 = header.n6_rows;
    index->serial = header.serial;
    index->payload_count = header.payloads;
    index->payload_width = width;
    index->text_size = text.size;
    index->directory_shift = 32 - header.directory_bits;
    index->v4.rows = header.v4_rows;
    index->v6.rows = header.v6_rows;
    index->n6.rows = header.n6_rows;
    const uint8_t *sample = place(map, size, MIP_V6_SAMPLE, sample_levels(index));
    index->text = place(map, size, MIP_TEXT, text.size);
    index->payloads = (const void *)place(map, size, MIP_PAYLOAD, (uint64_t)header.payloads * sizeof(struct mip_payload));
    index->v4_directory = (const void *)place(map, size, MIP_V4_DIRECTORY, ((1ull << header.directory_bits) + 1) * 4);
    index->v4_first = (const void *)place(map, size, MIP_V4_FIRST, v4 * 4);
    index->v4_last = (const void *)place(map, size, MIP_V4_LAST, v4 * 4);
    index->v6_first = (const void *)place(map, size, MIP_V6_FIRST, v6 * 8);
    index->v6_last = (const void *)place(map, size, MIP_V6_LAST, v6 * 8);
    index->n6_first = (const void *)place(map, size, MIP_N6_FIRST, n6 * 16);
    index->n6_last = (const void *)place(map, size, MIP_N6_LAST, n6 * 16);
    if (!sample || !index->text || !index->payloads || !index->v4_directory || !index->v4_first || !index->v4_last)
        return MIP_BAD_SECTION;
    if (!index->v6_first || !index->v6_last || !index->n6_first || !index->n6_last)
        return MIP_BAD_SECTION;
    if (!place_table(&index->v4, map, size, width, MIP_V4_PAYLOAD, MIP_V4_SUMMARY) ||
        !place_table(&index->v6, map, size, width, MIP_V6_PAYLOAD, MIP_V6_SUMMARY) ||
        !place_table(&index->n6, map, size, width, MIP_N6_PAYLOAD, MIP_N6_SUMMARY))
        return MIP_BAD_SECTION;
    place_levels(index->sample, index->sample_count, sample, 1);
    return MIP_SOUND;
}

/* A row's payload; NULL where a broken body names one that is not there. */
static inline const struct mip_payload *payload_of(
    const struct mip_index *index, const struct mip_table *table, uint32_t row)
{
    uint32_t number;
    if (index->payload_width == sizeof(uint16_t)) {
        uint16_t narrow;
        memcpy(&narrow, table->payload + (size_t)row * sizeof narrow, sizeof narrow);
        number = narrow;
    } else {
        memcpy(&number, table->payload + (size_t)row * sizeof number, sizeof number);
    }
    return number < index->payload_count ? &index->payloads[number] : NULL;
}

/* How many of `count` sorted keys are not above `value`. Written so that the compiler needs no branch in the loop: where
 * the search goes is random, and a branch guessed wrong costs more than a step. */
static inline uint32_t count_to32(const uint32_t *keys, uint32_t count, uint32_t value)
{
    const uint32_t *base = keys;
    while (count > 1) {
        uint32_t half = count / 2;
        base += base[half - 1] <= value ? half : 0;
        count -= half;
    }
    return (uint32_t)(base - keys) + (count && *base <= value);
}

static inline uint32_t count_to64(const uint64_t *keys, uint32_t count, uint64_t value)
{
    const uint64_t *base = keys;
    while (count > 1) {
        uint32_t half = count / 2;
        base += base[half - 1] <= value ? half : 0;
        count -= half;
    }
    return (uint32_t)(base - keys) + (count && *base <= value);
}

static inline bool not_above(const uint64_t *key, struct mip_address value)
{
    return key[0] < value.high || (key[0] == value.high && key[1] <= value.low);
}

static inline uint32_t count_to128(const uint64_t *keys, uint32_t count, struct mip_address value)
{
    const uint64_t *base = keys;
    while (count > 1) {
        uint32_t half = count / 2;
        base += not_above(base + 2 * (size_t)(half - 1), value) ? 2 * (size_t)half : 0;
        count -= half;
    }
    return (uint32_t)((base - keys) / 2) + (count && not_above(base, value));
}

/* How many rows start at or before the address: within its bucket of the directory, and all before it. */
static inline uint32_t starting4(const struct mip_index *index, uint32_t address)
{
    uint32_t bucket = address >> index->directory_shift;
    uint32_t start = index->v4_directory[bucket];
    uint32_t stop = index->v4_directory[bucket + 1];
    if (stop > index->v4.rows || start > stop)
        return 0;
    return start + count_to32(index->v4_first + start, stop - start, address);
}

/* The same for the upper halves of IPv6 addresses, from the top of the sample down, 16 keys a level. */
static inline uint32_t starting6(const struct mip_index *index, uint64_t high)
{
    uint32_t block = 0;
    for (uint32_t level = index->sample_count; level-- > 0;) {
        uint32_t count = index->sample[level].count;
        uint32_t start = block * MIP_FANOUT;
        const uint64_t *keys = (const uint64_t *)(const void *)index->sample[level].at + start;
        uint32_t before = start + count_to64(keys, MIP_FANOUT, high);
        if (before == 0)
            return 0;
        block = (before < count ? before : count) - 1;
    }
    uint32_t start = block * MIP_FANOUT;
    uint32_t rest = index->v6.rows - start;
    return start + count_to64(index->v6_first + start, rest < MIP_FANOUT ? rest : MIP_FANOUT, high);
}

bool mip_find4(const struct mip_index *index, uint32_t address, struct mip_row *row)
{
    uint32_t at = starting4(index, address);
    if (at == 0 || index->v4_last[at - 1] < address)
        return false;
    row->first = (struct mip_address){0, index->v4_first[at - 1]};
    row->last = (struct mip_address){0, index->v4_last[at - 1]};
    row->payload = payload_of(index, &index->v4, at - 1);
    return row->payload != NULL;
}

bool mip_find6(const struct mip_index *index, struct mip_address address, struct mip_row *row)
{
    uint32_t at = starting6(index, address.high);
    if (at && index->v6_last[at - 1] >= address.high) {
        row->first = (struct mip_address){index->v6_first[at - 1], 0};
        row->last = (struct mip_address){index->v6_last[at - 1], UINT64_MAX};
        row->payload = payload_of(index, &index->v6, at - 1);
        return row->payload != NULL;
    }
    at = count_to128(index->n6_first, index->n6.rows, address);
    if (at == 0)
        return false;
    const uint64_t *first = index->n6_first + 2 * (size_t)(at - 1);
    const uint64_t *last = index->n6_last + 2 * (size_t)(at - 1);
    row->first = (struct mip_address){first[0], first[1]};
    row->last = (struct mip_address){last[0], last[1]};
    if (row->last.high < address.high || (row->last.high == address.high && row->last.low < address.low))
        return false;
    row->payload = payload_of(index, &index->n6, at - 1);
    return row->payload != NULL;
}

static inline bool admitted(const struct mip_payload *payload, struct mip_rule rule)
{
    return payload && payload->confidence >= rule.floor && (!rule.classes || payload->classes & rule.classes);
}

static bool any_row(
    const struct mip_index *index, const struct mip_table *table, uint32_t start, uint32_t stop, struct mip_rule rule)
{
    for (uint32_t row = start; row < stop; row++)
        if (admitted(payload_of(index, table, row), rule))
            return true;
    return false;
}

static bool any_block(const uint8_t *maxima, uint32_t start, uint32_t stop, uint8_t floor)
{
    for (uint32_t block = start; block < stop; block++)
        if (maxima[block] >= floor)
            return true;
    return false;
}

/* Whether a row of [start, stop) is admitted. The ragged ends are looked at on each level, the whole blocks between
 * them one level up, so that at most 126 numbers a level are read. */
static bool any(
    const struct mip_index *index, const struct mip_table *table, uint32_t start, uint32_t stop, struct mip_rule rule)
{
    if (start >= stop || stop > table->rows)
        return false;
    unsigned plane = rule.classes ? 1 + (unsigned)__builtin_ctz(rule.classes) : 0;
    uint32_t inner_start = start / MIP_BLOCK + (start % MIP_BLOCK != 0);
    uint32_t inner_stop = stop / MIP_BLOCK;
    if (inner_start >= inner_stop)
        return any_row(index, table, start, stop, rule);
    if (any_row(index, table, start, inner_start * MIP_BLOCK, rule))
        return true;
    if (any_row(index, table, inner_stop * MIP_BLOCK, stop, rule))
        return true;
    for (uint32_t level = 0; level < table->level_count; level++) {
        const uint8_t *maxima = table->levels[level].at + plane * table->levels[level].stride;
        start = inner_start;
        stop = inner_stop;
        inner_start = start / MIP_BLOCK + (start % MIP_BLOCK != 0);
        inner_stop = stop / MIP_BLOCK;
        if (inner_start >= inner_stop)
            return any_block(maxima, start, stop, rule.floor);
        if (any_block(maxima, start, inner_start * MIP_BLOCK, rule.floor))
            return true;
        if (any_block(maxima, inner_stop * MIP_BLOCK, stop, rule.floor))
            return true;
    }
    return false;
}

bool mip_reaches4(const struct mip_index *index, uint32_t first, uint32_t last, struct mip_rule rule)
{
    uint32_t start = starting4(index, first);
    if (start && index->v4_last[start - 1] >= first)
        start--;
    return any(index, &index->v4, start, starting4(index, last), rule);
}

bool mip_reaches6(
    const struct mip_index *index, struct mip_address first, struct mip_address last, struct mip_rule rule)
{
    uint32_t start = starting6(index, first.high);
    if (start && index->v6_last[start - 1] >= first.high)
        start--;
    if (any(index, &index->v6, start, starting6(index, last.high), rule))
        return true;
    start = count_to128(index->n6_first, index->n6.rows, first);
    if (start) {
        const uint64_t *end = index->n6_last + 2 * (size_t)(start - 1);
        if (end[0] > first.high || (end[0] == first.high && end[1] >= first.low))
            start--;
    }
    return any(index, &index->n6, start, count_to128(index->n6_first, index->n6.rows, last), rule);
}
