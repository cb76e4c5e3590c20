// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

/// SHA-256 of `length` bytes into the 32 bytes at `digest`.
void vigil_sha256(const uint8_t *bytes, size_t length, uint8_t *digest);

/// SHA-256 of a prefix followed by a body, without copying them together.
void vigil_sha256_two(const uint8_t *prefix, size_t prefix_length, const uint8_t *body,
                      size_t body_length, uint8_t *digest);
