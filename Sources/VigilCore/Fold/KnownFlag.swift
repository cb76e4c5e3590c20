// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A flag that was once raised, for reviews that name it.
///
/// It is with its patient, where it takes no room in memory while the patient is at rest but in its
/// record: there are more flags than patients in the end.
struct KnownFlag {
    let id: FlagID
    var practice: String
    var severity: Severity
    var openedAt: Instant
    /// The newest raised or updated event.
    var newest: UInt64
}

extension Fold {
    /// The flag of an identity, and whose it is; nil where none of it was ever raised.
    func knownFlag(_ text: String) -> (patient: Int, flag: KnownFlag)? {
        guard let id = FlagID(text) else { return nil }
        var found: KnownFlag?
        let patient = flagPlaces.place(of: IdentifierHash(bits: id.prefix)) { index in
            found = patients[\.flags, of: index].last { $0.id == id }
            return found != nil
        }
        guard let patient, let found else { return nil }
        return (patient, found)
    }

    /// Takes note of a flag that is raised.
    mutating func note(_ flag: KnownFlag, patient: Int) {
        patients[patient].flags.append(flag)
        flagPlaces.add(IdentifierHash(bits: flag.id.prefix), at: patient)
    }

    /// Changes what is known of a patient's flag; nothing where it is none that can be reviewed.
    mutating func changeFlag(_ id: FlagID, of patient: Int, _ change: (inout KnownFlag) -> Void) {
        guard let place = patients[\.flags, of: patient].lastIndex(where: { $0.id == id }) else {
            return
        }
        change(&patients[patient].flags[place])
    }
}

extension KnownFlag: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(id)
        state.writeShared(practice)
        state.write(severity)
        state.write(openedAt)
        state.write(newest)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(
            id: try state.read(), practice: try state.readShared(), severity: try state.read(),
            openedAt: try state.read(), newest: try state.read())
    }
}
