// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Code systems by their URIs.
enum CodeSystem {
    private static let snomed = "http://snomed.info/sct"
    private static let dmd = "https://dmd.nhs.uk"

    /// The URI by which a code is known: a dm+d code is a SNOMED CT code, whichever of the two URIs
    /// it is told with (clinical.md section 1.9).
    static func canonical(_ uri: String) -> String { uri == dmd ? snomed : uri }
}
