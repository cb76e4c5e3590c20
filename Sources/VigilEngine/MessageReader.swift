// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore

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
struct ReadMessage: Sendable {
    var topic: [UInt8]
    var event: [UInt8]
    /// The event's `source` and `id`, where they could be read.
    var source: String?
    var id: String?
    var envelope: Result<Envelope, Rejection>
    /// What the event is; only asked for where the envelope was taken.
    var content: Result<DecodedEvent, Rejection>
    /// What it will be called as evidence.
    var description: EvidenceDescription?
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
        var message = ReadMessage(
            topic: topic, event: event, source: envelope.source, id: envelope.id,
            envelope: .success(envelope), content: content(envelope, topic: topic, zone: zone))
        if case .success(.input(let input)) = message.content {
            message.description = EvidenceDescription(of: input)
        }
        return message
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
