/* See udp.h. One turn: recvmmsg, answer each into its own buffer, sendmmsg. */
#define _GNU_SOURCE
#include "udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 64,
    LAST_BATCHES = 16,       /* when told to stop: at most so much of what waits is still answered */
    DATAGRAM_MAX = 65535,
    IN_STRIDE = 65536 + 256, /* all heads at one place of a page would fall into the same few sets of the cache */
    OUT_STRIDE = 1280,       /* at least MIP_OUT_SIZE */
    SEND_WAIT_MS = 10,
    UNDER_LOAD_MS = 1000,
};

_Static_assert(OUT_STRIDE >= (int)MIP_OUT_SIZE, "an answer fits its buffer");
_Static_assert(MIP_CONTROL_SIZE >= CMSG_SPACE(sizeof(struct in6_pktinfo)), "a control message fits its slot");

struct mip_udp {
    struct mip_reader reader;
    _Atomic(uint64_t) counters[MIP_COUNTERS];
    int fd;
    bool wildcard;
    socklen_t client_size;
    mip_answer_fn answer;
    mip_ahead_fn ahead; /* NULL: `answer` wants nothing of the kind */
    const struct mip_current *current;
    struct mip_bell *bell;
    int64_t pressed_since_ms; /* 0: the socket was found empty */
    _Alignas(64) _Atomic(bool) stopping;
    struct mmsghdr in[BATCH];
    struct mmsghdr out[BATCH];
    struct iovec in_vector[BATCH];
    struct iovec out_vector[BATCH];
    struct mip_way ways[BATCH];
    struct mip_asked asked[BATCH];
    _Alignas(64) uint8_t out_bytes[BATCH * OUT_STRIDE];
    struct mip_queue queue;
    _Alignas(4096) uint8_t in_bytes[BATCH * IN_STRIDE]; /* pages that no datagram reaches are never made */
};

/* Only the loop writes, so a plain load and store do; atomic, so that others may read. */
static void count(struct mip_udp *udp, unsigned which)
{
    _Atomic(uint64_t) *counter = &udp->counters[which];
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

struct mip_udp *mip_udp_new(
    int fd,
    bool wildcard,
    mip_ahead_fn ahead,
    mip_answer_fn answer,
    const struct mip_current *current,
    struct mip_bell *bell)
{
    struct sockaddr_storage own;
    socklen_t own_size = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0) {
        return NULL;
    }
    if (own.ss_family != AF_INET && own.ss_family != AF_INET6) {
        errno = EAFNOSUPPORT;
        return NULL;
    }
    void *pages = mmap(NULL, sizeof(struct mip_udp), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    struct mip_udp *udp = pages; /* all zero */
    udp->fd = fd;
    udp->wildcard = wildcard;
    udp->client_size = own.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    udp->ahead = ahead;
    udp->answer = answer;
    udp->current = current;
    udp->bell = bell;
    for (size_t slot = 0; slot < BATCH; slot++) {
        udp->in_vector[slot] = (struct iovec){&udp->in_bytes[slot * IN_STRIDE], DATAGRAM_MAX};
        struct msghdr *in = &udp->in[slot].msg_hdr;
        in->msg_iov = &udp->in_vector[slot];
        in->msg_iovlen = 1;
        in->msg_name = &udp->ways[slot].client;
        in->msg_namelen = udp->client_size;
        if (wildcard) {
            in->msg_control = udp->ways[slot].control;
            in->msg_controllen = MIP_CONTROL_SIZE;
        }
        udp->out_vector[slot].iov_base = &udp->out_bytes[slot * OUT_STRIDE];
        struct msghdr *out = &udp->out[slot].msg_hdr;
        out->msg_iov = &udp->out_vector[slot];
        out->msg_iovlen = 1;
        out->msg_namelen = udp->client_size;
    }
    return udp;
}

void mip_udp_free(struct mip_udp *udp)
{
    if (udp) {
        munmap(udp, sizeof *udp);
    }
}

/* Turn what told us the asked address into what makes the answer leave from it. The interface stays open: the way back
 * is the routing table's business, not the way in. Returns how many bytes to hand to the kernel. */
static uint32_t leave_from(struct msghdr *message)
{
    struct cmsghdr *head = CMSG_FIRSTHDR(message);
    if (!head) {
        return 0;
    }
    if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO &&
        head->cmsg_len == CMSG_LEN(sizeof(struct in_pktinfo))) {
        struct in_pktinfo asked;
        memcpy(&asked, CMSG_DATA(head), sizeof asked);
        struct in_pktinfo from = {.ipi_spec_dst = asked.ipi_spec_dst};
        memcpy(CMSG_DATA(head), &from, sizeof from);
        return CMSG_SPACE(sizeof from);
    }
    if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO &&
        head->cmsg_len == CMSG_LEN(sizeof(struct in6_pktinfo))) {
        struct in6_pktinfo from;
        memcpy(&from, CMSG_DATA(head), sizeof from);
        from.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(head), &from, sizeof from);
        return CMSG_SPACE(sizeof from);
    }
    return 0;
}

size_t mip_way_address(const struct mip_way *way, uint8_t address[16])
{
    if (way->client_size == sizeof(struct sockaddr_in)) {
        memcpy(address, (const uint8_t *)&way->client + offsetof(struct sockaddr_in, sin_addr), 4);
        return 4;
    }
    memcpy(address, &way->client.sin6_addr, 16);
    return 16;
}

