#include "tree.h"

#include "v4.h"

enum { V4_LABELS = 4, V6_LABELS = 32 };
enum { CONFIDENCE_MAX = 100, BITS_FLOOR = 25 };

/* A label as one number: its length and its characters, least significant first, as they are read from a name. */
#define LABEL3(a, b, c) (3u | (uint64_t)(a) << 8 | (uint64_t)(b) << 16 | (uint64_t)(c) << 24)
#define LABEL4(a, b, c, d) ((LABEL3(a, b, c) & ~0xFFull) | 4u | (uint64_t)(d) << 32)
#define LABEL5(a, b, c, d, e) ((LABEL4(a, b, c, d) & ~0xFFull) | 5u | (uint64_t)(e) << 40)
#define LABEL6(a, b, c, d, e, f) ((LABEL5(a, b, c, d, e) & ~0xFFull) | 6u | (uint64_t)(f) << 48)

static inline uint64_t label_at(const struct mip_labels *labels, unsigned number)
{
    uint64_t word;
    memcpy(&word, labels->name + labels->starts[number], sizeof word);
    return mip_label(word);
}

/* The bit of a class's label, 0 for any other. */
static inline uint8_t class_of(uint64_t label)
{
    switch (label) {
    case LABEL5('c', 'g', 'n', 'a', 't'): return 1;
    case LABEL3('v', 'p', 'n'): return 2;
    case LABEL5('p', 'r', 'o', 'x', 'y'): return 4;
    case LABEL3('t', 'o', 'r'): return 8;
    case LABEL5('r', 'e', 'l', 'a', 'y'): return 16;
    case LABEL6('c', 'a', 'm', 'p', 'u', 's'): return 32;
    case LABEL6('m', 'o', 'b', 'i', 'l', 'e'): return 64;
    case LABEL5('o', 't', 'h', 'e', 'r'): return 128;
    default: return 0;
    }
}

/* NN of a label tNN (t01 to t99, t100), 0 for any other. */
static inline uint8_t threshold_of(uint64_t label)
{
    if (label == LABEL4('t', '1', '0', '0'))
        return CONFIDENCE_MAX;
    if ((label & 0xFFFF) != (3 | 't' << 8))
        return 0;
    unsigned tens = (unsigned)(label >> 16 & 0xFF) - '0', ones = (unsigned)(label >> 24) - '0';
    return tens <= 9 && ones <= 9 ? (uint8_t)(10 * tens + ones) : 0;
}

static inline void drop_last(struct mip_labels *labels, unsigned count)
{
    labels->count -= count;
    labels->size = labels->starts[labels->count];
}

struct mip_rule mip_rule_of(const struct mip_zone *zone, uint64_t last, uint64_t before, unsigned *taken)
{
    const struct mip_rule own = {zone->floor, 0, false};
    uint8_t class_bit = zone->has_classes ? class_of(last) : 0;
    if (class_bit) {
        uint8_t floor = zone->has_thresholds ? threshold_of(before) : 0;
        *taken = floor ? 2 : 1;
        return (struct mip_rule){floor ? floor : zone->floor, class_bit, false};
    }
    uint8_t floor = zone->has_thresholds ? threshold_of(last) : 0;
    bool bits = zone->has_bits && last == LABEL4('b', 'i', 't', 's');
    if (zone->has_all && last == LABEL3('a', 'l', 'l'))
        floor = 1;
    if (bits)
        floor = BITS_FLOOR;
    *taken = floor != 0;
    return floor ? (struct mip_rule){floor, 0, bits} : own;
}

struct mip_rule mip_find_list(const struct mip_zone *zone, struct mip_labels *labels)
{
    unsigned taken, last = labels->count - 1;
    uint64_t before = last > 0 ? label_at(labels, last - 1) : 0;
    struct mip_rule rule = mip_rule_of(zone, label_at(labels, last), before, &taken);
    if (taken)
        drop_last(labels, taken);
    return rule;
}

/* One to four reversed octets: the first and the last IPv4 address at or beneath the name. */
static inline bool read_octets(const struct mip_labels *labels, uint32_t *first, uint32_t *last)
{
    uint32_t value = 0, highest = 0;
    for (unsigned i = labels->count; i-- > 0;) {
        uint32_t octet = mip_octet(labels->name + labels->starts[i]);
        highest |= octet;
        value = value << 8 | (octet & 0xFF);
    }
    unsigned free_bits = 8 * (V4_LABELS - labels->count);
    *first = value << free_bits;
    *last = *first | ((1u << free_bits) - 1);
    return highest <= 255;
}

/* Four of them: an address. */
static inline bool read_v4(const struct mip_labels *labels, uint32_t *address)
{
    const uint8_t *name = labels->name, *starts = labels->starts;
    uint32_t fourth = mip_octet(name + starts[0]), third = mip_octet(name + starts[1]);
    uint32_t second = mip_octet(name + starts[2]), first = mip_octet(name + starts[3]);
    *address = first << 24 | (second & 0xFF) << 16 | (third & 0xFF) << 8 | (fourth & 0xFF);
    return (first | second | third | fourth) <= 255;
}

