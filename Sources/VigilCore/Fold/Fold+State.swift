// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

// The state of a fold: see `StateCodable`. Patients are apart, in blocks, so that they need not be
// in memory twice; what follows from them (their index, the queue of what is due) is left out, and
// so are the packs, which the log has.

extension Fold {
    /// Grows whenever the bytes of some state change; snapshots of other versions are ignored.
    package static let stateVersion = 15

    /// Of so many blocks one patient is read at once, to see that its bytes are state.
    private static let blocksPerSample = 16

    /// The fold as a snapshot takes it: a copy whose making and keeping delay the original little.
    package var frozen: Fold {
        var copy = self
        copy.dueQueue = DueQueue()
        return copy
    }

    /// Appends all but the patients.
    package func write(to state: inout StateWriter) {
        state.write(chains)
        state.write(codings)
        state.write(sources)
        state.write(trace)
        state.write(settings)
        state.write(suspensions)
        state.write(changes)
        state.write(loads)
        state.write(feeds)
        state.write(watch)
        state.write(merges)
        state.write(trackUses)
        state.writeNumber(UInt64(bindings.count))
        for (name, subject) in bindings {
            state.write(name)
            state.write(subject)
        }
        state.write(flagPlaces)
    }

    /// How many blocks of patients there are.
    package var patientBlockCount: Int { patients.blockCount }

    /// The texts that patients' blocks share.
    package var patientTexts: StateTexts { patients.texts }

    /// The state of some patients; what texts they share beyond `patientTexts` is added.
    package func patientBlock(_ number: Int, texts: inout StateTexts) -> [UInt8] {
        patients.block(number, texts: &texts)
    }

    /// Takes over a state, all of it, into a fold of nothing yet.
    ///
    /// - Parameters:
    ///   - packs: those that were in force.
    ///   - state: what `write(to:)` wrote.
    ///   - read: the patients.
    ///   - texts: the texts that the patients' blocks share.
    /// - Throws: where the bytes are no state, or not one of these packs.
    package mutating func restore(
        packs: [CompiledPack], from state: inout StateReader, patients read: PatientBlocks,
        texts: [String]
    ) throws(StateError) {
        chains = try state.read()
        codings = try state.read()
        sources = try state.read()
        trace = try state.read()
        settings = try state.read()
        suspensions = try state.read()
        let changes = try state.read(ChangeProgress.self)
        loads = try state.read()
        feeds = try state.read()
        watch = try state.read()
        merges = try state.read()
        trackUses = try state.read()
        for _ in 0..<(try state.readCount()) {
            let name = try state.read(MergeTable.Name.self)
            bindings[name] = try state.read(ExactText.self)
        }
        flagPlaces = try state.read()
        enforce(packs)
        self.changes = changes
        patients = read.table
        patients.begin(texts: texts, subjects: read.subjects)
        let samples = stride(
            from: PatientTable.blockLength - 1, to: patients.count,
            by: PatientTable.blockLength * Fold.blocksPerSample)
        for index in Array(samples) + patients.indices.suffix(1) {
            let sample = try patients.sample(index)
            guard sample.episodes.entries.allSatisfy({ rules.indices.contains($0.rule) }) else {
                throw StateError()
            }
        }
        guard chains.count == patients.count, flagPlaces.isWithin(patients.count) else {
            throw StateError()
        }
        dueQueue = DueQueue(instants: read.instants)
    }
}

/// The patients of a state, taken in block by block while it is read.
package struct PatientBlocks {
    fileprivate var table = PatientTable()
    /// When each is due.
    fileprivate var instants: [Instant] = []
    fileprivate var subjects: [IdentifierHash] = []

    /// No patients yet.
    package init() {}

    /// Takes in the next block, as `Fold.patientBlock` gave it.
    ///
    /// - Throws: where the bytes are none.
    package mutating func append(_ block: [UInt8]) throws(StateError) {
        try table.appendBlock(block) { due, subject in
            instants.append(due)
            subjects.append(subject)
        }
    }
}

extension Severity: StateCodable {}
