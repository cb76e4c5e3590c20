// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// All patients, in order of their first appearance in the log.
///
/// At rest a patient is a few hundred bytes beside those of others; who is looked at is opened, and
/// the one that was opened longest ago is packed again. So memory goes with the bytes of all
/// patients and with a fixed number of open ones. There are many small chunks, so that a copy of
/// the table costs little: a change after it copies one chunk.
struct PatientTable: RandomAccessCollection, Sendable {
    static let chunkLength = 16
    /// So many are a snapshot's block, a whole number of chunks.
    static let blockLength = 256

    private struct Chunk: Sendable {
        /// The records of the packed patients, each after its length; of one that was never packed
        /// an empty one.
        var bytes: [UInt8] = []
        var open: [OpenPatient] = []
        /// Where each patient is in `open`; nil while it is packed.
        private(set) var openPlaces = OpenPlaces()

        init(bytes: [UInt8] = []) { self.bytes = bytes }

        mutating func add(_ patient: OpenPatient) {
            openPlaces[patient.place] = open.count
            open.append(patient)
        }

        /// Takes out an open patient, for which the last one makes up.
        mutating func close(_ index: Int) -> OpenPatient {
            open.swapAt(index, open.count - 1)
            let closed = open.removeLast()
            if index < open.count { openPlaces[open[index].place] = index }
            // Else the room of a chunk whose patients were all open once would stay.
            if open.isEmpty { open = [] }
            openPlaces[closed.place] = nil
            return closed
        }
    }

    /// Where each of a chunk's patients is among those that are open, four bits for each.
    private struct OpenPlaces: Sendable {
        private var places: UInt64 = 0
        private var isOpen: UInt16 = 0

        subscript(place: Int) -> Int? {
            get { isOpen >> place & 1 == 0 ? nil : Int(places >> (4 * place) & 0xF) }
            set {
                places &= ~(0xF << (4 * place))
                isOpen &= ~(1 << place)
                guard let newValue else { return }
                places |= UInt64(newValue) << (4 * place)
                isOpen |= 1 << place
            }
        }
    }

    private struct OpenPatient: Sendable {
        /// In its chunk.
        var place: Int
        var patient: Patient
        /// Whether the record is not what the patient is now.
        var isChanged: Bool
    }

    private var chunks: [Chunk] = []
    private var subjects = PlaceIndex()
    private(set) var count = 0
    /// What records refer to.
    private(set) var texts = StateTexts()
    private var singleCodings: [[CodingID]] = []
    /// Who is open, a ring from `oldest` on.
    private var opened: [Int] = []
    private var oldest = 0
    private var room: [UInt8] = []
    /// So many are open at most.
    private let openMax: Int

    /// No patients.
    init(openMax: Int = 32_768) {
        self.openMax = openMax
    }

    var startIndex: Int { 0 }
    var endIndex: Int { count }

    subscript(index: Int) -> Patient {
        _read {
            let (chunk, place) = Self.place(of: index)
            if let open = openPlace(chunk, place) {
                yield chunks[chunk].open[open].patient
            } else {
                yield unpacked(index)
            }
        }
        _modify {
            let (chunk, open) = opening(index)
            chunks[chunk].open[open].isChanged = true
            yield &chunks[chunk].open[open].patient
        }
    }

    /// A part of a patient, asked of where it stands: what the subscript lends is copied whole.
    @inline(__always)
    subscript<Part>(part: KeyPath<Patient, Part>, of index: Int) -> Part {
        let (chunk, place) = Self.place(of: index)
        guard let open = openPlace(chunk, place) else { return unpacked(index)[keyPath: part] }
        return chunks[chunk].open[open].patient[keyPath: part]
    }

    /// What rules see of a patient.
    func facts(seenOf index: Int) -> PatientFacts {
        self[\.view, of: index] ?? self[\.facts, of: index]
    }

    /// Where rules stand for a patient.
    func episodes(of index: Int) -> EpisodeTable { self[\.episodes, of: index] }

