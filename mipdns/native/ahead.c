#define _GNU_SOURCE
#include "ahead.h"

#include <string.h>
#include <sys/socket.h>

enum { QNAME_AT = 12, LABELS = 4, WORTH_IT = 3 };

uint32_t mip_guess(const struct mip_served *served, const uint8_t *packet, size_t size)
{
    uint32_t address = 0;
    size_t at = QNAME_AT;
    for (unsigned label = 0; label < LABELS; label++) {
        if (at + 4 > size)
            return 0;
        uint32_t text, length = packet[at];
        if (length - 1 > 2)
            return 0;
        /* The length and three characters; the last of the label's own becomes the highest. */
        memcpy(&text, packet + at, sizeof text);
        text = (text & 0x0F0F0F00) << (24 - 8 * length);
        uint32_t octet = 100 * (text >> 8 & 0xFF) + 10 * (text >> 16 & 0xFF) + (text >> 24);
        address |= (octet & 0xFF) << 8 * label;
        at += 1 + length;
    }
    __builtin_prefetch(served->index.v4_directory + (address >> served->index.directory_shift));
    return address;
}

void mip_fetch(const struct mip_served *served, uint32_t guess)
{
    const struct mip_index *index = &served->index;
    if (guess == 0)
        return;
    const uint32_t *bucket = index->v4_directory + (guess >> index->directory_shift);
    uint32_t start = bucket[0], stop = bucket[1];
    if (start > stop || stop > index->v4.rows)
        return;
    /* Addresses are spread about evenly within a bucket, so the row lies about as far into it as the address does. */
    uint64_t into = guess & ((1u << index->directory_shift) - 1);
    uint32_t row = start + (uint32_t)(into * (stop - start) >> index->directory_shift);
    __builtin_prefetch(index->v4_first + start);
    __builtin_prefetch(index->v4_first + stop);
    __builtin_prefetch(index->v4_last + row);
    __builtin_prefetch(index->v4.payload + (size_t)row * index->payload_width);
}

void mip_read_ahead(const struct mip_served *served, const struct mmsghdr *packets, unsigned count)
{
    uint32_t guesses[MIP_AHEAD_MAX];
    if (count < WORTH_IT)
        return;
    if (count > MIP_AHEAD_MAX)
        count = MIP_AHEAD_MAX;
    for (unsigned i = 0; i < count; i++)
        guesses[i] = mip_guess(served, packets[i].msg_hdr.msg_iov->iov_base, packets[i].msg_len);
    for (unsigned i = 0; i < count; i++)
        mip_fetch(served, guesses[i]);
}
