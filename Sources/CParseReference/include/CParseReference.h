// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Parses a text with simdjson's own document parser and does nothing else: what everything that
/// reads JSON is held against. Returns 1 where it is JSON, else 0. For one thread at a time.
int32_t vigil_reference_parse(const uint8_t *text, size_t length);

#ifdef __cplusplus
}
#endif
