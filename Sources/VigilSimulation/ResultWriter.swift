// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Observations.
extension EventWriter {
    /// Writes a measurement with values drawn for the patient.
    mutating func write(
        _ measurement: Errand.Measurement, _ patient: SimulatedPatient, _ moment: LocalMoment,
        _ number: UInt64, _ encounter: UInt64?
    ) {
        var draws = SplitMix64(seed: SplitMix64.mixed(number) ^ UInt64(moment.millisecond))
        begin("Observation", "ob", patient, 0, number)
        addMeta(moment)
        let isClinical = measurement == .bloodPressure
        text.add(
            ",\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":"
                + "\"http://terminology.hl7.org/CodeSystem/observation-category\",\"code\":\"")
        text.add(isClinical ? "vital-signs\"}]}],\"code\":" : "laboratory\"}]}],\"code\":")
        switch measurement {
        case .bloodPressure: addLOINC("85354-9", "Blood pressure panel with all children optional")
        case .filtrationRate: addLOINC("62238-1", "eGFR by creatinine-based formula (CKD-EPI)")
        case .potassium: addLOINC("2823-3", "Potassium [Moles/volume] in Serum or Plasma")
        }
        addSubject(patient)
        addEncounter(encounter, ",\"encounter\":")
        addMoment("effectiveDateTime", moment)
        switch measurement {
        case .bloodPressure:
            text.add(",\"component\":[{\"code\":")
            addLOINC("8480-6", "Systolic blood pressure")
            addQuantity(draws.within(105...165), tenths: nil, "mm[Hg]", "mmHg")
            text.add("},{\"code\":")
            addLOINC("8462-4", "Diastolic blood pressure")
            addQuantity(draws.within(60...95), tenths: nil, "mm[Hg]", "mmHg")
            text.add("}]")
        case .filtrationRate:
            addQuantity(draws.within(46...110), tenths: nil, "mL/min/{1.73_m2}", "mL/min/1.73m2")
        case .potassium:
            addQuantity(4, tenths: draws.below(10), "mmol/L", "mmol/L")
        }
    }

    private mutating func addLOINC(_ code: String, _ display: String) {
        text.add("{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"")
        text.add(code)
        text.add("\",\"display\":\"")
        text.add(display)
        text.add("\"}],\"text\":\"")
        text.add(display)
        text.add("\"}")
    }

    /// Appends a `valueQuantity` in UCUM.
    private mutating func addQuantity(
        _ value: Int, tenths: Int?, _ code: String, _ unit: String
    ) {
        text.add(",\"valueQuantity\":{\"value\":")
        text.add(number: UInt64(value))
        if let tenths {
            text.add(".")
            text.add(number: UInt64(tenths))
        }
        text.add(",\"unit\":\"")
        text.add(unit)
        text.add("\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"")
        text.add(code)
        text.add("\"}")
    }
}
