// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#include "CBundledPacks.h"

// Clang embeds in every C mode; it only remarks that C23 made it standard.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const uint8_t pincer_pack[] = {
#embed "../VigilPacks/Packs/pincer/pack.yaml"
};
static const uint8_t pincer_cql[] = {
#embed "../VigilPacks/Packs/pincer/pincer.cql"
};
static const uint8_t pincer_anticoag[] = {
#embed "../VigilPacks/Packs/pincer/codelists/anticoag.csv"
};
static const uint8_t pincer_hf[] = {
#embed "../VigilPacks/Packs/pincer/codelists/hf.csv"
};
static const uint8_t pincer_nsaid[] = {
#embed "../VigilPacks/Packs/pincer/codelists/nsaid.csv"
};
static const uint8_t pincer_ppi[] = {
#embed "../VigilPacks/Packs/pincer/codelists/ppi.csv"
};

#define FILE_OF(name, bytes) {name, bytes, sizeof bytes}

static const struct vigil_bundled_file files[] = {
    FILE_OF("pincer/codelists/anticoag.csv", pincer_anticoag),
    FILE_OF("pincer/codelists/hf.csv", pincer_hf),
    FILE_OF("pincer/codelists/nsaid.csv", pincer_nsaid),
    FILE_OF("pincer/codelists/ppi.csv", pincer_ppi),
    FILE_OF("pincer/pack.yaml", pincer_pack),
    FILE_OF("pincer/pincer.cql", pincer_cql),
};

size_t vigil_bundled_file_count(void) {
    return sizeof files / sizeof files[0];
}

struct vigil_bundled_file vigil_bundled_file(size_t index) {
    if (index >= vigil_bundled_file_count()) {
        return (struct vigil_bundled_file){"", NULL, 0};
    }
    return files[index];
}
