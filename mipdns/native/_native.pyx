# cython: language_level=3
"""The border between Python and the C files beside it. In: Python's frozen structs. Out: the C structs made from them.

The one rule: nothing is decided here.
"""

import time

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from mipdns.answer import Peer, wire
from mipdns.answer.lists import SUB_LISTS, make_lists
from mipdns.answer.zone import inside, said, stands_in_a_list


cdef extern from "<stdbool.h>":
    ctypedef bint bool


cdef extern from "answer.h" nogil:
    enum:
        MIP_DROP
        MIP_RARE
        MIP_OUT_SIZE
        MIP_NAME_MAX
        MIP_SOA_RECORD_MAX
        MIP_NSID_MAX
        MIP_SOUND

    struct mip_index:
        uint32_t serial

    struct mip_host:
        uint8_t name[255]
        uint8_t size

    struct mip_zone:
        uint8_t origin[255]
        uint8_t origin_size
        uint8_t origin_labels
        uint8_t floor
        bool has_all
        bool has_thresholds
        bool has_bits
        bool has_classes
        uint16_t soa_size
        uint32_t ttl
        uint8_t *soa
        const mip_host *hosts
        size_t host_count

    struct mip_secret:
        uint64_t k0
        uint64_t k1

    struct mip_served:
        mip_index index
        const mip_zone *zones
        size_t zone_count
        mip_secret *secrets
        size_t secret_count
        uint8_t nsid[128]
        uint8_t nsid_size

    struct mip_peer:
        uint8_t address[16]
        uint8_t address_size
        bool under_load
        uint32_t now

    int mip_index_open(mip_index *index, const uint8_t *map, size_t size)
    ssize_t mip_answer(const mip_served *served, const mip_peer *peer, const uint8_t *packet, size_t size, uint8_t *out)


    struct mip_asked:
        pass

    void mip_ask(const mip_served *served, const uint8_t *packet, size_t size, mip_asked *asked)
    ssize_t mip_reply(
        const mip_served *served,
        const mip_peer *peer,
        const uint8_t *packet,
        size_t size,
        const mip_asked *asked,
        uint8_t *out,
    )


cdef extern from "<sys/eventfd.h>" nogil:
    enum:
        EFD_CLOEXEC

    int eventfd(unsigned int initial, int flags)


cdef extern from "<unistd.h>" nogil:
    ssize_t read(int fd, void *bytes, size_t size)
    ssize_t write(int fd, const void *bytes, size_t size)
    int close(int fd)
    int usleep(unsigned int us)


cdef extern from "udp.h" nogil:
    enum:
        MIP_COUNTERS

    struct mip_current:
        pass

    struct mip_reader:
        pass

    struct mip_bell:
        int eventfd

    struct mip_way:
        pass

    struct mip_rare:
        mip_way way
        bool under_load
        uint16_t size
        uint8_t *packet

    struct mip_queue:
        pass

    struct mip_udp:
        pass

    ctypedef void (*mip_ahead_fn)(const mip_served *, const mmsghdr *, unsigned, mip_asked *)
    ctypedef ssize_t (*mip_answer_fn)(
        const mip_served *, const mip_peer *, const uint8_t *, size_t, const mip_asked *, uint8_t *
    )

    const mip_served *mip_replace(mip_current *current, const mip_served *served)
    uint64_t mip_stands(const mip_reader *reader)
    bool mip_has_passed(const mip_reader *reader, uint64_t epoch)
    mip_rare *mip_queue_oldest(mip_queue *queue)
    void mip_queue_take(mip_queue *queue)
    void mip_bell_asleep(mip_bell *bell)
    void mip_bell_awake(mip_bell *bell)
    mip_udp *mip_udp_new(
        int fd, bool wildcard, mip_ahead_fn ahead, mip_answer_fn answer, const mip_current *current, mip_bell *bell
    )
    void mip_udp_free(mip_udp *udp)
    int mip_udp_run(mip_udp *udp)
    void mip_udp_stop(mip_udp *udp)
    bool mip_udp_reply(const mip_udp *udp, const mip_way *way, const uint8_t *answer, size_t size)
    size_t mip_way_address(const mip_way *way, uint8_t *address)
    void mip_udp_count(const mip_udp *udp, uint64_t *counters)
    mip_reader *mip_udp_reader(mip_udp *udp)
    mip_queue *mip_udp_queue(mip_udp *udp)


