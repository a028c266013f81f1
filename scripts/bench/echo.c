/* The least that a UDP server can do: each datagram comes back as SIZE bytes, in batches, by one thread.
 *
 *     cc -O2 -o echo scripts/bench/echo.c && ./echo 127.0.0.1 5353 75
 *
 * It knows no DNS but the bit that says "response" (a client's DNS library wants it), so what it costs is the price of
 * recvmmsg, sendmmsg and the kernel between them: the floor that a DNS server is measured against. Ends with SIGTERM.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { BATCH = 64, BYTES = 1280 };

static unsigned char received_bytes[BATCH][BYTES], sent_bytes[BATCH][BYTES];
static struct sockaddr_in6 clients[BATCH];
static struct iovec received_vectors[BATCH], sent_vectors[BATCH];
static struct mmsghdr received[BATCH], sent[BATCH];

static int die(const char *what)
{
    perror(what);
    return 1;
}

int main(int argc, char **argv)
{
    long size = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (size < 12 || size > BYTES) {
        fprintf(stderr, "usage: %s ADDRESS PORT SIZE (12 to %d)\n", argv[0], BYTES);
        return 2;
    }
    unsigned short port = htons((unsigned short)strtol(argv[2], NULL, 10));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = port};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = port};
    int is_v4 = inet_pton(AF_INET, argv[1], &v4.sin_addr) == 1;
    if (!is_v4 && inet_pton(AF_INET6, argv[1], &v6.sin6_addr) != 1) {
        fprintf(stderr, "%s: no address: %s\n", argv[0], argv[1]);
        return 2;
    }
    int udp = socket(is_v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (udp < 0) {
        return die("socket");
    }
    int buffer = 4 << 20; /* as the servers that it is compared with */
    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(udp, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    const struct sockaddr *own = is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
    socklen_t own_size = is_v4 ? sizeof v4 : sizeof v6;
    if (bind(udp, own, own_size) != 0) {
        return die("bind");
    }
    for (int slot = 0; slot < BATCH; slot++) {
        received_vectors[slot] = (struct iovec){received_bytes[slot], BYTES};
        received[slot].msg_hdr = (struct msghdr){
            .msg_name = &clients[slot], .msg_namelen = own_size, .msg_iov = &received_vectors[slot], .msg_iovlen = 1};
        sent_vectors[slot] = (struct iovec){sent_bytes[slot], (size_t)size};
        sent[slot].msg_hdr = (struct msghdr){
            .msg_name = &clients[slot], .msg_namelen = own_size, .msg_iov = &sent_vectors[slot], .msg_iovlen = 1};
    }
    for (;;) {
        int count = recvmmsg(udp, received, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0) {
            return die("recvmmsg");
        }
        for (int slot = 0; slot < count; slot++) {
            for (long at = 0; at < size; at++) {
                sent_bytes[slot][at] = at < received[slot].msg_len ? received_bytes[slot][at] : 0;
            }
            sent_bytes[slot][2] |= 0x80;
        }
        for (int done = 0; done < count;) {
            int now = sendmmsg(udp, sent + done, (unsigned)(count - done), 0);
            done += now > 0 ? now : 1; /* what cannot be sent is lost */
        }
    }
}
