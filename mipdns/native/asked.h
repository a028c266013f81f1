/* What nearly everybody asks, read in one go: a plain query for the full name of an address in a list.
 *
 * In: a packet. Out: a struct mip_asked, or the word that it is something else, which mipdns.answer.query and its C form
 * in wire.h then take apart. The one rule: whatever is odd in any way is something else. */
#ifndef MIP_ASKED_H
#define MIP_ASKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "zone.h"

/* zone: NULL where it is something else; then the rest says nothing. is_v4: the address is an IPv4 number. also_v6: the
 * four octets are a partial IPv6 name too. Sizes are in bytes: of name and question, of what stands before the origin,
 * of the longest answer. cookie: NULL where none came. span, line and entry are filled in by ahead.h. */
struct mip_asked {
    const struct mip_zone *zone;
    struct mip_address address;
    const uint8_t *cookie;
    struct mip_entry entry;
    struct mip_span span;
    uint32_t line;
    uint16_t question_size;
    uint16_t before_origin;
    uint16_t qtype;
    uint16_t limit;
    struct mip_rule rule;
    uint8_t cookie_size;
    bool is_v4;
    bool also_v6;
    bool edns;
    bool dnssec_ok;
};

void mip_ask(const struct mip_served *served, const uint8_t *packet, size_t size, struct mip_asked *asked);

#endif
