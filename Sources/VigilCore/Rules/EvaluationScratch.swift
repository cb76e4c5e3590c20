// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What an evaluation works in: room that those of one program use one after another.
///
/// A pack may have thousands of definitions of which an event touches a few: only what was used is
/// cleared, so that the rest costs nothing.
package struct EvaluationScratch: Sendable {
    /// What definitions are, where that was asked.
    var kept: [Outcome?] = []
    /// The entries of lists that definitions are.
    var keptEntries: [ListEntry] = []
    /// The entries of lists that are being worked on.
    var stack: [ListEntry] = []
    /// Set before they are read, so never cleared.
    var aliases: [Value] = []
    /// Until when each stands.
    var aliasUntil: [Int64] = []
    /// What `Program.windowSlots` names, today and on the calendar's last day: every fact of a
    /// patient is held against the same few bounds.
    var windowsToday: [Outcome?] = []
    var windowsAtEnd: [Value?] = []
    /// Beside the patient's facts.
    private(set) var samples: [FactSample] = []
    private(set) var memberships = FactMemberships()
    var usedDefinitions: [Int] = []
    /// Those for which there was no work left.
    var cutDefinitions: [Int] = []
    var usedWindows: [Int] = []

    package init() {}

    /// Forgets what the evaluation before has left, and takes in a patient.
    mutating func begin(_ shared: SharedProgram, _ facts: [Fact], _ membership: ListMembership) {
        clear()
        fit(shared)
        // By index: a fact is wide, and is not copied to be looked at.
        for index in facts.indices { samples.append(FactSample(facts[index])) }
        memberships.fill(facts, membership)
    }

    /// Makes room for a program where there is not enough yet.
    private mutating func fit(_ shared: SharedProgram) {
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

    private mutating func clear() {
        samples.empty()
        keptEntries.empty()
        stack.empty()
        for index in usedDefinitions { kept[index] = nil }
        for slot in usedWindows {
            windowsToday[slot] = nil
            windowsAtEnd[slot] = nil
        }
        usedDefinitions.empty()
        cutDefinitions.empty()
        usedWindows.empty()
    }
}

extension Array {
    /// Removes all and keeps the room: of an array that is empty, as it mostly is, at no cost.
    fileprivate mutating func empty() {
        if !isEmpty { removeAll(keepingCapacity: true) }
    }
}
