// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import VigilEngine
internal import VigilLog
internal import VigilTransport

extension Daemon {
    /// Ends the process: nobody could tell any more who comes in.
    @Sendable static func endWithoutAccess(_ error: any Error) {
        tell("the sockets are closed: \(error)")
        exit(DaemonError.Kind.notPermitted.rawValue)
    }

    /// Reads the principals and their grants again.
    ///
    /// What is wrong leaves those in place that are.
    static func reload(_ settings: Settings, _ access: AccessControl) {
        guard let file = settings.file, let before = settings.curve else {
            tell("there are no grants to read again: the settings have no section curve")
            return
        }
        do {
            let curve = try readCurve(file)
            guard curve.keyFile == before.keyFile, curve.connectionsMax == before.connectionsMax
            else {
                tell("keyFile and connectionsMax change with a restart only: nothing was changed")
                return
            }
            let isChanged = access.replace(curve.principals)
            tell(
                isChanged
                    ? "the grants were read again: \(curve.principalCount) principals"
                    : "the grants were read again: nothing has changed")
        } catch {
            tell("the grants stay as they are: \(error)")
        }
    }

    private static func readCurve(_ file: String) throws(DaemonError) -> CurveSettings {
        guard let text = FileManager.default.contents(atPath: file) else {
            throw DaemonError(.missingInput, "the file \(file) cannot be read")
        }
        var settings = Settings()
        try settings.fill(fromYAML: String(decoding: text, as: UTF8.self), file: file)
        guard let curve = settings.curve else {
            throw DaemonError(.configuration, "\(file) has no section curve any more")
        }
        return curve
    }
}

/// Waits on a thread of its own for SIGHUP.
final class ReloadService: Sendable {
    private let stopping: WakeDescriptor
    private let thread: OwnThread

    /// Begins to wait.
    init(_ signal: SignalDescriptor, _ reload: @escaping @Sendable () -> Void) throws {
        let stopping = try WakeDescriptor()
        self.stopping = stopping
        thread = try OwnThread(name: "vigil-reload") {
            let poller = Poller()
            let hangUp = poller.add(fileDescriptor: signal.fileDescriptor)
            let stop = poller.add(fileDescriptor: stopping.fileDescriptor)
            while (try? poller.wait(timeoutMilliseconds: nil)) != nil,
                poller.events(at: stop).isEmpty
            {
                guard !poller.events(at: hangUp).isEmpty else { continue }
                signal.drain()
                reload()
            }
        }
    }

    /// Ends the thread.
    func stop() {
        stopping.wake()
        thread.join()
    }
}
