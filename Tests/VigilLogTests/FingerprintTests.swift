// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import VigilCodec
import VigilCore

@testable import VigilLog

/// The index of what was accepted: complete, bounded, and never believed when it is damaged.
struct FingerprintTests {
    private let directory = FileManager.default.temporaryDirectory
        .appending(path: "vigil-index-\(UUID().uuidString)").path

    /// A log of so many inputs, one a unit.
    private func write(_ count: Int) throws {
        let (writer, _) = try LogWriter.open(
            directory: directory, report: { _ in }, visit: { _ in })
        for _ in 0..<count {
            let offset = writer.nextOffset
            let entry = RecordEntry(
                offset: offset, recorded: Instant(milliseconds: 0), kind: .input, topic: "t",
                source: "urn:s\(offset % 3)", eventID: "e\(offset)", subject: "",
                causation: offset, previous: nil)
            try writer.append(unit: [Record(entry: entry, payload: [1])])
            if offset % 100 == 99 {
                try writer.submit()
                try writer.drain()
            }
        }
        try writer.close()
    }

    private func entry(_ store: FingerprintStore, _ offset: UInt64) -> Fingerprint {
        Fingerprint(
            value: store.key.fingerprint("urn:s\(offset % 3)", "e\(offset)"), offset: offset)
    }

    private func offsets(_ runs: [FingerprintRun], _ value: UInt64) throws -> [UInt64] {
        try runs.flatMap { try $0.offsets(of: value) }
    }

    @Test func fingerprintsAreSipHashOverTheSourceBehindItsLengthAndTheID() {
        // From an implementation that gives the published vectors for the key 00 to 0f.
        let key = FingerprintKey(first: 0x0706_0504_0302_0100, second: 0x0f0e_0d0c_0b0a_0908)
        #expect(key.fingerprint("urn:a", "b1") == 0x12f9e5ef56bfc2b4)
        #expect(key.fingerprint("urn:test:source", "é-42") == 0x87c8489a848168bb)
    }

