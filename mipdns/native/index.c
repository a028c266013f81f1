#include "index.h"

#include "v4.h"

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
    for (uint64_t count = ceiling(index->v6.entries, MIP_V6_LINE_ENTRIES); count > 1; count = ceiling(count, MIP_FANOUT)) {
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
    for (uint64_t count = table->entries; count && (!table->level_count || count > 1);) {
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

/* Its lines, the upper halves of its payload numbers, and its summary: three sections, one after the other. */
static bool place_table(
    struct mip_table *table, const uint8_t *map, size_t size, uint32_t width, enum mip_section_number lines)
{
    table->lines = place(map, size, lines, ceiling(table->entries, table->a_line) * MIP_ALIGNMENT);
    table->high = place(map, size, lines + 1, (uint64_t)table->entries * (width - sizeof(uint16_t)));
    const uint8_t *levels = place(map, size, lines + 2, summary_levels(table));
    if (!table->lines || !table->high || !levels)
        return false;
    if (width == sizeof(uint16_t))
        table->high = NULL;
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
    index->serial = header.serial;
    index->payload_count = header.payloads;
    index->text_size = text.size;
    index->directory_shift = 32 - header.directory_bits;
    index->v4 = (struct mip_table){
        .entries = header.v4_entries, .a_line = MIP_V4_LINE_ENTRIES, .facts_at = offsetof(struct mip_v4_line, facts)};
    index->v6 = (struct mip_table){
        .entries = header.v6_entries, .a_line = MIP_V6_LINE_ENTRIES, .facts_at = offsetof(struct mip_v6_line, facts)};
    index->n6 = (struct mip_table){
        .entries = header.n6_entries, .a_line = MIP_N6_LINE_ENTRIES, .facts_at = offsetof(struct mip_n6_line, facts)};
    if (header.v4_entries)
        index->v4_last_line = (header.v4_entries - 1) / MIP_V4_LINE_ENTRIES;
    const uint8_t *sample = place(map, size, MIP_V6_SAMPLE, sample_levels(index));
    index->text = place(map, size, MIP_TEXT, text.size);
    index->payloads = (const void *)place(map, size, MIP_PAYLOAD, (uint64_t)header.payloads * sizeof(struct mip_payload));
    index->v4_directory = (const void *)place(map, size, MIP_V4_DIRECTORY, ((1ull << header.directory_bits) + 1) * 4);
    if (!sample || !index->text || !index->payloads || !index->v4_directory)
        return MIP_BAD_SECTION;
    if (!place_table(&index->v4, map, size, width, MIP_V4_LINES) ||
        !place_table(&index->v6, map, size, width, MIP_V6_LINES) ||
        !place_table(&index->n6, map, size, width, MIP_N6_LINES))
        return MIP_BAD_SECTION;
    place_levels(index->sample, index->sample_count, sample, 1);
    return MIP_SOUND;
}

static inline const struct mip_v6_line *line6(const struct mip_index *index, uint32_t line)
{
    return (const struct mip_v6_line *)(const void *)index->v6.lines + line;
}

static inline const struct mip_n6_line *narrow_line(const struct mip_index *index, uint32_t line)
{
    return (const struct mip_n6_line *)(const void *)index->n6.lines + line;
}

/* The facts of any entry there is. */
static inline uint32_t facts_at(const struct mip_table *table, uint32_t at)
{
    uint32_t facts;
    const uint8_t *line = table->lines + (size_t)(at / table->a_line) * MIP_ALIGNMENT;
    memcpy(&facts, line + table->facts_at + at % table->a_line * sizeof facts, sizeof facts);
    return facts;
}

/* How many of 16 sorted keys are not above `value`. Without a branch: where the search goes is random, and a branch
 * guessed wrong costs more than a step. */
static inline uint32_t count_sample(const uint64_t *keys, uint64_t value)
{
    const uint64_t *base = keys;
    for (uint32_t half = MIP_FANOUT / 2; half; half /= 2)
        base += base[half - 1] <= value ? half : 0;
    return (uint32_t)(base - keys) + (*base <= value);
}

uint32_t mip_line6(const struct mip_index *index, uint64_t high)
{
    uint32_t block = 0;
    for (uint32_t level = index->sample_count; level-- > 0;) {
        uint32_t start = block * MIP_FANOUT;
        const uint64_t *keys = (const uint64_t *)(const void *)index->sample[level].at + start;
        uint32_t before = start + count_sample(keys, high);
        block = before ? mip_least(before, index->sample[level].count) - 1 : 0;
    }
    return block;
}

/* How many entries of whole /64s are at or before this one, whose line it is. */
static inline uint32_t count6(const struct mip_index *index, uint32_t line, uint64_t high)
{
    if (!index->v6.entries)
        return 0;
    const uint64_t *keys = line6(index, line)->keys;
    uint32_t count = line * MIP_V6_LINE_ENTRIES;
    for (unsigned i = 0; i < MIP_V6_LINE_ENTRIES; i++)
        count += keys[i] <= high;
    return mip_least(count, index->v6.entries);
}

static inline bool not_above(const uint64_t *key, struct mip_address value)
{
    return key[0] < value.high || (key[0] == value.high && key[1] <= value.low);
}

/* How many narrow entries are at or before the address. */
static uint32_t count_narrow(const struct mip_index *index, struct mip_address address)
{
    uint32_t start = 0, lines = (uint32_t)ceiling(index->n6.entries, MIP_N6_LINE_ENTRIES);
    while (lines > 1) {
        uint32_t half = lines / 2;
        start += not_above(narrow_line(index, start + half)->keys, address) ? half : 0;
        lines -= half;
    }
    uint32_t count = start * MIP_N6_LINE_ENTRIES;
    for (unsigned i = 0; lines && i < MIP_N6_LINE_ENTRIES; i++)
        count += not_above(narrow_line(index, start)->keys + 2 * (size_t)i, address);
    return mip_least(count, index->n6.entries);
}

/* The key of any entry there is, as an address. */
static struct mip_address key_at(const struct mip_index *index, const struct mip_table *table, uint32_t at)
{
    uint32_t line = at / table->a_line, place = at % table->a_line;
    if (table == &index->v4)
        return (struct mip_address){0, mip_line4(index, line)->keys[place]};
    if (table == &index->v6)
        return (struct mip_address){line6(index, line)->keys[place], 0};
    const uint64_t *key = narrow_line(index, line)->keys + 2 * (size_t)place;
    return (struct mip_address){key[0], key[1]};
}

struct mip_entry mip_find6(const struct mip_index *index, uint32_t line, struct mip_address address)
{
    struct mip_entry found = {&index->v6, 0, 0};
    uint32_t count = count6(index, line, address.high);
    if (count) {
        found.at = count - 1;
        uint32_t facts = facts_at(&index->v6, found.at);
        if (facts & MIP_RANGE || key_at(index, &index->v6, found.at).high == address.high) {
            found.facts = facts;
            return found;
        }
    }
    found.table = &index->n6;
    count = count_narrow(index, address);
    if (count == 0)
        return found;
    found.at = count - 1;
    uint32_t facts = facts_at(&index->n6, found.at);
    struct mip_address key = key_at(index, &index->n6, found.at);
    if (facts & MIP_RANGE || (key.high == address.high && key.low == address.low))
        found.facts = facts;
    return found;
}

const struct mip_payload *mip_payload_of(const struct mip_index *index, struct mip_entry entry)
{
    uint32_t number = entry.facts & MIP_PAYLOAD_MASK;
    if (entry.table->high) {
        uint16_t high;
        memcpy(&high, entry.table->high + (size_t)entry.at * sizeof high, sizeof high);
        number |= (uint32_t)high << 16;
    }
    return number < index->payload_count ? &index->payloads[number] : NULL;
}

struct mip_row mip_row_of(const struct mip_index *index, struct mip_entry entry)
{
    const struct mip_table *table = entry.table;
    uint32_t first = entry.at, last = entry.at;
    if (entry.facts & MIP_RANGE)
        last = mip_least(entry.at + 1, table->entries - 1);
    else if (entry.at && facts_at(table, entry.at - 1) & MIP_RANGE)
        first = entry.at - 1;
    struct mip_row row = {key_at(index, table, first), key_at(index, table, last), mip_payload_of(index, entry)};
    if (table == &index->v6)
        row.last.low = UINT64_MAX;
    return row;
}

static bool any_entry(const struct mip_table *table, uint32_t start, uint32_t stop, struct mip_rule rule)
{
    for (uint32_t at = start; at < stop; at++)
        if (mip_admits(rule, facts_at(table, at)))
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

/* Whether an entry of [start, stop) is admitted. The ragged ends are looked at on each level, the whole blocks between
 * them one level up, so that at most 126 numbers a level are read. */
static bool any(const struct mip_table *table, uint32_t start, uint32_t stop, struct mip_rule rule)
{
    if (start >= stop || stop > table->entries)
        return false;
    unsigned plane = rule.classes ? 1 + (unsigned)__builtin_ctz(rule.classes) : 0;
    uint32_t inner_start = start / MIP_BLOCK + (start % MIP_BLOCK != 0);
    uint32_t inner_stop = stop / MIP_BLOCK;
    if (inner_start >= inner_stop)
        return any_entry(table, start, stop, rule);
    if (any_entry(table, start, inner_start * MIP_BLOCK, rule))
        return true;
    if (any_entry(table, inner_stop * MIP_BLOCK, stop, rule))
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

/* From where entries lie in a range: `before` of them are at or before its first address, and the last of those counts
 * if it is that address or begins a range. */
static uint32_t start_of(
    const struct mip_index *index, const struct mip_table *table, uint32_t before, struct mip_address first)
{
    if (before == 0)
        return 0;
    struct mip_address key = key_at(index, table, before - 1);
    bool at_first = key.high == first.high && key.low == first.low;
    return before - (at_first || facts_at(table, before - 1) & MIP_RANGE);
}

bool mip_reaches4(const struct mip_index *index, uint32_t first, uint32_t last, struct mip_rule rule)
{
    uint32_t before = mip_count4(index, mip_span4(index, first), first);
    uint32_t start = start_of(index, &index->v4, before, (struct mip_address){0, first});
    return any(&index->v4, start, mip_count4(index, mip_span4(index, last), last), rule);
}

bool mip_reaches6(
    const struct mip_index *index, struct mip_address first, struct mip_address last, struct mip_rule rule)
{
    uint32_t before = count6(index, mip_line6(index, first.high), first.high);
    uint32_t start = start_of(index, &index->v6, before, (struct mip_address){first.high, 0});
    if (any(&index->v6, start, count6(index, mip_line6(index, last.high), last.high), rule))
        return true;
    start = start_of(index, &index->n6, count_narrow(index, first), first);
    return any(&index->n6, start, count_narrow(index, last), rule);
}
