/* One datagram to one answer: the native form of mipdns.answer.respond for what is asked often.
 *
 * The one rule: an answer is byte for byte the specification's, or MIP_RARE. No allocation, no system call, no state. */
#ifndef MIP_ANSWER_H
#define MIP_ANSWER_H

#include <sys/types.h>

#include "asked.h"
#include "zone.h"

enum {
    MIP_DROP = 0,
    MIP_RARE = -1,
    MIP_OUT_SIZE = 1232 /* the most sent over UDP, and what `out` must have room for */
};

/* The length of the answer written to `out`; MIP_DROP for what is not answered; MIP_RARE for what Python answers: the
 * apex, names of hosts, class CHAOS, and packets with a TSIG record. */
ssize_t mip_answer(
    const struct mip_served *served, const struct mip_peer *peer, const uint8_t *packet, size_t size, uint8_t *out);

/* The same where ahead.h has gone over the packet. */
ssize_t mip_reply(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *packet,
    size_t size,
    const struct mip_asked *asked,
    uint8_t *out);

#endif
