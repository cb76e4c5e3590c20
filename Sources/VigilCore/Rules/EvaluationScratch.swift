// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Room that evaluations of one program use one after another.
///
/// A pack may have thousands of definitions of which an event touches a few: only what was used is
/// cleared, so that the rest costs nothing.
package struct EvaluationScratch: Sendable {
    var kept: [Outcome?] = []
    var windowsToday: [Outcome?] = []
    var windowsAtEnd: [Value?] = []
    /// Set before they are read, so never cleared.
    var aliases: [Value] = []
    var aliasUntil: [Int64] = []
    var samples: [FactSample] = []
    var memberships: [UInt64] = []
    var keptEntries: [ListEntry] = []
    var stack: [ListEntry] = []
    var usedDefinitions: [Int] = []
    var usedWindows: [Int] = []

    package init() {}

    /// Hands out the room for memberships.
    mutating func takeMemberships() -> [UInt64] {
        defer { memberships = [] }
        return memberships
    }

    /// Makes room for a program where there is not enough yet.
    mutating func fit(_ shared: SharedProgram) {
        guard
            kept.count != shared.program.definitions.count
                || aliases.count != Int(shared.program.aliasCount)
                || windowsToday.count != Int(shared.program.windowCount)
        else { return }
        kept = Array(repeating: nil, count: shared.program.definitions.count)
        windowsToday = Array(repeating: nil, count: Int(shared.program.windowCount))
        windowsAtEnd = Array(repeating: nil, count: Int(shared.program.windowCount))
        aliases = Array(repeating: .null, count: Int(shared.program.aliasCount))
        aliasUntil = Array(repeating: Outcome.never, count: Int(shared.program.aliasCount))
    }

    /// Forgets what the evaluation before has left.
    mutating func clear() {
        samples.removeAll(keepingCapacity: true)
        keptEntries.removeAll(keepingCapacity: true)
        stack.removeAll(keepingCapacity: true)
        for index in usedDefinitions { kept[index] = nil }
        for slot in usedWindows {
            windowsToday[slot] = nil
            windowsAtEnd[slot] = nil
        }
        usedDefinitions.removeAll(keepingCapacity: true)
        usedWindows.removeAll(keepingCapacity: true)
    }
}