/* One to 32 reversed nibbles: the first and the last IPv6 address at or beneath the name. */
static inline bool read_nibbles(const struct mip_labels *labels, struct mip_address *first, struct mip_address *last)
{
    unsigned count = labels->count;
    if (count > V6_LABELS || labels->size != 2 * (size_t)count)
        return false;
    uint64_t words[2] = {0, 0};
    /* The label nearest the origin is the address's first nibble. */
    for (unsigned i = 0; i < count; i++) {
        uint8_t character = labels->name[2 * (count - 1 - i) + 1];
        unsigned digit = character - '0', letter = character - 'a' + 10u;
        unsigned nibble = digit <= 9 ? digit : letter;
        if (nibble > 15 || (digit > 9 && letter < 10))
            return false;
        words[i / 16] |= (uint64_t)nibble << (60 - 4 * (i % 16));
    }
    uint64_t free_high = count < 16 ? ~(uint64_t)0 >> 4 * count : 0;
    uint64_t free_low = count <= 16 ? ~(uint64_t)0 : count < 32 ? ~(uint64_t)0 >> 4 * (count - 16) : 0;
    *first = (struct mip_address){words[0], words[1]};
    *last = (struct mip_address){words[0] | free_high, words[1] | free_low};
    return true;
}

/* Test points (RFC 5782 §5), computed in closed form. 127.0.0.2 is always one, 127.0.0.1 never, 127.0.C.S where the
 * rule admits confidence S and class bits C; in `bits` S is one of the seven codes instead. */
enum { POINTS_FIRST = 0x7F000000, POINTS_LAST = 0x7F00FFFF, POINT_ALWAYS = 0x7F000002, POINT_NEVER = 0x7F000001 };

static bool reaches_code(struct mip_rule rule, uint32_t low, uint32_t high)
{
    static const uint8_t codes[] = {2, 6, 14, 30, 62, 126, 254};
    if (!rule.bits)
        return (low > rule.floor ? low : rule.floor) <= (high < CONFIDENCE_MAX ? high : CONFIDENCE_MAX);
    for (size_t i = 0; i < sizeof codes; i++)
        if (low <= codes[i] && codes[i] <= high)
            return true;
    return false;
}

/* Whether a test point lies in the range, which is all addresses beneath one name. */
static bool reaches_test_point(struct mip_rule rule, uint32_t first, uint32_t last)
{
    if (first <= POINT_ALWAYS && POINT_ALWAYS <= last)
        return true;
    if (last < POINTS_FIRST || first > POINTS_LAST || (first == last && first == POINT_NEVER))
        return false;
    uint32_t low_class = first >> 8 & 0xFF, high_class = last >> 8 & 0xFF;
    if (rule.classes && !((low_class | (high_class - low_class)) & rule.classes))
        return false;
    return reaches_code(rule, first & 0xFF, last & 0xFF);
}

bool mip_find_listing(
    const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule, struct mip_listing *listing)
{
    struct mip_address first, last;
    if (labels->count == V4_LABELS) {
        uint32_t address;
        if (!read_v4(labels, &address))
            return false;
        first = (struct mip_address){0, address};
        listing->is_v4 = true;
    } else {
        if (labels->count != V6_LABELS || !read_nibbles(labels, &first, &last))
            return false;
        listing->is_v4 = mip_is_mapped(first);
    }
    if (!listing->is_v4) {
        listing->address = first;
        listing->entry = mip_find6(index, mip_line6(index, first.high), first);
        return mip_admits(rule, listing->entry.facts);
    }
    uint32_t address = (uint32_t)first.low;
    listing->address = (struct mip_address){0, address};
    if (mip_may_be_point(address)) {
        listing->entry = (struct mip_entry){0};
        return reaches_test_point(rule, address, address);
    }
    listing->entry = mip_find4(index, mip_span4(index, address), address);
    return mip_admits(rule, listing->entry.facts);
}

static bool reaches4(const struct mip_index *index, uint32_t first, uint32_t last, struct mip_rule rule)
{
    return reaches_test_point(rule, first, last) || mip_reaches4(index, first, last, rule);
}

bool mip_exists(const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule)
{
    uint32_t first4, last4;
    struct mip_address first, last;
    if (labels->count == 0)
        return true;
    if (labels->count < V4_LABELS && read_octets(labels, &first4, &last4) && reaches4(index, first4, last4, rule))
        return true;
    if (labels->count == V6_LABELS || !read_nibbles(labels, &first, &last))
        return false;
    if (mip_is_mapped(first) && mip_is_mapped(last))
        return reaches4(index, (uint32_t)first.low, (uint32_t)last.low, rule);
    bool around_mapped = first.high == 0 && first.low <= 0xFFFFull << 32 && last.low >= 0xFFFFull << 32;
    if (around_mapped && reaches4(index, 0, UINT32_MAX, rule))
        return true;
    return mip_reaches6(index, first, last, rule);
}
