// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stddef.h>
#include <stdint.h>

/// A file of a pack that is compiled into the binary.
struct vigil_bundled_file {
    /// `<pack>/<path inside the pack>`.
    const char *name;
    const uint8_t *bytes;
    size_t length;
};

/// How many files there are.
size_t vigil_bundled_file_count(void);

/// A file by its index, in ascending order of names; without name and bytes past the end.
struct vigil_bundled_file vigil_bundled_file(size_t index);
