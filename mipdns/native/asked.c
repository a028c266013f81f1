#include "asked.h"

#include <string.h>

#include "tree.h"
#include "wire.h"

enum {
    V4_NAME_MAX = 4 * 4,  /* four octets of three digits, with their lengths */
    V6_NAME_SIZE = 32 * 2,
    ORIGIN_MIN = 8, /* shorter ones are compared elsewhere */
    TAIL_SIZE = 4,  /* type and class */
    /* Within this lie the shortest name and whatever bytes may be read before that is known. */
    SIZE_MIN = MIP_WIRE_HEADER_SIZE + V4_NAME_MAX + TAIL_SIZE,
    OPT_SIZE = 11,
    UDP_SIZE = 1232,
    UDP_SIZE_PLAIN = 512,
    META_TYPES = 128, /* from here on types have meanings of their own (RFC 6895 §3.1) */
};

/* A byte in each of eight, and a pair in each of four. */
#define BYTES(byte) (0x0101010101010101u * (byte))
#define PAIRS(pair) (0x0001000100010001u * (uint64_t)(pair))

static inline uint64_t word_at(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Eight bytes with their letters lower-cased (RFC 4343). Lengths of labels are below 'A'. */
static inline uint64_t lower(uint64_t word)
{
    uint64_t low = word & BYTES(0x7F);
    uint64_t letters = ((low + BYTES(0x80 - 'A')) ^ (low + BYTES(0x7F - 'Z'))) & ~word & BYTES(0x80);
    return word | letters >> 2;
}

static inline bool is_origin(const uint8_t *at, size_t left, const struct mip_zone *zone)
{
    size_t size = zone->origin_size;
    if (size < ORIGIN_MIN || left < size + TAIL_SIZE)
        return false;
    for (size_t i = 0; i + 8 < size; i += 8)
        if (lower(word_at(at + i)) != word_at(zone->origin + i))
            return false;
    return lower(word_at(at + size - 8)) == word_at(zone->origin + size - 8);
}

/* The zone whose origin starts here, with type and class behind it. */
static inline const struct mip_zone *zone_at(const struct mip_served *served, const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < served->zone_count; i++)
        if (is_origin(at, left, &served->zones[i]))
            return &served->zones[i];
    return NULL;
}

/* Four labels of a nibble each, the first one lowest. What is wrong sets a bit in `wrong`. */
static inline uint64_t four_nibbles(uint64_t word, uint64_t *wrong)
{
    uint64_t characters = word >> 8 & PAIRS(0xFF), digits = characters & PAIRS(0xF);
    uint64_t letters = characters >> 6 & PAIRS(1); /* 1 where one seems to stand */
    uint64_t nibbles = digits + 9 * letters;
    uint64_t lengths = (word ^ PAIRS(1)) & PAIRS(0xFF);
    /* 3x for a digit, 4x or 6x for a letter. */
    uint64_t upper = (characters & PAIRS(0xF0) & ~(letters << 5)) ^ (PAIRS(0x30) + letters * 0x10);
    uint64_t beyond = (digits + PAIRS(6) + 3 * letters) & PAIRS(0x10);  /* : to ?, g to o */
    uint64_t below = ~(digits + PAIRS(0xF)) & letters << 4;             /* @ and ` */
    *wrong |= lengths | upper | beyond | below;
    nibbles |= nibbles >> 12;
    return (nibbles & 0xFF) | (nibbles >> 24 & 0xFF00);
}

/* 32 reversed nibbles at the start of a name. */
static inline bool read_v6(const uint8_t *name, struct mip_address *address)
{
    uint64_t wrong = 0, half[2] = {0, 0};
    for (unsigned i = 0; i < 8; i++)
        half[i / 4] |= four_nibbles(word_at(name + 8 * (size_t)i), &wrong) << (16 * (i % 4));
    *address = (struct mip_address){half[1], half[0]};
    return wrong == 0;
}

/* Four reversed octets; returns their size, 0 where they are none. */
static inline size_t read_v4(const uint8_t *name, uint32_t *address)
{
    const uint8_t *at = name;
    uint32_t value = 0, highest = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t octet = mip_octet(at);
        highest |= octet;
        value |= (octet & 0xFF) << 8 * i;
        at += 1 + (*at & 3);
    }
    *address = value;
    return highest <= 0xFF ? (size_t)(at - name) : 0;
}

