// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// SHA-256 (FIPS 180-4) of many messages side by side, one in each lane of a vector. Included once
// for each width, with:
//   LANES       how many 32-bit lanes a vector has: 8 or 16
//   TARGET      the processor's feature that has such vectors
//   IN_LANES    the name of the function that is defined
// A chain of rounds waits for itself; as many chains as lanes do not wait for each other.

#define JOIN_NAMES(name, width) name##width
#define JOIN(name, width) JOIN_NAMES(name, width)
#define vector JOIN(vector_of_, LANES)
#define compress JOIN(compress_, LANES)
#define transpose JOIN(transpose_, LANES)
#define words_of JOIN(words_of_, LANES)

typedef uint32_t vector __attribute__((vector_size(4 * LANES)));

#define SWAP_PAIRS(rows, distance, low, high)                                                      \
    for (int row = 0; row < LANES; row++) {                                                        \
        if ((row & distance) == 0) {                                                               \
            vector first = rows[row], second = rows[row | distance];                               \
            rows[row] = __builtin_shufflevector(first, second, low);                               \
            rows[row | distance] = __builtin_shufflevector(first, second, high);                   \
        }                                                                                          \
    }

#define LIST(...) __VA_ARGS__

/// Turns rows into columns, by exchanges at growing distances.
__attribute__((target(TARGET), always_inline)) static inline void transpose(vector *rows) {
#define EXCHANGE(distance, low, high)                                                              \
    _Pragma("clang loop unroll(full)") SWAP_PAIRS(rows, distance, LIST(low), LIST(high))
#if LANES == 16
#define LOW_1 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30
#define HIGH_1 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31
#define LOW_2 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HIGH_2 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#define LOW_4 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27
#define HIGH_4 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31
#define LOW_8 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23
#define HIGH_8 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31
#else
#define LOW_1 0, 8, 2, 10, 4, 12, 6, 14
#define HIGH_1 1, 9, 3, 11, 5, 13, 7, 15
#define LOW_2 0, 1, 8, 9, 4, 5, 12, 13
#define HIGH_2 2, 3, 10, 11, 6, 7, 14, 15
#define LOW_4 0, 1, 2, 3, 8, 9, 10, 11
#define HIGH_4 4, 5, 6, 7, 12, 13, 14, 15
#endif
    EXCHANGE(1, LIST(LOW_1), LIST(HIGH_1))
    EXCHANGE(2, LIST(LOW_2), LIST(HIGH_2))
    EXCHANGE(4, LIST(LOW_4), LIST(HIGH_4))
#if LANES == 16
    EXCHANGE(8, LIST(LOW_8), LIST(HIGH_8))
#endif
}

/// The sixteen words of each lane's block: word by word, a lane beside the other.
__attribute__((target(TARGET), always_inline)) static inline void words_of(
    const uint8_t *const *blocks, vector *words) {
    for (int part = 0; part < 16 / LANES; part++) {
        _Pragma("clang loop unroll(full)") for (int lane = 0; lane < LANES; lane++) {
            memcpy(&words[part * LANES + lane], blocks[lane] + part * 4 * LANES, 4 * LANES);
        }
        transpose(words + part * LANES);
    }
    _Pragma("clang loop unroll(full)") for (int index = 0; index < 16; index++) {
        vector word = words[index];
        words[index] =
            (word & 0xFF) << 24 | (word & 0xFF00) << 8 | (word >> 8 & 0xFF00) | word >> 24;
    }
}

#define ROTATE(value, count) ((value) >> (count) | (value) << (32 - (count)))

/// Takes one block of each lane into its state.
__attribute__((target(TARGET))) static void compress(
    vector *state, const uint8_t *const *blocks) {
    vector words[16];
    words_of(blocks, words);
    vector a = state[0], b = state[1], c = state[2], d = state[3];
    vector e = state[4], f = state[5], g = state[6], h = state[7];
    for (int start = 0; start < 64; start += 16) {
        _Pragma("clang loop unroll(full)") for (int index = 0; index < 16; index++) {
            if (start > 0) {
                vector early = words[(index + 1) & 15], late = words[(index + 14) & 15];
                words[index] += (ROTATE(early, 7) ^ ROTATE(early, 18) ^ early >> 3) +
                                words[(index + 9) & 15] +
                                (ROTATE(late, 17) ^ ROTATE(late, 19) ^ late >> 10);
            }
            vector first = h + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) +
                           ((e & f) ^ (~e & g)) + round_constants[start + index] + words[index];
            vector second = (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) +
                            ((a & b) | (c & (a | b)));
            h = g;
            g = f;
            f = e;
            e = d + first;
            d = c;
            c = b;
            b = a;
            a = first + second;
        }
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

__attribute__((target(TARGET))) static void IN_LANES(
    const struct vigil_message *messages, size_t count) {
    static const uint8_t nothing[64];
    union {
        vector vectors[8];
        uint32_t words[8][LANES];
    } state;
    struct lane lanes[LANES];
    const uint8_t *blocks[LANES];
    size_t next = 0;
    int busy = 0;
    memset(&state, 0, sizeof state);
    for (int lane = 0; lane < LANES; lane++) {
        lanes[lane].message = NULL;
        blocks[lane] = nothing;
        if (next < count) {
            begin_lane(&lanes[lane], &messages[next++]);
            set_start(&state.words[0][lane], LANES);
            busy++;
        }
    }
    while (busy > 0) {
        for (int lane = 0; lane < LANES; lane++) {
            if (lanes[lane].message != NULL) {
                blocks[lane] = next_block(&lanes[lane]);
            }
        }
        compress(state.vectors, blocks);
        for (int lane = 0; lane < LANES; lane++) {
            if (lanes[lane].message == NULL || lanes[lane].block < lanes[lane].blocks) {
                continue;
            }
            put_digest(&state.words[0][lane], LANES, lanes[lane].message->digest);
            if (next < count) {
                begin_lane(&lanes[lane], &messages[next++]);
                set_start(&state.words[0][lane], LANES);
            } else {
                lanes[lane].message = NULL;
                blocks[lane] = nothing;
                busy--;
            }
        }
    }
}

#undef JOIN_NAMES
#undef JOIN
#undef vector
#undef compress
#undef transpose
#undef words_of
#undef SWAP_PAIRS
#undef LIST
#undef EXCHANGE
#undef LOW_1
#undef HIGH_1
#undef LOW_2
#undef HIGH_2
#undef LOW_4
#undef HIGH_4
#undef LOW_8
#undef HIGH_8
#undef ROTATE
#undef LANES
#undef TARGET
#undef IN_LANES
