// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Every code that some resource carried, interned to a small integer.
package struct CodingTable: Sendable {
    private struct Key: Hashable, Sendable {
        var system: String
        var code: String
    }

    private var identifiers: [Key: CodingID] = [:]
    private var keys: [Key] = []
    /// Of each code a list of it alone, which most resources carry: they share it.
    private var alone: [[CodingID]] = []

    package init() {}

    /// How many there are; identifiers run from 0.
    package var count: Int { keys.count }

    /// The code's identifier, the next free one at its first appearance; one under two URIs of its
    /// system is one.
    package mutating func intern(system: String, code: String) -> CodingID {
        let key = Key(system: CodeSystem.canonical(system), code: code)
        if let known = identifiers[key] { return known }
        let fresh = CodingID(index: Int32(keys.count))
        identifiers[key] = fresh
        keys.append(key)
        alone.append([fresh])
        return fresh
    }

    /// The identifiers of several codes, ascending and without repetition.
    mutating func intern(_ codings: [Coding]) -> [CodingID] {
        if codings.count == 1 {
            return alone[Int(intern(system: codings[0].system, code: codings[0].code).index)]
        }
        var identifiers: [CodingID] = []
        for coding in codings {
            let identifier = intern(system: coding.system, code: coding.code)
            if !identifiers.contains(identifier) { identifiers.append(identifier) }
        }
        return identifiers.sorted()
    }

    /// The code behind an identifier of this table.
    package subscript(_ identifier: CodingID) -> (system: String, code: String) {
        let key = keys[Int(identifier.index)]
        return (key.system, key.code)
    }
}

extension CodingTable: StateCodable {
    package func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(keys.count))
        for key in keys {
            state.writeShared(key.system)
            state.writeShared(key.code)
        }
    }

    package init(state: inout StateReader) throws(StateError) {
        self.init()
        for index in 0..<(try state.readCount()) {
            let identifier = intern(system: try state.readShared(), code: try state.readShared())
            guard Int(identifier.index) == index else { throw StateError() }
        }
    }
}

/// Which of one pack's code lists each interned code is in: a row of bits a code.
package struct ListMembership: Sendable {
    private let lists: [CodeList]
    /// 64-bit words a row.
    let wordsPerCoding: Int
    private var words: [UInt64] = []
    private var codingCount = 0

    package init(lists: [CodeList]) {
        self.lists = lists
        wordsPerCoding = max(1, (lists.count + 63) / 64)
    }

    /// Looks up the codes that were interned since the last time.
    package mutating func extend(to table: CodingTable) {
        while codingCount < table.count {
            let (system, code) = table[CodingID(index: Int32(codingCount))]
            let row = words.count
            words.append(contentsOf: repeatElement(0, count: wordsPerCoding))
            for (index, list) in lists.enumerated()
            where list.contains(system: system, code: code) {
                words[row + index / 64] |= 1 << UInt64(index % 64)
            }
            codingCount += 1
        }
    }

    /// Whether a code is in the list of that index.
    ///
    /// - Precondition: the membership has been extended since the code was interned.
    package func contains(_ coding: CodingID, list: Int) -> Bool {
        word(of: coding, at: list / 64) & (1 << UInt64(list % 64)) != 0
    }

    /// Whether a code that need not be interned is in the list of that index.
    func contains(_ coding: Coding, list: Int) -> Bool {
        lists[list].contains(system: coding.system, code: coding.code)
    }

    /// The indexes of the lists that a code is in, ascending.
    package func lists(with coding: CodingID) -> [Int] {
        lists.indices.filter { contains(coding, list: $0) }
    }

    func word(of coding: CodingID, at position: Int) -> UInt64 {
        precondition(Int(coding.index) < codingCount, "A code is looked up before it is used.")
        return words[Int(coding.index) * wordsPerCoding + position]
    }
}
