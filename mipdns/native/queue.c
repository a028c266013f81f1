/* See queue.h. One producer, one consumer, two counters that only grow. */
#include "queue.h"

#include <unistd.h>

struct mip_rare *mip_queue_room(struct mip_queue *queue)
{
    uint32_t put = atomic_load_explicit(&queue->put, memory_order_relaxed);
    uint32_t taken = atomic_load_explicit(&queue->taken, memory_order_acquire);
    return put - taken < MIP_QUEUE_SLOTS ? &queue->slots[put % MIP_QUEUE_SLOTS] : NULL;
}

void mip_queue_put(struct mip_queue *queue)
{
    uint32_t put = atomic_load_explicit(&queue->put, memory_order_relaxed);
    /* Sequentially consistent against `mip_bell_asleep`: a consumer that goes to sleep sees the packet, or we see that
     * it sleeps. */
    atomic_store(&queue->put, put + 1);
}

struct mip_rare *mip_queue_oldest(struct mip_queue *queue)
{
    uint32_t taken = atomic_load_explicit(&queue->taken, memory_order_relaxed);
    uint32_t put = atomic_load(&queue->put);
    return put != taken ? &queue->slots[taken % MIP_QUEUE_SLOTS] : NULL;
}

void mip_queue_take(struct mip_queue *queue)
{
    uint32_t taken = atomic_load_explicit(&queue->taken, memory_order_relaxed);
    atomic_store_explicit(&queue->taken, taken + 1, memory_order_release);
}

void mip_ring(struct mip_bell *bell)
{
    if (!atomic_load(&bell->asleep) || !atomic_exchange(&bell->asleep, false)) {
        return;
    }
    uint64_t one = 1;
    /* It can only fail when the counter is at its end, and then the consumer is being woken already. */
    ssize_t written = write(bell->eventfd, &one, sizeof one);
    (void)written;
}

void mip_bell_asleep(struct mip_bell *bell)
{
    atomic_store(&bell->asleep, true);
}

void mip_bell_awake(struct mip_bell *bell)
{
    atomic_store(&bell->asleep, false);
}
