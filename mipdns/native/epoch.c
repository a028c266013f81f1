/* The owner's side of `epoch.h`. */
#include "epoch.h"

const struct mip_served *mip_replace(struct mip_current *current, const struct mip_served *served)
{
    return atomic_exchange(&current->served, served);
}

uint64_t mip_stands(const struct mip_reader *reader)
{
    return atomic_load(&reader->epoch);
}

bool mip_has_passed(const struct mip_reader *reader, uint64_t epoch)
{
    return epoch % 2 == 0 || atomic_load_explicit(&reader->epoch, memory_order_acquire) != epoch;
}
