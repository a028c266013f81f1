/* Which snapshot is served, and when the last reader of an old one has gone.
 *
 * In: a new pointer from the owner. Out: a pointer for each reader's batch, and to the owner the word that nobody reads
 * the old one any more. The one rule: a reader waits for nothing; only the owner does.
 */
#ifndef MIPDNS_EPOCH_H
#define MIPDNS_EPOCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mip_served;

/* What every reader looks at. Written by the owner alone, under whatever lock the owner has. */
struct mip_current {
    _Atomic(const struct mip_served *) served;
};

/* One reader's place: odd while it reads, even while it does not. Never goes back, so that an owner who saw an odd
 * number and then another one knows that the reader has looked again since. */
struct mip_reader {
    _Alignas(64) _Atomic(uint64_t) epoch;
};

/* Begin to read; the pointer is good until `mip_leave`. NULL where nothing is served yet. */
static inline const struct mip_served *mip_enter(struct mip_reader *reader, const struct mip_current *current)
{
    uint64_t epoch = atomic_load_explicit(&reader->epoch, memory_order_relaxed);
    /* Sequentially consistent, as is the owner's exchange: either the owner sees the odd number, or we its pointer. */
    atomic_exchange(&reader->epoch, epoch + 1);
    return atomic_load(&current->served);
}

/* Nothing that came from `mip_enter` is touched from here on. */
static inline void mip_leave(struct mip_reader *reader)
{
    uint64_t epoch = atomic_load_explicit(&reader->epoch, memory_order_relaxed);
    atomic_store_explicit(&reader->epoch, epoch + 1, memory_order_release);
}

/* Put another pointer in place and return the old one, which some reader may still be reading. */
const struct mip_served *mip_replace(struct mip_current *current, const struct mip_served *served);

/* Where a reader stands, for `mip_has_passed`. Ask after `mip_replace`. */
uint64_t mip_stands(const struct mip_reader *reader);

/* Whether the reader, seen at `epoch` after the replacement, can no longer hold the old pointer. */
bool mip_has_passed(const struct mip_reader *reader, uint64_t epoch);

#endif
