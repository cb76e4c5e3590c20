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
#include <deque>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace simdjson;

/// The walk's parts are called for every value, and each from one or two places.
#define INLINE [[gnu::always_inline]] inline

INLINE bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

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

/// Finds the number of a member's name. Both ends of a name, in two words that overlap where it is
/// short, tell almost all names apart. What is looked up has eight readable bytes behind it.
struct vigil_json_names {
    vigil_json_names(const char *const *names, uint32_t count) {
        for (uint32_t i = 0; i < count && i < UINT8_MAX; i++) {
            texts.push_back(std::string(names[i]) + std::string(8, '\0'));
            std::string_view text(texts.back().data(), texts.back().size() - 8);
            ends name(text);
            size_t slot = name.slot(text.size());
            while (slots[slot].number != 0) slot = (slot + 1) % slot_count;
            slots[slot] = {name, text.data(), uint32_t(text.size()), uint8_t(i + 1)};
        }
    }

    INLINE uint8_t number_of(std::string_view text) const {
        ends wanted(text);
        for (size_t slot = wanted.slot(text.size());; slot = (slot + 1) % slot_count) {
            const entry &known = slots[slot];
            if (known.number == 0) return 0;
            if (known.name.first == wanted.first && known.name.last == wanted.last
                && known.length == text.size()
                && (text.size() <= 16 || memcmp(known.text, text.data(), text.size()) == 0)) {
                return known.number;
            }
        }
    }

private:
    /// More than twice as many as there can be names, so that a search ends soon.
    static constexpr size_t slot_count = 512;

    /// The first and the last eight bytes; of less than that all, and nothing.
    struct ends {
        uint64_t first = 0;
        uint64_t last = 0;

        ends() = default;

        explicit ends(std::string_view text) {
            if (text.size() >= sizeof first) {
                memcpy(&first, text.data(), sizeof first);
                memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
            } else if (!text.empty()) {
                memcpy(&first, text.data(), sizeof first);
                // The bytes behind the text are moved out (on a little-endian machine).
                first <<= 64 - 8 * text.size();
            }
        }

        size_t slot(size_t length) const {
            uint64_t mixed = (first ^ (last << 23 | last >> 41) ^ length) * 0x9E3779B97F4A7C15u;
            return mixed >> 55;
        }
    };

    struct entry {
        ends name;
        const char *text = nullptr;
        uint32_t length = 0;
        uint8_t number = 0;
    };

    std::vector<entry> slots = std::vector<entry>(slot_count);
    /// With eight bytes behind each; a deque leaves them where they are.
    std::deque<std::string> texts;
};

struct vigil_json_parser {
    const vigil_json_names *names;
    std::unique_ptr<internal::dom_parser_implementation> stage;
    std::vector<char> input;
    /// Strings that had escapes.
    std::vector<uint8_t> unescaped;
    uint8_t *unescaped_end = nullptr;
    /// Room for as many as the text has tokens: every value begins at one of its own.
    std::unique_ptr<vigil_json_node[]> nodes;
    size_t node_capacity = 0;
    uint32_t node_count = 0;
    /// Whether there is a backslash anywhere: most texts have none.
    bool has_escapes = false;
    size_t length = 0;
    uint32_t depth_limit = 0;
    /// Where tokens begin in the text; behind the last one stands the text's length.
    const uint32_t *token = nullptr;
    const uint32_t *end = nullptr;
    const char *problem = nullptr;
    int32_t status = VIGIL_JSON_OK;

    explicit vigil_json_parser(const vigil_json_names *names) : names(names) {}

    bool fail(const char *message, int32_t kind = VIGIL_JSON_MALFORMED) {
        problem = message;
        status = kind;
        return false;
    }

    /// The token's first character; NUL, which begins none, behind the last one.
    char peek() const { return input[*token]; }

    /// The text of a scalar, up to white space or the next token.
    INLINE std::string_view scalar_text() const {
        const char *start = input.data() + *token;
        const char *last = input.data() + token[1];
        while (last > start && is_space(last[-1])) last--;
        return {start, size_t(last - start)};
    }

    /// The text inside the quotes of a string.
    INLINE bool string(std::string_view quoted, std::string_view &inner) {
        if (quoted.size() < 2 || quoted.back() != '"') return fail("unterminated string");
        inner = quoted.substr(1, quoted.size() - 2);
        return !has_escapes || unescape(inner);
    }

    /// Puts the text without its escapes in the place of one that has some.
    bool unescape(std::string_view &inner) {
        if (memchr(inner.data(), '\\', inner.size()) == nullptr) return true;
        if (!escapes_are_whole(inner)) return fail("invalid escape in a string");
        auto start = unescaped_end;
        unescaped_end = stage->parse_string(
            reinterpret_cast<const uint8_t *>(inner.data()), unescaped_end);
        if (unescaped_end == nullptr) return fail("invalid escape in a string");
        inner = {reinterpret_cast<const char *>(start), size_t(unescaped_end - start)};
        return true;
    }

    /// Takes a member's name and the colon.
    INLINE bool name(vigil_json_node &node) {
        std::string_view key;
        if (peek() != '"') return fail("a member's name is expected");
        if (!string(scalar_text(), key)) return false;
        token++;
        if (peek() != ':') return fail("a colon is expected");
        token++;
        node.key = reinterpret_cast<const uint8_t *>(key.data());
        node.key_length = uint32_t(key.size());
        node.name = names->number_of(key);
        return true;
    }