cdef extern from "ahead.h" nogil:
    struct mmsghdr:
        pass

    void mip_fetch(const mip_served *served, mip_asked *asked)
    void mip_find(const mip_served *served, mip_asked *asked)
    void mip_read_ahead(const mip_served *served, const mmsghdr *packets, unsigned count, mip_asked *asked)


cdef extern from "numbers.h" nogil:
    enum:
        MIP_KEY_SIZE

    struct mip_numbers:
        const uint8_t *keys
        size_t count

    bool mip_number(mip_numbers *numbers, const uint8_t *keys, size_t count, uint32_t *out)
    void mip_numbers_free(mip_numbers *numbers)


class Rare:
    """The type of RARE."""

    def __repr__(self):
        return "RARE"


RARE = Rare()

_FAULTS = (
    "",
    "shorter than a header",
    "not an index of mipdns",
    "of another format version",
    "of another size than its header says",
    "impossible counts in its header",
    "a section is misplaced or has the wrong size",
)


cdef class Served:
    """What the C code answers from: zones, an index, cookie secrets. Immutable; keeps the index's memory alive."""

    cdef mip_served c
    cdef mip_zone *zones
    cdef mip_host *hosts
    cdef Py_buffer view
    cdef bint held
    cdef readonly tuple secrets

    def __cinit__(self, zones, index, secrets):
        PyObject_GetBuffer(index, &self.view, PyBUF_SIMPLE)
        self.held = True
        if <uintptr_t>self.view.buf % 8:
            raise ValueError("the index lies at an odd address; map the file")
        fault = mip_index_open(&self.c.index, <const uint8_t *>self.view.buf, self.view.len)
        if fault != MIP_SOUND:
            raise ValueError(f"no usable index: {_FAULTS[fault]}")
        self._take_zones(zones)
        self._take_secrets(secrets)
        nsid = said(zones.identity.nsid) or b""
        if len(nsid) > MIP_NSID_MAX:
            raise ValueError(f"an NSID of more than {MIP_NSID_MAX} bytes")
        memcpy(self.c.nsid, <const uint8_t *>nsid, len(nsid))
        self.c.nsid_size = len(nsid)

    def __dealloc__(self):
        free(self.zones)
        free(self.hosts)
        if self.held:
            PyBuffer_Release(&self.view)

    @property
    def serial(self):
        """The build's SOA serial."""
        return self.c.index.serial

    cdef _take_zones(self, zones):
        known = [zone for zone in zones.by_origin.values() if zone.origin]
        # The short way looks for an origin behind an address, and asks neither what else might stand there.
        for zone in known:
            if any(inside(zone.origin, other.origin) for other in known if other is not zone):
                raise ValueError(f"zone {zone.origin} lies inside another")
            if any(stands_in_a_list((*name, *zone.origin), zone.origin) for name in zone.hosts):
                raise ValueError(f"zone {zone.origin}: a name server stands in a list")
        self.zones = <mip_zone *>calloc(len(known) or 1, sizeof(mip_zone))
        self.hosts = <mip_host *>calloc(sum(len(zone.hosts) for zone in known) or 1, sizeof(mip_host))
        if not self.zones or not self.hosts:
            raise MemoryError
        self.c.zones = self.zones
        self.c.zone_count = len(known)
        cdef mip_host *hosts = self.hosts
        for number, zone in enumerate(known):
            _fill_zone(&self.zones[number], zone, self.c.index.serial)
            self.zones[number].hosts = hosts
            for name in zone.hosts:
                text = _bounded(wire.encode_name(name)[:-1])
                memcpy(hosts.name, <const uint8_t *>text, len(text))
                hosts.size = len(text)
                hosts += 1
            self.zones[number].host_count = len(zone.hosts)

    cdef _take_secrets(self, secrets):
        self.secrets = tuple(secrets)
        if len(self.secrets) > 2 or any(len(secret) != 16 for secret in self.secrets):
            raise ValueError("there are at most two secrets of 16 bytes each")
        for number, secret in enumerate(self.secrets):
            self.c.secrets[number].k0 = int.from_bytes(secret[:8], "little")
            self.c.secrets[number].k1 = int.from_bytes(secret[8:], "little")
        self.c.secret_count = len(self.secrets)


