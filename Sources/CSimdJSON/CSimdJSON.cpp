// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// simdjson's first stage finds where tokens begin and checks UTF-8, quotes and control characters.
// Its front ends for what comes then do not serve here: DOM turns numbers into binary ones and
// refuses 1e400, On-Demand checks only what is visited and costs twice this walk when everything
// is. So the walk over the tokens is ours: the grammar of RFC 8259, number texts, surrogate pairs,
// nesting, and the end of the document.

#include "CSimdJSON.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace {

using namespace simdjson;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// RFC 8259, section 6.
bool is_number(std::string_view token) {
    size_t at = 0;
    auto digits = [&] {
        size_t first = at;
        while (at < token.size() && is_digit(token[at])) at++;
        return at > first;
    };
    if (at < token.size() && token[at] == '-') at++;
    if (at < token.size() && token[at] == '0') {
        at++;
    } else if (!digits()) {
        return false;
    }
    if (at < token.size() && token[at] == '.') {
        at++;
        if (!digits()) return false;
    }
    if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
        at++;
        if (at < token.size() && (token[at] == '+' || token[at] == '-')) at++;
        if (!digits()) return false;
    }
    return at == token.size();
}

/// The code unit of `\uXXXX` at a position, or -1.
int32_t escaped_unit(std::string_view text, size_t at) {
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return -1;
    int32_t unit = 0;
    for (size_t i = at + 2; i < at + 6; i++) {
        char c = text[i];
        int32_t digit = is_digit(c)             ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
        if (digit < 0) return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

/// Half a surrogate pair stands for no character: its text could not be written as UTF-8.
bool escapes_are_whole(std::string_view text) {
    for (size_t at = 0; at < text.size();) {
        if (text[at] != '\\') {
            at++;
            continue;
        }
        if (at + 1 >= text.size()) return false;
        if (text[at + 1] != 'u') {
            at += 2;
            continue;
        }
        int32_t unit = escaped_unit(text, at);
        at += 6;
        if (unit < 0 || (unit >= 0xDC00 && unit <= 0xDFFF)) return false;
        if (unit >= 0xD800 && unit <= 0xDBFF) {
            int32_t low = escaped_unit(text, at);
            if (low < 0xDC00 || low > 0xDFFF) return false;
            at += 6;
        }
    }
    return true;
}

}  // namespace

struct vigil_json_parser {
    std::unique_ptr<internal::dom_parser_implementation> stage;
    std::vector<char> input;
    /// Strings that had escapes.
    std::vector<uint8_t> unescaped;
    uint8_t *unescaped_end = nullptr;
    std::vector<vigil_json_node> nodes;
    size_t length = 0;
    uint32_t depth_limit = 0;
    /// Where tokens begin in the text; behind the last one stands the text's length.
    const uint32_t *token = nullptr;
    const uint32_t *end = nullptr;
    const char *problem = nullptr;
    int32_t status = VIGIL_JSON_OK;

    bool fail(const char *message, int32_t kind = VIGIL_JSON_MALFORMED) {
        problem = message;
        status = kind;
        return false;
    }

    /// The token's first character; NUL, which begins none, behind the last one.
    char peek() const { return token < end ? input[*token] : '\0'; }

    /// The text of a scalar, up to white space or the next token.
    std::string_view scalar_text() const {
        const char *start = input.data() + *token;
        const char *last = input.data() + token[1];
        while (last > start && is_space(last[-1])) last--;
        return {start, size_t(last - start)};
    }

    uint32_t append(uint32_t parent, vigil_json_kind kind) {
        auto start = reinterpret_cast<const uint8_t *>(input.data() + *token);
        nodes.push_back({nullptr, start, start, 0, 0, 0, 0, parent, uint8_t(kind)});
        return uint32_t(nodes.size() - 1);
    }

    /// The text inside the quotes of the string that is the next token.
    bool string(std::string_view &inner) {
        auto quoted = scalar_text();
        if (quoted.size() < 2 || quoted.back() != '"') return fail("unterminated string");
        inner = quoted.substr(1, quoted.size() - 2);
        if (memchr(inner.data(), '\\', inner.size()) == nullptr) return true;
        if (!escapes_are_whole(inner)) return fail("invalid escape in a string");
        auto start = unescaped_end;
        unescaped_end = stage->parse_string(
            reinterpret_cast<const uint8_t *>(inner.data()), unescaped_end);
        if (unescaped_end == nullptr) return fail("invalid escape in a string");
        inner = {reinterpret_cast<const char *>(start), size_t(unescaped_end - start)};
        return true;
    }

    bool scalar(uint32_t parent) {
        auto raw = scalar_text();
        auto text = raw;
        vigil_json_kind kind;
        switch (peek()) {
        case '"':
            kind = VIGIL_JSON_STRING;
            if (!string(text)) return false;
            break;
        case 't':
            kind = VIGIL_JSON_TRUE;
            if (raw != "true") return fail("invalid literal");
            break;
        case 'f':
            kind = VIGIL_JSON_FALSE;
            if (raw != "false") return fail("invalid literal");
            break;
        case 'n':
            kind = VIGIL_JSON_NULL;
            if (raw != "null") return fail("invalid literal");
            break;
        default:
            kind = VIGIL_JSON_NUMBER;
            if (token >= end || !is_number(raw)) return fail("a JSON value is expected");
        }
        auto &node = nodes[append(parent, kind)];
        node.text = reinterpret_cast<const uint8_t *>(text.data());
        node.text_length = uint32_t(text.size());
        node.raw_length = uint32_t(raw.size());
        node.next = uint32_t(nodes.size());
        token++;
        return true;
    }

    /// Takes the bracket that ends a container.
    void finish(uint32_t index) {
        auto &node = nodes[index];
        auto last = reinterpret_cast<const uint8_t *>(input.data() + *token);
        node.raw_length = node.text_length = uint32_t(last - node.raw + 1);
        node.next = uint32_t(nodes.size());
        token++;
    }

    bool object(uint32_t parent, uint32_t depth) {
        uint32_t index = append(parent, VIGIL_JSON_OBJECT);
        token++;
        if (peek() == '}') {
            finish(index);
            return true;
        }
        for (;;) {
            std::string_view key;
            if (peek() != '"') return fail("a member's name is expected");
            if (!string(key)) return false;
            token++;
            if (peek() != ':') return fail("a colon is expected");
            token++;
            uint32_t member = uint32_t(nodes.size());
            if (!value(index, depth)) return false;
            nodes[member].key = reinterpret_cast<const uint8_t *>(key.data());
            nodes[member].key_length = uint32_t(key.size());
            char next = peek();
            if (next == '}') {
                finish(index);
                return true;
            }
            if (next != ',') return fail("a comma or the end of an object is expected");
            token++;
        }
    }

    bool array(uint32_t parent, uint32_t depth) {
        uint32_t index = append(parent, VIGIL_JSON_ARRAY);
        token++;
        if (peek() == ']') {
            finish(index);
            return true;
        }
        for (;;) {
            if (!value(index, depth)) return false;
            char next = peek();
            if (next == ']') {
                finish(index);
                return true;
            }
            if (next != ',') return fail("a comma or the end of an array is expected");
            token++;
        }
    }

    /// A value in so many containers.
    bool value(uint32_t parent, uint32_t depth) {
        char first = peek();
        if (first != '{' && first != '[') return scalar(parent);
        if (depth >= depth_limit) return fail("nested too deeply", VIGIL_JSON_TOO_DEEP);
        return first == '{' ? object(parent, depth + 1) : array(parent, depth + 1);
    }

    error_code make_room() {
        if (input.size() < length + SIMDJSON_PADDING) {
            input.resize(length + SIMDJSON_PADDING);
            unescaped.resize(length + SIMDJSON_PADDING);
        }
        if (stage == nullptr) {
            return get_active_implementation()->create_dom_parser_implementation(
                input.size(), DEFAULT_MAX_DEPTH, stage);
        }
        if (stage->capacity() >= length) return SUCCESS;
        return stage->allocate(input.size(), DEFAULT_MAX_DEPTH);
    }

    bool parse(const uint8_t *text) {
        token = end = nullptr;
        if (make_room() != SUCCESS) return fail("out of memory", VIGIL_JSON_NO_MEMORY);
        if (length > 0) memcpy(input.data(), text, length);
        memset(input.data() + length, 0, SIMDJSON_PADDING);
        auto bytes = reinterpret_cast<const uint8_t *>(input.data());
        if (auto error = stage->stage1(bytes, length, stage1_mode::regular)) {
            return fail(error_message(error));
        }
        token = stage->structural_indexes.get();
        end = token + stage->n_structural_indexes;
        stage->structural_indexes[stage->n_structural_indexes] = uint32_t(length);
        nodes.clear();
        unescaped_end = unescaped.data();
        if (!value(0, 0)) return false;
        return token == end || fail("text after the document");
    }
};

extern "C" vigil_json_parser *vigil_json_parser_new(void) {
    return new (std::nothrow) vigil_json_parser;
}

extern "C" void vigil_json_parser_free(vigil_json_parser *parser) { delete parser; }

extern "C" vigil_json_result vigil_json_parse(
    vigil_json_parser *parser, const uint8_t *text, size_t length, uint32_t depth_limit) try {
    // Positions are 32 bits wide in simdjson too.
    if (length > INT32_MAX) {
        return {nullptr, 0, VIGIL_JSON_TOO_LONG, 0, "longer than 2 GiB"};
    }
    parser->length = length;
    parser->depth_limit = depth_limit;
    if (parser->parse(text)) {
        return {parser->nodes.data(), uint32_t(parser->nodes.size()), VIGIL_JSON_OK, 0, nullptr};
    }
    size_t offset = parser->token < parser->end ? *parser->token : parser->token ? length : 0;
    return {nullptr, 0, parser->status, offset, parser->problem};
} catch (...) {
    return {nullptr, 0, VIGIL_JSON_NO_MEMORY, 0, "out of memory"};
}
