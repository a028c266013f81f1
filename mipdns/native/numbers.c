#include "numbers.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 1 << 12, AHEAD = 16 };

static inline uint64_t hash_of(const struct mip_key *key)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < MIP_KEY_WORDS; i++) {
        hash = (hash ^ key->words[i]) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    return hash;
}

static inline struct mip_key key_at(const uint8_t *keys, size_t number)
{
    struct mip_key key;
    memcpy(&key, keys + number * sizeof key, sizeof key);
    return key;
}

/* The slot that holds the key, or the empty one where it belongs. At least half of them are empty. */
static inline size_t find_slot(const struct mip_numbers *numbers, const struct mip_key *key)
{
    size_t slot = hash_of(key) & (numbers->slot_count - 1);
    while (numbers->slots[slot] && memcmp(&numbers->keys[numbers->slots[slot] - 1], key, sizeof *key) != 0)
        slot = (slot + 1) & (numbers->slot_count - 1);
    return slot;
}

/* Room for as many keys again. */
static bool grow(struct mip_numbers *numbers)
{
    struct mip_numbers wider = *numbers;
    wider.slot_count = numbers->slot_count ? 2 * numbers->slot_count : SLOTS_MIN;
    wider.keys = realloc(numbers->keys, wider.slot_count / 2 * sizeof *wider.keys);
    if (!wider.keys)
        return false;
    numbers->keys = wider.keys;
    wider.slots = calloc(wider.slot_count, sizeof *wider.slots);
    if (!wider.slots)
        return false;
    for (uint32_t number = 0; number < numbers->count; number++)
        wider.slots[find_slot(&wider, &wider.keys[number])] = number + 1;
    free(numbers->slots);
    *numbers = wider;
    return true;
}

bool mip_number(struct mip_numbers *numbers, const uint8_t *keys, size_t count, uint32_t *out)
{
    for (size_t i = 0; i < count; i++) {
        if (numbers->count == numbers->slot_count / 2 && (numbers->count >= UINT32_MAX / 2 || !grow(numbers)))
            return false;
        if (i + AHEAD < count) {
            const struct mip_key later = key_at(keys, i + AHEAD);
            __builtin_prefetch(&numbers->slots[hash_of(&later) & (numbers->slot_count - 1)]);
        }
        const struct mip_key key = key_at(keys, i);
        size_t slot = find_slot(numbers, &key);
        if (!numbers->slots[slot]) {
            numbers->keys[numbers->count++] = key;
            numbers->slots[slot] = (uint32_t)numbers->count;
        }
        out[i] = numbers->slots[slot] - 1;
    }
    return true;
}

void mip_numbers_free(struct mip_numbers *numbers)
{
    free(numbers->keys);
    free(numbers->slots);
    *numbers = (struct mip_numbers){0};
}
