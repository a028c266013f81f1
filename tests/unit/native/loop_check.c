/* The parts of the UDP loop that share memory between threads, run under a sanitizer by test_sanitized.py.
 *
 * In: nothing. Out: exit code 0, or a line that says what does not hold. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "udp.h"

enum { PACKETS = 200000, SWAPS = 300, ASKED = 64 * 3, SLOW_US = 17000 };

static void hold(int what, const char *says)
{
    if (!what) {
        fprintf(stderr, "does not hold: %s\n", says);
        exit(1);
    }
}

/* The queue: a producer that never waits, a consumer that sleeps when it finds nothing. */

static struct mip_queue queue;
static struct mip_bell bell;
static unsigned overflow;
static _Atomic(bool) produced;

static void *produce(void *unused)
{
    for (uint32_t number = 0; number < PACKETS; number++) {
        struct mip_rare *rare = mip_queue_room(&queue);
        if (rare) {
            memcpy(rare->packet, &number, sizeof number);
            rare->size = sizeof number;
            mip_queue_put(&queue);
            mip_ring(&bell);
        } else {
            overflow++;
        }
        if (number % 1000 == 0) {
            usleep(1);
        }
    }
    atomic_store(&produced, true);
    uint64_t one = 1;
    hold(write(bell.eventfd, &one, sizeof one) == sizeof one, "the last ring is heard");
    return unused;
}

static void check_queue(void)
{
    pthread_t producer;
    bell.eventfd = eventfd(0, 0);
    pthread_create(&producer, NULL, produce, NULL);
    uint32_t next = 0, taken = 0;
    for (bool over = false; !over;) {
        mip_bell_asleep(&bell);
        over = atomic_load(&produced); /* before the last look, so that nothing is left behind */
        if (!over && !mip_queue_oldest(&queue)) {
            uint64_t rung;
            hold(read(bell.eventfd, &rung, sizeof rung) == sizeof rung, "a sleeper is woken");
        }
        mip_bell_awake(&bell);
        for (struct mip_rare *rare; (rare = mip_queue_oldest(&queue)); taken++) {
            uint32_t number;
            memcpy(&number, rare->packet, sizeof number);
            hold(number >= next, "packets come in their order");
            next = number + 1;
            mip_queue_take(&queue);
        }
    }
    pthread_join(producer, NULL);
    hold(taken + overflow == PACKETS, "each packet is taken once or counted as overflow");
}

/* The swap: what is served is freed as soon as the owner is told that it may be. A sanitizer sees a reader that was
 * still there. The answer is what the served memory says, twice: one made of two would be seen. */

struct mip_served_pair {
    struct mip_served served;
    uint8_t first, second;
};

static ssize_t say_pair(const struct mip_served *served, const struct mip_peer *peer, const uint8_t *packet,
                        size_t size, const struct mip_asked *asked, uint8_t *out)
{
    (void)peer;
    (void)asked;
    const struct mip_served_pair *pair = (const struct mip_served_pair *)served;
    memcpy(out, packet, size < 12 ? size : 12);
    out[12] = pair->first;
    out[13] = pair->second;
    return 14;
}

static const struct mip_served *made(unsigned number)
{
    struct mip_served_pair *pair = calloc(1, sizeof *pair);
    hold(pair != NULL, "there is memory");
    pair->first = pair->second = (uint8_t)number;
    return &pair->served;
}

static int bound(struct sockaddr_in *at, socklen_t *size)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *size = sizeof *at;
    hold(bind(fd, (struct sockaddr *)at, *size) == 0, "a port can be had");
    getsockname(fd, (struct sockaddr *)at, size);
    return fd;
}

static void *run(void *udp)
{
    hold(mip_udp_run(udp) == 0, "the loop ends well");
    return NULL;
}

static void check_swap(void)
{
    struct sockaddr_in at;
    socklen_t size;
    static struct mip_current current;
    int server = bound(&at, &size), client = socket(AF_INET, SOCK_DGRAM, 0);
    hold(connect(client, (struct sockaddr *)&at, size) == 0, "the server can be reached");
    free((void *)(uintptr_t)mip_replace(&current, made(0)));
    struct mip_udp *udp = mip_udp_new(server, false, NULL, say_pair, &current, &bell);
    pthread_t thread;
    pthread_create(&thread, NULL, run, udp);
    for (unsigned number = 1; number <= SWAPS; number++) {
        uint8_t packet[12] = {0}, answer[64] = {0};
        for (int at_once = 0; at_once < 20; at_once++) {
            hold(send(client, packet, sizeof packet, 0) == sizeof packet, "a query can be sent");
        }
        const struct mip_served *old = mip_replace(&current, made(number));
        uint64_t stood = mip_stands(mip_udp_reader(udp));
        while (!mip_has_passed(mip_udp_reader(udp), stood)) {
            usleep(10);
        }
        free((void *)(uintptr_t)old);
        for (int at_once = 0; at_once < 20; at_once++) {
            hold(recv(client, answer, sizeof answer, 0) == 14, "each query is answered");
            hold(answer[12] == answer[13], "no answer is made of two");
            hold(answer[12] == (uint8_t)number || answer[12] == (uint8_t)(number - 1), "what is served is answered");
        }
    }
    mip_udp_stop(udp);
    pthread_join(thread, NULL);
    mip_udp_free(udp);
    free((void *)(uintptr_t)mip_replace(&current, NULL));
    close(client);
    close(server);
}

/* Under load: the socket was not found empty for a whole second. A slow answer makes that happen. */

static bool pressed[ASKED + 1];
static unsigned answered;

static ssize_t slowly(const struct mip_served *served, const struct mip_peer *peer, const uint8_t *packet,
                      size_t size, const struct mip_asked *asked, uint8_t *out)
{
    (void)served, (void)packet, (void)size, (void)asked, (void)out;
    pressed[answered++] = peer->under_load;
    usleep(SLOW_US);
    return 0;
}

static void check_load(void)
{
    struct sockaddr_in at;
    socklen_t size;
    static struct mip_current current;
    int server = bound(&at, &size), client = socket(AF_INET, SOCK_DGRAM, 0);
    hold(connect(client, (struct sockaddr *)&at, size) == 0, "the server can be reached");
    for (int sent = 0; sent < ASKED; sent++) {
        hold(send(client, "twelve bytes", 12, 0) == 12, "a query can be sent");
    }
    struct mip_udp *udp = mip_udp_new(server, false, NULL, slowly, &current, &bell);
    pthread_t thread;
    pthread_create(&thread, NULL, run, udp);
    uint64_t counters[MIP_COUNTERS] = {0};
    while (counters[MIP_DROPPED] < ASKED) {
        usleep(1000);
        mip_udp_count(udp, counters);
    }
    usleep(100000); /* it finds the socket empty */
    hold(send(client, "twelve bytes", 12, 0) == 12, "a query can be sent");
    while (counters[MIP_DROPPED] < ASKED + 1) {
        usleep(1000);
        mip_udp_count(udp, counters);
    }
    mip_udp_stop(udp);
    pthread_join(thread, NULL);
    hold(!pressed[0] && !pressed[64], "full batches alone are no load");
    hold(pressed[128], "a socket that is not found empty for a second is under load");
    mip_udp_free(udp);
    close(client);
    close(server);
}

int main(void)
{
    check_queue();
    check_swap();
    check_load();
    return 0;
}
