// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// simdjson's On-Demand front end checks only what is visited, and only as far as the getter that
// is used needs. An accepted event must be valid JSON throughout, so this walk visits every value
// and checks what On-Demand leaves open: number grammar (without turning numbers into binary
// ones: 1e400 is valid), whole tokens, surrogate pairs, nesting, and the end of the document.

#include "CSimdJSON.h"

// The package manager leaves assertions on in optimised builds, where simdjson's cost a third.
#if defined(__OPTIMIZE__) && !defined(NDEBUG)
#define NDEBUG
#endif
#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>
#include <vector>

namespace {

using namespace simdjson;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view without_trailing_space(std::string_view token) {
    while (!token.empty() && is_space(token.back())) token.remove_suffix(1);
    return token;
}

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
    ondemand::parser parser;
    std::vector<char> input;
    std::vector<vigil_json_node> nodes;
    std::string_view text;
    uint32_t depth_limit = 0;
    const char *problem = nullptr;
    int32_t status = VIGIL_JSON_OK;

    bool fail(const char *message, int32_t kind = VIGIL_JSON_MALFORMED) {
        if (status == VIGIL_JSON_OK) {
            status = kind;
            problem = message;
        }
        return false;
    }

    bool fail(error_code error) { return fail(error_message(error)); }

    uint32_t append(uint32_t parent, const char *start) {
        vigil_json_node node{};
        node.raw = reinterpret_cast<const uint8_t *>(start);
        node.parent = parent;
        nodes.push_back(node);
        return uint32_t(nodes.size() - 1);
    }

    void finish(uint32_t index, vigil_json_kind kind, const char *end) {
        auto &node = nodes[index];
        node.kind = uint8_t(kind);
        node.raw_length = uint32_t(end - reinterpret_cast<const char *>(node.raw));
        if (node.text == nullptr) {
            node.text = node.raw;
            node.text_length = node.raw_length;
        }
        node.next = uint32_t(nodes.size());
    }

    /// Where the text before the next token ends: just behind a container that was read.
    const char *end_of_last(ondemand::document &document) {
        const char *next;
        if (document.current_location().get(next)) next = text.data() + text.size();
        while (next > text.data() && is_space(next[-1])) next--;
        return next;
    }

    template <typename Value>
    bool string(uint32_t index, std::string_view token, Value &&value) {
        if (token.size() < 2 || token.back() != '"') return fail("unterminated string");
        auto inner = token.substr(1, token.size() - 2);
        if (memchr(inner.data(), '\\', inner.size()) == nullptr) {
            ondemand::raw_json_string ignored;
            if (auto error = value.get_raw_json_string().get(ignored)) return fail(error);
        } else {
            if (!escapes_are_whole(inner)) return fail("invalid escape in a string");
            if (auto error = value.get_string().get(inner)) return fail(error);
        }
        nodes[index].text = reinterpret_cast<const uint8_t *>(inner.data());
        nodes[index].text_length = uint32_t(inner.size());
        finish(index, VIGIL_JSON_STRING, token.data() + token.size());
        return true;
    }

    template <typename Value>
    bool scalar(uint32_t index, std::string_view token, Value &&value) {
        const char *end = token.data() + token.size();
        switch (token.empty() ? '\0' : token[0]) {
        case '"':
            return string(index, token, value);
        case 't':
            if (token != "true") return fail("invalid literal");
            finish(index, VIGIL_JSON_TRUE, end);
            return true;
        case 'f':
            if (token != "false") return fail("invalid literal");
            finish(index, VIGIL_JSON_FALSE, end);
            return true;
        case 'n':
            if (token != "null") return fail("invalid literal");
            finish(index, VIGIL_JSON_NULL, end);
            return true;
        default:
            if (!is_number(token)) return fail("neither a number nor another JSON value");
            finish(index, VIGIL_JSON_NUMBER, end);
            return true;
        }
    }

    bool key(ondemand::field &field, const uint8_t *&start, uint32_t &length) {
        const char *raw = field.key().raw();
        const char *end = raw;
        while (*end != '"' && *end != '\\') end++;
        std::string_view name(raw, size_t(end - raw));
        if (*end == '\\') {
            while (*end != '"') end += *end == '\\' ? 2 : 1;
            if (!escapes_are_whole({raw, size_t(end - raw)})) {
                return fail("invalid escape in a member's name");
            }
            if (auto error = field.unescaped_key().get(name)) return fail(error);
        }
        start = reinterpret_cast<const uint8_t *>(name.data());
        length = uint32_t(name.size());
        return true;
    }

