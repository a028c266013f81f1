/* What a listing says: mipdns.answer.rdata in C.
 *
 * In: a listing and, for A, the list's rule. Out: record data. The one rule: an A answer is always in 127.0.0.0/16, a
 * TXT answer at most 255 characters. */
#ifndef MIP_TEXT_H
#define MIP_TEXT_H

#include "tree.h"

enum { MIP_TEXT_MAX = 255, MIP_TEXT_ROOM = 2 * 255 + 64 };

void mip_listing_a(const struct mip_listing *listing, struct mip_rule rule, uint8_t rdata[4]);

/* The text, without its length byte; at most MIP_TEXT_MAX, and nothing beyond it means anything. */
size_t mip_listing_text(
    const struct mip_index *index, const struct mip_listing *listing, uint8_t text[MIP_TEXT_ROOM]);

#endif