static void hand_over(struct mip_udp *udp, unsigned slot, bool under_load)
{
    unsigned size = udp->in[slot].msg_len;
    if (size > MIP_RARE_SIZE) {
        count(udp, MIP_TOO_LONG);
        return;
    }
    struct mip_rare *rare = mip_queue_room(&udp->queue);
    if (!rare) {
        count(udp, MIP_OVERFLOW);
        return;
    }
    rare->way = udp->ways[slot];
    rare->way.client_size = udp->client_size;
    rare->under_load = under_load;
    rare->size = (uint16_t)size;
    memcpy(rare->packet, udp->in_vector[slot].iov_base, size);
    mip_queue_put(&udp->queue);
    count(udp, MIP_HANDED_OVER);
}

/* Answer `received` datagrams. Returns how many answers stand in `out`. */
static unsigned answer_all(struct mip_udp *udp, const struct mip_served *served, unsigned received, bool under_load)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    struct mip_peer peer = {.now = (uint32_t)now.tv_sec, .under_load = under_load};
    unsigned answers = 0, rare = 0;
    if (udp->ahead) {
        udp->ahead(served, udp->in, received, udp->asked);
    }
    for (unsigned slot = 0; slot < received; slot++) {
        struct mip_way *way = &udp->ways[slot];
        struct msghdr *in = &udp->in[slot].msg_hdr;
        if (in->msg_namelen == 0) {
            in->msg_namelen = udp->client_size;
            continue; /* no datagram: the word that nothing more comes */
        }
        if (udp->wildcard) {
            way->control_size = leave_from(in);
            in->msg_controllen = MIP_CONTROL_SIZE;
        }
        way->client_size = udp->client_size;
        peer.address_size = (uint8_t)mip_way_address(way, peer.address);
        uint8_t *bytes = udp->out_vector[answers].iov_base;
        ssize_t size = udp->answer(
            served, &peer, udp->in_vector[slot].iov_base, udp->in[slot].msg_len, &udp->asked[slot], bytes);
        if (size > 0) {
            struct msghdr *out = &udp->out[answers].msg_hdr;
            udp->out_vector[answers].iov_len = (size_t)size;
            out->msg_name = &way->client;
            if (udp->wildcard) {
                out->msg_control = way->control_size ? way->control : NULL;
                out->msg_controllen = way->control_size;
            }
            count(udp, MIP_ANSWERS + (bytes[3] & 15u));
            answers++;
        } else if (size == 0) {
            count(udp, MIP_DROPPED);
        } else {
            hand_over(udp, slot, under_load);
            rare++;
        }
    }
    if (rare) {
        mip_ring(udp->bell);
    }
    return answers;
}

static void send_all(struct mip_udp *udp, unsigned answers)
{
    bool waited = false;
    unsigned done = 0;
    while (done < answers) {
        int sent = sendmmsg(udp->fd, &udp->out[done], answers - done, MSG_DONTWAIT);
        if (sent > 0) {
            done += (unsigned)sent;
        } else if (errno == EAGAIN && !waited) {
            waited = true;
            struct pollfd room = {.fd = udp->fd, .events = POLLOUT};
            poll(&room, 1, SEND_WAIT_MS);
        } else if (errno != EINTR) {
            /* This one it is that cannot be sent: no room, no way back, or a forged port 0. */
            count(udp, MIP_UNSENT);
            done++;
        }
    }
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void turn(struct mip_udp *udp, unsigned received)
{
    bool under_load = udp->pressed_since_ms && monotonic_ms() - udp->pressed_since_ms >= UNDER_LOAD_MS;
    const struct mip_served *served = mip_enter(&udp->reader, udp->current);
    unsigned answers = answer_all(udp, served, received, under_load);
    mip_leave(&udp->reader);
    send_all(udp, answers);
    if (received < BATCH) {
        udp->pressed_since_ms = 0;
    } else if (!udp->pressed_since_ms) {
        udp->pressed_since_ms = monotonic_ms();
    }
}

int mip_udp_run(struct mip_udp *udp)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    for (int last = 0; last < LAST_BATCHES;) {
        bool stopping = atomic_load_explicit(&udp->stopping, memory_order_acquire);
        int received = recvmmsg(udp->fd, udp->in, BATCH, stopping ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        if (received > 0) {
            turn(udp, (unsigned)received);
            last += stopping;
        } else if (stopping) {
            break;
        } else if (errno == EBADF || errno == ENOTSOCK || errno == EINVAL || errno == EFAULT) {
            return errno;
        }
        /* Else an interruption, a queued ICMP error, or memory short: none is about a datagram to be answered. */
    }
    return 0;
}

void mip_udp_stop(struct mip_udp *udp)
{
    atomic_store_explicit(&udp->stopping, true, memory_order_release);
    /* Wakes a blocked recvmmsg. On an unconnected socket it says ENOTCONN and does its work all the same. */
    shutdown(udp->fd, SHUT_RD);
}

bool mip_udp_reply(const struct mip_udp *udp, const struct mip_way *way, const uint8_t *answer, size_t size)
{
    struct mip_way back = *way;
    /* The interface of sendmsg knows no const; neither the answer nor the way is written to. */
    struct iovec vector = {(void *)(uintptr_t)answer, size};
    struct msghdr message = {
        .msg_name = &back.client,
        .msg_namelen = back.client_size,
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = back.control_size ? back.control : NULL,
        .msg_controllen = back.control_size,
    };
    return sendmsg(udp->fd, &message, MSG_DONTWAIT) >= 0;
}

void mip_udp_count(const struct mip_udp *udp, uint64_t counters[MIP_COUNTERS])
{
    for (size_t which = 0; which < MIP_COUNTERS; which++) {
        counters[which] = atomic_load_explicit(&udp->counters[which], memory_order_relaxed);
    }
}

struct mip_reader *mip_udp_reader(struct mip_udp *udp)
{
    return &udp->reader;
}

struct mip_queue *mip_udp_queue(struct mip_udp *udp)
{
    return &udp->queue;
}
