// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fact {
    /// Whether another version of a condition says the same but for its end.
    func differsInEnd(from other: Fact) -> Bool {
        endDay != other.endDay && day == other.day && codings == other.codings
    }
}

/// Since when the versions of a condition have said that it is over, in whatever order they came.
struct EndedHistory {
    /// Versions of clinicalStatus inactive, remission or resolved.
    private(set) var ended: [ResourceVersion] = []
    /// The greatest version that says otherwise.
    private(set) var lastCurrent: ResourceVersion?
    /// What the version that counts names as the end itself, by `abatement[x]`.
    var abatedOn: CivilDay?

    init() {}

    /// A history that was kept.
    init(ended: [ResourceVersion], lastCurrent: ResourceVersion?, abatedOn: CivilDay?) {
        self.ended = ended
        self.lastCurrent = lastCurrent
        self.abatedOn = abatedOn
    }

    mutating func note(status: String?, version: ResourceVersion) {
        switch status {
        case "inactive", "remission", "resolved": ended.append(version)
        default: lastCurrent = max(lastCurrent ?? version, version)
        }
    }

    /// What this history and the versions of another one, all of them lesser, have said.
    func joined(by earlier: EndedHistory) -> EndedHistory {
        EndedHistory(
            ended: ended + earlier.ended,
            lastCurrent: [lastCurrent, earlier.lastCurrent].compactMap { $0 }.max(),
            abatedOn: abatedOn)
    }

    /// The day from which on it is over, by its abatement or since all versions have said so.
    func endDay(in zone: ZoneTable) -> CivilDay? {
        let since = ended.filter { version in lastCurrent.map { $0 < version } ?? true }.min()
        return [abatedOn, since.map { zone.day(of: $0.time) }].compactMap { $0 }.min()
    }
}