    /// Opens a patient that is going to be looked at again and again.
    mutating func open(_ index: Int) {
        _ = opening(index)
    }

    mutating func append(_ patient: Patient) {
        if count % Self.chunkLength == 0 { chunks.append(Chunk()) }
        let (chunk, place) = Self.place(of: count)
        chunks[chunk].bytes.append(0)
        chunks[chunk].add(OpenPatient(place: place, patient: patient, isChanged: true))
        subjects.add(IdentifierHash(patient.subject), at: count)
        count += 1
        noteOpened(count - 1)
    }

    /// Where a subject's patient is; nil where there is none.
    func index(of subject: String) -> Int? {
        subjects.place(of: IdentifierHash(subject)) { index in
            let (chunk, place) = Self.place(of: index)
            if let open = openPlace(chunk, place) {
                return chunks[chunk].open[open].patient.subject.isExactly(subject)
            }
            var reader = StateReader(packed(index))
            guard let packed = try? Self.head(from: &reader) else { return false }
            return packed.subject.elementsEqual(subject.utf8)
        }
    }

    /// What a record begins with: when its patient is due, and the subject.
    private static func head(
        from reader: inout StateReader
    ) throws(StateError) -> (due: Instant, subject: ArraySlice<UInt8>) {
        (Instant(milliseconds: try reader.readSpan()), try reader.readBytes())
    }

    private static func place(of index: Int) -> (chunk: Int, place: Int) {
        (index / chunkLength, index % chunkLength)
    }

    private func openPlace(_ chunk: Int, _ place: Int) -> Int? {
        chunks[chunk].openPlaces[place]
    }

    private mutating func opening(_ index: Int) -> (chunk: Int, open: Int) {
        let (chunk, place) = Self.place(of: index)
        if let open = openPlace(chunk, place) { return (chunk, open) }
        let patient = unpacked(index)
        // Another of the chunk may make way for it.
        noteOpened(index)
        chunks[chunk].add(OpenPatient(place: place, patient: patient, isChanged: false))
        return (chunk, chunks[chunk].open.count - 1)
    }

    /// Takes note of who is open, and packs the one that has been for longest if they are many.
    private mutating func noteOpened(_ index: Int) {
        guard opened.count == openMax else {
            opened.append(index)
            return
        }
        pack(opened[oldest])
        opened[oldest] = index
        oldest = (oldest + 1) % openMax
    }

    private mutating func pack(_ index: Int) {
        let (chunk, place) = Self.place(of: index)
        guard let open = openPlace(chunk, place) else { return }
        let known = chunks[chunk].close(open)
        guard known.isChanged else { return }
        for place in known.patient.facts.facts.indices {
            extendSingleCodings(to: known.patient.facts.facts[place].codings)
        }
        // Moved rather than copied: else each new text would copy all of them.
        var writer = StateWriter(texts: texts, reusing: room)
        (texts, room) = (StateTexts(), [])
        let old = Self.record(place, in: chunks[chunk].bytes)
        known.patient.write(
            to: &writer, after: known.patient.packed,
            of: chunks[chunk].bytes[old.start..<old.whole.upperBound])
        assert(writer.hasWritten(known.patient), "A part that has changed was taken as it was.")
        (texts, room) = (writer.texts, writer.bytes)
        chunks[chunk].bytes = Self.replacing(old, of: chunks[chunk].bytes, by: room)
    }

    private mutating func extendSingleCodings(to codings: [CodingID]) {
        guard codings.count == 1 else { return }
        while singleCodings.count <= Int(codings[0].index) {
            singleCodings.append([CodingID(index: Int32(singleCodings.count))])
        }
    }

    /// Where a record is, with the length before it.
    private static func record(_ place: Int, in bytes: [UInt8]) -> (whole: Range<Int>, start: Int) {
        var position = 0
        for number in 0...place {
            var (length, shift, start) = (0, 0, position)
            while true {
                let byte = bytes[start]
                length |= Int(byte & 0x7F) << shift
                (shift, start) = (shift + 7, start + 1)
                if byte < 0x80 { break }
            }
            if number == place { return (position..<start + length, start) }
            position = start + length
        }
        return (position..<position, position)
    }

