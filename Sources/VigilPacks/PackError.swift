// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Why a pack cannot be used: where, what, and what to do about it.
package struct PackError: Error, Hashable, Sendable {
    /// The kinds of fault that packs have.
    package enum Kind: String, CaseIterable, Sendable {
        /// No built-in pack has the name.
        case unknownPack = "unknown-pack"
        /// A file that the pack needs is not among its files.
        case missingFile = "missing-file"
        /// A file is not UTF-8, YAML, CSV or JSON as it should be.
        case malformed
        /// The manifest says something that packs cannot say.
        case manifest
        /// A code list holds a row that cannot be right.
        case codeList = "code-list"
        /// The CQL does not compile, or lacks a definition.
        case library
        /// A rule's lists do not cover the same code systems.
        case uneven
        /// One of the pack's own cases comes out otherwise than it says.
        case failedCase = "failed-case"
    }

    /// What kind of fault it is.
    package var kind: Kind
    /// The file's name inside the pack, such as `codelists/nsaid.csv`.
    package var file: String
    /// Counted from 1; nil where no line is meant.
    package var line: Int?
    /// What is wrong, as a clause without a full stop.
    package var what: String
    /// What to do about it, likewise.
    package var remedy: String

    package init(
        _ kind: Kind, file: String, line: Int? = nil, what: String, remedy: String
    ) {
        self.kind = kind
        self.file = file
        self.line = line
        self.what = what
        self.remedy = remedy
    }
}

extension PackError: CustomStringConvertible {
    /// One line for a terminal: `file:line: what; remedy`.
    package var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): \(what); \(remedy)"
    }
}

/// Something in a pack that works and is probably not meant.
package struct PackWarning: Hashable, Sendable {
    /// The file's name inside the pack.
    package var file: String
    /// Counted from 1; nil where no line is meant.
    package var line: Int?
    /// What is odd, as a clause without a full stop.
    package var what: String

    package init(file: String, line: Int? = nil, what: String) {
        self.file = file
        self.line = line
        self.what = what
    }
}

extension PackWarning: CustomStringConvertible {
    /// One line for a terminal: `file:line: warning: what`.
    package var description: String {
        let place = line.map { "\(file):\($0)" } ?? file
        return "\(place): warning: \(what)"
    }
}
