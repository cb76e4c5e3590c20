// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

/// A generator whose numbers follow from its seed (SplitMix64, Steele, Lea and Flood 2014).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

@Suite struct MutationTests {
    /// Foundation's reader is the independent check.
    ///
    /// It takes repeated members and lone
    /// surrogates as we do or less strictly, and refuses numbers beyond a Double: those apart,
    /// whatever we take it has to take.
    @Test(arguments: Samples.names)
    func whateverIsAcceptedIsValidJSON(name: String) throws {
        let original = Array(try Samples.text(name).utf8)
        let topic = Array(Samples.topic(name).utf8)
        var accepted = 0
        for seed in UInt64(0)..<2000 {
            var generator = SeededGenerator(state: seed)
            let mutant = mutate(original, using: &generator)
            guard (try? Samples.decode(mutant, topic: topic)) != nil else { continue }
            accepted += 1
            let text = String(decoding: mutant, as: UTF8.self)
            #expect(Array(text.utf8) == mutant, "seed \(seed): not UTF-8")
            guard !hasHugeNumber(text) else { continue }
            #expect(
                (try? JSONSerialization.jsonObject(with: Data(mutant))) != nil,
                "seed \(seed): \(text)")
        }
        #expect(accepted > 50)
    }

    @Test(arguments: Samples.names)
    func aTruncatedEventIsNeverAccepted(name: String) throws {
        let original = Array(try Samples.text(name).utf8)
        for length in 0..<original.count {
            #expect(throws: Rejection.self) {
                try Samples.decode(
                    Array(original[..<length]), topic: Array(Samples.topic(name).utf8))
            }
        }
    }

    private func mutate(
        _ original: [UInt8], using generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = original
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(bytes[place], at: place)
            default:
                let structural = Array("{}[]\",:\\ 0e-.".utf8)
                bytes[place] =
                    structural[
                        Int.random(in: 0..<structural.count, using: &generator)]
            }
        }
        return bytes
    }

    private func hasHugeNumber(_ text: String) -> Bool {
        text.firstMatch(of: /[0-9][eE]\+?[0-9]{3}|[0-9]{300}/) != nil
    }
}
