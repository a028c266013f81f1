/* What the C programs of tests and measurements serve: an index file, and one zone as zones/mip.internal.toml has it. */
#ifndef MIP_NATIVE_WORLD_H
#define MIP_NATIVE_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

static const struct mip_host world_hosts[] = {{.name = "\3ns1", .size = 4}};

static const struct mip_zone world_zone = {
    .origin = "\3mip\10internal",
    .origin_size = 14,
    .origin_labels = 2,
    .floor = 50,
    .has_all = true,
    .has_thresholds = true,
    .has_bits = true,
    .has_classes = true,
    .ttl = 300,
    /* Owner, SOA IN 60, 63 bytes: ns1, hostmaster, five numbers. */
    .soa = "\0\0\0\6\0\1\0\0\0\74\0\77"
           "\3ns1\3mip\10internal\0\12hostmaster\3mip\10internal\0"
           "\150\347\170\0\0\0\16\20\0\0\2\130\0\22\165\0\0\0\0\74",
    .soa_size = 12 + 63,
    .hosts = world_hosts,
    .host_count = 1,
};

/* A whole file, in memory that an index may lie in; exits with a word where it cannot be read. */
static inline uint8_t *world_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0)
        end = ftell(file);
    if (!file || end < 0 || fseek(file, 0, SEEK_SET) != 0) {
        perror(path);
        exit(1);
    }
    *size = (size_t)end;
    uint8_t *bytes = aligned_alloc(64, (*size + 64) / 64 * 64);
    if (!bytes || fread(bytes, 1, *size, file) != *size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    return bytes;
}

/* The zone over an index, with a secret and an NSID. The bytes stay with it. */
static inline struct mip_served world_served(const uint8_t *index, size_t size)
{
    struct mip_served served = {
        .zones = &world_zone,
        .zone_count = 1,
        .secrets = {{1, 2}, {3, 4}},
        .secret_count = 2,
        .nsid = "ns1.test",
        .nsid_size = 8,
    };
    enum mip_fault fault = mip_index_open(&served.index, index, size);
    if (fault != MIP_SOUND) {
        fprintf(stderr, "no usable index: fault %d\n", (int)fault);
        exit(1);
    }
    return served;
}

#endif
