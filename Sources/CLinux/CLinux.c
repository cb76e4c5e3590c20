// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

// Slicing by eight: table[k][b] is the checksum of byte b followed by k zero bytes.
static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++) {
            value = value >> 1 ^ (value & 1 ? 0x82F63B78u : 0);
        }
        table[0][byte] = value;
    }
    for (int slice = 1; slice < 8; slice++) {
        for (int byte = 0; byte < 256; byte++) {
            uint32_t value = table[slice - 1][byte];
            table[slice][byte] = value >> 8 ^ table[0][value & 255];
        }
    }
}

uint32_t vigil_crc32c_portable(uint32_t before, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    uint32_t value = ~before;
    for (; length >= 8; length -= 8, next += 8) {
        value ^= (uint32_t)next[0] | (uint32_t)next[1] << 8 | (uint32_t)next[2] << 16 |
                 (uint32_t)next[3] << 24;
        value = table[7][value & 255] ^ table[6][value >> 8 & 255] ^ table[5][value >> 16 & 255] ^
                table[4][value >> 24] ^ table[3][next[4]] ^ table[2][next[5]] ^
                table[1][next[6]] ^ table[0][next[7]];
    }
    for (; length > 0; length--, next++) {
        value = value >> 8 ^ table[0][(value ^ *next) & 255];
    }
    return ~value;
}

/// The product of two polynomials modulo the checksum's own, the highest power in the lowest bit.
static uint32_t product(uint32_t left, uint32_t right) {
    uint32_t result = 0;
    for (uint32_t bit = 1u << 31; bit != 0; bit >>= 1) {
        if (left & bit) {
            result ^= right;
        }
        right = right >> 1 ^ (right & 1 ? 0x82F63B78u : 0);
    }
    return result;
}

uint32_t vigil_crc32c_joined(uint32_t first, uint32_t second, size_t length) {
    // So many zero bytes multiply by x to the power of 8 times their number.
    uint32_t power = 1u << 23;
    for (; length > 0; length >>= 1) {
        if (length & 1) {
            first = product(power, first);
        }
        power = product(power, power);
    }
    return first ^ second;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

/// Below so many bytes the joining costs more than three chains side by side save.
static const size_t length_of_three_min = 16 << 10;

__attribute__((target("sse4.2"))) static uint32_t hardware(uint32_t before, const void *bytes,
                                                           size_t length) {
    const uint8_t *next = bytes;
    uint64_t value = (uint32_t)~before;
    if (length >= length_of_three_min) {
        // An instruction waits three cycles for the one before it: three chains wait together.
        const size_t part = length / 24 * 8;
        uint64_t second = UINT32_MAX, third = UINT32_MAX;
        for (size_t at = 0; at < part; at += 8) {
            uint64_t words[3];
            memcpy(&words[0], next + at, 8);
            memcpy(&words[1], next + part + at, 8);
            memcpy(&words[2], next + 2 * part + at, 8);
            value = _mm_crc32_u64(value, words[0]);
            second = _mm_crc32_u64(second, words[1]);
            third = _mm_crc32_u64(third, words[2]);
        }
        uint32_t joined = vigil_crc32c_joined(~(uint32_t)value, ~(uint32_t)second, part);
        value = (uint32_t)~vigil_crc32c_joined(joined, ~(uint32_t)third, part);
        next += 3 * part;
        length -= 3 * part;
    }
    for (; length >= 8; length -= 8, next += 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        value = _mm_crc32_u64(value, word);
    }
    for (; length > 0; length--, next++) {
        value = _mm_crc32_u8((uint32_t)value, *next);
    }
    return ~(uint32_t)value;
}

uint32_t vigil_crc32c(uint32_t before, const void *bytes, size_t length) {
    if (__builtin_cpu_supports("sse4.2")) {
        return hardware(before, bytes, length);
    }
    return vigil_crc32c_portable(before, bytes, length);
}
#else
uint32_t vigil_crc32c(uint32_t before, const void *bytes, size_t length) {
    return vigil_crc32c_portable(before, bytes, length);
}
#endif

void vigil_name_thread(const char *name) {
    pthread_setname_np(pthread_self(), name);
}

int vigil_sync_filesystem(int descriptor) {
    return syncfs(descriptor);
}

void vigil_random(void *bytes, size_t length) {
    uint8_t *next = bytes;
    while (length > 0) {
        // Fails for nothing but a signal, once the kernel's generator has been seeded.
        ssize_t got = getrandom(next, length, 0);
        if (got > 0) {
            next += got;
            length -= (size_t)got;
        }
    }
}

ssize_t vigil_pipe_peek(int pipe, const int scratch[2], void *bytes, size_t length) {
    ssize_t copied = tee(pipe, scratch[1], length, SPLICE_F_NONBLOCK);
    if (copied <= 0) {
        return copied;
    }
    ssize_t taken = 0;
    while (taken < copied) {
        ssize_t got = read(scratch[0], (char *)bytes + taken, (size_t)(copied - taken));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return -1;
        }
        taken += got;
    }
    return taken;
}

int vigil_pipe_resize(int pipe, int size) {
    int now = fcntl(pipe, F_SETPIPE_SZ, size);
    return now > 0 ? now : fcntl(pipe, F_GETPIPE_SZ);
}

int vigil_look_at_connection(int descriptor, struct vigil_connection *connection) {
    memset(connection, 0, sizeof *connection);
    socklen_t length = sizeof connection->cookie;
    if (getsockopt(descriptor, SOL_SOCKET, SO_COOKIE, &connection->cookie, &length) != 0) {
        return -1;
    }
    struct tcp_info info = {0};
    length = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
        connection->unsent = info.tcpi_notsent_bytes;
        connection->is_unacknowledged = info.tcpi_unacked > 0;
        connection->acknowledged = info.tcpi_bytes_acked;
        return 0;
    }
    int unread = 0;
    if (ioctl(descriptor, SIOCOUTQ, &unread) != 0) {
        return -1;
    }
    connection->unsent = (uint64_t)unread;
    return 0;
}
