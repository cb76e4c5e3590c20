// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What an algorithm makes of a patient's readings: an alert's contents, or why there is none.
package struct Assessment: Hashable, Sendable {
    /// Nil where there is nothing to alert to.
    package var severity: Severity?
    /// The stage or band, where the algorithm has them: a greater one is worse.
    package var step = 0
    /// What was found, a bit each, where that is more than a stage: what was not there before is
    /// worse, but for the notes from bit 16 on.
    package var marks = 0
    /// Whether too long nothing came that could confirm it.
    package var isStale = false
    /// Why what there was is over: a resolution code of protocol section 5.
    package var ending: String?
    /// Whether everything that it needs was there; nil where that is no question.
    package var isComplete: Bool?
    /// The score with its parts, for algorithms that have one.
    package var score: ScoreObservation?
    /// The moment that it is about, where its evidence has one.
    package var at: Instant?
    package var basis: [BasisRecord] = []
    /// Why the alert stands, in one or two sentences.
    package var rationale = ""
    /// What is foreseen, where that is not the rule's one outcome.
    package var predictions: [Prediction] = []
    /// What the algorithm's source says is to be done.
    package var response: String?

    package init(severity: Severity? = nil, ending: String? = nil) {
        self.severity = severity
        self.ending = ending
    }
}

extension Assessment {
    /// One of several outcomes, and why it is foreseen.
    package struct Prediction: Hashable, Sendable {
        package var outcome: String
        package var rationale: String

        package init(outcome: String, rationale: String) {
            self.outcome = outcome
            self.rationale = rationale
        }
    }

    /// Whether it finds what an earlier one did not.
    func addsMarks(to earlier: Assessment?) -> Bool {
        marks & 0xFFFF & ~(earlier?.marks ?? 0) != 0
    }
}

/// A score as a FHIR Observation has it: a total and its parts.
package struct ScoreObservation: Hashable, Sendable {
    /// The contained resource's id.
    package var id: String
    package var code: Coding
    package var at: Instant
    package var total: Int
    package var parts: [Part]

    /// One parameter's part of the score.
    package struct Part: Hashable, Sendable {
        /// In the total's code system.
        package var code: String
        package var text: String
        package var score: Int

        package init(code: String, text: String, score: Int) {
            self.code = code
            self.text = text
            self.score = score
        }
    }

    package init(id: String, code: Coding, at: Instant, total: Int, parts: [Part]) {
        self.id = id
        self.code = code
        self.at = at
        self.total = total
        self.parts = parts
    }
}

/// A record that an assessment rests on, with the value that was read from it.
package struct BasisRecord: Hashable, Sendable {
    package var offset: UInt64
    /// The moment, where the record has one.
    package var at: Instant?
    package var day: CivilDay
    /// A decimal's text, and its UCUM code and how people write it.
    package var value: (text: String, unit: String, display: String)? {
        valueText.map { ($0, unit ?? "1", unitDisplay ?? unit ?? "") }
    }
    package var display: String
    private var valueText: String?
    private var unit: String?
    private var unitDisplay: String?

    package init(
        offset: UInt64, at: Instant?, day: CivilDay,
        value: (text: String, unit: String, display: String)? = nil, display: String
    ) {
        self.offset = offset
        self.at = at
        self.day = day
        self.display = display
        valueText = value?.text
        unit = value?.unit
        unitDisplay = value?.display
    }
}

/// Something about a patient's record that keeps a rule from reading it.
package struct DataProblem: Hashable, Sendable {
    /// The record.
    package var offset: UInt64
    /// A code such as `unknown-unit`.
    package var code: String
    /// What that makes of the record.
    package var what: String {
        switch code {
        case "wrong-person": "wrong-person"
        case "target-missing": "target-missing"
        default: "unreadable-result"
        }
    }

    package init(offset: UInt64, code: String) {
        self.offset = offset
        self.code = code
    }
}

/// An assessment, until when it stands if nothing but time passes, and what could not be read.
struct AlgorithmResult {
    var assessment: Assessment
    var until: Instant
    var problems: [DataProblem] = []
    /// Whether somebody may newly be alerted to it; else it only bears out what stands.
    var raises = true
    /// What was told of a moment after this one is not taken back for now: more may be known soon.
    var keepsAfter: Instant?
    /// Whether it cannot be told: the assessment then says nothing.
    var isUnknown = false
}
