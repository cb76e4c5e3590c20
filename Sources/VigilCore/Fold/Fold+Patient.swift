// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

extension Fold {
    /// What rules may ask about a patient, and the codes that it names.
    ///
    /// - Parameter subject: the events' subject.
    /// - Returns: nil where nothing is known of the subject.
    package func known(of subject: String) -> (facts: PatientFacts, codings: CodingTable)? {
        patients.index(of: subject).map { (allFacts(of: $0), codings) }
    }
}
