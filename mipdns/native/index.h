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

/* What the three tables have in common: which payload each row has, and the highest confidences above them. */
struct mip_table {
    const uint8_t *payload;
    uint32_t rows;
    uint32_t level_count;
    struct mip_level levels[MIP_LEVELS_MAX];
};

struct mip_index {
    const struct mip_payload *payloads;
    const uint8_t *text;
    uint64_t text_size;
    uint32_t payload_count;
    uint32_t payload_width;
    const uint32_t *v4_directory;
    uint32_t directory_shift;
    const uint32_t *v4_first;
    const uint32_t *v4_last;
    const uint64_t *v6_first; /* upper halves; a row covers whole /64s */
    const uint64_t *v6_last;
    const uint64_t *n6_first; /* two words an address, the upper half first */
    const uint64_t *n6_last;
    struct mip_table v4;
    struct mip_table v6;
    struct mip_table n6;
    uint32_t sample_count;
    struct mip_level sample[MIP_LEVELS_MAX];
    uint32_t serial;
};

/* An address on the 128-bit line, or an IPv4 one in `low` alone. */
struct mip_address {
    uint64_t high;
    uint64_t low;
};

struct mip_row {
    struct mip_address first;
    struct mip_address last;
    const struct mip_payload *payload;
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

/* The row that holds an IPv4 address; its bounds are IPv4 numbers in `low`. */
bool mip_find4(const struct mip_index *index, uint32_t address, struct mip_row *row);

/* The row that holds an address outside ::ffff:0:0/96. */
bool mip_find6(const struct mip_index *index, struct mip_address address, struct mip_row *row);

/* Whether any address of [first, last] is admitted by the rule: IPv4, or what is not IPv4. */
bool mip_reaches4(const struct mip_index *index, uint32_t first, uint32_t last, struct mip_rule rule);
bool mip_reaches6(
    const struct mip_index *index, struct mip_address first, struct mip_address last, struct mip_rule rule);

#endif
