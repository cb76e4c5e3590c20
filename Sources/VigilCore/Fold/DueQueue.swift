// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// When which patient must be looked at again: one instant a patient, earliest first, patients of
/// one instant in order of their first appearance in the log.
struct DueQueue {
    struct Entry {
        var instant: Instant
        var patient: Int

        static func precedes(_ left: Entry, _ right: Entry) -> Bool {
            (left.instant, left.patient) < (right.instant, right.patient)
        }
    }

    /// A binary heap in which entries that are no longer a patient's instant are skipped lazily.
    private(set) var heap: [Entry] = []
    private var current: [Instant] = []

    /// An empty queue.
    init() {}

    /// The queue in which every patient has the instant at its place.
    init(instants: [Instant]) {
        current = instants
        removeStale()
    }

    /// Sets a patient's instant; `never` takes the patient out.
    mutating func set(_ instant: Instant, patient: Int) {
        while current.count <= patient { current.append(.never) }
        guard current[patient] != instant else { return }
        if heap.count > 2 * current.count + 64 { removeStale() }
        current[patient] = instant
        guard instant != .never else { return }
        heap.append(Entry(instant: instant, patient: patient))
        siftUp(heap.count - 1)
    }

    /// The earliest patient due at or before a limit.
    mutating func next(through limit: Instant) -> (instant: Instant, patient: Int)? {
        while let first = heap.first {
            guard current[first.patient] == first.instant else {
                removeFirst()
                continue
            }
            return first.instant <= limit ? (first.instant, first.patient) : nil
        }
        return nil
    }

    /// Drops the entries that are no patient's instant, so that their number stays bounded.
    private mutating func removeStale() {
        heap = current.indices.compactMap { patient in
            current[patient] == .never ? nil : Entry(instant: current[patient], patient: patient)
        }
        // From the last parent on: in all as many steps as there are entries (Floyd, 1964).
        for parent in (0..<heap.count / 2).reversed() { siftDown(parent) }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard Entry.precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Entry.precedes(heap[child], heap[least]) { least = child }
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
