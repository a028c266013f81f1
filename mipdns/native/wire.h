/* The wire format of queries (RFC 1035 §4): a checked cursor, and a packet taken apart as mipdns.answer.query does it.
 *
 * In: bytes from anywhere. Out: a struct mip_query. The one rule: nothing is read but through the cursor, which never
 * leaves the packet and takes time linear in its length. */
#ifndef MIP_WIRE_H
#define MIP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

enum {
    MIP_WIRE_HEADER_SIZE = 12,
    MIP_LABELS_MAX = 127,
    MIP_LABEL_MAX = 63,
    MIP_FOLDED_SIZE = 256 + 16, /* a name, and room to read eight bytes anywhere in it */
};

enum {
    MIP_A = 1,
    MIP_TXT = 16,
    MIP_OPT = 41,
    MIP_TKEY = 249,
    MIP_TSIG = 250,
    MIP_IXFR = 251,
    MIP_AXFR = 252,
    MIP_ANY = 255,
};

enum { MIP_IN = 1, MIP_CH = 3 };

enum {
    MIP_FLAG_QR = 0x8000,
    MIP_FLAG_OPCODE = 0x7800,
    MIP_FLAG_AA = 0x0400,
    MIP_FLAG_TC = 0x0200,
    MIP_FLAG_RD = 0x0100,
};

/* What an OPT record says (mipdns.answer.edns.Edns). cookie: NULL where none came. */
struct mip_edns {
    bool present;
    bool sound;
    bool dnssec_ok;
    bool nsid;
    uint8_t version;
    uint8_t cookie_size;
    uint16_t udp_size;
    const uint8_t *cookie;
};

/* question: NULL unless exactly one stands there and could be read. sound: whether all sections could be read to their
 * end. signed_: a TSIG record was met, and reading ended there. The last three say of the question's name: its bytes
 * lower-cased with zeros behind them, and where its labels begin. */
struct mip_query {
    const uint8_t *question;
    uint16_t flags;
    uint16_t questions;
    uint16_t question_size;
    uint16_t name_size;
    uint16_t qtype;
    uint16_t qclass;
    bool sound;
    bool signed_;
    struct mip_edns edns;
    uint8_t labels; /* without the root */
    uint8_t starts[MIP_LABELS_MAX + 1];
    uint8_t folded[MIP_FOLDED_SIZE];
};

static inline uint16_t mip_read16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void mip_write16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* An OPT record from behind its owner's name on: `head` starts at its type, and ten bytes are there. False where its data
 * or the options in it are cut off or malformed. */
bool mip_read_edns(struct mip_edns *edns, const uint8_t *head, const uint8_t *end);

/* Take a packet apart. False for what must not be answered: no whole header, or itself a response (RFC 8906 §3.1.4). */
bool mip_parse(struct mip_query *query, const uint8_t *packet, size_t size);

#endif
