// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilEngine
internal import VigilTransport

/// The section `curve` of the settings: the daemon's keys, and who may do what.
package struct CurveSettings: Sendable {
    private static let connectionsDefault = 4096
    private static let connectionsRange = 1...100_000

    /// The file of the daemon's own keys.
    package let keyFile: String
    /// Connections that one socket may have.
    package let connectionsMax: Int
    /// Who is known, by name.
    package var principalNames: [String] { principals.map(\.value.name).sorted() }
    /// How many keys are known.
    package var principalCount: Int { principals.count }
    let principals: [CurvePublicKey: Grants]

    /// Reads the section of a file; nil where the file has none.
    ///
    /// - Throws: `DaemonError` naming the line, what is wrong and what to write.
    init?(_ settings: [(key: String, value: SettingsNode)]) throws(DaemonError) {
        guard let section = settings.first(where: { $0.key == "curve" })?.value else { return nil }
        let fields = try section.fields(["keyFile", "connectionsMax", "principals"])
        guard let keyFile = fields["keyFile"] else {
            throw section.fault("it lacks `keyFile`", "name the file of `vigil keys new`")
        }
        self.keyFile = try keyFile.text()
        connectionsMax =
            try fields["connectionsMax"]?.number(in: CurveSettings.connectionsRange)
            ?? CurveSettings.connectionsDefault
        var principals: [CurvePublicKey: Grants] = [:]
        for item in try fields["principals"]?.items() ?? [] {
            let (key, grants) = try CurveSettings.principal(item)
            guard !principals.values.contains(where: { $0.name == grants.name }) else {
                throw item.fault(
                    "the name \(grants.name) is there twice",
                    "give each principal its own: refusals are told of by name")
            }
            guard principals.updateValue(grants, forKey: key) == nil else {
                throw item.fault(
                    "the key of \(grants.name) is there twice", "give each principal its own")
            }
        }
        self.principals = principals
    }

    private static func principal(
        _ item: SettingsNode
    ) throws(DaemonError) -> (CurvePublicKey, Grants) {
        let fields = try item.fields(["name", "key", "publish", "read"])
        guard let name = fields["name"], let keyNode = fields["key"] else {
            throw item.fault("it lacks name or key", "give both")
        }
        guard let key = CurvePublicKey(try keyNode.text()) else {
            throw keyNode.fault(
                "it is no public key", "write the 40 characters that `vigil keys show FILE` prints")
        }
        let publish = try fields["publish"]?.fields(["sources", "topics"]) ?? [:]
        let read = try fields["read"]?.fields(["topics", "inbound"]) ?? [:]
        return (
            key,
            Grants(
                name: try name.text(),
                sources: try texts(publish["sources"]) { text throws(GrantError) in
                    SourceGrant(text)
                },
                topics: try texts(publish["topics"], InboundGrant.init),
                outputs: try texts(read["topics"], OutputGrant.init),
                inbound: try texts(read["inbound"], InboundGrant.init))
        )
    }

    private static func texts<Grant>(
        _ node: SettingsNode?, _ make: (String) throws(GrantError) -> Grant
    ) throws(DaemonError) -> [Grant] {
        var grants: [Grant] = []
        for item in try node?.items() ?? [] {
            let text = try item.text()
            do throws(GrantError) {
                grants.append(try make(text))
            } catch {
                throw item.fault(error.description, "see the page on security")
            }
        }
        return grants
    }
}
