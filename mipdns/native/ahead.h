/* Reading ahead: whoever has many packets at hand goes over them twice before answering any, and finds what mip_answer
 * will want of a large index already on its way from memory.
 *
 *     for each packet: guess[i] = mip_guess(served, packet, size);
 *     for each packet: mip_fetch(served, guess[i]);
 *     for each packet: mip_answer(...);
 *
 * The one rule: it is a guess. Nothing that it finds changes an answer. */
#ifndef MIP_AHEAD_H
#define MIP_AHEAD_H

#include <stddef.h>
#include <stdint.h>

#include "zone.h"

/* The IPv4 address that a query seems to ask about, 0 where it does not; its bucket of the directory is on its way. */
uint32_t mip_guess(const struct mip_served *served, const uint8_t *packet, size_t size);

/* Bring the rows that the bucket names. */
void mip_fetch(const struct mip_served *served, uint32_t guess);

/* Both for a batch as recvmmsg(2) filled it, of at most MIP_AHEAD_MAX packets; those beyond wait their turn. */
enum { MIP_AHEAD_MAX = 64 };
struct mmsghdr;
void mip_read_ahead(const struct mip_served *served, const struct mmsghdr *packets, unsigned count);

#endif
