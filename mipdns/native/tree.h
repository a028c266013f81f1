/* Where a name stands in a list's tree: mipdns.answer.lists, names, testpoints and tree in C.
 *
 * In: the labels before the origin, lower-cased. Out: the list's rule, what is listed there, whether the name exists.
 * The one rule: a list is one tree for both families, so a name is read as octets and as nibbles. */
#ifndef MIP_TREE_H
#define MIP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "index.h"
#include "zone.h"

/* Labels left to right: `count` of them in the first `size` bytes of `name`, number i at starts[i]. Eight bytes may be
 * read from any label on. */
struct mip_labels {
    const uint8_t *name;
    const uint8_t *starts;
    unsigned count;
    size_t size;
};

/* A listed address; a test point's entry has no table. is_v4: the address is an IPv4 number. */
struct mip_listing {
    struct mip_address address;
    bool is_v4;
    struct mip_entry entry;
};

/* Up to seven characters, and before them their number: what a list's label is read as, least significant first. Longer
 * labels are 0, which names no list. `word`: the eight bytes from the label's length on, lower-cased. */
static inline uint64_t mip_label(uint64_t word)
{
    unsigned length = word & 0xFF;
    return length < sizeof word ? word & (~(uint64_t)0 >> (56 - 8 * length)) : 0;
}

/* The list whose own labels these are, the last one and the one before it, which may be 0. taken: how many of them are
 * its own, none where the last names no list. */
struct mip_rule mip_rule_of(const struct mip_zone *zone, uint64_t last, uint64_t before, unsigned *taken);

/* The list that the labels belong to; its own labels are taken off the end. A label that names no list stays. */
struct mip_rule mip_find_list(const struct mip_zone *zone, struct mip_labels *labels);

/* One spelling, 0 to 255 without leading zeros; above 255 for any other. Reads four bytes. No branch, because the lengths
 * of an address's labels are random, and a branch guessed wrong costs more than all of this. */
static inline uint32_t mip_octet(const uint8_t *label)
{
    static const uint8_t least[4] = {255, 0, 10, 100};
    uint32_t text, size = label[0] & 3, shift = 24 - 8 * size;
    memcpy(&text, label, sizeof text);
    /* The characters less '0' each, the last one highest, zeros before them. A label of no or many characters is caught
     * by its length. */
    uint32_t digits = ((text & 0xFFFFFF00u) << shift % 32) ^ (0x30303000u << shift % 32);
    uint32_t value = 100 * (digits >> 8 & 0xFF) + 10 * (digits >> 16 & 0xFF) + (digits >> 24);
    /* Whatever is wrong sets a bit above the octet's own. */
    uint32_t no_digit = (digits | (digits + 0x76767600u)) & 0x80808000u;
    uint32_t too_long = (label[0] & ~3u) << 8, misspelt = (uint32_t)(value < least[size]) << 8;
    return value | no_digit | too_long | misspelt;
}

static inline bool mip_is_mapped(struct mip_address address)
{
    return address.high == 0 && address.low >> 32 == 0xFFFF;
}

/* The test points of every list lie in 127.0.0.0/16 (RFC 5782 §5). */
static inline bool mip_may_be_point(uint32_t address)
{
    return address >> 16 == 0x7F00;
}

/* The listed address whose full name this is, an IPv4 one under either of its two names. */
bool mip_find_listing(
    const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule, struct mip_listing *listing);

/* Whether anything of the list lies beneath a name that is not listed itself. A list's own name always exists. */
bool mip_exists(const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule);

#endif
