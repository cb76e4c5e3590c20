// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// The functions that a library can call: CQL's own, and the external ones of the library Vigil.
enum BuiltIn {
    static let libraryName = "Vigil"
    static let libraryVersion = "1.0.0"

    /// `AgeIn…()` and `AgeIn…At(date)`.
    static func ageUnit(_ name: String) -> (unit: CalendarUnit, isAt: Bool)? {
        let isAt = name.hasSuffix("At")
        switch isAt ? String(name.dropLast(2)) : name {
        case "AgeInYears": return (.year, isAt)
        case "AgeInMonths": return (.month, isAt)
        case "AgeInWeeks": return (.week, isAt)
        case "AgeInDays": return (.day, isAt)
        default: return nil
        }
    }

    /// External functions without an argument: what is known of the patient.
    static let patientDates: [String: VigilCore.Operation] = [
        "DeathDate": .deathDate, "RegistrationDate": .registrationDate,
        "DeregistrationDate": .deregistrationDate,
    ]

    /// External functions of one fact.
    static let factDates: [String: VigilCore.Operation] = [
        "ClinicalDate": .clinicalDate, "EndDate": .endDate, "SupplyEnd": .supplyEnd,
    ]

    /// External functions of one list, which give a list.
    static let factLists: [String: VigilCore.Operation] = ["Supplies": .supplies]

    /// External functions of one result and the value set that it is looked up in.
    static let resultFunctions: [String: (VigilCore.Operation, CQLType)] = [
        "HasResult": (.hasResult, .boolean), "Number": (.number, .decimal),
        "Comparator": (.comparator, .string),
    ]

    /// System functions of one list that the evaluator does for lists of facts by itself.
    static let factFunctions: [String: (VigilCore.Operation, CQLType)] = [
        "First": (.firstOf, .fact), "Last": (.lastOf, .fact), "Count": (.count, .integer),
        "Exists": (.exists, .boolean), "exists": (.exists, .boolean),
    ]

    /// What the result of a function is.
    enum Result {
        case fixed(CQLType)
        /// The type of the first argument, or of its elements.
        case first, element
        /// A Decimal, or a Quantity where the elements are.
        case spread
    }

    /// What arguments a function takes.
    enum Arguments {
        /// A list first, then others.
        case list, text, number, any
    }

    struct Function {
        var function: ValueFunction
        var counts: ClosedRange<Int>
        var arguments: Arguments
        var result: Result

        init(
            _ function: ValueFunction, _ counts: ClosedRange<Int>, _ arguments: Arguments,
            _ result: Result
        ) {
            self.function = function
            self.counts = counts
            self.arguments = arguments
            self.result = result
        }
    }

