// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCQL
import VigilCore

/// What is refused, with the place and the way out.
struct ErrorTests {
    @Test(arguments: [
        // Expression | column | code | part of the message
        "1 + | 4 | invalid | expected an expression",
        "(1 = 1 | 7 | invalid | expected ')'",
        "\"Nobody\" | 1 | invalid | nothing is called \"Nobody\"",
        "true and 3 | 10 | invalid | expected Boolean, found Integer",
        "1 < 'a' | 3 | invalid | Integer and String",
        "true < false | 6 | invalid | Boolean has no order",
        "@2023-02-29 < Today() | 1 | invalid | no date of the calendar",
        "@2024-1-01 < Today() | 1 | invalid | no date of the calendar",
        "@2024-01-01T10:00:00Z < Today() | 23 | invalid | a Date and a DateTime",
        "Now() > @2024-01-01 | 7 | invalid | a Date and a DateTime",
        "hour from Now() = 3 | 1 | unsupported | write Today()",
        "Today() during @2024-01-01 | 9 | invalid | expected Interval, found Date",
        "Today() in Interval[Today(), Today() - 1 day] | 12 | invalid | ends before it starts",
        "not (AgeInYears() in Interval[90, 18]) | 19 | invalid | ends before it starts",
        "Today() during Interval[@2021-01-02, @2021-01-01] | 9 | invalid | ends before it starts",
        "exists 3 | 8 | invalid | expected List of FHIR resources, found Integer",
        "exists [Patient: \"NSAID\"] | 8 | unsupported | retrieves of Patient",
        "exists [MedicationRequest] | 8 | unsupported | without a value set",
        "exists [MedicationRequest: \"It\"] | 28 | invalid | by way of itself",
        "exists [MedicationRequest: \"Years\"] | 28 | invalid | expected a value set, found Integer",
        "\"NSAID\" | 1 | valid |",
        "It | 1 | invalid | defined by way of itself",
        "5 'frobs' = 5 'frobs' | 1 | unsupported | no UCUM unit",
        "Today() - 3 < Today() | 9 | unsupported | without a unit",
        "'a' - 'b' = 'c' | 5 | invalid | does not take String and String",
        "AgeInYears(3) > 2 | 1 | invalid | takes 0 arguments, not 1",
        "Median(1) > 2 | 8 | invalid | takes a list, not Integer",
        "Floor('x') > 2 | 7 | invalid | takes numbers, not String",
        "Square(1) > 2 | 1 | unsupported | the function Square",
        "Vigil.Height() > 2 | 1 | invalid | has no function Height",
        "Other.Height() > 2 | 1 | invalid | no library is included as Other",
        "Vigil.DeathDate is null | 7 | invalid | write Vigil.DeathDate()",
        "Patient.name is null | 9 | unsupported | gender and birthDate",
        "exists ([Condition: \"HF\"] C where C.code = 1) | 37 | unsupported | the element 'code'",
        "exists ([Condition: \"HF\"] C where D.status = 'a') | 35 | invalid | nothing is called",
        "99999999999 > 1 | 1 | invalid | at most 2147483647",
        "'open | 1 | invalid | no end",
        "1 = 1 ? | 7 | invalid | no meaning",
        "true define | 12 | invalid | expected a name",
    ])
    func `an error has its place and says what to do`(_ row: String) throws {
        let cells = row.split(separator: " | ", omittingEmptySubsequences: false).map {
            $0.hasSuffix(" |") ? String($0.dropLast(2)) : String($0)
        }
        let text = """
            parameter "Years" default 3
            define "It":
            \(cells[0])
            """
        guard cells[2] != "valid" else {
            _ = try Bench(text)
            return
        }
        let error = try #require(throws: CQLError.self) { try Bench(text) }
        #expect(error.code.rawValue == cells[2], "\(error)")
        #expect(error.message.contains(cells[3]), "\(error)")
        #expect(error.line == 11, "\(error)")
        #expect(error.column == Int(cells[1]), "\(error)")
        #expect(error.file == "test.cql")
    }

    @Test(arguments: [
        ("library A", 1, 10, "expected 'version'"),
        ("library A version '1'\nusing QDM", 2, 7, "use FHIR version '4.0.1'"),
        ("library A version '1'\nusing FHIR version '3.0.0'", 2, 20, "use version '4.0.1'"),
        ("library A version '1'\ninclude FHIRHelpers", 2, 9, "only Vigil can be included"),
        ("library A version '1'\ninclude Vigil version '9'", 2, 23, "use version '1.0.0'"),
        ("library A version '1'\ncontext Unfiltered", 2, 9, "about one Patient"),
        ("library A version '1'\nvalueset X: 'urn:none'", 2, 13, "no code list for 'urn:none'"),
        ("library A version '1'\nparameter X Integer", 2, 20, "without 'default'"),
        ("library A version '1'\nparameter X String default 3", 2, 28, "not String"),
        ("library A version '1'\ndefine function F(): F()", 2, 22, "calls itself"),
        ("library A version '1'\ncode X: 'y' from Z", 2, 9, "no code system"),
        ("library A version '1'\ndefine A: 1\ndefine A: 2", 3, 8, "declared twice"),
        ("library A version '1'\ndefine A: B\ndefine B: A", 3, 11, "by way of itself"),
        ("library A version '1'\n/* open", 2, 1, "comment has no end"),
        ("library A version '1'\ndefine A: exists [Condition: B]", 2, 30, "nothing is called"),
    ])
    func `a library's declarations are checked`(
        _ text: String, _ line: Int, _ column: Int, _ message: String
    ) throws {
        let error = try #require(throws: CQLError.self) { try Bench(text, header: "") }
        #expect(error.message.contains(message), "\(error)")
        #expect(error.line == line, "\(error)")
        #expect(error.column == column, "\(error)")
    }

    @Test(arguments: [
        String(repeating: "(", count: 100_000) + "true",
        String(repeating: "not ", count: 100_000) + "true",
        String(repeating: "- ", count: 100_000) + "1",
        "true" + String(repeating: " and true", count: 100_000),
        "Today()" + String(repeating: " - 1 day", count: 100_000) + " < Today()",
    ])
    func `no nesting exhausts the stack`(_ expression: String) {
        #expect(throws: CQLError.self) { try Bench("define \"It\": \(expression)") }
    }

    @Test func `a chain of definitions cannot exhaust the stack either`() {
        let text = (1...5000).map { "define D\($0): not D\($0 - 1)\n" }.joined()
        #expect(throws: CQLError.self) { try Bench("define D0: true\n" + text) }
    }
}
