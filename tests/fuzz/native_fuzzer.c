/* Whatever bytes arrive, mip_answer stays inside the packet and its buffer, and what it says of its answer's size holds.
 *
 * For libFuzzer, with the address and undefined-behaviour sanitizers. The first byte chooses who asks, the rest is the
 * packet. $MIPDNS_FUZZ_INDEX names an index file. That answers are the right ones is tests/differential/'s to hold. */
#include "native_world.h"

static struct mip_served served;

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count;
    (void)words;
    const char *path = getenv("MIPDNS_FUZZ_INDEX");
    size_t size;
    if (!path) {
        fprintf(stderr, "set MIPDNS_FUZZ_INDEX to an index file\n");
        exit(1);
    }
    const uint8_t *index = world_read(path, &size);
    served = world_served(index, size);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct mip_peer peer = {.address = {192, 0, 2, 1}, .address_size = 4, .now = 1760000600};
    peer.under_load = data[0] & 1;
    peer.address_size = data[0] & 2 ? 16 : 4;
    served.secret_count = data[0] >> 2 & 1 ? 2 : 0;
    served.nsid_size = data[0] >> 3 & 1 ? 8 : 0;
    /* Buffers of the exact sizes, so that the sanitizer sees one byte too far. */
    uint8_t *packet = malloc(size - 1), *out = malloc(MIP_OUT_SIZE);
    if ((!packet && size > 1) || !out)
        abort();
    memcpy(packet, data + 1, size - 1);
    ssize_t written = mip_answer(&served, &peer, packet, size - 1, out);
    if (written != MIP_RARE && written != MIP_DROP) {
        if (written < 12 || written > MIP_OUT_SIZE || memcmp(out, packet, 2) != 0 || !(out[2] & 0x80))
            abort();
    }
    free(packet);
    free(out);
    return 0;
}
