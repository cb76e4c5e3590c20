// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilTransport

extension MessageBuffer {
    /// Frames before what a client says to a ROUTER: its routing identity, and a REQ's delimiter.
    var envelopeCount: Int { count > 1 && self[1].isEmpty ? 2 : min(1, count) }

    /// The same frames, to be put before the reply.
    var envelope: [[UInt8]] { (0..<envelopeCount).map(bytes) }

    /// What a client asks a ROUTER; nil where that is not one frame.
    var question: [UInt8]? {
        !isTruncated && count == envelopeCount + 1 ? bytes(envelopeCount) : nil
    }
}

/// A message as it came from a socket, and whose it is.
struct Arrival: Sendable {
    /// The frames of a message.
    enum Frames: Sendable {
        case pair(topic: [UInt8], event: [UInt8])
        /// Not the frames that the socket takes.
        case other([[UInt8]])
    }

    var frames: Frames
    var sender: Sender
}

/// A message and all that it says by itself, whatever the log has, but for the times of a source
/// that writes them in a zone of its own.
///
/// Shared rather than copied: it is wide, and passes through many hands.
final class ReadMessage: Sendable {
    let topic: [UInt8]
    let event: [UInt8]
    /// The event's `source` and `id`, where they could be read.
    let source: String?
    let id: String?
    let envelope: Result<Envelope, Rejection>
    /// What the event is; only asked for where the envelope was taken.
    let content: Result<DecodedEvent, Rejection>
    /// What it will be called as evidence.
    let description: EvidenceDescription?

    init(
        topic: [UInt8], event: [UInt8], source: String?, id: String?,
        envelope: Result<Envelope, Rejection>, content: Result<DecodedEvent, Rejection>
    ) {
        self.topic = topic
        self.event = event
        self.source = source
        self.id = id
        self.envelope = envelope
        self.content = content
        description =
            if case .success(.input(let input)) = content {
                EvidenceDescription(of: input)
            } else {
                nil
            }
    }
}

/// Reads messages; an instance serves one thread at a time.
final class MessageReader {
    private let decoder = EventDecoder()
    private let eventBytesMax: Int

    /// A reader that takes events up to a length, in bytes.
    init(eventBytesMax: Int) {
        self.eventBytesMax = eventBytesMax
    }

    /// Reads a message as far as it can be read.
    ///
    /// - Parameters:
    ///   - topic: the first frame.
    ///   - event: the second frame.
    ///   - zone: where its source writes times without an offset; nil where each must have one.
    /// - Returns: what it says.
    func read(topic: [UInt8], event: [UInt8], zone: ZoneTable? = nil) -> ReadMessage {
        let envelope: Envelope
        do throws(EnvelopeRejection) {
            envelope = try decoder.readEnvelope(event, maximumBytes: eventBytesMax)
        } catch {
            return ReadMessage(
                topic: topic, event: event, source: error.source, id: error.id,
                envelope: .failure(error.rejection), content: .failure(error.rejection))
        }
        return ReadMessage(
            topic: topic, event: event, source: envelope.source, id: envelope.id,
            envelope: .success(envelope), content: content(envelope, topic: topic, zone: zone))
    }

    private func content(
        _ envelope: Envelope, topic: [UInt8], zone: ZoneTable?
    ) -> Result<DecodedEvent, Rejection> {
        do throws(Rejection) {
            return .success(try decoder.readResource(envelope, topic: topic, zone: zone))
        } catch {
            return .failure(error)
        }
    }
}
