/* Where a name stands in a list's tree: mipdns.answer.lists, names, testpoints and tree in C.
 *
 * In: the labels before the origin, lower-cased. Out: the list's rule, what is listed there, whether the name exists.
 * The one rule: a list is one tree for both families, so a name is read as octets and as nibbles. */
#ifndef MIP_TREE_H
#define MIP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index.h"
#include "zone.h"

/* Labels left to right: `count` of them in the first `size` bytes of `name`, number i at starts[i]. Eight bytes may be
 * read from any label on. */
struct mip_labels {
    const uint8_t *name;
    const uint8_t *starts;
    unsigned count;
    size_t size;
};

/* A listed address; for a test point row.payload is NULL. is_v4: the address and the row's bounds are IPv4 numbers. */
struct mip_listing {
    struct mip_address address;
    bool is_v4;
    struct mip_row row;
};

/* The list that the labels belong to; its own labels are taken off the end. A label that names no list stays. */
struct mip_rule mip_find_list(const struct mip_zone *zone, struct mip_labels *labels);

/* The listed address whose full name this is, an IPv4 one under either of its two names. */
bool mip_find_listing(
    const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule, struct mip_listing *listing);

/* Whether anything of the list lies beneath a name that is not listed itself. A list's own name always exists. */
bool mip_exists(const struct mip_index *index, const struct mip_labels *labels, struct mip_rule rule);

#endif