    template <typename Value>
    bool object(ondemand::document &document, Value &&value, uint32_t index, uint32_t depth) {
        ondemand::object object;
        if (auto error = value.get_object().get(object)) return fail(error);
        for (auto item : object) {
            ondemand::field field;
            if (auto error = std::move(item).get(field)) return fail(error);
            const uint8_t *start;
            uint32_t length;
            if (!key(field, start, length)) return false;
            uint32_t member = uint32_t(nodes.size());
            if (!walk(document, field.value(), index, depth)) return false;
            nodes[member].key = start;
            nodes[member].key_length = length;
        }
        finish(index, VIGIL_JSON_OBJECT, end_of_last(document));
        return true;
    }

    template <typename Value>
    bool array(ondemand::document &document, Value &&value, uint32_t index, uint32_t depth) {
        ondemand::array array;
        if (auto error = value.get_array().get(array)) return fail(error);
        for (auto item : array) {
            ondemand::value element;
            if (auto error = std::move(item).get(element)) return fail(error);
            if (!walk(document, element, index, depth)) return false;
        }
        finish(index, VIGIL_JSON_ARRAY, end_of_last(document));
        return true;
    }

    template <typename Value>
    bool walk(ondemand::document &document, Value &&value, uint32_t parent, uint32_t depth) {
        std::string_view token = value.raw_json_token();
        uint32_t index = append(parent, token.data());
        char first = token.empty() ? '\0' : token[0];
        if (first != '{' && first != '[') {
            return scalar(index, without_trailing_space(token), value);
        }
        if (depth >= depth_limit) return fail("nested too deeply", VIGIL_JSON_TOO_DEEP);
        return first == '{' ? object(document, value, index, depth + 1)
                            : array(document, value, index, depth + 1);
    }

    bool parse(ondemand::document &document) {
        padded_string_view padded(input.data(), text.size(), input.size());
        if (auto error = parser.iterate(padded).get(document)) return fail(error);
        bool is_scalar;
        if (auto error = document.is_scalar().get(is_scalar)) return fail(error);
        if (!is_scalar) {
            if (!walk_root(document)) return false;
            const char *rest;
            if (!document.current_location().get(rest)) return fail("text after the document");
            return true;
        }
        std::string_view token;
        if (auto error = document.raw_json_token().get(token)) return fail(error);
        token = without_trailing_space(token);
        if (token.data() + token.size() != text.data() + without_trailing_space(text).size()) {
            return fail("text after the document");
        }
        return scalar(append(0, token.data()), token, document);
    }

    bool walk_root(ondemand::document &document) {
        std::string_view token;
        if (auto error = document.raw_json_token().get(token)) return fail(error);
        uint32_t index = append(0, token.data());
        if (depth_limit == 0) return fail("nested too deeply", VIGIL_JSON_TOO_DEEP);
        return token[0] == '{' ? object(document, document, index, 1)
                               : array(document, document, index, 1);
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
    auto &input = parser->input;
    if (input.size() < length + SIMDJSON_PADDING) input.resize(length + SIMDJSON_PADDING);
    if (length > 0) memcpy(input.data(), text, length);
    memset(input.data() + length, 0, SIMDJSON_PADDING);
    parser->nodes.clear();
    parser->text = {input.data(), length};
    parser->depth_limit = depth_limit;
    parser->problem = nullptr;
    parser->status = VIGIL_JSON_OK;

    ondemand::document document;
    if (parser->parse(document)) {
        return {parser->nodes.data(), uint32_t(parser->nodes.size()), VIGIL_JSON_OK, 0, nullptr};
    }
    size_t offset = 0;
    if (!parser->nodes.empty()) {
        offset = size_t(reinterpret_cast<const char *>(parser->nodes.back().raw) - input.data());
    }
    const char *at;
    if (!parser->nodes.empty() && !document.current_location().get(at) && at >= input.data()
        && at <= input.data() + length) {
        offset = size_t(at - input.data());
    }
    return {nullptr, 0, parser->status, offset, parser->problem};
} catch (...) {
    return {nullptr, 0, VIGIL_JSON_NO_MEMORY, 0, "out of memory"};
}
