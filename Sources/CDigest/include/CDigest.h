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

/// Without a byte in front of a message.
#define VIGIL_NO_PREFIX (-1)

/// One of many messages to be hashed.
struct vigil_message {
    const uint8_t *bytes;
    size_t length;
    /// A byte that stands in front of the others, or `VIGIL_NO_PREFIX`.
    int prefix;
    /// Where its 32 bytes go: in no message of the same call.
    uint8_t *digest;
};

/// SHA-256 of many messages, as fast as this machine can: side by side in the lanes of its vectors
/// where no instructions made for it are faster.
void vigil_sha256_many(const struct vigil_message *messages, size_t count);

/// The same with 1, 8 or 16 lanes, that the machine must have: here so that they are compared.
void vigil_sha256_many_in(int lanes, const struct vigil_message *messages, size_t count);

/// How many lanes `vigil_sha256_many` uses here; 1 is OpenSSL's own SHA-256.
int vigil_sha256_lanes(void);

/// Whether this machine has vectors of so many lanes.
int vigil_sha256_has_lanes(int lanes);

/// A Merkle leaf (RFC 6962 section 2.1): SHA-256 of 0x00 followed by the entry.
void vigil_merkle_leaf(const uint8_t *entry, size_t length, uint8_t *digest);

/// A Merkle node (RFC 6962 section 2.1): SHA-256 of 0x01 and the 32 bytes of both children.
///
/// `digest` may be one of the children.
void vigil_merkle_node(const uint8_t *left, const uint8_t *right, uint8_t *digest);

/// The 32-byte public key of an Ed25519 seed (RFC 8032 section 5.1.5).
void vigil_ed25519_public(const uint8_t *seed, uint8_t *public_key);

/// The 64-byte Ed25519 signature (RFC 8032 section 5.1.6) of a message.
void vigil_ed25519_sign(const uint8_t *seed, const uint8_t *message, size_t length,
                        uint8_t *signature);

/// 1 where a signature holds for a message and a public key, else 0.
int vigil_ed25519_verify(const uint8_t *public_key, const uint8_t *message, size_t length,
                         const uint8_t *signature);
