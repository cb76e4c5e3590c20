// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import VigilLog

/// A small generator with a seed: a failing test names the seed and nothing else.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}

/// What goes wrong on a simulated disk, and when.
enum DiskFault {
    /// After so many changes the power is gone: that one may be half done, all later ones fail.
    case powerLoss(after: Int)
    /// One sync fails: its writes stay visible and are never written back.
    case failedSync(after: Int)
    /// The device takes so many bytes more.
    case full(after: Int)
}

/// Files in memory, of which only what was synced surely outlives a loss of power.
///
/// Each file has what programs see and what the device holds; sectors that differ are dirty until
/// a sync. Names are durable once their directory was synced.
final class SimulatedDisk: Disk, Sendable {
    struct Node {
        var visible: [UInt8] = []
        var stable: [UInt8] = []
        var dirty: Set<Int> = []
    }

    struct State {
        var nodes: [Int: Node] = [:]
        var names: [String: Int] = [:]
        var stableNames: [String: Int] = [:]
        var generator: SeededGenerator
        var fault: DiskFault?
        var isDown = false
        var changeCount = 0
        var writtenCount = 0
        /// Little enough that nothing is filled ahead, where a test does not say otherwise.
        var freeByteCount: UInt64 = 0
        var refusesNewFiles = false
    }

    static let sector = 512
    let state: Mutex<State>

    init(seed: UInt64) {
        state = Mutex(State(generator: SeededGenerator(seed: seed)))
    }

    private init(_ state: consuming sending State) {
        self.state = Mutex(state)
    }

    func setFault(_ fault: DiskFault?) {
        state.withLock { state in
            state.fault = fault
            state.changeCount = 0
            state.writtenCount = 0
        }
    }

    /// Whether no file can be made any more, as where a device has no room for its name.
    func refuseNewFiles(_ refuses: Bool) { state.withLock { $0.refusesNewFiles = refuses } }

    func setFreeByteCount(_ count: UInt64) { state.withLock { $0.freeByteCount = count } }

    /// The disk as the next process finds it after the last one was killed.
    func afterKill() -> SimulatedDisk {
        SimulatedDisk(
            state.withLock { state in
                var next = state
                next.isDown = false
                next.fault = nil
                return next
            })
    }

    /// The disk after a loss of power: of each dirty sector, size and name either side survives.
    func afterPowerLoss() -> SimulatedDisk {
        SimulatedDisk(
            state.withLock { state in
                var next = state
                next.isDown = false
                next.fault = nil
                for path in Set(next.names.keys).union(next.stableNames.keys).sorted() {
                    guard next.names[path] != next.stableNames[path],
                        Bool.random(using: &next.generator)
                    else { continue }
                    next.stableNames[path] = next.names[path]
                }
                next.names = next.stableNames
                for number in next.nodes.keys.sorted() {
                    guard var node = next.nodes[number] else { continue }
                    for sector in node.dirty.sorted() where Bool.random(using: &next.generator) {
                        node.writeBack(sector)
                    }
                    if node.visible.count < node.stable.count,
                        Bool.random(using: &next.generator)
                    {
                        node.stable.removeLast(node.stable.count - node.visible.count)
                    }
                    node.visible = node.stable
                    node.dirty = []
                    next.nodes[number] = node
                }
                return next
            })
    }

    /// A file's bytes as programs see them, nil where there is none.
    func bytes(_ path: String) -> [UInt8]? {
        state.withLock { state in state.names[path].flatMap { state.nodes[$0]?.visible } }
    }

    /// Puts a file's bytes, durable at once.
    func setBytes(_ path: String, _ bytes: [UInt8]) {
        state.withLock { state in
            let number = state.names[path] ?? state.nodes.count
            state.nodes[number] = Node(visible: bytes, stable: bytes)
            state.names[path] = number
            state.stableNames[path] = number
        }
    }

    /// All paths, sorted.
    var paths: [String] { state.withLock { $0.names.keys.sorted() } }

    /// A copy that shares nothing.
    func copy() -> SimulatedDisk { afterKill() }
}

extension SimulatedDisk.Node {
    /// Brings one sector to the device.
    mutating func writeBack(_ sector: Int) {
        let start = sector * SimulatedDisk.sector
        let end = min(start + SimulatedDisk.sector, visible.count)
        guard start < end else { return }
        if stable.count < end {
            stable.append(contentsOf: [UInt8](repeating: 0, count: end - stable.count))
        }
        stable.replaceSubrange(start..<end, with: visible[start..<end])
    }
}

extension SimulatedDisk {
    func open(_ path: String, for access: DiskAccess) throws(LogError) -> any DiskFile {
        let isRefused = state.withLock { state in
            access == .create && state.refusesNewFiles && state.names[path] == nil
        }
        if isRefused { throw .noSpace(path: path) }
        let number = try change("open", path, counts: false) { state -> Int? in
            if let known = state.names[path] { return known }
            guard access == .create else { return nil }
            let number = state.nodes.count
            state.nodes[number] = Node()
            state.names[path] = number
            return number
        }
        guard let number else { throw .system(call: "open", path: path, code: 2) }
        return SimulatedFile(disk: self, number: number, path: path)
    }

    func lock(_ path: String) throws(LogError) -> any DiskFile { try open(path, for: .create) }

