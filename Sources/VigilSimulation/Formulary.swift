// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A medicine as the simulated practice prescribes it.
///
/// BNF codes are right to the chemical substance (nine characters) and ATC codes whole; the rest
/// of a BNF code stands for some presentation.
struct Medicine: Sendable {
    var display: String
    var bnf: String
    var atc: String
    var dosage: String
    /// Units supplied for 28 days, or for the course of an acute prescription.
    var quantity: Int
    var unit: String
}

/// The medicines of the simulation, by index in `Formulary.medicines`.
enum Drug: UInt8, Sendable {
    case naproxen, ibuprofen, diclofenac, ibuprofenGel
    case omeprazole, lansoprazole, famotidine
    case apixaban, warfarin, edoxaban, enoxaparin
    case amlodipine, indapamide, bisoprolol, ivabradine, atorvastatin, metformin, levothyroxine
    case sertraline, salbutamol, beclometasone, paracetamol, amoxicillin, codeine
}

/// A long-term condition or a reason for a contact.
struct Diagnosis: Sendable {
    /// SNOMED CT, International Edition.
    var code: String
    var display: String
}

/// The conditions of the simulation, by index in `Formulary.diagnoses`.
enum Illness: UInt8, Sendable {
    case hypertension, osteoarthritis, atrialFibrillation, heartFailure, diabetes, asthma
    case depression, hypothyroidism, hyperlipidaemia, backPain, respiratoryInfection
}

