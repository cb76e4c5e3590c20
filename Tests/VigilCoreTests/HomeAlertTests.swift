// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilPacks

@testable import VigilCore

/// What becomes of alerts on readings at home, told as stories of one patient.
struct HomeAlertTests {
    private static let packs = Result {
        try ["home-monitoring", "asthma"].map { try BundledPacks.named($0).compile() }
    }

    /// A fold with the packs, its one patient, and what the alerts of one rule did.
    private struct Story {
        private var fold = Fold(origin: "vigil/test", zone: .utc)
        private var offset: UInt64 = 0
        private let rule: String
        /// `hours-of-the-story action severity reason`, one a line.
        private(set) var told: [String] = []

        /// 2024-05-01 08:00, a Wednesday: the stories' hours count from it.
        private static let start = Instant(milliseconds: 1_714_550_400_000)

        init(of rule: String) throws {
            self.rule = rule
            _ = fold.activate(try HomeAlertTests.packs.get(), now: Instant(milliseconds: 0))
        }

        static func instant(_ hours: Double) -> Instant {
            start.adding(milliseconds: Int64((hours * 3_600_000).rounded()))
        }

        static func time(_ hours: Double) -> ClinicalTime {
            let at = instant(hours)
            return ClinicalTime(writtenDay: at.utc.day, precision: .time, instant: at)
        }

        mutating func pass(to hours: Double) {
            let now = Story.instant(hours)
            while let due = fold.nextDue(through: now) {
                note(fold.workOff(subject: due.subject, instant: due.instant), at: due.instant)
            }
        }

        /// Takes in what happened at one hour and was known at another.
        mutating func take(
            _ content: ClinicalContent, as type: ResourceType = .observation, at hours: Double,
            known: Double? = nil
        ) {
            var content = content
            if content.date == nil { content.date = Story.time(hours) }
            send(type, id: "r\(offset)", content, known: known ?? hours)
        }

        /// Takes in that the event of a number never was.
        mutating func withdraw(_ number: Int, known: Double) {
            send(.observation, id: "r\(number)", nil, known: known)
        }

        private mutating func send(
            _ type: ResourceType, id: String, _ content: ClinicalContent?, known: Double
        ) {
            pass(to: known)
            let now = Story.instant(known)
            let event = InputEvent(
                kind: .device, practice: "A81001", id: "e\(offset)", source: "urn:test",
                subject: "ann", action: .updated, time: now,
                resource: Resource(
                    type: type, id: id, versionNumber: VersionNumber(Int64(offset) + 1),
                    content: content.map { .clinical($0) }))
            note(fold.take(event, offset: offset, now: now), at: now)
            offset += 1
        }

        private mutating func note(_ outputs: [Output], at now: Instant) {
            for output in outputs {
                guard case .flag(let event) = output, event.rule.id == rule else { continue }
                let minutes = (now.milliseconds - Story.start.milliseconds) / 60_000
                let time = "\(minutes / 60):\(minutes % 60 < 10 ? "0" : "")\(minutes % 60)"
                told.append(
                    "\(time) \(event.transition.rawValue) \(event.severity.rawValue) "
                        + (event.reason ?? "-"))
            }
        }
    }

    private static func quantity(
        _ code: String, _ value: String, _ unit: String
    ) -> ClinicalContent {
        ClinicalContent(
            codings: [Coding(system: "http://loinc.org", code: code)],
            details: FactDetails(value: .quantity(ObservedQuantity(value: value, unit: unit))))
    }

    private static func saturation(_ value: Int) -> ClinicalContent {
        quantity("2708-6", String(value), "%")
    }

    private static func weight(_ value: String) -> ClinicalContent {
        quantity("29463-7", value, "kg")
    }

    private static func pressure(_ systolic: Int) -> ClinicalContent {
        quantity("8480-6", String(systolic), "mm[Hg]")
    }

    private static func flow(_ value: Int) -> ClinicalContent {
        quantity("19935-6", String(value), "L/min")
    }

