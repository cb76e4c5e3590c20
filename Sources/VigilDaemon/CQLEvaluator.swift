// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCQL
package import VigilCore
package import VigilEngine

/// Evaluates CQL expressions at one moment, on plain values or on a patient of a log.
package struct CQLEvaluator {
    /// What an expression came to.
    package enum Answer: Hashable, Sendable {
        case value(String, type: String)
        /// `code` is `unsupported`, `invalid` or `runtime`.
        case error(code: String, message: String, column: Int)
    }

    private let lists: [CodeList]
    private let patient: PatientFacts
    private let membership: ListMembership
    private let now: Instant
    private let zone: ZoneTable

    /// On plain values, in UTC.
    ///
    /// - Parameter now: what `Now()` and `Today()` mean.
    package init(now: Instant) {
        lists = []
        patient = PatientFacts()
        membership = ListMembership(lists: [])
        self.now = now
        zone = .utc
    }

    /// On a patient of a log.
    ///
    /// - Parameter view: what the log knows of the patient.
    package init(_ view: PatientView) {
        lists = view.lists
        patient = view.facts
        var membership = ListMembership(lists: view.lists)
        membership.extend(to: view.codings)
        self.membership = membership
        now = view.now
        zone = view.zone
    }

    /// Evaluates an expression.
    ///
    /// - Parameter text: CQL.
    /// - Returns: its value, or why it has none.
    package func evaluate(_ text: String) -> Answer {
        var names: [String: Int] = [:]
        for (index, list) in lists.enumerated() where names[list.name] == nil {
            names[list.name] = index
        }
        let library: CompiledLibrary
        do throws(CQLError) {
            library = try CQLCompiler.compileExpression(text, lists: names)
        } catch {
            return .error(
                code: error.code.rawValue, message: error.message, column: error.column)
        }
        guard let id = library.definitions[CQLCompiler.expressionName] else {
            return .error(code: "invalid", message: "a code list is no value", column: 1)
        }
        var evaluation = Evaluation(
            program: SharedProgram(library.program), patient: patient, membership: membership,
            now: now,
            zone: zone)
        let value = evaluation.value(of: id).value
        if let failure = evaluation.failure {
            let code = failure.failure.kind == .unsupported ? "unsupported" : "runtime"
            return .error(
                code: code, message: failure.failure.message,
                column: library.columns[failure.call] ?? 1)
        }
        guard !value.isUncertain else {
            return .error(
                code: "unsupported",
                message: "a count that is only known to lie in a range, which is no value of "
                    + "CQL's types; compare it with a number", column: 1)
        }
        let type = value.isNull ? library.type(of: id).name : value.typeName
        return .value(value.literal, type: type)
    }
}