    static let functions: [String: Function] = [
        "Abs": .init(.abs, 1...1, .number, .first),
        "Ceiling": .init(.ceiling, 1...1, .number, .fixed(.integer)),
        "Floor": .init(.floor, 1...1, .number, .fixed(.integer)),
        "Truncate": .init(.truncate, 1...1, .number, .fixed(.integer)),
        "Exp": .init(.exp, 1...1, .number, .fixed(.decimal)),
        "Ln": .init(.ln, 1...1, .number, .fixed(.decimal)),
        "Log": .init(.log, 2...2, .number, .fixed(.decimal)),
        "Round": .init(.round, 1...2, .number, .fixed(.decimal)),
        "Power": .init(.power, 2...2, .number, .fixed(.any)),
        "Precision": .init(.precision, 1...1, .any, .fixed(.integer)),
        "LowBoundary": .init(.lowBoundary, 1...2, .any, .first),
        "HighBoundary": .init(.highBoundary, 1...2, .any, .first),
        "First": .init(.first, 1...1, .list, .element),
        "Last": .init(.last, 1...1, .list, .element),
        "Tail": .init(.tail, 1...1, .list, .first),
        "Skip": .init(.skip, 2...2, .list, .first),
        "Take": .init(.take, 2...2, .list, .first),
        "Distinct": .init(.distinct, 1...1, .list, .first),
        "Flatten": .init(.flatten, 1...1, .list, .element),
        "SingletonFrom": .init(.singleton, 1...1, .list, .element),
        "IndexOf": .init(.indexOf, 2...2, .list, .fixed(.integer)),
        "Indexer": .init(.indexer, 2...2, .any, .element),
        "Length": .init(.length, 1...1, .any, .fixed(.integer)),
        "Exists": .init(.exists, 1...1, .list, .fixed(.boolean)),
        "Count": .init(.count, 1...1, .list, .fixed(.integer)),
        "Sum": .init(.sum, 1...1, .list, .element),
        "Product": .init(.product, 1...1, .list, .element),
        "Min": .init(.min, 1...1, .list, .element),
        "Max": .init(.max, 1...1, .list, .element),
        "Avg": .init(.avg, 1...1, .list, .spread),
        "Median": .init(.median, 1...1, .list, .spread),
        "Mode": .init(.mode, 1...1, .list, .element),
        "Variance": .init(.variance, 1...1, .list, .spread),
        "StdDev": .init(.stdDev, 1...1, .list, .spread),
        "PopulationVariance": .init(.populationVariance, 1...1, .list, .spread),
        "PopulationStdDev": .init(.populationStdDev, 1...1, .list, .spread),
        "GeometricMean": .init(.geometricMean, 1...1, .list, .fixed(.decimal)),
        "AllTrue": .init(.allTrue, 1...1, .list, .fixed(.boolean)),
        "AnyTrue": .init(.anyTrue, 1...1, .list, .fixed(.boolean)),
        "Combine": .init(.combine, 1...2, .list, .fixed(.string)),
        "Split": .init(.split, 2...2, .text, .fixed(.listOf(.string))),
        "Upper": .init(.upper, 1...1, .text, .fixed(.string)),
        "Lower": .init(.lower, 1...1, .text, .fixed(.string)),
        "Substring": .init(.substring, 2...3, .any, .fixed(.string)),
        "PositionOf": .init(.positionOf, 2...2, .text, .fixed(.integer)),
        "LastPositionOf": .init(.lastPositionOf, 2...2, .text, .fixed(.integer)),
        "StartsWith": .init(.startsWith, 2...2, .text, .fixed(.boolean)),
        "EndsWith": .init(.endsWith, 2...2, .text, .fixed(.boolean)),
        "Matches": .init(.matches, 2...2, .text, .fixed(.boolean)),
        "ReplaceMatches": .init(.replaceMatches, 3...3, .text, .fixed(.string)),
        "Concatenate": .init(.add, 2...2, .text, .fixed(.string)),
        "DateTime": .init(.dateTime, 1...8, .any, .fixed(.dateTime)),
        "Date": .init(.date, 1...3, .any, .fixed(.date)),
        "Time": .init(.time, 1...4, .any, .fixed(.time)),
        "Now": .init(.now, 0...0, .any, .fixed(.dateTime)),
        "TimeOfDay": .init(.timeOfDay, 0...0, .any, .fixed(.time)),
        "Size": .init(.size, 1...1, .any, .fixed(.any)),
        "Message": .init(.message, 5...5, .any, .first),
        "ConvertQuantity": .init(.convertUnit, 2...2, .any, .fixed(.quantity)),
        "CanConvertQuantity": .init(.canConvertUnit, 2...2, .any, .fixed(.boolean)),
    ]

    /// Operators by the names that the reference gives them.
    static let operators: [String: BinaryOperator] = [
        "Add": .add, "Subtract": .subtract, "Multiply": .multiply, "Divide": .divide,
        "TruncatedDivide": .truncatedDivide, "Modulo": .modulo, "Equal": .equal,
        "NotEqual": .notEqual, "Equivalent": .equivalent, "Less": .less, "Greater": .greater,
        "LessOrEqual": .lessOrEqual, "GreaterOrEqual": .greaterOrEqual, "Union": .union,
        "Intersect": .intersect, "Except": .except, "And": .and, "Or": .or, "Xor": .xor,
        "Implies": .implies,
    ]

    /// Operators of one operand by the names that the reference gives them.
    static let unaryOperators: [String: UnaryOperator] = [
        "Not": .not, "Negate": .negate, "IsNull": .isNull, "IsTrue": .isTrue,
        "IsFalse": .isFalse, "PointFrom": .pointFrom, "Width": .width,
        "Successor": .successor, "Predecessor": .predecessor, "DateFrom": .dateFrom,
        "TimeFrom": .timeFrom,
    ]

    static let conversions: [String: CQLType] = [
        "Boolean": .boolean, "Integer": .integer, "Long": .long, "Decimal": .decimal,
        "String": .string, "Date": .date, "DateTime": .dateTime, "Time": .time,
        "Quantity": .quantity, "Ratio": .ratio, "Concept": .concept,
    ]

    static let supported =
        "Today, AgeInYears and its like, Coalesce, "
        + functions.map(\.key).sorted().joined(separator: ", ")
        + ", To… and ConvertsTo…, and of the library "
        + "Vigil: ClinicalDate, EndDate, SupplyEnd, Supplies, HasResult, Number, Comparator, "
        + "DeathDate, RegistrationDate, DeregistrationDate"
}
