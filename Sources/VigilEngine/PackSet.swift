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
    /// - Parameters:
    ///   - source: the pack.
    ///   - settings: which set its parameters.
    /// - Throws: where the pack does not compile with them.
    package init(
        activating source: PackSource, settings: FoldSettings = FoldSettings()
    ) throws(PackError) {
        let parameters = settings.parameters(of: source.id)
        self = .activate(source, try CompiledPacks.check(source, parameters: parameters).pack)
    }

    /// Reads the change that a record carries.
    ///
    /// - Parameters:
    ///   - payload: the record's.
    ///   - settings: those in force.
    /// - Throws: where the record is not one, or its pack does not compile.
    package init(record payload: [UInt8], settings: FoldSettings) throws(PackError) {
        let document = JSONDocument()
        var activation: [UInt8]?
        var deactivated: String?
        _ = try? document.withRoot(of: payload) { root in
            let data = root.member("data").first
            activation = data?.member("pack").first?.compactText
            deactivated = data?.member("deactivated").first?.text
        }
        if let activation {
            let source = try PackSource.read(activation: activation)
            self = .activate(source, try PackSet.compile(source, settings: settings))
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
    private var sources: [PackSource] = []
    private(set) var compiled: [CompiledPack] = []
    /// Where the log has the activation of each.
    private(set) var offsets: [UInt64] = []

    var identities: [PackIdentity] {
        compiled.map { PackIdentity(id: $0.id, version: $0.version, hash: $0.hash) }
    }

    /// Which packs share the id of a rule, as a sentence; nil where none do.
    var sharedRule: String? {
        var owners: [String: String] = [:]
        for pack in compiled {
            for rule in pack.rules {
                guard let other = owners.updateValue(pack.id, forKey: rule.id) else { continue }
                return "the packs \(other) and \(pack.id) both have a rule \(rule.id): "
                    + "put one of them in force, or rename it"
            }
        }
        return nil
    }

    mutating func apply(_ change: PackChange, recordedAt offset: UInt64) {
        switch change {
        case .activate(let source, let pack):
            if let index = compiled.firstIndex(where: { $0.id == pack.id }) {
                sources[index] = source
                compiled[index] = pack
                offsets[index] = offset
            } else {
                sources.append(source)
                compiled.append(pack)
                offsets.append(offset)
            }
        case .deactivate(let id):
            guard let index = compiled.firstIndex(where: { $0.id == id }) else { return }
            sources.remove(at: index)
            compiled.remove(at: index)
            offsets.remove(at: index)
        }
    }

    /// Compiles the packs anew whose parameters are set otherwise than before.
    mutating func apply(
        _ settings: FoldSettings, before: FoldSettings
    ) throws(PackError) {
        for (index, source) in sources.enumerated()
        where settings.parameters(of: source.id) != before.parameters(of: source.id) {
            compiled[index] = try PackSet.compile(source, settings: settings)
        }
    }

    /// A pack as it runs under settings.
    ///
    /// They may be those for another version of it, which is about to take its place: what does
    /// not fit this one leaves its defaults in force.
    static func compile(
        _ source: PackSource, settings: FoldSettings
    ) throws(PackError) -> CompiledPack {
        do throws(PackError) {
            let parameters = settings.parameters(of: source.id)
            return try CompiledPacks.check(source, parameters: parameters).pack
        } catch {
            return try CompiledPacks.check(source).pack
        }
    }
}

extension PackSet {
    /// The packs that are to be in force together: of two with the same id the later one.
    ///
    /// - Throws: where two of them have a rule of the same id.
    init(of changes: [PackChange]) throws(OpeningError) {
        self.init()
        for change in changes { apply(change, recordedAt: 0) }
        if let why = sharedRule { throw .sharedRule(why) }
    }
}
