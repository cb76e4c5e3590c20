// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import VigilCQL
internal import VigilCodec
internal import VigilCore

/// Has libFuzzer think of input for one of the readers of what comes from outside.
///
/// `VigilFuzz message|history|record|expression [libFuzzer's options] [folder of samples]`. Beyond
/// not crashing, each must keep what it promises of its answers.
enum Target: String, CaseIterable {
    /// The two frames of an inbound message: the topic, a line feed, the event.
    case message
    /// A request on the history socket.
    case history
    /// A record as a log or a snapshot holds it.
    case record
    /// An expression of the rules' language.
    case expression

    func take(_ input: [UInt8]) {
        switch self {
        case .message: takeMessage(input)
        case .history: takeRequest(input)
        case .record: takeRecord(input)
        case .expression: takeExpression(input)
        }
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

private func takeRecord(_ input: [UInt8]) {
    guard let view = try? LogRecordView(bytes: input, at: 0, before: input.count) else { return }
    precondition(view.end <= input.count)
    precondition(view.payload.count <= input.count)
    precondition(view.entry.offset == view.offset)
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

nonisolated(unsafe) private var target = Target.message

/// What libFuzzer calls with each input that it has thought of.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target.take(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager gives every executable a main of its own, so libFuzzer is driven from it.
@main
enum VigilFuzz {
    static func main() {
        let words = CommandLine.arguments
        guard words.count > 1, let chosen = Target(rawValue: words[1]) else {
            let names = Target.allCases.map(\.rawValue).joined(separator: "|")
            let usage = "usage: VigilFuzz \(names) [options] [folder]\n"
            _ = usage.withCString { write(STDERR_FILENO, $0, strlen($0)) }
            exit(64)
        }
        target = chosen
        // libFuzzer takes a word that is no option for a folder of samples.
        var arguments = CommandLine.unsafeArgv + 1
        arguments[0] = CommandLine.unsafeArgv[0]
        var count = CommandLine.argc - 1
        _ = runFuzzer(&count, &arguments, fuzzOneInput)
    }
}
