// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The newest record of each patient, to which the next one refers: the chain of a subject's
/// records through the log.
///
/// In many small pieces, so that a copy costs little: a change after it copies one.
struct RecordChains: Sendable {
    private static let chunkLength = 4096

    private var chunks: [[UInt64]] = []
    private(set) var count = 0
    /// The first record of the subject that is a patient next, where there is one.
    private var first: UInt64 = 0

    /// No patients.
    init() {}

    /// Takes note of a record of a patient.
    ///
    /// - Returns: the one before it; nil where there is none.
    mutating func add(_ offset: UInt64, of patient: Int) -> UInt64? {
        let (chunk, place) = patient.quotientAndRemainder(dividingBy: Self.chunkLength)
        let before = chunks[chunk][place]
        chunks[chunk][place] = offset
        // Offset 0 is the log's beginning and nobody's.
        return before == 0 ? nil : before
    }

    /// Takes note of a record of a subject that is no patient yet.
    mutating func addFirst(_ offset: UInt64) { first = offset }

    /// Takes note that the subject is a patient now, the next in order.
    mutating func append() {
        if count % Self.chunkLength == 0 {
            chunks.append([])
            chunks[chunks.count - 1].reserveCapacity(Self.chunkLength)
        }
        chunks[chunks.count - 1].append(first)
        first = 0
        count += 1
    }
}

extension RecordChains: StateCodable {
    func write(to state: inout StateWriter) {
        state.writeNumber(UInt64(count))
        for chunk in chunks {
            for offset in chunk { state.writeNumber(offset) }
        }
    }

    init(state: inout StateReader) throws(StateError) {
        count = try state.readCount()
        for start in stride(from: 0, to: count, by: Self.chunkLength) {
            var chunk: [UInt64] = []
            chunk.reserveCapacity(Self.chunkLength)
            for _ in start..<min(start + Self.chunkLength, count) {
                chunk.append(try state.readNumber())
            }
            chunks.append(chunk)
        }
    }
}

extension Fold {
    /// Chains a record to the one before it of the same subject.
    ///
    /// - Parameters:
    ///   - offset: the record's.
    ///   - subject: whom it is about: a patient, or whoever becomes one by the event that is taken
    ///     in next.
    /// - Returns: the offset of the subject's record before; nil for the first.
    package mutating func chain(_ offset: UInt64, to subject: String) -> UInt64? {
        guard let patient = patients.index(of: subject) else {
            chains.addFirst(offset)
            return nil
        }
        return chains.add(offset, of: patient)
    }
}
