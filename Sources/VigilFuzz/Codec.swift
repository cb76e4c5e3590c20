// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCQL
internal import VigilCodec
internal import VigilCore

extension FuzzTarget {
    /// The two frames of an inbound message: the topic, a line feed, the event.
    static let message = FuzzTarget("message", [] as [String], takeMessage)

    /// A request on the history socket.
    static let history = FuzzTarget(
        "history",
        [
            #"{"from": 0, "to": null, "topics": ["flag.A81001."], "subject": null, "limit": 500}"#,
            #"{"open": ["flag.A81001."], "after": null, "limit": 500}"#,
        ], takeRequest)

    /// A record as a log or a snapshot holds it.
    static let record = FuzzTarget("record", [sampleRecord], takeRecord)

    /// An expression of the rules' language.
    static let expression = FuzzTarget(
        "expression",
        [
            "exists({1, 2}) and Today() >= @2024-01-01",
            "Count([MedicationRequest] M where M.authoredOn during Interval[@2024, Now()]) > 1",
            "AgeInYears() in Interval[65, 75) and not ('a' + 'b' ~ 'AB') or 5 'mg' > 1.5 'g'",
        ], takeExpression)

    private static var sampleRecord: [UInt8] {
        let entry = RecordEntry(
            offset: 7, recorded: Instant(milliseconds: 1_700_000_000_000), kind: .input,
            topic: "patient.A81001", source: "urn:ehr:a", eventID: "e-1", subject: "p1",
            causation: 7, previous: 3)
        var bytes: [UInt8] = []
        try? encodeLogRecord(
            Record(entry: entry, payload: Array("{}".utf8)),
            salt: RecordSalt(first: 1, second: 2), endsUnit: true, to: &bytes)
        return bytes
    }
}

private func takeMessage(_ input: [UInt8]) {
    let frames = input.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let topic = frames.count == 2 ? Array(frames[0]) : []
    let event = frames.count == 2 ? Array(frames[1]) : input
    let decoder = EventDecoder()
    do {
        let envelope = try decoder.readEnvelope(event, maximumBytes: 1 << 20)
        precondition((1...128).contains(envelope.id.utf8.count))
        try takeResource(envelope, of: event, topic: topic, with: decoder)
    } catch let failure as EnvelopeRejection {
        check(failure.rejection)
    } catch let rejection as Rejection {
        check(rejection)
    } catch {
        preconditionFailure("a decoder throws nothing else")
    }
}

/// With the topic that the event's own type asks for where its sender named none.
private func takeResource(
    _ envelope: Envelope, of event: [UInt8], topic: [UInt8], with decoder: EventDecoder
) throws {
    var topic = topic
    if topic.isEmpty {
        topic = Array("system.clock".utf8)
        if case .resource(let kind, _) = envelope.type {
            topic = Array("\(kind.rawValue).A81001".utf8)
        }
    }
    let decoded = try decoder.readResource(envelope, topic: topic)
    let document = JSONDocument()
    let compact = try document.withRoot(of: event) { $0.compactText }
    let again = try document.withRoot(of: compact) { $0.compactText }
    precondition(again == compact, "compact text is a fixed point")
    if case .input(let input) = decoded { try EventDecoder.checkSubject(input) }
}

private func check(_ rejection: Rejection) {
    precondition(rejection.pointer.isEmpty || rejection.pointer.hasPrefix("/"))
}

private func takeRequest(_ input: [UInt8]) {
    do throws(HistoryRequest.Refusal) {
        switch try HistoryRequest.read(input) {
        case .page(let page): precondition((1...HistoryRequest.limitMax).contains(page.limit))
        case .open(let page): precondition((1...HistoryRequest.limitMax).contains(page.limit))
        }
    } catch {
        precondition(!error.message.isEmpty)
    }
}

/// What decodes is the one encoding of what it says, but for the payload's digest.
private func takeRecord(_ input: [UInt8]) {
    guard let view = try? LogRecordView(bytes: input, at: 0, before: input.count) else { return }
    precondition(view.end <= input.count)
    let salt = input[view.saltedPayloadPlace].prefix(16)
    func word(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var again: [UInt8] = []
    try? encodeLogRecord(
        view.record, salt: RecordSalt(first: word(salt.prefix(8)), second: word(salt.dropFirst(8))),
        endsUnit: view.endsUnit, to: &again)
    precondition(again.count == view.end)
    let digest = view.entryPlace.lowerBound + 36
    again.replaceSubrange(digest..<digest + 32, with: input[digest..<digest + 32])
    precondition(again == Array(input[..<view.end]), "a record has one encoding")
}

private func takeExpression(_ input: [UInt8]) {
    let text = String(decoding: input, as: UTF8.self)
    guard let library = try? CQLCompiler.compileExpression(text, lists: [:]),
        let id = library.definitions[CQLCompiler.expressionName]
    else { return }
    var evaluation = Evaluation(
        program: SharedProgram(library.program), patient: PatientFacts(),
        membership: ListMembership(lists: []),
        now: Instant(milliseconds: 1_700_000_000_000), zone: .utc)
    let value = evaluation.value(of: id).value
    if evaluation.failure == nil { precondition(!value.literal.isEmpty) }
}
