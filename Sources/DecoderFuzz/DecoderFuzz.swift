// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

/// Decodes whatever libFuzzer thinks of, with the topic that the event's own type asks for.
///
/// Beyond not crashing, what was taken must be JSON that survives being written compactly, and a
/// rejection must point somewhere. Start from the samples: `DecoderFuzz Tests/.../Corpus`.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let event = Array(UnsafeBufferPointer(start: start, count: count))
    let decoder = EventDecoder()
    do {
        let envelope = try decoder.readEnvelope(event, maximumBytes: 1 << 20)
        try decodeResource(envelope, of: event, with: decoder)
    } catch let failure as EnvelopeRejection {
        check(failure.rejection)
    } catch let rejection as Rejection {
        check(rejection)
    } catch {
        preconditionFailure("a decoder throws nothing else")
    }
    return 0
}

private func decodeResource(
    _ envelope: Envelope, of event: [UInt8], with decoder: EventDecoder
) throws {
    precondition((1...128).contains(envelope.id.utf8.count))
    var topic = "system.clock"
    if case .resource(let kind, _) = envelope.type { topic = "\(kind.rawValue).A81001" }
    let decoded = try decoder.readResource(envelope, topic: Array(topic.utf8))
    let document = JSONDocument()
    let compact = try document.withRoot(of: event) { $0.compactText }
    let again = try document.withRoot(of: compact) { $0.compactText }
    precondition(again == compact, "compact text is a fixed point")
    if case .input(let input) = decoded { try EventDecoder.checkSubject(input) }
}

private func check(_ rejection: Rejection) {
    precondition(rejection.pointer.isEmpty || rejection.pointer.hasPrefix("/"))
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// The package manager gives every executable a main of its own, so libFuzzer is driven from it.
@main
enum DecoderFuzz {
    static func main() {
        var count = CommandLine.argc
        var arguments = CommandLine.unsafeArgv
        _ = runFuzzer(&count, &arguments, fuzzOneInput)
    }
}