    private static func replacing(
        _ old: (whole: Range<Int>, start: Int), of bytes: [UInt8], by new: [UInt8]
    ) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count - old.whole.count + new.count + 3)
        result.append(contentsOf: bytes[..<old.whole.lowerBound])
        var length = new.count
        while length >= 0x80 {
            result.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        result.append(UInt8(truncatingIfNeeded: length))
        result.append(contentsOf: new)
        result.append(contentsOf: bytes[old.whole.upperBound...])
        return result
    }

    private func packed(_ index: Int) -> ArraySlice<UInt8> {
        let (chunk, place) = Self.place(of: index)
        let (whole, start) = Self.record(place, in: chunks[chunk].bytes)
        return chunks[chunk].bytes[start..<whole.upperBound]
    }

    private func unpacked(_ index: Int) -> Patient {
        do throws(StateError) {
            return try decoded(index)
        } catch {
            // Packed here, or the snapshot's checksum and version held and samples were read.
            preconditionFailure("A snapshot's patient cannot be read: remove the snapshots.")
        }
    }

    private func decoded(_ index: Int) throws(StateError) -> Patient {
        var reader = StateReader(
            packed(index), texts: texts.texts, singleCodings: singleCodings)
        let patient = try reader.read(Patient.self)
        guard reader.isAtEnd else { throw StateError() }
        return patient
    }
}

extension StateWriter {
    /// Whether its bytes are those of a value.
    fileprivate func hasWritten(_ value: some StateCodable) -> Bool {
        var whole = StateWriter(texts: texts)
        whole.write(value)
        return whole.bytes == bytes
    }
}

// MARK: - Snapshots

extension PatientTable {
    /// How many blocks `block` gives.
    var blockCount: Int { (count + Self.blockLength - 1) / Self.blockLength }

    /// The state of a block's patients.
    ///
    /// - Parameters:
    ///   - number: the block's.
    ///   - texts: the table's, to which those of open patients are added.
    /// - Returns: their records, each after its length.
    func block(_ number: Int, texts: inout StateTexts) -> [UInt8] {
        var writer = StateWriter()
        let first = number * Self.blockLength
        for index in first..<Swift.min(first + Self.blockLength, count) {
            let (chunk, place) = Self.place(of: index)
            guard let open = openPlace(chunk, place), chunks[chunk].open[open].isChanged else {
                writer.writeBytes(packed(index))
                continue
            }
            var single = StateWriter(texts: texts)
            single.write(chunks[chunk].open[open].patient)
            texts = single.texts
            writer.writeBytes(single.bytes)
        }
        return writer.bytes
    }

    /// Reads a packed patient, as a sample.
    func sample(_ index: Int) throws(StateError) -> Patient {
        try decoded(index)
    }

    /// Takes over the texts that blocks refer to, and the subjects of their patients.
    mutating func begin(texts: [String], subjects: [IdentifierHash]) {
        self.texts = StateTexts(texts: texts)
        self.subjects = PlaceIndex(subjects)
    }

    /// Puts a block's patients behind the last, packed; hands out when each is due, and who it is.
    ///
    /// Every block but the last is whole.
    mutating func appendBlock(
        _ bytes: [UInt8], visit: (Instant, IdentifierHash) -> Void
    ) throws(StateError) {
        guard count % Self.blockLength == 0, !bytes.isEmpty else { throw StateError() }
        var reader = StateReader(bytes[...])
        var start = 0
        let first = count
        while !reader.isAtEnd {
            let length = try reader.readCount()
            let end = reader.passedCount + length
            let (due, subject) = try Self.head(from: &reader)
            visit(due, IdentifierHash(utf8: subject))
            try reader.skip(to: end)
            count += 1
            guard count - first <= Self.blockLength else { throw StateError() }
            if count % Self.chunkLength == 0 || reader.isAtEnd {
                chunks.append(Chunk(bytes: Array(bytes[start..<end])))
                start = end
            }
        }
    }
}
