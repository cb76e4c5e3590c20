// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CDigest.h"
#include <openssl/evp.h>
#include <stdlib.h>

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
