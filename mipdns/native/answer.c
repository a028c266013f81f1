#include "answer.h"

#include <assert.h>
#include <string.h>

#include "ahead.h"
#include "cookie.h"
#include "text.h"
#include "tree.h"
#include "wire.h"

enum { NOERROR = 0, FORMERR = 1, NXDOMAIN = 3, NOTIMP = 4, REFUSED = 5, BADVERS = 16, BADCOOKIE = 23 };
enum { PROHIBITED = 18, NOT_AUTHORITATIVE = 20 };
enum { OPTION_NSID = 3, OPTION_COOKIE = 10, OPTION_EXTENDED_ERROR = 15 };
enum { UDP_SIZE = MIP_OUT_SIZE, UDP_SIZE_PLAIN = 512, RECORD_SIZE = 12, OPT_SIZE = 11, ERROR_OPTION_SIZE = 6 };

/* An answer while it is written. The sections grow at `end`; OPT goes behind them. */
struct message {
    const struct mip_served *served;
    const struct mip_query *query;
    uint8_t *out;
    const uint8_t *cookie; /* the option's data to send back, NULL for none */
    size_t meta_size;      /* of OPT without an extended error */
    size_t limit;
};

/* OPT: version 0, our size, DO as asked, the upper bits of the response code; options in the order of their codes. */
static uint8_t *write_opt(const struct message *message, uint8_t *at, unsigned rcode, unsigned extended_error)
{
    const struct mip_edns *edns = &message->query->edns;
    const struct mip_served *served = message->served;
    static const uint8_t head[OPT_SIZE] = {0, 0, MIP_OPT, UDP_SIZE >> 8, UDP_SIZE & 0xFF};
    memcpy(at, head, sizeof head);
    at[5] = (uint8_t)(rcode >> 4);
    at[7] = (uint8_t)(edns->dnssec_ok << 7);
    uint8_t *length = at + OPT_SIZE - 2, *options = at + OPT_SIZE;
    at = options;
    if (edns->nsid && served->nsid_size) {
        mip_write16(at, OPTION_NSID);
        mip_write16(at + 2, served->nsid_size);
        memcpy(at + 4, served->nsid, served->nsid_size);
        at += 4 + served->nsid_size;
    }
    if (message->cookie) {
        mip_write16(at, OPTION_COOKIE);
        mip_write16(at + 2, MIP_COOKIE_SIZE);
        memcpy(at + 4, message->cookie, MIP_COOKIE_SIZE);
        at += 4 + MIP_COOKIE_SIZE;
    }
    if (extended_error) {
        const uint8_t option[ERROR_OPTION_SIZE] = {0, OPTION_EXTENDED_ERROR, 0, 2, 0, (uint8_t)extended_error};
        memcpy(at, option, sizeof option);
        at += sizeof option;
    }
    mip_write16(length, (uint16_t)(at - options));
    return at;
}

/* Header, the question as asked, and behind the sections, which end at `end`, OPT. */
static ssize_t finish(
    const struct message *message,
    uint8_t *end,
    unsigned rcode,
    unsigned flags,
    unsigned answers,
    unsigned authorities,
    unsigned extended_error)
{
    const struct mip_query *query = message->query;
    uint8_t *out = message->out;
    mip_write16(
        out + 2,
        (uint16_t)(MIP_FLAG_QR | (query->flags & (MIP_FLAG_OPCODE | MIP_FLAG_RD)) | flags | (rcode & 0xF)));
    memset(out + 4, 0, 8);
    out[5] = query->question != NULL;
    out[7] = (uint8_t)answers;
    out[9] = (uint8_t)authorities;
    out[11] = query->edns.present;
    if (query->edns.present)
        end = write_opt(message, end, rcode, extended_error);
    return end - out;
}

/* An answer without sections. */
static ssize_t finish_bare(const struct message *message, unsigned rcode, unsigned extended_error)
{
    uint8_t *end = message->out + MIP_WIRE_HEADER_SIZE;
    if (message->query->question)
        end += message->query->question_size;
    return finish(message, end, rcode, 0, 0, 0, extended_error);
}

/* What the sections may take. Question and OPT always fit: with the header they are at most 454 bytes. */
static inline size_t room(const struct message *message)
{
    return message->limit - MIP_WIRE_HEADER_SIZE - message->query->question_size - message->meta_size;
}

