// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// A CodeableConcept as far as it is read.
struct Concept {
    /// The codings that carry a code.
    var codings: [Coding] = []
    /// What a person reads.
    var text: String?
    /// Whether that names an inhaled form or another; nil where it does neither.
    var isInhaled: Bool?
}

/// Keeps the concepts that were read lately.
typealias ConceptCache = ReadCache<Concept>

/// Keeps what was read lately of one kind, because prescribers choose from a formulary and
/// laboratories from a list: the same bytes come again and again.
///
/// It is found by all of its bytes and was kept only if nothing was wrong with it, so what is read
/// does not depend on what was read before.
final class ReadCache<Value> {
    private struct Entry {
        var hash: UInt64 = 0
        var bytes: [UInt8] = []
        var value: Value?
    }

    /// Each value has one place, which the newest takes; a place is picked by so many bits.
    private static var placeBits: UInt64 { 11 }

    /// In bytes as written: what a prescriber's system sends takes 100 to 400.
    private static var counts: ClosedRange<Int> { 16...1024 }

    private let places: UnsafeMutablePointer<Entry>

    init() {
        places = .allocate(capacity: 1 << ReadCache.placeBits)
        places.initialize(repeating: Entry(), count: 1 << ReadCache.placeBits)
    }

    deinit {
        places.deinitialize(count: 1 << ReadCache.placeBits)
        places.deallocate()
    }

    /// What is written in these bytes, if it is kept.
    func find(_ bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) -> Value? {
        let place = place(of: hash)
        guard place.pointee.hash == hash, place.pointee.bytes.count == bytes.count,
            ReadCache.counts.contains(bytes.count), let start = bytes.baseAddress,
            place.pointee.bytes.withUnsafeBytes({ JSONBytes.areEqual($0, start) })
        else { return nil }
        return place.pointee.value
    }

    /// Keeps a value that nothing is wrong with.
    func keep(_ value: Value, for bytes: UnsafeBufferPointer<UInt8>, hash: UInt64) {
        guard ReadCache.counts.contains(bytes.count) else { return }
        place(of: hash).pointee = Entry(hash: hash, bytes: Array(bytes), value: value)
    }

    /// The hash of a value's bytes; 0 for such as are not kept.
    func hash(of bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard ReadCache.counts.contains(bytes.count), let start = bytes.baseAddress else {
            return 0
        }
        let (low, high) = JSONBytes.hash(start, bytes.count)
        return low ^ (high << 29 | high >> 35)
    }

    private func place(of hash: UInt64) -> UnsafeMutablePointer<Entry> {
        let mixed = hash &* 0x9E37_79B9_7F4A_7C15
        return places + Int(truncatingIfNeeded: mixed >> (64 - ReadCache.placeBits))
    }
}
