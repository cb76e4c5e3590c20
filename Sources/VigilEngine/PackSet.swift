// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCodec
package import VigilCore
package import VigilPacks

/// A change of the packs in force, as a `system.pack` record carries it.
package enum PackChange: Sendable {
    /// The pack whole, and as it runs; it takes the place of one with the same id.
    case activate(PackSource, CompiledPack)
    case deactivate(id: String)

    /// Compiles a pack to be put in force.
    ///
    /// - Throws: where the pack does not compile.
    package init(activating source: PackSource) throws(PackError) {
        self = .activate(source, try source.compile())
    }

    /// Reads the change that a record carries.
    ///
    /// - Throws: where the record is not one, or its pack does not compile.
    package init(record payload: [UInt8]) throws(PackError) {
        let document = JSONDocument()
        var activation: [UInt8]?
        var deactivated: String?
        _ = try? document.withRoot(of: payload) { root in
            let data = root.member("data").first
            activation = data?.member("pack").first?.compactText
            deactivated = data?.member("deactivated").first?.text
        }
        if let activation {
            try self.init(activating: PackSource.read(activation: activation))
        } else if let deactivated {
            self = .deactivate(id: deactivated)
        } else {
            throw PackError(
                .malformed, file: "system.pack", what: "neither a pack nor the id of one",
                remedy: "the record is damaged: verify the log")
        }
    }

    func encode(to json: inout JSONWriter) {
        switch self {
        case .activate(let source, _): json.raw("pack", source.activation())
        case .deactivate(let id): json.string("deactivated", id)
        }
    }
}

/// The packs in force, in the order in which they first came.
struct PackSet: Sendable {
    private(set) var compiled: [CompiledPack] = []
    /// Where the log has the activation of each.
    private(set) var offsets: [UInt64] = []

    init() {}

    /// Packs that are in force by the records at these offsets.
    init(compiled: [CompiledPack], offsets: [UInt64]) {
        self.compiled = compiled
        self.offsets = offsets
    }

    var identities: [PackIdentity] {
        compiled.map { PackIdentity(id: $0.id, version: $0.version, hash: $0.hash) }
    }

    mutating func apply(_ change: PackChange, recordedAt offset: UInt64) {
        switch change {
        case .activate(_, let pack):
            if let index = compiled.firstIndex(where: { $0.id == pack.id }) {
                compiled[index] = pack
                offsets[index] = offset
            } else {
                compiled.append(pack)
                offsets.append(offset)
            }
        case .deactivate(let id):
            guard let index = compiled.firstIndex(where: { $0.id == id }) else { return }
            compiled.remove(at: index)
            offsets.remove(at: index)
        }
    }
}