static ssize_t finish_truncated(const struct message *message, unsigned rcode)
{
    uint8_t *end = message->out + MIP_WIRE_HEADER_SIZE + message->query->question_size;
    return finish(message, end, rcode, MIP_FLAG_AA | MIP_FLAG_TC, 0, 0, 0);
}

/* NXDOMAIN or NODATA, with the SOA that says for how long (RFC 2308 §3). Its owner points into the question. */
static ssize_t finish_negative(const struct message *message, const struct mip_zone *zone, unsigned rcode)
{
    const struct mip_query *query = message->query;
    if (zone->soa_size > room(message))
        return finish_truncated(message, rcode);
    uint8_t *end = message->out + MIP_WIRE_HEADER_SIZE + query->question_size;
    memcpy(end, zone->soa, zone->soa_size);
    mip_write16(end, (uint16_t)(0xC000 | (MIP_WIRE_HEADER_SIZE + query->name_size - zone->origin_size)));
    return finish(message, end + zone->soa_size, rcode, MIP_FLAG_AA, 0, 1, 0);
}

/* A record's fields before its data; the owner is the question's name. */
static inline void write_record(uint8_t *at, uint16_t type, uint32_t ttl, size_t size)
{
    static const uint8_t head[RECORD_SIZE] = {0xC0, MIP_WIRE_HEADER_SIZE, 0, 0, 0, MIP_IN};
    memcpy(at, head, sizeof head);
    mip_write16(at + 2, type);
    mip_write16(at + 6, (uint16_t)(ttl >> 16));
    mip_write16(at + 8, (uint16_t)ttl);
    mip_write16(at + 10, (uint16_t)size);
}

/* A listing: A, TXT, for ANY the A (RFC 8482), and nothing of any other type. */
static ssize_t finish_listing(
    const struct message *message, const struct mip_zone *zone, struct mip_rule rule, const struct mip_listing *listing)
{
    const struct mip_query *query = message->query;
    uint8_t *record = message->out + MIP_WIRE_HEADER_SIZE + query->question_size;
    if (query->qtype == MIP_A || query->qtype == MIP_ANY) {
        if (RECORD_SIZE + 4 > room(message))
            return finish_truncated(message, NOERROR);
        write_record(record, MIP_A, zone->ttl, 4);
        mip_listing_a(listing, rule, record + RECORD_SIZE);
        return finish(message, record + RECORD_SIZE + 4, NOERROR, MIP_FLAG_AA, 1, 0, 0);
    }
    if (query->qtype != MIP_TXT)
        return finish_negative(message, zone, NOERROR);
    /* Written in place: behind the longest question there is room for the longest text before it is cut. */
    static_assert(MIP_WIRE_HEADER_SIZE + MIP_NAME_MAX + 4 + RECORD_SIZE + 1 + MIP_TEXT_ROOM <= MIP_OUT_SIZE, "room");
    size_t size = mip_listing_text(&message->served->index, listing, record + RECORD_SIZE + 1);
    if (RECORD_SIZE + 1 + size > room(message))
        return finish_truncated(message, NOERROR);
    write_record(record, MIP_TXT, zone->ttl, 1 + size);
    record[RECORD_SIZE] = (uint8_t)size;
    return finish(message, record + RECORD_SIZE + 1 + size, NOERROR, MIP_FLAG_AA, 1, 0, 0);
}

/* The zone that the question's name lies in, NULL if none. */
static const struct mip_zone *find_zone(const struct mip_served *served, const struct mip_query *query)
{
    for (size_t i = 0; i < served->zone_count; i++) {
        const struct mip_zone *zone = &served->zones[i];
        if (query->labels < zone->origin_labels || query->name_size < zone->origin_size)
            continue;
        size_t before = (size_t)query->name_size - zone->origin_size;
        unsigned label = query->labels - zone->origin_labels;
        if (query->starts[label] != before)
            continue;
        if (memcmp(query->folded + before, zone->origin, zone->origin_size) == 0)
            return zone;
    }
    return NULL;
}

static bool is_host(const struct mip_zone *zone, const struct mip_query *query, size_t before)
{
    for (size_t i = 0; i < zone->host_count; i++)
        if (zone->hosts[i].size == before && memcmp(zone->hosts[i].name, query->folded, before) == 0)
            return true;
    return false;
}

