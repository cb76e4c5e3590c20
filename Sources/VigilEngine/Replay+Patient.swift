// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
internal import VigilLog

/// What a log knows of one patient at a moment, and the lists to read it by.
package struct PatientView: Sendable {
    /// What rules may ask about the patient.
    package var facts: PatientFacts
    /// The codes that the facts name.
    package var codings: CodingTable
    /// The code lists of the active packs, in their order.
    package var lists: [CodeList]
    package var now: Instant
    package var zone: ZoneTable
}

extension Replay {
    /// Folds the log up to the moment of the options and looks at one patient.
    ///
    /// - Parameter subject: the events' subject.
    /// - Returns: nil where the log has nothing of the patient by then.
    /// - Throws: as `run` does.
    package func view(of subject: String) throws -> PatientView? {
        guard let genesis = try reader.record(at: 0) else {
            throw OpeningError.noLog(directory: directory)
        }
        var sequencer = try Sequencer(begunBy: genesis, lookup: lookup)
        try reader.scan(from: 0) { view in
            if let until = options.until, view.recorded > until { return .stop }
            try sequencer.refold(view.record, comparing: options.comparison, decoder: decoder)
            return .next
        }
        if let failure = lookup.failure { throw failure }
        guard let known = sequencer.fold.known(of: subject) else { return nil }
        return PatientView(
            facts: known.facts, codings: known.codings,
            lists: sequencer.compiledPacks.flatMap(\.lists), now: options.until ?? sequencer.clock,
            zone: sequencer.identity.zone)
    }
}
