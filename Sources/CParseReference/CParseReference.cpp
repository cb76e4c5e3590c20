// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

#include "CParseReference.h"

#include <simdjson.h>

extern "C" int32_t vigil_reference_parse(const uint8_t *text, size_t length) {
    static simdjson::dom::parser parser;
    simdjson::dom::element element;
    return parser.parse(text, length).get(element) == simdjson::SUCCESS ? 1 : 0;
}
