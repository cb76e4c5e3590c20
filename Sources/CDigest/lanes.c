// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CDigest.h"
#include <string.h>

static void one_by_one(const struct vigil_message *messages, size_t count) {
    for (size_t index = 0; index < count; index++) {
        const struct vigil_message *message = &messages[index];
        if (message->prefix == VIGIL_NO_PREFIX) {
            vigil_sha256(message->bytes, message->length, message->digest);
        } else {
            const uint8_t prefix = (uint8_t)message->prefix;
            vigil_sha256_two(&prefix, 1, message->bytes, message->length, message->digest);
        }
    }
}

#if defined(__x86_64__)
#include <cpuid.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/// A message on its way through a lane.
struct lane {
    const struct vigil_message *message;
    /// The block that comes next, and how many there are with the padding.
    size_t block;
    size_t blocks;
    /// How many of them lie in the message as they are.
    size_t whole;
    /// A prefix with what follows it; unused without one.
    uint8_t head[64];
    /// What is left behind the whole blocks, with the padding.
    uint8_t tail[128];
};

static inline void begin_lane(struct lane *lane, const struct vigil_message *message) {
    const size_t shift = message->prefix != VIGIL_NO_PREFIX;
    const size_t length = message->length + shift;
    const size_t rest = length % 64;
    lane->message = message;
    lane->block = 0;
    lane->whole = length / 64;
    lane->blocks = (length + 8) / 64 + 1;
    if (shift && lane->whole > 0) {
        lane->head[0] = (uint8_t)message->prefix;
        memcpy(lane->head + 1, message->bytes, 63);
    }
    memset(lane->tail, 0, sizeof lane->tail);
    if (shift && lane->whole == 0) {
        lane->tail[0] = (uint8_t)message->prefix;
        if (message->length > 0) {
            memcpy(lane->tail + 1, message->bytes, message->length);
        }
    } else if (rest > 0) {
        memcpy(lane->tail, message->bytes + message->length - rest, rest);
    }
    lane->tail[rest] = 0x80;
    const uint64_t bits = __builtin_bswap64((uint64_t)length * 8);
    memcpy(lane->tail + (lane->blocks - lane->whole) * 64 - 8, &bits, 8);
}

static inline const uint8_t *next_block(struct lane *lane) {
    const size_t block = lane->block++;
    if (block >= lane->whole) {
        return lane->tail + (block - lane->whole) * 64;
    }
    if (lane->message->prefix == VIGIL_NO_PREFIX) {
        return lane->message->bytes + block * 64;
    }
    return block == 0 ? lane->head : lane->message->bytes + block * 64 - 1;
}

/// The words of a lane's state lie `stride` words from each other.
static inline void set_start(uint32_t *words, size_t stride) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    for (int index = 0; index < 8; index++) {
        words[index * stride] = start[index];
    }
}

static inline void put_digest(const uint32_t *words, size_t stride, uint8_t *digest) {
    for (int index = 0; index < 8; index++) {
        const uint32_t word = __builtin_bswap32(words[index * stride]);
        memcpy(digest + index * 4, &word, 4);
    }
}

#define LANES 8
#define TARGET "avx2"
#define IN_LANES in_8_lanes
#include "lanes.h"

#define LANES 16
#define TARGET "avx512f,avx512bw"
#define IN_LANES in_16_lanes
#include "lanes.h"

static int has_sha_instructions(void) {
    unsigned int eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx >> 29 & 1);
}

int vigil_sha256_lanes(void) {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) {
        return 16;
    }
    // Instructions made for it are faster than eight lanes.
    return __builtin_cpu_supports("avx2") && !has_sha_instructions() ? 8 : 1;
}

int vigil_sha256_has_lanes(int lanes) {
    __builtin_cpu_init();
    switch (lanes) {
        case 1: return 1;
        case 8: return __builtin_cpu_supports("avx2") != 0;
        case 16: return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw");
        default: return 0;
    }
}

static void all_in(int lanes, const struct vigil_message *messages, size_t count) {
    switch (lanes) {
        case 16: in_16_lanes(messages, count); break;
        case 8: in_8_lanes(messages, count); break;
        default: one_by_one(messages, count);
    }
}
#else
int vigil_sha256_lanes(void) {
    return 1;
}

int vigil_sha256_has_lanes(int lanes) {
    return lanes == 1;
}

static void all_in(int lanes, const struct vigil_message *messages, size_t count) {
    (void)lanes;
    one_by_one(messages, count);
}
#endif

/// Below so many messages the empty lanes cost more than the full ones save.
static const size_t count_min = 4;
/// A message over so many bytes would be alone in its vector for long.
static const size_t length_max = 32 << 10;

void vigil_sha256_many_in(int lanes, const struct vigil_message *messages, size_t count) {
    size_t start = 0;
    while (start < count) {
        size_t end = start;
        while (end < count && messages[end].length <= length_max) {
            end++;
        }
        if (end - start >= count_min) {
            all_in(lanes, messages + start, end - start);
        } else {
            one_by_one(messages + start, end - start);
        }
        start = end;
        while (start < count && messages[start].length > length_max) {
            one_by_one(messages + start++, 1);
        }
    }
}

void vigil_sha256_many(const struct vigil_message *messages, size_t count) {
    static int lanes;
    int known = __atomic_load_n(&lanes, __ATOMIC_RELAXED);
    if (known == 0) {
        known = vigil_sha256_lanes();
        __atomic_store_n(&lanes, known, __ATOMIC_RELAXED);
    }
    vigil_sha256_many_in(known, messages, count);
}
