// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore

struct SentenceTemplateTests {
    private let template =
        "{hazard.display} issued {hazard.date}; no PPI[: the last, {lapsed.display}, has lapsed]."

    @Test func everyPlaceholderTakesItsValue() throws {
        let sentence = try SentenceTemplate(template).render([
            ("hazard.display", "Naproxen 500mg tablets"), ("hazard.date", "2024-03-29"),
            ("lapsed.display", "Omeprazole [20mg] {caps}"), ("hazard.date", "never"),
        ])
        #expect(
            sentence == "Naproxen 500mg tablets issued 2024-03-29; no PPI: the last, "
                + "Omeprazole [20mg] {caps}, has lapsed.")
    }

    @Test func aPartInBracketsIsLeftOutWhereAValueIsMissing() throws {
        let sentence = try SentenceTemplate(template).render([
            ("hazard.display", "Naproxen"), ("hazard.date", "2024-03-29"),
        ])
        #expect(sentence == "Naproxen issued 2024-03-29; no PPI.")
    }

    @Test func aMissingValueOutsideBracketsIsSaidToBeMissing() throws {
        let sentence = try SentenceTemplate("{hazard.display}[ ({x})]!").render([])
        #expect(sentence == "(not recorded)!")
    }

    @Test func thePlaceholdersAreToldInTheirOrder() throws {
        let placeholders = try SentenceTemplate(template).placeholders
        #expect(placeholders == ["hazard.display", "hazard.date", "lapsed.display"])
    }

    @Test(arguments: [
        ("a {b", SentenceError.notClosed(column: 3)),
        ("a [b {c}", .notClosed(column: 3)),
        ("a {b c}", .unexpected(" ", column: 5)),
        ("a {}", .emptyPlaceholder(column: 3)),
        ("a } b", .unexpected("}", column: 3)),
        ("a ] b", .unexpected("]", column: 3)),
        ("[a [b] c]", .unexpected("[", column: 4)),
    ])
    func whatDoesNotParseIsNamedWithItsPlace(text: String, error: SentenceError) {
        #expect(throws: error) { try SentenceTemplate(text) }
    }
}
