/* DNS cookies in the interoperable form (RFC 7873, RFC 9018): mipdns.answer.cookies in C.
 *
 * In: the data of a COOKIE option, the client, the time, the secrets. Out: the data to answer with, and whether the
 * client proved its address. The one rule: everything is computed, nothing is remembered. */
#ifndef MIP_COOKIE_H
#define MIP_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zone.h"

enum {
    MIP_CLIENT_COOKIE_SIZE = 8,
    MIP_COOKIE_SIZE = 24,     /* client and server cookie, as we send them */
    MIP_COOKIE_SIZE_MAX = 40, /* as anybody may send them */
};

/* Write the cookie to send back. `cookie` is 8 or 16 to 40 bytes; at least one secret is there. Returns whether it held
 * a valid server cookie. */
bool mip_check_cookie(
    const struct mip_served *served,
    const struct mip_peer *peer,
    const uint8_t *cookie,
    size_t size,
    uint8_t reply[MIP_COOKIE_SIZE]);

#endif