/* A name in a zone, somewhere in the tree of a list; the apex and hosts are Python's. */
static ssize_t answer_name(const struct message *message, const struct mip_zone *zone)
{
    const struct mip_query *query = message->query;
    size_t before = (size_t)query->name_size - zone->origin_size;
    if (before == 0 || is_host(zone, query, before))
        return MIP_RARE;
    struct mip_labels labels = {query->folded, query->starts, (unsigned)(query->labels - zone->origin_labels), before};
    struct mip_rule rule = mip_find_list(zone, &labels);
    struct mip_listing listing;
    if (mip_find_listing(&message->served->index, &labels, rule, &listing))
        return finish_listing(message, zone, rule, &listing);
    bool exists = mip_exists(&message->served->index, &labels, rule);
    return finish_negative(message, zone, exists ? NOERROR : NXDOMAIN);
}

/* No question: an error (RFC 9619), unless a client asks for nothing but a server cookie (RFC 7873 §5.4). */
static ssize_t answer_probe(const struct message *message, bool valid)
{
    if (!message->cookie)
        return finish_bare(message, FORMERR, 0);
    bool sent_one = message->query->edns.cookie_size > MIP_CLIENT_COOKIE_SIZE;
    return finish_bare(message, sent_one && !valid ? BADCOOKIE : NOERROR, 0);
}

/* The decision, in the order of mipdns.answer.respond.decide. */
static ssize_t decide(const struct message *message, const struct mip_peer *peer, bool valid_cookie)
{
    const struct mip_query *query = message->query;
    if (query->flags & MIP_FLAG_OPCODE)
        return finish_bare(message, NOTIMP, 0);
    if (!query->sound || query->questions > 1)
        return finish_bare(message, FORMERR, 0);
    if (query->edns.version != 0)
        return finish_bare(message, BADVERS, 0);
    if (query->edns.present && !query->edns.sound)
        return finish_bare(message, FORMERR, 0);
    if (!query->question)
        return answer_probe(message, valid_cookie);
    if (query->qtype == MIP_OPT || query->qtype == MIP_TKEY || query->qtype == MIP_TSIG)
        return finish_bare(message, FORMERR, 0);
    if (peer->under_load && message->cookie && !valid_cookie)
        return finish_bare(message, BADCOOKIE, 0);
    if (query->qclass == MIP_CH)
        return MIP_RARE;
    const struct mip_zone *zone = query->qclass == MIP_IN ? find_zone(message->served, query) : NULL;
    if (!zone)
        return finish_bare(message, REFUSED, NOT_AUTHORITATIVE);
    if (query->qtype == MIP_AXFR || query->qtype == MIP_IXFR)
        return finish_bare(message, REFUSED, PROHIBITED);
    return answer_name(message, zone);
}

/* Whatever was sent. Kept apart, so that the short way has the registers to itself. */
__attribute__((noinline)) static ssize_t answer_any(
    const struct mip_served *served, const struct mip_peer *peer, const uint8_t *packet, size_t size, uint8_t *out)
{
    struct mip_query query;
    if (!mip_parse(&query, packet, size))
        return MIP_DROP;
    if (query.signed_)
        return MIP_RARE;
    struct message message = {.served = served, .query = &query, .out = out, .limit = UDP_SIZE_PLAIN};
    uint8_t cookie[MIP_COOKIE_SIZE];
    bool valid_cookie = false;
    if (query.edns.present) {
        message.limit = query.edns.udp_size < UDP_SIZE ? query.edns.udp_size : UDP_SIZE;
        message.meta_size = OPT_SIZE;
        if (query.edns.nsid && served->nsid_size)
            message.meta_size += 4u + served->nsid_size;
        if (query.edns.cookie && served->secret_count) {
            valid_cookie = mip_check_cookie(served, peer, query.edns.cookie, query.edns.cookie_size, cookie);
            message.cookie = cookie;
            message.meta_size += 4u + MIP_COOKIE_SIZE;
        }
    }
    memcpy(out, packet, 2);
    if (query.question)
        memcpy(out + MIP_WIRE_HEADER_SIZE, query.question, query.question_size);
    return decide(&message, peer, valid_cookie);
}

