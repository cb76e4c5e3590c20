// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What a JSON value is.
enum vigil_json_kind {
    VIGIL_JSON_OBJECT = 0,
    VIGIL_JSON_ARRAY = 1,
    VIGIL_JSON_STRING = 2,
    VIGIL_JSON_NUMBER = 3,
    VIGIL_JSON_TRUE = 4,
    VIGIL_JSON_FALSE = 5,
    VIGIL_JSON_NULL = 6,
};

/// One value of a document. Pointers hold until the parser's next call.
typedef struct vigil_json_node {
    /// The member's name without its escapes; null in an array and at the root.
    const uint8_t *key;
    /// A string without quotes and escapes; of anything else the text as written.
    const uint8_t *text;
    /// The value as written, containers whole.
    const uint8_t *raw;
    uint32_t key_length;
    uint32_t text_length;
    uint32_t raw_length;
    /// Index of the first node after this one's descendants.
    uint32_t next;
    /// Index of the container; the root's is its own, 0.
    uint32_t parent;
    uint8_t kind;
    /// Which of the parser's names the member has, from 1; 0 for any other name, and for none.
    uint8_t name;
} vigil_json_node;

/// How a parse ended.
enum vigil_json_status {
    VIGIL_JSON_OK = 0,
    VIGIL_JSON_MALFORMED = 1,
    VIGIL_JSON_TOO_DEEP = 2,
    VIGIL_JSON_TOO_LONG = 3,
    VIGIL_JSON_NO_MEMORY = 4,
};

typedef struct vigil_json_result {
    /// In pre-order; null unless the status is `VIGIL_JSON_OK`.
    const vigil_json_node *nodes;
    uint32_t node_count;
    int32_t status;
    /// Roughly where in the text it failed.
    size_t error_offset;
    /// What failed: a constant text.
    const char *error_message;
} vigil_json_result;

typedef struct vigil_json_names vigil_json_names;

/// Names to be told apart by number; at most 255, distinct, each ended by NUL. They stay for good.
const vigil_json_names *vigil_json_names_new(const char *const *names, uint32_t count);

typedef struct vigil_json_parser vigil_json_parser;

/// A parser with its buffers, for one thread at a time; null without memory.
///
/// It numbers the members that have one of the names, so that its callers compare no texts.
vigil_json_parser *vigil_json_parser_new(const vigil_json_names *names);
void vigil_json_parser_free(vigil_json_parser *parser);

/// Checks the whole text and lays out its values; the text is copied, and needs no padding.
vigil_json_result vigil_json_parse(
    vigil_json_parser *parser, const uint8_t *text, size_t length, uint32_t depth_limit);

#ifdef __cplusplus
}
#endif