/// What the practice prescribes and diagnoses.
enum Formulary {
    /// In the order of `Drug`.
    static let medicines: [Medicine] = [
        Medicine(
            display: "Naproxen 500mg tablets", bnf: "1001010P0AAAEAE", atc: "M01AE02",
            dosage: "Take one tablet twice a day with food", quantity: 56, unit: "tablet"),
        Medicine(
            display: "Ibuprofen 400mg tablets", bnf: "1001010J0AAAEAE", atc: "M01AE01",
            dosage: "Take one tablet three times a day with food", quantity: 84, unit: "tablet"),
        Medicine(
            display: "Diclofenac sodium 50mg gastro-resistant tablets", bnf: "1001010C0AAAEAE",
            atc: "M01AB05", dosage: "Take one tablet three times a day with food", quantity: 84,
            unit: "tablet"),
        Medicine(
            display: "Ibuprofen 5% gel", bnf: "1003020P0AAABAB", atc: "M02AA13",
            dosage: "Apply to the painful joint up to three times a day", quantity: 100,
            unit: "gram"),
        Medicine(
            display: "Omeprazole 20mg gastro-resistant capsules", bnf: "0103050P0AAAAAA",
            atc: "A02BC01", dosage: "Take one capsule once a day", quantity: 28, unit: "capsule"),
        Medicine(
            display: "Lansoprazole 15mg gastro-resistant capsules", bnf: "0103050L0AAABAB",
            atc: "A02BC03", dosage: "Take one capsule once a day", quantity: 28, unit: "capsule"),
        Medicine(
            display: "Famotidine 20mg tablets", bnf: "0103010H0AAAAAA", atc: "A02BA03",
            dosage: "Take one tablet at night", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Apixaban 5mg tablets", bnf: "0208020Z0AAABAB", atc: "B01AF02",
            dosage: "Take one tablet twice a day", quantity: 56, unit: "tablet"),
        Medicine(
            display: "Warfarin 1mg tablets", bnf: "0208020V0AAABAB", atc: "B01AA03",
            dosage: "Take as directed in your yellow book", quantity: 84, unit: "tablet"),
        Medicine(
            display: "Edoxaban 60mg tablets", bnf: "0208020AAAAACAC", atc: "B01AF03",
            dosage: "Take one tablet once a day", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Enoxaparin sodium 40mg/0.4ml solution for injection pre-filled syringes",
            bnf: "0208010D0AAABAB", atc: "B01AB05",
            dosage: "Inject the contents of one syringe once a day", quantity: 10,
            unit: "pre-filled syringe"),
        Medicine(
            display: "Amlodipine 5mg tablets", bnf: "0206020A0AAAAAA", atc: "C08CA01",
            dosage: "Take one tablet once a day", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Indapamide 2.5mg tablets", bnf: "0202010P0AAAAAA", atc: "C03BA11",
            dosage: "Take one tablet once a day", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Bisoprolol 2.5mg tablets", bnf: "0204000H0AAAJAJ", atc: "C07AB07",
            dosage: "Take one tablet in the morning", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Ivabradine 5mg tablets", bnf: "0206030Q0AAAAAA", atc: "C01EB17",
            dosage: "Take one tablet in the morning", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Atorvastatin 20mg tablets", bnf: "0212000B0AAABAB", atc: "C10AA05",
            dosage: "Take one tablet at night", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Metformin 500mg tablets", bnf: "0601022B0AAABAB", atc: "A10BA02",
            dosage: "Take one tablet twice a day with meals", quantity: 56, unit: "tablet"),
        Medicine(
            display: "Levothyroxine sodium 50microgram tablets", bnf: "0602010V0AABXBX",
            atc: "H03AA01", dosage: "Take one tablet each morning before breakfast", quantity: 28,
            unit: "tablet"),
        Medicine(
            display: "Sertraline 50mg tablets", bnf: "0403030Q0AAAAAA", atc: "N06AB06",
            dosage: "Take one tablet once a day", quantity: 28, unit: "tablet"),
        Medicine(
            display: "Salbutamol 100micrograms/dose inhaler CFC free", bnf: "0301011R0AAAPAP",
            atc: "R03AC02", dosage: "Inhale one or two puffs when you need them", quantity: 200,
            unit: "dose"),
        Medicine(
            display: "Beclometasone 100micrograms/dose inhaler CFC free", bnf: "0302000C0AABFBF",
            atc: "R03BA01", dosage: "Inhale two puffs twice a day", quantity: 200, unit: "dose"),
        Medicine(
            display: "Paracetamol 500mg tablets", bnf: "0407010H0AAAMAM", atc: "N02BE01",
            dosage: "Take two tablets up to four times a day", quantity: 100, unit: "tablet"),
        Medicine(
            display: "Amoxicillin 500mg capsules", bnf: "0501013B0AAABAB", atc: "J01CA04",
            dosage: "Take one capsule three times a day for five days", quantity: 15,
            unit: "capsule"),
        Medicine(
            display: "Codeine 30mg tablets", bnf: "0407020C0AAADAD", atc: "R05DA04",
            dosage: "Take one tablet up to four times a day", quantity: 28, unit: "tablet"),
    ]

    /// In the order of `Illness`.
    static let diagnoses: [Diagnosis] = [
        Diagnosis(code: "38341003", display: "Hypertensive disorder"),
        Diagnosis(code: "396275006", display: "Osteoarthritis"),
        Diagnosis(code: "49436004", display: "Atrial fibrillation"),
        Diagnosis(code: "84114007", display: "Heart failure"),
        Diagnosis(code: "44054006", display: "Type 2 diabetes mellitus"),
        Diagnosis(code: "195967001", display: "Asthma"),
        Diagnosis(code: "35489007", display: "Depressive disorder"),
        Diagnosis(code: "40930008", display: "Hypothyroidism"),
        Diagnosis(code: "55822004", display: "Hyperlipidemia"),
        Diagnosis(code: "161891005", display: "Backache"),
        Diagnosis(code: "54150009", display: "Upper respiratory infection"),
    ]

    static let nonSteroidals: [Drug] = [.naproxen, .ibuprofen, .diclofenac]
    static let protections: [Drug] = [.omeprazole, .lansoprazole, .famotidine]
    static let anticoagulants: [Drug] = [.apixaban, .warfarin, .edoxaban]
}
