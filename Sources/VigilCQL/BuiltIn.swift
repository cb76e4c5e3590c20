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

    /// System functions of one list.
    static let listFunctions: [String: (VigilCore.Operation, CQLType)] = [
        "First": (.firstOf, .fact), "Last": (.lastOf, .fact), "Count": (.count, .integer),
        "Exists": (.exists, .boolean),
    ]

    static let supported =
        "Today, AgeInYears and its like, First, Last, Count, Exists, Coalesce, and of the library "
        + "Vigil: ClinicalDate, EndDate, SupplyEnd, Supplies, HasResult, Number, Comparator, "
        + "DeathDate, RegistrationDate, DeregistrationDate"
}
