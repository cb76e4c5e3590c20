// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Testing
import VigilCore
import VigilLog

/// A small log in two segments whose last commit is claimed, and one whose last is not.
private struct SmallLog {
    let claimed: SimulatedDisk
    /// The same, but the last commit was never claimed and so never acknowledged.
    let unclaimed: SimulatedDisk
    let records: [Record]
    let recordCountBeforeLast: Int
    let lastSegment: String
    let lastCommitStart: Int

    init() throws {
        var generator = SeededGenerator(seed: 4)
        let disk = SimulatedDisk(seed: 5)
        let (writer, _, _) = try openLog(on: disk, segmentLengthMax: 2560)
        var records = try write(
            commits: 4, to: writer, payloadLengthMax: 100, using: &generator)
        recordCountBeforeLast = records.count
        let segment = try #require(disk.paths.last { $0.hasSuffix(".vlog") })
        let claims = try #require(disk.bytes("/data/log/durable"))
        lastCommitStart = try #require(disk.bytes(segment)).count
        records += try write(commits: 1, to: writer, payloadLengthMax: 100, using: &generator)
        lastSegment = segment
        #expect(disk.paths.last { $0.hasSuffix(".vlog") } == segment, "one file to cut")
        #expect(disk.paths.count { $0.hasSuffix(".vlog") } == 2)
        self.records = records
        claimed = disk.copy()
        unclaimed = disk.copy()
        unclaimed.setBytes("/data/log/durable", claims)
        withExtendedLifetime(writer) {}
    }

    var lastSegmentBytes: [UInt8] { claimed.bytes(lastSegment) ?? [] }
}

struct LogDamageTests {
    @Test func aTailTornAtAnyByteIsSetAsideAndTheRestRecovered() throws {
        let log = try SmallLog()
        let bytes = log.lastSegmentBytes
        for cut in log.lastCommitStart..<bytes.count {
            for isZeroFilled in [false, true] {
                let disk = log.unclaimed.copy()
                let rest = [UInt8](repeating: 0, count: isZeroFilled ? bytes.count - cut : 0)
                let torn = Array(bytes[..<cut]) + rest
                guard torn != bytes else { continue }
                disk.setBytes(log.lastSegment, torn)
                let (_, recovery, records) = try openLog(on: disk)
                #expect(records == Array(log.records[..<log.recordCountBeforeLast]))
                var aside = Array(torn[log.lastCommitStart...])
                while let rest = aside.indices.last.map({ $0 / 512 * 512 }),
                    aside[rest...].allSatisfy({ $0 == 0 })
                {
                    aside.removeLast(aside.count - rest)
                }
                #expect(recovery.tornTail?.byteCount ?? 0 == UInt64(aside.count))
                #expect(recovery.tornTail.flatMap { disk.bytes($0.path) } ?? [] == aside)
                if !aside.isEmpty {
                    #expect(disk.bytes(log.lastSegment)?.count == log.lastCommitStart)
                }
            }
        }
    }

    @Test func aClaimedTailCutAtAnyByteIsDamage() throws {
        let log = try SmallLog()
        let bytes = log.lastSegmentBytes
        for cut in 0..<bytes.count {
            let disk = log.claimed.copy()
            disk.setBytes(log.lastSegment, Array(bytes[..<cut]))
            expectDamage(on: disk, until: log.records.count, "cut at \(cut)")
            #expect(disk.bytes(log.lastSegment)?.count == cut, "nothing was changed")
        }
    }

    @Test func anyFlippedByteOfASegmentIsDamage() throws {
        let log = try SmallLog()
        for path in log.claimed.paths where path.hasSuffix(".vlog") {
            let bytes = try #require(log.claimed.bytes(path))
            for position in bytes.indices {
                let disk = log.claimed.copy()
                var flipped = bytes
                flipped[position] ^= 1 << UInt8(position % 8)
                disk.setBytes(path, flipped)
                expectDamage(on: disk, until: nil, "byte \(position) of \(path)")
                #expect(disk.bytes(path) == flipped, "nothing was changed")
            }
        }
    }

