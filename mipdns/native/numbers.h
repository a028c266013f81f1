/* Numbers for keys, in the order in which they are first met: what compiling an index asks for every row.
 *
 * In: keys of 24 bytes. Out: their numbers, from 0. The one rule: equal keys have one number, and each number one key. */
#ifndef MIP_NUMBERS_H
#define MIP_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MIP_KEY_SIZE = 24, MIP_KEY_WORDS = MIP_KEY_SIZE / 8 };

struct mip_key {
    uint64_t words[MIP_KEY_WORDS];
};

/* All zero to begin with. slots: 1 more than a key's number, 0 where none is; a power of two of them. */
struct mip_numbers {
    struct mip_key *keys;
    uint32_t *slots;
    size_t count;
    size_t slot_count;
};

/* Number so many keys. False where there is no memory; what was numbered stays. */
bool mip_number(struct mip_numbers *numbers, const uint8_t *keys, size_t count, uint32_t *out);

void mip_numbers_free(struct mip_numbers *numbers);

#endif
