#define _GNU_SOURCE
#include "ahead.h"

#include <sys/socket.h>

#include "v4.h"
#include "wire.h"

static inline void fetch(const struct mip_served *served, struct mip_asked *asked)
{
    const struct mip_index *index = &served->index;
    if (!asked->zone)
        return;
    if (asked->is_v4) {
        asked->span = mip_span4(index, (uint32_t)asked->address.low);
        __builtin_prefetch(index->v4.lines + (size_t)asked->span.start * MIP_ALIGNMENT);
        __builtin_prefetch(index->v4.lines + (size_t)asked->span.stop * MIP_ALIGNMENT);
    } else {
        asked->line = mip_line6(index, asked->address.high);
        __builtin_prefetch(index->v6.lines + (size_t)asked->line * MIP_ALIGNMENT);
    }
}

static inline void find(const struct mip_served *served, struct mip_asked *asked)
{
    const struct mip_index *index = &served->index;
    if (!asked->zone)
        return;
    if (asked->is_v4)
        asked->entry = mip_find4(index, asked->span, (uint32_t)asked->address.low);
    else
        asked->entry = mip_find6(index, asked->line, asked->address);
    if (asked->qtype == MIP_TXT && asked->entry.facts)
        __builtin_prefetch(mip_payload_of(index, asked->entry));
}

void mip_fetch(const struct mip_served *served, struct mip_asked *asked)
{
    fetch(served, asked);
}

void mip_find(const struct mip_served *served, struct mip_asked *asked)
{
    find(served, asked);
}

void mip_read_ahead(
    const struct mip_served *served, const struct mmsghdr *packets, unsigned count, struct mip_asked *asked)
{
    for (unsigned i = 0; i < count; i++)
        mip_ask(served, packets[i].msg_hdr.msg_iov->iov_base, packets[i].msg_len, &asked[i]);
    for (unsigned i = 0; i < count; i++)
        fetch(served, &asked[i]);
    for (unsigned i = 0; i < count; i++)
        find(served, &asked[i]);
}
