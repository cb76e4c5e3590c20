// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `length` bytes.
///
/// `before` is the checksum of what precedes them, 0 at the start, so that parts can be chained.
uint32_t vigil_crc32c(uint32_t before, const void *bytes, size_t length);

/// The checksum of two stretches of bytes, one behind the other, from the checksum of each.
///
/// `length` is that of the second one, in bytes.
uint32_t vigil_crc32c_joined(uint32_t first, uint32_t second, size_t length);

/// The same as `vigil_crc32c`, by tables alone: what that falls back to, here so that the two are
/// compared.
uint32_t vigil_crc32c_portable(uint32_t before, const void *bytes, size_t length);

/// Names the calling thread, for debuggers and `top`; at most 15 bytes.
void vigil_name_thread(const char *name);

/// Makes all files of an open file's file system durable: 0, or -1 with `errno` (syncfs(2)).
int vigil_sync_filesystem(int descriptor);

/// Fills bytes from the kernel's random generator.
void vigil_random(void *bytes, size_t length);

/// Reads what a pipe holds and leaves it there (tee(2)).
///
/// `scratch` is another pipe of at least its size, empty, both ends of it. Returns the number of
/// bytes, 0 at the pipe's end, or -1 with `errno`, EAGAIN where it is empty.
ssize_t vigil_pipe_peek(int pipe, const int scratch[2], void *bytes, size_t length);

/// Makes a pipe's buffer as large as this, if that is allowed; returns the size that it has.
int vigil_pipe_resize(int pipe, int size);

/// What the kernel knows of a connection.
struct vigil_connection {
    /// A number that no other socket has as long as the system runs.
    uint64_t cookie;
    /// Bytes that the peer has not made room for: on tcp those not sent, else those not read.
    uint64_t unsent;
    /// Whether something that was sent is not acknowledged, and the bytes that are; on tcp only.
    int is_unacknowledged;
    uint64_t acknowledged;
};

/// Looks at a connection: 0, or -1 with `errno` where the descriptor is none.
int vigil_look_at_connection(int descriptor, struct vigil_connection *connection);
