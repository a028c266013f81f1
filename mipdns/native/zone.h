/* What is served beside the index: zones, cookie secrets, identity. Plain data, made once, never changed.
 *
 * The border builds these from mipdns.answer.zone.Zones; whatever an answer repeats of them stands here in wire form. */
#ifndef MIP_ZONE_H
#define MIP_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"

enum {
    MIP_NAME_MAX = 255,
    MIP_NSID_MAX = 128,
    /* pointer, type, class, TTL, length; primary and contact; serial and four timers */
    MIP_SOA_RECORD_MAX = 12 + 2 * MIP_NAME_MAX + 20
};

/* A name inside the zone that is no list's: a name server, or on the way to one. Python answers for it. */
struct mip_host {
    uint8_t name[MIP_NAME_MAX]; /* the labels before the origin, lower-cased, in wire form, without the root */
    uint8_t size;
};

struct mip_zone {
    uint8_t origin[MIP_NAME_MAX]; /* lower-cased, in wire form, with the root */
    uint8_t origin_size;
    uint8_t origin_labels; /* without the root; at least one */
    uint8_t floor;         /* of the zone's own list and of the class lists, 1 to 100 */
    bool has_all;
    bool has_thresholds;
    bool has_bits;
    bool has_classes;
    uint16_t soa_size;
    uint32_t ttl;                    /* seconds, of listings */
    uint8_t soa[MIP_SOA_RECORD_MAX]; /* the record of negative answers; its first two bytes, the owner, are open */
    const struct mip_host *hosts;
    size_t host_count;
};

/* One 128-bit SipHash key. */
struct mip_secret {
    uint64_t k0;
    uint64_t k1;
};

struct mip_served {
    struct mip_index index;
    const struct mip_zone *zones; /* a name is in the first that holds it */
    size_t zone_count;
    struct mip_secret secrets[2]; /* the first makes new cookies */
    size_t secret_count;
    uint8_t nsid[MIP_NSID_MAX];
    uint8_t nsid_size; /* 0: not said */
};

/* Who asks, and the moment. */
struct mip_peer {
    uint8_t address[16];  /* an IPv4-mapped one as 4 bytes */
    uint8_t address_size; /* 4 or 16 */
    bool under_load;      /* ask for a valid cookie first (RFC 7873 §5.2.3) */
    uint32_t now;         /* unix seconds, the lower 32 bits */
};

#endif