    func list(_ directory: String) throws(LogError) -> [String] {
        try change("list", directory, counts: false) { state in
            let prefix = directory + "/"
            return Set(
                state.names.keys.filter { $0.hasPrefix(prefix) }
                    .compactMap { $0.dropFirst(prefix.count).split(separator: "/").first }
            ).map(String.init).sorted()
        }
    }

    func makeDirectory(_ path: String) throws(LogError) {}

    func synchroniseDirectory(_ path: String) throws(LogError) {
        try change("fsync", path) { state in
            for name in Set(state.names.keys).union(state.stableNames.keys)
            where name.hasPrefix(path + "/") {
                state.stableNames[name] = state.names[name]
            }
        }
    }

    func rename(_ path: String, to other: String) throws(LogError) {
        try change("rename", path) { $0.names[other] = $0.names.removeValue(forKey: path) }
    }

    func remove(_ path: String) throws(LogError) {
        try change("unlink", path) { _ = $0.names.removeValue(forKey: path) }
    }

    func freeBytes(at path: String) throws(LogError) -> UInt64 {
        state.withLock { $0.freeByteCount }
    }

    func randomWords(_ count: Int) -> [UInt64] {
        state.withLock { state in (0..<count).map { _ in state.generator.next() } }
    }

    func clockMilliseconds() -> Int64 { Int64(state.withLock { $0.changeCount }) }

    /// Does something, or fails where the power is gone or goes now.
    func change<Result: Sendable>(
        _ call: String, _ path: String, counts: Bool = true,
        _ body: (inout State) -> Result
    ) throws(LogError) -> Result {
        let result: Result? = state.withLock { state in
            guard !state.isDown else { return nil }
            if counts {
                state.changeCount += 1
                if case .powerLoss(let after) = state.fault, state.changeCount > after {
                    state.isDown = true
                    // The change under way is done to the page cache at most.
                    if call == "pwrite" { _ = body(&state) }
                    return nil
                }
            }
            return body(&state)
        }
        guard let result else { throw .system(call: call, path: path, code: 5) }
        return result
    }
}

final class SimulatedFile: DiskFile {
    let disk: SimulatedDisk
    let number: Int
    let path: String

    init(disk: SimulatedDisk, number: Int, path: String) {
        self.disk = disk
        self.number = number
        self.path = path
    }

    func read(_ count: Int, at position: UInt64) throws(LogError) -> [UInt8] {
        try disk.change("pread", path, counts: false) { state in
            guard let bytes = state.nodes[self.number]?.visible, position < bytes.count else {
                return []
            }
            let start = Int(position)
            return Array(bytes[start..<start + min(count, bytes.count - start)])
        }
    }

    func write(_ bytes: [UInt8], at position: UInt64) throws(LogError) {
        let isFull = try disk.change("pwrite", path) { state -> Bool in
            var bytes = bytes[...]
            state.writtenCount += bytes.count
            var isFull = false
            if case .full(let limit) = state.fault, state.writtenCount > limit {
                bytes = bytes.dropLast(state.writtenCount - limit)
                isFull = true
            }
            // Killed in the middle, a write has done a first part of itself.
            if state.isDown {
                bytes = bytes.prefix(Int.random(in: 0...bytes.count, using: &state.generator))
            }
            guard !bytes.isEmpty else { return isFull }
            let start = Int(position)
            state.nodes[self.number]?.write(bytes, at: start)
            return isFull
        }
        if isFull { throw .noSpace(path: path) }
    }

    func synchronise() throws(LogError) {
        let isDone = try disk.change("fdatasync", path) { state -> Bool in
            guard var node = state.nodes[self.number] else { return false }
            var isDone = true
            if case .failedSync(let after) = state.fault, state.changeCount > after {
                state.fault = nil
                isDone = false
            } else {
                for sector in node.dirty { node.writeBack(sector) }
                if node.stable.count > node.visible.count {
                    node.stable.removeLast(node.stable.count - node.visible.count)
                }
            }
            node.dirty = []
            state.nodes[self.number] = node
            return isDone
        }
        guard isDone else { throw .system(call: "fdatasync", path: path, code: 5) }
    }

    func resize(to count: UInt64) throws(LogError) {
        try disk.change("ftruncate", path) { state in
            guard var node = state.nodes[self.number] else { return }
            let count = Int(count)
            if node.visible.count > count {
                node.visible.removeLast(node.visible.count - count)
                node.dirty = node.dirty.filter { $0 * SimulatedDisk.sector < count }
            } else {
                node.write(
                    .init(repeating: 0, count: count - node.visible.count), at: node.visible.count)
            }
            state.nodes[self.number] = node
        }
    }

    func size() throws(LogError) -> UInt64 {
        try disk.change("fstat", path, counts: false) {
            UInt64($0.nodes[self.number]?.visible.count ?? 0)
        }
    }

    func isAtItsPath() throws(LogError) -> Bool {
        try disk.change("stat", path, counts: false) { $0.names[self.path] == self.number }
    }
}

extension SimulatedDisk.Node {
    mutating func write(_ bytes: ArraySlice<UInt8>, at start: Int) {
        guard !bytes.isEmpty else { return }
        let end = start + bytes.count
        if visible.count < end {
            visible.append(contentsOf: [UInt8](repeating: 0, count: end - visible.count))
        }
        visible.replaceSubrange(start..<end, with: bytes)
        for sector in start / SimulatedDisk.sector...(end - 1) / SimulatedDisk.sector {
            dirty.insert(sector)
        }
    }
}
