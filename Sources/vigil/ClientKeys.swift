// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation
internal import VigilTransport

/// The flag that every command takes, of one that prints nothing but JSON.
struct JSONOnly: ParsableArguments {
    @Flag(help: "Taken as everywhere: what is printed is JSON in any case.")
    var json = false
}

/// The keys of a client, for a daemon that wants some.
struct ClientKeys: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's public key, or a file that holds it (else VIGIL_SERVER_KEY).",
            valueName: "key"))
    var serverKey: String?

    @Option(
        help: ArgumentHelp(
            "The file of this client's own keys, as vigil keys new makes it (else VIGIL_KEY_FILE).",
            valueName: "file"))
    var keyFile: String?

    /// The keys; nil where none are named.
    ///
    /// - Throws: A `CommandFailure` where only one of the two is there, or one cannot be used.
    func load() throws(CommandFailure) -> ClientCurve? {
        let environment = ProcessInfo.processInfo.environment
        switch (
            serverKey ?? environment["VIGIL_SERVER_KEY"], keyFile ?? environment["VIGIL_KEY_FILE"]
        )
        {
        case (nil, nil): return nil
        case (let server?, let file?):
            do throws(CurveKeyError) {
                let key: CurvePublicKey
                if let given = CurvePublicKey(server) {
                    key = given
                } else {
                    key = try CurveKeyFile(path: server).loadPublicKey()
                }
                return ClientCurve(keys: try CurveKeyFile(path: file).loadPair(), server: key)
            } catch {
                throw CommandFailure(
                    error.isMissing ? .missingInput : .configuration, error.description)
            }
        case (nil, _):
            throw CommandFailure(.usage, "--key-file needs the daemon's key too: --server-key")
        case (_, nil):
            throw CommandFailure(.usage, "--server-key needs this client's keys too: --key-file")
        }
    }
}

/// What a client comes with, and what it must find.
struct ClientCurve {
    let keys: CurveKeyPair
    let server: CurvePublicKey

    /// To be set before the socket connects.
    var option: SocketOption { .curveClient(keys, server: server) }

    /// What to say when the daemon does not know the key.
    static func refused(_ curve: ClientCurve?, by endpoint: Endpoint) -> CommandFailure {
        CommandFailure(
            .notPermitted,
            "the daemon at \(endpoint) knows no principal with the key "
                + (curve?.keys.publicKey.text ?? "of this client")
                + "; who runs it has to add it to its settings")
    }
}
