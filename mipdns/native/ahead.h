/* Reading ahead: whoever has many packets at hand goes over them step by step before answering any, and each step finds
 * what the one before has sent for already on its way from memory.
 *
 * In: packets. Out: for each what mip_reply wants. The one rule: a step decides nothing; done for one packet after the
 * other they give the same. */
#ifndef MIP_AHEAD_H
#define MIP_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "asked.h"

/* First mip_ask, which reads the packet and sends for a bucket of the directory. Then: which lines that names, and send
 * for them. */
void mip_fetch(const struct mip_served *served, struct mip_asked *asked);

/* The entry there, and send for its record where a text is asked for. */
void mip_find(const struct mip_served *served, struct mip_asked *asked);

/* All three for a batch as recvmmsg(2) filled it. */
struct mmsghdr;
void mip_read_ahead(
    const struct mip_served *served, const struct mmsghdr *packets, unsigned count, struct mip_asked *asked);

#endif
