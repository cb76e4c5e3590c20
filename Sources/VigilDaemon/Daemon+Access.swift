// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import VigilEngine

extension Daemon {
    /// Ends the process: nobody could tell any more who comes in.
    @Sendable static func endWithoutAccess(_ error: any Error) {
        tell("the sockets are closed: \(error)")
        exit(DaemonError.Kind.notPermitted.rawValue)
    }

    /// Puts the principals and grants of settings that were read again in the place of the others.
    ///
    /// - Throws: `DaemonError` where more than them has changed: nothing is taken then.
    static func takeGrants(
        of settings: Settings, before: Settings, _ access: AccessControl
    ) throws(DaemonError) {
        guard settings.curve?.keyFile == before.curve?.keyFile,
            settings.curve?.connectionsMax == before.curve?.connectionsMax
        else {
            throw DaemonError(
                .configuration, "curve: keyFile and connectionsMax change with a restart only")
        }
        guard let curve = settings.curve else { return }
        let isChanged = access.replace(curve.principals)
        tell(
            "the grants of \(curve.principalCount) principals were read again"
                + (isChanged ? "" : ": nothing has changed"))
    }
}