/* 16 bytes or more, without a call. */
static inline void copy(uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t at = 0; at + 16 < size; at += 16)
        memcpy(to + at, from + at, 16);
    memcpy(to + size - 16, from + size - 16, 16);
}

/* The answer to what asked.h reads; MIP_RARE where it takes the long way after all. */
__attribute__((always_inline)) static inline ssize_t answer_asked(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *packet,
    const struct mip_asked *asked,
    uint8_t *out)
{
    const struct mip_zone *zone = asked->zone;
    uint8_t cookie[MIP_COOKIE_SIZE];
    size_t meta_size = asked->edns ? OPT_SIZE : 0;
    bool with_cookie = asked->cookie && served->secret_count;
    if (with_cookie) {
        bool valid = mip_check_cookie(served, peer, asked->cookie, asked->cookie_size, cookie);
        if (peer->under_load && !valid)
            return MIP_RARE;
        meta_size += 4 + sizeof cookie;
    }
    bool listed = mip_admits(asked->rule, asked->entry.facts);
    if (!listed && asked->also_v6)
        return MIP_RARE;
    size_t size = (size_t)MIP_WIRE_HEADER_SIZE + asked->question_size;
    uint8_t *end = out + size;
    bool answers = listed && (asked->qtype == MIP_A || asked->qtype == MIP_TXT);
    copy(out, packet, size);
    if (!answers) {
        if (zone->soa_size > asked->limit - size - meta_size)
            return MIP_RARE;
        copy(end, zone->soa, zone->soa_size);
        mip_write16(end, (uint16_t)(0xC000 | (MIP_WIRE_HEADER_SIZE + asked->before_origin)));
        end += zone->soa_size;
    } else {
        const struct mip_listing listing = {asked->address, asked->is_v4, asked->entry};
        size_t data_size = 4;
        if (asked->qtype == MIP_A) {
            mip_listing_a(&listing, asked->rule, end + RECORD_SIZE);
        } else {
            data_size = 1 + mip_listing_text(&served->index, &listing, end + RECORD_SIZE + 1);
            end[RECORD_SIZE] = (uint8_t)(data_size - 1);
        }
        if (size + RECORD_SIZE + data_size + meta_size > asked->limit)
            return MIP_RARE;
        write_record(end, asked->qtype, zone->ttl, data_size);
        end += RECORD_SIZE + data_size;
    }
    out[2] = (uint8_t)(MIP_FLAG_QR >> 8 | MIP_FLAG_AA >> 8 | (packet[2] & MIP_FLAG_RD >> 8));
    out[3] = listed ? NOERROR : NXDOMAIN;
    const uint8_t counts[8] = {0, 1, 0, answers, 0, !answers, 0, asked->edns};
    memcpy(out + 4, counts, sizeof counts);
    if (!asked->edns)
        return end - out;
    const uint8_t opt[OPT_SIZE] = {0, 0, MIP_OPT, UDP_SIZE >> 8, UDP_SIZE & 0xFF, 0, 0, (uint8_t)(asked->dnssec_ok << 7)};
    memcpy(end, opt, sizeof opt);
    end += OPT_SIZE;
    if (with_cookie) {
        const uint8_t option[4] = {0, OPTION_COOKIE, 0, MIP_COOKIE_SIZE};
        end[-1] = sizeof option + sizeof cookie;
        memcpy(end, option, sizeof option);
        memcpy(end + sizeof option, cookie, sizeof cookie);
        end += sizeof option + sizeof cookie;
    }
    return end - out;
}

ssize_t mip_reply(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *packet,
    size_t size,
    const struct mip_asked *asked,
    uint8_t *out)
{
    if (asked->zone) {
        ssize_t written = answer_asked(served, peer, packet, asked, out);
        if (written != MIP_RARE)
            return written;
    }
    return answer_any(served, peer, packet, size, out);
}

ssize_t mip_answer(
    const struct mip_served *served, const struct mip_peer *peer, const uint8_t *packet, size_t size, uint8_t *out)
{
    struct mip_asked asked;
    mip_ask(served, packet, size, &asked);
    mip_fetch(served, &asked);
    mip_find(served, &asked);
    return mip_reply(served, peer, packet, size, &asked, out);
}
