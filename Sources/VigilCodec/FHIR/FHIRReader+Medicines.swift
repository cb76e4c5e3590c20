// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// How much of a medicine, or for how long.
struct SupplyAmount {
    var quantity: ObservedQuantity?
    /// Whether the unit names an inhaled form or another; nil where it does neither.
    var isInhaled: Bool?
}

/// Orders, dispenses and statements.
extension FHIRReader {
    mutating func medicationRequest(status: String?, counts: Bool) -> ClinicalContent {
        let intent = requiredCode(
            .intent, of: resource, in: FHIRCodes.medicationRequestIntent)
        let isIssue = intent != "proposal" && intent != "plan" && intent != "option"
        let isForbidden = boolean(.doNotPerform, of: resource) ?? false
        let medicine = medicine()
        let date = dateTime(.authoredOn, of: resource)
        let dispense = object(.dispenseRequest, of: resource)
        let (orders, plans) = basis()
        var groups = plans
        if let group = object(.groupIdentifier, of: resource).flatMap({ text(.value, of: $0) }) {
            groups.append(group)
        }
        let amount = dispense.map { self.amount(.quantity, of: $0) } ?? SupplyAmount()
        let duration = dispense.map { self.amount(.expectedSupplyDuration, of: $0) }
        let directions = directions(.dosageInstruction)
        let supply = Supply(
            intent: intent, basedOn: orders, groups: groups,
            prior: element(.priorPrescription, of: resource).flatMap { referenceName($0) },
            duration: duration?.quantity,
            repeats: dispense.flatMap { count(.numberOfRepeatsAllowed, of: $0) },
            validUntil: dispense.flatMap { dispense in
                leniently { reader in
                    reader.object(.validityPeriod, of: dispense).flatMap {
                        reader.dateTime(.end, of: $0)
                    }
                }
            }, isForbidden: isForbidden)
        return ClinicalContent(
            counts: counts && isIssue && !isForbidden && isToTheDay(date),
            codings: medicine.codings, text: medicine.text, date: date,
            details: details(status, medicine, directions, amount), supply: supply)
    }

    /// What `basedOn` names: orders of medicines, and by its type anything else.
    private mutating func basis() -> (orders: [String], others: [String]) {
        var orders: [String] = []
        var others: [String] = []
        for item in objects(.basedOn, of: resource) {
            guard let name = referenceName(item) else { continue }
            let type = string(.reference, of: item).map { ReferenceText($0).type }
            let isOrder = type.map { $0.isEmpty || $0.elementsEqual("MedicationRequest".utf8) }
            if isOrder ?? true { orders.append(name) } else { others.append(name) }
        }
        return (orders, others)
    }

    mutating func medicationDispense(status: String?, counts: Bool) -> ClinicalContent {
        let medicine = medicine()
        let handedOver = dateTime(.whenHandedOver, of: resource)
        let prepared = dateTime(.whenPrepared, of: resource)
        let isHandedOver = status != "in-progress" || handedOver != nil
        let date = handedOver ?? prepared
        let authorizing = referenceNames(.authorizingPrescription, of: resource)
        let amount = amount(.quantity, of: resource)
        let duration = self.amount(.daysSupply, of: resource)
        let directions = directions(.dosageInstruction)
        return ClinicalContent(
            counts: counts && isHandedOver && isToTheDay(date), codings: medicine.codings,
            text: medicine.text, date: date,
            details: details(status, medicine, directions, amount),
            supply: Supply(authorizing: authorizing, duration: duration.quantity))
    }

    /// `partOf` and `derivedFrom` name the order or dispense that a statement repeats, as
    /// `basedOn` does.
    mutating func medicationStatement(status: String?, counts: Bool) -> ClinicalContent {
        let medicine = medicine()
        var date: ClinicalTime?
        var end: ClinicalTime?
        if let value = choice("effective", of: resource) {
            if value.isNamed(.effectiveDateTime) {
                date = dateTime(value)
            } else if value.isNamed(.effectivePeriod) {
                (date, end) = period(value)
            }
        }
        var basedOn = referenceNames(.basedOn, of: resource)
        for name in [MemberName.partOf, .derivedFrom] {
            basedOn += leniently { $0.referenceNames(name, of: $0.resource) } ?? []
        }
        let directions = directions(.dosage)
        return ClinicalContent(
            counts: counts && isToTheDay(date), codings: medicine.codings, text: medicine.text,
            date: date, end: end,
            details: details(status, medicine, directions, SupplyAmount()),
            supply: Supply(basedOn: basedOn))
    }

    /// What is kept of a medicine; route, form, name or unit may say that it is inhaled.
    private func details(
        _ status: String?, _ medicine: Concept, _ directions: DirectionsText,
        _ amount: SupplyAmount
    ) -> FactDetails {
        FactDetails(
            status: status, quantity: amount.quantity, directions: directions.text,
            isInhaled: MedicineForm.isInhaled(
                of: [directions.isInhaled, medicine.isInhaled, amount.isInhaled]))
    }

    /// A Quantity of a medicine; packs are of few sizes.
    private mutating func amount(_ name: MemberName, of object: JSONValue) -> SupplyAmount {
        guard let value = element(name, of: object) else { return SupplyAmount() }
        return kept(value, in: amounts) { reader, value in
            let quantity = reader.quantity(value)
            return SupplyAmount(
                quantity: quantity,
                isInhaled: quantity?.unit.flatMap { MedicineForm.isInhaled(words: $0) })
        }
    }

    private mutating func medicine() -> Concept {
        guard let value = choice("medication", of: resource) else {
            missing("medication[x]", in: resource)
            return Concept()
        }
        if value.isNamed(.medicationReference) { return referencedMedicine(value) }
        guard value.isNamed(.medicationCodeableConcept) else {
            invalid(value, "The medicine is neither a CodeableConcept nor a Reference.")
            return Concept()
        }
        return concept(value)
    }

    private mutating func referencedMedicine(_ value: JSONValue) -> Concept {
        guard value.kind == .object else {
            invalid(value, "medicationReference is not a Reference.")
            return Concept()
        }
        let shown = text(.display, of: value)
        guard let reference = string(.reference, of: value) else {
            invalid(value, "The Reference names no contained Medication.")
            return Concept()
        }
        let parts = ReferenceText(reference)
        guard parts.isContained, let medication = contained(parts.name),
            string(.resourceType, of: medication)?.hasText("Medication") ?? false
        else {
            invalid(reference, "The Reference names no contained Medication.")
            return Concept()
        }
        var concept = element(.code, of: medication).map { self.concept($0) } ?? Concept()
        if concept.text == nil {
            concept.text = shown
            concept.isInhaled = shown.flatMap { MedicineForm.isInhaled(words: $0) }
        }
        let form = leniently { reader in
            reader.element(.form, of: medication).map { reader.concept($0) }
        }
        concept.isInhaled = MedicineForm.isInhaled(of: [concept.isInhaled, form?.isInhaled])
        return concept
    }
}
