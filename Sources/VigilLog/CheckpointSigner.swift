// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

internal import VigilCore

/// Signs the tree of a log that is being written, on a thread of its own.
///
/// A checkpoint is signed at the start, after so many records, after some minutes in which the log
/// has grown, and when it stops. A failure is told and tried again: no record waits for it.
package final class CheckpointSigner: Sendable {
    /// When a checkpoint is due.
    package struct Rhythm: Sendable {
        /// After so many records.
        package var recordsMax: UInt64 = 65_536
        /// After so many seconds, where there are new records.
        package var secondsMax: Int64 = 600

        /// Every 65,536 records, and every 10 minutes.
        package init() {}
    }

    private let stopping = Monitor(false)
    private let thread: OwnThread

    /// Begins to sign.
    ///
    /// - Parameters:
    ///   - directory: the data directory, whose lock the caller holds.
    ///   - origin: the log's name.
    ///   - head: the tree over what is durable.
    ///   - rhythm: when a checkpoint is due.
    ///   - tell: is called on the signer's thread with what keeps it from signing.
    /// - Throws: `TreeError` where the key or what was signed last forbids it, `LogError`.
    package init(
        directory: String, origin: String, head: DurableTreeHead, rhythm: Rhythm = Rhythm(),
        tell: @escaping @Sendable (String) -> Void
    ) throws {
        let key = try KeyFile(directory: directory).loadOrMake(origin: origin)
        let history = SignedHistory(directory: directory)
        let stopping = stopping
        thread = try OwnThread(name: "vigil-sign") {
            var work = Work(key: key, history: history, head: head, rhythm: rhythm, tell: tell)
            while stopping.wait(atMostMilliseconds: 1000, for: { $0 ? true : nil }) == nil {
                work.signIfDue()
            }
            work.sign()
        }
    }

    /// Signs the tree as it is now, and ends; called once, behind the last commit.
    package func stop() {
        stopping.change { $0 = true }
        thread.join()
    }

    /// The state of the signer's thread.
    private struct Work {
        let key: SigningKey
        let history: SignedHistory
        let head: DurableTreeHead
        let rhythm: Rhythm
        let tell: @Sendable (String) -> Void
        var signedSize: UInt64 = 0
        /// Wakes of a second since the last signature.
        var elapsedSeconds: Int64 = .max
        var hasFailed = false

        private static let retrySeconds: Int64 = 30

        mutating func signIfDue() {
            if elapsedSeconds < .max { elapsedSeconds += 1 }
            let size = head.value.size
            guard size > signedSize else { return }
            let isDue =
                hasFailed
                ? elapsedSeconds >= Self.retrySeconds
                : size - signedSize >= rhythm.recordsMax || elapsedSeconds >= rhythm.secondsMax
            if isDue { sign() }
        }

        mutating func sign() {
            let head = head.value
            elapsedSeconds = 0
            guard head.size > signedSize else { return }
            do {
                _ = try history.sign(head, with: key)
                signedSize = head.size
                hasFailed = false
            } catch {
                hasFailed = true
                tell("no checkpoint was signed: \(error)")
            }
        }
    }
}
