// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

/// Where tiles are, relative to the log's prefix (C2SP tlog-tiles).
enum TilePath {
    /// Hashes in a full tile, entries in a full bundle.
    static let width = 256

    /// The path of a tile of hashes; `width` is that of a partial one, nil for a full one.
    static func tile(level: Int, index: UInt64, width: Int?) -> String {
        "tile/\(level)/" + number(index) + suffix(width)
    }

    /// The path of a bundle of entries.
    static func entries(index: UInt64, width: Int?) -> String {
        "tile/entries/" + number(index) + suffix(width)
    }

    /// Groups of three digits, all but the last behind an `x`: 1234067 is `x001/x234/067`.
    private static func number(_ index: UInt64) -> String {
        func group(_ value: UInt64) -> String {
            let digits = String(value % 1000)
            return String(repeating: "0", count: 3 - digits.count) + digits
        }
        var path = group(index)
        var rest = index / 1000
        while rest > 0 {
            path = "x\(group(rest))/" + path
            rest /= 1000
        }
        return path
    }

    private static func suffix(_ width: Int?) -> String {
        width.map { ".p/\($0)" } ?? ""
    }
}
