#include "wire.h"

#include <string.h>

enum { POINTER = 0xC0, RECORD_HEAD_SIZE = 10, UDP_SIZE_PLAIN = 512 };
enum { OPTION_NSID = 3, OPTION_SUBNET = 8, OPTION_COOKIE = 10 };

/* A place in a packet. What is read lies before `end`, or the reader says no. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

static inline size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static inline const uint8_t *take(struct cursor *cursor, size_t size)
{
    if (size > left(cursor))
        return NULL;
    const uint8_t *taken = cursor->at;
    cursor->at += size;
    return taken;
}

/* Sixteen bytes at once, in whatever registers the machine has for that. */
typedef uint8_t block __attribute__((vector_size(16)));

/* Lower-case the letters among them (RFC 4343). Length bytes are below 64, so a name can be folded whole. */
static inline block fold(block bytes)
{
    return bytes | ((block)(bytes - 'A' < 26) & 0x20);
}

/* The question's name, lower-cased. Reads ahead only within the packet. */
static inline void fold_name(struct mip_query *query, const uint8_t *name, const uint8_t *end)
{
    size_t size = query->name_size, whole = (size_t)(end - name) & ~(sizeof(block) - 1), at = 0;
    block bytes;
    for (; at < size && at < whole; at += sizeof bytes) {
        memcpy(&bytes, name + at, sizeof bytes);
        bytes = fold(bytes);
        memcpy(query->folded + at, &bytes, sizeof bytes);
    }
    if (at < size) {
        bytes = (block){0};
        memcpy(&bytes, name + at, size - at);
        bytes = fold(bytes);
        memcpy(query->folded + at, &bytes, sizeof bytes);
    }
}

/* A name written out in full: no pointers, at most 255 bytes (RFC 1035 §3.1). Where its labels begin goes to `starts`,
 * which has room for every name that passes; how many there are is returned, or -1 for a fault. */
static inline int plain_name(struct cursor *cursor, uint8_t *starts)
{
    const uint8_t *start = cursor->at, *at = start, *end = cursor->end;
    /* Where the last label may end, its name being at most 255 bytes with the root. */
    const uint8_t *last = (size_t)(end - start) < MIP_NAME_MAX ? end : start + MIP_NAME_MAX - 1;
    int labels = 0;
    while (at < end) {
        uint8_t size = *at;
        if (size == 0) {
            cursor->at = at + 1;
            return labels;
        }
        if (size > MIP_LABEL_MAX || size >= last - at)
            return -1;
        starts[labels++] = (uint8_t)(at - start);
        at += 1 + size;
    }
    return -1;
}

/* Pass over a record's owner name. A pointer ends it and must point backwards, into the packet's body; what it points
 * to is not read. */
static inline bool skip_name(struct cursor *cursor, const uint8_t *packet)
{
    const uint8_t *start = cursor->at;
    for (;;) {
        const uint8_t *at = take(cursor, 1);
        if (!at)
            return false;
        if (*at == 0)
            return true;
        if (*at >= POINTER) {
            const uint8_t *low = take(cursor, 1);
            if (!low)
                return false;
            ptrdiff_t target = (*at & ~POINTER) << 8 | *low;
            return MIP_WIRE_HEADER_SIZE <= target && target < start - packet;
        }
        if (*at > MIP_LABEL_MAX || !take(cursor, *at) || cursor->at - start >= MIP_NAME_MAX)
            return false;
    }
}

/* A well-formed client subnet (RFC 7871 §6), which is then ignored. */
static bool sound_subnet(const uint8_t *data, size_t size)
{
    static const uint8_t bits[] = {0, 32, 128};
    if (size < 4)
        return false;
    uint16_t family = mip_read16(data);
    uint8_t source = data[2], scope = data[3];
    if (scope != 0 || family >= sizeof bits || source > bits[family] || size - 4 != (source + 7u) / 8)
        return false;
    return source % 8 == 0 || (data[size - 1] & 0xFF >> source % 8) == 0;
}

