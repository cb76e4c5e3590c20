// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// From one moment to another, with what is known at both.
extension Evaluation {
    /// Goes to another moment and forgets what may not stand there.
    ///
    /// - Parameters:
    ///   - moment: where to.
    ///   - key: the same as `Outcome.until` has it.
    mutating func move(to moment: Instant, key: Int64) {
        // What was found out stands from then on, and not before.
        let isBack = moment < now
        now = moment
        today = CivilDay(number: Int32(truncatingIfNeeded: key >> 32))
        var left = 0
        for position in scratch.usedDefinitions.indices {
            let index = scratch.usedDefinitions[position]
            if !isBack, let known = scratch.kept[index], known.until > key {
                scratch.usedDefinitions[left] = index
                left += 1
            } else {
                scratch.kept[index] = nil
            }
        }
        scratch.usedDefinitions.removeLast(scratch.usedDefinitions.count - left)
        left = 0
        for position in scratch.usedWindows.indices {
            let slot = scratch.usedWindows[position]
            scratch.windowsToday[slot] = nil
            guard scratch.windowsAtEnd[slot] != nil else { continue }
            scratch.usedWindows[left] = slot
            left += 1
        }
        scratch.usedWindows.removeLast(scratch.usedWindows.count - left)
        cut(to: 0)
        overflowed = false
        renewBudget()
    }

    /// Takes over what a definition is, for as long as that stands.
    mutating func adopt(_ outcome: Outcome, of definition: Int) {
        if scratch.kept[definition] == nil { scratch.usedDefinitions.append(definition) }
        scratch.kept[definition] = outcome
    }
}
