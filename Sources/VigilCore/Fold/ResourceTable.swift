// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// A patient's resources, in order of their first appearance.
///
/// Most patients have so few that looking through them costs less than a hash table.
struct ResourceTable: Sendable {
    struct Entry: Sendable {
        var key: Patient.ResourceKey
        var state: Patient.ResourceState
    }

    /// Beyond so many there is an index.
    private static let scannedMax = 32

    private(set) var entries: [Entry] = []
    /// Where each is in `entries`; empty while they are few.
    private var places: [Patient.ResourceKey: Int] = [:]

    init() {}

    /// What was kept, in its order.
    init(entries: [Entry]) {
        self.entries = entries
        indexIfMany()
    }

    subscript(key: Patient.ResourceKey) -> Patient.ResourceState? {
        get { place(of: key).map { entries[$0].state } }
        set {
            guard let newValue else { preconditionFailure("No resource is forgotten.") }
            put(newValue, of: key, at: place(of: key))
        }
    }

    /// Sets the state of a resource whose place has been looked up; nil where it had none.
    mutating func put(_ state: Patient.ResourceState, of key: Patient.ResourceKey, at place: Int?) {
        if let place {
            entries[place].state = state
            return
        }
        entries.append(Entry(key: key, state: state))
        if places.isEmpty {
            indexIfMany()
        } else {
            places[key] = entries.count - 1
        }
    }

    /// Where a resource is in `entries`; nil where there is none.
    func place(of key: Patient.ResourceKey) -> Int? {
        guard places.isEmpty else { return places[key] }
        // By index: an entry is wide, and is not copied to be looked at.
        for index in entries.indices
        where entries[index].key.id == key.id && entries[index].key == key {
            return index
        }
        return nil
    }

    private mutating func indexIfMany() {
        guard entries.count > Self.scannedMax else { return }
        places.reserveCapacity(2 * entries.count)
        for place in entries.indices { places[entries[place].key] = place }
    }
}