    @Test func whateverWasWrittenIsFoundAndRunsStayFew() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(3000)
        let store = try FingerprintStore(directory: directory)
        var runs: [FingerprintRun] = []
        for start in stride(from: UInt64(0), to: 3000, by: 50) {
            let entries = (start..<start + 50).map { entry(store, $0) }
            runs = try store.adding(
                FingerprintIndexer.Part(entries: entries, first: start, end: start + 50), to: runs)
            #expect(runs.count <= 6)
        }
        let reopened = try FingerprintStore(directory: directory)
            .runs(recordCount: 3000) { Issue.record("\($0)") }
        #expect(reopened.map(\.range) == runs.map(\.range))
        for offset in UInt64(0)..<3000 {
            #expect(try offsets(reopened, entry(store, offset).value) == [offset])
        }
        var falseHits = 0
        for number in 0..<10_000 {
            let value = store.key.fingerprint("urn:never", "x\(number)")
            #expect(try offsets(reopened, value).isEmpty)
            falseHits += reopened.count { $0.passesFilter(value) }
        }
        #expect(falseHits < 1000 * reopened.count / 2)
        let bits = reopened.reduce(0) { $0 + $1.memoryByteCount } * 8 / 3000
        #expect(bits <= 16)
    }

    @Test func equalFingerprintsAcrossBlocksAreAllFound() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(1000)
        let store = try FingerprintStore(directory: directory)
        let entries = (UInt64(0)..<1000).map {
            Fingerprint(value: $0 < 200 ? 7 : ($0 < 900 ? 8 : 9), offset: $0)
        }
        let runs = try store.adding(
            FingerprintIndexer.Part(entries: entries, first: 0, end: 1000), to: [])
        #expect(try offsets(runs, 7) == Array(0..<200))
        #expect(try offsets(runs, 8) == Array(200..<900))
        #expect(try offsets(runs, 9) == Array(900..<1000))
        #expect(try offsets(runs, 10).isEmpty)
    }

    @Test func anyFlippedByteOfARunIsFound() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(300)
        let store = try FingerprintStore(directory: directory)
        let entries = (UInt64(0)..<300).map { entry(store, $0) }
        let run = try #require(
            try store.adding(
                FingerprintIndexer.Part(entries: entries, first: 0, end: 300), to: []
            ).first)
        let whole = try #require(FileManager.default.contents(atPath: run.path))
        // Every byte of the headers and of each block's ends, every seventh of the entries.
        for position in whole.indices
        where position < 600 || position % 4096 > 4000 || position % 7 == 0 {
            var bytes = whole
            bytes[position] ^= 1 << UInt8(position % 8)
            try bytes.write(to: URL(filePath: run.path))
            #expect(throws: FingerprintRun.Damaged.self, "byte \(position)") {
                let file = try LinuxDisk().open(run.path, for: .read)
                try FingerprintRun(file: file, path: run.path, key: store.key).check()
            }
        }
        for cut in [0, 511, 512, 5000, whole.count - 1] {
            try whole.prefix(cut).write(to: URL(filePath: run.path))
            var told: [String] = []
            #expect(try store.runs(recordCount: 300) { told.append($0) }.isEmpty)
            #expect(told.count == 1)
        }
        let rebuilt = try store.rebuilt(from: 0, to: 300)
        for offset in UInt64(0)..<300 {
            #expect(try offsets(rebuilt, entry(store, offset).value) == [offset])
        }
    }

    @Test func aDamagedRunKeepsItsFileUntilWhatIsMadeAgainIsWhole() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(600)
        let store = try FingerprintStore(directory: directory)
        var runs: [FingerprintRun] = []
        for (first, end) in [(UInt64(0), UInt64(500)), (500, 600)] {
            let entries = (first..<end).map { entry(store, $0) }
            runs = try store.adding(
                FingerprintIndexer.Part(entries: entries, first: first, end: end), to: runs)
        }
        #expect(runs.count == 2)
        let path = runs[0].path
        let whole = try #require(FileManager.default.contents(atPath: path))
        var bytes = whole
        bytes[600] ^= 1
        try bytes.write(to: URL(filePath: path))
        #expect(throws: CancellationError.self) { try store.mended(runs) { true } }
        #expect(FileManager.default.contents(atPath: path) == bytes)
        let mended = try store.mended(runs) { false }
        #expect(mended.map(\.range) == runs.map(\.range))
        #expect(FileManager.default.contents(atPath: path) == whole)
        for offset in UInt64(0)..<600 {
            #expect(try offsets(mended, entry(store, offset).value) == [offset])
        }
    }

    @Test func aRunOfAnotherLogOrOfRecordsThatAreGoneIsNotBelieved() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try write(300)
        let store = try FingerprintStore(directory: directory)
        let entries = (UInt64(0)..<300).map { entry(store, $0) }
        _ = try store.adding(
            FingerprintIndexer.Part(entries: entries, first: 0, end: 300), to: [])
        #expect(try store.runs(recordCount: 299) { _ in }.isEmpty)
        _ = try store.adding(
            FingerprintIndexer.Part(entries: entries, first: 0, end: 300), to: [])
        #expect(try store.runs(recordCount: 300) { _ in }.count == 1)
        // The same events again are other records: their salts are chance.
        try FileManager.default.removeItem(atPath: directory + "/log")
        try write(300)
        #expect(try store.runs(recordCount: 300) { _ in }.isEmpty)
        _ = try store.adding(
            FingerprintIndexer.Part(entries: entries, first: 0, end: 300), to: [])
        // Without its key nobody can say what a run's fingerprints are of.
        try Data([1, 2, 3]).write(to: URL(filePath: directory + "/index/key"))
        let other = try FingerprintStore(directory: directory)
        #expect(other.key != store.key)
        #expect(try other.runs(recordCount: 300) { _ in }.isEmpty)
    }
}
