// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Dispatch
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

    /// Compiles packs on all processors, for whoever asks for them next.
    ///
    /// - Parameters:
    ///   - sources: the packs; what is wrong with one is told to whoever asks for it.
    ///   - settings: what has values for their parameters.
    package static func prepare(_ sources: [PackSource], settings: FoldSettings) {
        DispatchQueue.concurrentPerform(iterations: sources.count) { number in
            let source = sources[number]
            _ = try? check(source, parameters: settings.parameters(of: source.id))
        }
    }

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
