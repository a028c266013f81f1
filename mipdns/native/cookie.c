#include "cookie.h"

#include <string.h>

/* RFC 9018 §4.3: a cookie counts from one hour ago to five minutes ahead, and is renewed after half an hour. */
enum { PAST_S = 3600, FUTURE_S = 300, RENEW_S = 1800 };
enum { HEAD_SIZE = 8, HASH_SIZE = 8, SERVER_SIZE = HEAD_SIZE + HASH_SIZE };

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 = rotate(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

/* SipHash-2-4 (Aumasson and Bernstein, 2012) of client cookie, head and address: 20 or 32 bytes (RFC 9018 §4.4). */
static uint64_t sip_hash(
    struct mip_secret secret, const uint8_t *client, const uint8_t *head, const uint8_t *address, size_t address_size)
{
    struct sip s = {
        secret.k0 ^ 0x736F6D6570736575u,
        secret.k1 ^ 0x646F72616E646F6Du,
        secret.k0 ^ 0x6C7967656E657261u,
        secret.k1 ^ 0x7465646279746573u,
    };
    uint64_t words[2] = {0, 0};
    uint64_t word;
    memcpy(&word, client, sizeof word);
    sip_word(&s, word);
    memcpy(&word, head, sizeof word);
    sip_word(&s, word);
    uint64_t last = (uint64_t)(MIP_CLIENT_COOKIE_SIZE + HEAD_SIZE + address_size) << 56;
    if (address_size == 4) {
        memcpy(words, address, 4);
        last |= words[0];
    } else {
        memcpy(words, address, 16);
        sip_word(&s, words[0]);
        sip_word(&s, words[1]);
    }
    sip_word(&s, last);
    s.v2 ^= 0xFF;
    for (int i = 0; i < 4; i++)
        sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

static inline uint32_t big32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

bool mip_check_cookie(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *cookie,
    size_t size,
    uint8_t reply[MIP_COOKIE_SIZE])
{
    const uint8_t *server = cookie + MIP_CLIENT_COOKIE_SIZE;
    bool valid = false;
    if (size == MIP_CLIENT_COOKIE_SIZE + SERVER_SIZE && server[0] == 1) {
        /* Seconds on the circle of RFC 1982; the reserved bytes are hashed as they came (§4.2). */
        int32_t age_s = (int32_t)(peer->now - big32(server + 4));
        if (-FUTURE_S <= age_s && age_s <= PAST_S) {
            uint64_t hash;
            memcpy(&hash, server + HEAD_SIZE, sizeof hash);
            for (size_t i = 0; i < served->secret_count && !valid; i++) {
                /* One comparison of words: its time tells nothing of where they differ. */
                valid = sip_hash(served->secrets[i], cookie, server, peer->address, peer->address_size) == hash;
                if (valid && i == 0 && age_s <= RENEW_S) {
                    memcpy(reply, cookie, MIP_COOKIE_SIZE);
                    return true;
                }
            }
        }
    }
    uint32_t now = peer->now;
    const uint8_t head[HEAD_SIZE] = {
        1, 0, 0, 0, (uint8_t)(now >> 24), (uint8_t)(now >> 16), (uint8_t)(now >> 8), (uint8_t)now};
    uint64_t hash = sip_hash(served->secrets[0], cookie, head, peer->address, peer->address_size);
    memcpy(reply, cookie, MIP_CLIENT_COOKIE_SIZE);
    memcpy(reply + MIP_CLIENT_COOKIE_SIZE, head, HEAD_SIZE);
    memcpy(reply + MIP_CLIENT_COOKIE_SIZE + HEAD_SIZE, &hash, HASH_SIZE);
    return valid;
}
