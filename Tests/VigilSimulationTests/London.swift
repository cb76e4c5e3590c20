// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import VigilCore

/// Greenwich time, an hour ahead from the last Sunday of March to that of October, at 01:00 UTC
/// (Directive 2000/84/EC and The Summer Time Order 2002).
let london = ZoneTable(
    name: "Europe/London", initialOffsetSeconds: 0,
    transitions: (2000...2040).flatMap { year in
        [(3, 3600), (10, 0)].compactMap { month, offset in
            CivilDay(year: year, month: month, day: 31).map { last in
                // 1970-01-01 was a Thursday.
                let sunday = last.number - (last.number + 4) % 7
                return ZoneTable.Transition(
                    unixSeconds: Int64(sunday) * 86_400 + 3600, offsetSeconds: offset)
            }
        }
    })

/// A day that the tests name.
func day(_ year: Int, _ month: Int, _ day: Int) -> CivilDay {
    CivilDay(year: year, month: month, day: day) ?? .first
}