/* The origin, perhaps behind labels of a list; returns where it starts, NULL for anything else. */
static inline const uint8_t *find_origin(
    const struct mip_served *served, const uint8_t *at, const uint8_t *end, struct mip_asked *asked)
{
    const struct mip_zone *zone = zone_at(served, at, (size_t)(end - at));
    uint64_t label = 0, before;
    if (zone)
        asked->rule = (struct mip_rule){zone->floor, 0, false};
    for (unsigned labels = 1; !zone; labels++) {
        size_t length = *at;
        if (labels > 2 || length == 0 || length >= 8 || (size_t)(end - at) < 1 + length + ORIGIN_MIN + TAIL_SIZE)
            return NULL;
        before = label;
        label = mip_label(lower(word_at(at)));
        at += 1 + length;
        zone = zone_at(served, at, (size_t)(end - at));
        if (zone) {
            unsigned taken;
            asked->rule = mip_rule_of(zone, label, before, &taken);
            if (taken != labels)
                return NULL;
        }
    }
    asked->zone = zone;
    return at;
}

/* What stands behind the question where an OPT record should. False for anything that is not sound and plain. */
static inline bool read_opt(const uint8_t *at, const uint8_t *end, struct mip_asked *asked)
{
    if (end - at < OPT_SIZE || at[0] != 0 || mip_read16(at + 1) != MIP_OPT)
        return false;
    asked->edns = true;
    asked->dnssec_ok = at[7] >> 7;
    uint16_t limit = mip_read16(at + 3);
    asked->limit = limit < UDP_SIZE_PLAIN ? UDP_SIZE_PLAIN : limit > UDP_SIZE ? UDP_SIZE : limit;
    if (at[6] == 0 && at[9] == 0 && at[10] == 0)
        return true;
    struct mip_edns edns;
    if (!mip_read_edns(&edns, at + 1, end) || edns.version != 0 || !edns.sound || edns.nsid)
        return false;
    asked->cookie = edns.cookie;
    asked->cookie_size = edns.cookie_size;
    return true;
}

void mip_ask(const struct mip_served *served, const uint8_t *packet, size_t size, struct mip_asked *asked)
{
    const uint8_t *name = packet + MIP_WIRE_HEADER_SIZE, *end = packet + size, *at;
    asked->zone = NULL;
    if (size < SIZE_MIN)
        return;
    /* A query: one question, no records, or one in the additional section. */
    uint64_t counts = word_at(packet + 4), one_record = (uint64_t)1 << 56;
    if (packet[2] & (MIP_FLAG_QR | MIP_FLAG_OPCODE) >> 8 || (counts & ~one_record) != 0x0100)
        return;
    bool single = (word_at(name) & PAIRS(0xFF)) == PAIRS(1);
    asked->is_v4 = !(single && name[8] == 1);
    if (asked->is_v4) {
        uint32_t address;
        size_t name_size = read_v4(name, &address);
        if (!name_size || mip_may_be_point(address))
            return;
        __builtin_prefetch(served->index.v4_directory + (address >> served->index.directory_shift));
        asked->address = (struct mip_address){0, address};
        asked->also_v6 = single;
        at = name + name_size;
    } else {
        if (size < MIP_WIRE_HEADER_SIZE + V6_NAME_SIZE + ORIGIN_MIN + TAIL_SIZE)
            return;
        if (!read_v6(name, &asked->address) || mip_is_mapped(asked->address))
            return;
        asked->also_v6 = false;
        at = name + V6_NAME_SIZE;
    }
    at = find_origin(served, at, end, asked);
    if (!at)
        return;
    asked->before_origin = (uint16_t)(at - name);
    at += asked->zone->origin_size;
    asked->question_size = (uint16_t)(at + TAIL_SIZE - name);
    asked->qtype = mip_read16(at);
    asked->edns = asked->dnssec_ok = false;
    asked->limit = UDP_SIZE_PLAIN;
    asked->cookie = NULL;
    bool plain = asked->qtype < META_TYPES && asked->qtype != MIP_OPT && mip_read16(at + 2) == MIP_IN;
    plain = plain && asked->question_size <= MIP_NAME_MAX + TAIL_SIZE;
    if (!plain || (counts & one_record && !read_opt(at + TAIL_SIZE, end, asked)))
        asked->zone = NULL;
}
