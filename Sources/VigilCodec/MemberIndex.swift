// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where the members of one object are, for an object that is asked for many of them.
struct MemberIndex {
    fileprivate let object: JSONValue
    fileprivate let places: UnsafeMutableBufferPointer<MemberTable.Place>
    fileprivate let round: UInt32
    /// The members whose name an earlier one has, in order.
    fileprivate var repeated: [JSONValue] = []

    /// The first two members that have a name.
    @inline(__always)
    func find(_ name: MemberName) -> (first: JSONValue?, second: JSONValue?) {
        let place = places[Int(name.number)]
        guard place.round == round else { return (nil, nil) }
        let second = repeated.isEmpty ? nil : repeated.first { $0.isNamed(name) }
        return (object.sibling(at: Int(place.index)), second)
    }
}

/// Room for the index of one object after another.
final class MemberTable {
    fileprivate struct Place {
        /// Which object it was filled in for.
        var round: UInt32 = 0
        var index: UInt32 = 0
    }

    /// By the parser's number of the name.
    private let places: UnsafeMutableBufferPointer<Place>
    private var round: UInt32 = 0

    init() {
        places = .allocate(capacity: Int(UInt8.max) + 1)
        places.initialize(repeating: Place())
    }

    deinit {
        places.deallocate()
    }

    /// The members of an object, none where it is no object; the index before is void.
    func layOut(_ object: JSONValue) -> MemberIndex {
        round &+= 1
        if round == 0 {
            // The places of the first rounds would look new.
            places.update(repeating: Place())
            round = 1
        }
        let round = round
        var index = MemberIndex(object: object, places: places, round: round)
        guard object.kind == .object else { return index }
        for member in object.children {
            let number = Int(member.nameNumber)
            guard number > 0 else { continue }
            if places[number].round == round {
                index.repeated.append(member)
            } else {
                places[number] = Place(
                    round: round, index: UInt32(truncatingIfNeeded: member.index))
            }
        }
        return index
    }
}
