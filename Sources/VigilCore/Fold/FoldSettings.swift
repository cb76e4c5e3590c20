// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Everything configurable that can influence an output.
///
/// It is in the log whole, as a `system.settings` record, before the first output that it can
/// influence (invariant 5). Equal settings are equal values: the lists are kept in order.
package struct FoldSettings: Hashable, Sendable {
    /// How one source of events is read.
    package struct Source: Hashable, Sendable {
        /// Whether a resource must name the event's subject.
        package enum Subjects: String, CaseIterable, Sendable {
            /// The resource names the patient by the event's `subject`.
            case same
            /// The source has its own names for patients: the first event binds a name.
            case mapped
        }

        /// What registers a patient at a practice.
        package enum Registration: String, CaseIterable, Sendable {
            /// A Patient event that names a practice.
            case explicit
            /// Any Patient event.
            case implied
        }

        /// The events' `source`.
        package var source: String
        package var subjects = Subjects.same
        package var registration = Registration.explicit
        /// The zone in which the source writes times without an offset; nil where FHIR's rule
        /// holds, that each has one.
        package var zone: ZoneTable?
        /// How long the source is silent at most while it is well, in milliseconds; nil where
        /// nothing is expected of it.
        package var rhythmMilliseconds: Int64?

        package init(source: String) {
            self.source = source
        }
    }

    /// A value for a parameter of a pack's library, in place of its default.
    package struct Parameter: Hashable, Sendable {
        /// The pack's id.
        package var pack: String
        package var name: String
        /// A CQL literal such as `65` or `@2024-01-01`; of a String the text itself.
        package var value: String

        package init(pack: String, name: String, value: String) {
            self.pack = pack
            self.name = name
            self.value = value
        }
    }

    /// From which day on a practice's events of a kind are complete.
    package struct Coverage: Hashable, Sendable {
        package var practice: String
        package var kind: EventKind
        package var from: CivilDay

        package init(practice: String, kind: EventKind, from: CivilDay) {
            self.practice = practice
            self.kind = kind
            self.from = from
        }
    }

    /// How many flags a practice is told of at once on a local day; more wait for its digest.
    package struct Budget: Hashable, Sendable {
        /// nil for practices that have none of their own.
        package var practice: String?
        /// Not `high`: what is high never waits.
        package var severity: Severity
        package var raisesPerDay: Int

        package init(practice: String?, severity: Severity, raisesPerDay: Int) {
            self.practice = practice
            self.severity = severity
            self.raisesPerDay = raisesPerDay
        }
    }

    /// By `source`.
    package private(set) var sources: [Source] = []
    /// By pack and name.
    package private(set) var parameters: [Parameter] = []
    /// By practice and kind.
    package private(set) var coverage: [Coverage] = []
    /// After how long people are reminded of a high flag or alert that nobody has reviewed, in
    /// milliseconds; nil for never.
    package var unreviewedMilliseconds: Int64?
    /// By practice, then severity; those for all practices first.
    package private(set) var budgets: [Budget] = []

    /// The settings of a log that has no record of any.
    package init() {}

    /// Settings in their order, however they were written.
    package init(
        sources: [Source], parameters: [Parameter], coverage: [Coverage],
        budgets: [Budget] = []
    ) {
        self.sources = sources.sorted { $0.source < $1.source }
        self.parameters = parameters.sorted { ($0.pack, $0.name) < ($1.pack, $1.name) }
        self.coverage = coverage.sorted {
            ($0.practice, $0.kind.rawValue) < ($1.practice, $1.kind.rawValue)
        }
        self.budgets = budgets.sorted {
            ($0.practice ?? "", $0.severity.rawValue) < ($1.practice ?? "", $1.severity.rawValue)
        }
    }

    /// How a source is read; with the defaults where nothing is set for it.
    package func source(_ name: String) -> Source {
        sources.first { $0.source.isExactly(name) } ?? Source(source: name)
    }

    /// The values that are set for a pack's parameters, by their names.
    package func parameters(of pack: String) -> [String: String] {
        var values: [String: String] = [:]
        for parameter in parameters where parameter.pack == pack {
            values[parameter.name] = parameter.value
        }
        return values
    }
}
