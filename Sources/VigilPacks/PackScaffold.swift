// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// The files of a new pack: one rule that compiles, with a case that holds.
package enum PackScaffold {
    /// The files, for a pack of that id.
    ///
    /// - Throws: PackError where the id is none.
    package static func files(id: String) throws(PackError) -> [PackFile] {
        let texts = [
            ("pack.yaml", manifest.replacing("ID", with: id)), ("rules.cql", library),
            ("codelists/methotrexate.csv", methotrexate),
            ("codelists/trimethoprim.csv", trimethoprim), ("cases/rules.yaml", cases),
        ]
        let files = texts.map { PackFile(name: $0.0, bytes: Array($0.1.utf8)) }
        _ = try PackSource(files: files)
        return files
    }

    private static let manifest = """
        id: ID
        version: 0.1.0
        title: Say what the pack is about
        source: Name the publication that the definitions come from
        status: Not a clinical sign-off
        library: rules.cql

        # Short names of code systems, as the code lists use them, and the URIs that mean them.
        systems:
          atc: [http://www.whocc.no/atc]

        lists:
          methotrexate: {kind: medicine, title: Methotrexate}
          trimethoprim: {kind: medicine, title: Trimethoprim}

        rules:
          - id: trimethoprim-with-methotrexate
            version: 0.1.0
            severity: high
            title: Trimethoprim with methotrexate
            denominator: On methotrexate
            numerator: Trimethoprim with methotrexate
            sentence: >-
              {hazard.display} issued {hazard.date} to a patient on {interacting.display}, issued
              {interacting.date}.
            evidence:
              - role: hazard
                display: Hazardous medicine
                definition: Latest trimethoprim
                hazard: true
              - role: interacting
                display: Interacting medicine
                definition: Latest methotrexate
            endings:
              - definition: Trimethoprim with methotrexate
                whenTrue: false
                reason: hazard-ended

        """

    private static let library = """
        library Rules version '0.1.0'

        using FHIR version '4.0.1'

        include Vigil version '1.0.0' called Vigil

        valueset "Methotrexate": 'urn:vigil:list:methotrexate'
        valueset "Trimethoprim": 'urn:vigil:list:trimethoprim'

        context Patient

        define "Methotrexate in the last 3 months":
          [MedicationRequest: "Methotrexate"] M
            where Vigil.ClinicalDate(M) during Interval[Today() - 3 months, Today()]

        define "Latest methotrexate":
          Last("Methotrexate in the last 3 months")

        define "Trimethoprim in the last month":
          [MedicationRequest: "Trimethoprim"] M
            where Vigil.ClinicalDate(M) during Interval[Today() - 1 month, Today()]

        define "Latest trimethoprim":
          Last("Trimethoprim in the last month")

        define "On methotrexate":
          exists "Methotrexate in the last 3 months"

        define "Trimethoprim with methotrexate":
          "On methotrexate" and exists "Trimethoprim in the last month"

        """

    private static let methotrexate = """
        system,match,code,term
        atc,is,L01BA01,Methotrexate
        atc,is,L04AX03,Methotrexate

        """

    private static let trimethoprim = """
        system,match,code,term
        atc,is,J01EA01,Trimethoprim
        atc,is,J01EE01,Sulfamethoxazole and trimethoprim

        """

    private static let cases = """
        # A word is a list's name, or one declared under `codes`.
        rules: [trimethoprim-with-methotrexate]
        cases:
          - case: Both in their windows
            patient: born 1960-01-01
            events:
              - 2024-03-01: methotrexate
              - 2024-04-01: trimethoprim
            expect:
              - 2024-04-01: raised trimethoprim-with-methotrexate
              - 2024-05-02: resolved trimethoprim-with-methotrexate hazard-ended
          - case: Methotrexate of long ago
            events:
              - 2024-03-01: methotrexate
              - 2024-06-02: trimethoprim

        """
}
