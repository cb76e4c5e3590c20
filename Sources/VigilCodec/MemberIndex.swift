// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where the members of one object are, for an object that is asked for many of them.
struct MemberIndex {
    fileprivate let object: JSONValue
    fileprivate let places: [MemberTable.Place]
    fileprivate let round: UInt32
    /// The members whose name an earlier one has, in order.
    fileprivate let repeated: [JSONValue]

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
    private var places = [Place](repeating: Place(), count: Int(UInt8.max) + 1)
    private var round: UInt32 = 0

    /// The members of an object, none where it is no object; best when the index before is gone.
    func layOut(_ object: JSONValue) -> MemberIndex {
        round &+= 1
        if round == 0 {
            // The places of the first rounds would look new.
            places = [Place](repeating: Place(), count: places.count)
            round = 1
        }
        let repeated = MemberTable.fill(&places, with: object, round: round)
        return MemberIndex(object: object, places: places, round: round, repeated: repeated)
    }

    /// Returns the members whose name an earlier one has, in order.
    private static func fill(
        _ places: inout [Place], with object: JSONValue, round: UInt32
    ) -> [JSONValue] {
        var repeated: [JSONValue] = []
        guard object.kind == .object else { return repeated }
        for member in object.children {
            let number = Int(member.nameNumber)
            guard number > 0 else { continue }
            if places[number].round == round {
                repeated.append(member)
            } else {
                places[number] = Place(
                    round: round, index: UInt32(truncatingIfNeeded: member.index))
            }
        }
        return repeated
    }
}