    /// Takes a value that contains no others.
    INLINE bool scalar(vigil_json_node &node) {
        if (token >= end) return fail("a JSON value is expected");
        auto raw = scalar_text();
        auto text = raw;
        switch (peek()) {
        case '"':
            node.kind = VIGIL_JSON_STRING;
            if (!string(raw, text)) return false;
            break;
        case 't':
            node.kind = VIGIL_JSON_TRUE;
            if (raw != "true") return fail("invalid literal");
            break;
        case 'f':
            node.kind = VIGIL_JSON_FALSE;
            if (raw != "false") return fail("invalid literal");
            break;
        case 'n':
            node.kind = VIGIL_JSON_NULL;
            if (raw != "null") return fail("invalid literal");
            break;
        default:
            node.kind = VIGIL_JSON_NUMBER;
            if (!is_number(raw)) return fail("a JSON value is expected");
        }
        node.text = reinterpret_cast<const uint8_t *>(text.data());
        node.text_length = uint32_t(text.size());
        node.raw = reinterpret_cast<const uint8_t *>(raw.data());
        node.raw_length = uint32_t(raw.size());
        node.next = ++node_count;
        token++;
        return true;
    }

    /// Takes the brackets that end containers, from the innermost on, and a comma behind them.
    ///
    /// Sets `container` to the one that the comma is in; `depth` is 0 where no comma is to come.
    INLINE bool ends(uint32_t &container, uint32_t &depth) {
        while (depth > 0) {
            auto &node = nodes[container];
            bool is_object = node.kind == VIGIL_JSON_OBJECT;
            char next = peek();
            if (next == ',') {
                token++;
                return true;
            }
            if (next != (is_object ? '}' : ']')) {
                return fail(
                    is_object ? "a comma or the end of an object is expected"
                              : "a comma or the end of an array is expected");
            }
            auto last = reinterpret_cast<const uint8_t *>(input.data() + *token);
            node.raw_length = node.text_length = uint32_t(last - node.raw + 1);
            node.next = node_count;
            token++;
            container = node.parent;
            depth--;
        }
        return true;
    }

    /// Lays out the document's values.
    bool values() {
        uint32_t container = 0;
        uint32_t depth = 0;
        do {
            auto &node = nodes[node_count];
            node.parent = container;
            node.key = nullptr;
            node.key_length = 0;
            node.name = 0;
            bool is_member = depth > 0 && nodes[container].kind == VIGIL_JSON_OBJECT;
            if (is_member && !name(node)) return false;
            char first = peek();
            if (first == '{' || first == '[') {
                if (depth >= depth_limit) return fail("nested too deeply", VIGIL_JSON_TOO_DEEP);
                node.kind = first == '{' ? VIGIL_JSON_OBJECT : VIGIL_JSON_ARRAY;
                node.text = node.raw = reinterpret_cast<const uint8_t *>(input.data() + *token);
                container = node_count++;
                depth++;
                token++;
                // Something is in it: neither an end nor a comma is due.
                if (peek() != (first == '{' ? '}' : ']')) continue;
            } else if (!scalar(node)) {
                return false;
            }
            if (!ends(container, depth)) return false;
        } while (depth > 0);
        return true;
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
        // Stage 1 finds no more tokens than it has room for, so this is bounded by the text.
        size_t needed = size_t(stage->n_structural_indexes) + 1;
        if (node_capacity < needed) {
            nodes.reset(new vigil_json_node[needed]);
            node_capacity = needed;
        }
        node_count = 0;
        has_escapes = memchr(input.data(), '\\', length) != nullptr;
        unescaped_end = unescaped.data();
        if (!values()) return false;
        return token == end || fail("text after the document");
    }
};

extern "C" const vigil_json_names *vigil_json_names_new(
    const char *const *names, uint32_t count) try {
    return new vigil_json_names(names, count);
} catch (...) {
    return nullptr;
}

extern "C" vigil_json_parser *vigil_json_parser_new(const vigil_json_names *names) {
    return names == nullptr ? nullptr : new (std::nothrow) vigil_json_parser(names);
}

extern "C" void vigil_json_parser_free(vigil_json_parser *parser) { delete parser; }

extern "C" vigil_json_result vigil_json_parse(
    vigil_json_parser *parser, const uint8_t *text, size_t length, uint32_t depth_limit) try {
    if (parser == nullptr) return {nullptr, 0, VIGIL_JSON_NO_MEMORY, 0, "out of memory"};
    // Positions are 32 bits wide in simdjson too.
    if (length > INT32_MAX) {
        return {nullptr, 0, VIGIL_JSON_TOO_LONG, 0, "longer than 2 GiB"};
    }
    parser->length = length;
    parser->depth_limit = depth_limit;
    if (parser->parse(text)) {
        return {parser->nodes.get(), parser->node_count, VIGIL_JSON_OK, 0, nullptr};
    }
    size_t offset = parser->token < parser->end ? *parser->token : parser->token ? length : 0;
    return {nullptr, 0, parser->status, offset, parser->problem};
} catch (...) {
    return {nullptr, 0, VIGIL_JSON_NO_MEMORY, 0, "out of memory"};
}
