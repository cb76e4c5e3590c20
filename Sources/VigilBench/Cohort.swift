// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Elderly patients as the fold gets them, the same for the same number.
///
/// They are on medicines that the rules of PINCER read, with the tests and diagnoses that those
/// look for.
struct Cohort {
    /// The first day on which anything is recorded.
    var start: CivilDay
    /// The days over which a patient's records are spread.
    var days: Int
    /// Records of each patient besides the Patient resource.
    var recordsPerPatient: Int

    private static let atc = "http://www.whocc.no/atc"
    private static let snomed = "http://snomed.info/sct"

    private static let creatinine = "1000731000000107"

    /// Medicines that belong to one treatment, and the tests that go with it.
    private static let treatments: [(medicines: [String], tests: [String])] = [
        (["M01AE02", "A02BC01"], [creatinine]),
        (["B01AA03", "M01AE02"], [creatinine]),
        (["B01AC06", "B01AC04", "A02BC01"], ["26604007"]),
        (["C09AA05", "C03CA01"], [creatinine, "1000661000000107"]),
        (["L04AX03"], ["26604007", "1018251000000107"]),
        (["N05AN01"], ["1006681000000100"]),
        (["C01BD01"], ["61167004"]),
        (["C07AA05", "R03AC12"], ["80274001"]),
        (["B01AF01", "C09AA05"], ["80274001"]),
    ]
    private static let diagnoses = ["195967001", "84114007", "13200003", "74474003"]

    /// The Patient resource of a patient.
    func registration(of patient: Int) -> InputEvent {
        let year = 1925 + Int(Self.mixed(UInt64(patient)) % 40)
        let born = CivilDay(year: year, month: 1 + patient % 12, day: 1 + patient % 28)
        let content = PatientContent(
            birthDate: born.map { ClinicalTime(writtenDay: $0, precision: .day) },
            gender: patient % 2 == 0 ? "female" : "male", namesPractice: true)
        return event(
            .patient, of: patient, number: 0, on: start,
            Resource(
                type: .patient, id: subject(patient), patient: .names([subject(patient)]),
                content: .patient(content)))
    }

    /// One of a patient's records; those of ascending numbers are of ascending days.
    func record(_ number: Int, of patient: Int) -> InputEvent {
        let seed = Self.mixed(UInt64(patient) &* 1_000_003 &+ UInt64(number))
        let treatment = Self.treatments[
            Int(Self.mixed(UInt64(patient)) % UInt64(Self.treatments.count))]
        let slot = days / recordsPerPatient
        let day = start.adding(days: number * slot + Int(seed % UInt64(max(1, slot)))) ?? start
        let date = ClinicalTime(writtenDay: day, precision: .day)
        let id = Self.identifier(seed)
        switch (seed >> 32) % 20 {
        case 0:
            let code = Self.diagnoses[Int((seed >> 40) % UInt64(Self.diagnoses.count))]
            return clinical(
                .condition, .condition, id, Coding(system: Self.snomed, code: code), date, patient,
                number, FactDetails(status: "active"))
        case 1..<6:
            let code = treatment.tests[Int((seed >> 40) % UInt64(treatment.tests.count))]
            let unit = code == Self.creatinine ? "umol/L" : "mmol/L"
            let value = ObservedQuantity(value: "\(70 + (seed >> 48) % 20)", unit: unit)
            return clinical(
                .observation, .observation, id, Coding(system: Self.snomed, code: code), date,
                patient, number, FactDetails(status: "final", value: .quantity(value)))
        default:
            let code = treatment.medicines[Int((seed >> 40) % UInt64(treatment.medicines.count))]
            return clinical(
                .prescription, .medicationRequest, id, Coding(system: Self.atc, code: code), date,
                patient, number,
                FactDetails(
                    status: "active", quantity: ObservedQuantity(value: "56", unit: "tablet")),
                supply: Supply(
                    intent: "order", duration: ObservedQuantity(value: "28", unit: "d")))
        }
    }

    /// Ten digits, as an NHS number has.
    func subject(_ patient: Int) -> String {
        String(4_000_000_000 + patient)
    }

    private func clinical(
        _ kind: EventKind, _ type: ResourceType, _ id: String, _ coding: Coding,
        _ date: ClinicalTime, _ patient: Int, _ number: Int, _ details: FactDetails,
        supply: Supply? = nil
    ) -> InputEvent {
        let content = ClinicalContent(
            codings: [coding], date: date, details: details, supply: supply)
        return event(
            kind, of: patient, number: number + 1, on: date.writtenDay,
            Resource(type: type, id: id, versionNumber: 1, content: .clinical(content)))
    }

    private func event(
        _ kind: EventKind, of patient: Int, number: Int, on day: CivilDay, _ resource: Resource
    ) -> InputEvent {
        InputEvent(
            kind: kind, practice: "A81001", id: "\(patient)-\(number)", source: "urn:bench",
            subject: subject(patient), action: .created,
            time: ZoneTable.utc.start(of: day).adding(milliseconds: 43_200_000),
            resource: resource)
    }

    /// A random identifier in the form of a UUID, as most systems have for resources.
    private static func identifier(_ seed: UInt64) -> String {
        let digits = Array("0123456789abcdef")
        var text = ""
        for position in 0..<32 {
            if [8, 12, 16, 20].contains(position) { text.append("-") }
            let word = position < 16 ? seed : mixed(seed)
            text.append(digits[Int((word >> UInt64(position % 16 * 4)) & 15)])
        }
        return text
    }

    /// SplitMix64's finisher (Steele, Lea and Flood, 2014).
    private static func mixed(_ value: UInt64) -> UInt64 {
        var mixed = value &+ 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
