// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import VigilClient

/// An outbox whose files are not as they were written.
final class OutboxTests {
    private let folder = FileManager.default.temporaryDirectory
        .appending(path: "vigil-outbox-\(UUID().uuidString)").path

    deinit {
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func opened() throws(OutboxError) -> Outbox {
        try Outbox(folder, bytesMax: Outbox.bytesMin)
    }

    private func filled(_ count: Int) throws -> SourceMark {
        let outbox = try opened()
        var mark = SourceMark(device: 1, inode: 2)
        for number in 0..<count {
            mark.advance(over: [UInt8(number)])
            outbox.append(.event, topic: Array("t".utf8), event: [UInt8(number)], mark: mark)
            #expect(try outbox.flush())
        }
        return mark
    }

    private func put(_ bytes: [UInt8], as name: String) throws {
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: folder).appending(path: name))
    }

    @Test(arguments: [
        "00000000000000000000.outbox", "18446744073709551615.outbox", "5.outbox", "+5.outbox",
        "x.outbox", ".outbox",
    ])
    func aFileThatIsNoneOfItsIsToldOf(name: String) throws {
        _ = try filled(2)
        try put([], as: name)
        let error = #expect(throws: OutboxError.self) { try self.opened() }
        #expect(error?.kind == .damaged)
    }

    @Test func aBeginningThatCannotBeNumberedOnIsDamage() throws {
        let header = OutboxFormat.Header(first: .max, mark: SourceMark())
        try put(
            OutboxFormat.encode(header), as: "18446744073709551615.outbox")
        let error = #expect(throws: OutboxError.self) { try self.opened() }
        #expect(error?.kind == .damaged)
    }

    @Test func aClaimBeyondAllNumbersIsNone() throws {
        var claim: [UInt8] = []
        OutboxFormat.append(UInt64.max, to: &claim)
        OutboxFormat.append(OutboxFormat.checksum(claim[...]), to: &claim)
        _ = try filled(2)
        try put(claim, as: "acknowledged")
        #expect(try opened().waitingCount == 2)
    }

    @Test func itIsFullAsLongAsWhatWasPutAsideIsThere() throws {
        let outbox = try opened()
        #expect(!outbox.isFull)
        try put([], as: "rejected.ndjson")
        let path = folder + "/rejected.ndjson"
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.truncate(atOffset: UInt64(Outbox.bytesMin))
        try file.close()
        #expect(outbox.isFull)
        #expect(outbox.asides.byteCount == Outbox.bytesMin)
        try FileManager.default.moveItem(atPath: path, toPath: folder + "/moved.ndjson")
        #expect(!outbox.isFull)
    }

    /// Without it a disk that the outbox has filled would keep what is refused, and all behind it.
    @Test func itKeepsRoomForWhatIsRefusedAndCountsIt() throws {
        let path = folder + "/reserve"
        _ = try filled(2)
        #expect(OutboxFile.length(of: path) == 6 << 20)
        try OutboxFile.remove(path)
        let outbox = try opened()
        #expect(OutboxFile.length(of: path) == 6 << 20)
        #expect(outbox.reserveByteCount == 6 << 20)
        #expect(outbox.waitingCount == 2)
        try put([], as: "rejected.ndjson")
        let left = Outbox.bytesMin - Outbox.batchBytesMax - outbox.byteCount
        let file = try #require(FileHandle(forWritingAtPath: folder + "/rejected.ndjson"))
        try file.truncate(atOffset: UInt64(left - outbox.reserveByteCount))
        #expect(!outbox.isFull)
        try file.truncate(atOffset: UInt64(left - outbox.reserveByteCount + 1))
        #expect(outbox.isFull)
        try file.close()
    }

    /// Of a file that was just begun only the length came to the disk, or nothing.
    @Test(arguments: [0, 10, OutboxFormat.headerLength])
    func whatWasJustBegunForgetsNoPlaceInTheSource(length: Int) throws {
        let mark = try filled(3)
        try put([UInt8](repeating: 0, count: length), as: "00000000000000000004.outbox")
        let outbox = try opened()
        #expect(outbox.waitingCount == 3)
        #expect(outbox.mark == mark)
        outbox.append(.event, topic: [], event: [9], mark: mark)
        #expect(try outbox.flush())
        for number in [0, 1, 2, 9] as [UInt8] {
            #expect(try outbox.next()?.event == [number])
        }
    }
}
