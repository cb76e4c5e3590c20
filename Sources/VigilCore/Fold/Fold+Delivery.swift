// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How much people are told: which flags belong together, and which may not be raised.
extension Fold {
    /// The group of the patient's first open flag on one of the medicines; nil where none is.
    func group(of hazardCodings: [CodingID], patient: Int) -> FlagID? {
        for (_, episode) in patients[patient].episodes.entries {
            if let open = episode.open, hazardCodings.contains(where: open.hazardCodings.contains) {
                return open.group
            }
        }
        return nil
    }

    /// Marks raised flags of rules that another rule stands for, whose flag is open in the group.
    func markCovered(_ outputs: inout [Output], patient: Int) {
        for index in outputs.indices {
            guard case .flag(var event) = outputs[index], event.transition == .raised else {
                continue
            }
            event.isCovered = patients[patient].episodes.entries.contains { rule, episode in
                episode.open?.group == event.group
                    && rules[rule].rule.covers.contains(event.rule.id)
            }
            outputs[index] = .flag(event)
        }
    }

    /// Whether a rule that has become true of a patient may raise a flag.
    ///
    /// In the middle of a load a change of rules finds half a history: the load's end raises what
    /// is true. What a rule of readings finds in a load is not news, until something live bears
    /// it out.
    mutating func mayRaise(patient: Int, rule: Int, cause: Cause) -> Bool {
        switch cause {
        case .input:
            patients[patient].episodes[rule].isQuiet = false
            return true
        case .time:
            return !patients[patient].episodes[rule].isQuiet
        case .rules, .engine:
            return patients[patient].loads.isEmpty && !patients[patient].episodes[rule].isQuiet
        case .baseline:
            let isQuiet =
                !rules[rule].rule.raisesFromBaseline
                && patients[patient].episodes[rule].pending == nil
            patients[patient].episodes[rule].isQuiet = isQuiet
            return !isQuiet
        }
    }

    /// A rule of readings says nothing of what only a history has told, also when time alone makes
    /// it true later, such as a signal that is lost: until something live has come.
    mutating func keepQuiet(patient: Int, rule: Int, cause: Cause) {
        switch cause {
        case .input: patients[patient].episodes[rule].isQuiet = false
        case .baseline:
            // Where time alone changes nothing there is nothing to be quiet about.
            patients[patient].episodes[rule].isQuiet =
                !rules[rule].rule.raisesFromBaseline
                && patients[patient].episodes[rule].stableUntil != .never
        case .time, .rules, .engine: break
        }
    }
}
