// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// What route and form say of whether a medicine is inhaled (clinical.md section 3.3).
package enum MedicineForm {
    /// Codes of a route by inhalation: dm+d's and SNOMED CT's own (respiratory tract), EDQM's
    /// (inhalation use) and HL7's.
    private static let inhaledRoutes: Set<String> = [
        "18679011000001101", "447694001", "20020000", "IPINHL", "ORINHL", "NEB",
    ]
    /// Codes of the routes by which relievers are given otherwise: oral, intravenous,
    /// subcutaneous and intramuscular, as before.
    private static let otherRoutes: Set<String> = [
        "26643006", "47625008", "34206005", "78421000", "20053000", "20045000", "20066000",
        "20035000", "PO", "IV", "SQ", "IM",
    ]
    /// Words of names and forms; also each that ends in `haler`, such as a Turbohaler.
    private static let inhaledWords: Set<String> = [
        "inhalers", "inhalation", "inhalational", "inhaled", "inhale", "inh", "inha", "mdi",
        "pmdi", "dpi", "aerosol", "actuat", "actuation", "actuations", "puff", "puffs",
        "nebuliser", "nebulizer", "nebulised", "nebulized", "nebules", "neb", "nebs", "respules",
        "rotacaps", "respimat", "spiromax", "novolizer", "breathe", "diskus", "respiratory",
    ]
    private static let otherWords: Set<String> = [
        "tablet", "tablets", "tab", "tabs", "capsule", "capsules", "cap", "caps", "syrup", "oral",
        "mouth", "elixir", "linctus", "injection", "injections", "inj", "infusion", "ampoule",
        "ampoules", "intravenous", "intramuscular", "subcutaneous",
    ]

    /// - Parameter codings: of a route.
    /// - Returns: whether it is that of inhalation; nil where no code of it is known.
    package static func isInhaled(route codings: [Coding]) -> Bool? {
        if codings.contains(where: { inhaledRoutes.contains($0.code) }) { return true }
        return codings.contains { otherRoutes.contains($0.code) } ? false : nil
    }

    /// - Parameter text: the name of a medicine, form, route or unit.
    /// - Returns: whether it names an inhaled form or another; nil where it does neither. Inhaled
    ///   wins: there are capsules, and oral use, of inhalation.
    package static func isInhaled(words text: String) -> Bool? {
        var isOther = false
        for part in text.lowercased().split(whereSeparator: { !$0.isLetter }) {
            let word = String(part)
            if inhaledWords.contains(word) || word.hasSuffix("haler") { return true }
            isOther = isOther || otherWords.contains(word)
        }
        return isOther ? false : nil
    }

    /// What several elements come to: inhaled where one of them says so.
    package static func isInhaled(of said: [Bool?]) -> Bool? {
        said.contains(true) ? true : said.contains(false) ? false : nil
    }
}
