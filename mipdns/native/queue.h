/* Rare packets on their way from one hot loop to the Python responder.
 *
 * In: packets with whom to answer, from one thread. Out: the same in order, to one other thread. The one rule: putting
 * never waits, never allocates and never fails loudly; what finds no room is the caller's to count.
 */
#ifndef MIPDNS_QUEUE_H
#define MIPDNS_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

enum {
    MIP_QUEUE_SLOTS = 256, /* a power of two; half a megabyte for each loop, touched only when used */
    MIP_RARE_SIZE = 2048,  /* longer rare packets are dropped: no client sends such a query over UDP */
    MIP_CONTROL_SIZE = 64, /* room for one IP_PKTINFO or IPV6_PKTINFO, aligned as cmsg(3) wants it */
};

/* Where an answer goes, and from which of our addresses. */
struct mip_way {
    struct sockaddr_in6 client; /* or a sockaddr_in, as `client_size` tells */
    socklen_t client_size;
    uint32_t control_size; /* 0 where the kernel chooses the address */
    _Alignas(size_t) uint8_t control[MIP_CONTROL_SIZE];
};

struct mip_rare {
    struct mip_way way;
    bool under_load;
    uint16_t size;
    uint8_t packet[MIP_RARE_SIZE];
};

/* What the one consumer sleeps on; all queues share it. */
struct mip_bell {
    int eventfd;
    _Atomic(bool) asleep;
};

struct mip_queue {
    _Alignas(64) _Atomic(uint32_t) put;  /* slots ever filled, by the hot loop */
    _Alignas(64) _Atomic(uint32_t) taken; /* slots ever emptied, by the consumer */
    _Alignas(64) struct mip_rare slots[MIP_QUEUE_SLOTS];
};

/* The slot to fill, NULL if the consumer is that far behind; then `mip_queue_put` makes it visible. */
struct mip_rare *mip_queue_room(struct mip_queue *queue);
void mip_queue_put(struct mip_queue *queue);

/* The oldest packet, NULL if there is none; it stays in place until `mip_queue_take`. */
struct mip_rare *mip_queue_oldest(struct mip_queue *queue);
void mip_queue_take(struct mip_queue *queue);

/* Wake the consumer if it sleeps: at most one system call however many packets were put. */
void mip_ring(struct mip_bell *bell);

/* The consumer's: say that it is about to sleep, then look once more whether anything was put; and that it is awake. */
void mip_bell_asleep(struct mip_bell *bell);
void mip_bell_awake(struct mip_bell *bell);

#endif
