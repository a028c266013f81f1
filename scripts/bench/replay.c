/* Answers the packets of a file so many times over: what callgrind counts, valgrind checks and a clock measures.
 *
 *     replay INDEX PACKETS ROUNDS      PACKETS: each with its length in two bytes before it, as over TCP
 *
 * Prints packets, bytes of all answers, and nanoseconds an answer. */
#include <time.h>

#include "ahead.h"
#include "native_world.h"

enum { BATCH = 64 }; /* as the server takes them from its socket */

int main(int count, char **words)
{
    if (count != 4) {
        fprintf(stderr, "usage: replay INDEX PACKETS ROUNDS\n");
        return 2;
    }
    size_t index_size, size;
    uint8_t *index = world_read(words[1], &index_size);
    uint8_t *packets = world_read(words[2], &size);
    struct mip_served served = world_served(index, index_size);
    struct mip_peer peer = {.address = {192, 0, 2, 1}, .address_size = 4, .now = 1760000600};
    uint8_t out[MIP_OUT_SIZE];
    unsigned long answered = 0, bytes = 0;
    long rounds = atol(words[3]);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long round = 0; round < rounds; round++) {
        for (size_t at = 0; at + 2 <= size;) {
            const uint8_t *packet[BATCH];
            size_t length[BATCH];
            struct mip_asked asked[BATCH];
            unsigned batch = 0;
            for (; batch < BATCH && at + 2 <= size; batch++) {
                length[batch] = (size_t)packets[at] << 8 | packets[at + 1];
                at += 2;
                if (length[batch] > size - at)
                    length[batch] = size - at;
                packet[batch] = packets + at;
                at += length[batch];
            }
            for (unsigned i = 0; i < batch; i++)
                mip_ask(&served, packet[i], length[i], &asked[i]);
            for (unsigned i = 0; i < batch; i++)
                mip_fetch(&served, &asked[i]);
            for (unsigned i = 0; i < batch; i++)
                mip_find(&served, &asked[i]);
            for (unsigned i = 0; i < batch; i++) {
                ssize_t written = mip_reply(&served, &peer, packet[i], length[i], &asked[i], out);
                bytes += written > 0 ? (unsigned long)written : 0;
            }
            answered += batch;
        }
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double ns = (double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec);
    printf("%lu packets, %lu bytes, %.1f ns each\n", answered, bytes, answered ? ns / (double)answered : 0.0);
    free(packets);
    free(index);
    return 0;
}