    private static func snomed(_ code: String) -> ClinicalContent {
        ClinicalContent(codings: [Coding(system: "http://snomed.info/sct", code: code)])
    }

    private static func story(of rule: String, with condition: String? = nil) throws -> Story {
        var story = try Story(of: rule)
        if let condition { story.take(snomed(condition), as: .condition, at: -24 * 900) }
        return story
    }

    private static let heartFailure = "84114007"
    private static let asthma = "195967001"

    // MARK: - What is known late

    @Test func aWorseSaturationThatIsKnownLateEndsNoAlert() throws {
        var story = try Self.story(of: "copd-o2")
        story.take(Self.saturation(91), at: 0)
        story.take(Self.saturation(85), at: 1, known: 15.5)
        #expect(story.told == ["0:00 raised high event", "12:00 updated high stale"])
        story.take(Self.saturation(97), at: 16)
        #expect(story.told.last == "16:00 resolved high recovered")
    }

    @Test func aSaturationThatIsKnownLateRaisesNoAlert() throws {
        var story = try Self.story(of: "copd-o2")
        story.take(Self.saturation(97), at: 0)
        story.take(Self.saturation(85), at: 1, known: 15.5)
        #expect(story.told == [])
    }

    @Test func aPressureThatIsKnownLateEndsNoCrisis() throws {
        var story = try Self.story(of: "bp-crisis")
        story.take(Self.pressure(185), at: 0)
        story.take(Self.pressure(186), at: 0.2)
        // A day after it, and before the newest reading has expired.
        story.take(Self.pressure(187), at: 0.1, known: 24.15)
        story.pass(to: 24.25)
        #expect(
            story.told == [
                "0:12 raised high event", "24:09 updated high stale",
                "24:12 resolved high expired",
            ])
    }

    @Test func aWorsePeakFlowThatIsKnownLateEndsNoAlertAndRaisesNone() throws {
        for isOpen in [true, false] {
            var story = try Self.story(of: "ast-pef", with: Self.asthma)
            story.take(Self.flow(500), at: -24)
            if isOpen { story.take(Self.flow(300), at: 0) }
            story.take(Self.flow(150), at: 1, known: 49)
            let open = [
                "0:00 raised moderate event", "49:00 resolved moderate severity-changed",
                "49:00 raised high event",
            ]
            #expect(story.told == (isOpen ? open : []))
            story.take(Self.flow(450), at: 50)
            if isOpen { #expect(story.told.last == "50:00 resolved high recovered") }
        }
    }
    // MARK: - Weight

    private static func gained() throws -> Story {
        var story = try Self.story(of: "hf-w2", with: heartFailure)
        for (day, value) in ["80", "80.5", "81.2", "82.1"].enumerated() {
            story.take(weight(value), at: Double(24 * day))
        }
        return story
    }

    @Test func aWeightWithNothingToCompareItWithEndsNoGain() throws {
        var story = try Self.gained()
        story.take(Self.weight("84"), at: 24 * 7)
        #expect(story.told == ["72:00 raised moderate event"])
        var compared = story
        compared.take(Self.weight("84.1"), at: 24 * 8)
        #expect(compared.told.last == "192:00 resolved moderate recovered")
        // Four whole days without a weight: 13 May has begun.
        story.pass(to: 24 * 20)
        #expect(story.told.dropFirst() == ["280:00 resolved moderate expired"])
    }

    @Test func fourDaysWithoutAWeightEndAGainWhateverComesAfter() throws {
        var story = try Self.gained()
        story.take(Self.weight("90"), at: 24 * 8)
        #expect(
            story.told == ["72:00 raised moderate event", "184:00 resolved moderate expired"])
    }

    @Test func aGainWhoseOnlyComparisonIsWithdrawnEnds() throws {
        var story = try Self.story(of: "hf-w2", with: Self.heartFailure)
        story.take(Self.weight("80"), at: 0)
        story.take(Self.weight("82.1"), at: 24)
        story.withdraw(1, known: 25)
        #expect(
            story.told == ["24:00 raised moderate event", "25:00 resolved moderate corrected"])
    }

    // MARK: - Two readings that are no neighbours

    @Test func aLowerPressureBetweenTwoVeryHighOnesIsNoRecovery() throws {
        var story = try Self.story(of: "bp-crisis")
        for (minute, value) in [(0, 182), (1, 178), (3, 185)] {
            story.take(Self.pressure(value), at: Double(minute) / 60)
        }
        #expect(story.told == ["0:03 raised high event"])
        story.take(Self.pressure(170), at: 0.1)
        #expect(story.told.last == "0:06 resolved high recovered")
        // More than 15 minutes after the last very high one.
        story.take(Self.pressure(190), at: 0.35)
        #expect(story.told.count == 2)
    }

    @Test func aBetterSaturationBetweenTwoLowOnesIsNoRecovery() throws {
        var story = try Self.story(of: "copd-o2")
        story.take(
            ClinicalContent(
                codings: [Coding(system: "urn:vigil:instruction", code: "spo2-target-88-92")],
                details: FactDetails(value: .boolean(true))), at: -24)
        for (minute, value) in [(0, 87), (3, 88), (6, 86)] {
            story.take(Self.saturation(value), at: Double(minute) / 60)
        }
        #expect(story.told == ["0:06 raised high event"])
        story.take(Self.saturation(90), at: 0.2)
        #expect(story.told.last == "0:12 resolved high recovered")
    }

    // MARK: - After an attack

    private static func visit(
        _ kind: String, from hours: Double, to end: Double, reason: String
    ) -> ClinicalContent {
        var content = snomed(reason)
        content.date = Story.time(hours)
        content.end = Story.time(end)
        content.details = FactDetails(encounterClass: kind)
        return content
    }

    private static func emergency(from hours: Double, to end: Double) -> ClinicalContent {
        visit("EMER", from: hours, to: end, reason: asthma)
    }

    private static func consultation(at hours: Double) -> ClinicalContent {
        visit("AMB", from: hours, to: hours + 0.5, reason: "185349003")
    }

    /// A Wednesday's attendance is overdue when Saturday begins, 64 hours into the story.
    @Test(arguments: [1.0, 5, 8])
    func onlyAVisitAfterLeavingHospitalIsAFollowUp(seenAt hours: Double) throws {
        var story = try Self.story(of: "ast-post", with: Self.asthma)
        if hours < 4 { story.take(Self.consultation(at: hours), as: .encounter, at: hours) }
        story.take(Self.emergency(from: 4, to: 7), as: .encounter, at: 7)
        if hours > 4 {
            story.take(
                Self.consultation(at: hours), as: .encounter, at: hours, known: max(hours, 8))
        }
        story.pass(to: 70)
        #expect(story.told == (hours < 7 ? ["64:00 raised high time"] : []))
    }

    @Test func aSecondAttackDoesNotExcuseTheFollowUpOfTheFirst() throws {
        var story = try Self.story(of: "ast-post", with: Self.asthma)
        story.take(Self.emergency(from: 4, to: 7), as: .encounter, at: 7)
        story.take(Self.emergency(from: 100, to: 103), as: .encounter, at: 103)
        #expect(story.told == ["64:00 raised high time"])
        story.take(Self.consultation(at: 120), as: .encounter, at: 120)
        #expect(story.told.last == "120:00 resolved high test-done")
        story.pass(to: 24 * 40)
        #expect(story.told.count == 2)
    }

    /// From the emergency department to the ward: hospital is left once.
    @Test func whoIsKeptInHasLeftHospitalWithTheAdmission() throws {
        var story = try Self.story(of: "ast-post", with: Self.asthma)
        story.take(Self.emergency(from: 4, to: 7), as: .encounter, at: 7)
        // Known on the next day, to Sunday; after the holiday it is overdue when Thursday begins.
        story.take(
            Self.visit("IMP", from: 7, to: 100, reason: Self.asthma), as: .encounter, at: 7,
            known: 30)
        story.pass(to: 24 * 8)
        #expect(story.told == ["184:00 raised high time"])
    }
}
