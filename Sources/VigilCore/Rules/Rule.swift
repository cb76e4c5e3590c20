// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// How much a flag matters; the third part of its topic.
package enum Severity: String, CaseIterable, Sendable {
    case high, moderate, low
}

/// A definition of a compiled CQL library, by its index there.
package struct DefinitionID: Hashable, Sendable {
    package var index: Int

    package init(index: Int) {
        self.index = index
    }
}

/// What a rule is for.
package enum Emission: String, CaseIterable, Sendable {
    /// Flags, about a medicine: a `DetectedIssue` each; and its indicators.
    case flags
    /// Alerts, about a risk: a `RiskAssessment` each; and its indicators.
    case alerts
    /// Its denominator and numerator alone, as an audit counts them.
    case indicators

    /// The first part of the topics of what it raises.
    package var topicKind: String { self == .alerts ? "alert" : "flag" }
}

/// One rule of a pack, compiled.
package struct Rule: Sendable {
    package var id: String
    package var version: String
    package var severity: Severity
    package var emits: Emission
    /// A heading for people, such as "NSAID without gastroprotection, age 65 or over".
    package var title: String
    /// What an input makes true is raised when it has been true for this long, in milliseconds.
    package var settleMilliseconds: Int64
    /// The sentence with placeholders (`SentenceTemplate`).
    package var sentence: SentenceTemplate
    package var denominator: DefinitionID
    package var numerator: DefinitionID
    package var evidence: [EvidenceSource]
    package var endings: [Ending]
    /// What the rule takes the absence of for evidence; of medicines its flags then say how many
    /// of the patient's could not be read.
    package var absences: [AbsenceTest]
    /// The rules of its pack that it stands for: their flags on the same medicine can wait.
    package var covers: [String]
    /// Whether what is true at the end of a baseline load is raised.
    package var raisesFromBaseline: Bool
    /// What decides about the patients of whom the numerator is true; nil where that is all.
    package var algorithm: AlgorithmUse?
    /// What only alerts say.
    package var wording = AlertWording()
    /// Whether it is on trial: it runs, is logged and counted, and reaches nobody as a flag.
    package var isShadow = false

    package init(
        id: String, version: String, severity: Severity, emits: Emission = .flags, title: String,
        settleMilliseconds: Int64, sentence: SentenceTemplate, denominator: DefinitionID,
        numerator: DefinitionID, evidence: [EvidenceSource], endings: [Ending],
        absences: [AbsenceTest] = [], covers: [String] = [], raisesFromBaseline: Bool = true
    ) {
        self.id = id
        self.version = version
        self.severity = severity
        self.emits = emits
        self.title = title
        self.settleMilliseconds = settleMilliseconds
        self.sentence = sentence
        self.denominator = denominator
        self.numerator = numerator
        self.evidence = evidence
        self.endings = endings
        self.absences = absences
        self.covers = covers
        self.raisesFromBaseline = raisesFromBaseline
    }
}

/// What an alert says beyond its rule's title and sentence.
package struct AlertWording: Hashable, Sendable {
    /// What is at risk of coming about; nil for the title.
    package var outcome: String?
    /// What the source says is to be done; an algorithm may say it case by case.
    package var response: String?
    /// How the method is called; nil for the title.
    package var method: String?
    /// What the assessment is called where the rule's own code is not all.
    package var code: Coding?
    /// The text of that code.
    package var codeText: String?

    package init() {}
}

/// Where a flag's evidence of one role comes from.
package struct EvidenceSource: Sendable {
    /// What supplies the records.
    package enum Records: Sendable {
        /// The facts of a definition, in its order.
        case definition(DefinitionID)
        /// The patient's age, with the record that gives the birth date.
        case age
    }

    /// A code of `urn:vigil:evidence-role`, such as `hazard`, and its display.
    package var role: String
    package var display: String
    package var records: Records
    /// The Boolean definition that must be true for the role to be evidence at all; nil for always.
    package var condition: DefinitionID?
    /// The role (and display) that stands where the definition gives nothing; nil to leave it out.
    package var absent: Absence?
    /// Whether these records are the flag's `implicated` ones, whose codings decide whether the
    /// evidence has changed materially.
    package var isHazard: Bool

    package init(
        role: String, display: String, records: Records, condition: DefinitionID? = nil,
        absent: Absence? = nil, isHazard: Bool
    ) {
        self.role = role
        self.display = display
        self.records = records
        self.condition = condition
        self.absent = absent
        self.isHazard = isHazard
    }

    /// Evidence that something is absent: a role and no detail.
    package struct Absence: Sendable {
        package var role: String
        package var display: String

        package init(role: String, display: String) {
            self.role = role
            self.display = display
        }
    }
}

/// One way for a flag to end.
///
/// Where the definition has turned `whenTrue`, this is the reason; the first that applies names
/// it.
package struct Ending: Sendable {
    package var definition: DefinitionID
    package var whenTrue: Bool
    /// A resolution code of protocol section 5, such as `protection-issued`.
    package var reason: String
    /// Evidence to add to the resolved event: the newest fact of this definition, under `role`.
    package var role: String?
    package var display: String?
    /// The definition that gives that fact where `definition` itself is a truth value.
    package var evidence: DefinitionID?

    package init(
        definition: DefinitionID, whenTrue: Bool, reason: String, role: String? = nil,
        display: String? = nil, evidence: DefinitionID? = nil
    ) {
        self.definition = definition
        self.whenTrue = whenTrue
        self.reason = reason
        self.evidence = evidence
        self.role = role
        self.display = display
    }
}

/// A program that evaluations refer to: it is wide, and a copy of it would be one for each.
package final class SharedProgram: Sendable {
    package let program: Program

    package init(_ program: Program) {
        self.program = program
    }
}

/// A pack as it runs: its rules and the program that they are definitions of.
package struct CompiledPack: Sendable {
    package var id: String
    package var version: String
    /// `sha256:` and 64 hexadecimal digits, over everything that the pack consists of.
    package var hash: String
    package var rules: [Rule]
    /// What every evaluation of the rules refers to.
    package let sharedProgram: SharedProgram
    /// The pack's code lists; `Program` refers to them by index.
    package var lists: [CodeList]
    /// What the program's definitions are called, by their indexes: for people.
    package var definitionNames: [String] = []
    /// Rules that are switched off because `--codelists` left them uneven, with the sentence why.
    package var switchedOff: [(rule: String, why: String)]

    package var program: Program { sharedProgram.program }

    package init(
        id: String, version: String, hash: String, rules: [Rule], program: Program,
        lists: [CodeList], switchedOff: [(rule: String, why: String)] = []
    ) {
        self.id = id
        self.version = version
        self.hash = hash
        self.rules = rules
        sharedProgram = SharedProgram(program)
        self.lists = lists
        self.switchedOff = switchedOff
    }
}
