// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc

@testable internal import VigilClient

extension FuzzTarget {
    /// What `vigil forward` does with its outbox, a byte each: events come, are made durable, sent
    /// and acknowledged; the process is killed, in the middle of a write too; bytes on the disk
    /// change.
    static let outbox = FuzzTarget(
        "outbox",
        [
            [0, 1, 16, 32, 32, 48, 64, 0, 2, 16, 65, 32, 48, 80, 32],
            [15, 15, 16, 15, 15, 16, 15, 16, 15, 16, 32, 32, 49, 64, 32, 48, 48],
            [0, 16, 0, 16, 97, 7, 32, 0, 16, 113, 3, 32, 32],
        ]
    ) { input in
        let run = OutboxRun()
        run.perform(input)
    }

    /// A file of an outbox, its checksums put right.
    static let segment = FuzzTarget("segment", [sampleSegment]) { input in
        takeSegment(input)
    }

    private static var sampleSegment: [UInt8] {
        var mark = SourceMark(device: 1, inode: 2)
        var bytes = OutboxFormat.encode(OutboxFormat.Header(first: 5, mark: mark))
        for sequence in UInt64(5)..<8 {
            mark.advance(over: [1, 2, 3])
            bytes += OutboxFormat.encode(
                OutboxItem(
                    kind: sequence == 6 ? .unreadable : .event, sequence: sequence,
                    topic: Array("patient.A1".utf8), event: Array("{}".utf8)),
                mark: mark, batch: sequence == 7 ? 7 : 5)
        }
        return bytes
    }
}

/// A directory in memory.
private let folder = "/dev/shm/vigil-fuzz-\(getpid())"

private func removeFolder() {
    if let names = try? OutboxFile.names(in: folder) {
        for name in names where name != "." && name != ".." { unlink(folder + "/" + name) }
    }
    rmdir(folder)
}

private func patch(_ bytes: inout [UInt8], at position: Int, _ value: UInt32) {
    for index in 0..<4 { bytes[position + index] = UInt8(truncatingIfNeeded: value >> (8 * index)) }
}

