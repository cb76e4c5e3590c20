// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

package import VigilCore

/// The CloudEvents attributes of an inbound event, checked (protocol section 3).
package struct Envelope: Sendable {
    /// With `source` it identifies the event.
    package var id: String
    package var source: String
    /// The patient; empty only for an event about the whole log, which needs none.
    package var subject: String
    /// When the source published it.
    package var time: Instant
    /// What the type says; nil where the daemon takes no such type.
    package var type: InboundType?
    /// Where the event stands in its source's numbering, from 1; nil if it is not numbered.
    package var sequence: UInt64?
    package var epoch: UInt64
    /// Where `data` is in the document it was read from; nil where there is none.
    let dataIndex: Int?
    /// Which of the decoder's documents it was read from.
    let generation: UInt64
}

/// Why the CloudEvents stage refuses a message, with what could be read for the reply.
package struct EnvelopeRejection: Error, Hashable, Sendable {
    package var rejection: Rejection
    /// The event's `id`, where it could be read and keeps the rules.
    package var id: String?
    /// The event's `source`, where it could be read and keeps the rules.
    package var source: String?

    package init(_ rejection: Rejection, id: String? = nil, source: String? = nil) {
        self.rejection = rejection
        self.id = id
        self.source = source
    }
}

/// Reads the attributes of one CloudEvents object.
struct EnvelopeReader {
    let root: JSONValue
    private let texts: JSONTextCache
    var problems = Problems()
    private var members = Members()

    private struct Members {
        var specversion, id, source, type, subject, time: JSONValue?
        var datacontenttype, sequence, epoch, data: JSONValue?
    }

    init(_ root: JSONValue, texts: JSONTextCache) {
        self.root = root
        self.texts = texts
    }

    mutating func read(generation: UInt64) throws(EnvelopeRejection) -> Envelope {
        guard root.kind == .object else {
            throw EnvelopeRejection(Rejection(.notCloudEvents, "The event is not a JSON object."))
        }
        sortMembers()
        if let repeated = root.repeatedMember {
            problems.note(.malformedJSON, "A member of the event is there twice.", at: repeated)
        }
        if let version = attribute(members.specversion, .specversion), !version.hasText("1.0") {
            invalid(version, "specversion is not 1.0.")
        }
        let id = identifier(members.id, .id, limit: 128)
        let source = identifier(members.source, .source, limit: 256)
        let typeText = attribute(members.type, .type)
        if let typeText, typeText.textBytes.isEmpty { invalid(typeText, "type is empty.") }
        let type = typeText.flatMap { InboundType($0) }
        var subject: String?
        if type?.hasSubject ?? true || members.subject != nil {
            subject = identifier(members.subject, .subject, limit: 128)
        }
        let time = readTime()
        checkContentType()
        let sequence = decimal(members.sequence, .sequence)
        if let sequence, sequence == 0, let member = members.sequence {
            invalid(member, "sequence counts from 1.")
        }
        let epoch = decimal(members.epoch, .epoch)
        if let rejection = problems.rejection {
            throw EnvelopeRejection(rejection, id: id, source: source)
        }
        return Envelope(
            id: id ?? "", source: source ?? "", subject: subject ?? "",
            time: time ?? Instant(milliseconds: 0), type: type, sequence: sequence,
            epoch: epoch ?? 0, dataIndex: members.data?.index, generation: generation)
    }

    /// CloudEvents' JSON format: null "MUST be treated as the equivalent of unset or omitted".
    private mutating func sortMembers() {
        for member in root.children where member.kind != .null {
            switch member.memberName {
            case .id: members.id = member
            case .type: members.type = member
            case .time: members.time = member
            case .data: members.data = member
            case .epoch: members.epoch = member
            case .source: members.source = member
            case .subject: members.subject = member
            case .sequence: members.sequence = member
            case .specversion: members.specversion = member
            case .datacontenttype: members.datacontenttype = member
            default: break
            }
        }
    }

    private mutating func invalid(_ member: JSONValue, _ message: String) {
        problems.note(.notCloudEvents, message, at: member)
    }

    /// A required attribute, if it is a string.
    private mutating func attribute(_ member: JSONValue?, _ name: MemberName) -> JSONValue? {
        guard let member else {
            problems.note(.notCloudEvents, "The attribute \(name) is missing.", at: root)
            return nil
        }
        guard member.kind == .string else {
            invalid(member, "\(name) is not a string.")
            return nil
        }
        return member
    }

    private mutating func identifier(
        _ member: JSONValue?, _ name: MemberName, limit: Int
    ) -> String? {
        guard let member = attribute(member, name) else { return nil }
        let bytes = member.textBytes
        guard (1...limit).contains(bytes.count) else {
            invalid(member, "\(name) has \(bytes.count) bytes; it takes 1 to \(limit).")
            return nil
        }
        guard !containsControlCharacter(bytes) else {
            invalid(member, "\(name) contains a control character.")
            return nil
        }
        return texts.text(of: member)
    }

    private mutating func readTime() -> Instant? {
        guard let member = attribute(members.time, .time) else { return nil }
        guard let time = TimeText.instant(rfc3339: member.textBytes) else {
            invalid(member, "time is not an RFC 3339 date-time with an offset.")
            return nil
        }
        guard time >= EnvelopeReader.earliest, time < EnvelopeReader.tooLate else {
            invalid(member, "time is not between the years 1900 and 2100.")
            return nil
        }
        return time
    }

    /// 1900-01-01T00:00:00Z and the end of the year 2100.
    private static let earliest = Instant(milliseconds: -2_208_988_800_000)
    private static let tooLate = Instant(milliseconds: 4_133_980_800_000)

    private mutating func checkContentType() {
        guard let member = members.datacontenttype else { return }
        if member.kind == .string && member.hasText("application/fhir+json") { return }
        // RFC 9110, 8.3.1: case does not matter, and parameters may follow.
        let mediaType = member.textBytes.prefix { $0 != UInt8(ascii: ";") }
        let name = mediaType.filter { $0 != 0x20 && $0 != 0x09 }.map(lowerCase)
        guard member.kind == .string, name.elementsEqual("application/fhir+json".utf8) else {
            invalid(member, "datacontenttype is not application/fhir+json.")
            return
        }
    }

    private mutating func decimal(_ member: JSONValue?, _ name: MemberName) -> UInt64? {
        guard let member else { return nil }
        guard member.kind == .string, let value = unsigned(member.textBytes) else {
            invalid(member, "\(name) is not a decimal number below 2^64 in a string.")
            return nil
        }
        return value
    }
}

/// C0 and C1 control characters and DEL, which CloudEvents' strings must not contain.
private func containsControlCharacter(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    // Of printable ASCII there is none to look for, and most strings are that throughout.
    if bytes.allSatisfy({ $0 &- 0x20 < 0x5F }) { return false }
    var previous: UInt8 = 0
    for byte in bytes {
        if byte < 0x20 || byte == 0x7F { return true }
        // U+0080 to U+009F are C2 80 to C2 9F.
        if previous == 0xC2 && byte < 0xA0 { return true }
        previous = byte
    }
    return false
}

private func lowerCase(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
}

/// The value of decimal digits; nil for anything else, a sign too, or from 2^64 on.
package func unsigned(_ digits: some Collection<UInt8>) -> UInt64? {
    guard !digits.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in digits {
        guard (48...57).contains(byte) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(byte - 48))
        guard !overflow, !carry else { return nil }
        value = sum
    }
    return value
}
