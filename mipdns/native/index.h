/* The mapped index, asked in place. In: the file's bytes, which must outlive the struct. Out: rows, and whether a range
 * reaches anything of a list.
 *
 * The one rule: opening looks at the header only, so no number of the body is trusted. A row or text that would lie
 * outside its section is not found; whether the body is the one that was written is for `mipdns check` to say. */
#ifndef MIP_INDEX_H
#define MIP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

enum { MIP_LEVELS_MAX = 8 };

/* A level of V6_SAMPLE (keys) or of a summary (bytes): where, and how many. Summaries: bytes from plane to plane. */
struct mip_level {
    const uint8_t *at;
    uint32_t count;
    uint64_t stride;
};

/* What the three tables have in common. An entry is an address, or the beginning or the end of a range; it has a key
 * and 32 bits of facts, which say all that an A answer does. high: the upper halves of payload numbers, or NULL. */
struct mip_table {
    const uint8_t *lines;
    const uint8_t *high;
    uint32_t entries;
    uint32_t a_line; /* entries a line */
    uint32_t facts_at;
    uint32_t level_count;
    struct mip_level levels[MIP_LEVELS_MAX];
};

struct mip_index {
    const uint32_t *v4_directory;
    uint32_t directory_shift;
    uint32_t v4_last_line;
    struct mip_table v4;
    struct mip_table v6; /* keys are upper halves; a row covers whole /64s */
    struct mip_table n6;
    uint32_t sample_count;
    struct mip_level sample[MIP_LEVELS_MAX];
    const struct mip_payload *payloads;
    const uint8_t *text;
    uint64_t text_size;
    uint32_t payload_count;
    uint32_t serial;
};

/* An address on the 128-bit line, or an IPv4 one in `low` alone. */
struct mip_address {
    uint64_t high;
    uint64_t low;
};

/* Where an address was found: the last entry at or before it. facts: 0 where its row does not hold the address. */
struct mip_entry {
    const struct mip_table *table;
    uint32_t at;
    uint32_t facts;
};

struct mip_row {
    struct mip_address first;
    struct mip_address last;
    const struct mip_payload *payload;
};

/* Lines of the IPv4 table, from and to, of which one holds what is looked for. */
struct mip_span {
    uint32_t start;
    uint32_t stop;
};

/* What a list admits: confidence >= floor and, if `classes` is not 0, that one class. bits: A answers carry T. */
struct mip_rule {
    uint8_t floor;
    uint8_t classes;
    bool bits;
};

enum mip_fault {
    MIP_SOUND,
    MIP_TOO_SMALL,
    MIP_NOT_AN_INDEX,
    MIP_OTHER_FORMAT,
    MIP_OTHER_SIZE,
    MIP_BAD_COUNTS,
    MIP_BAD_SECTION
};

/* Look at the header, the bounds and the sizes of `size` bytes at `map`, which is aligned to 64 bytes or better. The
 * checksums are the opener's business (mipdns.index), who has the hash at hand. */
enum mip_fault mip_index_open(struct mip_index *index, const uint8_t *map, size_t size);

static inline uint32_t mip_confidence(uint32_t facts)
{
    return facts >> MIP_CONFIDENCE_SHIFT & MIP_CONFIDENCE_MASK;
}

/* Whether an entry of these facts is on the list; never where there are none. */
static inline bool mip_admits(struct mip_rule rule, uint32_t facts)
{
    return mip_confidence(facts) >= rule.floor && (!rule.classes || facts >> MIP_CLASSES_SHIFT & rule.classes);
}

/* The entry that holds an address outside ::ffff:0:0/96, in two steps: the line of its /64, and a look there. IPv4 is in
 * v4.h. */
uint32_t mip_line6(const struct mip_index *index, uint64_t high);
struct mip_entry mip_find6(const struct mip_index *index, uint32_t line, struct mip_address address);

/* The record of an entry that was found; NULL where a broken body names one that is not there. */
const struct mip_payload *mip_payload_of(const struct mip_index *index, struct mip_entry entry);

/* Its row: bounds (of IPv4 in `low`) and record. */
struct mip_row mip_row_of(const struct mip_index *index, struct mip_entry entry);

/* Whether any address of [first, last] is admitted by the rule: IPv4, or what is not IPv4. */
bool mip_reaches4(const struct mip_index *index, uint32_t first, uint32_t last, struct mip_rule rule);
bool mip_reaches6(
    const struct mip_index *index, struct mip_address first, struct mip_address last, struct mip_rule rule);

#endif
