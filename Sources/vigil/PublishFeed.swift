// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilClient

/// What comes next of a feed.
enum FeedItem {
    case event(OutgoingEvent)
    case refused(Refusal)
    case skipped(type: String, count: Int)
    /// Nothing yet: what was read so far is to be sent meanwhile.
    case pause(milliseconds: Int64)
}

/// Where `PublishRun` has its events from.
protocol EventFeed: AnyObject {
    /// How many events there are, where that is known before they are sent.
    var total: Int? { get }

    /// What comes next; nil after the last.
    ///
    /// - Throws: A `CommandFailure` where the feed cannot be read further.
    func next() throws(CommandFailure) -> FeedItem?
}

/// The events of all inputs of `vigil publish`, one after the other.
///
/// Files of CloudEvents are read as they are sent, in the order of the command line. FHIR has to
/// be sorted over all files: it is read whole, and sent where its first file stands.
final class PublishFeed: EventFeed {
    private enum Part {
        case cloudEvents(path: String)
        case lines(ClientLineReader, first: [UInt8], name: String)
        case text([UInt8], name: String)
        case fhir(FHIREvents)
    }

    private let cloudEvents: CloudEventsReader
    private var parts: [Part] = []
    /// What reading the FHIR files brought up beside events.
    private var ready: [FeedItem] = []
    private var readyPosition = 0
    /// Events where their number is known before they are sent.
    private(set) var total: Int?

    /// Opens the inputs, and reads those that are FHIR.
    ///
    /// - Throws: A `CommandFailure` for an input that cannot be read or is neither form.
    init(_ paths: [String], source: String, practice: String) throws(CommandFailure) {
        cloudEvents = CloudEventsReader(practice: practice)
        let load = FHIRLoad(source: source, practice: practice)
        var fhirPosition: Int?
        for path in paths {
            guard let part = try open(path, into: load) else {
                fhirPosition = fhirPosition ?? parts.count
                continue
            }
            parts.append(part)
        }
        let events = load.events()
        for refusal in load.refusals { ready.append(.refused(refusal)) }
        for (type, count) in load.skippedByType.sorted(by: { $0.key < $1.key }) {
            ready.append(.skipped(type: type, count: count))
        }
        guard let fhirPosition else { return }
        if parts.isEmpty { total = events.count }
        parts.insert(.fhir(events), at: fhirPosition)
    }

    /// Reads the beginning of an input; nil where it was FHIR and went into the load.
    private func open(_ path: String, into load: FHIRLoad) throws(CommandFailure) -> Part? {
        let name = path == "-" ? "standard input" : path
        let reader = try ClientLineReader(path)
        guard let first = try reader.next() else { return .text([], name: name) }
        switch cloudEvents.form(of: first) {
        case .cloudEvent:
            return path == "-"
                ? .lines(reader, first: first, name: name) : .cloudEvents(path: path)
        case .fhir:
            try addLines(reader, first, name, to: load)
            return nil
        case .unknown:
            let text = first + [UInt8(ascii: "\n")] + (try reader.rest())
            switch cloudEvents.form(of: text) {
            case .cloudEvent: return .text(text, name: name)
            case .fhir:
                _ = load.add(text, file: name, position: 1, unit: .resource)
                return nil
            case .unknown:
                throw CommandFailure(
                    .badData,
                    "\(name) is neither CloudEvents (NDJSON) nor FHIR (JSON or NDJSON)")
            }
        }
    }

    private func addLines(
        _ reader: ClientLineReader, _ first: [UInt8], _ name: String, to load: FHIRLoad
    ) throws(CommandFailure) {
        let firstNumber = reader.lineNumber
        guard let second = try reader.next() else {
            _ = load.add(first, file: name, position: 1, unit: .resource)
            return
        }
        _ = load.add(first, file: name, position: firstNumber, unit: .line)
        var following: [UInt8]? = second
        while let line = following {
            if !load.add(line, file: name, position: reader.lineNumber, unit: .line) {
                let origin = EventOrigin(file: name, position: reader.lineNumber, unit: .line)
                ready.append(
                    .refused(
                        Refusal(
                            origin: origin, code: "not-fhir",
                            message: "this line is not a FHIR resource, the first one was")))
            }
            following = try reader.next()
        }
    }

    /// What comes next; nil after the last.
    ///
    /// - Throws: A `CommandFailure` where an input cannot be read further.
    func next() throws(CommandFailure) -> FeedItem? {
        if readyPosition < ready.count {
            readyPosition += 1
            return ready[readyPosition - 1]
        }
        while let part = parts.first {
            switch part {
            case .cloudEvents(let path):
                let reader = try ClientLineReader(path)
                guard let first = try reader.next() else {
                    parts.removeFirst()
                    continue
                }
                let item = item(first, path, reader.lineNumber)
                parts[0] = .lines(reader, first: [], name: path)
                return item
            case .lines(let reader, let first, let name):
                if !first.isEmpty {
                    parts[0] = .lines(reader, first: [], name: name)
                    return item(first, name, reader.lineNumber)
                }
                // A pipe may be slow: what it gave so far shall not wait for it.
                guard reader.hasInput else { return .pause(milliseconds: 10) }
                if let line = try reader.next() { return item(line, name, reader.lineNumber) }
                parts.removeFirst()
            case .text(let text, let name):
                parts.removeFirst()
                if !text.isEmpty { return item(text, name, 1) }
            case .fhir(let events):
                if let item = nextResource(events) { return item }
            }
        }
        return nil
    }

    private func nextResource(_ events: FHIREvents) -> FeedItem? {
        if let event = events.next() { return .event(event) }
        parts.removeFirst()
        let unused = events.unusedMedicationCount
        return unused > 0 ? .skipped(type: "Medication", count: unused) : nil
    }

    private func item(_ text: [UInt8], _ name: String, _ position: Int) -> FeedItem {
        let origin = EventOrigin(file: name, position: position, unit: .line)
        return switch cloudEvents.line(text, origin: origin) {
        case .event(let event): .event(event)
        case .refused(let refusal): .refused(refusal)
        case .skipped(let type): .skipped(type: type, count: 1)
        }
    }
}
