// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A CSV file as RFC 4180 describes it: fields in quotes may hold commas, quotes and line ends.
///
/// Lines may end in CRLF, LF or CR; a byte order mark is passed over and so are empty lines.
struct CommaSeparatedValues {
    /// One record of the file.
    struct Row: Hashable {
        /// The line that it begins on, from 1.
        var line: Int
        var fields: [String]
    }

    /// What does not read, and on which line.
    struct Fault: Error, Hashable {
        var line: Int
        var what: String
    }

    private(set) var rows: [Row] = []
    private let bytes: [UInt8]
    private var index: Int
    private var line = 1

    /// Reads a whole file.
    init(_ bytes: [UInt8]) throws(Fault) {
        self.bytes = bytes
        index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while index < bytes.count {
            if skipLineEnd() { continue }
            var row = Row(line: line, fields: [])
            row.fields.append(try readField())
            while index < bytes.count, bytes[index] == UInt8(ascii: ",") {
                index += 1
                row.fields.append(try readField())
            }
            rows.append(row)
        }
    }

    private var isAtLineEnd: Bool {
        index < bytes.count
            && (bytes[index] == UInt8(ascii: "\n") || bytes[index] == UInt8(ascii: "\r"))
    }

    private mutating func skipLineEnd() -> Bool {
        guard isAtLineEnd else { return false }
        let isReturn = bytes[index] == UInt8(ascii: "\r")
        index += 1
        if isReturn, index < bytes.count, bytes[index] == UInt8(ascii: "\n") { index += 1 }
        line += 1
        return true
    }

    private mutating func readField() throws(Fault) -> String {
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
            return try readQuotedField()
        }
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: ","), !isAtLineEnd {
            guard bytes[index] != UInt8(ascii: "\"") else {
                throw Fault(line: line, what: "a quote stands inside an unquoted field")
            }
            index += 1
        }
        return try text(bytes[start..<index], line: line)
    }

    private mutating func readQuotedField() throws(Fault) -> String {
        let opened = line
        var field: [UInt8] = []
        index += 1
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            guard byte == UInt8(ascii: "\"") else {
                if byte == UInt8(ascii: "\n") { line += 1 }
                field.append(byte)
                continue
            }
            if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                field.append(byte)
                index += 1
                continue
            }
            guard index == bytes.count || bytes[index] == UInt8(ascii: ",") || isAtLineEnd else {
                throw Fault(line: line, what: "text follows a closing quote")
            }
            return try text(field[...], line: opened)
        }
        throw Fault(line: opened, what: "a quote is never closed")
    }

    private func text(_ field: ArraySlice<UInt8>, line: Int) throws(Fault) -> String {
        guard let text = String(validating: field, as: UTF8.self) else {
            throw Fault(line: line, what: "the text is not UTF-8")
        }
        return text
    }
}

extension CommaSeparatedValues {
    /// The table of a pack's file.
    ///
    /// - Throws: ``PackError`` with the line at which it is no CSV.
    init(file name: String, _ bytes: [UInt8]) throws(PackError) {
        do throws(Fault) {
            try self.init(bytes)
        } catch {
            throw PackError(
                .malformed, file: name, line: error.line, what: error.what,
                remedy: "write the file as CSV in UTF-8, as RFC 4180 describes it")
        }
    }
}
