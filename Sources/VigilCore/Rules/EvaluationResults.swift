// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Results of a code list: what their number is, and how exact.
extension Evaluation {
    /// `HasResult`, `Number` and `Comparator` of a fact, for the codes of a list.
    mutating func result(_ node: Node) -> Outcome {
        let source = evaluate(node.first)
        guard case .fact(let index) = source.value else {
            return Outcome(.null, until: source.until)
        }
        let details = patient.facts[Int(index)].details
        let value =
            details.value ?? component(among: details.components, list: Int(node.second))
        let named = node.operation == .number ? shared.program.unitSets[Int(node.third)] : []
        let units = named.isEmpty ? nil : named
        switch (node.operation, ResultReading(value, units: units)) {
        case (.hasResult, let reading):
            return Outcome(.boolean(reading != .none), until: source.until)
        case (.number, .number(let number)):
            return Outcome(.decimal(number.units), until: source.until)
        case (.number, .unreadable(let fault)):
            if !unreadable.contains(where: { $0.fact == index }) {
                unreadable.append((fact: index, fault: fault))
            }
            return Outcome(.null, until: source.until)
        case (.comparator, .number(let number)):
            let comparator = number.comparator.flatMap(Comparator.init(rawValue:))
            return Outcome(
                comparator.map { .string(.comparator($0)) } ?? .null, until: source.until)
        default:
            return Outcome(.null, until: source.until)
        }
    }

    /// The value of the first component that is in a list: a panel carries its results there.
    private func component(among components: [ObservedComponent], list: Int) -> ObservedValue? {
        components.first { component in
            component.codings.contains { membership.contains($0, list: list) }
        }?.value
    }
}

/// How a result stands to its number.
enum Comparator: String {
    case less = "<"
    case lessOrEqual = "<="
    case greaterOrEqual = ">="
    case greater = ">"
    case about = "~"
}
