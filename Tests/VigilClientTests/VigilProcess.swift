// Vigil, the prescribing safety daemon.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A run of the `vigil` executable that was built beside the tests.
final class VigilProcess: Sendable {
    private let process: Mutex<Process>
    private let output = Mutex<Data>(Data())
    private let errors = Mutex<Data>(Data())
    private let outputPipe = Pipe()
    private let errorPipe = Pipe()

    init(_ arguments: [String], input: String? = nil) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("vigil")
        process.arguments = arguments
        process.standardOutput = outputPipe
        process.standardError = errorPipe
        let inputPipe = Pipe()
        process.standardInput = inputPipe
        self.process = Mutex(process)
        try process.run()
        Thread.detachNewThread { [self] in
            VigilProcess.collect(outputPipe.fileHandleForReading) { data in
                output.withLock { $0.append(data) }
            }
        }
        Thread.detachNewThread { [self] in
            VigilProcess.collect(errorPipe.fileHandleForReading) { data in
                errors.withLock { $0.append(data) }
            }
        }
        if let input { inputPipe.fileHandleForWriting.write(Data(input.utf8)) }
        try inputPipe.fileHandleForWriting.close()
    }

    private static func collect(_ handle: FileHandle, _ body: (Data) -> Void) {
        while true {
            let data = handle.availableData
            if data.isEmpty { return }
            body(data)
        }
    }

    /// The lines on stdout so far.
    var lines: [String] {
        output.withLock { String(decoding: $0, as: UTF8.self) }
            .split(separator: "\n").map(String.init)
    }

    /// What was said on stderr so far.
    var talk: String {
        errors.withLock { String(decoding: $0, as: UTF8.self) }
    }

    /// Waits until a condition holds; false after 20 seconds.
    static func wait(until condition: () -> Bool) -> Bool {
        let deadline = Date().addingTimeInterval(20)
        while !condition() {
            if Date() > deadline { return false }
            Thread.sleep(forTimeInterval: 0.01)
        }
        return true
    }

    /// Sends SIGTERM.
    func terminate() {
        process.withLock { $0.terminate() }
    }

    /// The exit code, once the process has ended; -1 where it had to be killed.
    func exitCode() -> Int32 {
        guard VigilProcess.wait(until: { process.withLock { !$0.isRunning } }) else {
            process.withLock { _ = kill($0.processIdentifier, SIGKILL) }
            return -1
        }
        Thread.sleep(forTimeInterval: 0.05)
        return process.withLock { $0.terminationStatus }
    }
}
