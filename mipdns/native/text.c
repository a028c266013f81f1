#include "text.h"

#include <string.h>

static const char TEST_TEXT[] = "v=mip1; test";

/* T: one bit for each level that the confidence passes (mipdns.answer.lists.LEVELS). */
static inline uint8_t level_code(uint32_t confidence)
{
    static const uint8_t levels[] = {25, 50, 60, 70, 80, 90, 95};
    unsigned code = 0;
    for (unsigned i = 0; i < sizeof levels; i++)
        code |= (unsigned)(confidence >= levels[i]) << (i + 1);
    return (uint8_t)code;
}

void mip_listing_a(const struct mip_listing *listing, struct mip_rule rule, uint8_t rdata[4])
{
    uint32_t facts = listing->entry.facts;
    rdata[0] = 127;
    rdata[1] = 0;
    if (listing->entry.table) {
        rdata[2] = (uint8_t)(facts >> MIP_CLASSES_SHIFT);
        rdata[3] = rule.bits ? level_code(mip_confidence(facts)) : (uint8_t)mip_confidence(facts);
    } else {
        rdata[2] = (uint8_t)(listing->address.low >> 8);
        rdata[3] = (uint8_t)listing->address.low;
    }
}

static inline uint8_t *write_decimal(uint8_t *at, uint32_t number)
{
    if (number >= 100)
        *at++ = (uint8_t)('0' + number / 100);
    if (number >= 10)
        *at++ = (uint8_t)('0' + number / 10 % 10);
    *at++ = (uint8_t)('0' + number % 10);
    return at;
}

static uint8_t *write_v4(uint8_t *at, uint32_t address)
{
    for (unsigned shift = 24; shift > 0; shift -= 8) {
        at = write_decimal(at, address >> shift & 0xFF);
        *at++ = '.';
    }
    return write_decimal(at, address & 0xFF);
}

static uint8_t *write_group(uint8_t *at, unsigned group)
{
    static const char digits[] = "0123456789abcdef";
    for (int shift = 12; shift >= 0; shift -= 4)
        if (group >> shift || shift == 0)
            *at++ = (uint8_t)digits[group >> shift & 0xF];
    return at;
}

/* RFC 5952: the first of the longest runs of zero groups, two or more, becomes `::`. */
static uint8_t *write_v6(uint8_t *at, struct mip_address address)
{
    unsigned groups[8], run_start = 8, run_size = 1;
    for (unsigned i = 0; i < 8; i++)
        groups[i] = (unsigned)((i < 4 ? address.high : address.low) >> (48 - 16 * (i % 4)) & 0xFFFF);
    for (unsigned start = 0; start < 8; start++) {
        unsigned size = 0;
        while (start + size < 8 && groups[start + size] == 0)
            size++;
        if (size > run_size) {
            run_start = start;
            run_size = size;
        }
    }
    for (unsigned i = 0; i < 8;) {
        if (i == run_start) {
            *at++ = ':';
            *at++ = ':';
            i += run_size;
            continue;
        }
        if (i > 0 && i != run_start + run_size)
            *at++ = ':';
        at = write_group(at, groups[i++]);
    }
    return at;
}

/* How many low bits of an address may be set to nought without going below `first`, which is at or below it: those under
 * the highest bit in which they differ, or as many as `first` itself ends in. That they may be set to one without going
 * above `last` is the same question of what is the other way round. */
static inline unsigned free_bits4(uint32_t address, uint32_t first)
{
    unsigned differ = address == first ? 0 : 31 - (unsigned)__builtin_clz(address ^ first);
    unsigned zeros = first ? (unsigned)__builtin_ctz(first) : 32;
    return zeros > differ ? zeros : differ;
}

static inline unsigned highest6(struct mip_address bits)
{
    if (bits.high)
        return 127 - (unsigned)__builtin_clzll(bits.high);
    return bits.low ? 63 - (unsigned)__builtin_clzll(bits.low) : 0;
}

static inline unsigned zeros6(struct mip_address bits)
{
    if (bits.low)
        return (unsigned)__builtin_ctzll(bits.low);
    return bits.high ? 64 + (unsigned)__builtin_ctzll(bits.high) : 128;
}

static unsigned free_bits6(struct mip_address address, struct mip_address first)
{
    unsigned differ = highest6((struct mip_address){address.high ^ first.high, address.low ^ first.low});
    unsigned zeros = zeros6(first);
    return zeros > differ ? zeros : differ;
}

/* The widest prefix that holds the address and lies inside its row, as IPv4 or IPv6 text. */
static uint8_t *write_net4(uint8_t *at, uint32_t address, uint32_t first, uint32_t last)
{
    unsigned below = free_bits4(address, first), above = free_bits4(~address, ~last);
    unsigned bits = below < above ? below : above;
    at = write_v4(at, bits < 32 ? address >> bits << bits : 0);
    *at++ = '/';
    return write_decimal(at, 32 - bits);
}

static uint8_t *write_net6(uint8_t *at, struct mip_address address, const struct mip_row *row)
{
    unsigned below = free_bits6(address, row->first);
    unsigned above = free_bits6(
        (struct mip_address){~address.high, ~address.low}, (struct mip_address){~row->last.high, ~row->last.low});
    unsigned bits = below < above ? below : above;
    if (bits >= 64)
        address = (struct mip_address){bits < 128 ? address.high >> (bits - 64) << (bits - 64) : 0, 0};
    else
        address.low = address.low >> bits << bits;
    at = write_v6(at, address);
    *at++ = '/';
    return write_decimal(at, 128 - bits);
}

size_t mip_listing_text(
    const struct mip_index *index, const struct mip_listing *listing, uint8_t text[MIP_TEXT_ROOM])
{
    uint8_t *at = text;
    if (!listing->entry.table) {
        memcpy(text, TEST_TEXT, sizeof TEST_TEXT - 1);
        return sizeof TEST_TEXT - 1;
    }
    struct mip_row row = mip_row_of(index, listing->entry);
    const struct mip_payload *payload = row.payload;
    if (!payload)
        return 0;
    /* A broken body may point anywhere; then the text lacks what is not there. */
    if ((uint64_t)payload->prefix_at + payload->prefix_size <= index->text_size) {
        memcpy(at, index->text + payload->prefix_at, payload->prefix_size);
        at += payload->prefix_size;
    }
    if (listing->is_v4)
        at = write_net4(at, (uint32_t)listing->address.low, (uint32_t)row.first.low, (uint32_t)row.last.low);
    else
        at = write_net6(at, listing->address, &row);
    size_t size = (size_t)(at - text), suffix = payload->suffix_size;
    if ((uint64_t)payload->suffix_at + suffix > index->text_size)
        return size;
    memcpy(at, index->text + payload->suffix_at, suffix);
    /* Keys are dropped from the end until the rest fits. */
    const uint8_t cuts[] = {payload->suffix_to_src, payload->suffix_to_asn, 0};
    for (size_t i = 0; i < sizeof cuts && size + suffix > MIP_TEXT_MAX; i++)
        suffix = cuts[i] < suffix ? cuts[i] : suffix;
    return size + suffix < MIP_TEXT_MAX ? size + suffix : MIP_TEXT_MAX;
}
