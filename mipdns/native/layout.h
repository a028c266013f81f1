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
#define MIP_FORMAT 1u
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
    uint64_t verdicts; /* rows of the build's table; a row of IPv6 may have become up to three here */
    uint32_t v4_rows; /* IPv4 ranges */
    uint32_t v6_rows; /* IPv6 ranges of whole /64s */
    uint32_t n6_rows; /* narrow IPv6 ranges, each inside one /64 */
    uint32_t payloads; /* records of PAYLOAD */
    uint32_t payload_width; /* bytes of a row's payload number: 2 or 4 */
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
    MIP_V4_FIRST = 3,
    MIP_V4_LAST = 4,
    MIP_V4_PAYLOAD = 5,
    MIP_V4_SUMMARY = 6,
    MIP_V6_FIRST = 7,
    MIP_V6_LAST = 8,
    MIP_V6_PAYLOAD = 9,
    MIP_V6_SAMPLE = 10,
    MIP_V6_SUMMARY = 11,
    MIP_N6_FIRST = 12,
    MIP_N6_LAST = 13,
    MIP_N6_PAYLOAD = 14,
    MIP_N6_SUMMARY = 15,
    MIP_SECTIONS = 16
};

/* A record of section PAYLOAD. */
struct mip_payload {
    uint8_t confidence; /* 1 to 100 */
    uint8_t classes; /* class bits */
    uint8_t level; /* the levels that the confidence passes: T of 127.0.C.T */
    uint8_t known; /* which of users_low, users_high, asn and observed are known */
    uint8_t prefix_size; /* length of the text before the network, which ends in net= */
    uint8_t suffix_size; /* length of all text after the network */
    uint8_t suffix_to_src; /* of it, up to and with src=..., so without seen= */
    uint8_t suffix_to_asn; /* of it, up to and with asn=..., so without src= and seen= */
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