cdef _fill_zone(mip_zone *c, zone, serial):
    kinds = [kind for kind, label in zip(SUB_LISTS, _SAMPLES, strict=True) if label in zone.lists]
    floor = zone.lists[()].floor
    if make_lists(floor, kinds) != zone.lists:
        raise ValueError(f"zone {zone.origin}: lists that no zone file can ask for")
    origin = _bounded(wire.encode_name(zone.origin))
    soa = wire.record(b"\0\0", wire.SOA, zone.negative_ttl, zone.soa(serial))
    if len(soa) > MIP_SOA_RECORD_MAX:
        raise ValueError(f"zone {zone.origin}: an SOA record with names that are too long")
    memcpy(c.origin, <const uint8_t *>origin, len(origin))
    c.origin_size = len(origin)
    c.origin_labels = len(zone.origin)
    c.floor = floor
    c.has_all, c.has_thresholds, c.has_bits, c.has_classes = (kind in kinds for kind in SUB_LISTS)
    c.ttl = zone.ttl
    memcpy(c.soa, <const uint8_t *>soa, len(soa))
    c.soa_size = len(soa)


# A list of each kind, in the order of SUB_LISTS.
_SAMPLES = ((b"all",), (b"t01",), (b"bits",), (b"cgnat",))


cdef bytes _bounded(name):
    if len(name) > MIP_NAME_MAX:
        raise ValueError("a name of more than 255 bytes")
    return name


cdef _fill_peer(mip_peer *c, peer):
    if len(peer.address) not in (4, 16):
        raise ValueError("an address is 4 or 16 bytes")
    memcpy(c.address, <const uint8_t *>peer.address, len(peer.address))
    c.address_size = len(peer.address)
    c.under_load = peer.under_load
    c.now = peer.now & 0xFFFFFFFF


def answer(Served served not None, bytes packet not None, peer):
    """As `mipdns.answer.respond`, or RARE, and that for everything over TCP."""
    cdef mip_peer asking
    cdef uint8_t out[MIP_OUT_SIZE]
    if tuple(peer.cookie_secrets) != served.secrets:
        raise ValueError("the peer's cookie secrets are not those that are served")
    if peer.transport != "udp":
        return RARE
    _fill_peer(&asking, peer)
    size = mip_answer(&served.c, &asking, packet, len(packet), out)
    if size == MIP_RARE:
        return RARE
    return None if size == MIP_DROP else out[:size]


cdef class Numbers:
    """Numbers for keys of 24 bytes, in the order in which they are first met."""

    cdef mip_numbers c

    def __dealloc__(self):
        mip_numbers_free(&self.c)

    def __len__(self):
        return self.c.count

    def number(self, bytes keys not None):
        """The keys' numbers, 32 bits each."""
        cdef Py_ssize_t count = len(keys) // MIP_KEY_SIZE
        if len(keys) % MIP_KEY_SIZE:
            raise ValueError(f"keys are of {MIP_KEY_SIZE} bytes")
        made = bytearray(4 * count)
        cdef uint8_t *out = made
        if not mip_number(&self.c, keys, count, <uint32_t *>out):
            raise MemoryError
        return bytes(made)

    def in_order(self):
        """All keys, by their numbers."""
        return [(<const uint8_t *>self.c.keys)[at : at + MIP_KEY_SIZE]
                for at in range(0, self.c.count * MIP_KEY_SIZE, MIP_KEY_SIZE)]


def bench(Served served not None, packets, size_t rounds, size_t at_once=64):
    """Seconds for answering all packets so many times in a row, without the GIL, by one thread, as a server does.

    at_once: how many it finds waiting, at most 64.
    """
    cdef mip_peer peer
    cdef uint8_t out[MIP_OUT_SIZE]
    cdef mip_asked asked[64]
    cdef const uint8_t *packet[64]
    cdef size_t count = len(packets), number, turn, start, batch
    if not 1 <= at_once <= 64:
        raise ValueError("1 to 64 at once")
    joined = b"".join(packets)
    cdef const uint8_t *at
    cdef const uint8_t *first = joined
    cdef size_t *sizes = <size_t *>calloc(count or 1, sizeof(size_t))
    if not sizes:
        raise MemoryError
    try:
        _fill_peer(&peer, Peer("udp", bytes(4), 0, served.secrets))
        for number in range(count):
            sizes[number] = len(packets[number])
        began = time.perf_counter()
        with nogil:
            for turn in range(rounds):
                at, start = first, 0
                while start < count:
                    batch = min(count - start, at_once)
                    for number in range(batch):
                        packet[number] = at
                        mip_ask(&served.c, at, sizes[start + number], &asked[number])
                        at += sizes[start + number]
                    for number in range(batch):
                        mip_fetch(&served.c, &asked[number])
                    for number in range(batch):
                        mip_find(&served.c, &asked[number])
                    for number in range(batch):
                        mip_reply(&served.c, &peer, packet[number], sizes[start + number], &asked[number], out)
                    start += batch
        return time.perf_counter() - began
    finally:
        free(sizes)


