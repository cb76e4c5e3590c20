// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CDigest.h"
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

// One context a thread: making one costs more than hashing a kilobyte.
static _Thread_local EVP_MD_CTX *context;
static _Thread_local EVP_MD *algorithm;

static void begin(void) {
    if (context == NULL) {
        context = EVP_MD_CTX_new();
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    }
    if (context == NULL || algorithm == NULL || EVP_DigestInit_ex2(context, algorithm, NULL) != 1) {
        abort();
    }
}

static void update(const uint8_t *bytes, size_t length) {
    if (length > 0 && EVP_DigestUpdate(context, bytes, length) != 1) {
        abort();
    }
}

static void finish(uint8_t *digest) {
    unsigned int written = 0;
    if (EVP_DigestFinal_ex(context, digest, &written) != 1 || written != 32) {
        abort();
    }
}

void vigil_sha256(const uint8_t *bytes, size_t length, uint8_t *digest) {
    begin();
    update(bytes, length);
    finish(digest);
}

void vigil_sha256_two(const uint8_t *prefix, size_t prefix_length, const uint8_t *body,
                      size_t body_length, uint8_t *digest) {
    begin();
    update(prefix, prefix_length);
    update(body, body_length);
    finish(digest);
}

void vigil_merkle_leaf(const uint8_t *entry, size_t length, uint8_t *digest) {
    static const uint8_t prefix = 0x00;
    vigil_sha256_two(&prefix, 1, entry, length, digest);
}

void vigil_merkle_node(const uint8_t *left, const uint8_t *right, uint8_t *digest) {
    uint8_t both[65];
    both[0] = 0x01;
    memcpy(both + 1, left, 32);
    memcpy(both + 33, right, 32);
    vigil_sha256(both, sizeof both, digest);
}

void vigil_ed25519_public(const uint8_t *seed, uint8_t *public_key) {
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    size_t length = 32;
    // Nothing but a lack of memory, or an OpenSSL without Ed25519, fails on 32 bytes.
    if (key == NULL || EVP_PKEY_get_raw_public_key(key, public_key, &length) != 1 ||
        length != 32) {
        abort();
    }
    EVP_PKEY_free(key);
}

void vigil_ed25519_sign(const uint8_t *seed, const uint8_t *message, size_t length,
                        uint8_t *signature) {
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, 32);
    EVP_MD_CTX *signing = EVP_MD_CTX_new();
    size_t written = 64;
    if (key == NULL || signing == NULL ||
        EVP_DigestSignInit(signing, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(signing, signature, &written, message, length) != 1 || written != 64) {
        abort();
    }
    EVP_MD_CTX_free(signing);
    EVP_PKEY_free(key);
}

int vigil_ed25519_verify(const uint8_t *public_key, const uint8_t *message, size_t length,
                         const uint8_t *signature) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, 32);
    EVP_MD_CTX *checking = EVP_MD_CTX_new();
    int holds = key != NULL && checking != NULL &&
                EVP_DigestVerifyInit(checking, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(checking, signature, 64, message, length) == 1;
    EVP_MD_CTX_free(checking);
    EVP_PKEY_free(key);
    return holds;
}
