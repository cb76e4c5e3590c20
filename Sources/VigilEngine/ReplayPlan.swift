// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
internal import VigilCore
internal import VigilLog

/// How the patients of a log can be shared: found by a first look at all of its records.
struct ReplayPlan {
    /// Groups of subjects whose records links may join into one patient's.
    private(set) var linked: [[String]] = []
    /// Whether the log holds bulk loads.
    private(set) var hasLoads = false

    /// Whether threads can share the patients: who waits for the end of a load, and in which
    /// order, depends on whom links have joined by then.
    var canBeShared: Bool { linked.isEmpty || !hasLoads }

    /// Looks at a log.
    ///
    /// - Parameters:
    ///   - reader: of the log.
    ///   - isWanted: whether a record is folded at all.
    /// - Throws: nothing for damage: what precedes it is looked at.
    init(_ reader: LogReader, isWanted: (LogRecordView) -> Bool) throws {
        var hasLinks = false
        try Self.scan(reader, isWanted) { view in
            if view.kind == .observation { hasLoads = hasLoads || Self.isLoad(view.record) }
            hasLinks = hasLinks || Self.tellsOfPatient(view) && Self.mayLink(view.record.payload)
        }
        guard hasLinks else { return }
        var groups = Groups()
        let decoder = EventDecoder()
        try Self.scan(reader, isWanted) { view in
            guard Self.tellsOfPatient(view),
                let read = try? decoder.decode(view.record, zone: nil),
                case .input(let event) = read.event
            else { return }
            groups.note(event)
        }
        linked = groups.linked()
    }

    private static func scan(
        _ reader: LogReader, _ isWanted: (LogRecordView) -> Bool, _ body: (LogRecordView) -> Void
    ) throws {
        do {
            try reader.scan(from: 0) { view in
                guard isWanted(view) else { return .stop }
                body(view)
                return .next
            }
        } catch is LogError {}
    }

    private static func isLoad(_ record: Record) -> Bool {
        LoadMessage(topic: record.entry.topic, payload: record.payload) != nil
    }

    private static func tellsOfPatient(_ view: LogRecordView) -> Bool {
        view.kind == .input && view.topic.hasPrefix("patient.")
    }

    /// Whether a payload may have a member `link`, which may be spelt with escapes.
    private static func mayLink(_ payload: [UInt8]) -> Bool {
        payload.contains(UInt8(ascii: "\\")) || payload.firstRange(of: #""link""#.utf8) != nil
    }

    /// Subjects, the names that they bear, and the names that others state of them.
    private struct Groups {
        private struct Name: Hashable {
            var source: String
            var name: String
        }

        private var bearers: [Name: [String]] = [:]
        private var links: [(subject: String, source: String, names: [String])] = []
        private var parents: [ExactText: ExactText] = [:]

        mutating func note(_ event: InputEvent) {
            if case .names(let names) = event.resource.patient {
                for name in names {
                    bearers[Name(source: event.source, name: name), default: []]
                        .append(event.subject)
                }
            }
            guard case .patient(let content) = event.resource.content else { return }
            for link in content.links {
                links.append((event.subject, event.source, link.names))
            }
        }

        /// The groups of more than one subject: in which order does not matter, nor does it that
        /// a name may be nobody's.
        mutating func linked() -> [[String]] {
            for link in links {
                for name in link.names {
                    join(link.subject, name)
                    for bearer in bearers[Name(source: link.source, name: name)] ?? [] {
                        join(link.subject, bearer)
                    }
                }
            }
            var groups: [ExactText: [String]] = [:]
            for subject in parents.keys {
                groups[root(of: subject), default: []].append(subject.text)
            }
            return groups.values.map { $0.sorted() }
        }

        private mutating func join(_ one: String, _ other: String) {
            let (one, other) = (root(of: ExactText(one)), root(of: ExactText(other)))
            parents[one] = one
            parents[other] = one
        }

        private func root(of subject: ExactText) -> ExactText {
            var subject = subject
            while let parent = parents[subject], parent != subject { subject = parent }
            return subject
        }
    }
}
