// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// All patients, in order of their first appearance in the log.
///
/// In chunks, so that a copy of the table costs little: a change after it copies one chunk. A
/// patient that a snapshot gave stays bytes until it is looked at: a start reads none of those
/// whom nothing happens to.
struct PatientTable: RandomAccessCollection, Sendable {
    static let chunkLength = 64

    private struct Chunk: Sendable {
        var patients: [Patient] = []
        /// The state of those that were not looked at yet, by place; empty where there is none.
        var kept: [ArraySlice<UInt8>] = []
    }

    private var chunks: [Chunk] = []
    private(set) var count = 0
    /// What the kept patients' bytes refer to.
    private var texts: [String] = []

    /// No patients.
    init() {}

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> Patient {
        _read {
            let (chunk, place) = Self.place(of: index)
            if let bytes = keptBytes(chunk, place) {
                yield thawed(bytes)
            } else {
                yield chunks[chunk].patients[place]
            }
        }
        _modify {
            thaw(index)
            let (chunk, place) = Self.place(of: index)
            yield &chunks[chunk].patients[place]
        }
    }

    /// Makes a patient that is still bytes into one that can be looked at again and again.
    mutating func thaw(_ index: Int) {
        let (chunk, place) = Self.place(of: index)
        guard let bytes = keptBytes(chunk, place) else { return }
        chunks[chunk].patients[place] = thawed(bytes)
        chunks[chunk].kept[place] = []
        if chunks[chunk].kept.allSatisfy(\.isEmpty) { chunks[chunk].kept = [] }
    }

    mutating func append(_ patient: Patient) {
        if count % Self.chunkLength == 0 { chunks.append(Chunk()) }
        let last = chunks.count - 1
        chunks[last].patients.append(patient)
        if !chunks[last].kept.isEmpty { chunks[last].kept.append([]) }
        count += 1
    }

    private static func place(of index: Int) -> (chunk: Int, place: Int) {
        (index / chunkLength, index % chunkLength)
    }

    private func keptBytes(_ chunk: Int, _ place: Int) -> ArraySlice<UInt8>? {
        guard !chunks[chunk].kept.isEmpty else { return nil }
        let bytes = chunks[chunk].kept[place]
        return bytes.isEmpty ? nil : bytes
    }

    private func thawed(_ bytes: ArraySlice<UInt8>) -> Patient {
        do throws(StateError) {
            return try decoded(bytes)
        } catch {
            // The bytes' checksum and version held, and a sample of them was read at the start.
            preconditionFailure("A snapshot's patient cannot be read: remove the snapshots.")
        }
    }

    private func decoded(_ bytes: ArraySlice<UInt8>) throws(StateError) -> Patient {
        var reader = StateReader(bytes, texts: texts)
        let patient = try reader.read(Patient.self)
        guard reader.isAtEnd else { throw StateError() }
        return patient
    }
}

// MARK: - Snapshots

extension PatientTable {
    /// How many blocks `block` gives.
    var blockCount: Int { chunks.count }

    /// The state of a chunk's patients: of each its subject, when it is due, and its bytes.
    func block(_ number: Int, texts: inout StateTexts) -> [UInt8] {
        var writer = StateWriter(texts: texts)
        let first = number * Self.chunkLength
        for index in first..<Swift.min(first + Self.chunkLength, count) {
            var single = StateWriter(texts: writer.texts)
            let patient = self[index]
            single.write(patient)
            writer.texts = single.texts
            writer.write(patient.subject)
            writer.write(patient.due)
            writer.writeBytes(single.bytes)
        }
        texts = writer.texts
        return writer.bytes
    }

    /// Reads a patient that is still bytes, as a sample of them.
    func sample(_ index: Int) throws(StateError) -> Patient {
        let (chunk, place) = Self.place(of: index)
        return try decoded(chunks[chunk].kept[place])
    }

    /// Puts a block's patients behind the last, as bytes; hands out each one's subject and when it
    /// is due.
    ///
    /// Every block but the last is of a whole chunk.
    mutating func appendBlock(
        _ bytes: [UInt8], texts: [String], visit: (Int, String, Instant) -> Void
    ) throws(StateError) {
        guard count % Self.chunkLength == 0 else { throw StateError() }
        self.texts = texts
        var chunk = Chunk()
        var reader = StateReader(bytes[...], texts: texts)
        while !reader.isAtEnd {
            let subject = try reader.read(String.self)
            let due = try reader.read(Instant.self)
            let kept = try reader.readBytes()
            guard !kept.isEmpty, chunk.kept.count < Self.chunkLength else { throw StateError() }
            visit(count + chunk.kept.count, subject, due)
            // Its subject and no more: everything else is in the bytes.
            chunk.patients.append(Patient(subject: subject, practice: ""))
            chunk.kept.append(kept)
        }
        guard !chunk.kept.isEmpty else { throw StateError() }
        count += chunk.kept.count
        chunks.append(chunk)
    }
}