    @Test func aFlippedByteOfTheClaimsCostsNothing() throws {
        let log = try SmallLog()
        let bytes = try #require(log.claimed.bytes("/data/log/durable"))
        for position in bytes.indices {
            let disk = log.claimed.copy()
            var flipped = bytes
            flipped[position] ^= 1 << UInt8(position % 8)
            disk.setBytes("/data/log/durable", flipped)
            let (_, recovery, records) = try openLog(on: disk)
            #expect(records == log.records)
            #expect(recovery.tornTail == nil)
        }
    }

    @Test func withoutAnyClaimOnlyTheLastCommitCanPassForTorn() throws {
        let log = try SmallLog()
        for path in log.claimed.paths where path.hasSuffix(".vlog") {
            let bytes = try #require(log.claimed.bytes(path))
            for position in stride(from: 0, to: bytes.count, by: 7) {
                let disk = log.claimed.copy()
                var flipped = bytes
                flipped[position] ^= 0x10
                disk.setBytes(path, flipped)
                disk.setBytes("/data/log/durable", [])
                if path == log.lastSegment, position >= log.lastCommitStart {
                    let (_, recovery, records) = try openLog(on: disk)
                    #expect(records == Array(log.records[..<log.recordCountBeforeLast]))
                    #expect(recovery.tornTail != nil)
                } else {
                    expectDamage(on: disk, until: nil, "byte \(position) of \(path)")
                }
            }
        }
    }

    @Test func aMissingSegmentIsDamageThatNamesItsRecords() throws {
        let log = try SmallLog()
        let first = try #require(log.claimed.paths.first { $0.hasSuffix(".vlog") })
        let disk = log.claimed.copy()
        try disk.remove(first)
        let damage = try #require(expectDamage(on: disk, until: nil, "first segment"))
        #expect(damage.firstOffset == 0)
        let emptied = log.claimed.copy()
        try emptied.remove(first)
        try emptied.remove(log.lastSegment)
        expectDamage(on: emptied, until: log.records.count, "no segment at all")
    }

    @Test func aSegmentOfAnotherLogIsDamage() throws {
        let log = try SmallLog()
        var generator = SeededGenerator(seed: 4)
        let other = SimulatedDisk(seed: 99)
        let (writer, _, _) = try openLog(on: other, segmentLengthMax: 2560)
        _ = try write(commits: 5, to: writer, payloadLengthMax: 100, using: &generator)
        let disk = log.claimed.copy()
        disk.setBytes(log.lastSegment, try #require(other.bytes(log.lastSegment)))
        expectDamage(on: disk, until: nil, "same records, another log")
    }

    @Test func aRefusalSaysWhereAndWhatToDo() throws {
        let log = try SmallLog()
        let disk = log.claimed.copy()
        var bytes = log.lastSegmentBytes
        bytes[log.lastCommitStart + 200] ^= 1
        disk.setBytes(log.lastSegment, bytes)
        let damage = try #require(expectDamage(on: disk, until: log.records.count, "last"))
        let name = try #require(log.lastSegment.split(separator: "/").last)
        let last = log.records.count - 1
        #expect(
            LogError.damaged(damage).description
                == "the log is damaged: a commit whose checksum fails in \(name) at byte"
                + " \(log.lastCommitStart), records \(log.recordCountBeforeLast) to \(last);"
                + " nothing was changed: restore that file from a backup and start again")
    }

    @discardableResult
    private func expectDamage(
        on disk: SimulatedDisk, until end: Int?, _ comment: Comment
    ) -> LogDamage? {
        do {
            _ = try openLog(on: disk)
            Issue.record("opened: \(comment)")
        } catch LogError.damaged(let damage) {
            if let end, end > Int(damage.firstOffset) + 1 {
                #expect(damage.lastOffset == UInt64(end - 1), comment)
            }
            return damage
        } catch {
            Issue.record("\(comment): \(error)")
        }
        return nil
    }
}