/// What decodes is the one encoding of what it says; and an outbox of that file gives all its
/// events, in order, or says that it is damaged.
private func takeSegment(_ input: [UInt8]) {
    var bytes = input
    guard bytes.count >= OutboxFormat.headerLength else { return }
    let end = OutboxFormat.headerLength - 4
    patch(&bytes, at: end, OutboxFormat.checksum(bytes[..<end]))
    var position = OutboxFormat.headerLength
    var frames: [OutboxFormat.Frame] = []
    while let length = OutboxFormat.claimedLength(bytes, at: position),
        position + length <= bytes.count
    {
        patch(
            &bytes, at: position,
            OutboxFormat.checksum(bytes[(position + 4)..<(position + length)]))
        guard let frame = OutboxFormat.frame(bytes, at: position) else { break }
        var again = OutboxFormat.encode(frame.item, mark: frame.mark, batch: frame.batch)
        // A byte that is kept for later.
        again[51] = bytes[position + 51]
        patch(&again, at: 0, OutboxFormat.checksum(again[4...]))
        precondition(again == Array(bytes[position..<(position + length)]))
        frames.append(frame)
        position += length
    }
    guard let header = OutboxFormat.header(bytes) else { return }
    var next = header.first
    let sound = frames.prefix { frame in
        defer { next &+= 1 }
        return frame.item.sequence == next
    }
    removeFolder()
    mkdir(folder, 0o700)
    let digits = String(header.first)
    let name = String(repeating: "0", count: 20 - digits.count) + digits + ".outbox"
    if let file = fopen(folder + "/" + name, "w") {
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
    do throws(OutboxError) {
        let outbox = try Outbox(folder, bytesMax: Outbox.bytesMin)
        precondition(outbox.waitingCount == sound.count)
        precondition(outbox.mark == sound.last?.mark ?? header.mark)
        for frame in sound {
            let item = try outbox.next()
            precondition(item == frame.item)
        }
        let more = try outbox.next()
        precondition(more == nil)
    } catch {
        precondition(error.kind == .damaged, error.description)
    }
}

/// An outbox, and what must be in it.
private final class OutboxRun {
    private struct Kept {
        var item: OutboxItem
        var mark: SourceMark
        var batch: Int
    }

    /// A fault in the newest file has the rest of it searched, which is slow under the fuzzer.
    private static let searchedMax = 16 << 10

    private var outbox: Outbox?
    /// All that was ever made durable, and is not known to be lost with its place in the source.
    private var kept: [Kept] = []
    private var added: [Kept] = []
    private var batch = 0
    /// How many of `kept` were given since the start, and how many are acknowledged.
    private var given = 0
    private var acknowledged = 0
    private var mark = SourceMark(device: 1, inode: 1)
    /// How long the newest file was before the last flush.
    private var length = 0
    private var isOver = false

    init() {
        removeFolder()
        open()
    }

    func perform(_ input: [UInt8]) {
        var bytes = input[...]
        while !isOver, let byte = bytes.popFirst() {
            do throws(OutboxError) {
                try step(byte >> 4, Int(byte & 15), &bytes)
            } catch {
                preconditionFailure(error.description)
            }
        }
        outbox = nil
    }

    private func step(
        _ action: UInt8, _ number: Int, _ rest: inout ArraySlice<UInt8>
    ) throws(OutboxError) {
        switch action {
        case 0: append(number)
        case 1: try flush()
        case 2: try send()
        case 3:
            acknowledged = min(given, acknowledged + 1 + number)
            try outbox?.acknowledge(through: UInt64(acknowledged))
            precondition(outbox?.acknowledgedThrough == UInt64(acknowledged))
        case 4: open()
        case 5: try putAside()
        case 6: tear(Int(rest.popFirst() ?? 0))
        default: try damage(number, Int(rest.popFirst() ?? 0), Int(rest.popFirst() ?? 0))
        }
    }

    private func send() throws(OutboxError) {
        let item = try outbox?.next()
        precondition(item == (given < kept.count ? kept[given].item : nil), "the next event")
        if item != nil { given += 1 }
    }

    private func putAside() throws(OutboxError) {
        guard given > 0, kept[given - 1].item.event.count < 16 else { return }
        let isKept = try outbox?.putAside(
            kept[given - 1].item, code: "not-fhir", message: "m", pointer: "")
        precondition(isKept == true)
    }

    private func append(_ number: Int) {
        // The longest fill a file after a few, the next is longer than what is read at once.
        let count = number == 15 ? 400 << 10 : number == 14 ? 70 << 10 : number
        guard added.reduce(count, { $0 + $1.item.event.count }) < Outbox.batchBytesMax else {
            return
        }
        let sequence = UInt64(kept.count + added.count + 1)
        let item = OutboxItem(
            kind: number == 7 ? .unreadable : .event, sequence: sequence,
            topic: Array("t\(number)".utf8),
            event: [UInt8](repeating: UInt8(truncatingIfNeeded: sequence), count: count))
        mark.advance(over: item.event[...])
        added.append(Kept(item: item, mark: mark, batch: batch))
        outbox?.append(item.kind, topic: item.topic, event: item.event, mark: mark)
    }

    private func flush() throws(OutboxError) {
        guard let outbox, !outbox.isFull else { return }
        length = newest.map { fileLength($0) } ?? 0
        let names = files.count
        let isKept = try outbox.flush()
        precondition(isKept)
        if files.count > names { length = 0 }
        if !added.isEmpty { batch += 1 }
        kept += added
        added = []
        precondition(outbox.mark == kept.last?.mark ?? SourceMark())
    }

    /// Ends and starts again: what was durable is there.
    private func open() {
        outbox = nil
        do throws(OutboxError) {
            let opened = try Outbox(folder, bytesMax: Outbox.bytesMin)
            begin(with: opened)
        } catch {
            preconditionFailure(error.description)
        }
    }

    private func begin(with opened: Outbox) {
        outbox = opened
        added = []
        mark = kept.last?.mark ?? SourceMark(device: 1, inode: 1)
        precondition(opened.acknowledgedThrough == UInt64(acknowledged))
        precondition(opened.waitingCount == kept.count - acknowledged)
        given = acknowledged
    }

    /// Ends in the middle of the last write.
    ///
    /// So many 255ths of its beginning are there, and after these nothing or zeros. The head of a
    /// file is durable before anything follows it.
    private func tear(_ part: Int) {
        guard let path = newest, let last = kept.last, last.batch == batch - 1,
            acknowledged == 0 || kept[acknowledged - 1].batch != last.batch
        else { return }
        outbox = nil
        let end = fileLength(path)
        let cut = length + min(end - length, OutboxRun.searchedMax) * part / 255
        truncate(path, off_t(cut))
        let head = OutboxFormat.headerLength
        let zeros = cut < head ? head : min(end, cut + OutboxRun.searchedMax)
        if part % 2 == 1 { truncate(path, off_t(zeros)) }
        reopen(mayLose: last.batch)
    }

    /// A byte of a file changes while nobody looks.
    private func damage(_ which: Int, _ high: Int, _ low: Int) throws(OutboxError) {
        let names = (try? OutboxFile.names(in: folder).filter { !$0.hasPrefix(".") }) ?? []
        let path = folder + "/" + names[which % names.count]
        let count = fileLength(path)
        guard count > 0, let last = kept.last,
            path != newest || count <= OutboxRun.searchedMax
        else { return }
        outbox = nil
        let position = (high << 8 | low) * count / 65_536
        guard let file = fopen(path, "r+") else { return }
        fseek(file, position, SEEK_SET)
        let byte = fgetc(file)
        fseek(file, position, SEEK_SET)
        fputc(byte ^ (1 << (low & 7)), file)
        fclose(file)
        isOver = true
        // The last write cannot be told from one that was broken off.
        reopen(mayLose: last.batch)
    }

    /// Starts again after something was lost.
    ///
    /// Of the last batch a part may be gone, and the mark goes back with it. Whatever else is
    /// missing is told.
    private func reopen(mayLose lost: Int) {
        do throws(OutboxError) {
            try readAll(mayLose: lost)
            if !isOver { open() }
        } catch {
            precondition(isOver && error.kind == .damaged, error.description)
        }
    }

    private func readAll(mayLose lost: Int) throws(OutboxError) {
        let opened = try Outbox(folder, bytesMax: Outbox.bytesMin)
        let through = Int(opened.acknowledgedThrough)
        precondition(through <= acknowledged, "nothing counts as acknowledged that is not")
        acknowledged = through
        let left = through + opened.waitingCount
        precondition(left <= kept.count)
        precondition(kept[left...].allSatisfy { $0.batch == lost }, "an event is lost")
        kept.removeSubrange(left...)
        precondition(
            opened.mark == kept.last?.mark ?? opened.mark, "the source begins behind them")
        for entry in kept[through...] {
            let item = try opened.next()
            precondition(item == entry.item, "another event than was kept")
        }
    }

    private var files: [String] {
        (try? OutboxFile.names(in: folder).filter { $0.hasSuffix(".outbox") }) ?? []
    }

    private var newest: String? { files.last.map { folder + "/" + $0 } }

    private func fileLength(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