cdef class UdpGroup:
    """What all loops of a server share: what is served, and the bell that wakes whoever answers rare packets."""

    cdef mip_current current
    cdef mip_bell bell
    cdef Served served
    cdef list workers

    def __cinit__(self, Served served not None):
        self.bell.eventfd = eventfd(0, EFD_CLOEXEC)
        if self.bell.eventfd < 0:
            raise OSError("no eventfd can be had")
        self.workers = []
        self.served = served
        mip_replace(&self.current, &served.c)

    def __dealloc__(self):
        if self.bell.eventfd >= 0:
            close(self.bell.eventfd)

    def replace(self, Served served not None):
        """Serve something else. When this returns, no loop reads the old one any more."""
        old = self.served
        mip_replace(&self.current, &served.c)
        self.served = served
        cdef UdpWorker worker
        cdef mip_reader *reader
        cdef uint64_t stood
        for worker in self.workers:
            reader = mip_udp_reader(worker.udp)
            stood = mip_stands(reader)
            with nogil:
                while not mip_has_passed(reader, stood):
                    usleep(50)
        del old

    def sleep(self):
        """Wait until a rare packet is there, or `wake` is called."""
        cdef UdpWorker worker
        cdef uint64_t rung
        cdef int fd = self.bell.eventfd
        mip_bell_asleep(&self.bell)
        for worker in self.workers:
            if mip_queue_oldest(mip_udp_queue(worker.udp)):
                mip_bell_awake(&self.bell)
                return
        with nogil:
            read(fd, &rung, sizeof(rung))
        mip_bell_awake(&self.bell)

    def wake(self):
        """End the `sleep` that is or the next one."""
        cdef uint64_t one = 1
        write(self.bell.eventfd, &one, sizeof(one))


cdef class UdpWorker:
    """The hot loop of one bound, blocking UDP socket, and the queue of the rare packets that it found."""

    cdef mip_udp *udp
    cdef readonly object socket
    cdef UdpGroup group

    def __cinit__(self, UdpGroup group not None, socket, bint wildcard):
        self.group = group
        self.socket = socket
        self.udp = mip_udp_new(
            socket.fileno(), wildcard, mip_read_ahead, mip_reply, &group.current, &group.bell
        )
        if not self.udp:
            raise OSError("no memory for a UDP loop, or no UDP socket")
        group.workers.append(self)

    def __dealloc__(self):
        mip_udp_free(self.udp)

    def run(self):
        """Answer until `stop`. Without the GIL; once; in a thread of its own, whose signals it blocks."""
        cdef int fault
        with nogil:
            fault = mip_udp_run(self.udp)
        if fault:
            raise OSError(fault, "the UDP socket cannot be read")

    def stop(self):
        """End `run`, from another thread."""
        mip_udp_stop(self.udp)

    def oldest(self):
        """The oldest rare packet as (packet, the client's address, under load); None if there is none."""
        cdef uint8_t address[16]
        cdef const mip_rare *rare = mip_queue_oldest(mip_udp_queue(self.udp))
        if not rare:
            return None
        size = mip_way_address(&rare.way, address)
        return rare.packet[:rare.size], address[:size], rare.under_load

    def settle(self, bytes answer):
        """Send its answer, if it has one, to the client of the oldest rare packet, and forget the packet.

        False if the kernel would not take the answer.
        """
        cdef mip_queue *queue = mip_udp_queue(self.udp)
        cdef const mip_rare *rare = mip_queue_oldest(queue)
        if not rare:
            raise ValueError("there is no rare packet")
        taken = answer is None or mip_udp_reply(self.udp, &rare.way, answer, len(answer))
        mip_queue_take(queue)
        return taken

    def counters(self):
        """Since the start: answers by rcode, sixteen numbers; dropped, unsent, handed over, overflow, too long."""
        cdef uint64_t counters[MIP_COUNTERS]
        mip_udp_count(self.udp, counters)
        return [counters[which] for which in range(MIP_COUNTERS)]
