// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization
package import VigilCore
package import VigilPacks

/// The packs that this process has compiled: a start asks for the same ones for its warnings, for
/// the snapshot and for what the log has in force.
package enum CompiledPacks {
    private struct Key: Hashable {
        var hash: String
        var parameters: [String: String]
    }

    /// So many at most are kept.
    private static let countMax = 64
    private static let known = Mutex<[Key: (pack: CompiledPack, warnings: [PackWarning])]>([:])

    /// Compiles a pack, unless it has been, and tells what is odd about it.
    ///
    /// - Parameters:
    ///   - source: the pack.
    ///   - parameters: values for parameters of its library, in place of the defaults.
    /// - Returns: the pack as it runs, and what is odd.
    /// - Throws: where the pack does not compile with them.
    package static func check(
        _ source: PackSource, parameters: [String: String] = [:]
    ) throws(PackError) -> (pack: CompiledPack, warnings: [PackWarning]) {
        let key = Key(hash: source.hash, parameters: parameters)
        if let checked = known.withLock({ $0[key] }) { return checked }
        let checked = try source.check(parameters: parameters)
        known.withLock { known in
            if known.count == countMax { known.removeAll() }
            known[key] = checked
        }
        return checked
    }
}
