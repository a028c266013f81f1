/* The layout of the index file. Generated from mipdns/index/layout.py by `python -m mipdns.index.layout`;
 * change it there. What the sections hold: docs/index-file.md. All numbers are little-endian. */
#ifndef MIP_LAYOUT_H
#define MIP_LAYOUT_H

#include <assert.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the index file is read in place, so only on little-endian machines"
#endif

#define MIP_MAGIC "MIPIDX\r\n"
#define MIP_FORMAT 2u
#define MIP_HEADER_SIZE 4096u
#define MIP_ALIGNMENT 64u
#define MIP_CHECKSUM_SIZE 16u
#define MIP_BODY_CHECKSUM_AT 4064u
#define MIP_HEADER_CHECKSUM_AT 4080u
#define MIP_SECTIONS_AT 128u
#define MIP_DIRECTORY_BITS_MIN 8u
#define MIP_DIRECTORY_BITS_MAX 24u
#define MIP_FANOUT 16u
#define MIP_BLOCK 64u
#define MIP_PLANES 9u
#define MIP_CLASSES_SHIFT 24u
#define MIP_RANGE 8388608u
#define MIP_CONFIDENCE_SHIFT 16u
#define MIP_CONFIDENCE_MASK 127u
#define MIP_PAYLOAD_MASK 65535u
#define MIP_USERS_LOW_KNOWN 1u
#define MIP_USERS_HIGH_KNOWN 2u
#define MIP_ASN_KNOWN 4u
#define MIP_OBSERVED_KNOWN 8u

/* The first bytes of the file. */
struct mip_header {
    uint8_t magic[8]; /* MIPIDX CR LF, so that a transfer as text is noticed */
    uint32_t format; /* version of this layout */
    uint32_t serial; /* SOA serial of the build */
    uint64_t file_size; /* bytes in the whole file */
    uint64_t verdicts; /* rows of the build's table */
    uint32_t v4_entries; /* of IPv4: one for an address, two for a range */
    uint32_t v6_entries; /* of IPv6, in whole /64s: one for a /64, two for a range */
    uint32_t n6_entries; /* of narrow IPv6, inside one /64: one for an address, two for a range */
    uint32_t payloads; /* records of PAYLOAD */
    uint32_t payload_width; /* bytes of a payload's number: 2, or 4 with its upper half in the sections HIGH */
    uint32_t directory_bits; /* leading bits that V4_DIRECTORY is indexed by */
    uint8_t build[16]; /* digest of the build's row in the database */
};
static_assert(sizeof(struct mip_header) == 72, "struct mip_header has padding");

/* An entry of the table at MIP_SECTIONS_AT: bytes from the start of the file, bytes without padding. */
struct mip_section {
    uint64_t offset;
    uint64_t size;
};

enum mip_section_number {
    MIP_PAYLOAD = 0,
    MIP_TEXT = 1,
    MIP_V4_DIRECTORY = 2,
    MIP_V4_LINES = 3,
    MIP_V4_HIGH = 4,
    MIP_V4_SUMMARY = 5,
    MIP_V6_SAMPLE = 6,
    MIP_V6_LINES = 7,
    MIP_V6_HIGH = 8,
    MIP_V6_SUMMARY = 9,
    MIP_N6_LINES = 10,
    MIP_N6_HIGH = 11,
    MIP_N6_SUMMARY = 12,
    MIP_SECTIONS = 13
};

/* A line of entries. IPv4 addresses. */
enum { MIP_V4_LINE_ENTRIES = 8 };
struct mip_v4_line {
    uint32_t keys[8];
    uint32_t facts[8];
};
static_assert(sizeof(struct mip_v4_line) == 64, "struct mip_v4_line has padding");

/* A line of entries. The upper halves of IPv6 addresses. */
enum { MIP_V6_LINE_ENTRIES = 5 };
struct mip_v6_line {
    uint64_t keys[5];
    uint32_t facts[5];
    uint8_t zeros[4];
};
static_assert(sizeof(struct mip_v6_line) == 64, "struct mip_v6_line has padding");

/* A line of entries. Whole IPv6 addresses, the upper half first. */
enum { MIP_N6_LINE_ENTRIES = 3 };
struct mip_n6_line {
    uint64_t keys[6];
    uint32_t facts[3];
    uint8_t zeros[4];
};
static_assert(sizeof(struct mip_n6_line) == 64, "struct mip_n6_line has padding");

/* A record of section PAYLOAD. */
struct mip_payload {
    uint8_t confidence; /* 1 to 100 */
    uint8_t classes; /* class bits */
    uint8_t known; /* which of users_low, users_high, asn and observed are known */
    uint8_t prefix_size; /* length of the text before the network, which ends in net= */
    uint8_t suffix_size; /* length of all text after the network */
    uint8_t suffix_to_src; /* of it, up to and with src=..., so without seen= */
    uint8_t suffix_to_asn; /* of it, up to and with asn=..., so without src= and seen= */
    uint8_t zero;
    uint32_t prefix_at; /* where in TEXT the prefix starts */
    uint32_t suffix_at; /* where in TEXT the suffix starts */
    uint32_t users_low;
    uint32_t users_high;
    uint16_t sources; /* signal bits */
    uint16_t observed; /* days since 1970-01-01 */
    uint32_t asn;
};
static_assert(sizeof(struct mip_payload) == 32, "struct mip_payload has padding");

#endif
