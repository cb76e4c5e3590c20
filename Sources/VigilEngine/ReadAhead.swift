// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilLog

/// Some messages of one socket, in order, and what they say once somebody has read them.
final class Batch: @unchecked Sendable {
    /// A message that was read, or frames that are no message.
    enum Item {
        case message(ReadMessage, Sender)
        case other([[UInt8]], Sender)
    }

    private let arrivals: ArraySlice<Arrival>
    /// Written by the one who reads the batch, before it is said to be read.
    private var items: [Item] = []

    init(_ arrivals: ArraySlice<Arrival>) {
        self.arrivals = arrivals
    }

    fileprivate func read(by reader: MessageReader) {
        items.reserveCapacity(arrivals.count)
        for arrival in arrivals {
            switch arrival.frames {
            case .pair(let topic, let event):
                items.append(.message(reader.read(topic: topic, event: event), arrival.sender))
            case .other(let frames): items.append(.other(frames, arrival.sender))
            }
        }
    }

    /// Hands out what was read.
    func takeItems() -> [Item] {
        defer { items = [] }
        return items
    }
}

/// Reads batches on a thread of its own while the engine decides about those before them.
///
/// Reading here takes nothing from what the engine knows, so that what is read does not depend on
/// who reads it or when; the engine gets the batches in the order in which it gave them, and reads
/// some itself rather than wait. Whose source has a zone in the settings, the intake reads again.
final class ReadAhead {
    private struct State {
        /// Not begun, in order.
        var waiting: ArraySlice<Batch> = []
        /// What the thread is at.
        var reading: Batch?
        var isStopping = false
    }

    private let state = Monitor(State())
    private let thread: OwnThread
    private let reader: MessageReader
    /// All that was given and not taken, in order.
    private var given: ArraySlice<Batch> = []

    /// Starts the thread.
    ///
    /// - Throws: `LogError` where the machine has no thread to give.
    init(eventBytesMax: Int) throws(LogError) {
        reader = MessageReader(eventBytesMax: eventBytesMax)
        let state = state
        thread = try OwnThread(name: "vigil-read") {
            let reader = MessageReader(eventBytesMax: eventBytesMax)
            while let batch = Self.nextBatch(state) {
                batch.read(by: reader)
                state.change { $0.reading = nil }
            }
        }
    }

    deinit {
        state.change { $0.isStopping = true }
        thread.join()
    }

    /// Gives a batch to be read.
    func append(_ batch: Batch) {
        given.append(batch)
        state.change { $0.waiting.append(batch) }
    }

    /// The next batch, when it has been read; nil where none was given.
    func next() -> Batch? {
        guard let next = given.popFirst() else { return nil }
        while let batch = oneToRead(before: next) {
            batch.read(by: reader)
            if batch === next { break }
        }
        return next
    }

    /// A batch for the engine to read while the one that it wants is not there; nil once it is.
    private func oneToRead(before wanted: Batch) -> Batch? {
        state.wait { state -> Batch?? in
            if state.reading !== wanted, state.waiting.first !== wanted { return .some(nil) }
            if let batch = state.waiting.popFirst() { return .some(batch) }
            return .none
        }
    }

    /// Waits for the next batch; nil once there is to be none.
    private static func nextBatch(_ state: Monitor<State>) -> Batch? {
        state.wait { state -> Batch?? in
            if state.isStopping { return .some(nil) }
            guard let batch = state.waiting.popFirst() else { return .none }
            state.reading = batch
            return .some(batch)
        }
    }
}
