// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
package import VigilCore

extension ZoneTable {
    /// The zone's transitions from 1900 to 2100 as this machine knows them, for a log's genesis.
    ///
    /// - Returns: nil where the machine knows no zone of that name.
    package static func ofThisMachine(named name: String) -> ZoneTable? {
        guard let zone = TimeZone(identifier: name) else { return nil }
        var moment = Date(timeIntervalSince1970: seconds(ofYear: 1900))
        let end = Date(timeIntervalSince1970: seconds(ofYear: 2100))
        let initial = zone.secondsFromGMT(for: moment)
        var transitions: [Transition] = []
        while let next = zone.nextDaylightSavingTimeTransition(after: moment), next < end {
            transitions.append(
                Transition(
                    unixSeconds: Int64(next.timeIntervalSince1970.rounded()),
                    offsetSeconds: zone.secondsFromGMT(for: next)))
            moment = next
        }
        return ZoneTable(name: name, initialOffsetSeconds: initial, transitions: transitions)
    }

    private static func seconds(ofYear year: Int) -> Double {
        Double(CivilDay(year: year, month: 1, day: 1)?.number ?? 0) * 86_400
    }
}
