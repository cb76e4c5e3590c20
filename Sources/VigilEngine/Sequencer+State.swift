// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilPacks

/// All that a sequencer goes on from, between two units, at a moment: a value of its own, which
/// another thread can write while the sequencer goes on.
struct SequencerState: Sendable {
    /// A pack in force: the record that activated it, and its hash.
    struct Pack: Hashable, Sendable {
        var offset: UInt64
        var hash: String
    }

    var identity: LogIdentity
    var nextOffset: UInt64
    var clock: Instant
    var fold: Fold
    var desk: DeliveryDesk
    var packs: [Pack]
    var topicSequences: ShardedTable<String, UInt64>
    var traced: UInt64
    var lastOutput: UInt64
    var toldTails: [String]

    /// How many records it is of.
    var size: UInt64 { nextOffset }
}

extension SequencerState.Pack: StateCodable {
    func write(to state: inout StateWriter) {
        state.write(offset)
        state.write(hash)
    }

    init(state: inout StateReader) throws(StateError) {
        self.init(offset: try state.read(), hash: try state.read())
    }
}

extension Sequencer {
    /// What it goes on from, now that no unit is being decided.
    var state: SequencerState {
        SequencerState(
            identity: identity, nextOffset: nextOffset, clock: clock, fold: fold.frozen,
            desk: desk,
            packs: zip(packs.compiled, packs.offsets).map {
                SequencerState.Pack(offset: $1, hash: $0.hash)
            },
            topicSequences: topicSequences, traced: traced, lastOutput: lastOutput,
            toldTails: toldTails)
    }

    /// Takes over a state, all of it, at the beginning of a log.
    ///
    /// - Parameters:
    ///   - head: what `SequencerState.write(to:)` wrote.
    ///   - packs: those that were in force, with the offsets of their activations.
    ///   - patients: those of the fold.
    ///   - texts: the texts that they share.
    /// - Throws: where the bytes are no state, or not one of these packs.
    mutating func restore(
        from head: inout StateReader, packs: PackSet, patients: PatientBlocks, texts: [String]
    ) throws(StateError) {
        // It was written by an engine like this one, which had taken the log over.
        semantics = engineSemantics
        fold.isAdopting = false
        nextOffset = try head.read()
        clock = try head.read()
        traced = try head.read()
        lastOutput = try head.read()
        toldTails = try head.read()
        desk = try DeliveryDesk(zone: identity.zone, state: &head)
        for _ in 0..<(try head.readCount()) {
            let topic = try head.read(String.self)
            topicSequences[topic] = try head.read(UInt64.self)
        }
        self.packs = packs
        try fold.restore(packs: packs.compiled, from: &head, patients: patients, texts: texts)
    }
}

extension SequencerState {
    /// Appends all but the patients, the identity and the packs, which come before.
    func write(to head: inout StateWriter) {
        head.write(nextOffset)
        head.write(clock)
        head.write(traced)
        head.write(lastOutput)
        head.write(toldTails)
        desk.write(to: &head)
        head.writeNumber(UInt64(topicSequences.count))
        topicSequences.forEach { topic, sequence in
            head.write(topic)
            head.write(sequence)
        }
        fold.write(to: &head)
    }
}
