/* Whatever bytes arrive, mip_answer stays inside the packet, the index and its buffer, and what it says of its answer's
 * size holds; and so it does where the index is damaged, whose body nobody checks when it is opened.
 *
 * For libFuzzer, with the address and undefined-behaviour sanitizers. The first byte chooses who asks, and whether the
 * next eight damage the index; the rest is the packet. $MIPDNS_FUZZ_INDEX names an index file. That answers are the
 * right ones is tests/differential/'s to hold. */
#include "ahead.h"
#include "native_world.h"

static struct mip_served served;
static uint8_t *body; /* of the index, behind its header */
static size_t body_size;

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
    uint8_t *index = world_read(path, &size);
    served = world_served(index, size);
    body = index + MIP_HEADER_SIZE;
    body_size = size - MIP_HEADER_SIZE;
    return 0;
}

static void answer_one(uint8_t who, const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] < 0x80 || size < 9) {
        answer_one(data[0], data + 1, size - 1);
        return 0;
    }
    uint32_t place, damage, sound;
    memcpy(&place, data + 1, sizeof place);
    memcpy(&damage, data + 5, sizeof damage);
    uint8_t *at = body + place % (body_size - sizeof sound);
    memcpy(&sound, at, sizeof sound);
    memcpy(at, &damage, sizeof damage);
    answer_one(data[0], data + 9, size - 9);
    memcpy(at, &sound, sizeof sound);
    return 0;
}

static void answer_one(uint8_t who, const uint8_t *data, size_t size)
{
    struct mip_peer peer = {.address = {192, 0, 2, 1}, .address_size = 4, .now = 1760000600};
    peer.under_load = who & 1;
    peer.address_size = who & 2 ? 16 : 4;
    served.secret_count = who >> 2 & 1 ? 2 : 0;
    served.nsid_size = who >> 3 & 1 ? 8 : 0;
    /* Buffers of the exact sizes, so that the sanitizer sees one byte too far. */
    uint8_t *packet = malloc(size), *out = malloc(MIP_OUT_SIZE);
    if ((!packet && size) || !out)
        abort();
    memcpy(packet, data, size);
    ssize_t written = mip_answer(&served, &peer, packet, size, out);
    if (written != MIP_RARE && written != MIP_DROP) {
        if (written < 12 || written > MIP_OUT_SIZE || memcmp(out, packet, 2) != 0 || !(out[2] & 0x80))
            abort();
    }
    free(packet);
    free(out);
}
