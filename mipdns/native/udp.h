/* The hot loop: datagrams in, answers out, on one socket, by one thread.
 *
 * In: a bound UDP socket and what is served. Out: answers, counters, and a queue of what Python shall answer. The one
 * rule: after `mip_udp_new` nothing is allocated, and nothing in the loop waits but for the next datagram.
 */
#ifndef MIPDNS_UDP_H
#define MIPDNS_UDP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "answer.h"
#include "epoch.h"
#include "queue.h"

struct mmsghdr;

/* `mip_read_ahead`, told of a batch before its first packet is answered; in tests nothing. */
typedef void (*mip_ahead_fn)(
    const struct mip_served *served, const struct mmsghdr *packets, unsigned count, struct mip_asked *asked);

/* `mip_reply`, or in tests something simpler. */
typedef ssize_t (*mip_answer_fn)(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *packet,
    size_t size,
    const struct mip_asked *asked,
    uint8_t *out);

/* What a loop counts since its start. */
enum mip_udp_counter {
    MIP_ANSWERS = 0,    /* sixteen of them, by the rcode in the header */
    MIP_DROPPED = 16,   /* deserve no answer */
    MIP_UNSENT,         /* the kernel would not take the answer */
    MIP_HANDED_OVER,    /* rare: put in the queue */
    MIP_OVERFLOW,       /* rare, and the queue was full */
    MIP_TOO_LONG,       /* rare, and longer than a queue's slot */
    MIP_COUNTERS
};

struct mip_udp;

/* A loop for a bound socket, which stays the caller's, must be blocking, and outlives the loop. wildcard: the socket is
 * bound to every address and tells by IP_PKTINFO or IPV6_PKTINFO which was asked. NULL and errno where there is no
 * memory, or where the socket is neither AF_INET nor AF_INET6 (EAFNOSUPPORT). */
struct mip_udp *mip_udp_new(
    int fd,
    bool wildcard,
    mip_ahead_fn ahead,
    mip_answer_fn answer,
    const struct mip_current *current,
    struct mip_bell *bell);
void mip_udp_free(struct mip_udp *udp);

/* Answer until `mip_udp_stop`; then answer what has arrived, and return 0. Otherwise the errno of a socket that is
 * none. Call it once, in a thread of its own, whose signals it blocks. */
int mip_udp_run(struct mip_udp *udp);

/* From any other thread: end the loop soon. The socket reads nothing new afterwards. */
void mip_udp_stop(struct mip_udp *udp);

/* From the consumer of the queue: send its answer the way back. Returns false if the kernel would not take it. */
bool mip_udp_reply(const struct mip_udp *udp, const struct mip_way *way, const uint8_t *answer, size_t size);

/* The client's 4 or 16 address bytes, put where `address` says; returns how many. */
size_t mip_way_address(const struct mip_way *way, uint8_t address[16]);

/* From any thread: the counters as they are now. */
void mip_udp_count(const struct mip_udp *udp, uint64_t counters[MIP_COUNTERS]);

struct mip_reader *mip_udp_reader(struct mip_udp *udp);
struct mip_queue *mip_udp_queue(struct mip_udp *udp);

#endif