/* The options of an OPT record of version 0. Of several cookies the first counts. False if one is malformed. */
static bool read_options(struct mip_edns *edns, const uint8_t *rdata, size_t rdata_size)
{
    struct cursor cursor = {rdata, rdata + rdata_size};
    while (left(&cursor)) {
        const uint8_t *head = take(&cursor, 4);
        if (!head)
            return false;
        uint16_t code = mip_read16(head), size = mip_read16(head + 2);
        const uint8_t *data = take(&cursor, size);
        if (!data)
            return false;
        if (code == OPTION_NSID) {
            edns->nsid = true;
        } else if (code == OPTION_COOKIE && !edns->cookie) {
            if (size != 8 && (size < 16 || size > 40))
                return false;
            edns->cookie = data;
            edns->cookie_size = (uint8_t)size;
        } else if (code == OPTION_SUBNET && !sound_subnet(data, size)) {
            return false;
        }
    }
    return true;
}

/* An OPT record from behind its head on. Its fields count even where its data is cut off. False for a fault. */
static bool read_edns(struct mip_edns *edns, struct cursor *cursor, const uint8_t *head)
{
    uint16_t udp_size = mip_read16(head + 2), size = mip_read16(head + 8);
    edns->present = true;
    edns->sound = true;
    edns->version = head[5];
    edns->dnssec_ok = head[6] >> 7;
    edns->udp_size = udp_size < UDP_SIZE_PLAIN ? UDP_SIZE_PLAIN : udp_size;
    const uint8_t *rdata = take(cursor, size);
    if (!rdata)
        return false;
    if (edns->version == 0 && size && !read_options(edns, rdata, size)) {
        edns->sound = false;
        edns->nsid = false;
        edns->cookie = NULL;
    }
    return true;
}

/* The records behind the question: `before` of answer and authority, then `additional` ones. OPT may stand in the
 * additional section only, once, at the root (RFC 6891 §6.1.1). False for a fault; a TSIG record ends the reading. */
static bool read_records(
    struct mip_query *query, struct cursor *cursor, const uint8_t *packet, uint32_t before, uint32_t additional)
{
    for (uint32_t number = 0; number < before + additional; number++) {
        const uint8_t *start = cursor->at;
        if (!skip_name(cursor, packet))
            return false;
        const uint8_t *head = take(cursor, RECORD_HEAD_SIZE);
        if (!head)
            return false;
        uint16_t type = mip_read16(head);
        if (type == MIP_OPT) {
            if (number < before || query->edns.present)
                return false;
            if (!read_edns(&query->edns, cursor, head) || *start != 0)
                return false;
        } else if (type == MIP_TSIG) {
            query->signed_ = true;
            return false;
        } else if (!take(cursor, mip_read16(head + 8))) {
            return false;
        }
    }
    return true;
}

bool mip_read_edns(struct mip_edns *edns, const uint8_t *head, const uint8_t *end)
{
    struct cursor cursor = {head + RECORD_HEAD_SIZE, end};
    *edns = (struct mip_edns){0};
    return read_edns(edns, &cursor, head) && edns->sound;
}

static inline bool read_question(struct mip_query *query, struct cursor *cursor)
{
    const uint8_t *start = cursor->at;
    int labels = plain_name(cursor, query->starts);
    if (labels < 0)
        return false;
    const uint8_t *name_end = cursor->at;
    const uint8_t *type_and_class = take(cursor, 4);
    if (!type_and_class)
        return false;
    query->question = start;
    query->labels = (uint8_t)labels;
    query->name_size = (uint16_t)(name_end - start);
    query->question_size = (uint16_t)(query->name_size + 4);
    query->qtype = mip_read16(type_and_class);
    query->qclass = mip_read16(type_and_class + 2);
    fold_name(query, start, cursor->end);
    return true;
}

bool mip_parse(struct mip_query *query, const uint8_t *packet, size_t size)
{
    if (size < MIP_WIRE_HEADER_SIZE || packet[2] & MIP_FLAG_QR >> 8)
        return false;
    struct cursor cursor = {packet + MIP_WIRE_HEADER_SIZE, packet + size};
    query->question = NULL;
    query->flags = mip_read16(packet + 2);
    query->questions = mip_read16(packet + 4);
    query->signed_ = false;
    query->edns = (struct mip_edns){0};
    query->sound = true;
    for (uint32_t i = 0; i < query->questions && query->sound; i++)
        query->sound = read_question(query, &cursor);
    if (query->questions != 1)
        query->question = NULL;
    if (query->sound) {
        uint32_t before = (uint32_t)mip_read16(packet + 6) + mip_read16(packet + 8);
        query->sound = read_records(query, &cursor, packet, before, mip_read16(packet + 10));
    }
    return true;
}
