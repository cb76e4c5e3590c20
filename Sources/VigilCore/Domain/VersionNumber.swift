// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A `meta.versionId` that is an integer, however long.
package enum VersionNumber: Hashable, Sendable {
    /// By far the most.
    case near(Int64)
    /// One beyond 64 bits: its digits, without leading zeros.
    indirect case far(isNegative: Bool, digits: String)

    package init(_ value: Int64) { self = .near(value) }

    /// Reads decimal digits, with a minus sign or without; nil for anything else.
    package init?(_ text: some Collection<UInt8>) {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = isNegative ? text.dropFirst() : text.dropFirst(0)
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let significant = String(
            decoding: digits.drop { $0 == UInt8(ascii: "0") }, as: UTF8.self)
        if significant.isEmpty {
            self = .near(0)
        } else if let value = Int64((isNegative ? "-" : "") + significant) {
            self = .near(value)
        } else {
            self = .far(isNegative: isNegative, digits: significant)
        }
    }
}

extension VersionNumber: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) { self = .near(value) }
}

extension VersionNumber: Comparable {
    package static func < (left: VersionNumber, right: VersionNumber) -> Bool {
        switch (left, right) {
        case (.near(let left), .near(let right)):
            return left < right
        case (.near, .far(let isNegative, _)):
            return !isNegative
        case (.far(let isNegative, _), .near):
            return isNegative
        case (.far(let isNegative, let first), .far(let isOtherNegative, let second)):
            guard isNegative == isOtherNegative else { return isNegative }
            let (less, greater) = isNegative ? (second, first) : (first, second)
            if less.utf8.count != greater.utf8.count {
                return less.utf8.count < greater.utf8.count
            }
            return less.utf8.lexicographicallyPrecedes(greater.utf8)
        }
    }
}

extension VersionNumber: StateCodable {
    /// What marks a number that is written as text.
    private static let textMark = Int64.min

    package func write(to state: inout StateWriter) {
        switch self {
        case .near(let value) where value != VersionNumber.textMark:
            state.write(value)
        case .near(let value):
            state.write(VersionNumber.textMark)
            state.write("\(value)")
        case .far(let isNegative, let digits):
            state.write(VersionNumber.textMark)
            state.write((isNegative ? "-" : "") + digits)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        let value: Int64 = try state.read()
        guard value == VersionNumber.textMark else {
            self = .near(value)
            return
        }
        let text: String = try state.read()
        guard let number = VersionNumber(text.utf8) else { throw StateError() }
        self = number
    }
}
